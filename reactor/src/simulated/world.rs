//! The world that simulated reactors live in.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::clock::{Epoch, Time};
use crate::guarded::Guarded;

use super::clock::Clock;
use super::poll::HostId;
use super::sockets::Sockets;

/// A clock, sockets, and what connects them, shared by all that live in it.
///
/// Nothing in it depends on the order of a hash, on an address in memory or on the real time: the same calls get the same answers.
#[derive(Debug)]
pub(crate) struct World {
    /// What the standard library's clock showed at the beginning. Only differences to it can be seen.
    epoch: Epoch,
    clock: Guarded<Clock>,
    sockets: Guarded<Sockets>,
    hosts: Guarded<u32>,
}

impl World {
    pub(crate) fn new() -> Rc<Self> {
        Self::with_clock(Clock::default())
    }

    /// A world in which time passes only for those who wait for it.
    pub(crate) fn still() -> Rc<Self> {
        Self::with_clock(Clock::still())
    }

    fn with_clock(clock: Clock) -> Rc<Self> {
        Rc::new(Self {
            epoch: Epoch::new(),
            clock: Guarded::new(clock),
            sockets: Guarded::new(Sockets::default()),
            hosts: Guarded::new(0),
        })
    }

    pub(super) fn new_host(&self) -> HostId {
        self.hosts.with(|hosts| {
            *hosts += 1;
            HostId(*hosts)
        })
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.with(|clock| clock.now())
    }

    pub(super) fn instant(&self, time: Time) -> Instant {
        self.epoch.instant(time)
    }

    pub(crate) fn sleep(&self, delay: Duration) {
        self.clock.with(|clock| clock.sleep(delay));
    }

    pub(super) fn with<R>(&self, visit: impl FnOnce(&mut Sockets) -> R) -> R {
        self.sockets.with(visit)
    }
}
