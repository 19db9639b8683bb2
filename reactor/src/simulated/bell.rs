//! How other threads end a simulated wait.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

/// A bell that a loop listens for, in real time, when nothing is left to happen in its own.
#[derive(Debug)]
pub(crate) struct Bell {
    ringing: Arc<Ringing>,
    /// What the threads have of it.
    rope: Mutex<Weak<Rope>>,
}

#[derive(Debug, Default)]
struct Ringing {
    rung: Mutex<bool>,
    changed: Condvar,
}

/// Rings the bell; and once more when the last thread lets go of it, for then there is nobody left to wait for.
#[derive(Debug)]
struct Rope(Arc<Ringing>);

impl Ringing {
    fn ring(&self) {
        *lock(&self.rung) = true;
        self.changed.notify_one();
    }
}

impl Wake for Ringing {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

impl Wake for Rope {
    fn wake(self: Arc<Self>) {
        self.0.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.ring();
    }
}

impl Drop for Rope {
    fn drop(&mut self) {
        self.0.ring();
    }
}

impl Bell {
    pub(super) fn new() -> Self {
        Self { ringing: Arc::default(), rope: Mutex::new(Weak::new()) }
    }

    /// What rings it.
    pub(crate) fn waker(&self) -> Waker {
        let mut known = lock(&self.rope);
        let rope = known.upgrade().unwrap_or_else(|| Arc::new(Rope(self.ringing.clone())));
        *known = Arc::downgrade(&rope);
        rope.into()
    }

    /// What rings it, too, and is not waited for.
    pub(super) fn quiet_waker(&self) -> Waker {
        self.ringing.clone().into()
    }

    /// Waits until it rings, or has rung. Returns whether it did: not, if nobody is there to ring it, or nobody has for so long.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut rung = lock(&self.ringing.rung);
        while !*rung {
            let left = deadline.saturating_duration_since(Instant::now());
            if lock(&self.rope).strong_count() == 0 || left.is_zero() {
                return false;
            }
            rung = self.ringing.changed.wait_timeout(rung, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *rung = false;
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_bell_that_has_rung_is_heard_once() {
        let bell = Bell::new();
        let waker = bell.waker();
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert!(bell.wait(LONG));
        assert!(!bell.wait(Duration::ZERO));
    }

    #[test]
    fn nobody_waits_for_a_bell_that_nobody_can_ring() {
        let bell = Bell::new();
        assert!(!bell.wait(LONG));
        drop(bell.waker());
        assert!(bell.wait(LONG), "the last one rings it on leaving");
        assert!(!bell.wait(LONG));
    }

    #[test]
    fn a_quiet_waker_rings_it_and_is_not_waited_for() {
        let bell = Bell::new();
        let waker = bell.quiet_waker();
        assert!(!bell.wait(LONG));
        waker.wake_by_ref();
        assert!(bell.wait(LONG));
        assert!(!bell.wait(LONG));
    }

    #[test]
    fn a_wait_ends_when_another_thread_rings_or_leaves() {
        for leaves in [false, true] {
            let bell = Bell::new();
            let waker = bell.waker();
            let thread = thread::spawn(move || {
                if leaves {
                    return None;
                }
                waker.wake_by_ref();
                Some(waker)
            });
            assert!(bell.wait(LONG));
            assert_eq!(thread.join().unwrap().is_none(), leaves);
        }
    }
}
