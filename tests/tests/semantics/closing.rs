//! How connections end when one side wants them to.

use std::time::Duration;

use lariat::{ListenOptions, Transport, WriteStatus};
use lariat_tests::harness::{Log, Scratch, World, everywhere, in_clear, over_tcp, simulated};

/// Stays open after the peer's end.
fn stay(_: &Transport) {}

fn pause(transport: &Transport) {
    transport.pause_reading();
}

/// What a peer hears of an abort: over a Unix socket it cannot be told from a close.
fn reset(world: &World) -> &'static str {
    if world.ground.is_tcp() { "ConnectionReset" } else { "Done" }
}

#[test]
fn close_sends_everything_that_is_queued() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let transport = server.transport();
        transport.write(&[b'x'; 1_000_000]);
        transport.close();
        assert!(!transport.is_open());
        world.until_lost(&[&server, &client]);
        assert_eq!(client.received_len(), 1_000_000);
        assert_eq!(client.story(), ["made", "data", "read closed", "lost: Done", "dropped"]);
        assert_eq!(server.lost().as_deref(), Some("Done"));
    });
}

#[test]
fn a_callback_may_write_and_close() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let answer = |transport: &Transport, _: &[u8]| {
            transport.write(b"answer");
            transport.close();
            assert_eq!(transport.write(b"late"), WriteStatus::Closed);
        };
        world.pair(server.probe().data(answer), client.probe());
        client.transport().write(b"question");
        world.until_lost(&[&server, &client]);
        assert_eq!(client.received(), b"answer");
        assert_eq!(server.story(), ["made", "data", "lost: Done", "dropped"]);
    });
}

#[test]
fn a_closed_connection_gets_no_more_input() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().read_closed(stay));
        server.transport().close();
        client.transport().write(b"too late");
        world.until("the peer knows", || client.has("read closed"));
        client.transport().write(b"still too late");
        world.settle();
        client.transport().close();
        world.until_lost(&[&server, &client]);
        assert_eq!(server.story(), ["made", "lost: Done", "dropped"]);
    });
}

#[test]
fn a_peer_that_sends_on_after_the_close_still_gets_the_last_reply_whole() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let reply = |transport: &Transport, _: &[u8]| {
            transport.write(&[b'r'; 150_000]);
            transport.close();
        };
        world.pair(server.probe().data(reply), client.probe().made(pause).read_closed(stay));
        let transport = client.transport();
        transport.set_backpressure(false);
        // An upload that the server refuses, as of a file too large.
        for _ in 0..20 {
            transport.write(&[b'u'; 10_000]);
            world.turn(Some(Duration::ZERO));
        }
        world.settle();
        transport.resume_reading();
        world.until("the reply is here", || client.has("read closed"));
        assert_eq!(client.received_len(), 150_000);
        transport.close();
        world.until_lost(&[&server, &client]);
        assert_eq!(client.lost().as_deref(), Some("Done"));
        assert_eq!(server.lost().as_deref(), Some("Done"));
    });
}

#[test]
fn a_peer_that_neither_ends_nor_sends_is_left_after_5_s() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().read_closed(stay));
        let begun = world.now();
        server.transport().close();
        world.until_lost(&[&server]);
        assert_eq!(world.now() - begun, Duration::from_secs(5));
        assert_eq!(server.lost().as_deref(), Some("Done"));
        assert!(client.lost().is_none());
    });
}

#[test]
fn a_peer_that_goes_on_sending_is_left_after_30_s() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().read_closed(stay));
        let begun = world.now();
        server.transport().close();
        while server.lost().is_none() {
            client.transport().write(&[b'x'; 10_000]);
            world.pass(Duration::from_secs(1));
            assert!(client.lost().is_none() || world.now() - begun > Duration::from_secs(30), "it was reset early");
        }
        assert_eq!((world.now() - begun).as_secs(), 30);
        assert_eq!(server.lost().as_deref(), Some("Done"));
        assert!(world.reactor.stats().bytes_discarded >= 290_000, "{:?}", world.reactor.stats());
    });
}

#[test]
fn the_times_of_lingering_can_be_set_even_while_it_lasts() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let mut options = ListenOptions::default();
        options.stream.linger.idle = Duration::from_secs(20);
        world.pair_with(options, server.probe(), client.probe().read_closed(stay));
        let begun = world.now();
        server.transport().close();
        world.pass(Duration::from_secs(8));
        assert_eq!(world.reactor.stats().lingering, 1);
        let mut linger = lariat::Linger::default();
        linger.time = Duration::from_secs(9);
        linger.idle = Duration::from_secs(9);
        server.transport().set_linger(linger);
        world.until_lost(&[&server]);
        assert_eq!(world.now() - begun, Duration::from_secs(9));
        assert_eq!(world.reactor.stats().lingering, 0);
    });
}

#[test]
fn the_close_timeout_bounds_lingering_and_is_no_failure() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().read_closed(stay));
        let begun = world.now();
        server.transport().set_close_timeout(Duration::from_secs(3));
        server.transport().close();
        world.until_lost(&[&server]);
        assert_eq!(world.now() - begun, Duration::from_secs(3));
        // All that was written was sent.
        assert_eq!(server.lost().as_deref(), Some("Done"));
    });
}

#[test]
fn too_many_lingering_connections_end_oldest_first() {
    everywhere(|mut world| {
        world.reactor.set_linger_limit(2);
        let logs: Vec<_> = (0..4)
            .map(|_| {
                let (server, client) = (Log::new(), Log::new());
                world.pair(server.probe(), client.probe().read_closed(stay));
                (server, client)
            })
            .collect();
        let lost = || logs.iter().map(|(server, _)| server.lost()).collect::<Vec<_>>();
        let done = || Some("Done".to_owned());
        for (server, _) in &logs {
            server.transport().close();
            world.settle();
        }
        assert_eq!(lost(), [done(), done(), None, None]);
        let stats = world.reactor.stats();
        assert_eq!((stats.lingering, stats.lingering_evicted), (2, 2));
        world.reactor.set_linger_limit(0);
        world.settle();
        assert_eq!(lost(), [done(), done(), done(), done()]);
        assert_eq!(world.reactor.stats().lingering, 0);
    });
}

#[test]
fn a_client_that_writes_all_before_it_reads_gets_the_reply() {
    const UPLOAD: usize = 8 << 20;
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let refuse = |transport: &Transport, _: &[u8]| {
            transport.write(b"refused");
            transport.close();
        };
        world.pair(server.probe().data(refuse), client.probe().made(pause).read_closed(stay));
        let transport = client.transport();
        transport.set_backpressure(false);
        transport.write(&vec![b'x'; UPLOAD]);
        world.until("the whole upload was taken", || transport.queued() == 0);
        assert_eq!(client.received(), b"");
        transport.resume_reading();
        world.until("the reply has arrived", || client.has("read closed"));
        assert_eq!(client.received(), b"refused");
        transport.close();
        world.until_lost(&[&server, &client]);
        assert_eq!(server.lost().as_deref(), Some("Done"));
        assert_eq!(client.lost().as_deref(), Some("Done"));
        assert!(world.reactor.stats().bytes_discarded > UPLOAD as u64 / 2);
    });
}

#[test]
fn a_stopped_loop_waits_for_lingering_peers_until_its_deadline() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().drain(Transport::close), client.probe().drain(|_| {}).read_closed(stay));
        let reactor = lariat::Reactor::clone(&world.reactor);
        reactor.set_drain_timeout(Duration::from_secs(1));
        reactor.stop();
        let begun = reactor.now();
        world.reactor.run().expect("the loop runs");
        assert_eq!(reactor.now() - begun, Duration::from_secs(1));
        assert_eq!(server.lost().as_deref(), Some("Aborted"));
        assert_eq!(reactor.drained().map(|drained| drained.cut_off), Some(2));
        assert_eq!(reactor.stats().lingering, 0);
    });
}

#[test]
fn the_bytes_that_are_discarded_after_a_close_can_be_limited() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let mut options = ListenOptions::default();
        options.stream.linger.bytes = Some(256 * 1024);
        world.pair_with(options, server.probe(), client.probe().read_closed(stay));
        let begun = world.now();
        server.transport().close();
        let transport = client.transport();
        transport.set_backpressure(false);
        while server.lost().is_none() {
            transport.write(&[b'x'; 50_000]);
            world.turn(Some(Duration::ZERO));
        }
        assert!(world.now() - begun < Duration::from_secs(1));
        assert_eq!(server.lost().as_deref(), Some("Done"));
    });
}

#[test]
fn a_peer_that_does_not_read_is_aborted_after_the_close_timeout() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let mut options = ListenOptions::default();
        options.stream.close_timeout = Duration::from_millis(30);
        world.pair_with(options, server.probe(), client.probe().made(pause));
        let transport = server.transport();
        transport.write(&[b'x'; 10_000_000]);
        let begun = world.now();
        transport.close();
        world.until_lost(&[&server]);
        assert!(world.now() - begun >= Duration::from_millis(30));
        assert_eq!(server.lost().as_deref(), Some("TimedOut(Close)"));
        client.transport().resume_reading();
        world.until_lost(&[&client]);
        assert!(client.received_len() < 10_000_000);
        assert_eq!(client.lost().as_deref(), Some(reset(&world)));
    });
}

#[test]
fn the_close_timeout_is_half_a_minute_by_default_and_counts_from_the_call() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(pause));
        let transport = server.transport();
        transport.write(&[b'x'; 10_000_000]);
        world.pass(Duration::from_secs(50));
        let begun = world.now();
        transport.close();
        world.until_lost(&[&server]);
        assert_eq!(world.now() - begun, Duration::from_secs(30));
    });
}

/// A connection whose peer reads nothing, with much queued for it.
fn stuck(world: &mut World) -> Log {
    let server = Log::new();
    world.pair(server.probe(), Log::new().probe().made(pause));
    server.transport().write(&[b'x'; 10_000_000]);
    server
}

#[test]
fn the_close_timeout_of_one_connection_can_be_set_before_it_closes() {
    for end in [Transport::close, Transport::close_write] {
        simulated(|mut world| {
            let (own, other) = (stuck(&mut world), stuck(&mut world));
            own.transport().set_close_timeout(Duration::from_secs(45));
            for log in [&own, &other] {
                end(&log.transport());
            }
            let begun = world.now();
            world.until_lost(&[&other]);
            assert_eq!(world.now() - begun, Duration::from_secs(30));
            world.until_lost(&[&own]);
            assert_eq!(world.now() - begun, Duration::from_secs(45));
            assert_eq!(own.lost().as_deref(), Some("TimedOut(Close)"));
        });
    }
}

#[test]
fn the_close_timeout_of_a_connection_that_is_closing_counts_anew_when_it_is_set() {
    for (seconds, all) in [(2, 7), (60, 65), (0, 5)] {
        simulated(|mut world| {
            let server = stuck(&mut world);
            let begun = world.now();
            server.transport().close();
            world.pass(Duration::from_secs(5));
            server.transport().set_close_timeout(Duration::from_secs(seconds));
            world.until_lost(&[&server]);
            assert_eq!((world.now() - begun).as_secs(), all);
            assert_eq!(server.lost().as_deref(), Some("TimedOut(Close)"));
        });
    }
}

#[test]
fn the_close_timeout_of_a_connection_that_has_ended_or_of_all_time_harms_nobody() {
    simulated(|mut world| {
        let (ended, patient) = (stuck(&mut world), stuck(&mut world));
        ended.transport().close();
        ended.transport().abort();
        ended.transport().set_close_timeout(Duration::ZERO);
        world.until_lost(&[&ended]);
        ended.transport().set_close_timeout(Duration::ZERO);
        patient.transport().set_close_timeout(Duration::MAX);
        patient.transport().close();
        world.pass(Duration::from_secs(1_000_000));
        assert_eq!((ended.lost().as_deref(), patient.lost()), (Some("Aborted"), None));
    });
}

#[test]
fn a_peer_that_reads_slowly_is_given_no_more_than_the_close_timeout() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().data(|transport, _| transport.pause_reading()));
        let transport = server.transport();
        transport.write(&[b'x'; 10_000_000]);
        let begun = world.now();
        transport.close();
        while server.lost().is_none() {
            client.transport().resume_reading();
            world.pass(Duration::from_secs(1));
        }
        let taken = world.now() - begun;
        assert!((30..=31).contains(&taken.as_secs()), "{taken:?}");
        assert_eq!(server.lost().as_deref(), Some("TimedOut(Close)"));
    });
}

#[test]
fn both_sides_may_close_at_once() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        for log in [&server, &client] {
            log.transport().write(b"bye");
            log.transport().close();
        }
        world.until_lost(&[&server, &client]);
        for log in [&server, &client] {
            assert_eq!(log.story(), ["made", "lost: Done", "dropped"]);
        }
    });
}

#[test]
fn abort_discards_what_is_queued_and_resets_the_peer() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(pause));
        let transport = server.transport();
        transport.write(&[b'x'; 10_000_000]);
        world.settle();
        assert!(transport.queued() > 0);
        transport.abort();
        assert!(!transport.is_open());
        assert_eq!(transport.write(b"late"), WriteStatus::Closed);
        assert!(server.lost().is_none(), "it is told from the loop");
        world.until_lost(&[&server]);
        assert_eq!(server.story(), ["made", "write paused", "lost: Aborted", "dropped"]);
        if client.lost().is_none() {
            client.transport().resume_reading();
        }
        world.until_lost(&[&client]);
        assert!(client.received_len() < 10_000_000);
        assert_eq!(client.lost().as_deref(), Some(reset(&world)));
    });
}

#[test]
fn abort_in_a_callback_gives_up_what_the_callback_wrote() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let abort = |transport: &Transport, _: &[u8]| {
            transport.write(b"never mind");
            transport.abort();
        };
        world.pair(server.probe().data(abort), client.probe());
        client.transport().write(b"x");
        world.until_lost(&[&server, &client]);
        assert_eq!(server.story(), ["made", "data", "lost: Aborted", "dropped"]);
        assert_eq!(client.received(), b"");
    });
}

#[test]
fn abort_cuts_a_close_short() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(pause));
        let transport = server.transport();
        transport.write(&[b'x'; 10_000_000]);
        transport.close();
        world.settle();
        assert!(server.lost().is_none());
        transport.abort();
        world.turn(Some(Duration::ZERO));
        assert_eq!(server.lost().as_deref(), Some("Aborted"));
    });
}

#[test]
fn a_failure_is_the_reason_once_everything_is_sent() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let complain = |transport: &Transport, _: &[u8]| {
            transport.write(b"what?");
            transport.fail("not understood");
            transport.fail("a second failure");
            transport.close();
        };
        world.pair(server.probe().data(complain), client.probe());
        client.transport().write(b"x");
        world.until_lost(&[&server, &client]);
        assert_eq!(server.lost().as_deref(), Some("failed, not understood"));
        assert_eq!(client.received(), b"what?");
        assert_eq!(client.lost().as_deref(), Some("Done"));
    });
}

#[test]
fn a_half_closed_connection_goes_on_the_other_way() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().read_closed(stay), client.probe().read_closed(stay));
        let (ours, theirs) = (client.transport(), server.transport());
        ours.write(b"question");
        ours.close_write();
        assert_eq!(ours.write(b"late"), WriteStatus::Closed);
        assert!(ours.is_open(), "it still reads");
        world.until("the server has it all", || server.has("read closed"));
        assert_eq!(server.received(), b"question");
        theirs.write(b"answer");
        world.until("the answer is here", || client.received() == b"answer");
        world.settle();
        assert!(client.lost().is_none() && server.lost().is_none());
        theirs.close_write();
        world.until_lost(&[&server, &client]);
        assert_eq!(server.story(), ["made", "data", "read closed", "lost: Done", "dropped"]);
        assert_eq!(client.story(), ["made", "data", "read closed", "lost: Done", "dropped"]);
    });
}

#[test]
fn close_write_waits_for_the_queue() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(pause).read_closed(stay), client.probe());
        let transport = client.transport();
        transport.write(&[b'x'; 10_000_000]);
        transport.close_write();
        world.settle();
        assert!(transport.queued() > 0);
        server.transport().resume_reading();
        world.until("the server has it all", || server.has("read closed"));
        assert_eq!(server.received_len(), 10_000_000);
        server.transport().close();
        world.until_lost(&[&server, &client]);
        assert_eq!(client.lost().as_deref(), Some("Done"));
    });
}

#[test]
fn what_is_queued_is_delivered_after_the_peers_end() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let reply = |transport: &Transport| {
            transport.write(&[b'r'; 5_000_000]);
            transport.close();
        };
        world.pair(server.probe().read_closed(reply), client.probe());
        client.transport().write(b"question");
        client.transport().close_write();
        world.until_lost(&[&server, &client]);
        assert_eq!(client.received_len(), 5_000_000);
        assert_eq!(server.lost().as_deref(), Some("Done"));
    });
}

#[test]
fn the_peers_end_closes_the_connection_unless_the_protocol_has_it_otherwise() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        client.transport().close_write();
        world.until_lost(&[&server, &client]);
        assert_eq!(server.story(), ["made", "read closed", "lost: Done", "dropped"]);
        assert_eq!(client.story(), ["made", "read closed", "lost: Done", "dropped"]);
    });
}

#[test]
fn data_and_an_end_that_arrive_together_are_told_in_order() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let speak = |transport: &Transport| {
            transport.write(&[b'x'; 100_000]);
            transport.close();
        };
        world.pair(server.probe(), client.probe().made(speak));
        world.until_lost(&[&server, &client]);
        assert_eq!(server.story(), ["made", "data", "read closed", "lost: Done", "dropped"]);
        assert_eq!(server.received_len(), 100_000);
    });
}

#[test]
fn data_that_arrived_before_a_reset_is_read_before_the_error() {
    over_tcp(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(pause), client.probe());
        client.transport().write(b"last words");
        world.turn(Some(Duration::ZERO));
        server.transport().resume_reading();
        client.transport().abort();
        world.until_lost(&[&server]);
        assert_eq!(server.received(), b"last words");
        assert_eq!(server.lost().as_deref(), Some("ConnectionReset"));
    });
}

#[test]
fn writing_to_a_peer_that_is_gone_ends_the_connection_with_an_error() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        // A client that lingers would accept the input.
        let write = |transport: &Transport| {
            transport.write(b"are you there?");
        };
        world.pair(server.probe().read_closed(write), client.probe());
        let mut linger = lariat::Linger::default();
        linger.time = Duration::ZERO;
        client.transport().set_linger(linger);
        client.transport().close();
        world.until("the server knows", || server.has("read closed"));
        while server.lost().is_none() {
            if server.transport().write(b"hello?") == WriteStatus::Closed {
                break;
            }
            world.turn(Some(Duration::from_millis(1)));
        }
        world.until_lost(&[&server, &client]);
        let lost = server.lost().expect("it has ended");
        assert!(["BrokenPipe", "ConnectionReset"].contains(&&*lost), "{lost}");
    });
}

#[test]
fn the_end_is_told_once_and_last_whatever_is_asked_for() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let everything = |transport: &Transport, _: &[u8]| {
            transport.close_write();
            transport.close();
            transport.fail("failed");
            transport.abort();
            transport.abort();
            transport.close();
        };
        world.pair(server.probe().data(everything), client.probe());
        client.transport().write(b"x");
        let transport = server.transport();
        world.until_lost(&[&server, &client]);
        transport.abort();
        transport.close();
        transport.fail("again");
        transport.close_write();
        world.settle();
        assert_eq!(server.story(), ["made", "data", "lost: Aborted", "dropped"]);
    });
}

#[test]
fn everything_asked_for_in_connection_lost_is_harmless() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let own = server.clone();
        let ask = move |_: &lariat::CloseReason| {
            let transport = own.transport();
            assert_eq!(transport.write(b"late"), WriteStatus::Closed);
            assert_eq!(transport.write_chunk(b"late".to_vec()), WriteStatus::Closed);
            transport.close();
            transport.close_write();
            transport.abort();
            transport.fail("late");
            transport.pause_reading();
            transport.resume_reading();
            transport.set_water_marks(1, 2);
            transport.set_queue_limit(1);
            transport.set_backpressure(false);
            transport.set_idle_timeout(lariat::Idle::All, Some(Duration::ZERO));
            assert!(!transport.switch_to(Log::new().probe(), b"leftover"));
            assert!(!own.handle().call(|_, _| unreachable!("it has ended")));
            assert!(transport.local_address().is_err());
            assert!(transport.set_nodelay(true).is_err());
            assert!(transport.set_keepalive(None).is_err());
            assert_eq!(transport.queued(), 0);
            own.note("survived");
        };
        world.pair(server.probe().lost(ask), client.probe());
        client.transport().close();
        world.until_lost(&[&server, &client]);
        world.settle();
        assert_eq!(server.story(), ["made", "read closed", "lost: Done", "survived", "dropped"]);
    });
}

#[test]
fn a_connection_may_be_closed_before_it_is_told_that_it_is_made() {
    in_clear(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen({
            let server = server.clone();
            move |_: &lariat::Peer| server.probe().made(Transport::close)
        });
        world.connect(&port, client.probe().made(Transport::abort));
        world.until_lost(&[&server, &client]);
        assert_eq!(client.story(), ["made", "lost: Aborted", "dropped"]);
        assert_eq!(server.story().len(), 3, "{:?}", server.story());
    });
}

#[test]
fn an_end_that_came_during_a_pause_is_not_lingered_for() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(pause), client.probe().read_closed(stay));
        client.transport().write(b"unread");
        client.transport().close_write();
        world.settle();
        server.transport().close_write();
        world.settle();
        let begun = world.now();
        server.transport().close();
        world.until_lost(&[&server]);
        assert_eq!(world.now(), begun);
        assert_eq!(server.lost().as_deref(), Some("Done"));
    });
}

#[test]
fn a_protocol_hears_of_the_end_only_if_it_has_heard_of_the_beginning() {
    everywhere(|mut world| {
        let (server, client, successor) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        // It takes over in the next turn; before that, the connection is aborted.
        server.transport().switch_to(successor.probe(), b"");
        world.turn(Some(Duration::ZERO));
        server.transport().abort();
        world.until_lost(&[&client, &successor]);
        let story = successor.story();
        assert!(story == ["dropped"] || story == ["made", "lost: Aborted", "dropped"], "{story:?}");
    });
}

#[test]
fn output_that_broke_off_is_no_clean_end_for_the_peer() {
    over_tcp(|mut world| {
        let scratch = Scratch::new();
        std::fs::write(scratch.path("file"), b"short").expect("the directory is writable");
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let file = std::fs::File::open(scratch.path("file")).expect("it is there");
        server.transport().write_file(file, 0..100);
        world.until_lost(&[&server, &client]);
        assert_eq!(server.lost().as_deref(), Some("UnexpectedEof"));
        assert_eq!(client.received(), b"short");
        assert_eq!(client.lost().as_deref(), Some("ConnectionReset"));
    });
}

#[test]
fn both_sides_may_close_with_much_to_say() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let begun = world.now();
        for log in [&server, &client] {
            log.transport().write(&[b'x'; 1_000_000]);
            log.transport().close();
        }
        world.until_lost(&[&server, &client]);
        // Each reads and drops what the other still sends, lest both wait for the other to read.
        assert!(world.now() - begun < Duration::from_secs(1));
        for log in [&server, &client] {
            assert_eq!(log.story(), ["made", "lost: Done", "dropped"]);
        }
    });
}
