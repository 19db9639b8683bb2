//! A host's own kernel and scheduler: batches of events, and the order of timers and arrivals.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::{Simulation, secs};
use lariat::{Idle, Once, Peer, Reactor, Transport};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::Log;

const CLIENTS: usize = 100;

/// Has a hundred clients write a byte at the same instant, within the limit of the server, and returns the numbers of bytes that the
/// server got in each of its turns.
fn bytes_by_turn(sim: &Simulation) -> lariat::Result<Vec<usize>> {
    sim.faults().latency(10..=10);
    let turns = Shared::new(Vec::<(u64, usize)>::new());
    let (seen, server) = (turns.clone(), Log::new());
    let log = server.clone();
    sim.host("server").reactor().listen("tcp:7000", move |_: &Peer| {
        let seen = seen.clone();
        log.probe().made(|transport| transport.set_idle_timeout(Idle::Read, Some(secs(2)))).data(move |transport, _| {
            let turn = transport.reactor().stats().turns;
            seen.with(|seen| match seen.last_mut() {
                Some((last, count)) if *last == turn => *count += 1,
                _ => seen.push((turn, 1)),
            });
            transport.set_idle_timeout(Idle::Read, None);
        })
    })?;
    for _ in 0..CLIENTS {
        let writes = Log::new().probe().made(|transport| {
            let transport = transport.clone();
            transport.reactor().clone().call_later(secs(1), move |_| {
                transport.write(b"x");
            });
        });
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(writes)).detach();
    }
    sim.run_until(secs(10))?;
    assert_eq!(server.lost(), None, "each byte was there within the limit");
    Ok(turns.with(|turns| turns.iter().map(|(_, count)| *count).collect()))
}

#[test]
fn events_of_one_instant_come_in_batches() {
    Simulation::check(1..=20, |sim| {
        sim.faults().event_batches();
        let by_turn = bytes_by_turn(sim)?;
        assert_eq!(by_turn.iter().sum::<usize>(), CLIENTS);
        sim.sometimes("a batch is a part", by_turn.len() > 1);
        sim.sometimes("a batch is small", by_turn[0] < 10);
        Ok(())
    });
    Simulation::check(1..=3, |sim| {
        assert_eq!(bytes_by_turn(sim)?, [CLIENTS], "without the fault they come together");
        Ok(())
    });
}

#[test]
fn a_batch_does_not_time_out_what_has_arrived() {
    Simulation::check(1..=50, |sim| {
        sim.faults().event_batches().latency(10..=10);
        let server = Log::new();
        let log = server.clone();
        // The bytes are there when the server, which is busy, looks for the first time after the limit.
        sim.host("server").reactor().listen("tcp:7000", move |_: &Peer| {
            log.probe().made(|transport| transport.set_idle_timeout(Idle::Read, Some(secs(2)))).data(quiet)
        })?;
        for _ in 0..CLIENTS {
            let writes = Log::new().probe().made(|transport| {
                let transport = transport.clone();
                transport.reactor().clone().call_later(secs(1), move |_| {
                    transport.write(b"x");
                });
            });
            sim.host("client").reactor().connect("tcp:server:7000", Once::new(writes)).detach();
        }
        sim.at(Duration::from_millis(500), |sim| {
            sim.faults().slow_callbacks(1.0, 2_000..=2_000);
            sim.host("server").reactor().call_later(Duration::ZERO, |_| ());
        });
        sim.at(Duration::from_millis(600), drop_faults);
        sim.run_until(secs(20))?;
        assert_eq!(server.count("timed out"), 0, "{:?}", server.story());
        Ok(())
    });
}

/// Nothing is slow any more.
fn drop_faults(sim: &Simulation) {
    sim.faults().slow_callbacks(0.0, 0..=0);
}

fn quiet(transport: &Transport, _: &[u8]) {
    transport.set_idle_timeout(Idle::Read, None);
}

/// Has a reply arrive at the very instant of a timeout. Returns whether the timeout came first.
fn timeout_wins(sim: &Simulation) -> lariat::Result<bool> {
    sim.faults().latency(500..=500);
    sim.host("server").reactor().listen("tcp:7000", |_: &Peer| Log::new().probe().echo())?;
    let first = Rc::new(Cell::new(None));
    let (timer, reply) = (first.clone(), first.clone());
    let client = Log::new().probe().made(move |transport| {
        transport.write(b"question");
        let timer = timer.clone();
        transport.reactor().call_later(secs(1), move |_| timer.set(timer.get().or(Some(true))));
    });
    let client = client.data(move |_, _| reply.set(reply.get().or(Some(false))));
    sim.host("client").reactor().connect("tcp:server:7000", Once::new(client)).detach();
    sim.run_until(secs(10))?;
    Ok(first.get().expect("both came"))
}

#[test]
fn a_timer_and_an_arrival_at_one_instant_come_in_either_order() {
    Simulation::check(1..=30, |sim| {
        sim.faults().timer_order();
        let timeout_wins = timeout_wins(sim)?;
        sim.sometimes("the timer comes first", timeout_wins);
        sim.sometimes("the reply comes first", !timeout_wins);
        Ok(())
    });
    Simulation::check(1..=10, |sim| {
        assert!(!timeout_wins(sim)?, "without the fault the reply comes first");
        Ok(())
    });
}

#[test]
fn a_process_is_killed_at_a_call_and_starts_again() {
    Simulation::check_every_call(
        1,
        |faults, call| {
            faults.kill_at_call(call, secs(2));
        },
        |sim| {
            let starts = Shared::new(0);
            let count = starts.clone();
            sim.host("server").start(move |reactor: &Reactor| {
                count.with(|count| *count += 1);
                reactor.listen("tcp:7000", |_: &Peer| Log::new().probe().echo()).map(drop)
            })?;
            let client = Log::new();
            let says = client.probe().made(|transport| {
                transport.write(b"hello");
            });
            sim.host("client").reactor().connect("tcp:server:7000", Once::new(says)).detach();
            sim.run_until(secs(10))?;
            // The killed process may be the client's, which then gets no notice of an end.
            assert!(starts.with(|count| *count) <= 2);
            assert!(client.received_len() <= 5);
            Ok(())
        },
    );
}
