//! Faults that strike at a numbered system call.

use std::time::Duration;

use crate::error::Result;

use super::check::{first_failure, replayed_seed};
use super::faults::Faults;
use super::simulation::Simulation;
use super::stage::{Aimed, Planned, Stage, Strike};

impl Stage {
    /// Has the faults strike whose calls were made in this turn of the host at `place`.
    pub(super) fn strike(&self, place: usize) {
        let made = self.sockets(|sockets| sockets.faults.calls);
        let due = self.aimed.with(|aimed| aimed.extract_if(.., |aimed| aimed.call <= made).collect::<Vec<_>>());
        for aimed in due {
            let now = self.since_beginning();
            match aimed.strikes {
                Strike::Crash(down) => {
                    self.crash(place);
                    self.plan(now.saturating_add(down), |_| Planned::Restart(place));
                }
                Strike::Kill(down) => {
                    self.kill(place);
                    self.plan(now.saturating_add(down), |_| Planned::Restart(place));
                }
                Strike::Partition(names, lasts) => {
                    let [one, other] = names.map(|name| Some(self.id(self.place(&name))));
                    let time = now..now.saturating_add(lasts);
                    self.sockets(|sockets| {
                        sockets.faults.links.cut(one, other, time.clone());
                        sockets.faults.links.cut(other, one, time);
                    });
                }
            }
        }
    }
}

/// Faults that strike at a numbered call.
impl Faults<'_> {
    /// The host that makes the call of this number crashes at the end of the turn in which it makes
    /// it, and [starts again](super::Host::restart) after `down`. Calls are counted from 1, as
    /// [`Simulation::calls`] counts them. A call made outside of turns counts for the turn that
    /// follows, whichever host takes it. Several add up. See [`Simulation::check_every_call`].
    ///
    /// ```
    /// use lariat::testing::{Simulation, secs};
    ///
    /// let sim = Simulation::new(1);
    /// sim.faults().crash_at_call(1, secs(5));
    /// let restarts = std::rc::Rc::new(std::cell::Cell::new(0));
    /// let count = restarts.clone();
    /// sim.host("server").start(move |reactor| {
    ///     count.set(count.get() + 1);
    ///     reactor.call_later(secs(1), |_| ());
    ///     Ok(())
    /// }).unwrap();
    /// sim.run().unwrap();
    /// assert_eq!(restarts.get(), 2);
    /// ```
    pub fn crash_at_call(&self, number: u64, down: Duration) -> &Self {
        self.aim(format!("crash_at_call({number}, {down:?})"), number, Strike::Crash(down))
    }

    /// The process of the host that makes the call of this number is [killed](super::Host::kill) at
    /// the end of the turn in which it makes it: its system closes the sockets, and refuses
    /// connections until the host [starts again](super::Host::restart) after `down`. Calls are
    /// counted as for [`crash_at_call`](Self::crash_at_call). Several add up.
    pub fn kill_at_call(&self, number: u64, down: Duration) -> &Self {
        self.aim(format!("kill_at_call({number}, {down:?})"), number, Strike::Kill(down))
    }

    /// These hosts cannot reach each other from the end of the turn in which the call of this number
    /// is made, for as long as `lasts`. Calls are counted as for
    /// [`crash_at_call`](Self::crash_at_call). Several add up.
    pub fn partition_at_call(&self, number: u64, one: &str, other: &str, lasts: Duration) -> &Self {
        let label = format!("partition_at_call({number}, {one:?}, {other:?}, {lasts:?})");
        self.aim(label, number, Strike::Partition([one.into(), other.into()], lasts))
    }

    fn aim(&self, label: String, call: u64, strikes: Strike) -> &Self {
        if self.stage().admits(label) {
            self.stage().aimed.with(|aimed| aimed.push(Aimed { call, strikes }));
        }
        self
    }
}

impl Simulation {
    /// Runs `test` with `seed` once without an aimed fault, to count the calls that its hosts make,
    /// then once for each of them, with the faults that `aim` sets for its number. Panics at the
    /// first that fails, with the message of [`check`](Self::check), which names the call. The
    /// number of runs is that of the calls, so the test should be short. With `LARIAT_SEED` set, all
    /// calls of that seed are tried.
    ///
    /// ```
    /// use lariat::testing::{Faults, Simulation, secs};
    /// use lariat::{Once, Peer, Protocol, Transport};
    ///
    /// struct Silent;
    ///
    /// impl Protocol for Silent {
    ///     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
    /// }
    ///
    /// let crash = |faults: &Faults<'_>, call| {
    ///     faults.crash_at_call(call, secs(3));
    /// };
    /// Simulation::check_every_call(1, crash, |sim: &Simulation| {
    ///     sim.host("server").start(|reactor| reactor.listen("tcp:7000", |_: &Peer| Silent).map(drop))?;
    ///     sim.host("client").reactor().connect("tcp:server:7000", Once::new(Silent)).detach();
    ///     sim.run_until(secs(10))
    /// });
    /// ```
    ///
    /// # Panics
    ///
    /// When the run without an aimed fault fails or makes no calls, or when a run with one fails.
    #[track_caller]
    pub fn check_every_call(seed: u64, aim: impl Fn(&Faults<'_>, u64), test: impl Fn(&Self) -> Result<()>) {
        let replayed = replayed_seed();
        let seed = replayed.unwrap_or(seed);
        let calls = std::cell::Cell::new(0);
        let count = |sim: &Self| {
            let result = test(sim);
            calls.set(sim.calls());
            result
        };
        let mut report = first_failure([seed].into_iter(), &count, replayed.is_some());
        assert!(report.is_some() || calls.get() > 0, "seed {seed} makes no calls that a fault could be aimed at");
        for call in 1..=calls.get() {
            report = report.or_else(|| {
                let aimed = |sim: &Self| {
                    aim(&sim.faults(), call);
                    test(sim)
                };
                first_failure([seed].into_iter(), &aimed, replayed.is_some())
            });
        }
        if let Some(report) = report {
            panic!("{report}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::rc::Rc;
    use std::time::Duration;

    use super::super::{Faults, Simulation, secs};
    use crate::error::Result;
    use crate::factory::Once;
    use crate::guarded::Guarded;
    use crate::protocol::Protocol;
    use crate::transport::{Peer, Transport};

    /// A store that survives a crash of the server.
    type Store = Rc<Guarded<Vec<u8>>>;

    /// Stores each order and acknowledges it, in this order or the wrong one.
    struct Orders {
        store: Store,
        acknowledges_first: bool,
    }

    impl Protocol for Orders {
        fn data_received(&mut self, transport: &Transport, data: &[u8]) {
            let (store, orders) = (self.store.clone(), data.to_vec());
            if self.acknowledges_first {
                transport.write(data);
                transport
                    .reactor()
                    .call_later(Duration::from_millis(1), move |_| store.with(|store| store.extend(orders)));
            } else {
                store.with(|store| store.extend(orders));
                transport.write(data);
            }
        }
    }

    /// Sends an order each second, and keeps what is acknowledged.
    struct Customer(Store);

    impl Protocol for Customer {
        fn connection_made(&mut self, transport: &Transport) {
            for order in 0..20_u8 {
                let transport = transport.clone();
                let reactor = transport.reactor().clone();
                reactor.call_later(secs(order.into()), move |_| {
                    transport.write(&[order]);
                });
            }
        }

        fn data_received(&mut self, _: &Transport, data: &[u8]) {
            self.0.with(|acknowledged| acknowledged.extend(data));
        }
    }

    /// A session of 20 seconds, in which an order may be lost in 20 instants of 1 ms.
    fn session(sim: &Simulation, acknowledges_first: bool) -> Result<()> {
        let (store, acknowledged) = (Store::default(), Store::default());
        let kept = store.clone();
        sim.host("server").start(move |reactor| {
            let store = kept.clone();
            reactor.listen("tcp:7000", move |_: &Peer| Orders { store: store.clone(), acknowledges_first }).map(drop)
        })?;
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(Customer(acknowledged.clone()))).detach();
        sim.run_until(secs(40))?;
        let stored = store.with(|store| store.clone());
        let lost: Vec<u8> =
            acknowledged.with(std::mem::take).into_iter().filter(|order| !stored.contains(order)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        Ok(())
    }

    fn crash(faults: &Faults<'_>, call: u64) {
        faults.crash_at_call(call, secs(3));
    }

    #[test]
    fn a_crash_between_acknowledging_and_storing_is_found() {
        let found = catch_unwind(|| Simulation::check_every_call(1, crash, |sim| session(sim, true)));
        let said = *found.unwrap_err().downcast::<String>().unwrap();
        assert!(said.contains("acknowledged and lost: ["), "{said}");
        assert!(said.contains("it takes every fault: crash_at_call("), "{said}");
    }

    #[test]
    fn a_session_without_calls_is_refused() {
        let found = catch_unwind(|| Simulation::check_every_call(1, crash, |_| Ok(())));
        let said = *found.unwrap_err().downcast::<String>().unwrap();
        assert!(said.contains("makes no calls"), "{said}");
    }

    #[test]
    fn storing_before_acknowledging_survives_a_crash_at_any_call() {
        Simulation::check_every_call(1, crash, |sim| session(sim, false));
    }

    #[test]
    fn a_partition_begins_at_the_call_it_is_aimed_at() {
        let answers = |number: u64| {
            let sim = Simulation::new(1);
            sim.faults().partition_at_call(number, "client", "server", secs(1000));
            let acknowledged = Store::default();
            let _port = sim
                .host("server")
                .reactor()
                .listen("tcp:7000", |_: &Peer| Orders { store: Store::default(), acknowledges_first: false })
                .unwrap();
            let customer = Once::new(Customer(acknowledged.clone()));
            sim.host("client").reactor().connect("tcp:server:7000", customer).detach();
            sim.run_until(secs(30)).unwrap();
            (acknowledged.with(|acknowledged| acknowledged.len()), sim.calls())
        };
        let (all, calls) = answers(u64::MAX);
        assert_eq!(all, 20);
        let by_call: Vec<usize> = (1..=calls).map(|call| answers(call).0).collect();
        assert!(by_call.is_sorted(), "{by_call:?}");
        assert!(by_call.iter().any(|answers| (1..20).contains(answers)), "{by_call:?}");
    }
}
