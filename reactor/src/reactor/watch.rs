//! What a watchdog's thread shares with the loop that it watches.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::description::Subject;

/// Tells of callbacks that last longer than a limit, while they do.
///
/// The loop says what it calls and when that has returned. The thread sleeps until something is called, then for as long as that may
/// take; so it wakes about once per limit while the loop is busy, and never while it is idle.
pub(crate) struct Watch {
    limit: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// Callbacks that have begun so far: the number of the one that runs.
    begun: u64,
    /// The thread waits for a callback to begin.
    sleeping: bool,
    stopped: bool,
}

struct Running {
    subject: Subject,
    since: Instant,
}

impl Watch {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, state: Mutex::default(), changed: Condvar::new() }
    }

    /// The loop calls `subject`, or goes on in it, from `since` on; or nobody.
    pub(crate) fn set_running(&self, running: Option<(Subject, Instant)>) {
        let mut state = self.state();
        let begins = running.is_some();
        state.running = running.map(|(subject, since)| Running { subject, since });
        state.begun += u64::from(begins);
        if begins && std::mem::take(&mut state.sleeping) {
            self.changed.notify_all();
        }
    }

    pub(crate) fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }

    /// What the thread does, until it is stopped.
    pub(crate) fn watch(&self) {
        let mut reported = 0;
        let mut state = self.state();
        while !state.stopped {
            let number = state.begun;
            let Some(running) = state.running.as_ref().filter(|_| number != reported) else {
                state.sleeping = true;
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let elapsed = running.since.elapsed();
            let left = self.limit.saturating_sub(elapsed);
            if left > Duration::ZERO {
                state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            reported = number;
            let subject = running.subject.clone();
            // A logger may take its time, and the loop must not wait for it.
            drop(state);
            log::error!("{subject} has been blocking the loop for {elapsed:.1?} and has not returned yet");
            state = self.state();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics with the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("limit", &self.limit).finish_non_exhaustive()
    }
}
