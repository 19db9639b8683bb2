//! Jobs in a simulation: what threads do comes from the seed too.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::{Simulation, VirtualClock, secs};
use lariat::{Deferred, FailureKind, Reactor, Remote};
use lariat_tests::downstream::Shared;

/// The order in which five jobs are done by two threads.
fn order(sim: &Simulation) -> lariat::Result<Vec<u32>> {
    let order: Shared<Vec<u32>> = Shared::new(Vec::new());
    let heard = order.clone();
    sim.host("server").start(move |reactor| {
        reactor.set_thread_limit(2);
        for number in 0..5 {
            let (heard, handle) = (heard.clone(), reactor.clone());
            reactor.defer_to_thread(move || number).finish(move |result| {
                let number = result.expect("it is done");
                heard.with(|order| order.push(number));
                assert!(handle.stats().threads <= 2);
            });
        }
        assert_eq!((reactor.stats().threads, reactor.stats().queued_jobs), (2, 3));
        Ok(())
    })?;
    sim.run()?;
    assert_eq!(sim.host("server").reactor().stats().done_jobs, 5);
    Ok(order.with(|order| order.clone()))
}

#[test]
fn jobs_are_done_in_an_order_from_the_seed() {
    let mut orders = BTreeSet::new();
    for seed in 1..=60 {
        let sim = Simulation::new(seed);
        sim.faults().slow_threads(0..=20);
        let seen = order(&sim).unwrap();
        assert_eq!(seen.iter().copied().collect::<BTreeSet<_>>(), (0..5).collect());
        let again = Simulation::new(seed);
        again.faults().slow_threads(0..=20);
        assert_eq!(order(&again).unwrap(), seen);
        orders.insert(seen);
    }
    assert!(orders.len() > 8, "{orders:?}");
}

#[test]
fn jobs_that_are_cancelled_at_any_time_leave_nothing() {
    Simulation::check(1..=50, |sim| {
        sim.faults().slow_threads(0..=100);
        let told = Shared::new([0; 2]);
        let tell = told.clone();
        sim.host("server").start(move |reactor| {
            reactor.set_thread_limit(2);
            for number in 0..10_u64 {
                let tell = tell.clone();
                let job = reactor.defer_to_thread(move || number);
                let job = job.timeout(Duration::from_millis(10 + number * 20));
                job.finish(move |result| tell.with(|told: &mut [u32; 2]| told[usize::from(result.is_err())] += 1));
            }
            Ok(())
        })?;
        sim.run()?;
        let [done, given_up] = told.with(|told| *told);
        assert_eq!(done + given_up, 10);
        let stats = sim.host("server").reactor().stats();
        assert_eq!((stats.threads, stats.queued_jobs), (0, 0));
        Ok(())
    });
}

/// What a job that takes a second hears, and when, on a host that stops at once.
fn stopped(sim: &Simulation, timeout: Duration) -> lariat::Result<(Option<FailureKind>, Duration)> {
    sim.faults().slow_threads(1_000..=1_000);
    let heard = Rc::new(Cell::new(None));
    let hear = heard.clone();
    sim.host("server").start(move |reactor| {
        reactor.set_drain_timeout(timeout);
        let (hear, begun, handle) = (hear.clone(), reactor.now(), reactor.clone());
        reactor.defer_to_thread(|| ()).finish(move |result| {
            hear.set(Some((result.err().map(|failure| failure.kind()), handle.now() - begun)));
        });
        reactor.stop();
        Ok(())
    })?;
    sim.run()?;
    Ok(heard.get().expect("it has heard"))
}

#[test]
fn the_end_waits_for_a_job_until_the_drain_timeout() {
    Simulation::check(1..=20, |sim| {
        let (failed, after) = stopped(sim, Duration::from_secs(5))?;
        assert_eq!(failed, None);
        assert!((secs(1)..secs(2)).contains(&after), "{after:?}");
        Ok(())
    });
    Simulation::check(1..=20, |sim| {
        let (failed, after) = stopped(sim, Duration::from_millis(300))?;
        assert_eq!(failed, Some(FailureKind::Ended));
        assert!((Duration::from_millis(300)..secs(1)).contains(&after), "{after:?}");
        Ok(())
    });
}

#[test]
fn jobs_of_a_host_that_crashes_are_never_done() {
    Simulation::check(1..=20, |sim| {
        sim.faults().slow_threads(1_000..=1_000).crash("server", secs(0)..secs(2));
        sim.host("server").start(|reactor| {
            reactor.set_thread_limit(1);
            reactor.call_later(Duration::from_millis(100), |reactor| {
                Deferred::gather(reactor, (0..3).map(|_| reactor.defer_to_thread(|| ())).collect::<Vec<_>>()).detach();
            });
            Ok(())
        })?;
        sim.run()
    });
}

#[test]
fn in_a_simulation_a_job_that_waits_for_the_loop_is_told_that_it_cannot() {
    Simulation::check(1..=5, |sim| {
        sim.host("server").start(|reactor| {
            let remote: Remote = reactor.remote()?;
            let asked = reactor.try_defer_to_thread(move || remote.blocking_call(Reactor::has_ended));
            asked.finish(|result| {
                let failure = result.expect_err("there is one thread for all");
                assert!(failure.to_string().contains("own thread"), "{failure}");
            });
            Ok(())
        })?;
        sim.run()
    });
}

#[test]
fn a_virtual_clock_waits_for_what_threads_do() {
    let clock = VirtualClock::new();
    let done = Rc::new(Cell::new(0));
    for _ in 0..50 {
        let (done, again) = (done.clone(), VirtualClock::clone(&clock));
        let first = clock.defer_to_thread(|| (0..10_000_u64).sum::<u64>());
        let second = first.and_then(move |sum| again.defer_to_thread(move || sum + 1));
        second.map(move |sum| done.set(done.get() + usize::from(sum == 49_995_001))).detach();
    }
    clock.settle();
    assert_eq!(done.get(), 50);
    assert_eq!(clock.elapsed(), Duration::ZERO);
}

#[test]
fn a_job_on_a_virtual_clock_may_ask_the_loop() {
    let clock = VirtualClock::new();
    let remote = clock.remote().expect("it can be had");
    let asked = clock.defer_to_thread(move || remote.blocking_call(|reactor| reactor.stats().done_jobs));
    let answer = Rc::new(Cell::new(None));
    let heard = answer.clone();
    asked.map(move |jobs| heard.set(jobs.ok())).detach();
    clock.advance(Duration::from_secs(1));
    assert_eq!(answer.get(), Some(0));
}
