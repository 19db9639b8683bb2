//! Simulated threads.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lariat::testing::{Simulation, secs};
use lariat_tests::downstream::Shared;

/// The order in which the results of three threads come.
fn order(sim: &Simulation) -> lariat::Result<Vec<u32>> {
    let order = Shared::new(Vec::new());
    let heard = Arc::new(Mutex::new(Vec::new()));
    for thread in 0..3 {
        let remote = sim.host("server").reactor().remote()?;
        let heard = heard.clone();
        sim.host("server").run_in_thread(move || {
            let called = remote.call(move |_| heard.lock().unwrap_or_else(PoisonError::into_inner).push(thread));
            assert!(called.is_ok());
        });
    }
    sim.run()?;
    order.with(|order: &mut Vec<u32>| order.extend(heard.lock().unwrap_or_else(PoisonError::into_inner).iter()));
    Ok(order.with(|order| order.clone()))
}

#[test]
fn the_results_of_threads_come_in_an_order_from_the_seed() {
    let orders: BTreeSet<_> = (1..=60).map(|seed| order(&Simulation::new(seed)).unwrap()).collect();
    assert_eq!(orders.len(), 6, "not every order came up: {orders:?}");
    Simulation::check(1..=20, |sim| {
        let first = order(sim)?;
        assert_eq!(order(&Simulation::new(sim.seed()))?, first);
        Ok(())
    });
}

#[test]
fn a_thread_may_take_its_time() {
    Simulation::check(1..=20, |sim| {
        sim.faults().slow_threads(100..=200);
        order(sim)?;
        assert!((Duration::from_millis(100)..=Duration::from_millis(200)).contains(&sim.now()), "{:?}", sim.now());
        Ok(())
    });
}

#[test]
fn a_thread_of_a_host_that_crashes_is_never_done() {
    Simulation::check(1..=5, |sim| {
        sim.faults().slow_threads(1_000..=1_000).crash("server", secs(0)..secs(2));
        sim.host("server").run_in_thread(|| panic!("it was done"));
        sim.run()
    });
}

#[test]
fn a_run_comes_to_its_end_without_delay_though_tasks_still_wait() {
    Simulation::check(1..=3, |sim| {
        let reactor = sim.host("server").reactor();
        let mut listener = reactor.listen_stream("tcp:7000")?;
        let serve = async move {
            while let Ok(stream) = listener.accept().await {
                drop(stream);
            }
        };
        reactor.spawn(serve).detach();
        // This would take a minute if another thread could still wake the task.
        sim.run()?;
        assert_eq!(reactor.stats().tasks, 1);
        Ok(())
    });
}

#[test]
fn a_panic_in_a_thread_fails_the_simulation() {
    let sim = Simulation::new(1);
    sim.host("server").run_in_thread(|| panic!("oh dear"));
    assert!(sim.run().unwrap_err().to_string().contains("oh dear"));
}
