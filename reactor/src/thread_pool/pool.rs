//! The loop's side of its threads.

use std::any::Any;
use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;

use crate::contain::{contain_drop, contain_drops, mark_worker};
use crate::deferred::{Deferred, Resolver};
use crate::error::{Error, ErrorKind};
use crate::failure::{Failure, FailureKind};
use crate::guarded::Guarded;
use crate::reactor::{Cancel, Reactor, Remote};

use super::crew::{Crew, Refusal};
use super::job::{Errand, Job, JobId};

/// As many as Twisted's.
const THREADS: usize = 10;

/// Jobs are small, so this bounds the time that the last one waits rather than memory: with ten threads, a thousand jobs each.
const QUEUE: usize = 10_000;

/// How long a thread waits for a job until it ends: longer than the pauses of a program that is in use.
const IDLE_TIME: Duration = Duration::from_secs(10);

/// The threads of a reactor, as the reactor keeps them.
pub(super) struct Pool {
    crew: Arc<Crew>,
    tickets: Sender<()>,
    /// Who waits for the results of jobs: resolvers.
    waiting: Guarded<BTreeMap<JobId, Box<dyn Waiter>>>,
    next_id: Cell<JobId>,
    /// Jobs that were taken in, and of whose end the loop has not heard.
    open_jobs: Cell<usize>,
    /// The most jobs that may wait.
    queue_limit: Cell<usize>,
    remote: OnceCell<Remote>,
    /// Waits for all jobs to be done.
    all_done: Cell<Option<Resolver<()>>>,
}

/// A resolver, whatever its type.
trait Waiter: Any {
    fn fail(self: Box<Self>, failure: Failure);
}

impl<T: 'static> Waiter for Resolver<T> {
    fn fail(self: Box<Self>, failure: Failure) {
        // Nobody may be waiting.
        let _ = self.reject(failure);
    }
}

impl Default for Pool {
    fn default() -> Self {
        let (crew, tickets) = Crew::new(THREADS, IDLE_TIME);
        Self {
            crew: Arc::new(crew),
            tickets,
            waiting: Guarded::default(),
            next_id: Cell::new(0),
            open_jobs: Cell::new(0),
            queue_limit: Cell::new(QUEUE),
            remote: OnceCell::new(),
            all_done: Cell::new(None),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        contain_drops(self.crew.take_jobs());
    }
}

/// Cancels a job.
struct CancelJob(JobId);

impl Cancel for CancelJob {
    fn cancel(self: Box<Self>, reactor: &Reactor) {
        let pool = reactor.extension::<Pool>();
        drop(pool.waiting.with(|waiting| waiting.remove(&self.0)));
        if let Some(job) = pool.crew.remove(self.0) {
            contain_drop(job);
            pool.close_job();
        }
    }
}

impl Pool {
    /// Has a thread run `call`, which is made of the user's `F`. The Deferred has its result.
    #[track_caller]
    pub(super) fn defer<T, F>(
        reactor: &Reactor,
        call: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Deferred<T>
    where
        T: Send + 'static,
        F: 'static,
    {
        if reactor.has_ended() {
            contain_drop(call);
            return Deferred::fail(reactor, Failure::ended());
        }
        let pool = reactor.extension::<Self>();
        let remote = match pool.remote(reactor) {
            Ok(remote) => remote,
            Err(error) => {
                contain_drop(call);
                return Deferred::fail(reactor, error);
            }
        };
        let id = pool.next_id.replace(pool.next_id.get() + 1);
        let job = Box::new(Errand::<_, T, F>::new(id, call, remote, deliver::<T>));
        let hired = match pool.crew.put(id, job, pool.queue_limit.get()) {
            Ok(hired) => hired,
            Err((refusal, job)) => {
                contain_drop(job);
                return Deferred::fail(reactor, refusal.into_failure());
            }
        };
        reactor.core().threads.get_or_init(|| pool.crew.clone());
        let (resolver, result) = Deferred::with_cancel(reactor, CancelJob(id));
        pool.waiting.with(|waiting| waiting.insert(id, Box::new(resolver)));
        pool.open_jobs.set(pool.open_jobs.get() + 1);
        pool.give_ticket();
        if hired {
            pool.start_thread(reactor);
        }
        result
    }

    fn give_ticket(&self) {
        // The crew has the other end, so it is taken.
        let _ = self.tickets.send(());
    }

    /// How a thread finds the loop.
    fn remote(&self, reactor: &Reactor) -> Result<Remote, Error> {
        // A simulated reactor waits for whoever has one; so there only jobs do.
        if reactor.core().network.registry().is_none() {
            return reactor.remote();
        }
        if let Some(remote) = self.remote.get() {
            return Ok(remote.clone());
        }
        let remote = reactor.remote()?;
        Ok(self.remote.get_or_init(|| remote).clone())
    }

    /// Starts threads for the jobs that wait, as far as there may be more.
    fn grow(&self, reactor: &Reactor) {
        while self.crew.hire() && self.start_thread(reactor) {}
    }

    /// Starts a thread, which counts already. Returns whether that went well.
    fn start_thread(&self, reactor: &Reactor) -> bool {
        #[cfg(feature = "testing")]
        if reactor.core().network.runs_aside() {
            self.start_aside(reactor);
            return true;
        }
        #[cfg(not(feature = "testing"))]
        let _ = reactor;
        let crew = self.crew.clone();
        let thread = thread::Builder::new().name("lariat-pool".to_owned()).spawn(move || {
            mark_worker();
            crew.serve();
        });
        let Err(error) = thread else { return true };
        // With other threads it only takes longer.
        if !self.crew.dismiss() {
            let why = || Error::io("could not start a thread", error.kind().into()).into();
            self.fail_all(self.crew.take_jobs(), why);
        }
        false
    }

    /// Tells whoever waits for jobs that nobody will do them.
    fn fail_all(&self, jobs: BTreeMap<JobId, Box<dyn Job>>, why: impl Fn() -> Failure) {
        for (id, job) in jobs {
            contain_drop(job);
            if let Some(waiter) = self.waiting.with(|waiting| waiting.remove(&id)) {
                waiter.fail(why());
            }
            self.close_job();
        }
    }

    /// A job is over.
    fn close_job(&self) {
        let left = self.open_jobs.get().saturating_sub(1);
        self.open_jobs.set(left);
        if left == 0
            && let Some(all_done) = self.all_done.take()
        {
            // Nobody may be waiting.
            let _ = all_done.resolve(());
        }
    }

    pub(super) fn set_thread_limit(reactor: &Reactor, threads: usize) {
        let pool = reactor.extension::<Self>();
        // Those that are too many look up, and end.
        for _ in 0..pool.crew.set_limit(threads.max(1)) {
            pool.give_ticket();
        }
        pool.grow(reactor);
    }

    pub(super) fn set_queue_limit(reactor: &Reactor, jobs: usize) {
        reactor.extension::<Self>().queue_limit.set(jobs);
    }

    /// Starts a thread of a simulation, with its job.
    #[cfg(feature = "testing")]
    fn start_aside(&self, reactor: &Reactor) {
        let Some(mut job) = self.crew.begin_aside() else { return };
        let (crew, remote) = (self.crew.clone(), reactor.remote());
        let work = move || {
            job.run();
            let others_wait = crew.end_aside();
            job.tell();
            if others_wait && let Ok(remote) = remote {
                // A reactor that has ended has given up its jobs.
                let _ = remote.call(|reactor| reactor.extension::<Self>().grow(reactor));
            }
        };
        if let Err(work) = reactor.core().network.run_aside(Box::new(work)) {
            contain_drop(work);
        }
    }
}

/// On the loop: gives a result to whoever waits for it.
fn deliver<T: Send + 'static>(reactor: &Reactor, id: JobId, result: Result<T, Failure>) {
    let pool = reactor.extension::<Pool>();
    let waiter = pool.waiting.with(|waiting| waiting.remove(&id));
    let resolver = waiter.and_then(|waiter| (waiter as Box<dyn Any>).downcast::<Resolver<T>>().ok());
    // If it was cancelled, the result is dropped.
    match resolver {
        Some(resolver) => contain_drop(resolver.settle(result)),
        None => contain_drop(result),
    }
    pool.close_job();
}

/// Is there a job whose result has not come yet?
#[cfg(feature = "testing")]
pub(crate) fn has_jobs(reactor: &Reactor) -> bool {
    reactor.core().threads.get().is_some() && reactor.extension::<Pool>().open_jobs.get() > 0
}

/// The end of a loop: takes no more jobs, and gives up those that no thread is free for. Returns what waits for the others.
pub(crate) fn close(reactor: &Reactor) -> Option<Deferred<()>> {
    reactor.core().threads.get()?;
    let pool = reactor.extension::<Pool>();
    pool.fail_all(pool.crew.close(), || Refusal::Closed.into_failure());
    if pool.open_jobs.get() == 0 {
        return None;
    }
    let (resolver, all_done) = Deferred::new(reactor);
    pool.all_done.set(Some(resolver));
    // One callback, so that it comes after those of the jobs' own results.
    Some(all_done.map(drop))
}

impl Refusal {
    #[track_caller]
    fn into_failure(self) -> Failure {
        match self {
            Self::Full(waiting) => {
                let words = format!(
                    "the queue for threads is full: {waiting} jobs wait for one (Reactor::set_thread_queue_limit says how many may)"
                );
                Failure::new(Error::new(ErrorKind::ResourcesExhausted, words))
            }
            Self::Closed => {
                let words = "the reactor is ending, so no thread does this job";
                Failure::of_kind(FailureKind::Ended, Error::new(ErrorKind::ReactorEnded, words))
            }
        }
    }
}
