//! What is written arrives: whole, in order, and as early as it can.

use std::cell::Cell;
use std::fs::{self, File};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lariat::{Bytes, Transport, WriteStatus};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, Scratch, everywhere, in_clear};

/// Bytes that tell their place.
fn pattern(length: usize) -> Vec<u8> {
    let number = |at: usize| u32::try_from(at).unwrap_or(0).wrapping_mul(2_654_435_761);
    (0..length.div_ceil(4)).flat_map(|at| number(at).to_le_bytes()).take(length).collect()
}

#[test]
fn what_a_callback_writes_gathers_and_leaves_when_it_returns() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let queued = Shared::new(Vec::new());
        let seen = queued.clone();
        let answer = move |transport: &Transport, _: &[u8]| {
            for part in [b"one ", b"two "] {
                assert_eq!(transport.write(part), WriteStatus::Accepted);
                seen.with(|seen| seen.push(transport.queued()));
            }
        };
        world.pair(server.probe().data(answer), client.probe());
        client.transport().write(b"x");
        world.until("the answer is here", || client.received() == b"one two ");
        assert_eq!(queued.take(), [4, 8], "it gathers during the callback");
        assert_eq!(server.transport().queued(), 0, "and is gone afterwards");
        assert_eq!(client.deliveries(), 1);
    });
}

#[test]
fn what_is_written_to_another_connection_leaves_before_the_turn_ends() {
    everywhere(|mut world| {
        let (relay, sink, clients) = (Log::new(), Log::new(), Log::new());
        world.pair(sink.probe(), clients.probe());
        let to = sink.transport();
        let pass_on = move |_: &Transport, data: &[u8]| {
            to.write(data);
            to.write(b"!");
        };
        let source = Log::new();
        world.pair(relay.probe().data(pass_on), source.probe());
        source.transport().write(b"hello");
        world.until("it has come to the relay", || relay.has("data"));
        assert_eq!(sink.transport().queued(), 0);
        world.until("it is passed on", || clients.received() == b"hello!");
    });
}

#[test]
fn what_is_to_be_written_now_leaves_at_once_unless_something_waits_before_it() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(Transport::pause_reading));
        let transport = server.transport();
        for part in [b"one ", b"two "] {
            assert_eq!(transport.write_now(part), WriteStatus::Accepted);
            assert_eq!(transport.queued(), 0, "the kernel has it");
        }
        assert_eq!(transport.write_now(b""), WriteStatus::Accepted);
        transport.write(b"three ");
        assert_eq!(transport.queued(), 6);
        assert_eq!(transport.write_now(b"four "), WriteStatus::Accepted);
        assert_eq!(transport.queued(), 11, "it stays behind what waits");
        client.transport().resume_reading();
        world.until("all is here", || client.received() == b"one two three four ");
    });
}

#[test]
fn who_writes_now_learns_from_the_call_that_the_peer_does_not_keep_up_and_nothing_is_lost() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(Transport::pause_reading));
        let (transport, block) = (server.transport(), pattern(1024 * 1024));
        let mut written = Vec::new();
        let status = loop {
            written.extend_from_slice(&block);
            match transport.write_now(&block) {
                WriteStatus::Accepted if written.len() < 256 * block.len() => {}
                status => break status,
            }
        };
        assert_eq!(status, WriteStatus::Paused);
        assert!(transport.queued() > 0);
        client.transport().resume_reading();
        world.until("all is here", || client.received_len() == written.len());
        assert!(client.received() == written);
        assert!(server.has("write paused") && server.has("write resumed"));
        transport.close();
        assert_eq!(transport.write_now(b"x"), WriteStatus::Closed);
    });
}

#[test]
fn what_is_written_first_in_a_turn_leaves_at_once_and_the_rest_together() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        client.transport().write(b"x");
        world.until("a turn later than that in which they met", || server.has("data"));
        let (transport, queued) = (server.transport(), Rc::new(Cell::new(None)));
        let (reactor, seen) = (transport.reactor().clone(), queued.clone());
        reactor.call_later(Duration::from_millis(5), move |_| {
            let first = (transport.write_first(b"one "), transport.queued());
            let later = [b"two ", b"six "].map(|part| (transport.write_first(part), transport.queued()));
            seen.set(Some((first, later)));
        });
        world.until("all is here", || client.received() == b"one two six ");
        let accepted = |queued| (WriteStatus::Accepted, queued);
        assert_eq!(queued.get(), Some((accepted(0), [accepted(4), accepted(8)])));
    });
}

#[test]
fn what_is_written_first_to_a_peer_that_does_not_keep_up_is_queued_and_nothing_is_lost() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(Transport::pause_reading));
        let (transport, block) = (server.transport(), pattern(16 * 1024 * 1024));
        transport.set_queue_limit(2 * block.len());
        transport.reactor().call_later(Duration::from_millis(5), {
            let (transport, block) = (transport.clone(), block.clone());
            move |_| {
                assert_eq!(transport.write_first(&block), WriteStatus::Paused);
                assert_eq!(transport.write_first(b""), WriteStatus::Paused);
                transport.close();
                assert_eq!(transport.write_first(b"x"), WriteStatus::Closed);
            }
        });
        world.until("it is queued", || !transport.is_open());
        client.transport().resume_reading();
        world.until("all is here", || client.received_len() == block.len());
        assert!(client.received() == block);
    });
}

#[test]
fn what_a_callback_writes_now_to_its_own_connection_gathers_with_the_rest() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let answer = |transport: &Transport, _: &[u8]| {
            transport.write(b"one ");
            transport.write_now(b"two ");
        };
        world.pair(server.probe().data(answer), client.probe());
        client.transport().write(b"x");
        world.until("the answer is here", || client.received() == b"one two ");
        assert_eq!(client.deliveries(), 1);
    });
}

#[test]
fn slices_chunks_and_files_keep_their_order() {
    everywhere(|mut world| {
        let scratch = Scratch::new();
        let bytes = pattern(100_000);
        fs::write(scratch.path("file"), &bytes).expect("the directory is writable");
        let file = Arc::new(File::open(scratch.path("file")).expect("it is there"));
        let mut expected = Vec::new();
        let parts: Vec<_> = [(0, 10), (10, 50_000), (50_000, 50_001), (60_000, 100_000), (0, 100_000)].into();
        for (from, to) in &parts {
            for _ in 0..3 {
                expected.extend_from_slice(&bytes[*from..*to]);
            }
        }
        let (server, client) = (Log::new(), Log::new());
        let mixed = move |transport: &Transport| {
            transport.set_backpressure(false);
            for (from, to) in &parts {
                transport.write(&bytes[*from..*to]);
                transport.write_file(file.clone(), *from as u64..*to as u64);
                transport.write_chunk(bytes[*from..*to].to_vec());
            }
        };
        world.pair(server.probe(), client.probe().made(mixed));
        world.until("all has arrived", || server.received_len() == expected.len());
        assert!(server.received() == expected);
        assert_eq!(client.transport().queued(), 0);
    });
}

#[test]
fn a_large_write_in_a_callback_keeps_its_place_among_small_ones() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let large = pattern(300_000);
        let mut expected = b"before".to_vec();
        expected.extend_from_slice(&large);
        expected.extend_from_slice(b"after");
        let write = move |transport: &Transport| {
            transport.write(b"before");
            transport.write(&large);
            transport.write(b"after");
        };
        world.pair(server.probe(), client.probe().made(write));
        world.until("all has arrived", || server.received_len() == expected.len());
        assert!(server.received() == expected);
    });
}

#[test]
fn an_empty_write_is_nothing() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let transport = client.transport();
        assert_eq!(transport.write(b""), WriteStatus::Accepted);
        assert_eq!(transport.write_chunk(Bytes::new()), WriteStatus::Accepted);
        assert_eq!(transport.queued(), 0);
        world.settle();
        assert_eq!(server.story(), ["made"]);
        transport.write(b"x");
        world.until("what follows arrives", || server.received() == b"x");
    });
}

#[test]
fn a_file_that_is_shorter_than_was_promised_ends_the_connection() {
    everywhere(|mut world| {
        let scratch = Scratch::new();
        fs::write(scratch.path("file"), b"short").expect("the directory is writable");
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let file = File::open(scratch.path("file")).expect("it is there");
        assert_eq!(client.transport().write_file(file, 0..100), WriteStatus::Accepted);
        world.until_lost(&[&server, &client]);
        assert_eq!(client.lost().as_deref(), Some("UnexpectedEof"));
        assert_eq!(server.received(), b"short");
    });
}

#[test]
fn a_chunk_is_shared_rather_than_copied_and_let_go_of_once_sent() {
    in_clear(|mut world| {
        struct Owner(Arc<AtomicU32>);
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                &[7; 5000]
            }
        }
        impl Drop for Owner {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let dropped = Arc::new(AtomicU32::new(0));
        client.transport().write_chunk(Bytes::from_owner(Owner(dropped.clone())));
        assert_eq!(dropped.load(Ordering::Relaxed), 0, "the queue has it, and no copy");
        world.until("it has arrived", || server.received_len() == 5000);
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn nothing_can_be_written_once_the_connection_has_ended() {
    everywhere(|mut world| {
        let scratch = Scratch::new();
        fs::write(scratch.path("file"), b"bytes").expect("the directory is writable");
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let transport = client.transport();
        transport.close();
        assert_eq!(transport.write(b"late"), WriteStatus::Closed);
        world.until_lost(&[&server, &client]);
        assert_eq!(transport.write(b"late"), WriteStatus::Closed);
        assert_eq!(transport.write_chunk(b"late".to_vec()), WriteStatus::Closed);
        let file = File::open(scratch.path("file")).expect("it is there");
        assert_eq!(transport.write_file(file, 0..5), WriteStatus::Closed);
        assert_eq!(transport.queued(), 0);
        world.settle();
        assert_eq!(server.received(), b"");
    });
}

#[test]
fn formatted_text_is_written_like_any_other() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let greet = |transport: &Transport| {
            assert_eq!(write!(transport, "{} and {:03}", "text", 7), WriteStatus::Accepted);
        };
        world.pair(server.probe(), client.probe().made(greet));
        world.until("it has arrived", || server.received() == b"text and 007");
        client.transport().close();
        assert_eq!(write!(client.transport(), "{}", "late"), WriteStatus::Closed);
    });
}

#[test]
fn a_write_of_nothing_says_how_things_stand() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(Transport::pause_reading), client.probe());
        let transport = client.transport();
        assert_eq!(transport.write(b""), WriteStatus::Accepted);
        while transport.queued() < 1 << 20 {
            transport.write(&[b'x'; 50_000]);
            world.turn(Some(Duration::ZERO));
        }
        assert_eq!(transport.write(b""), WriteStatus::Paused);
        transport.abort();
        assert_eq!(transport.write(b""), WriteStatus::Closed);
        assert_eq!(transport.write_chunk(Bytes::new()), WriteStatus::Closed);
    });
}
