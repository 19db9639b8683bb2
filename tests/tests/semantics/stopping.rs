//! `stop`: an end in good order.

use std::time::Duration;

use lariat::{Drained, MainLoop, Once, Peer, Reactor, SystemEvent, Transport, TriggerPhase};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, World, everywhere, simulated};

fn stay(_: &Transport) {}

/// Runs the loop until it has stopped, and tells how its connections ended.
fn stop(world: World) -> (Drained, Duration) {
    let result = Shared::new(None);
    let seen = result.clone();
    let reactor = &world.reactor;
    reactor.add_trigger(TriggerPhase::After, SystemEvent::Shutdown, move |reactor| {
        seen.with(|seen| *seen = Some((reactor.drained(), reactor.now())));
    });
    let begun = reactor.now();
    reactor.call_later(Duration::ZERO, Reactor::stop);
    let World { reactor, scratch: _scratch, .. } = world;
    reactor.run().expect("it ends in good order");
    let (drained, ended) = result.take().expect("the trigger was called");
    (drained.expect("it has drained"), ended - begun)
}

#[test]
fn every_protocol_is_told_to_drain_and_closes_unless_it_has_it_otherwise() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let (drained, _) = stop(world);
        for log in [&server, &client] {
            assert_eq!(log.story(), ["made", "drain", "lost: Done", "dropped"]);
        }
        assert_eq!((drained.closed.done, drained.closed.total(), drained.cut_off), (2, 2, 0));
    });
}

#[test]
fn what_is_queued_is_sent_before_the_loop_ends() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().drain(stay));
        server.transport().write(&[b'x'; 5_000_000]);
        let (drained, _) = stop(world);
        assert_eq!(client.received_len(), 5_000_000);
        assert_eq!(client.lost().as_deref(), Some("Done"));
        assert_eq!(drained.closed.done, 2);
    });
}

#[test]
fn a_request_in_hand_may_be_finished_first() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        // Its answer takes a while.
        let work = |transport: &Transport| {
            let answer = transport.clone();
            transport.reactor().call_later(Duration::from_millis(20), move |_| {
                answer.write(b"the answer");
                answer.close();
            });
        };
        world.pair(server.probe().drain(work), client.probe().drain(stay));
        let (drained, _) = stop(world);
        assert_eq!(client.received(), b"the answer");
        assert_eq!(server.story(), ["made", "drain", "lost: Done", "dropped"]);
        assert_eq!(drained.closed.done, 2);
    });
}

#[test]
fn who_does_not_end_is_cut_off_after_ten_seconds_or_what_was_set() {
    for (set, limit) in [(None, Duration::from_secs(10)), (Some(Duration::from_secs(3)), Duration::from_secs(3))] {
        simulated(|mut world| {
            let (server, client) = (Log::new(), Log::new());
            world.pair(server.probe().drain(stay), client.probe().drain(stay));
            if let Some(set) = set {
                world.reactor.set_drain_timeout(set);
            }
            let (drained, taken) = stop(world);
            assert_eq!(taken, limit);
            assert_eq!((drained.cut_off, drained.closed.aborted, drained.elapsed), (2, 2, limit));
            for log in [&server, &client] {
                assert_eq!(log.story(), ["made", "drain", "lost: Aborted", "dropped"]);
            }
        });
    }
}

#[test]
fn to_stop_twice_is_to_stop_once() {
    simulated(|world| {
        let stop_again = world.reactor.clone();
        world.reactor.call_later(Duration::ZERO, move |reactor| {
            reactor.stop();
            stop_again.stop();
        });
        let (drained, taken) = stop(world);
        assert_eq!((drained.closed.total(), taken), (0, Duration::ZERO));
    });
}

#[test]
fn nobody_is_waited_for_when_nobody_is_there() {
    simulated(|world| {
        let _port = world.listen(|_: &Peer| Log::new().probe());
        world.reactor.call_later(Duration::from_secs(3600), |_| unreachable!("the loop has ended"));
        let (drained, taken) = stop(world);
        assert_eq!((drained.closed.total(), taken), (0, Duration::ZERO));
    });
}

#[test]
fn ports_are_closed_at_the_beginning_and_attempts_to_connect_given_up() {
    everywhere(|mut world| {
        let (server, client, late, attempt) = (Log::new(), Log::new(), Log::new(), Log::new());
        let port = world.listen({
            let server = server.clone();
            move |_: &Peer| server.probe().drain(stay)
        });
        world.connect(&port, client.probe().drain(stay));
        world.until("it is connected", || server.is_made() && client.is_made());
        let (paused, own, waiting) = (world.listen(|_: &Peer| Log::new().probe()), port.clone(), attempt.probe());
        paused.pause();
        let log = late.clone();
        world.reactor.add_trigger(TriggerPhase::Before, SystemEvent::Shutdown, move |reactor| {
            log.note(format!("before: {}", own.is_open()));
            reactor.connect(&paused.address().to_string(), Once::new(waiting)).detach();
        });
        let (log, own) = (late.clone(), port.clone());
        let ends = [server.transport(), client.transport()];
        world.reactor.add_trigger(TriggerPhase::During, SystemEvent::Shutdown, move |reactor| {
            log.note(format!("during: {}", own.is_open()));
            reactor.call_later(Duration::from_millis(5), move |_| ends.iter().for_each(Transport::close));
        });
        stop(world);
        assert_eq!(late.story(), ["before: true", "during: false"]);
        assert!(server.has("drain") && client.has("drain"));
        assert!(attempt.story().last().is_some_and(|heard| heard == "dropped"), "{:?}", attempt.story());
    });
}

#[test]
fn a_connection_that_is_made_while_the_loop_drains_is_drained_at_once() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let (ours, theirs) = (server.clone(), client.clone());
        let first = Log::new();
        let hold = |transport: &Transport| {
            let own = transport.clone();
            transport.reactor().call_later(Duration::from_millis(20), move |_| own.close());
        };
        let address = world.address();
        let reconnect = move |transport: &Transport| {
            let reactor = transport.reactor();
            let port = reactor
                .listen_at(&address, lariat::ListenOptions::default(), Once::new(ours.probe()))
                .expect("the address is free");
            reactor.connect(&port.address().to_string(), Once::new(theirs.probe())).detach();
            hold(transport);
        };
        world.pair(first.probe().drain(reconnect), Log::new().probe().drain(stay));
        stop(world);
        for log in [&server, &client] {
            assert_eq!(log.story(), ["made", "drain", "lost: Done", "dropped"]);
        }
    });
}

#[test]
fn a_successor_that_takes_over_while_the_loop_drains_is_told_to_drain_too() {
    everywhere(|mut world| {
        let (first, second, client) = (Log::new(), Log::new(), Log::new());
        let next = second.clone();
        let hand_over = move |transport: &Transport| {
            transport.switch_to(next.probe(), b"");
        };
        world.pair(first.probe().drain(hand_over), client.probe().drain(stay));
        let (drained, _) = stop(world);
        assert_eq!(second.story(), ["made", "drain", "lost: Done", "dropped"]);
        assert_eq!(drained.cut_off, 0);
    });
}

#[test]
fn who_is_closing_already_is_not_told_to_drain() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().drain(stay));
        server.transport().close();
        stop(world);
        assert_eq!(server.story(), ["made", "lost: Done", "dropped"]);
    });
}

#[test]
fn a_panic_while_draining_ends_that_connection() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().drain(|_| panic!("drain")), client.probe().drain(stay));
        let (drained, _) = stop(world);
        assert_eq!(server.lost().as_deref(), Some("Panicked"));
        assert!(client.lost().is_some_and(|lost| lost != "Aborted"));
        assert_eq!(drained.closed.panicked, 1);
    });
}

#[test]
fn triggers_are_called_in_their_phases_and_one_that_panics_or_is_removed_keeps_no_other_back() {
    everywhere(|world| {
        let log = Log::new();
        let add = |reactor: &MainLoop, phase, event, name: &'static str| {
            let log = log.clone();
            reactor.add_trigger(phase, event, move |_| {
                log.note(name);
                assert!(!name.ends_with("panics"), "a trigger panics");
            })
        };
        let reactor = &world.reactor;
        for event in [SystemEvent::Shutdown, SystemEvent::Startup] {
            let named = |phase: &'static str| -> &'static str {
                let name = format!("{} {event:?}", phase.to_lowercase());
                Box::leak(name.into_boxed_str())
            };
            add(reactor, TriggerPhase::After, event, named("after"));
            add(reactor, TriggerPhase::During, event, named("during"));
            add(reactor, TriggerPhase::Before, event, named("before"));
        }
        add(reactor, TriggerPhase::Before, SystemEvent::Shutdown, "panics");
        let removed = add(reactor, TriggerPhase::Before, SystemEvent::Shutdown, "removed");
        add(reactor, TriggerPhase::Before, SystemEvent::Shutdown, "second");
        assert!(removed.remove());
        assert!(!removed.remove());
        stop(world);
        assert_eq!(
            log.story(),
            [
                "before Startup",
                "during Startup",
                "after Startup",
                "before Shutdown",
                "panics",
                "second",
                "during Shutdown",
                "after Shutdown"
            ]
        );
    });
}

#[test]
fn a_crash_cuts_a_shutdown_short() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().drain(stay), client.probe().drain(stay));
        world.reactor.call_later(Duration::from_secs(1), Reactor::crash);
        let (drained, taken) = stop(world);
        assert_eq!((drained.cut_off, taken), (2, Duration::from_secs(1)));
    });
}

#[test]
fn counts_tell_what_the_loop_did() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        assert_eq!(world.reactor.stats().connections, 0);
        world.pair(server.probe().echo(), client.probe());
        client.transport().write(b"hello");
        world.until("the echo is back", || client.received() == b"hello");
        let stats = world.reactor.stats();
        assert_eq!((stats.connections, stats.opened, stats.bytes_received, stats.bytes_sent), (2, 2, 10, 10));
        client.transport().abort();
        world.until_lost(&[&server, &client]);
        let stats = world.reactor.stats();
        assert_eq!((stats.connections, stats.opened, stats.closed.total(), stats.closed.aborted), (0, 2, 2, 1));
        assert_eq!(usize::try_from(stats.turns), Ok(world.turns()));
    });
}
