//! Destructors of user values that use everything there is, on every way on which such a value is dropped: nothing may be borrowed
//! then, nothing half done, and nothing that they ask for may be lost.

mod calls;
mod everything;
mod protocols;
mod streams;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::{Bytes, Peer, Reactor};
use lariat_tests::faults::{OnDrop, Outsider, Records};
use lariat_tests::harness::{Ground, Log, Probe, World};

use super::{assert_serves, outsider};
use everything::Everything;

/// Something to drop, and what it belongs to.
struct Stage {
    world: World,
    everything: Rc<Everything>,
    rough: bool,
}

impl Stage {
    /// A value that uses everything when it is dropped.
    fn value(&self) -> OnDrop {
        OnDrop::new(self.act())
    }

    fn act(&self) -> impl FnOnce() + 'static {
        let (everything, rough) = (self.everything.clone(), self.rough);
        move || if rough { everything.use_roughly() } else { everything.use_gently() }
    }

    /// A chunk of so many bytes that does.
    fn chunk(&self, length: usize) -> Bytes {
        OnDrop::chunk(vec![b'.'; length], self.act())
    }

    /// A probe that owns one.
    fn owner(&self, log: &Log) -> Probe {
        let value = self.value();
        log.probe().write_resumed(move |_| {
            let _ = &value;
        })
    }

    /// Connects a peer to `probe`, whose connection the value's is then.
    fn connect(&mut self, probe: Probe) -> Outsider {
        let log = probe.log().clone();
        let peer = outsider(&mut self.world, probe);
        self.everything.own.set(Some(log.handle()));
        peer
    }

    fn until_dropped(&mut self) {
        let everything = self.everything.clone();
        self.world.until("the value is dropped", || everything.ran.get() > 0);
    }

    fn reactor(&self) -> &Reactor {
        &self.world.reactor
    }
}

/// Has `drop_it` drop a value, gently and then roughly, and looks whether all is well afterwards.
fn on_the_way(drop_it: impl Fn(Stage) -> Option<World>) {
    for rough in [false, true] {
        let mut world = World::new(Ground::RealTcp);
        let records = Records::begin();
        let log = Log::new();
        let other = outsider(&mut world, log.probe());
        let everything = Rc::new(Everything {
            reactor: world.reactor.clone(),
            port: world.listen(|_: &Peer| Log::new().probe()),
            call: world.reactor.call_later(Duration::from_secs(60), |_| ()),
            other: log.handle(),
            own: Cell::new(None),
            ran: Cell::new(0),
        });
        let world = drop_it(Stage { world, everything: everything.clone(), rough });
        assert_eq!(everything.ran.get(), 1, "it is dropped, and once");
        if let Some(mut world) = world {
            world.settle();
            assert_serves(&mut world);
            assert_eq!(log.has("dropped"), rough, "{:?}", log.story());
            drop(world);
        }
        assert!(log.has("dropped"));
        assert!(records.panics().is_empty(), "{:?}", records.panics());
        drop(other);
    }
}

macro_rules! ways {
    ($($name:ident: $drop_it:expr;)*) => {
        $(
            #[test]
            fn $name() {
                on_the_way($drop_it);
            }
        )*
    };
}

use ways;
