//! Queues are bounded: by their marks in good time, by their limit at last.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::{ListenOptions, Transport, WriteStatus};
use lariat_tests::downstream::Shared;
use lariat_tests::faults::Records;
use lariat_tests::harness::{Log, World, everywhere, simulated};

const CHUNK: usize = 16 * 1024;

/// Writes until the queue is above its high mark.
fn fill(transport: &Transport) -> usize {
    let mut written = 0;
    loop {
        written += CHUNK;
        match transport.write(&[b'x'; CHUNK]) {
            WriteStatus::Accepted => {}
            WriteStatus::Paused => return written,
            other => panic!("{other:?} after {written} bytes"),
        }
    }
}

/// What it was told of its marks.
fn marks(log: &Log) -> Vec<String> {
    log.story().into_iter().filter(|heard| heard.starts_with("write")).collect()
}

/// Writes until the kernel takes no more and the queue is above its mark even after a turn.
fn fill_for_good(world: &mut World, log: &Log) -> usize {
    let mut written = 0;
    loop {
        written += fill(&log.transport());
        world.settle();
        if log.transport().queued() > 64 * 1024 {
            return written;
        }
    }
}

#[test]
fn the_marks_are_told_on_the_edges_only() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.transport().pause_reading();
        let written = fill_for_good(&mut world, &client);
        let before = marks(&client);
        assert_eq!(before.last().map(String::as_str), Some("write paused"));
        assert_eq!(client.transport().write(b"y"), WriteStatus::Paused);
        world.settle();
        assert_eq!(marks(&client), before, "it has been told");
        server.transport().resume_reading();
        world.until("all has arrived", || server.received_len() == written + 1);
        world.settle();
        let marks = marks(&client);
        assert_eq!(marks[before.len()..], ["write resumed"]);
        assert!(marks.chunks(2).all(|pair| pair == ["write paused", "write resumed"]), "they take turns: {marks:?}");
    });
}

#[test]
fn who_was_told_to_pause_hears_when_to_resume_even_if_the_kernel_took_it_all_at_once() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        // The kernel has room for all of this, so it leaves in the same turn.
        fill(&client.transport());
        world.turn(Some(Duration::ZERO));
        assert_eq!(client.transport().queued(), 0);
        assert_eq!(marks(&client), ["write paused", "write resumed"]);
        assert_eq!(client.transport().write(b"x"), WriteStatus::Accepted);
        world.until("it has arrived", || server.received_len() > 64 * 1024);
    });
}

#[test]
fn the_queue_resumes_at_the_low_mark_and_no_earlier() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let queued = Shared::new(None);
        let seen = queued.clone();
        let note = move |transport: &Transport| seen.with(|seen| *seen = Some(transport.queued()));
        world.pair(server.probe(), client.probe().write_resumed(note));
        client.transport().set_water_marks(5_000, 50_000);
        server.transport().pause_reading();
        fill_for_good(&mut world, &client);
        server.transport().resume_reading();
        world.until("it resumes", || client.has("write resumed"));
        assert!(queued.take().is_some_and(|queued| queued <= 5_000));
    });
}

#[test]
fn lower_marks_take_effect_on_what_is_queued_already() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.transport().pause_reading();
        let transport = client.transport();
        transport.set_water_marks(1 << 20, 8 << 20);
        let mut written = 0;
        while transport.queued() < 200_000 {
            assert_eq!(transport.write(&[b'x'; CHUNK]), WriteStatus::Accepted);
            written += CHUNK;
            world.turn(Some(Duration::ZERO));
        }
        world.settle();
        assert_eq!(client.story(), ["made"]);
        transport.set_water_marks(1_000, 100_000);
        world.until("it is above its mark", || client.has("write paused"));
        transport.set_water_marks(1 << 20, 8 << 20);
        world.until("it is below its mark", || client.has("write resumed"));
        server.transport().resume_reading();
        world.until("all has arrived", || server.received_len() == written);
        assert_eq!(marks(&client), ["write paused", "write resumed"]);
    });
}

#[test]
fn an_echo_whose_client_does_not_read_stops_reading_itself_and_goes_on_later() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        let transport = client.transport();
        transport.set_backpressure(false);
        transport.pause_reading();
        let mut sent = 0;
        // Until both kernels and the server are full and nothing moves any more.
        loop {
            let before = server.received_len();
            while transport.queued() < 1 << 20 {
                transport.write(&[b'x'; CHUNK]);
                sent += CHUNK;
            }
            world.settle();
            if server.received_len() == before {
                break;
            }
        }
        assert!(server.has("write paused"));
        let held = server.transport().queued();
        // What is held: up to the mark, and what one read brought beyond it.
        assert!((64 * 1024..=192 * 1024).contains(&held), "{held} bytes held");
        transport.resume_reading();
        world.until("all is back", || client.received_len() == sent);
        assert_eq!(server.transport().queued(), 0);
        assert_eq!(server.count("write paused"), server.count("write resumed"));
        // Whoever kept input for later is told that it may go on.
        assert_eq!(server.count("read resumed"), server.count("write resumed"));
    });
}

#[test]
fn without_back_pressure_reading_goes_on_above_the_mark() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let off = |transport: &Transport| transport.set_backpressure(false);
        world.pair(server.probe().made(off).echo(), client.probe().made(off));
        let transport = client.transport();
        transport.pause_reading();
        while server.received_len() < 8 << 20 {
            while transport.queued() < 1 << 20 {
                transport.write(&[b'x'; CHUNK]);
            }
            world.turn(Some(Duration::ZERO));
        }
        assert!(server.transport().queued() > 1 << 20);
    });
}

#[test]
fn switching_back_pressure_off_resumes_reading_and_on_stops_it() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        client.transport().pause_reading();
        fill_for_good(&mut world, &server);
        client.transport().write(b"first");
        world.settle();
        assert_eq!(server.received(), b"", "it does not read above its mark");
        server.transport().set_backpressure(false);
        world.until("it reads again", || server.received() == b"first");
        server.transport().set_backpressure(true);
        client.transport().write(b" second");
        world.settle();
        assert_eq!(server.received(), b"first");
        client.transport().resume_reading();
        world.until("it reads once its queue is empty", || server.received() == b"first second");
    });
}

#[test]
fn a_queue_past_its_limit_aborts_the_connection() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        client.transport().pause_reading();
        let transport = server.transport();
        transport.set_queue_limit(1 << 20);
        let mut last = WriteStatus::Accepted;
        for _ in 0..10_000 {
            last = transport.write(&[b'x'; CHUNK]);
            if last == WriteStatus::Overflow {
                break;
            }
            assert_ne!(last, WriteStatus::Closed);
            world.turn(Some(Duration::ZERO));
        }
        assert_eq!(last, WriteStatus::Overflow);
        assert!(!transport.is_open());
        assert_eq!(transport.write(b"x"), WriteStatus::Closed);
        assert!(server.lost().is_none(), "nothing is told before the call returns");
        world.until_lost(&[&server]);
        assert_eq!(server.lost().as_deref(), Some("Overflow"));
        assert_eq!(transport.queued(), 0);
    });
}

#[test]
fn a_callback_that_writes_past_the_limit_aborts_its_own_connection() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let flood = |transport: &Transport, _: &[u8]| {
            transport.set_queue_limit(1 << 20);
            let overflow = (0..1_000).any(|_| transport.write(&[b'x'; CHUNK]) == WriteStatus::Overflow);
            assert!(overflow);
        };
        world.pair(server.probe().data(flood), client.probe());
        client.transport().write(b"x");
        world.until_lost(&[&server, &client]);
        assert_eq!(server.lost().as_deref(), Some("Overflow"));
    });
}

#[test]
fn a_limit_set_below_what_is_queued_aborts_the_connection() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        client.transport().pause_reading();
        fill_for_good(&mut world, &server);
        server.transport().set_queue_limit(1_000);
        world.until_lost(&[&server]);
        assert_eq!(server.lost().as_deref(), Some("Overflow"));
    });
}

#[test]
fn a_ports_options_are_those_of_its_connections() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let mut options = ListenOptions::default();
        options.stream.queue_limit = 100_000;
        options.stream.high_water_mark = 1_000;
        let write = |transport: &Transport, _: &[u8]| {
            assert_eq!(transport.write_chunk(vec![0; 900]), WriteStatus::Accepted);
            assert_eq!(transport.write_chunk(vec![0; 900]), WriteStatus::Paused);
            assert_eq!(transport.write_chunk(vec![0; 100_000]), WriteStatus::Overflow);
        };
        world.pair_with(options, server.probe().data(write), client.probe());
        client.transport().write(b"x");
        world.until_lost(&[&server, &client]);
        assert_eq!(server.lost().as_deref(), Some("Overflow"));
    });
}

/// The stalls that were logged.
fn stalls(records: &Records) -> Vec<String> {
    records.with(" has stalled: ")
}

#[test]
fn two_peers_that_both_write_before_they_read_are_warned_of_once() {
    simulated(|mut world| {
        let records = Records::begin();
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        for log in [&server, &client] {
            log.transport().write(&vec![b'x'; 12 << 20]);
        }
        world.pass(Duration::from_secs(29));
        assert_eq!(stalls(&records), [""; 0]);
        world.pass(Duration::from_secs(3_600));
        let told = stalls(&records);
        assert_eq!(told.len(), 2, "each side once: {told:?}");
        for warning in told {
            assert!(warning.starts_with("WARN connection ") && warning.contains("back-pressure"), "{warning}");
            assert!(warning.contains(" bytes are queued, and for 30s the peer has taken none"), "{warning}");
        }
    });
}

#[test]
fn the_warning_of_a_stall_says_whether_reading_is_paused() {
    for (paused, cause) in [(true, "the protocol has paused reading from it"), (false, "it has sent nothing either")] {
        simulated(|mut world| {
            let records = Records::begin();
            let (server, client) = (Log::new(), Log::new());
            let mut options = ListenOptions::default();
            options.stream.backpressure = false;
            options.stream.stall_warning = Some(Duration::from_secs(7));
            world.pair_with(options, server.probe(), client.probe().made(Transport::pause_reading));
            if paused {
                server.transport().pause_reading();
            }
            server.transport().write(&vec![b'x'; 1 << 20]);
            world.pass(Duration::from_secs(8));
            let [warning] = &stalls(&records)[..] else { panic!("{:?}", records.lines()) };
            assert!(warning.ends_with(cause), "{warning}");
        });
    }
}

#[test]
fn a_slow_reader_and_a_switched_off_warning_are_no_stall() {
    simulated(|mut world| {
        let records = Records::begin();
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().data(|transport, _| transport.pause_reading()));
        server.transport().write(&vec![b'x'; 4 << 20]);
        for _ in 0..20 {
            world.pass(Duration::from_secs(29));
            client.transport().resume_reading();
            world.settle();
        }
        assert!(server.transport().queued() > 64 * 1024, "it is above its mark all the time");
        server.transport().set_stall_warning(None);
        world.pass(Duration::from_secs(3_600));
        assert_eq!(stalls(&records), [""; 0]);
        server.transport().set_stall_warning(Some(Duration::from_secs(5)));
        world.pass(Duration::from_secs(6));
        assert_eq!(stalls(&records).len(), 1);
    });
}

#[test]
fn a_connection_below_its_mark_has_no_timer_for_a_stall() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        client.transport().write(&[b'x'; 10_000]);
        world.settle();
        assert_eq!(world.reactor.stats().timers, 0);
        client.transport().write(&vec![b'x'; 1 << 20]);
        world.until("all has arrived", || server.received_len() == 10_000 + (1 << 20));
        world.pass(Duration::from_secs(31));
        assert_eq!(world.reactor.stats().timers, 0, "it has come down again");
    });
}

#[test]
fn a_mark_set_in_the_call_of_another_waits_for_its_own_bytes() {
    everywhere(|mut world| {
        let (server, client, seen) = (Log::new(), Log::new(), Rc::new(Cell::new(None)));
        let queued = seen.clone();
        let answer = move |transport: &Transport, _: &[u8]| {
            let (transport, queued) = (transport.clone(), queued.clone());
            transport.write(b"first");
            let of_first = transport.clone();
            transport.when_sent(move |_| {
                of_first.write(&vec![0; 8 << 20]);
                let of_second = of_first.clone();
                of_first.when_sent(move |unsent| queued.set(Some((unsent, of_second.queued()))));
            });
        };
        world.pair(server.probe().data(answer), client.probe());
        client.transport().write(b"x");
        world.until("all has arrived", || client.received_len() == 5 + (8 << 20));
        world.settle();
        assert_eq!(seen.get(), Some((0, 0)));
    });
}
