//! The owner of the loop.

use std::fmt;
#[cfg(feature = "testing")]
use std::io;
use std::mem;
use std::ops::Deref;
use std::time::Duration;

use crate::clock::Time;
use crate::driver::{Driver, Events};
use crate::error::{Error, Result};
use crate::guarded::Guarded;
#[cfg(feature = "testing")]
use crate::parked::parked;
use crate::poller::{EVENTS, Poller};
use crate::readiness::Readiness;
use crate::source_table::SourceTable;
use crate::stats::count;
use crate::token::Token;

use super::core::{Core, Reactor, Turn};
#[cfg(feature = "testing")]
use super::dispatch::vanish;
use super::dispatch::{dispatch, end, run_calls, shed_queues};
use super::tasks::Current;

/// Bytes of the read buffer that all connections share. One read takes what a loopback or a fast network delivers at
/// once; measured, larger ones stream no faster and leave the processor's second-level cache.
const READ_BUFFER: usize = 64 * 1024;

/// The loop, owned: run it, or drop it to end everything.
///
/// It derefs to [`Reactor`], the handle through which everything is made. When [`run`](MainLoop::run) returns or the `MainLoop`
/// is dropped, every connection hears [`connection_lost`](crate::Protocol::connection_lost), and timers and queued calls are
/// dropped; handles that are left over become harmless.
pub struct MainLoop {
    reactor: Reactor,
    driver: Box<dyn Driver>,
    buffer: Box<[u8]>,
    /// The list that is being served, while the reactor fills the other.
    serving: Vec<Token>,
    /// The time at which the first wait of the last turn returned.
    awake_since: Time,
}

impl Reactor {
    /// A loop on the operating system's own sockets and clock, through mio.
    ///
    /// # Errors
    ///
    /// When the operating system has no descriptor left for it.
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// reactor.call_later(Duration::from_millis(1), |reactor| reactor.stop());
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[expect(clippy::new_ret_no_self, reason = "the owner is what a program starts with; it derefs to the handle")]
    pub fn new() -> Result<MainLoop> {
        let poller = Poller::new().map_err(|error| Error::io("could not make an epoll instance", error))?;
        Ok(MainLoop::from_driver(Box::new(poller)))
    }
}

impl MainLoop {
    pub(crate) fn from_driver(driver: Box<dyn Driver>) -> Self {
        let reactor = Reactor::from_network(driver.network());
        let awake_since = reactor.core().now.get();
        let buffer = vec![0; READ_BUFFER].into_boxed_slice();
        Self { reactor, driver, buffer, serving: Vec::new(), awake_since }
    }

    /// One turn of the loop: waits for events, at most `longest` (`None`: as long as it takes), serves them, runs what is due.
    /// For programs that own a loop of their own, and for tests.
    ///
    /// # Errors
    ///
    /// When waiting for events fails, which on a sound system it does not; or, on a simulated reactor, when nothing is left
    /// that could ever happen.
    #[doc(alias = "iterate")]
    #[doc(alias = "doIteration")]
    pub fn turn(&mut self, longest: Option<Duration>) -> Result<()> {
        let _entered = self.reactor.enter();
        self.take_turn(longest)
    }

    /// The same, within a loop that has been [entered](Reactor::enter) already.
    pub(crate) fn take_turn(&mut self, longest: Option<Duration>) -> Result<()> {
        let core = self.reactor.core();
        // The clock is read twice a turn: here, where the last one is over, and after the wait.
        let begun = core.network.now();
        let busy = begun.nanos_since(self.awake_since);
        core.observation.turn_over(core.counters.count_turn(busy));
        let mut timeout = core.longest_wait(begun, longest);
        let mut batches = 0;
        // The list of the last turn is served in this one; what is added meanwhile waits for the next.
        take_list(&core.again, &mut self.serving);
        // Tasks that are woken meanwhile need not be looked for.
        let _current = Current::set(&self.reactor);
        let mut turn = Turn { reactor: &self.reactor, buffer: &mut self.buffer };
        let complete = loop {
            let waited = self.driver.wait(begun, core.announce_wait(timeout));
            #[cfg(feature = "testing")]
            let waited = waited.or_else(|error| wait_for_strays(&mut *self.driver, core, begun, error));
            core.end_wait();
            let complete = waited.map_err(|error| Error::io("waiting for events failed", error))?;
            core.now.set(core.network.now());
            if batches == 0 {
                self.awake_since = core.now.get();
            }
            batches += 1;
            match self.driver.events() {
                Events::Polled(events) => {
                    let mut served = 0;
                    for event in events {
                        served += 1;
                        if let Some(token) = Token::from_bits(event.token().0 as u64) {
                            dispatch(&mut turn, token, Readiness::of(event));
                        }
                    }
                    count(&core.counters.events, served);
                }
                Events::Listed(events) => {
                    count(&core.counters.events, events.len() as u64);
                    for (token, readiness) in events {
                        dispatch(&mut turn, *token, *readiness);
                    }
                }
            }
            match complete {
                Some(complete) => break complete,
                None if may_overtake(core, begun, batches) => timeout = Some(Duration::ZERO),
                None => break begun,
            }
        };
        core.complete.set(complete);
        if !self.serving.is_empty() {
            dispatch_all(&mut turn, &mut self.serving, Readiness::AGAIN);
        }
        // Before the timers: a result that another thread has delivered in time is not overtaken by its timeout.
        core.queue_remote_calls();
        core.expire_timers();
        if !core.calls.with(|calls| calls.is_empty()) {
            run_calls(&mut turn);
        }
        take_list(&core.touched, &mut self.serving);
        if !self.serving.is_empty() {
            dispatch_all(&mut turn, &mut self.serving, Readiness::FLUSH);
        }
        // Last, so that what the kernels take at once counts neither as queued nor as stuck.
        if core.over_budget.get() {
            shed_queues(&mut turn);
        }
        core.sources.with(SourceTable::free_released);
        Ok(())
    }

    /// Ends as by a power failure: nobody hears of it.
    #[cfg(feature = "testing")]
    pub(crate) fn vanish(self) {
        vanish(&self.reactor);
    }

    /// Tells every source `readiness`, outside a turn.
    pub(crate) fn tell_all(&mut self, readiness: Readiness) {
        let mut turn = Turn { reactor: &self.reactor, buffer: &mut self.buffer };
        for token in self.reactor.core().sources.with(|sources| sources.tokens()) {
            dispatch(&mut turn, token, readiness);
        }
        self.reactor.core().sources.with(SourceTable::free_released);
    }
}

/// After a full batch of events: may a timer that is due overtake input that the kernel has not reported yet? After one batch for as
/// many sources as fit into it, every source that was ready when the turn began has had its event.
#[cold]
fn may_overtake(core: &Core, begun: Time, batches: usize) -> bool {
    core.is_timer_due(begun) && batches <= core.sources.with(|sources| sources.len()).div_ceil(EVENTS)
}

/// A simulated loop to which nothing can happen waits all the same, if a waker has strayed to where another thread may have it.
#[cfg(feature = "testing")]
#[cold]
fn wait_for_strays(driver: &mut dyn Driver, core: &Core, since: Time, error: io::Error) -> io::Result<Option<Time>> {
    if error.kind() != io::ErrorKind::Deadlock {
        return Err(error);
    }
    // As long as there is this one, the driver is patient.
    let _reason = (core.wakers_about() > parked()).then(|| core.network.waker()).transpose()?;
    // One that was used meanwhile, and is gone, is heard now.
    driver.wait(since, None)
}

/// Serves everybody on a list, and empties it.
fn dispatch_all(turn: &mut Turn<'_>, tokens: &mut Vec<Token>, readiness: Readiness) {
    for token in tokens.drain(..) {
        dispatch(turn, token, readiness);
    }
}

/// Swaps a list that has something in it for one that is empty.
#[inline]
fn take_list(list: &Guarded<Vec<Token>>, empty: &mut Vec<Token>) {
    list.with(|list| {
        if !list.is_empty() {
            mem::swap(list, empty);
        }
    });
}

impl Deref for MainLoop {
    type Target = Reactor;

    fn deref(&self) -> &Reactor {
        &self.reactor
    }
}

impl Drop for MainLoop {
    fn drop(&mut self) {
        let _entered = self.reactor.enter();
        end(&mut Turn { reactor: &self.reactor, buffer: &mut self.buffer });
    }
}

impl fmt::Debug for MainLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MainLoop").field(&self.reactor).finish()
    }
}
