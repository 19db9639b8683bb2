//! The driver of a reactor in a simulated world.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Time;
use crate::driver::{Driver, Events, Network};
use crate::readiness::Readiness;
use crate::token::Token;

use super::host::Host;
use super::poll::HostId;
use super::sockets::Collected;
use super::world::World;

/// How long a loop to which nothing else can happen waits for a call from another thread, in real time: longer than any that is going
/// to call will take on any machine, and short enough that a test which would hang fails instead.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Simulated {
    host: Rc<Host>,
    events: Vec<(Token, Readiness)>,
}

impl Simulated {
    /// The driver of a new host in `world`.
    pub(crate) fn new(world: &Rc<World>) -> Self {
        Self::named(world, "localhost")
    }

    /// The driver of a new host of this name in `world`.
    pub(crate) fn named(world: &Rc<World>, name: &str) -> Self {
        Self::again(world, world.new_host(name))
    }

    /// Another driver of a host, whose last one is gone.
    pub(crate) fn again(world: &Rc<World>, id: HostId) -> Self {
        Self { host: Rc::new(Host { world: world.clone(), id }), events: Vec::new() }
    }

    pub(crate) fn host(&self) -> HostId {
        self.host.id
    }
}

impl Driver for Simulated {
    /// Events that are there are taken at once. Else time passes: all of `timeout`, for with a single host nothing else can happen
    /// meanwhile. Without a `timeout`, what can still happen is a call from another thread, if any can call. Where somebody directs the
    /// world, all of that is theirs to see to, before they let a host take its turn.
    fn wait(&mut self, since: Time, timeout: Option<Duration>) -> io::Result<Option<Time>> {
        self.events.clear();
        let Host { world, id } = &*self.host;
        world.begin_turn(*id);
        let collected = world.on(*id, |sockets| sockets.collect(*id, &mut self.events));
        // Nothing arrives between a wait and a look at the clock: time does not pass meanwhile.
        let complete = |world: &World| match collected {
            Collected::All => Some(world.now_on(*id)),
            Collected::Nothing => Some(since),
            Collected::Part => None,
        };
        if world.is_directed {
            if self.events.is_empty() {
                world.work_later(*id);
            }
            return Ok(complete(world));
        }
        if !self.events.is_empty() {
            world.sleep(Duration::ZERO);
            return Ok(complete(world));
        }
        match timeout {
            Some(timeout) => world.sleep(timeout),
            None if world.bell.wait(PATIENCE) => world.sleep(Duration::ZERO),
            None => {
                return Err(io::Error::new(
                    io::ErrorKind::Deadlock,
                    "nothing is left that could ever happen: no timer is set, nothing is queued, no bytes are on their way, \
                     no thread calls",
                ));
            }
        }
        Ok(complete(world))
    }

    fn events(&self) -> Events<'_> {
        Events::Listed(&self.events)
    }

    fn network(&self) -> Rc<dyn Network> {
        self.host.clone()
    }
}
