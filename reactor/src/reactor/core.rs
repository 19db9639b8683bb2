//! The reactor's state, what is in it, and the handle to it.

use std::any::{Any, TypeId};
use std::cell::{Cell, OnceCell};
use std::fmt;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Poll;
#[cfg(feature = "tls")]
use std::time::SystemTime;
use std::time::{Duration, Instant};

use crate::address_policy::IpNetwork;
use crate::buffer::Meter;
use crate::call_queue::CallQueue;
use crate::clock::Time;
use crate::contain::{contain, contain_drop, flush_panics, install_hook};
use crate::driver::{Network, Sent};
use crate::error::{Error, Result};
use crate::failure::Failure;
use crate::guarded::Guarded;
use crate::inbox::{Inbox, Outbox};
use crate::log_throttle::{self, Entered, LogLines, Running};
use crate::lookup::LookedUp;
use crate::random::Random;
use crate::readiness::Readiness;
use crate::source_table::SourceTable;
use crate::stats::{Counters, Stats};
use crate::timer::{TimerKey, TimerWheel};
use crate::token::Token;

use super::description::Description;
use super::ledger::{Awaits, ChainId, Ledger, SourceId};
use super::lingering::Lingering;
use super::linked::Linked;
use super::observation::Observation;
use super::steps::Steps;
use super::task_id::TaskId;
use super::task_table::TaskTable;
use super::task_waker::{self, Wakers};

/// The most bytes that one callback's writes may gather before they move to the connection's own queue. As much as the
/// default high-water mark: what is gathered is never more than may be queued without a word to the protocol.
const GATHER_BYTES: usize = 64 * 1024;

/// What all queues of a reactor may keep alive unless it is set otherwise: sixteen that are at their own limit.
const QUEUE_BUDGET: usize = 256 * 1024 * 1024;

/// A handle to the loop: cheap to clone, tied to the loop's thread, harmless once the loop has ended.
///
/// Everything that serves or waits is made through it: [`listen`](Reactor::listen), [`connect`](Reactor::connect),
/// [`call_later`](Reactor::call_later), [`register`](Reactor::register). It is passed explicitly (there is no global one), and
/// every [`Transport`](crate::Transport) knows its own, so a program may have as many as it likes. The loop itself belongs to
/// the [`MainLoop`](crate::MainLoop).
#[derive(Clone)]
pub struct Reactor(Rc<Core>);

pub(crate) type Call = Box<dyn FnOnce(&Reactor)>;

/// What is done in the place of a call from another thread that was recorded, which is the one of this number.
#[cfg(feature = "testing")]
pub(crate) type ReplayedCalls = Box<dyn FnMut(u64, &Reactor)>;

/// What a timer does when it is due.
pub(crate) enum Task {
    Call(Call),
    /// Serves a source: a connection's timeouts need no closure.
    Source(Token),
}

/// What waits in the call queue.
pub(crate) enum Queued {
    Call(Call),
    /// So many calls from other threads, which stay in the inbox until it is their turn.
    Remote(usize),
    /// A result that goes on its way, or the like.
    Job(Rc<dyn Job>),
    /// A timer that was due; it is looked up again when its turn comes, for it may be cancelled meanwhile.
    Timer(TimerKey),
}

/// A call from another thread. It runs once, whatever happens, and a panic in it goes no further.
pub(crate) trait RemoteCall: Send {
    fn run(self: Box<Self>, reactor: &Reactor);

    /// What is recorded of it.
    fn sent(&self) -> Sent {
        Sent::Call
    }

    /// The closure that it was made from.
    fn into_call(self: Box<Self>) -> Box<dyn FnOnce(&Reactor) + Send>;
}

/// What other threads send: two words. Every call carries the cache lines of its message from one core to another, so a larger message
/// makes each of them slower.
pub(crate) enum Message {
    Call(Box<dyn RemoteCall>),
    /// A task is to be polled.
    Wake(TaskId),
}

const _: () = assert!(size_of::<Message>() == 2 * size_of::<usize>());

/// A future that the loop polls, and whose result somebody waits for.
pub(crate) trait Spawned {
    /// Polls it. Once it is ready, or has panicked, whoever waits has the result.
    fn poll(self: Pin<&mut Self>, reactor: &Reactor) -> Poll<()>;

    /// The user's type.
    fn name(&self) -> &'static str;

    /// The source that fails if it never gets ready.
    fn result(&self) -> SourceId;

    /// How many clones there are of what wakes it.
    #[cfg(feature = "testing")]
    fn clones(&self) -> usize;

    /// Takes what wakes it, once it is ready.
    fn take_alarm(self: Pin<&mut Self>) -> Option<Alarm>;
}

/// The way to the loop from other threads.
pub(crate) type Outgoing = Outbox<Message>;

/// What wakes a task, as the task itself has it.
pub(crate) type Alarm = task_waker::Alarm<Outgoing>;

/// A result on its way, with the callback that takes it.
pub(crate) trait Job: Linked {
    /// Takes steps, as far as they reach. Returns the job that takes the next one, if there is more to do.
    fn run(self: Rc<Self>, reactor: &Reactor, steps: &mut Steps) -> Option<Rc<dyn Job>>;

    /// Takes the result of `chain`, to be worked on when this is run: `input` is an `Option<Result<T, Failure>>`, where `T` is what
    /// this waits for.
    fn give(&self, chain: ChainId, input: &mut dyn Any);

    /// Takes a failure as the result of `chain`, in the same way.
    fn fail(&self, chain: ChainId, failure: Failure);

    /// Gives up a result that no callback takes yet: into `value`, an `Option<T>`, or into `failure`.
    fn take_held(&self, _value: &mut dyn Any, _failure: &mut Option<Failure>) {}
}

/// Who waits to hear of names from threads.
pub(crate) trait Lookups {
    fn answered(&self, reactor: &Reactor, answer: LookedUp);
}

/// What knows how many threads there are.
pub(crate) trait ThreadCounts {
    /// Fills in what it knows.
    fn count(&self, stats: &mut Stats);
}

/// Cancels the operation that would have given a result.
pub(crate) trait Cancel {
    fn cancel(self: Box<Self>, reactor: &Reactor);

    /// Visits the chains whose results it is made of.
    fn visit_awaited(&self, _visit: &mut dyn FnMut(ChainId)) {}
}

/// A `Cancel` in a single word: most Deferreds have none.
pub(crate) struct Canceller(Box<Box<dyn Cancel>>);

impl Canceller {
    pub(crate) fn new(cancel: impl Cancel + 'static) -> Self {
        Self(Box::new(Box::new(cancel)))
    }

    pub(crate) fn call(self, reactor: &Reactor) {
        // The panic is logged; the Deferred is cancelled all the same.
        let _ = contain(|| "a canceller", || self.0.cancel(reactor));
    }
}

impl Awaits for Canceller {
    fn visit_awaited(&self, visit: &mut dyn FnMut(ChainId)) {
        self.0.visit_awaited(visit);
    }
}

/// What a source may use while it is served.
pub(crate) struct Turn<'a> {
    pub(crate) reactor: &'a Reactor,
    /// The one read buffer.
    pub(crate) buffer: &'a mut [u8],
}

/// A queue of which nothing has been sent for a while, for the choice of those that are given up over the budget.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Backlog {
    /// Bytes of memory that it keeps alive.
    pub(crate) footprint: usize,
    /// When the kernel last took something of it.
    pub(crate) progress: Time,
    /// The IPv4 address of its peer, or the prefix of 64 bits that an IPv6 peer can choose from. None for Unix sockets.
    pub(crate) peer: Option<IpNetwork>,
}

/// A source as the table holds it. It is moved out while it is served and says by its return value what goes back: itself,
/// what it has become, or nothing once it has ended.
pub(crate) trait Dispatch {
    fn ready(self: Box<Self>, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>>;

    /// Its queue, if anything is in it.
    fn backlog(&self) -> Option<Backlog> {
        None
    }

    /// The protocol of the given type, if this source serves one.
    fn layer(&mut self, _type_id: TypeId) -> Option<&mut dyn Any> {
        None
    }

    /// Returns whether the protocol keeps received bytes that it has not processed.
    #[cfg(feature = "tls")]
    fn holds_input(&mut self) -> bool {
        false
    }

    /// What it is, for people.
    fn describe(&self) -> Description;

    /// The machine that it runs on is gone: whoever still holds a handle has one to nothing.
    #[cfg(feature = "testing")]
    fn vanish(&mut self) {}
}

pub(crate) struct Core {
    pub(crate) network: Rc<dyn Network>,
    pub(crate) sources: Guarded<SourceTable<Box<dyn Dispatch>>>,
    pub(crate) timers: Guarded<TimerWheel<Task>>,
    /// Everything that is delivered later; its items are the tasks that were woken.
    pub(crate) calls: Guarded<CallQueue<Queued, TaskId>>,
    /// What comes from other threads, if any can send.
    pub(crate) inbox: OnceCell<Inbox<Message>>,
    /// Futures to be polled.
    pub(crate) tasks: Guarded<TaskTable<dyn Spawned>>,
    /// What wakes them, if there ever was one.
    pub(crate) wakers: OnceCell<Wakers<Outgoing>>,
    /// Threads that work for the loop, if there ever was one. They may outlive it.
    pub(crate) threads: OnceCell<Arc<dyn ThreadCounts>>,
    /// Who asks threads for names, if anybody ever did.
    pub(crate) lookups: OnceCell<Weak<dyn Lookups>>,
    /// Where goes what other threads send while what was recorded of them is replayed.
    #[cfg(feature = "testing")]
    pub(crate) unheard: OnceCell<Inbox<Message>>,
    #[cfg(feature = "testing")]
    pub(crate) replayed_calls: Guarded<Option<ReplayedCalls>>,
    /// How many clones there are of what wakes the one for whose sake the loop runs.
    #[cfg(feature = "testing")]
    pub(crate) alarm_clones: Cell<usize>,
    /// Sources to serve in the next turn without an event of the kernel's.
    pub(crate) again: Guarded<Vec<Token>>,
    /// Sources that were asked for something outside their own callbacks, to be served before this turn ends.
    pub(crate) touched: Guarded<Vec<Token>>,
    /// Listeners that wait for a descriptor to be freed.
    pub(crate) starved: Guarded<Vec<Token>>,
    /// Closed connections that wait for their peers' ends.
    pub(crate) lingering: Guarded<Lingering>,
    /// What all queues keep alive, and the most that they may.
    pub(crate) meter: Guarded<Meter>,
    pub(crate) queue_budget: Cell<usize>,
    /// The queues are past their budget: some are given up before this turn ends.
    pub(crate) over_budget: Cell<bool>,
    /// What the running callback has written to its own connection.
    pub(crate) gathered: Guarded<Vec<u8>>,
    /// The time of this turn: read after the last wait for events.
    pub(crate) now: Cell<Time>,
    /// Deadlines until here may be examined: everything that had arrived by then was delivered. Never later than `now`.
    pub(crate) complete: Cell<Time>,
    pub(crate) stopping: Cell<bool>,
    /// Ends without draining.
    pub(crate) crashing: Cell<bool>,
    /// Connections that are made from now on are drained at once.
    pub(crate) draining: Cell<bool>,
    pub(crate) ended: Cell<bool>,
    /// It has ended, and everybody has been told: nothing runs any more.
    pub(crate) over: Cell<bool>,
    /// Who waits for results.
    pub(crate) ledger: Guarded<Ledger<dyn Job, Canceller>>,
    pub(crate) counters: Counters,
    pub(crate) observation: Observation,
    /// Log lines that peers can cause.
    pub(crate) log_lines: Guarded<LogLines>,
    /// The random numbers, once one was drawn.
    pub(crate) random: OnceCell<Random>,
    /// State of parts on floors above, by its type.
    extensions: Guarded<Vec<Rc<dyn Any>>>,
}

impl Reactor {
    pub(crate) fn from_network(network: Rc<dyn Network>) -> Self {
        let now = network.now();
        Self(Rc::new(Core {
            network,
            sources: Guarded::new(SourceTable::new()),
            timers: Guarded::new(TimerWheel::new()),
            calls: Guarded::new(CallQueue::new()),
            inbox: OnceCell::new(),
            tasks: Guarded::new(TaskTable::new()),
            wakers: OnceCell::new(),
            threads: OnceCell::new(),
            lookups: OnceCell::new(),
            #[cfg(feature = "testing")]
            unheard: OnceCell::new(),
            #[cfg(feature = "testing")]
            replayed_calls: Guarded::new(None),
            #[cfg(feature = "testing")]
            alarm_clones: Cell::new(0),
            again: Guarded::new(Vec::new()),
            touched: Guarded::new(Vec::new()),
            starved: Guarded::new(Vec::new()),
            lingering: Guarded::new(Lingering::new()),
            meter: Guarded::new(Meter::default()),
            queue_budget: Cell::new(QUEUE_BUDGET),
            over_budget: Cell::new(false),
            gathered: Guarded::new(Vec::with_capacity(GATHER_BYTES)),
            now: Cell::new(now),
            complete: Cell::new(now),
            stopping: Cell::new(false),
            crashing: Cell::new(false),
            draining: Cell::new(false),
            ended: Cell::new(false),
            over: Cell::new(false),
            ledger: Guarded::new(Ledger::new()),
            counters: Counters::default(),
            observation: Observation::new(),
            log_lines: Guarded::new(LogLines::default()),
            random: OnceCell::new(),
            extensions: Guarded::new(Vec::new()),
        }))
    }

    #[inline]
    pub(crate) fn core(&self) -> &Core {
        &self.0
    }

    /// Notes that this loop runs on this thread, until what is returned is dropped.
    #[must_use]
    pub(crate) fn enter(&self) -> OnThread {
        install_hook();
        OnThread { _entered: log_throttle::enter(self.0.clone()) }
    }

    /// The present, by the clock that this reactor's timers follow: the system's monotonic clock, or a virtual one.
    #[doc(alias = "seconds")]
    pub fn now(&self) -> Instant {
        self.0.network.instant(self.0.network.now())
    }

    /// When this turn of the loop began, as [`now`](Self::now) told it then: for what can do without asking the clock again, as a
    /// line in a log can.
    #[doc(alias = "ev_now")]
    #[doc(alias = "uv_now")]
    pub fn turn_began(&self) -> Instant {
        self.0.network.instant(self.0.now.get())
    }

    /// Ends the loop in good order once this turn is over: ports are closed, every protocol hears
    /// [`drain`](crate::Protocol::drain), and [`MainLoop::run`](crate::MainLoop::run) returns when the last connection has ended or
    /// the drain timeout is over. What is left then is aborted.
    ///
    /// A loop that is not running yet ends as soon as it is run. Calling it again does nothing.
    pub fn stop(&self) {
        self.0.stopping.set(true);
    }

    /// Ends the loop once this turn is over, without draining: every connection is aborted, and no shutdown trigger is called. Of a
    /// loop that is stopping already it cuts the wait for its connections short.
    pub fn crash(&self) {
        self.0.stopping.set(true);
        self.0.crashing.set(true);
    }

    /// What has been counted so far. Costs nothing but the copying.
    ///
    /// ```
    /// let reactor = lariat::Reactor::new()?;
    /// assert_eq!(reactor.stats().connections, 0);
    /// # Ok::<(), lariat::Error>(())
    /// ```
    pub fn stats(&self) -> Stats {
        let core = self.core();
        let counters = &core.counters;
        let mut stats = Stats {
            turns: counters.turns.get(),
            events: counters.events.get(),
            connections: usize::try_from(counters.connections()).unwrap_or(usize::MAX),
            opened: counters.opened.get(),
            closed: counters.closed.get(),
            handshaking: counters.handshaking.get(),
            handshakes: counters.handshakes.get(),
            failed_handshakes: counters.failed_handshakes.get(),
            look_ups: counters.look_ups.get(),
            bytes_received: counters.bytes_received.get(),
            bytes_sent: counters.bytes_sent.get(),
            bytes_discarded: counters.bytes_discarded.get(),
            lingering: core.lingering.with(|lingering| lingering.len()),
            lingering_evicted: counters.lingering_evicted.get(),
            evicted: counters.evicted.get(),
            timers: core.timers.with(|timers| timers.len()),
            calls: core.calls.with(|calls| calls.len()) + core.inbox.get().map_or(0, Inbox::len),
            tasks: core.tasks.with(|tasks| tasks.len()),
            deferreds: core.ledger.with(|ledger| ledger.len()),
            queued_bytes: core.meter.with(|meter| meter.total()),
            lag: Duration::from_nanos(counters.lag.get()),
            longest_lag: Duration::from_nanos(counters.longest_lag.get()),
            ..Stats::default()
        };
        if let Some(threads) = core.threads.get() {
            threads.count(&mut stats);
        }
        stats
    }

    /// Sets how much memory, in bytes, the queues of all connections together may keep alive. Default: 256 MiB. A chunk
    /// that many connections hold counts once.
    ///
    /// Past the budget, connections are aborted with [`CloseReason::Overflow`](crate::CloseReason::Overflow) until the
    /// rest is within it: each time one of the peer address whose queues hold most, and of those the one that has sent
    /// nothing for longest. So a peer that opens many connections and reads from none loses its own, and one large
    /// queue that is being read stays. IPv6 addresses with the same 64 bits of prefix count as one address, and so do
    /// all Unix sockets.
    pub fn set_queue_budget(&self, bytes: usize) {
        self.0.queue_budget.set(bytes);
        self.check_queue_budget();
    }

    /// Sets how many closed connections may wait for their peers' ends at the same time (see [`Linger`](crate::Linger)). With one more, the one
    /// that has waited longest ends: everything written to it was sent, but its peer may be reset before it has read all of it. Default:
    /// 1,024. Zero: no connection waits.
    #[doc(alias = "lingering_close")]
    pub fn set_linger_limit(&self, connections: usize) {
        self.0.lingering.with(|lingering| lingering.set_limit(connections));
        while let Some(oldest) = self.0.lingering.with(Lingering::pop_excess) {
            crate::stats::count(&self.0.counters.lingering_evicted, 1);
            self.touch(oldest);
        }
    }

    /// To be called whenever a queue has grown.
    pub(crate) fn check_queue_budget(&self) {
        if self.0.meter.with(|meter| meter.total()) > self.0.queue_budget.get() {
            self.0.over_budget.set(true);
        }
    }

    /// The one `T` that a part on a higher floor keeps with this reactor.
    pub(crate) fn extension<T: Any + Default>(&self) -> Rc<T> {
        self.0.extensions.with(|extensions| {
            let found = extensions.iter().find_map(|extension| extension.clone().downcast::<T>().ok());
            found.unwrap_or_else(|| {
                let new = Rc::new(T::default());
                extensions.push(new.clone());
                new
            })
        })
    }

    /// Gives up what the parts on higher floors keep.
    pub(crate) fn take_extensions(&self) -> Vec<Rc<dyn Any>> {
        self.0.extensions.with(std::mem::take)
    }

    /// Has the loop ended? A reactor that has ended refuses everything new with
    /// [`ErrorKind::ReactorEnded`](crate::ErrorKind::ReactorEnded).
    pub fn has_ended(&self) -> bool {
        self.0.ended.get()
    }

    /// Runs `call` in the next pass of the call queue, or drops it if the reactor has ended.
    pub(crate) fn enqueue(&self, call: Call) {
        if self.0.ended.get() {
            contain_drop(call);
        } else {
            self.0.calls.with(|calls| calls.push(Queued::Call(call)));
        }
    }

    /// A place for a new source.
    pub(crate) fn reserve(&self) -> Result<Token> {
        if self.0.ended.get() {
            return Err(Error::ended());
        }
        self.0
            .sources
            .with(SourceTable::reserve)
            .ok_or_else(|| Error::new(crate::error::ErrorKind::ResourcesExhausted, "the reactor's table is full"))
    }

    pub(crate) fn install(&self, token: Token, source: Box<dyn Dispatch>) {
        // A stale token gives the source back: it was released while it was out.
        if let Err(stale) = self.0.sources.with(|sources| sources.put(token, source)) {
            contain_drop(stale);
        }
    }

    /// Ends a source from outside: it is dropped, or will be when it comes back from being served.
    pub(crate) fn remove(&self, token: Token) {
        let source = self.0.sources.with(|sources| {
            let source = sources.take(token);
            sources.release(token);
            source
        });
        contain_drop(source);
    }

    /// Serves `token` next turn, whether or not an event comes.
    pub(crate) fn serve_again(&self, token: Token) {
        self.0.again.with(|again| again.push(token));
    }

    /// Serves `token` before this turn ends.
    pub(crate) fn touch(&self, token: Token) {
        self.0.touched.with(|touched| touched.push(token));
    }

    /// A descriptor was closed: listeners that ran out of them may go on.
    pub(crate) fn descriptor_freed(&self) {
        self.0.starved.with(|starved| {
            if !starved.is_empty() {
                self.0.again.with(|again| again.append(starved));
            }
        });
    }

    /// When `delay` from now will be. The clock is read afresh: a callback may have been running for long.
    pub(crate) fn deadline(&self, delay: Duration) -> Time {
        self.0.network.now().after(delay)
    }

    /// Arms a timer that serves `token` at `deadline`.
    pub(crate) fn arm(&self, deadline: Time, token: Token) -> TimerKey {
        self.0.timers.with(|timers| timers.insert(deadline.tick_at_or_after(), Task::Source(token)))
    }

    /// Moves a source's timer.
    pub(crate) fn rearm(&self, key: TimerKey, deadline: Time) {
        self.0.timers.with(|timers| timers.reset(key, deadline.tick_at_or_after()));
    }

    /// Cancels a source's timer.
    pub(crate) fn disarm(&self, key: TimerKey) {
        // A source's task owns nothing of a user's: it may be dropped here.
        self.0.timers.with(|timers| drop(timers.cancel(key)));
    }
}

/// A loop runs on this thread until this is dropped.
pub(crate) struct OnThread {
    _entered: Entered,
}

impl Drop for OnThread {
    fn drop(&mut self) {
        // A panic of the loop itself goes on from here, to be contained by nobody.
        flush_panics();
    }
}

impl Running for Core {
    fn turn_time(&self) -> Time {
        self.now.get()
    }

    fn log_lines(&self) -> &Guarded<LogLines> {
        &self.log_lines
    }

    #[cfg(feature = "tls")]
    fn wall_clock(&self) -> SystemTime {
        self.network.wall_clock()
    }
}

impl Core {
    /// How long the loop may sleep, from `now` on.
    pub(crate) fn longest_wait(&self, now: Time, at_most: Option<Duration>) -> Option<Duration> {
        let busy = self.over_budget.get()
            || !self.again.with(|again| again.is_empty())
            || !self.touched.with(|touched| touched.is_empty())
            || !self.calls.with(|calls| calls.is_empty());
        if busy {
            return Some(Duration::ZERO);
        }
        let next = self.timers.with(|timers| timers.next_deadline());
        let until_next = next.map(|tick| Time::from_tick(tick).since(now));
        match (until_next, at_most) {
            (Some(until), Some(most)) => Some(until.min(most)),
            (until, most) => until.or(most),
        }
    }

    /// Returns whether a timer is due at `time`.
    pub(crate) fn is_timer_due(&self, time: Time) -> bool {
        self.timers.with(|timers| timers.next_deadline()).is_some_and(|next| next <= time.tick_passed())
    }

    /// Moves the timers that are due and overtake no input to the call queue, in the order of their deadlines.
    pub(crate) fn expire_timers(&self) {
        let tick = self.complete.get().tick_passed();
        if !self.is_timer_due(self.complete.get()) {
            return;
        }
        self.calls.with(|calls| self.timers.with(|timers| timers.expire(tick, |key| calls.push(Queued::Timer(key)))));
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor")
            .field("sources", &self.0.sources.with(|sources| sources.len()))
            .field("timers", &self.0.timers.with(|timers| timers.len()))
            .field("ended", &self.0.ended.get())
            .finish()
    }
}
