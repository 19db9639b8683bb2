//! One at a time.

use std::fmt;

use crate::deferred::{Deferred, IntoDeferred};
use crate::reactor::Reactor;

use super::semaphore::{Permit, Semaphore};

/// Lets one in at a time; the others wait, first come, first served. A [`Semaphore`] with a single permit.
///
/// One thread needs no lock for what a callback does. It is for what takes several: nobody else is let in while one waits for an answer
/// in the middle.
///
/// Whoever is in holds a [`LockGuard`], and is out when that is dropped: on every path, be it a panic, or that nobody listened any more
/// when its turn came. It cannot be taken twice: who holds it and waits for it waits for itself. Nothing is called back from inside
/// `acquire` or a guard's drop. Cloning a lock gives another handle to the same. When the reactor ends, whoever waits fails with
/// [`FailureKind::Ended`](crate::FailureKind::Ended).
///
/// ```
/// use lariat::{Lock, Reactor};
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use std::time::Duration;
///
/// let reactor = Reactor::new()?;
/// let (lock, balance) = (Lock::new(&reactor), Rc::new(Cell::new(0)));
/// for _ in 0..2 {
///     let (handle, balance) = (Reactor::clone(&reactor), balance.clone());
///     lock.run(move || {
///         let before = balance.get();
///         handle.sleep(Duration::from_millis(1)).map(move |()| balance.set(before + 10))
///     })
///     .detach();
/// }
/// let stop = Reactor::clone(&reactor);
/// lock.acquire().finish(move |_| stop.stop());
/// reactor.run()?;
/// assert_eq!(balance.get(), 20);
/// # Ok::<(), lariat::Error>(())
/// ```
#[derive(Clone)]
#[doc(alias = "DeferredLock")]
pub struct Lock(Semaphore);

/// Holds a [`Lock`]. Dropping it lets the next one in.
#[must_use = "dropping it gives the lock free"]
pub struct LockGuard(#[expect(dead_code, reason = "its drop is what counts")] Permit);

impl Lock {
    /// One that nobody holds.
    pub fn new(reactor: &Reactor) -> Self {
        Self(Semaphore::new(reactor, 1))
    }

    /// Waits for the lock. Cancelling it leaves no trace.
    #[track_caller]
    pub fn acquire(&self) -> Deferred<LockGuard> {
        self.0.acquire().map(LockGuard)
    }

    /// The lock, if nobody holds it now.
    pub fn try_acquire(&self) -> Option<LockGuard> {
        self.0.try_acquire().map(LockGuard)
    }

    /// Calls `call` with the lock, from the loop, and gives it free when the result of that is there, whatever it is.
    ///
    /// Cancelling it leaves the line, or cancels what `call` has given; then the lock is free when that has ended. A panic is a failure, as in
    /// any callback.
    #[track_caller]
    pub fn run<R: IntoDeferred>(&self, call: impl FnOnce() -> R + 'static) -> Deferred<R::Value> {
        self.0.run(call)
    }

    /// Does anybody hold it?
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.0.available() == 0
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.0.waiting()
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("is_locked", &self.is_locked()).field("waiting", &self.waiting()).finish()
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockGuard")
    }
}
