//! Wakers that things of the loop's own keep.

use std::task::Waker;

/// A waker that something on the loop's own thread keeps: what waits for it is woken by the loop or not at all.
///
/// A simulated loop, to which nothing else can happen, tells by how many there are whether another thread may have a waker: then it waits
/// for that one.
#[derive(Debug)]
pub(crate) struct Parked {
    waker: Waker,
    #[cfg(feature = "testing")]
    _counted: Counted,
}

impl Parked {
    #[inline]
    pub(crate) fn new(waker: &Waker) -> Self {
        Self {
            waker: waker.clone(),
            #[cfg(feature = "testing")]
            _counted: Counted::new(),
        }
    }

    /// Keeps `waker` in the place of the one that it has.
    #[inline]
    pub(crate) fn set(&mut self, waker: &Waker) {
        self.waker.clone_from(waker);
    }

    #[inline]
    pub(crate) fn will_wake(&self, waker: &Waker) -> bool {
        self.waker.will_wake(waker)
    }

    #[inline]
    pub(crate) fn wake_by_ref(&self) {
        self.waker.wake_by_ref();
    }

    #[inline]
    pub(crate) fn wake(self) {
        self.waker.wake();
    }
}

#[cfg(feature = "testing")]
use counted::Counted;
#[cfg(feature = "testing")]
pub(crate) use counted::parked;

#[cfg(feature = "testing")]
mod counted {
    use std::cell::Cell;

    thread_local! {
        static PARKED: Cell<usize> = const { Cell::new(0) };
    }

    /// How many wakers are parked on this thread.
    pub(crate) fn parked() -> usize {
        PARKED.try_with(Cell::get).unwrap_or(0)
    }

    /// One of them.
    #[derive(Debug)]
    pub(super) struct Counted(());

    impl Counted {
        #[inline]
        pub(super) fn new() -> Self {
            // At the very end of a thread nobody counts any more.
            let _ = PARKED.try_with(|parked| parked.set(parked.get() + 1));
            Self(())
        }
    }

    impl Drop for Counted {
        #[inline]
        fn drop(&mut self) {
            let _ = PARKED.try_with(|parked| parked.set(parked.get().saturating_sub(1)));
        }
    }
}
