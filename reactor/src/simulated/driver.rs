//! The driver of a reactor in a simulated world.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use crate::driver::{Driver, Events, Network};
use crate::readiness::Readiness;
use crate::token::Token;

use super::bell::Bell;
use super::host::Host;
use super::world::World;

/// How long a loop to which nothing else can happen waits for a call from another thread, in real time: longer than any that is going
/// to call will take on any machine, and short enough that a test which would hang fails instead.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Simulated {
    host: Rc<Host>,
    events: Vec<(Token, Readiness)>,
}

impl Simulated {
    /// The driver of a new host in `world`.
    pub(crate) fn new(world: &Rc<World>) -> Self {
        let host = Rc::new(Host { world: world.clone(), id: world.new_host(), bell: Bell::new() });
        Self { host, events: Vec::new() }
    }
}

impl Driver for Simulated {
    /// Events that are there are taken at once. Else time passes: all of `timeout`, for with a single host nothing else can happen
    /// meanwhile. Without a `timeout`, what can still happen is a call from another thread, if any can call.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.events.clear();
        let Host { world, id, bell } = &*self.host;
        world.with(|sockets| sockets.collect(*id, &mut self.events));
        if !self.events.is_empty() {
            world.sleep(Duration::ZERO);
            return Ok(());
        }
        match timeout {
            Some(timeout) => world.sleep(timeout),
            None if bell.wait(PATIENCE) => world.sleep(Duration::ZERO),
            None => {
                return Err(io::Error::new(
                    io::ErrorKind::Deadlock,
                    "nothing is left that could ever happen: no timer is set, nothing is queued, no bytes are on their way, \
                     no thread calls",
                ));
            }
        }
        Ok(())
    }

    fn events(&self) -> Events<'_> {
        Events::Listed(&self.events)
    }

    fn network(&self) -> Rc<dyn Network> {
        self.host.clone()
    }
}
