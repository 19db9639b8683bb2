//! What a reactor counts.

use std::cell::Cell;
use std::iter::Sum;
use std::ops::{Add, Sub};
use std::time::Duration;

use crate::close_reason::CloseReason;

/// A reactor's counters at one moment: see [`Reactor::stats`](crate::Reactor::stats). Those of several reactors add up.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Turns of the loop.
    pub turns: u64,
    /// Events that the kernel reported.
    pub events: u64,
    /// Connections that are open now.
    pub connections: usize,
    /// Connections that were ever opened, both accepted and made.
    pub opened: u64,
    /// Connections that have ended, by why.
    pub closed: Closed,
    /// Connections whose TLS handshake is under way before a protocol hears of them. They are not among `connections` yet.
    pub handshaking: usize,
    /// TLS handshakes that succeeded.
    pub handshakes: u64,
    /// TLS handshakes that failed, or took too long.
    pub failed_handshakes: u64,
    /// Names whose addresses a resolver was asked for, once for each family.
    pub look_ups: u64,
    /// Bytes that protocols received.
    pub bytes_received: u64,
    /// Bytes that the kernel took from us.
    pub bytes_sent: u64,
    /// Bytes that arrived on closed connections and were discarded.
    pub bytes_discarded: u64,
    /// Closed connections that wait for their peers' ends now. They are among `connections`.
    pub lingering: usize,
    /// Connections that stopped waiting for their peers' ends because too many did: see
    /// [`set_linger_limit`](crate::Reactor::set_linger_limit).
    pub lingering_evicted: u64,
    /// Connections and handshakes that ended because their port was full, or their descriptors were needed: see
    /// [`ConnectionLimits`](crate::ConnectionLimits). They are among `closed` and `failed_handshakes`, too.
    pub evicted: u64,
    /// Timers that are pending: delayed calls and connections' timeouts.
    pub timers: usize,
    /// Calls that wait in the call queue.
    pub calls: usize,
    /// Futures that were spawned and have not ended.
    pub tasks: usize,
    /// Threads that work for [`defer_to_thread`](crate::Reactor::defer_to_thread).
    pub threads: usize,
    /// Those of them that have nothing to do.
    pub idle_threads: usize,
    /// Jobs that no thread has begun yet.
    pub queued_jobs: usize,
    /// Jobs that threads have done.
    pub done_jobs: u64,
    /// Deferreds whose results have not been delivered.
    pub deferreds: usize,
    /// Bytes of memory that everything queued keeps alive, a chunk that many connections hold counted once.
    pub queued_bytes: usize,
    /// How long the last turn kept the loop busy: what an event that came meanwhile had to wait at the most. Of several reactors
    /// the longest.
    pub lag: Duration,
    /// The longest such time since the reactor was made.
    pub longest_lag: Duration,
}

/// How many connections ended for which [`CloseReason`].
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// [`CloseReason::Done`].
    pub done: u64,
    /// [`CloseReason::Lost`].
    pub lost: u64,
    /// [`CloseReason::Aborted`].
    pub aborted: u64,
    /// [`CloseReason::TimedOut`].
    pub timed_out: u64,
    /// [`CloseReason::Overflow`].
    pub overflow: u64,
    /// [`CloseReason::Panicked`].
    pub panicked: u64,
    /// [`CloseReason::Failed`].
    pub failed: u64,
}

impl Closed {
    fn by_reason(&mut self, reason: &CloseReason) -> &mut u64 {
        match reason {
            CloseReason::Done => &mut self.done,
            CloseReason::Lost(_) => &mut self.lost,
            CloseReason::Aborted => &mut self.aborted,
            CloseReason::TimedOut(_) => &mut self.timed_out,
            CloseReason::Overflow => &mut self.overflow,
            CloseReason::Panicked => &mut self.panicked,
            CloseReason::Failed(_) => &mut self.failed,
        }
    }

    fn zip(self, other: Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            done: combine(self.done, other.done),
            lost: combine(self.lost, other.lost),
            aborted: combine(self.aborted, other.aborted),
            timed_out: combine(self.timed_out, other.timed_out),
            overflow: combine(self.overflow, other.overflow),
            panicked: combine(self.panicked, other.panicked),
            failed: combine(self.failed, other.failed),
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.done + self.lost + self.aborted + self.timed_out + self.overflow + self.panicked + self.failed
    }
}

impl Add for Closed {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, |ours, theirs| ours + theirs)
    }
}

impl Sub for Closed {
    type Output = Self;

    /// What came since `earlier`.
    fn sub(self, earlier: Self) -> Self {
        self.zip(earlier, u64::saturating_sub)
    }
}

impl Add for Stats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            turns: self.turns + other.turns,
            events: self.events + other.events,
            connections: self.connections + other.connections,
            opened: self.opened + other.opened,
            closed: self.closed + other.closed,
            handshaking: self.handshaking + other.handshaking,
            handshakes: self.handshakes + other.handshakes,
            failed_handshakes: self.failed_handshakes + other.failed_handshakes,
            look_ups: self.look_ups + other.look_ups,
            bytes_received: self.bytes_received + other.bytes_received,
            bytes_sent: self.bytes_sent + other.bytes_sent,
            bytes_discarded: self.bytes_discarded + other.bytes_discarded,
            lingering: self.lingering + other.lingering,
            lingering_evicted: self.lingering_evicted + other.lingering_evicted,
            evicted: self.evicted + other.evicted,
            timers: self.timers + other.timers,
            calls: self.calls + other.calls,
            tasks: self.tasks + other.tasks,
            threads: self.threads + other.threads,
            idle_threads: self.idle_threads + other.idle_threads,
            queued_jobs: self.queued_jobs + other.queued_jobs,
            done_jobs: self.done_jobs + other.done_jobs,
            deferreds: self.deferreds + other.deferreds,
            queued_bytes: self.queued_bytes + other.queued_bytes,
            lag: self.lag.max(other.lag),
            longest_lag: self.longest_lag.max(other.longest_lag),
        }
    }
}

impl Sum for Stats {
    fn sum<I: Iterator<Item = Self>>(stats: I) -> Self {
        stats.fold(Self::default(), Add::add)
    }
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) turns: Cell<u64>,
    pub(crate) events: Cell<u64>,
    pub(crate) opened: Cell<u64>,
    pub(crate) closed: Cell<Closed>,
    pub(crate) handshaking: Cell<usize>,
    pub(crate) handshakes: Cell<u64>,
    pub(crate) failed_handshakes: Cell<u64>,
    pub(crate) look_ups: Cell<u64>,
    pub(crate) bytes_received: Cell<u64>,
    pub(crate) bytes_sent: Cell<u64>,
    pub(crate) bytes_discarded: Cell<u64>,
    pub(crate) lingering_evicted: Cell<u64>,
    pub(crate) evicted: Cell<u64>,
    /// In nanoseconds.
    pub(crate) lag: Cell<u64>,
    pub(crate) longest_lag: Cell<u64>,
}

/// Adds to a counter.
#[inline]
pub(crate) fn count(counter: &Cell<u64>, by: u64) {
    counter.set(counter.get().wrapping_add(by));
}

impl Counters {
    /// Connections that are open.
    pub(crate) fn connections(&self) -> u64 {
        self.opened.get() - self.closed.get().total()
    }

    pub(crate) fn count_closed(&self, reason: &CloseReason) {
        let mut closed = self.closed.get();
        *closed.by_reason(reason) += 1;
        self.closed.set(closed);
    }

    /// The connections that are open are gone, though nobody has heard of it.
    #[cfg(feature = "testing")]
    pub(crate) fn forget_connections(&self) {
        let mut closed = self.closed.get();
        closed.aborted += self.connections();
        self.closed.set(closed);
    }

    /// A turn begins; the last one kept the loop busy for so many nanoseconds. Returns them, or none if there was no last one.
    #[inline]
    pub(crate) fn count_turn(&self, busy: u64) -> u64 {
        let turns = self.turns.get();
        self.turns.set(turns + 1);
        // Before the first turn it was the program's start that took the time.
        if turns == 0 {
            return 0;
        }
        self.lag.set(busy);
        self.longest_lag.set(busy.max(self.longest_lag.get()));
        busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_add_up_and_the_longest_lag_stays_the_longest() {
        let one = Stats { turns: 1, bytes_sent: 10, threads: 4, lag: Duration::from_millis(3), ..Stats::default() };
        let two = Stats { turns: 2, bytes_sent: 20, threads: 1, lag: Duration::from_millis(1), ..Stats::default() };
        let sum: Stats = [one, two].into_iter().sum();
        assert_eq!((sum.turns, sum.bytes_sent, sum.threads, sum.lag), (3, 30, 5, Duration::from_millis(3)));
    }

    #[test]
    fn connections_are_those_opened_and_not_closed() {
        let counters = Counters::default();
        count(&counters.opened, 3);
        counters.count_closed(&CloseReason::Done);
        counters.count_closed(&CloseReason::Aborted);
        assert_eq!(counters.connections(), 1);
        assert_eq!(counters.closed.get(), Closed { done: 1, aborted: 1, ..Closed::default() });
    }
}
