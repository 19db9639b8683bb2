//! Calls from other threads.

use std::any::type_name;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::rc::Weak;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use crate::budget;
use crate::contain::contain;
use crate::driver::Sent;
use crate::error::{Error, ErrorKind, Result};
use crate::inbox::{Inbox, Outbox};
use crate::lookup::LookedUp;

#[cfg(feature = "testing")]
use super::core::ReplayedCalls;
use super::core::{Core, Message, Queued, Reactor, RemoteCall};
use super::description::Description;
#[cfg(feature = "testing")]
use super::task_id::TaskId;

/// A way to call into a loop from other threads: `Send`, `Sync` and cheap to clone. Made by [`Reactor::remote`].
///
/// Everything else that a reactor gives stays on its thread. A `Remote` goes anywhere, and [`call`](Remote::call) takes a closure that
/// the loop then runs, with the [`Reactor`] in hand:
///
/// ```
/// use lariat::Reactor;
/// use std::thread;
///
/// let reactor = Reactor::new()?;
/// let remote = reactor.remote()?;
/// let thread = thread::spawn(move || {
///     let answer = 6 * 7;
///     remote.call(move |reactor| {
///         assert_eq!(answer, 42);
///         reactor.stop();
///     })
/// });
/// reactor.run()?;
/// thread.join().unwrap()?;
/// # Ok::<(), lariat::Error>(())
/// ```
///
/// What a closure captures has to be `Send`, so it cannot hold a [`Transport`](crate::Transport) or a [`Handle`](crate::Handle); the
/// chapter [`threads`](crate::guide::threads) tells how a result finds its way to them.
///
/// Dropping a `Remote` does nothing, and keeping one does not keep the loop alive. Once the reactor has ended, a `Remote` holds no
/// descriptor and refuses every call.
#[derive(Clone)]
pub struct Remote(Outbox<Message>);

/// The reactor has ended, so it takes no call; here it is again.
///
/// It is `Send` and `Sync`, as errors should be, and converts into [`Error`], which drops the call.
pub struct RemoteError(Mutex<Box<dyn RemoteCall>>);

impl<F: FnOnce(&Reactor) + Send + 'static> RemoteCall for F {
    fn run(self: Box<Self>, reactor: &Reactor) {
        // The panic is logged; nobody waits for the call.
        reactor.observe(Description::of::<F>, || drop(contain(type_name::<F>, || self(reactor))));
    }

    fn into_call(self: Box<Self>) -> Box<dyn FnOnce(&Reactor) + Send> {
        self
    }
}

/// The answer of a thread that looked a name up.
impl RemoteCall for LookedUp {
    fn run(self: Box<Self>, reactor: &Reactor) {
        reactor.core().hear_of_name(reactor, *self);
    }

    fn into_call(self: Box<Self>) -> Box<dyn FnOnce(&Reactor) + Send> {
        Box::new(|reactor| self.run(reactor))
    }

    fn sent(&self) -> Sent {
        Sent::LookedUp(self.clone())
    }
}

/// Takes the place of a message that was recorded.
#[cfg(feature = "testing")]
struct Replayed;

#[cfg(feature = "testing")]
impl RemoteCall for Replayed {
    fn run(self: Box<Self>, reactor: &Reactor) {
        reactor.replay_message();
    }

    fn into_call(self: Box<Self>) -> Box<dyn FnOnce(&Reactor) + Send> {
        Box::new(|reactor| self.run(reactor))
    }
}

impl Reactor {
    /// A way to call into this loop from other threads.
    ///
    /// A loop without one pays nothing for the possibility. The first one takes a descriptor (an `eventfd(2)`), which all the others
    /// share and which is closed with the loop. On a simulated reactor, whose time is not that of other threads,
    /// calls run in the loop's next turn; when nothing else is left to happen, the loop waits for one, for as long as there is a
    /// `Remote`, though not longer than a minute.
    ///
    /// # Errors
    ///
    /// When the reactor has ended, or when the operating system has no descriptor left.
    pub fn remote(&self) -> Result<Remote> {
        if self.has_ended() {
            return Err(Error::ended());
        }
        self.outbox().map(Remote)
    }

    /// A way for other threads to send to this loop.
    pub(crate) fn outbox(&self) -> Result<Outbox<Message>> {
        self.outbox_by(self.core().network.waker())
    }

    /// The same, with `waker` to wake the loop.
    pub(super) fn outbox_by(&self, waker: io::Result<Waker>) -> Result<Outbox<Message>> {
        let core = self.core();
        let waker = waker.map_err(|error| Error::io("could not make a way to wake the loop", error))?;
        #[cfg(feature = "testing")]
        if core.network.replays() {
            core.inbox.get_or_init(Inbox::new);
            return Ok(core.unheard.get_or_init(Inbox::new).outbox(waker));
        }
        Ok(core.inbox.get_or_init(Inbox::new).outbox(waker))
    }
}

impl Remote {
    /// Has the loop run `call`. Returns at once, whatever the loop is doing, and never blocks. (It takes a lock-free queue and, when
    /// the loop sleeps, one system call to wake it.)
    ///
    /// - Calls from one thread run in the order in which they were made, and so do calls of which one was made after the other had
    ///   returned.
    /// - They run in the loop's queue of calls, between other calls, at most some 1,000 in a turn: a flood of them delays
    ///   connections and timers, but does not keep them from their turn.
    /// - The queue has no bound. Threads that call faster than the loop runs fill the memory; have them wait for answers, as
    ///   [`blocking_call`](Self::blocking_call) does.
    /// - A call that panics ends alone, and is logged with the closure's type.
    /// - `Ok` means that the call runs, exactly once. If the reactor ends first, it still does, after every connection has heard
    ///   [`connection_lost`](crate::Protocol::connection_lost), in its order and with a reactor that
    ///   [has ended](Reactor::has_ended), on which everything is a harmless error. So what waits for an answer gets one.
    ///
    /// Called on the loop's own thread, it queues the call like any other.
    ///
    /// # Errors
    ///
    /// When the reactor has ended. The error [gives the call back](RemoteError::into_call), which has not been run and will not be.
    ///
    /// # Example
    ///
    /// ```
    /// let main_loop = lariat::Reactor::new()?;
    /// let remote = main_loop.remote()?;
    /// remote.call(|reactor| assert!(reactor.has_ended()))?;
    /// drop(main_loop);
    /// let refused = remote.call(|_| unreachable!()).unwrap_err();
    /// assert_eq!(refused.to_string(), "the reactor has ended, so it takes no call");
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "callFromThread")]
    #[doc(alias = "IReactorFromThreads")]
    #[inline]
    pub fn call(&self, call: impl FnOnce(&Reactor) + Send + 'static) -> Result<(), RemoteError> {
        match self.0.send(Message::Call(Box::new(call))) {
            Err(Message::Call(call)) => Err(RemoteError(Mutex::new(call))),
            _ => Ok(()),
        }
    }

    /// Has the reactor ended? Then it takes no call any more. While it is still `false`, the reactor may be ending on its own thread:
    /// only [`call`](Self::call) tells for sure.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.0.is_closed()
    }

    /// Returns whether the calling thread is the loop's own. There the reactor itself can be
    /// called, and [`blocking_call`](Self::blocking_call) would wait for itself.
    ///
    /// ```
    /// use lariat::Reactor;
    ///
    /// let reactor = Reactor::new()?;
    /// let remote = reactor.remote()?;
    /// assert!(remote.is_loop_thread());
    /// assert!(!std::thread::spawn(move || remote.is_loop_thread()).join().unwrap());
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "isInIOThread")]
    #[must_use]
    pub fn is_loop_thread(&self) -> bool {
        self.0.is_home()
    }
}

impl RemoteError {
    /// What went wrong: [`ErrorKind::ReactorEnded`].
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::ReactorEnded
    }

    /// The call that was refused.
    #[must_use]
    pub fn into_call(self) -> Box<dyn FnOnce(&Reactor) + Send> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).into_call()
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("ended", &self.is_ended()).finish()
    }
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteError").field("kind", &self.kind()).finish()
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reactor has ended, so it takes no call")
    }
}

impl StdError for RemoteError {}

impl From<RemoteError> for Error {
    fn from(_: RemoteError) -> Self {
        Self::ended()
    }
}

impl Message {
    /// What is recorded of it.
    fn sent(&self) -> Sent {
        match self {
            Self::Call(call) => call.sent(),
            Self::Wake(task) => Sent::Wake { index: task.index, generation: task.generation },
        }
    }
}

impl Core {
    /// Does a call from another thread wait?
    #[cfg(feature = "testing")]
    pub(crate) fn has_remote_calls(&self) -> bool {
        self.inbox.get().is_some_and(|inbox| inbox.len() > 0)
    }

    /// Takes no more calls from other threads, and drops those that it took.
    #[cfg(feature = "testing")]
    pub(crate) fn drop_remote_calls(&self) {
        for inbox in [self.inbox.get(), self.unheard.get()].into_iter().flatten() {
            inbox.close();
            drop_messages(inbox);
        }
    }

    /// Sends something in the place of each thing that was recorded to have been sent, and drops what is sent now.
    #[cfg(feature = "testing")]
    fn replay_remote_calls(&self, inbox: &Inbox<Message>) {
        if let Some(unheard) = self.unheard.get() {
            drop_messages(unheard);
            let outbox = inbox.outbox(Waker::noop().clone());
            for _ in 0..self.network.replayed_calls() {
                // It is closed at the end, when all that was recorded has been sent.
                drop(outbox.send(Message::Call(Box::new(Replayed))));
            }
        }
    }

    /// Tells other threads that the loop is going to wait for so long. Returns how long it may.
    #[inline]
    pub(crate) fn announce_wait(&self, timeout: Option<Duration>) -> Option<Duration> {
        match self.inbox.get() {
            Some(inbox) if timeout != Some(Duration::ZERO) && !inbox.sleep() => Some(Duration::ZERO),
            _ => timeout,
        }
    }

    /// The wait is over.
    #[inline]
    pub(crate) fn end_wait(&self) {
        if let Some(inbox) = self.inbox.get() {
            inbox.awake();
        }
    }

    /// Gives calls from other threads their place in the call queue: as many as this turn may run, or all that wait if a timer is due,
    /// which would overtake the others.
    #[inline]
    pub(crate) fn queue_remote_calls(&self) {
        if let Some(inbox) = self.inbox.get() {
            #[cfg(feature = "testing")]
            self.replay_remote_calls(inbox);
            let queued = self.calls.with(|calls| calls.len());
            let mut most = budget::CALLS.saturating_sub(queued).max(budget::REMOTE_CALLS);
            if inbox.len() > most && self.is_timer_due(self.complete.get()) {
                most = budget::REMOTE_BACKLOG;
            }
            let count = inbox.admit(most);
            if count > 0 {
                self.network.remote_calls(count);
                self.queue_admitted_calls(count);
            }
        }
    }

    /// Queues calls that have been admitted, each part of them no more than one turn may run.
    fn queue_admitted_calls(&self, mut count: usize) {
        self.calls.with(|calls| {
            while count > 0 {
                let part = count.min(budget::CALLS);
                calls.push(Queued::Remote(part));
                count -= part;
            }
        });
    }

    /// Runs the next `count` calls from other threads.
    pub(crate) fn run_remote_calls(&self, reactor: &Reactor, count: usize) {
        if let Some(inbox) = self.inbox.get() {
            let is_recorded = self.network.is_recorded();
            (0..count).map_while(|_| inbox.pop()).for_each(|message| {
                if is_recorded {
                    self.network.received(message.sent());
                }
                match message {
                    Message::Call(call) => call.run(reactor),
                    Message::Wake(task) => self.poll_remotely_woken(reactor, task),
                }
            });
        }
    }

    /// Tells whoever asked for a name.
    fn hear_of_name(&self, reactor: &Reactor, answer: LookedUp) {
        if let Some(lookups) = self.lookups.get().and_then(Weak::upgrade) {
            lookups.answered(reactor, answer);
        }
    }

    /// Takes no more calls from other threads, and runs those that it took.
    pub(crate) fn run_last_remote_calls(&self, reactor: &Reactor) {
        if let Some(inbox) = self.inbox.get() {
            #[cfg(feature = "testing")]
            self.replay_remote_calls(inbox);
            #[cfg(feature = "testing")]
            self.unheard.get().into_iter().for_each(Inbox::close);
            inbox.close();
            let count = inbox.admit(usize::MAX);
            if count > 0 {
                self.network.remote_calls(count);
            }
            while let Some(message) = inbox.pop() {
                // Tasks, and those who ask for names, have been told of the end.
                if let Message::Call(call) = message
                    && call.sent() == Sent::Call
                {
                    self.network.received(Sent::Call);
                    call.run(reactor);
                }
            }
        }
    }
}

#[cfg(feature = "testing")]
fn drop_messages(inbox: &Inbox<Message>) {
    while let Some(message) = inbox.pop() {
        crate::contain::contain_drop(message);
    }
}

#[cfg(feature = "testing")]
impl Reactor {
    /// Sets what is done in the place of calls from other threads that were recorded.
    pub(crate) fn set_replayed_calls(&self, hook: ReplayedCalls) {
        let former = self.core().replayed_calls.with(|slot| slot.replace(hook));
        crate::contain::contain_drop(former);
    }

    /// Does what was recorded of something that another thread had sent.
    fn replay_message(&self) {
        let core = self.core();
        let number = match core.network.replayed() {
            Some((number, Sent::Call)) => number,
            Some((_, Sent::Wake { index, generation })) => {
                return core.poll_remotely_woken(self, TaskId { index, generation });
            }
            Some((_, Sent::LookedUp(answer))) => return core.hear_of_name(self, answer),
            None => return,
        };
        let slot = &core.replayed_calls;
        if let Some(mut hook) = slot.with(Option::take) {
            self.observe(|| Description::named("a replayed call"), || hook(number, self));
            let another = slot.with(|slot| slot.replace(hook));
            // It may have been set from within.
            if another.is_some() {
                let former = slot.with(|slot| std::mem::replace(slot, another));
                crate::contain::contain_drop(former);
            }
        }
    }
}
