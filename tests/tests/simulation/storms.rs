//! Random sets of faults, and what holds in them and after them.

use std::collections::BTreeMap;

use lariat::testing::{Simulation, secs};
use lariat::{Once, Peer, Protocol, Reactor, Transport};
use lariat_tests::downstream::Shared;

const ORDERS: u8 = 20;
const STORM: u64 = 120;

/// Orders that are stored, with the number of times that each was carried out: it survives crashes.
type Store = Shared<BTreeMap<u8, usize>>;

struct Shop {
    store: Store,
    /// Carries out an order that it has stored already.
    forgets: bool,
}

impl Protocol for Shop {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        for order in data {
            self.store.with(|store| {
                let times = store.entry(*order).or_insert(0);
                *times += usize::from(*times == 0 || self.forgets);
            });
            transport.write(&[*order]);
        }
    }
}

/// Sends the first order that is not acknowledged, again and again.
#[derive(Clone)]
struct Customer {
    acknowledged: Shared<u8>,
}

impl Customer {
    fn order(&self, transport: &Transport) {
        let next = self.acknowledged.with(|acknowledged| *acknowledged);
        if next < ORDERS {
            transport.write(&[next]);
        }
    }

    /// Connects, and again five seconds later, until all orders are acknowledged.
    fn connect(self, reactor: &Reactor) {
        if self.acknowledged.with(|acknowledged| *acknowledged == ORDERS) {
            return;
        }
        let attempt = reactor.connect("tcp:server:7000", Once::new(self.clone()));
        let again = reactor.clone();
        attempt.finish(move |_| {
            again.clone().call_later(secs(5), move |_| self.connect(&again));
        });
    }
}

impl Protocol for Customer {
    fn connection_made(&mut self, transport: &Transport) {
        self.order(transport);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        for order in data {
            self.acknowledged.with(|acknowledged| *acknowledged = (*acknowledged).max(order + 1));
        }
        transport.close();
    }
}

/// Has a customer order in a storm, and looks at the store during it and after it.
fn business(sim: &Simulation, forgets: bool) -> lariat::Result<()> {
    let store = Store::new(BTreeMap::new());
    let kept = store.clone();
    sim.host("server").start(move |reactor: &Reactor| {
        let store = kept.clone();
        reactor.listen("tcp:7000", move |_: &Peer| Shop { store: store.clone(), forgets }).map(drop)
    })?;
    let customer = Customer { acknowledged: Shared::new(0) };
    let again = customer.clone();
    sim.host("client").start(move |reactor: &Reactor| {
        again.clone().connect(reactor);
        Ok(())
    })?;
    let faults = sim.storm(secs(STORM));
    sim.run_until(secs(STORM))?;
    let once = |store: &mut BTreeMap<u8, usize>| store.values().all(|times| *times == 1);
    assert!(store.with(once), "an order was carried out twice: {:?}", store.with(|store| store.clone()));
    sim.sometimes("a storm without faults", faults.is_empty());
    sim.sometimes("a storm that held orders up", customer.acknowledged.with(|acknowledged| *acknowledged) < ORDERS);
    sim.run_until(secs(STORM + 3_000))?;
    assert!(store.with(once), "an order was carried out twice: {:?}", store.with(|store| store.clone()));
    assert_eq!(customer.acknowledged.with(|acknowledged| *acknowledged), ORDERS, "all is done once the storm is over");
    Ok(())
}

#[test]
fn orders_are_done_once_in_storms_and_all_are_done_after_them() {
    Simulation::check(1..=100, |sim| business(sim, false));
}

#[test]
fn a_retry_that_pays_twice_is_found_by_storms() {
    let found = std::panic::catch_unwind(|| Simulation::check(1..=100, |sim| business(sim, true)));
    let said = found.expect_err("it pays twice").downcast::<String>().map(|said| *said).unwrap_or_default();
    assert!(said.contains("an order was carried out twice"), "{said}");
    assert!(said.contains("it takes"), "the faults that it takes are named: {said}");
}
