//! The threads of a pool, and the jobs that wait for them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::reactor::ThreadCounts;
use crate::stats::Stats;

use super::job::{Job, JobId};

/// What the threads of a pool and its loop have in common.
///
/// ```text
///            hire                next                finish
/// no thread ──────▶ idle thread ──────▶ one at work ───────▶ idle thread ──▶ no thread
///                                                                    next, serve
/// ```
///
/// Threads wait at a channel for tickets, and look for a job whenever they get one. A job that comes brings a ticket with it, one that is
/// cancelled takes one away if there is any, and whoever wants threads to look up adds some. So there are never fewer tickets, in the
/// channel or in the hands of threads on their way to the jobs, than there are jobs.
pub(crate) struct Crew {
    state: Mutex<State>,
    tickets: Receiver<()>,
    /// How long a thread waits for a job until it ends.
    idle_time: Duration,
}

struct State {
    /// Those that no thread has taken yet, the earliest first.
    jobs: BTreeMap<JobId, Box<dyn Job>>,
    /// 0 <= idle <= threads; a thread that has yet to start is idle.
    threads: usize,
    idle: usize,
    /// The most threads; at least 1.
    limit: usize,
    done: u64,
    closed: bool,
}

/// What a thread does next.
pub(super) enum Next {
    Run(Box<dyn Job>),
    Wait,
    Leave,
}

/// Why a job was not taken.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// So many wait already.
    Full(usize),
    Closed,
}

impl State {
    fn hire(&mut self) -> bool {
        let hired = self.jobs.len() > self.idle && self.threads < self.limit;
        if hired {
            self.threads += 1;
            self.idle += 1;
        }
        hired
    }

    fn leave(&mut self) -> Next {
        self.idle -= 1;
        self.threads -= 1;
        Next::Leave
    }
}

impl Crew {
    /// A crew without threads, and what its tickets are given out with. When that is dropped, threads that have nothing to do end.
    pub(crate) fn new(limit: usize, idle_time: Duration) -> (Self, Sender<()>) {
        let (sender, tickets) = unbounded();
        let state = State { jobs: BTreeMap::new(), threads: 0, idle: 0, limit, done: 0, closed: false };
        (Self { state: Mutex::new(state), tickets, idle_time }, sender)
    }

    /// Looks at the state. The closure must neither call nor drop what is a user's.
    fn with<R>(&self, visit: impl FnOnce(&mut State) -> R) -> R {
        visit(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes in a job, unless more than `most` would wait that no thread is free for, nor can be made for. A ticket is to follow. Returns
    /// whether another thread is to be started; it counts from now on.
    pub(crate) fn put(&self, id: JobId, job: Box<dyn Job>, most: usize) -> Result<bool, (Refusal, Box<dyn Job>)> {
        self.with(|state| {
            if state.closed {
                return Err((Refusal::Closed, job));
            }
            let free = state.idle + state.limit.saturating_sub(state.threads);
            if state.jobs.len() >= most.saturating_add(free) {
                return Err((Refusal::Full(state.jobs.len().saturating_sub(free)), job));
            }
            state.jobs.insert(id, job);
            Ok(state.hire())
        })
    }

    /// Takes back a job, unless a thread has taken it.
    pub(crate) fn remove(&self, id: JobId) -> Option<Box<dyn Job>> {
        let job = self.with(|state| state.jobs.remove(&id));
        if job.is_some() {
            // If there is none, a thread is coming with it, and will find that there is nothing to do.
            let _ = self.tickets.try_recv();
        }
        job
    }

    /// Is another thread to be started? It counts from now on.
    pub(super) fn hire(&self) -> bool {
        self.with(State::hire)
    }

    /// A thread could not be started. Returns whether there is any other.
    pub(crate) fn dismiss(&self) -> bool {
        self.with(|state| {
            state.leave();
            state.threads > 0
        })
    }

    /// Sets the most threads there may be. Returns how many there are too many; so many tickets are to be given out.
    pub(super) fn set_limit(&self, limit: usize) -> usize {
        self.with(|state| {
            state.limit = limit;
            state.threads.saturating_sub(limit)
        })
    }

    /// Takes no more jobs, and gives up those that no thread is free for.
    pub(super) fn close(&self) -> BTreeMap<JobId, Box<dyn Job>> {
        self.with(|state| {
            state.closed = true;
            match state.jobs.keys().nth(state.idle).copied() {
                Some(first) => state.jobs.split_off(&first),
                None => BTreeMap::new(),
            }
        })
    }

    /// Gives up all jobs that no thread has taken. They leave their tickets behind.
    pub(crate) fn take_jobs(&self) -> BTreeMap<JobId, Box<dyn Job>> {
        self.with(|state| std::mem::take(&mut state.jobs))
    }

    /// A thread: does jobs until there have been none for a while, or there is one thread too many.
    pub(crate) fn serve(&self) {
        loop {
            let next = match self.tickets.recv_timeout(self.idle_time) {
                Ok(()) => self.next(),
                Err(RecvTimeoutError::Timeout) => self.rest(),
                Err(RecvTimeoutError::Disconnected) => self.with(State::leave),
            };
            match next {
                Next::Run(mut job) => {
                    job.run();
                    // First, so that a job which comes because of this one finds the thread free.
                    self.finish();
                    job.tell();
                }
                Next::Wait => {}
                Next::Leave => return,
            }
        }
    }

    /// What a thread that has a ticket does.
    pub(super) fn next(&self) -> Next {
        self.with(|state| {
            if state.threads > state.limit {
                return state.leave();
            }
            match state.jobs.pop_first() {
                Some((_, job)) => {
                    state.idle -= 1;
                    Next::Run(job)
                }
                None => Next::Wait,
            }
        })
    }

    /// What a thread does that has waited for long.
    fn rest(&self) -> Next {
        // If there is a job, its ticket is on the way.
        self.with(|state| if state.jobs.is_empty() { state.leave() } else { Next::Wait })
    }

    /// A thread has done its job.
    pub(super) fn finish(&self) {
        self.with(|state| {
            state.idle += 1;
            state.done += 1;
        });
    }
}

/// A thread in a simulation, which does a single job.
#[cfg(feature = "testing")]
impl Crew {
    /// Begins. Returns its job, if there is one.
    pub(super) fn begin_aside(&self) -> Option<Box<dyn Job>> {
        // The job's: nobody waits for it.
        let _ = self.tickets.try_recv();
        match self.next() {
            Next::Run(job) => Some(job),
            Next::Wait => {
                self.with(State::leave);
                None
            }
            Next::Leave => None,
        }
    }

    /// Has done its job, and is gone. Returns whether others wait.
    pub(super) fn end_aside(&self) -> bool {
        self.finish();
        self.with(|state| {
            state.leave();
            !state.jobs.is_empty()
        })
    }
}

impl ThreadCounts for Crew {
    fn count(&self, stats: &mut Stats) {
        self.with(|state| {
            stats.threads = state.threads;
            stats.idle_threads = state.idle;
            stats.queued_jobs = state.jobs.len();
            stats.done_jobs = state.done;
        });
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (threads, idle, jobs) = self.with(|state| (state.threads, state.idle, state.jobs.len()));
        f.debug_struct("Crew").field("threads", &threads).field("idle", &idle).field("jobs", &jobs).finish()
    }
}

#[cfg(test)]
mod tests;
