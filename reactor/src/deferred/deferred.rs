//! A result that arrives later.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::contain::contain_drop;
use crate::failure::Failure;
use crate::reactor::{Cancel, Canceller, ChainId, Origin, Reactor, SourceId, TaskId};

use super::callbacks::{Named, Run, Wake};
use super::held::Held;
use super::link::{Callback, Open, Outcome};
use super::node::Node;
use super::resolver::{Promise, Resolver};

/// A result that arrives later: a value of type `T`, or a [`Failure`].
///
/// It is made with the [`Resolver`] that will give it its result, or already with one. What is to be done with the result is said by a
/// chain of callbacks, each of which makes the next result:
///
/// | the callback takes | and gives a value | a `Result` | another Deferred |
/// | --- | --- | --- | --- |
/// | the value | [`map`](Self::map) | [`try_map`](Self::try_map) | [`and_then`](Self::and_then) |
/// | the failure | [`recover`](Self::recover) | [`try_recover`](Self::try_recover) | [`or_else`](Self::or_else) |
/// | either | | [`map_result`](Self::map_result) | [`then`](Self::then) |
///
/// What a callback does not take goes past it. The chain ends with [`finish`](Self::finish) or [`detach`](Self::detach); or it is awaited, for a
/// Deferred is a `Future` too, whose output is `Result<T, Failure>`.
///
/// ```
/// use lariat::{Deferred, Reactor};
///
/// let reactor = Reactor::new()?;
/// let (resolver, answer) = Deferred::new(&reactor);
/// answer.map(|answer: u32| answer + 2).finish(|result| assert_eq!(result.unwrap(), 42));
/// resolver.resolve(40).ok();
/// reactor.call_later(std::time::Duration::from_millis(1), Reactor::stop);
/// reactor.run()?;
/// # Ok::<(), lariat::Error>(())
/// ```
///
/// # What holds
///
/// - **One result, from the loop.** Nothing is called back before `resolve`, `cancel` or any other call returns. The first callback is
///   queued on the loop; those behind it run in the same pass, as far as the turn's budget reaches, and the rest in the next.
/// - **A panic in a callback** is a failure of kind [`Panicked`](crate::FailureKind::Panicked) for the next one.
/// - **Waiting takes turns, not stack.** A callback that gives a Deferred makes its chain wait. Chains of any length, and recursions of
///   any depth, take no more stack than a single callback, and a recursion in the last callback takes no more memory either.
/// - **Dropping cancels**, as [`cancel`](Self::cancel) does. What is to go on by itself is told to [`detach`](Self::detach).
/// - **No failure is lost.** One that reaches the end of a chain that nobody listens to is logged as an error, once, with the place where
///   the Deferred was made; but not that it was cancelled, or that the reactor has ended.
/// - **When the reactor ends**, whoever waits still gets a failure of kind [`Ended`](crate::FailureKind::Ended), from the loop as ever. A Deferred that is made
///   afterwards calls nothing back, and has failed for whoever polls it.
#[doc(alias = "twisted.internet.defer.Deferred")]
#[must_use = "dropping a Deferred cancels it: `detach` lets it run on"]
pub struct Deferred<T: 'static> {
    /// Gone once another handle, or nobody, has the chain.
    open: Option<Open<T>>,
}

/// Making one.
impl<T: 'static> Deferred<T> {
    /// A Deferred, and the resolver that gives it its result.
    #[track_caller]
    #[inline(always)]
    pub fn new(reactor: &Reactor) -> (Resolver<T>, Self) {
        let core = reactor.core();
        if core.ended.get() {
            return (Resolver::new(reactor, SourceId::NONE), Self::open(reactor, ChainId::NONE));
        }
        // Outside of the closure, which would be its own caller.
        let made = Location::caller();
        let source = core.ledger.with(|ledger| ledger.enter(made, core.now.get()));
        (Resolver::new(reactor, source), Self::open(reactor, source.chain()))
    }

    /// The same; and `canceller` is called, from the loop, when the Deferred is cancelled: it ends whatever would have given the result.
    /// When it has returned, the Deferred fails with [`FailureKind::Cancelled`](crate::FailureKind::Cancelled), unless the canceller has had it resolved otherwise.
    #[track_caller]
    pub fn with_canceller(reactor: &Reactor, canceller: impl FnOnce(&Reactor) + 'static) -> (Resolver<T>, Self) {
        Self::with_cancel(reactor, UserCanceller(canceller))
    }

    #[track_caller]
    pub(crate) fn with_cancel(reactor: &Reactor, cancel: impl Cancel + 'static) -> (Resolver<T>, Self) {
        let (source, deferred) = Self::enter(reactor, Origin::Canceller(Canceller::new(cancel)));
        (Resolver::new(reactor, source), deferred)
    }

    #[track_caller]
    #[inline]
    pub(crate) fn with_task(reactor: &Reactor, task: TaskId) -> (Promise<T>, Self) {
        let (source, deferred) = Self::enter(reactor, Origin::Task(task));
        (Promise::new(source), deferred)
    }

    #[track_caller]
    #[inline]
    fn enter(reactor: &Reactor, origin: Origin<Canceller>) -> (SourceId, Self) {
        let core = reactor.core();
        if core.ended.get() {
            contain_drop(origin);
            return (SourceId::NONE, Self::open(reactor, ChainId::NONE));
        }
        let made = Location::caller();
        let source = core.ledger.with(|ledger| ledger.enter_from(origin, made, core.now.get()));
        (source, Self::open(reactor, source.chain()))
    }

    /// The handle of a chain without callbacks.
    #[inline]
    fn open(reactor: &Reactor, chain: ChainId) -> Self {
        Self { open: Some(Open { reactor: reactor.clone(), tail: None, chain }) }
    }

    /// A Deferred that has its value.
    #[track_caller]
    pub fn succeed(reactor: &Reactor, value: T) -> Self {
        Self::settled(reactor, Ok(value))
    }

    /// A Deferred that has failed.
    #[track_caller]
    pub fn fail(reactor: &Reactor, failure: impl Into<Failure>) -> Self {
        Self::settled(reactor, Err(failure.into()))
    }

    /// A Deferred that has its result.
    #[track_caller]
    #[doc(alias = "execute")]
    pub fn settled(reactor: &Reactor, result: Result<T, Failure>) -> Self {
        let core = reactor.core();
        if core.ended.get() {
            contain_drop(result);
            return Self::open(reactor, ChainId::NONE);
        }
        let made = Location::caller();
        let held = Rc::new(Held::new(result));
        let chain = core.ledger.with(|ledger| ledger.enter_settled(held, made, core.now.get()));
        Self::open(reactor, chain)
    }
}

/// What is done with the result.
impl<T: 'static> Deferred<T> {
    /// Makes another value of the value.
    #[doc(alias = "addCallback")]
    pub fn map<U, F: FnOnce(T) -> U + 'static>(self, callback: F) -> Deferred<U> {
        self.run::<_, F>(move |result| Outcome::Settled(result.map(callback)))
    }

    /// Makes another value of the value, or fails.
    #[doc(alias = "addCallback")]
    pub fn try_map<U, F: FnOnce(T) -> Result<U, Failure> + 'static>(self, callback: F) -> Deferred<U> {
        self.run::<_, F>(move |result| Outcome::Settled(result.and_then(callback)))
    }

    /// Goes on with the Deferred that `callback` makes of the value.
    #[doc(alias = "addCallback")]
    #[doc(alias = "chainDeferred")]
    pub fn and_then<U, F: FnOnce(T) -> Deferred<U> + 'static>(self, callback: F) -> Deferred<U> {
        self.run::<_, F>(move |result| match result {
            Ok(value) => callback(value).into_outcome(),
            Err(failure) => Outcome::Settled(Err(failure)),
        })
    }

    /// Makes a value of the failure.
    #[doc(alias = "addErrback")]
    pub fn recover<F: FnOnce(Failure) -> T + 'static>(self, callback: F) -> Self {
        self.run::<_, F>(move |result| Outcome::Settled(Ok(result.unwrap_or_else(callback))))
    }

    /// Makes a value of the failure, or fails: with the same failure, if it is one to be passed on.
    ///
    /// ```
    /// use lariat::{Deferred, Reactor};
    ///
    /// fn without_timeouts(answer: Deferred<String>) -> Deferred<String> {
    ///     answer.try_recover(|failure| if failure.is_timed_out() { Ok(String::new()) } else { Err(failure) })
    /// }
    /// ```
    #[doc(alias = "addErrback")]
    #[doc(alias = "trap")]
    pub fn try_recover<F: FnOnce(Failure) -> Result<T, Failure> + 'static>(self, callback: F) -> Self {
        self.run::<_, F>(move |result| Outcome::Settled(result.or_else(callback)))
    }

    /// Goes on with the Deferred that `callback` makes of the failure.
    ///
    /// Cancelling is a failure too. A callback that tries again looks at [`Failure::is_cancelled`] first.
    #[doc(alias = "addErrback")]
    pub fn or_else<F: FnOnce(Failure) -> Self + 'static>(self, callback: F) -> Self {
        self.run::<_, F>(move |result| match result {
            Ok(value) => Outcome::Settled(Ok(value)),
            Err(failure) => callback(failure).into_outcome(),
        })
    }

    /// Makes another result of the result.
    #[doc(alias = "addBoth")]
    #[doc(alias = "addCallbacks")]
    pub fn map_result<U, F>(self, callback: F) -> Deferred<U>
    where
        F: FnOnce(Result<T, Failure>) -> Result<U, Failure> + 'static,
    {
        self.run::<_, F>(move |result| Outcome::Settled(callback(result)))
    }

    /// Goes on with the Deferred that `callback` makes of the result.
    #[doc(alias = "addBoth")]
    pub fn then<U, F: FnOnce(Result<T, Failure>) -> Deferred<U> + 'static>(self, callback: F) -> Deferred<U> {
        self.run::<_, F>(move |result| callback(result).into_outcome())
    }

    /// Has `callback` be called with the result, at the end of the chain. Nothing can cancel it from then on.
    pub fn finish<F: FnOnce(Result<T, Failure>) + 'static>(self, callback: F) {
        self.run::<_, F>(move |result| {
            callback(result);
            Outcome::Settled(Ok(()))
        })
        .detach();
    }

    /// Lets it go its way, with nobody to listen to the result. A failure is logged.
    #[inline(always)]
    pub fn detach(mut self) {
        let open = self.open.take();
        mem::forget(self);
        if let Some(open) = open {
            open.let_go();
        }
    }

    /// Cancels whatever is being waited for, be it inside a callback's Deferred: its canceller is called, and it fails with
    /// [`FailureKind::Cancelled`](crate::FailureKind::Cancelled), which goes through the callbacks like any failure. If the result is on its way through them already, then
    /// that goes on, and the next thing that they would wait for is cancelled instead. If it is there already, nothing happens.
    pub fn cancel(&self) {
        if let Some(open) = &self.open
            && !open.is_settled()
        {
            open.reactor.cancel_chain(open.chain);
        }
    }

    /// Gives it a name for [`Reactor::dump_deferreds`], until its result is there. A failure [remembers](Failure::names) it, and the log tells.
    pub fn named(self, name: impl Into<Cow<'static, str>>) -> Self {
        if let Some(Open { reactor, chain, .. }) = &self.open {
            let name = name.into();
            reactor.core().ledger.with(|ledger| ledger.push_name(*chain, name));
        }
        self.link(Named::new())
    }

    /// Is the result there, to be awaited without waiting?
    #[doc(alias = "called")]
    pub fn is_settled(&self) -> bool {
        self.open.as_ref().is_some_and(Open::is_settled)
    }

    #[inline]
    fn run<U, F: 'static>(self, run: impl FnOnce(Result<T, Failure>) -> Outcome<U> + 'static) -> Deferred<U> {
        self.link(Run::<_, F, T>::new(run))
    }

    #[inline]
    fn link<W: Callback<Input = T>>(mut self, work: W) -> Deferred<W::Output> {
        let open = self.open.take();
        // Spares the way to a drop that would find nothing.
        mem::forget(self);
        let Some(open) = open else { return Deferred { open: None } };
        let chain = open.chain;
        if chain == ChainId::NONE || open.reactor.core().over.get() {
            return Self::link_after_end(open, work);
        }
        let node = Rc::new(Node::new(work));
        let reactor = open.attach(node.clone());
        Deferred { open: Some(Open { reactor, tail: Some(node), chain }) }
    }

    /// The same chain, seen through another tail.
    pub(super) fn convert<U>(mut self, convert: impl FnOnce(Open<T>) -> Open<U>) -> Deferred<U> {
        let open = self.open.take();
        mem::forget(self);
        Deferred { open: open.map(convert) }
    }

    /// Nothing is called any more: so nothing is kept either, for what is kept may own what keeps it.
    #[cold]
    fn link_after_end<W: Callback<Input = T>>(open: Open<T>, work: W) -> Deferred<W::Output> {
        contain_drop(work);
        contain_drop(open.take());
        let reactor = open.reactor.clone();
        contain_drop(open);
        Deferred::open(&reactor, ChainId::NONE)
    }

    /// The reactor that it belongs to; none once it has been awaited.
    pub(crate) fn reactor(&self) -> Option<&Reactor> {
        self.open.as_ref().map(|open| &open.reactor)
    }

    /// The chain that it is the end of.
    pub(crate) fn chain(&self) -> ChainId {
        self.open.as_ref().map_or(ChainId::NONE, |open| open.chain)
    }

    fn into_outcome(mut self) -> Outcome<T> {
        match self.open.take() {
            Some(open) => Outcome::Waits(open),
            None => Outcome::Settled(Err(Failure::new("a callback gave a Deferred that had been awaited already"))),
        }
    }
}

impl<T: 'static> Drop for Deferred<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(open) = self.open.take()
            && let Some((reactor, chain)) = open.let_go()
        {
            reactor.cancel_chain(chain);
        }
    }
}

impl<T: 'static> Future for Deferred<T> {
    type Output = Result<T, Failure>;

    /// # Panics
    ///
    /// When it is polled again after it was ready, like most futures.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(open) = self.open.take() else { panic!("a Deferred was polled after it was ready") };
        if let Some(result) = open.take_result() {
            return Poll::Ready(result);
        }
        let watched = open.tail.as_ref().is_some_and(|tail| tail.watch(context.waker()));
        let deferred = Self { open: Some(open) };
        *self = if watched { deferred } else { deferred.link(Wake::new(context.waker())) };
        Poll::Pending
    }
}

/// A user's canceller.
struct UserCanceller<F>(F);

impl<F: FnOnce(&Reactor)> Cancel for UserCanceller<F> {
    fn cancel(self: Box<Self>, reactor: &Reactor) {
        (self.0)(reactor);
    }
}

/// What it is called in messages: its names, and where it was made.
impl<T: 'static> fmt::Display for Deferred<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.open {
            Some(Open { reactor, chain, .. }) => {
                write!(f, "{}", reactor.core().ledger.with(|ledger| ledger.describe_one(*chain)))
            }
            None => f.write_str("a Deferred that was awaited"),
        }
    }
}

impl<T: 'static> fmt::Debug for Deferred<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deferred({self}, {})", if self.is_settled() { "settled" } else { "pending" })
    }
}
