//! The same call again and again.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::contain::contain_drop;
use crate::deferred::{Deferred, IntoDeferred, Resolver};
use crate::failure::Failure;
use crate::guarded::Guarded;
use crate::reactor::{Cancel, ChainId, DelayedCall, Reactor};

use super::grid::Grid;

/// Calls the same again and again, at equal distances.
///
/// ```
/// use lariat::{LoopingCall, Reactor};
/// use std::time::Duration;
///
/// let reactor = Reactor::new()?;
/// let mut left = 3;
/// let ticks = LoopingCall::new(&reactor, move |ticks| {
///     left -= 1;
///     if left == 0 {
///         ticks.stop();
///     }
/// });
/// let stop = Reactor::clone(&reactor);
/// ticks.start(Duration::from_millis(1)).finish(move |result| {
///     assert!(result.is_ok());
///     stop.stop();
/// });
/// reactor.run()?;
/// # Ok::<(), lariat::Error>(())
/// ```
///
/// # What holds
///
/// - **A fixed grid.** Calls are due at the start, an interval later, two intervals later, and so on, however long each takes; they do not
///   drift. They are as exact as [`Reactor::call_later`].
/// - **Never overlapping.** When a call gives a [`Deferred`], the next one waits for its result.
/// - **No bursts.** A slot whose time has passed meanwhile is skipped; [`with_count`](Self::with_count) tells how many. One that is just
///   beginning is not missed.
/// - **A failure ends it**, and is what the Deferred fails with that [`start`](Self::start) gave; a panic is a failure too.
/// - **When the reactor ends**, that Deferred fails with [`FailureKind::Ended`](crate::FailureKind::Ended), and the call is dropped.
///
/// Cloning it gives another handle to the same. It runs on without any. The call gets one as its argument: one that it
/// captured would keep both alive for ever.
#[derive(Clone)]
#[doc(alias = "twisted.internet.task.LoopingCall")]
pub struct LoopingCall(Rc<Inner>);

type Call = Box<dyn FnMut(&LoopingCall, u64) -> Deferred<()>>;

struct Inner {
    reactor: Reactor,
    /// Out while it is called.
    call: Cell<Option<Call>>,
    /// As long as it runs.
    run: Guarded<Option<Run>>,
    runs: Cell<u64>,
}

/// From one start to the end that follows.
struct Run {
    id: u64,
    grid: Grid,
    stage: Stage,
    stopping: bool,
    resolver: Resolver<()>,
}

enum Stage {
    /// The next call is due then.
    Due(DelayedCall),
    /// It has been called, and that is not over; what it has given, once it has.
    Called(Option<Deferred<()>>),
}

impl LoopingCall {
    /// What calls `call` once it is started. It may give `()`, a `Result`, or a Deferred to wait for.
    pub fn new<R: IntoDeferred>(reactor: &Reactor, mut call: impl FnMut(&Self) -> R + 'static) -> Self {
        Self::with_count(reactor, move |ticks, _| call(ticks))
    }

    /// The same; and `call` gets the number of slots since it was last called, which is 1, and more if some were skipped.
    #[doc(alias = "withCount")]
    pub fn with_count<R: IntoDeferred>(reactor: &Reactor, mut call: impl FnMut(&Self, u64) -> R + 'static) -> Self {
        let call: Call = Box::new(move |ticks, count| {
            let given = call(ticks, count).into_deferred(&ticks.0.reactor);
            given.map(contain_drop)
        });
        Self(Rc::new(Inner {
            reactor: reactor.clone(),
            call: Cell::new(Some(call)),
            run: Guarded::new(None),
            runs: Cell::new(0),
        }))
    }

    /// Starts it: the first call comes at once, from the loop, then one every `interval`. With an interval of zero there is no grid: there is a
    /// call every few turns of the loop, and everything else is served in between.
    ///
    /// The Deferred has its value when it was [stopped](Self::stop). Cancelling it stops it too, and cancels what the last call has
    /// given. It can be started again when that is over.
    ///
    /// # Errors
    ///
    /// The Deferred fails with what a call fails with; and at once when it is running already.
    #[track_caller]
    pub fn start(&self, interval: Duration) -> Deferred<()> {
        self.begin(interval, 0)
    }

    /// Starts it like [`start`](Self::start), but the first call comes after one interval.
    #[doc(alias = "start(now=False)")]
    #[track_caller]
    pub fn start_later(&self, interval: Duration) -> Deferred<()> {
        self.begin(interval, 1)
    }

    #[track_caller]
    fn begin(&self, interval: Duration, first: u64) -> Deferred<()> {
        let Inner { reactor, run, runs, .. } = &*self.0;
        if run.with(|run| run.is_some()) {
            return Deferred::fail(reactor, Failure::new("the looping call is running already"));
        }
        let (resolver, deferred) = Deferred::with_cancel(reactor, Cancelled(self.0.clone()));
        if resolver.is_cancelled() {
            // The reactor has ended.
            return deferred;
        }
        let id = runs.get() + 1;
        runs.set(id);
        let grid = Grid::new(reactor.now(), interval, first);
        let stage = Stage::Called(None);
        run.with(|run| *run = Some(Run { id, grid, stage, stopping: false, resolver }));
        self.0.schedule();
        deferred
    }

    /// Ends it: there is no further call. One whose Deferred is still waited for goes on to its end first. Returns whether it was running.
    pub fn stop(&self) -> bool {
        let (was_running, over) = self.0.run.with(|run| match run {
            Some(Run { stopping: true, .. }) | None => (false, None),
            Some(Run { stage: Stage::Due(_), .. }) => (true, run.take()),
            Some(run) => {
                run.stopping = true;
                (true, None)
            }
        });
        if let Some(run) = over {
            run.end(Ok(()));
        }
        was_running
    }

    /// Begins the grid anew: the next call comes one interval from now. Returns whether it was running.
    pub fn reset(&self) -> bool {
        let now = self.0.reactor.now();
        let timer = self.0.run.with(|run| {
            let run = run.as_mut().filter(|run| !run.stopping)?;
            run.grid.reset(now);
            Some(match &run.stage {
                Stage::Due(timer) => Some((timer.clone(), run.grid.delay(now))),
                Stage::Called(_) => None,
            })
        });
        if let Some(Some((timer, delay))) = &timer {
            timer.reset(*delay);
        }
        timer.is_some()
    }

    /// Is it running: started, and neither stopped nor failed?
    #[doc(alias = "running")]
    pub fn is_running(&self) -> bool {
        self.0.run.with(|run| run.as_ref().is_some_and(|run| !run.stopping))
    }

    /// The reactor that it runs on.
    pub fn reactor(&self) -> &Reactor {
        &self.0.reactor
    }
}

impl Inner {
    /// Has the next call be made in its time.
    fn schedule(self: &Rc<Self>) {
        let now = self.reactor.now();
        let Some(delay) = self.run.with(|run| run.as_ref().map(|run| run.grid.delay(now))) else { return };
        let ours = self.clone();
        let timer = self.reactor.call_later(delay, move |_| ours.call());
        self.run.with(|run| {
            if let Some(run) = run {
                run.stage = Stage::Due(timer);
            }
        });
    }

    fn call(self: Rc<Self>) {
        let now = self.reactor.now();
        let due = self.run.with(|run| {
            let run = run.as_mut()?;
            run.stage = Stage::Called(None);
            Some((run.id, run.grid.count(now)))
        });
        let Some((id, count)) = due else { return };
        let Some(mut call) = self.call.take() else { return };
        let handle = LoopingCall(self.clone());
        let given = Deferred::maybe(&self.reactor, || call(&handle, count));
        self.call.set(Some(call));
        let ours = self.clone();
        let given = given.map_result(move |result| ours.arrive(id, result));
        let unwanted = self.run.with(|run| match run {
            Some(run) => {
                run.stage = Stage::Called(Some(given));
                None
            }
            None => Some(given),
        });
        contain_drop(unwanted);
    }

    /// The result of a call is there.
    fn arrive(self: Rc<Self>, id: u64, result: Result<(), Failure>) -> Result<(), Failure> {
        enum Next {
            /// It was cancelled meanwhile.
            Nothing,
            Again,
            End(Run),
        }
        let failed = result.is_err();
        let (given, next) = self.run.with(|slot| {
            let Some(run) = slot.as_mut().filter(|run| run.id == id) else { return (None, Next::Nothing) };
            let given = match &mut run.stage {
                Stage::Called(given) => given.take(),
                Stage::Due(_) => None,
            };
            let is_over = failed || run.stopping;
            let next = slot.take_if(|_| is_over).map_or(Next::Again, Next::End);
            (given, next)
        });
        if let Some(given) = given {
            // Its last callback is running: there is nothing to cancel.
            given.detach();
        }
        match next {
            Next::Nothing => return result,
            Next::Again => self.schedule(),
            Next::End(run) => run.end(result),
        }
        Ok(())
    }

    /// Ends without a word.
    fn cancel(&self) {
        if let Some(run) = self.run.with(Option::take) {
            match run.stage {
                Stage::Due(timer) => {
                    timer.cancel();
                }
                Stage::Called(given) => contain_drop(given),
            }
        }
    }
}

impl Run {
    fn end(self, result: Result<(), Failure>) {
        if let Stage::Due(timer) = self.stage {
            timer.cancel();
        }
        // If nobody listens, nobody misses it.
        drop(self.resolver.settle(result));
    }
}

struct Cancelled(Rc<Inner>);

impl Cancel for Cancelled {
    fn cancel(self: Box<Self>, _: &Reactor) {
        self.0.cancel();
    }

    fn visit_awaited(&self, visit: &mut dyn FnMut(ChainId)) {
        self.0.run.with(|run| {
            if let Some(Run { stage: Stage::Called(Some(given)), .. }) = run {
                visit(given.chain());
            }
        });
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if self.0.reactor.has_ended() {
            self.0.cancel();
            contain_drop(self.0.call.take());
        }
    }
}

impl fmt::Debug for LoopingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopingCall").field("is_running", &self.is_running()).finish()
    }
}
