//! What a connection's handles share with the machine that serves it.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use log::Level;

use crate::address::{Address, CompactAddress};
use crate::buffer::{Spent, WriteQueue};
use crate::byte_stream::Socket;
use crate::clock::Time;
use crate::close_reason::{CloseReason, Idle};
use crate::connection_info::ConnectionId;
use crate::contain::contain_drop;
use crate::layer::Layer;
use crate::log_throttle::LogThrottle;
use crate::options::{Linger, StreamOptions};
use crate::reactor::Reactor;
use crate::timer::TimerKey;
use crate::token::Token;

use super::flags::Flags;
use super::sent_marks::SentMarks;
use crate::guarded::Guarded;

/// Connections that have stalled: many peers can do so together.
const STALLED: LogThrottle = LogThrottle::new(concat!(module_path!(), "::stalled"));

/// Ticks of the clock in a tenth of a second, the unit in which a connection remembers its age.
const TICKS_PER_TENTH: u64 = 100;

/// A connection, but for its protocol. Every idle connection has one of these, so what few of them need is boxed.
pub(crate) struct Shared {
    pub(crate) reactor: Reactor,
    pub(crate) token: Token,
    pub(crate) peer: CompactAddress,
    pub(crate) flags: Flags,
    /// When it was opened, in tenths of a second since the reactor was made: 13 years of them.
    pub(crate) opened: u32,
    /// The turn in which bytes last arrived; time zero before that. Its start is never earlier than their arrival.
    pub(crate) last_read: Cell<Time>,
    /// The turn in which bytes were last handed to the kernel.
    pub(crate) last_write: Cell<Time>,
    pub(crate) state: Guarded<State>,
}

pub(crate) struct State {
    pub(crate) socket: Socket,
    /// There is a queue only while something is in it.
    pub(crate) queue: Option<Box<WriteQueue>>,
    pub(crate) options: Rc<StreamOptions>,
    pub(crate) deadlines: Option<Box<Deadlines>>,
    pub(crate) rare: Option<Box<Rare>>,
}

/// What only few connections have, or only at their end.
#[derive(Default)]
pub(crate) struct Rare {
    /// Why it is ending, if that was decided here.
    pub(crate) reason: Option<CloseReason>,
    /// What the next protocol is made of: see `switch_to`.
    pub(crate) successor: Option<Box<dyn Any>>,
    /// Bytes that an earlier protocol left to its successor.
    pub(crate) leftover: Vec<u8>,
    /// When closing has taken too long.
    pub(crate) close_by: Option<Time>,
    /// Since when everything is sent, and only the peer's end is waited for.
    pub(crate) lingers_since: Option<Time>,
    /// A layer was put around the stream, and the machine has not asked the protocol yet whether it keeps input.
    pub(crate) layer_begun: bool,
    /// When what comes before the protocol's bytes has taken too long.
    pub(crate) prepare_by: Option<Time>,
    /// The stream's own last words have a deadline.
    pub(crate) says_farewell: bool,
    /// Bytes that arrived after our end and were discarded.
    pub(crate) discarded: u64,
    /// Since when the connection is watched for a stall. It was above its high mark then.
    pub(crate) watched_since: Option<Time>,
    /// A stall was logged already.
    pub(crate) has_stalled: bool,
    /// The registered producer, of one kind or the other.
    pub(crate) producer: Option<Box<dyn Any>>,
    /// What waits for bytes to be handed to the kernel.
    pub(crate) marks: SentMarks,
    /// Bytes that were written and will never be handed to the kernel.
    pub(crate) unsent: u64,
}

/// A connection's idle timeouts. Pushing one back is a store to `last_read` or `last_write`; the timer finds out when it is due.
#[derive(Default)]
pub(crate) struct Deadlines {
    /// The one timer of the connection, which the deadlines of its end share.
    pub(crate) timer: Option<TimerKey>,
    /// By kind: the limit, `Time::NEVER` for none, and when it began to count.
    idle: [IdleLimit; 3],
}

#[derive(Copy, Clone)]
struct IdleLimit {
    /// As a distance from time zero.
    limit: Time,
    since: Time,
}

impl Default for IdleLimit {
    fn default() -> Self {
        Self { limit: Time::NEVER, since: Time::default() }
    }
}

impl Deadlines {
    /// Watches for `limit` of idleness, counted from `now` at the earliest.
    pub(crate) fn set_idle(&mut self, idle: Idle, limit: Option<Duration>, now: Time) {
        let limit = limit.map_or(Time::NEVER, |limit| Time::default().after(limit));
        self.idle[idle as usize] = IdleLimit { limit, since: now };
    }

    /// The idle timeout of that kind is told now and counts anew.
    pub(crate) fn restart_idle(&mut self, idle: Idle, now: Time) {
        self.idle[idle as usize].since = now;
    }

    /// Stops watching for idleness.
    pub(crate) fn clear_idle(&mut self) {
        self.idle = Default::default();
    }

    /// Returns whether idleness that output would end is over its limit at `time`.
    pub(crate) fn awaits_output(&self, time: Time, last_read: Time, last_write: Time) -> bool {
        [Idle::Write, Idle::All].into_iter().any(|idle| self.idle_deadline(idle, last_read, last_write) <= time)
    }

    /// When idleness of that kind has lasted too long, unless something happens before.
    pub(crate) fn idle_deadline(&self, idle: Idle, last_read: Time, last_write: Time) -> Time {
        let IdleLimit { limit, since } = self.idle[idle as usize];
        let last = match idle {
            Idle::Read => last_read,
            Idle::Write => last_write,
            Idle::All => last_read.max(last_write),
        };
        last.max(since).after(limit.since(Time::default()))
    }
}

impl Shared {
    pub(crate) fn new(
        reactor: &Reactor,
        token: Token,
        socket: Socket,
        peer: Address,
        options: Rc<StreamOptions>,
    ) -> Rc<Self> {
        let now = reactor.core().now.get();
        let state = State { socket, queue: None, options, deadlines: None, rare: None };
        Rc::new(Self {
            reactor: reactor.clone(),
            token,
            peer: peer.into(),
            flags: Flags::default(),
            opened: u32::try_from(now.tick_passed() / TICKS_PER_TENTH).unwrap_or(u32::MAX),
            last_read: Cell::new(Time::default()),
            last_write: Cell::new(now),
            state: Guarded::new(state),
        })
    }

    /// How long ago it was opened, to a tenth of a second.
    pub(crate) fn age(&self) -> Duration {
        self.reactor.deadline(Duration::ZERO).since(Time::from_tick(u64::from(self.opened) * TICKS_PER_TENTH))
    }

    /// Returns whether the peer has sent anything.
    pub(crate) fn has_read(&self) -> bool {
        self.last_read.get() > Time::default()
    }

    /// Has the machine serve this connection before the turn ends, for something asked of it outside its own callbacks.
    pub(crate) fn touch(&self) {
        if !self.flags.has(Flags::GATHERING | Flags::TOUCHED | Flags::ENDED) {
            self.flags.set(Flags::TOUCHED);
            self.reactor.touch(self.token);
        }
    }

    /// Has the machine serve this connection in the next turn, event or not.
    pub(crate) fn serve_again(&self) {
        if !self.flags.has(Flags::AGAIN | Flags::ENDED) {
            self.flags.set(Flags::AGAIN);
            self.reactor.serve_again(self.token);
        }
    }

    /// Puts something into the queue. What that is done with at once is for the caller to drop.
    pub(crate) fn push(&self, push: impl FnOnce(&mut WriteQueue)) -> Spent {
        self.flags.set(Flags::QUEUED);
        let meter = &self.reactor.core().meter;
        self.state.with(|state| {
            let queue = state.queue.get_or_insert_with(|| Box::new(WriteQueue::new()));
            let before = queue.own_footprint();
            push(queue);
            let spent = queue.take_spent();
            meter.with(|meter| {
                meter.change(before, queue.own_footprint());
                meter.release_spent(&spent);
            });
            spent
        })
    }

    /// Takes the queue out, to be dropped where nothing is borrowed.
    pub(crate) fn take_queue(&self) -> Option<Box<WriteQueue>> {
        self.flags.clear(Flags::QUEUED);
        let queue = self.state.with(|state| state.queue.take());
        if let Some(queue) = &queue {
            self.reactor.core().meter.with(|meter| meter.release_queue(queue));
        }
        queue
    }

    /// Moves what the running callback has gathered to the queue, so that what comes next stays behind it.
    pub(crate) fn queue_gathered(&self) {
        self.reactor.core().gathered.with(|gathered| {
            if !gathered.is_empty() {
                // Slices leave nothing to drop.
                let _ = self.push(|queue| queue.push_slice(gathered));
                gathered.clear();
            }
        });
    }

    /// Ends the connection at the next step for `reason`, unless it is ending for another one already.
    pub(crate) fn end(&self, reason: CloseReason) {
        if self.flags.has(Flags::ENDING | Flags::ENDED) {
            return;
        }
        self.flags.set(Flags::ENDING);
        let lost = if self.flags.has(Flags::GATHERING) {
            self.reactor.core().gathered.with(|gathered| gathered.drain(..).len() as u64)
        } else {
            0
        };
        // A reason that the user had given gives way: it may own a user's value, so it is dropped out here.
        let former = self.state.with(|state| {
            let rare = state.rare();
            rare.unsent += lost;
            rare.reason.replace(reason)
        });
        if former.is_some() {
            contain_drop(former);
        }
        self.touch();
    }

    /// Compares the queue with its limit and marks. Called whenever it has grown.
    pub(crate) fn queue_has_grown(&self) -> Grown {
        let (overflow, above) = self.state.with(|state| {
            let queue = state.queue.as_deref();
            let footprint = queue.map_or(0, WriteQueue::footprint);
            let len = queue.map_or(0, WriteQueue::len);
            (footprint > state.options.queue_limit, len > state.options.high_water_mark as u64)
        });
        if overflow {
            self.end(CloseReason::Overflow);
            return Grown::Overflow;
        }
        if above && !self.flags.has(Flags::ABOVE_MARK) {
            self.flags.set(Flags::ABOVE_MARK | Flags::PASSED_MARK);
            if self.state.with(|state| state.options.backpressure) {
                self.flags.set(Flags::PAUSED_BY_QUEUE);
            }
            self.watch_for_stall();
        }
        self.reactor.check_queue_budget();
        self.touch();
        if self.flags.has(Flags::ABOVE_MARK) { Grown::Above } else { Grown::Below }
    }

    /// The queue has shrunk, or its marks have changed: at or below the low mark, what was paused goes on. Returns whether reading was.
    pub(crate) fn queue_has_shrunk(&self) -> bool {
        let low = self.state.with(|state| {
            let low = state.options.low_water_mark.min(state.options.high_water_mark);
            state.queued() <= low as u64
        });
        if low {
            self.flags.clear(Flags::ABOVE_MARK);
        }
        low && self.release_reading()
    }

    /// Back-pressure holds reading no more. Returns whether it did.
    pub(crate) fn release_reading(&self) -> bool {
        let held = self.flags.take(Flags::PAUSED_BY_QUEUE);
        if held && !self.flags.has(Flags::PAUSED_BY_USER) {
            self.flags.set(Flags::RESUMED);
        }
        held
    }

    /// Puts a layer around the stream; nothing is delivered or flushed until it is prepared. `unsent` goes first, as it is.
    pub(crate) fn begin_layer(&self, layer: &dyn Layer, unsent: Vec<u8>) -> io::Result<()> {
        let by = self.reactor.deadline(layer.timeout());
        self.state.with(|state| {
            let plain = std::mem::replace(&mut state.socket, Socket::Closed);
            state.socket = layer.wrap(plain, unsent)?;
            let rare = state.rare();
            rare.prepare_by = Some(by);
            rare.layer_begun = true;
            io::Result::Ok(())
        })?;
        self.flags.clear(Flags::BLOCKED);
        self.flags.set(Flags::PREPARING);
        self.arm_timer();
        Ok(())
    }

    /// The queue has risen above its high mark: watches for a stall, unless one was logged already.
    #[cold]
    pub(crate) fn watch_for_stall(&self) {
        let now = self.reactor.core().now.get();
        let begins = self.state.with(|state| {
            let is_wanted = state.options.stall_warning.is_some();
            let rare = state.rare();
            let begins = is_wanted && !rare.has_stalled && rare.watched_since.is_none();
            if begins {
                rare.watched_since = Some(now);
            }
            begins
        });
        if begins {
            self.arm_timer();
        }
    }

    /// Logs that the connection has stalled, and why, if it has by `time`. To be called when its timer is due.
    #[cold]
    pub(crate) fn check_for_stall(&self, time: Time) {
        let (last_read, last_write) = (self.last_read.get(), self.last_write.get());
        let is_above = self.flags.has(Flags::ABOVE_MARK) && !self.flags.has(Flags::CLOSING);
        let stalled = self.state.with(|state| {
            let State { rare: Some(rare), options, .. } = state else { return None };
            if !is_above {
                // The next rise above the mark starts the time again.
                rare.watched_since = None;
                return None;
            }
            let is_due = stall_deadline(rare, options, last_read, last_write).is_some_and(|deadline| deadline <= time);
            if is_due {
                (rare.watched_since, rare.has_stalled) = (None, true);
            }
            options.stall_warning.filter(|_| is_due).map(|limit| (limit, state.queued()))
        });
        if let Some((limit, queued)) = stalled {
            STALLED.log(
                Level::Warn,
                format_args!(
                    "connection {} with {} has stalled: {queued} bytes are queued, and for {limit:?} the peer has taken none; {}",
                    ConnectionId::new(self.token),
                    Address::from(&self.peer),
                    self.cause_of_silence(),
                ),
            );
        }
    }

    /// The reason for which nothing is read from a connection that has stalled.
    fn cause_of_silence(&self) -> &'static str {
        if self.flags.has(Flags::PREPARING) {
            "its handshake is not over"
        } else if self.flags.has(Flags::PAUSED_BY_QUEUE) {
            "reading from it is paused until it does (back-pressure): if the peer, too, reads only once its output is taken, \
             neither side goes on, and one needs Transport::set_backpressure(false) or a lower mark"
        } else if self.flags.has(Flags::PAUSED_BY_USER) {
            "the protocol has paused reading from it"
        } else {
            "it has sent nothing either"
        }
    }

    /// Makes the connection's timer fit its deadlines: those of idleness, of a stall, and of its end.
    pub(crate) fn arm_timer(&self) {
        let (last_read, last_write) = (self.last_read.get(), self.last_write.get());
        self.state.with(|state| {
            if state.deadlines.is_none() && state.rare.is_none() {
                return;
            }
            let end = match state.rare.as_deref() {
                None => [None; 4],
                Some(rare) => {
                    let linger_by = state.options.linger.deadline(rare.lingers_since, last_read);
                    let stall_at = stall_deadline(rare, &state.options, last_read, last_write);
                    [rare.close_by, linger_by, rare.prepare_by, stall_at]
                }
            };
            let deadlines = state.deadlines();
            let idle = [Idle::Read, Idle::Write, Idle::All];
            let idle = idle.into_iter().map(|idle| deadlines.idle_deadline(idle, last_read, last_write));
            let end = end.into_iter().map(|deadline| deadline.unwrap_or(Time::NEVER));
            let next = end.chain(idle).min().filter(|next| *next < Time::NEVER);
            match (next, deadlines.timer) {
                (None, None) => {}
                (None, Some(key)) => {
                    self.reactor.disarm(key);
                    deadlines.timer = None;
                }
                (Some(next), None) => deadlines.timer = Some(self.reactor.arm(next, self.token)),
                (Some(next), Some(key)) => self.reactor.rearm(key, next),
            }
        });
    }
}

/// When a connection that is watched for a stall has stalled, unless something moves before.
fn stall_deadline(rare: &Rare, options: &StreamOptions, last_read: Time, last_write: Time) -> Option<Time> {
    let since = rare.watched_since?.max(last_read).max(last_write);
    options.stall_warning.map(|limit| since.after(limit))
}

impl Linger {
    /// When a connection that lingers `since` then has lingered long enough, unless input arrives before.
    fn deadline(&self, since: Option<Time>, last_read: Time) -> Option<Time> {
        let since = since?;
        Some(since.after(self.time).min(last_read.max(since).after(self.idle)))
    }
}

/// What became of a queue that has grown.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grown {
    Below,
    Above,
    Overflow,
}

impl State {
    /// Bytes queued.
    pub(crate) fn queued(&self) -> u64 {
        self.queue.as_deref().map_or(0, WriteQueue::len)
    }

    /// Returns whether a deadline has passed at `time` that output would push back.
    pub(crate) fn awaits_output(&self, time: Time, last_read: Time, last_write: Time) -> bool {
        let is_idle = |deadlines: &Deadlines| deadlines.awaits_output(time, last_read, last_write);
        let stall_at = self.rare.as_deref().and_then(|rare| stall_deadline(rare, &self.options, last_read, last_write));
        self.deadlines.as_deref().is_some_and(is_idle) || stall_at.is_some_and(|deadline| deadline <= time)
    }

    /// Returns whether the wait for the peer's end has lasted long enough at `time`. The close timeout bounds it, too.
    pub(crate) fn has_lingered(&self, time: Time, last_read: Time) -> bool {
        let Some(rare) = self.rare.as_deref() else { return false };
        let linger_by = self.options.linger.deadline(rare.lingers_since, last_read);
        linger_by.is_some_and(|deadline| deadline.min(rare.close_by.unwrap_or(Time::NEVER)) <= time)
    }

    /// Returns whether more bytes arrived after our end than are to be discarded.
    pub(crate) fn has_discarded_enough(&self) -> bool {
        let discarded = self.rare.as_deref().map_or(0, |rare| rare.discarded);
        self.options.linger.bytes.is_some_and(|most| discarded > most)
    }

    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(crate) fn deadlines(&mut self) -> &mut Deadlines {
        self.deadlines.get_or_insert_default()
    }
}
