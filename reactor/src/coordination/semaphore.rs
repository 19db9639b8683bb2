//! So many at a time.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use crate::deferred::{Deferred, IntoDeferred};
use crate::reactor::Reactor;

use super::line::Line;

/// Lets so many in at a time; the others wait, first come, first served.
///
/// Whoever is in holds a [`Permit`], and is out when that is dropped: on every path, be it a panic, or that nobody listened any more when
/// its turn came. Nothing is called back from inside `acquire` or a permit's drop. Cloning a semaphore gives another handle to the same.
/// When the reactor ends, whoever waits fails with [`FailureKind::Ended`](crate::FailureKind::Ended).
///
/// ```
/// use lariat::{Deferred, Reactor, Semaphore};
/// use std::time::Duration;
///
/// let reactor = Reactor::new()?;
/// let two_at_a_time = Semaphore::new(&reactor, 2);
/// let downloads = (0..5).map(|number| {
///     let handle = Reactor::clone(&reactor);
///     two_at_a_time.run(move || handle.sleep(Duration::from_millis(1)).map(move |()| number))
/// });
/// let stop = Reactor::clone(&reactor);
/// Deferred::gather(&reactor, downloads).finish(move |all| {
///     assert_eq!(all.unwrap(), [0, 1, 2, 3, 4]);
///     stop.stop();
/// });
/// reactor.run()?;
/// # Ok::<(), lariat::Error>(())
/// ```
#[derive(Clone)]
#[doc(alias = "DeferredSemaphore")]
pub struct Semaphore(Rc<Inner>);

struct Inner {
    reactor: Reactor,
    limit: usize,
    free: Cell<usize>,
    /// While there are free permits, nobody waits.
    line: Line<Permit>,
}

/// A place inside a [`Semaphore`]. Dropping it makes room for the next one.
#[must_use = "dropping it gives it back"]
pub struct Permit(Rc<Inner>);

impl Semaphore {
    /// One that lets `permits` in. With none, everybody waits for ever.
    pub fn new(reactor: &Reactor, permits: usize) -> Self {
        let line = Line::new();
        Self(Rc::new(Inner { reactor: reactor.clone(), limit: permits, free: Cell::new(permits), line }))
    }

    /// Waits for a permit. Cancelling it leaves no trace.
    #[track_caller]
    pub fn acquire(&self) -> Deferred<Permit> {
        match self.try_acquire() {
            Some(permit) => Deferred::succeed(&self.0.reactor, permit),
            None => self.0.line.join(&self.0.reactor, ()),
        }
    }

    /// A permit, if there is one now.
    pub fn try_acquire(&self) -> Option<Permit> {
        let left = self.0.free.get().checked_sub(1)?;
        self.0.free.set(left);
        Some(Permit(self.0.clone()))
    }

    /// Calls `call` with a permit, from the loop, and gives it back when the result of that is there, whatever it is.
    ///
    /// Cancelling it leaves the line, or cancels what `call` has given; then the permit is given back when that has ended. A panic is a
    /// failure, as in any callback.
    #[track_caller]
    pub fn run<R: IntoDeferred>(&self, call: impl FnOnce() -> R + 'static) -> Deferred<R::Value> {
        let reactor = self.0.reactor.clone();
        self.acquire().and_then(move |permit| {
            Deferred::maybe(&reactor, call).map_result(move |result| {
                drop(permit);
                result
            })
        })
    }

    /// How many permits there are, given out or not.
    #[doc(alias = "limit")]
    pub fn permits(&self) -> usize {
        self.0.limit
    }

    /// How many permits are free.
    #[doc(alias = "tokens")]
    pub fn available(&self) -> usize {
        self.0.free.get()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.0.line.len()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        match self.0.line.next() {
            // It waits still, so it takes it.
            Some((resolver, ())) => drop(resolver.resolve(Self(self.0.clone()))),
            None => self.0.free.set(self.0.free.get() + 1),
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("permits", &self.permits())
            .field("available", &self.available())
            .field("waiting", &self.waiting())
            .finish()
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}
