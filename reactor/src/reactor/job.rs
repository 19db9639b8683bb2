//! The way of a result from its source through its callbacks.

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;

use log::Level;

use crate::call_queue::{CallQueue, Next};
use crate::contain::contain_drop;
use crate::failure::{Failure, FailureKind};
use crate::log_throttle::LogThrottle;

use super::core::{Core, Job, Queued, Reactor};
use super::ledger::{ChainId, Ledger, Origin, Settled, SourceId};
use super::linked::Linked;
use super::steps::Steps;

/// A peer may cause one with each connection.
const UNHANDLED: LogThrottle = LogThrottle::new("lariat::deferred");

impl Reactor {
    /// Runs `job` in the next pass of the call queue.
    #[inline(always)]
    pub(crate) fn enqueue_job(&self, job: Rc<dyn Job>) {
        let core = self.core();
        if core.over.get() {
            contain_drop(job);
        } else {
            core.calls.with(|calls| calls.push(Queued::Job(job)));
        }
    }

    /// The chain to which a result belongs that was on its way in `chain`.
    #[inline]
    pub(crate) fn resolve_chain(&self, chain: ChainId) -> ChainId {
        self.core().ledger.with(|ledger| ledger.resolve(chain))
    }

    /// Cancels what `chain` waits for; if its result is just on its way, then what it is going to wait for.
    pub(crate) fn cancel_chain(&self, chain: ChainId) {
        let Some((source, origin)) = self.core().ledger.with(|ledger| ledger.cancel(chain)) else { return };
        let end = EndCancelled { reactor: self.clone(), source };
        match origin {
            Origin::None => drop(end),
            Origin::Task(task) => self.enqueue(Box::new(move |reactor| {
                reactor.end_task(task);
                drop(end);
            })),
            Origin::Canceller(canceller) => self.enqueue(Box::new(move |reactor| {
                canceller.call(reactor);
                drop(end);
            })),
        }
    }

    /// Has `outer` wait for what `inner` waits for.
    pub(crate) fn adopt_chain(&self, outer: ChainId, inner: ChainId) {
        if self.core().ledger.with(|ledger| ledger.adopt(outer, inner)) {
            self.cancel_chain(outer);
        }
    }

    /// Fails a source, if it has no result yet.
    pub(crate) fn fail_source(&self, source: SourceId, failure: Failure) {
        let ledger = &self.core().ledger;
        let Some(Settled { chain, next, origin, discards }) = ledger.with(|ledger| ledger.settle(source)) else {
            return contain_drop(failure);
        };
        let job: Option<Rc<dyn Job>> = match next {
            Some(next) => {
                next.fail(chain, failure);
                Some(next)
            }
            None => {
                let held = Rc::new(HeldFailure { chain, failure: Cell::new(Some(failure)) });
                if discards {
                    Some(held)
                } else {
                    ledger.with(|ledger| ledger.hold(chain, held));
                    None
                }
            }
        };
        // Its drop may run a user's code, which must not find a chain whose result is nowhere.
        contain_drop(origin);
        if let Some(job) = job {
            self.enqueue_job(job);
        }
    }

    /// Logs a failure that no callback has handled. A cancellation or the end of the reactor is not logged.
    #[cold]
    pub(crate) fn report_unhandled(&self, chain: ChainId, failure: Failure) {
        if matches!(failure.kind(), FailureKind::Cancelled | FailureKind::Ended) {
            return contain_drop(failure);
        }
        let deferred = self.core().ledger.with(|ledger| ledger.describe_one(chain));
        UNHANDLED.log(Level::Error, format_args!("unhandled failure in {deferred}: {failure:#}"));
        #[cfg(feature = "testing")]
        if !is_expectable(&failure) {
            let owner = crate::contain::Owner::of(self.core());
            crate::contain::fail_test(owner, format!("unhandled failure in {deferred}: {failure:#}"));
        }
        contain_drop(failure);
    }
}

/// Returns whether the failure is one that any network may cause. A program may ignore it, and it must not fail a test with faults.
#[cfg(feature = "testing")]
fn is_expectable(failure: &Failure) -> bool {
    use crate::error::{Error, ErrorKind};
    failure.downcast_ref::<Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::SelfConnected
                | ErrorKind::Unreachable
                | ErrorKind::NameUnavailable
                | ErrorKind::TimedOut
                | ErrorKind::ResourcesExhausted
                | ErrorKind::Io
        )
    })
}

/// Fails a source that was cancelled when this is dropped: once its canceller has run, or is not going to because the reactor ends.
struct EndCancelled {
    reactor: Reactor,
    source: SourceId,
}

impl Drop for EndCancelled {
    fn drop(&mut self) {
        // The canceller may have had it resolved.
        self.reactor.fail_source(self.source, Failure::cancelled());
    }
}

/// A failure that no callback takes yet. Run, it reports that it was not handled.
struct HeldFailure {
    chain: ChainId,
    failure: Cell<Option<Failure>>,
}

impl Job for HeldFailure {
    fn run(self: Rc<Self>, reactor: &Reactor, _: &mut Steps) -> Option<Rc<dyn Job>> {
        if let Some(failure) = self.failure.take() {
            let chain = reactor.resolve_chain(self.chain);
            reactor.report_unhandled(chain, failure);
            reactor.core().ledger.with(|ledger| ledger.remove(chain));
        }
        None
    }

    fn give(&self, _: ChainId, _: &mut dyn Any) {}

    fn fail(&self, _: ChainId, failure: Failure) {
        contain_drop(failure);
    }

    fn take_held(&self, _: &mut dyn Any, failure: &mut Option<Failure>) {
        *failure = self.failure.take();
    }
}

impl Linked for HeldFailure {
    fn take_next(&self) -> Option<Rc<dyn Linked>> {
        None
    }
}

impl Core {
    /// Has `job` go on as long as there are steps for it, and at least for one.
    #[inline(always)]
    pub(crate) fn run_job(&self, reactor: &Reactor, mut job: Rc<dyn Job>, steps: &mut Steps) {
        loop {
            steps.unwound();
            match job.run(reactor, steps) {
                None => return,
                Some(next) if steps.are_left() => job = next,
                Some(next) => return self.put_off(next),
            }
        }
    }

    #[cold]
    fn put_off(&self, job: Rc<dyn Job>) {
        self.calls.with(|calls| calls.push(Queued::Job(job)));
    }

    fn run_to_end(&self, reactor: &Reactor, job: Rc<dyn Job>) {
        self.run_job(reactor, job, &mut Steps::new(usize::MAX));
    }

    /// Fails every source that has no result yet, and delivers all results.
    pub(crate) fn end_jobs(&self, reactor: &Reactor) {
        self.run_last_jobs(reactor);
        for source in self.ledger.with(|ledger| ledger.sources()) {
            let is_cancelled = self.ledger.with(|ledger| !ledger.is_waiting(source));
            reactor.fail_source(source, if is_cancelled { Failure::cancelled() } else { Failure::ended() });
            self.run_last_jobs(reactor);
        }
    }

    /// Empties the call queue: jobs go on to their ends, calls are dropped.
    fn run_last_jobs(&self, reactor: &Reactor) {
        while let Some(queued) = self.calls.with(CallQueue::pop) {
            match queued {
                Next::Call(Queued::Job(job)) => self.run_to_end(reactor, job),
                queued => contain_drop(queued),
            }
        }
    }

    /// Nothing runs any more.
    pub(crate) fn close_jobs(&self) {
        self.over.set(true);
        let content = self.ledger.with(Ledger::close);
        // A drop may look into the table, so it is not borrowed now.
        content.into_iter().for_each(contain_drop);
    }
}
