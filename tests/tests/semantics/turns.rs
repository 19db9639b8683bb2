//! What happens in a turn, and in which order.

use std::time::Duration;

use lariat_tests::harness::{Log, everywhere, simulated};

#[test]
fn queued_calls_run_in_the_order_in_which_they_were_queued() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        for name in ["first", "second", "third"] {
            client.handle().call(move |probe, _| probe.log().note(name));
        }
        assert_eq!(client.story(), ["made"], "nothing runs before the loop does");
        world.turn(Some(Duration::ZERO));
        assert_eq!(client.story(), ["made", "first", "second", "third"]);
    });
}

#[test]
fn what_is_queued_while_calls_run_waits_for_the_next_turn() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        client.handle().call(|probe, transport| {
            probe.log().note("outer");
            transport.handle(probe).call(|probe, _| probe.log().note("inner"));
        });
        world.turn(Some(Duration::ZERO));
        assert_eq!(client.story(), ["made", "outer"]);
        world.turn(Some(Duration::ZERO));
        assert_eq!(client.story(), ["made", "outer", "inner"]);
    });
}

#[test]
fn events_come_before_timers_and_both_are_delivered_in_the_same_turn() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let log = server.clone();
        let answer = move |transport: &lariat::Transport, _: &[u8]| {
            log.handle().call(|probe, _| probe.log().note("call"));
            let log = log.clone();
            transport.reactor().call_later(Duration::ZERO, move |_| log.note("timer"));
        };
        world.pair(server.probe().data(answer), client.probe());
        client.transport().write(b"x");
        let arrived = server.clone();
        world.until("the byte has arrived", || arrived.has("data"));
        assert_eq!(server.story(), ["made", "data", "call", "timer"]);
    });
}

#[test]
fn what_a_queued_call_writes_leaves_before_the_turn_ends() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let transport = client.transport();
        world.reactor.call_later(Duration::ZERO, {
            let transport = transport.clone();
            move |_| {
                transport.write(b"from a timer");
                assert_eq!(transport.queued(), 12);
            }
        });
        world.turn(None);
        assert_eq!(transport.queued(), 0);
        world.until("it has arrived", || server.received() == b"from a timer");
    });
}

#[test]
fn the_calls_of_one_turn_are_bounded() {
    everywhere(|mut world| {
        let log = Log::new();
        for _ in 0..5000 {
            let log = log.clone();
            world.reactor.call_later(Duration::ZERO, move |_| log.note("call"));
        }
        world.turn(None);
        let ran = log.count("call");
        assert!(0 < ran && ran < 5000, "{ran} of 5000 calls ran in one turn");
        // Nothing new is to happen, so the loop must not wait for it.
        world.until("all have run", || log.count("call") == 5000);
    });
}

#[test]
fn an_idle_loop_is_not_woken() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        world.settle();
        let before = world.turns();
        world.pass(Duration::from_secs(3600));
        // One for the timer that ended the hour, and one for a timer that a wheel may look at on its way there.
        let turns = world.turns() - before;
        assert!(turns <= 4, "{turns} turns in an hour of nothing");
    });
}

#[test]
fn a_loop_to_which_nothing_can_happen_fails_rather_than_hangs() {
    simulated(|world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen({
            let server = server.clone();
            move |_: &lariat::Peer| server.probe().echo()
        });
        world.connect(&port, client.probe());
        let error = world.reactor.run().expect_err("nobody stops it");
        assert!(error.to_string().contains("nothing is left"), "{error}");
        assert_eq!(client.lost().as_deref(), Some("Aborted"));
    });
}

#[test]
fn a_loop_that_was_stopped_before_it_ran_ends_at_once() {
    everywhere(|world| {
        world.reactor.stop();
        world.reactor.run().expect("it ends in good order");
    });
}

#[test]
fn stop_ends_the_loop_after_the_turn() {
    everywhere(|world| {
        let log = Log::new();
        for name in ["first", "second"] {
            let log = log.clone();
            world.reactor.call_later(Duration::ZERO, move |reactor| {
                log.note(name);
                reactor.stop();
            });
        }
        let late = log.clone();
        world.reactor.call_later(Duration::from_secs(3600), move |_| late.note("late"));
        world.reactor.run().expect("it ends in good order");
        assert_eq!(log.story(), ["first", "second"]);
    });
}
