//! Messages from other threads to a loop.

use std::cell::Cell;
use std::fmt;
use std::hint::spin_loop;
use std::sync::Arc;
use std::task::Waker;
use std::thread::{self, ThreadId, yield_now};

use crossbeam_channel::{Receiver, SendError, Sender, unbounded};

use crate::gate::Gate;

/// How often a loop looks for the next message before it sleeps, once several have come at a time. Senders in full flow are less than
/// a microsecond apart; without this, the loop would catch up with them, sleep, and have to be woken by one of them, thousands of
/// times in a million. These looks take some microseconds, as a sleep and a wake-up do, so at worst they double the cost.
const LOOKS: u32 = 64;

/// Pauses from one look to the next. A look takes from a sender the cache line in which it is about to write.
const PAUSES: u32 = 4;

/// How often it then lets other threads have the processor: they may be waiting for just that.
const YIELDS: u32 = 4;

/// Before how many sleeps it looks in vain until it takes it that the flow is over. On a busy machine a sender that has lost its
/// processor often comes back with one message, then with many.
const PATIENCE: u32 = 16;

/// The loop's end of a queue that any thread may send to.
pub(crate) struct Inbox<M> {
    line: Arc<Line<M>>,
    messages: Receiver<M>,
    /// Messages that have a place in the loop's queue: `0 <= admitted <= messages.len()`.
    admitted: Cell<usize>,
    /// The loop has announced that it sleeps.
    is_asleep: Cell<bool>,
    /// How often to linger in vain from now on; none while messages come one at a time.
    patience: Cell<u32>,
}

/// The senders' end. What a thread sends arrives in the order in which it was sent.
pub(crate) struct Outbox<M> {
    line: Arc<Line<M>>,
    waker: Waker,
}

struct Line<M> {
    gate: Gate,
    /// The loop's thread.
    home: ThreadId,
    sender: Sender<M>,
}

impl<M> Inbox<M> {
    pub(crate) fn new() -> Self {
        let (sender, messages) = unbounded();
        Self {
            line: Arc::new(Line { gate: Gate::new(), home: thread::current().id(), sender }),
            messages,
            admitted: Cell::new(0),
            is_asleep: Cell::new(false),
            patience: Cell::new(0),
        }
    }

    /// An end for senders, who wake the loop by `waker`.
    pub(crate) fn outbox(&self, waker: Waker) -> Outbox<M> {
        Outbox { line: self.line.clone(), waker }
    }

    /// Messages that wait.
    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Takes out a message.
    #[inline]
    pub(crate) fn pop(&self) -> Option<M> {
        self.admitted.set(self.admitted.get().saturating_sub(1));
        self.messages.try_recv().ok()
    }

    /// Gives at most `most` messages a place in the loop's queue, and returns how many: so many are to be taken out, when it is their
    /// turn.
    pub(crate) fn admit(&self, most: usize) -> usize {
        let waiting = self.messages.len() - self.admitted.get();
        if waiting > 1 {
            self.patience.set(PATIENCE);
        }
        let count = waiting.min(most);
        self.admitted.set(self.admitted.get() + count);
        count
    }

    /// Announces that the loop is going to sleep. Returns whether it may; if not, a message is there.
    pub(crate) fn sleep(&self) -> bool {
        if let Some(left) = self.patience.get().checked_sub(1) {
            if self.linger() {
                return false;
            }
            self.patience.set(left);
        }
        let sleeps = self.line.gate.sleep(|| self.messages.is_empty());
        self.is_asleep.set(sleeps);
        sleeps
    }

    /// Waits a moment for the next message. Returns whether it has come.
    fn linger(&self) -> bool {
        for look in 0..LOOKS + YIELDS {
            if !self.messages.is_empty() {
                return true;
            }
            if look < LOOKS {
                (0..PAUSES).for_each(|_| spin_loop());
            } else {
                yield_now();
            }
        }
        false
    }

    /// The loop is awake again. A turn that did not sleep leaves the gate alone: a write to it takes its cache line from the senders.
    pub(crate) fn awake(&self) {
        if self.is_asleep.replace(false) {
            self.line.gate.awake();
        }
    }

    /// Takes nothing more. What was sent before can still be taken out.
    pub(crate) fn close(&self) {
        self.line.gate.close();
    }
}

impl<M> Outbox<M> {
    /// Sends `message` and wakes the loop if it sleeps; or, if the inbox is closed, gives it back.
    #[inline]
    pub(crate) fn send(&self, message: M) -> Result<(), M> {
        let Some(pass) = self.line.gate.enter() else { return Err(message) };
        let sent = self.line.sender.send(message);
        if pass.leave() {
            self.waker.wake_by_ref();
        }
        sent.map_err(SendError::into_inner)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.line.gate.is_closed()
    }

    /// Is this the loop's own thread?
    pub(crate) fn is_home(&self) -> bool {
        self.line.home == thread::current().id()
    }
}

impl<M> Clone for Outbox<M> {
    fn clone(&self) -> Self {
        Self { line: self.line.clone(), waker: self.waker.clone() }
    }
}

impl<M> fmt::Debug for Inbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("messages", &self.messages.len()).field("gate", &self.line.gate).finish()
    }
}

impl<M> fmt::Debug for Outbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("gate", &self.line.gate).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Rings(AtomicUsize);

    impl Wake for Rings {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An inbox, an outbox of it, and how often that has woken the loop.
    fn pair<M>() -> (Inbox<M>, Outbox<M>, impl Fn() -> usize) {
        let rings = Arc::new(Rings::default());
        let inbox = Inbox::new();
        let outbox = inbox.outbox(rings.clone().into());
        (inbox, outbox, move || rings.0.load(Ordering::Relaxed))
    }

    fn taken<M>(inbox: &Inbox<M>, most: usize) -> Vec<M> {
        (0..inbox.admit(most)).filter_map(|_| inbox.pop()).collect()
    }

    #[test]
    fn what_has_a_place_in_the_queue_gets_no_second_one() {
        let (inbox, outbox, _) = pair();
        (0..5).for_each(|message| outbox.send(message).unwrap());
        assert_eq!(inbox.admit(3), 3);
        assert_eq!(inbox.pop(), Some(0));
        assert_eq!(inbox.admit(3), 2);
        assert_eq!(inbox.admit(3), 0);
        assert_eq!(inbox.len(), 4);
        outbox.send(5).unwrap();
        assert_eq!(inbox.admit(3), 1);
    }

    #[test]
    fn a_loop_that_is_awake_is_not_woken() {
        let (inbox, outbox, rings) = pair();
        (0..3).for_each(|message| outbox.send(message).unwrap());
        assert_eq!(rings(), 0);
        assert_eq!(taken(&inbox, 2), [0, 1]);
        assert_eq!(taken(&inbox, 2), [2]);
    }

    #[test]
    fn a_loop_that_sleeps_is_woken_once() {
        let (inbox, outbox, rings) = pair();
        for sleep in 1..=3 {
            assert!(inbox.sleep());
            (0..5).for_each(|message| outbox.clone().send(message).unwrap());
            assert_eq!(rings(), sleep);
            inbox.awake();
            outbox.send(5).unwrap();
            assert_eq!(rings(), sleep);
            assert_eq!(taken(&inbox, 10), [0, 1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn a_loop_that_woke_by_itself_is_not_woken() {
        let (inbox, outbox, rings) = pair();
        assert!(inbox.sleep());
        inbox.awake();
        outbox.send(()).unwrap();
        assert_eq!(rings(), 0);
    }

    #[test]
    fn with_messages_left_a_loop_does_not_sleep() {
        let (inbox, outbox, rings) = pair();
        (0..3).for_each(|message| outbox.send(message).unwrap());
        assert_eq!(taken(&inbox, 2).len(), 2);
        assert!(!inbox.sleep());
        outbox.send(3).unwrap();
        assert_eq!(rings(), 0, "it does not sleep, after all");
        assert_eq!(taken(&inbox, 9).len(), 2);
        assert!(inbox.sleep());
    }

    #[test]
    fn a_closed_inbox_gives_messages_back_and_keeps_those_that_it_has() {
        let (inbox, outbox, rings) = pair();
        outbox.send(1).unwrap();
        inbox.close();
        assert!(outbox.is_closed());
        assert_eq!(outbox.send(2), Err(2));
        assert_eq!((inbox.pop(), inbox.pop()), (Some(1), None));
        drop(inbox);
        assert_eq!(outbox.send(3), Err(3));
        assert_eq!(rings(), 0);
    }

    #[test]
    fn closing_while_others_send_loses_nothing() {
        for _ in 0..200 {
            let (inbox, outbox, _) = pair();
            let senders: Vec<_> = (0..3)
                .map(|_| {
                    let outbox = outbox.clone();
                    thread::spawn(move || (0..).take_while(|message| outbox.send(*message).is_ok()).count())
                })
                .collect();
            let before = taken(&inbox, 100).len();
            inbox.close();
            let after = taken(&inbox, usize::MAX).len();
            let accepted: usize = senders.into_iter().map(|sender| sender.join().unwrap()).sum();
            assert_eq!(before + after, accepted);
            assert_eq!(inbox.len(), 0);
        }
    }
}
