//! A host of a simulation: its loop, and when that has something to do.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Time;
use crate::error::Result;
use crate::reactor::{MainLoop, Reactor};
use crate::shutdown::{self, Life};
use crate::simulated::{HostId, Simulated, World};

pub(super) type Boot = Rc<dyn Fn(&Reactor) -> Result<()>>;

/// A host as the simulation keeps it.
pub(super) struct Member {
    pub(super) name: Rc<str>,
    pub(super) id: HostId,
    pub(super) reactor: Reactor,
    /// What is done whenever the host starts.
    pub(super) boot: Option<Boot>,
    /// None while it takes its turn, and once it has ended.
    engine: Option<Engine>,
}

/// A loop that runs.
pub(super) struct Engine {
    main_loop: MainLoop,
    /// When its last turn ended.
    rested: Time,
    life: Life,
}

/// When a host has something to do.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Now,
    At(Time),
    Never,
}

impl Member {
    pub(super) fn new(world: &Rc<World>, name: &str) -> Self {
        let driver = Simulated::named(world, name);
        let id = driver.host();
        let engine = Engine::new(driver, world);
        Self { name: name.into(), id, reactor: Reactor::clone(&engine.main_loop), boot: None, engine: Some(engine) }
    }

    pub(super) fn is_running(&self) -> bool {
        self.engine.is_some()
    }

    /// When it has something to do.
    pub(super) fn next(&self, world: &World) -> Next {
        let Some(engine) = &self.engine else { return Next::Never };
        let busy_until = world.busy_until(self.id);
        let now = world.now();
        if busy_until > now {
            return Next::At(busy_until);
        }
        let core = self.reactor.core();
        let shutdown::Next::Turn(left) = engine.main_loop.next(&engine.life) else { return Next::Now };
        if world.direct(|sockets| sockets.has_events(self.id)) || core.has_remote_calls() {
            return Next::Now;
        }
        match core.longest_wait(now, left) {
            Some(Duration::ZERO) => Next::Now,
            Some(delay) => Next::At(now.after(delay)),
            None => Next::Never,
        }
    }

    pub(super) fn take_engine(&mut self) -> Option<Engine> {
        self.engine.take()
    }

    pub(super) fn put_engine(&mut self, engine: Option<Engine>) {
        self.engine = engine;
    }

    /// Makes a new loop in the place of one that is gone.
    pub(super) fn start_again(&mut self, world: &Rc<World>) {
        let engine = Engine::new(Simulated::again(world, self.id), world);
        self.reactor = Reactor::clone(&engine.main_loop);
        self.engine = Some(engine);
    }
}

impl Engine {
    fn new(driver: Simulated, world: &World) -> Self {
        Self { main_loop: MainLoop::from_driver(Box::new(driver)), rested: world.now(), life: Life::default() }
    }

    /// Takes a turn, or a step of the loop's end. Gives itself back unless it is over.
    pub(super) fn turn(mut self, world: &World, host: HostId) -> Result<Option<Self>> {
        match self.main_loop.next(&self.life) {
            shutdown::Next::Step => self.main_loop.step(&mut self.life),
            shutdown::Next::Turn(_) => {
                world.rest(host, self.rested);
                self.main_loop.turn(Some(Duration::ZERO))?;
            }
            shutdown::Next::Over => {
                self.main_loop.end();
                return Ok(None);
            }
        }
        self.rested = world.now_on(host);
        Ok(Some(self))
    }

    /// Ends the loop at once, in good order or as by a power failure.
    pub(super) fn end(self, vanishes: bool) {
        if vanishes { self.main_loop.vanish() } else { self.main_loop.end() }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("name", &self.name).field("running", &self.is_running()).finish()
    }
}
