//! Several reactors in one process, a thread each.

use std::fmt;
use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, available_parallelism};
use std::time::{Duration, Instant};

use crate::contain::contain;
use crate::error::{Error, Result};
use crate::reactor::{MainLoop, Reactor, Remote};
use crate::stats::Stats;
use crate::trigger::{SystemEvent, TriggerPhase};

/// How long [`Cores::stats`] waits for the cores' answers. A loop that serves its connections answers within a turn, so a second is
/// what only a callback that blocks can use up.
const ANSWER: Duration = Duration::from_secs(1);

/// Serves with `count` reactors, each on a thread of its own, until they are stopped; then returns what they have counted,
/// added up. 0 means one for each processor that this process may use.
///
/// `setup` is called on each thread, one after the other, with the number of the core, from 0 on, and its reactor. It listens and
/// does whatever else is to be done before the loop runs; no loop runs until all are set up. Reactors share nothing: each has
/// listeners of its own, which take the same port if they ask for it with `reuseport=yes`. The kernel then spreads
/// connections over them.
///
/// The cores end together: when one is [stopped](Reactor::stop), whoever does it, the others stop as well, and each of them drains. The
/// first SIGINT or SIGTERM stops them all, a second one ends the process: see [`MainLoop::run`]. A core that
/// [crashes](Reactor::crash) or fails stops the others in good order.
///
/// The calling thread waits meanwhile. [`Cores`] does the same without waiting.
///
/// # Errors
///
/// What the first `setup` that failed returned, or that it panicked: the cores that were set up already end without having run. Also
/// when there is no descriptor or thread left, or when waiting for events fails, which on a sound system it does not.
///
/// # Example
///
/// ```no_run
/// use lariat::{Peer, Protocol, Transport, run_on_cores};
///
/// struct Echo;
///
/// impl Protocol for Echo {
///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
///         transport.write(data);
///     }
/// }
///
/// fn main() -> lariat::Result<()> {
///     let stats = run_on_cores(0, |_, reactor| {
///         reactor.listen("tcp:7000:reuseport=yes", |_: &Peer| Echo)?;
///         Ok(())
///     })?;
///     println!("{} connections were served", stats.opened);
///     Ok(())
/// }
/// ```
pub fn run_on_cores(
    count: usize,
    setup: impl Fn(usize, &Reactor) -> Result<()> + Send + Sync + 'static,
) -> Result<Stats> {
    Cores::start(count, setup)?.join()
}

/// Reactors that run on threads of their own: see [`run_on_cores`].
///
/// It may be sent and shared between threads. Dropping it stops the cores, and does not wait for them.
///
/// ```
/// use lariat::{Cores, Peer, Protocol, Transport};
/// # struct Echo;
/// # impl Protocol for Echo {
/// #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
/// #         transport.write(data);
/// #     }
/// # }
///
/// let cores = Cores::start(2, |_, reactor| {
///     reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Echo)?;
///     Ok(())
/// })?;
/// assert_eq!(cores.stats().connections, 0);
/// cores.stop();
/// let stats = cores.join()?;
/// assert_eq!(stats.opened, 0);
/// # Ok::<(), lariat::Error>(())
/// ```
pub struct Cores {
    together: Arc<Together>,
    threads: Vec<JoinHandle<Result<()>>>,
}

/// What the threads have in common.
#[derive(Default)]
struct Together {
    stopping: AtomicBool,
    cores: Mutex<Vec<Core>>,
}

/// A core, as the others see it.
struct Core {
    remote: Remote,
    /// What it counted when it was asked last.
    stats: Stats,
}

impl Together {
    fn cores(&self) -> MutexGuard<'_, Vec<Core>> {
        // Nothing that panics is done with it.
        self.cores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops every core, the first time.
    fn stop(&self) {
        if !self.stopping.swap(true, Ordering::SeqCst) {
            for core in self.cores().iter() {
                // One that has ended needs no stop.
                let _ = core.remote.call(Reactor::stop);
            }
        }
    }

    /// A core has ended, and has counted so much.
    fn end(&self, core: usize, stats: Stats) {
        self.note(core, stats);
        // It may have ended without a shutdown.
        self.stop();
    }

    fn note(&self, core: usize, stats: Stats) {
        if let Some(core) = self.cores().get_mut(core) {
            core.stats = stats;
        }
    }
}

impl Cores {
    /// Starts `count` reactors, or one for each processor if that is 0. They serve when this returns.
    ///
    /// # Errors
    ///
    /// As of [`run_on_cores`]: no core runs then.
    pub fn start(count: usize, setup: impl Fn(usize, &Reactor) -> Result<()> + Send + Sync + 'static) -> Result<Self> {
        // Where the number of processors cannot be told, one core serves.
        let count = if count == 0 { available_parallelism().map_or(1, NonZero::get) } else { count };
        let (setup, together) = (Arc::new(setup), Arc::new(Together::default()));
        let mut threads = Vec::with_capacity(count);
        let mut starts = Vec::with_capacity(count);
        for number in 0..count {
            let (setup, together) = (setup.clone(), together.clone());
            let (ready, is_ready) = channel();
            let (start, may_start) = channel();
            let serve = move || {
                let main_loop = set_up(number, &*setup, &together, &ready)?;
                drop((setup, ready));
                serve(main_loop, number, &together, &may_start)
            };
            let thread = thread::Builder::new().name(format!("lariat-{number}")).spawn(serve);
            let thread =
                thread.map_err(|error| Error::io(format!("could not start the thread of core {number}"), error));
            let outcome = thread.and_then(|thread| match is_ready.recv() {
                Ok(()) => Ok(thread),
                Err(_) => Err(ended(number, thread).err().unwrap_or_else(|| panicked(number))),
            });
            match outcome {
                Ok(thread) => {
                    threads.push(thread);
                    starts.push(start);
                }
                Err(error) => {
                    // Nobody will tell them to start, so they end.
                    drop(starts);
                    for (number, thread) in threads.into_iter().enumerate() {
                        // They have not run, so there is nothing to be told of them.
                        let _ = ended(number, thread);
                    }
                    return Err(error);
                }
            }
        }
        for start in starts {
            // It waits for this, and for nothing else.
            let _ = start.send(());
        }
        Ok(Self { together, threads })
    }

    /// Stops every core in good order, as [`Reactor::stop`] does it. Calling it again does nothing.
    pub fn stop(&self) {
        self.together.stop();
    }

    /// What the cores have counted so far, added up. A core that does not answer within a second, for a callback of its
    /// blocks it, counts with what it said when it was asked last.
    pub fn stats(&self) -> Stats {
        let (sender, answers) = channel();
        let mut asked = 0;
        let remotes: Vec<_> = self.together.cores().iter().map(|core| core.remote.clone()).collect();
        for (number, remote) in remotes.into_iter().enumerate() {
            let (together, sender) = (self.together.clone(), sender.clone());
            let answer = move |reactor: &Reactor| {
                together.note(number, reactor.stats());
                // Who asked may have given up waiting.
                let _ = sender.send(());
            };
            // What one counted that has ended is known.
            if remote.call(answer).is_ok() {
                asked += 1;
            }
        }
        drop(sender);
        let deadline = Instant::now() + ANSWER;
        for _ in 0..asked {
            // An end of the channel means that the cores have ended without answering, and have told their last numbers.
            if answers.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_err() {
                break;
            }
        }
        self.together.cores().iter().map(|core| core.stats).sum()
    }

    /// Waits until every core has ended, and returns what they have counted, added up.
    ///
    /// # Errors
    ///
    /// When waiting for events failed on one of the cores, which on a sound system it does not.
    pub fn join(mut self) -> Result<Stats> {
        let mut outcome = Ok(());
        for (number, thread) in self.threads.drain(..).enumerate() {
            outcome = outcome.and(ended(number, thread));
        }
        outcome.map(|()| self.together.cores().iter().map(|core| core.stats).sum())
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        self.together.stop();
    }
}

impl fmt::Debug for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cores").field("count", &self.together.cores().len()).finish_non_exhaustive()
    }
}

/// Makes a core's reactor and has it set up.
fn set_up(
    number: usize,
    setup: &dyn Fn(usize, &Reactor) -> Result<()>,
    together: &Arc<Together>,
    ready: &Sender<()>,
) -> Result<MainLoop> {
    let main_loop = Reactor::new()?;
    let others = together.clone();
    // With the first word of its shutdown, so that all drain at the same time.
    main_loop.add_trigger(TriggerPhase::Before, SystemEvent::Shutdown, move |_| others.stop());
    contain(|| "the setup of a core", || setup(number, &main_loop)).map_err(|_| panicked(number))??;
    let remote = main_loop.remote()?;
    together.cores().push(Core { remote, stats: main_loop.stats() });
    // Who started us waits for this.
    let _ = ready.send(());
    Ok(main_loop)
}

/// Runs a core's loop, once all are set up.
fn serve(main_loop: MainLoop, number: usize, together: &Together, may_start: &Receiver<()>) -> Result<()> {
    if may_start.recv().is_err() {
        return Ok(());
    }
    let reactor = Reactor::clone(&main_loop);
    let outcome = main_loop.run();
    together.end(number, reactor.stats());
    outcome
}

/// Waits for a core's thread.
fn ended(number: usize, thread: JoinHandle<Result<()>>) -> Result<()> {
    thread.join().unwrap_or_else(|_| Err(panicked(number)))
}

fn panicked(number: usize) -> Error {
    Error::io(format!("core {number} has failed"), io::Error::other("it panicked"))
}
