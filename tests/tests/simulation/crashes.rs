//! Hosts that lose their power, and get it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lariat::testing::{Simulation, secs};
use lariat::{Deferred, Failure, Once, Peer, Reactor, SystemEvent, TriggerPhase};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::Log;
use lariat_tests::story::Population;

#[test]
fn who_talks_to_a_host_that_has_crashed_hears_nothing_until_it_is_back() {
    Simulation::check(1..=20, |sim| {
        sim.faults().latency(1..=10).crash("server", secs(3)..secs(8));
        let (server, client) = (Log::new(), Log::new());
        let log = server.clone();
        sim.host("server").start(move |reactor: &Reactor| {
            let log = log.clone();
            reactor.listen("tcp:7000", move |_: &Peer| log.probe()).map(drop)
        })?;
        let beats = client.probe().made(|transport| {
            for second in 1..=20 {
                let transport = transport.clone();
                transport.reactor().clone().call_later(secs(second), move |_| {
                    transport.write(b"beat");
                });
            }
        });
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(beats)).detach();
        sim.run_until(Duration::from_millis(7_999))?;
        assert!(!sim.host("server").is_running());
        assert_eq!((server.lost(), client.lost()), (None, None));
        assert!(server.has("dropped"), "what ran there is gone");
        // The first lost beat is sent again last 6.2 s after it, then 12.6 s after it.
        sim.run_until(secs(17))?;
        assert!(sim.host("server").is_running());
        assert_eq!(client.lost().as_deref(), Some("ConnectionReset"));
        Ok(())
    });
}

#[test]
fn a_client_that_keeps_silent_never_hears_that_its_server_has_crashed() {
    Simulation::check(1..=3, |sim| {
        let client = Log::new();
        sim.host("server").reactor().listen("tcp:7000", |_: &Peer| Log::new().probe())?;
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(client.probe())).detach();
        sim.run_until(secs(1))?;
        sim.host("server").crash();
        sim.host("server").restart();
        sim.run_until(secs(3_600))?;
        assert!(client.is_made() && client.lost().is_none());
        Ok(())
    });
}

#[test]
fn a_host_that_starts_again_listens_anew_and_is_reached() {
    Simulation::check(1..=5, |sim| {
        let starts = Shared::new(0);
        let counts = starts.clone();
        sim.host("server").start(move |reactor: &Reactor| {
            counts.with(|starts| *starts += 1);
            reactor.listen("tcp:7000", |_: &Peer| Log::new().probe().echo()).map(drop)
        })?;
        let old = sim.host("server").reactor();
        sim.run_until(secs(1))?;
        sim.host("server").restart();
        assert!(old.has_ended() && !sim.host("server").reactor().has_ended());
        let log = Log::new();
        let client = log
            .probe()
            .made(|transport| {
                transport.write(b"hello");
            })
            .data(|transport, _| transport.close());
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(client)).detach();
        sim.run()?;
        assert_eq!((log.received(), starts.with(|starts| *starts)), (b"hello".to_vec(), 2));
        Ok(())
    });
}

#[test]
fn a_connect_to_a_host_that_is_down_is_answered_when_it_is_back() {
    Simulation::check(1..=5, |sim| {
        sim.host("server")
            .start(|reactor: &Reactor| reactor.listen("tcp:7000", |_: &Peer| Log::new().probe()).map(drop))?;
        sim.host("server").crash();
        let (early, late) = (Log::new(), Log::new());
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(early.probe())).detach();
        // A neighbour that does not answer for three seconds is unreachable.
        sim.run_until(Duration::from_millis(2_999))?;
        assert!(!early.has("dropped"));
        sim.run_until(secs(3))?;
        assert!(early.has("dropped"));
        sim.run_until(secs(9))?;
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(late.probe())).detach();
        sim.run_until(secs(10))?;
        assert!(!late.is_made());
        sim.host("server").restart();
        sim.run_until(secs(12))?;
        assert!(!early.is_made() && late.is_made());
        Ok(())
    });
}

#[test]
fn a_protocol_on_a_host_that_crashes_is_dropped_and_its_timers_never_fire() {
    Simulation::check(1..=5, |sim| {
        let (server, client) = (Log::new(), Log::new());
        let fired = Shared::new(false);
        let sets = fired.clone();
        let reactor = sim.host("server").reactor();
        reactor.call_later(secs(5), move |_| sets.with(|fired| *fired = true));
        reactor.listen("tcp:7000", Once::new(server.probe()))?;
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(client.probe())).detach();
        sim.run_until(secs(1))?;
        // A handle that outlives the crash changes nothing.
        let kept = server.transport();
        sim.host("server").crash();
        kept.write(b"to nobody");
        sim.run_until(secs(10))?;
        assert_eq!((server.story(), fired.with(|fired| *fired)), (vec!["made".into(), "dropped".into()], false));
        assert_eq!((client.received_len(), client.lost()), (0, None));
        Ok(())
    });
}

#[test]
fn nothing_of_a_host_that_crashes_is_called_any_more() {
    Simulation::check(1..=5, |sim| {
        let called = Shared::new(Vec::new());
        let calls = |name: &'static str| {
            let called = called.clone();
            move |_: &Reactor| called.with(|called| called.push(name))
        };
        let reactor = sim.host("server").reactor();
        let (resolver, answer) = Deferred::<u32>::new(&reactor);
        let answered = called.clone();
        answer.map(move |_| answered.with(|called| called.push("answer"))).detach();
        sim.run_until(secs(1))?;
        reactor.call_later(secs(0), calls("call"));
        reactor.call_later(secs(1), calls("timer"));
        reactor.add_trigger(TriggerPhase::Before, SystemEvent::Shutdown, calls("trigger"));
        let calls_remotely = Arc::new(AtomicUsize::new(0));
        let counts = calls_remotely.clone();
        let remote = reactor.remote()?;
        remote.call(move |_| {
            counts.fetch_add(1, Ordering::Relaxed);
        })?;
        sim.host("server").crash();
        assert!(remote.call(|_| {}).is_err());
        drop(resolver);
        sim.run_until(secs(5))?;
        assert_eq!(called.with(|called| called.clone()), [""; 0]);
        assert_eq!(calls_remotely.load(Ordering::Relaxed), 0);
        Ok(())
    });
}

#[test]
fn the_tasks_of_a_host_that_crashes_are_dropped_where_they_are() {
    Simulation::check(1..=5, |sim| {
        let population = Population::default();
        let (alive, reactor) = (population.born(), sim.host("server").reactor());
        let sleeper = reactor.clone();
        let task = async move {
            sleeper.sleep(secs(3)).await?;
            drop(alive);
            Err::<(), _>(Failure::new("it was to go on no more"))
        };
        reactor.spawn(task).detach();
        sim.run_until(secs(1))?;
        assert_eq!(population.count(), 1);
        sim.host("server").crash();
        sim.run_until(secs(5))?;
        assert_eq!((population.count(), reactor.stats().tasks), (0, 0));
        Ok(())
    });
}
