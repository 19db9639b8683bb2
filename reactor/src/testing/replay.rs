//! A recorded loop, once more.

use std::fmt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use crate::contain::{contain, take_panics};
use crate::error::Result;
use crate::reactor::{MainLoop, Reactor};
use crate::recording::{Replayer, Script};
use crate::shutdown::{Life, Next};
use crate::signal::Termination;

use super::simulation::Simulation;

/// A replay that is being set up: see [`Simulation::replay`].
pub struct Replay {
    reactor: Reactor,
    script: Rc<Script>,
}

/// How a replay went: what [`Simulation::replay`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// How much time has passed in the recording.
    pub elapsed: Duration,
    /// How many calls of the loop's to the world it has.
    pub entries: u64,
    /// Does it have the end of its loop? Not if the recording had reached its limit before; then nobody has heard of an end.
    pub is_complete: bool,
    /// Were bytes left out? Then protocols were given others.
    pub sizes_only: bool,
    /// Panics in callbacks, which ended no more than they did when they were recorded: who panicked, and what it said. Of many the
    /// first few.
    pub panics: Vec<String>,
}

impl Simulation {
    /// Has what [`Builder::record`](crate::Builder::record) has recorded happen again: the same callbacks in the same order, with the same
    /// bytes and at the same times by the reactor's clock, though without waiting.
    ///
    /// `set_up` does what the recorded program did between making the reactor and running it: it listens, connects, sets timers. It runs
    /// the same code as the program, with the replay's [reactor](Replay::reactor) in place of the real one. The loop is then run for it.
    ///
    /// No socket is opened and no thread is listened to. A call from another thread happens when it did; what it did is up to
    /// [`on_remote_call`](Replay::on_remote_call). Tasks that a thread woke are polled where they were.
    /// A result that a thread had for [`defer_to_thread`](crate::Reactor::defer_to_thread) is such a call, and cannot be brought again: a program
    /// that waits for one departs there. Signals come when they came. What the program takes from elsewhere than its reactor
    /// has to be the same for the course to be: no `HashMap`'s order, no `Instant::now`, no file that has changed. Of what the program
    /// [registered](crate::Reactor::register) itself is replayed when it was ready, and not what was to be read there.
    ///
    /// Panics in callbacks are contained, as they were, and told in the end. So a crash that was recorded can be looked at in a debugger, or
    /// with more said in the log, as often as it takes.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Violated`](crate::ErrorKind::Violated) at the first thing that the replay does differently: it writes other bytes, reads
    ///   the clock where it did not, closes what it did not close. The message tells what and where;
    ///   ports, connections and registered descriptors (signals are two) are numbered there in the order in which they were made. The turn goes on to its end, without
    ///   a socket that would answer, and the loop no further; nobody hears `connection_lost`.
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the file is no recording, is of another version, is damaged, or is
    ///   cut off, each with a message of its own. What is there is replayed before.
    /// - The same for a call from another thread that nobody supplies.
    /// - What reading the file fails with, and what `set_up` gives.
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::testing::Simulation;
    /// use lariat::{CloseReason, Once, Peer, Protocol, Reactor, Transport};
    /// use std::{cell::Cell, rc::Rc};
    ///
    /// struct Echo;
    ///
    /// impl Protocol for Echo {
    ///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
    ///         transport.write(data);
    ///     }
    /// }
    ///
    /// struct Guest(Rc<Cell<usize>>);
    ///
    /// impl Protocol for Guest {
    ///     fn connection_made(&mut self, transport: &Transport) {
    ///         transport.write(b"hello");
    ///     }
    ///
    ///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
    ///         self.0.set(self.0.get() + data.len());
    ///         transport.close();
    ///     }
    ///
    ///     fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
    ///         transport.reactor().stop();
    ///     }
    /// }
    ///
    /// fn set_up(reactor: &Reactor, echoed: &Rc<Cell<usize>>) -> lariat::Result<()> {
    ///     let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Echo)?;
    ///     reactor.connect(&port.address().to_string(), Once::new(Guest(echoed.clone()))).detach();
    ///     Ok(())
    /// }
    ///
    /// # let path = std::env::temp_dir().join(format!("lariat-replay-{}", std::process::id()));
    /// let echoed = Rc::new(Cell::new(0));
    /// let reactor = Reactor::builder().record(&path).build()?;
    /// set_up(&reactor, &echoed)?;
    /// reactor.run()?;
    /// assert_eq!(echoed.get(), 5);
    ///
    /// let again = Rc::new(Cell::new(0));
    /// let replayed = Simulation::replay(&path, |replay| set_up(replay.reactor(), &again))?;
    /// assert!(replayed.is_complete);
    /// assert_eq!(again.get(), 5);
    /// # std::fs::remove_file(path).ok();
    /// # Ok::<(), lariat::Error>(())
    /// ```
    pub fn replay(path: impl AsRef<Path>, set_up: impl FnOnce(&Replay) -> Result<()>) -> Result<Replayed> {
        let script = Rc::new(Script::open(path.as_ref())?);
        if script.is_sizes_only() {
            log::warn!("{} has sizes only: what was received is filled in", path.as_ref().display());
        }
        // Those of an earlier test on this thread are none of ours.
        drop(take_panics());
        let main_loop = MainLoop::from_driver(Box::new(Replayer::new(script.clone())));
        let replay = Replay { reactor: Reactor::clone(&main_loop), script: script.clone() };
        if let Err(error) = set_up(&replay) {
            let stop = script.take_stop().and_then(|stop| script.explain(&stop));
            main_loop.vanish();
            return Err(stop.unwrap_or(error));
        }
        perform(main_loop, &script);
        let is_complete = match script.take_stop() {
            None => true,
            Some(stop) => match script.explain(&stop) {
                Some(error) => return Err(error),
                None => false,
            },
        };
        let (entries, elapsed) = script.progress();
        Ok(Replayed { elapsed, entries, is_complete, sizes_only: script.is_sizes_only(), panics: take_panics() })
    }
}

/// Runs the loop as it was run, until it has ended or the script has.
fn perform(mut main_loop: MainLoop, script: &Script) {
    let mut termination = None;
    // None in a loop that is turned rather than run, until that changes.
    let mut life: Option<Life> = None;
    while !script.begins_to_end() && !script.has_stopped() {
        if life.is_none() && script.begins_to_run() {
            // It fails only where it did when it was recorded, and then the loop has ended there.
            termination = Termination::begin(&main_loop).ok();
            life = Some(Life::default());
            continue;
        }
        let next = life.as_ref().map_or(Next::Turn(None), |life| main_loop.next(life));
        match (next, &mut life) {
            // What ends it was recorded, or is known to the script.
            (Next::Turn(longest), _) if main_loop.turn(longest).is_err() => break,
            (Next::Turn(_), _) => {}
            (Next::Step, Some(life)) => main_loop.step(life),
            (Next::Step | Next::Over, _) => break,
        }
    }
    drop(termination);
    if script.has_stopped() {
        return main_loop.vanish();
    }
    main_loop.end();
    script.end();
}

impl Replay {
    /// The reactor that sees again what was recorded.
    #[must_use]
    pub fn reactor(&self) -> &Reactor {
        &self.reactor
    }

    /// Has `hook` do what calls from other threads did when they were recorded: the first call is number 1. It runs from the loop,
    /// in their place. What threads call during the replay is dropped unheard.
    ///
    /// Without it a replay stops at the first such call, with an error that names it.
    pub fn on_remote_call(&self, mut hook: impl FnMut(u64, &Reactor) + 'static) {
        self.script.expect_hook();
        self.reactor.set_replayed_calls(Box::new(move |number, reactor| {
            // The panic is told in the end.
            let _ = contain(|| "a replayed call from another thread", || hook(number, reactor));
        }));
    }

    /// Were bytes left out of the recording? Then what was received is filled in.
    #[must_use]
    pub fn is_sizes_only(&self) -> bool {
        self.script.is_sizes_only()
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Replay").field(&self.script).finish()
    }
}
