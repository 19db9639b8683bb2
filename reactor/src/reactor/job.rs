//! How what takes several steps is run, such as a result on its way through its callbacks.

use std::rc::Rc;

use crate::call_queue::{CallQueue, Next};
use crate::contain::contain_drop;

use super::core::{Core, Job, Queued, Reactor};
use super::ledger::{ChainId, Ledger};
use super::steps::Steps;

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

    /// Has whatever `chain` waits for be cancelled; if that is nothing yet, because a result is just on its way through, then what it is
    /// going to wait for.
    pub(crate) fn cancel_chain(&self, chain: ChainId) {
        let ledger = &self.core().ledger;
        let cancelled = ledger.with(|ledger| ledger.at(chain)).is_some_and(|job| job.cancel(self));
        if !cancelled {
            ledger.with(|ledger| ledger.set_cancelled(chain, true));
        }
    }

    /// Has `outer` wait for what `inner` waits for.
    pub(crate) fn adopt_chain(&self, outer: ChainId, inner: ChainId) {
        let adopted = self.core().ledger.with(|ledger| ledger.adopt(outer, inner));
        if let Some(job) = adopted.at {
            job.set_chain(outer);
            if adopted.cancelled && !job.cancel(self) {
                self.core().ledger.with(|ledger| ledger.set_cancelled(outer, true));
            }
        }
    }
}

impl Core {
    /// Has `job` go on as long as there are steps for it, and at least for one.
    #[inline]
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
        self.ledger.with(|ledger| ledger.move_to(job.chain(), Rc::downgrade(&job)));
        self.calls.with(|calls| calls.push(Queued::Job(job)));
    }

    fn run_to_end(&self, reactor: &Reactor, job: Rc<dyn Job>) {
        self.run_job(reactor, job, &mut Steps::new(usize::MAX));
    }

    /// Fails whatever waits still, and tells everybody.
    pub(crate) fn end_jobs(&self, reactor: &Reactor) {
        self.run_last_jobs(reactor);
        for job in self.ledger.with(|ledger| ledger.all_at()) {
            if job.end() {
                self.run_to_end(reactor, job);
                self.run_last_jobs(reactor);
            }
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
        self.ledger.with(|ledger| *ledger = Ledger::new());
    }
}
