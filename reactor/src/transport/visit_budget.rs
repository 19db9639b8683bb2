//! The share of a turn that a protocol may take when it finds many messages in one piece of input.

use crate::clock::Time;

use super::flags::Flags;
use super::transport::Transport;

/// The budget of one visit of the loop to a connection, for protocols that find several messages in one piece of input. Without a budget,
/// a peer that sends thousands of requests in one packet would have all of them answered while the other connections wait.
///
/// While more input is at hand, the protocol calls [`start`](Self::start) before each message, and [`spend`](Self::spend) after it. Once the
/// budget is used up, reading [yields](Transport::yield_reading): the protocol keeps the rest of its input, and continues with it in
/// [`read_resumed`](crate::Protocol::read_resumed) in the next turn.
///
/// The budget is a number of messages, and 15 µs by the reactor's clock from the beginning of the first message. The clock is read after the
/// first message. As long as messages are short, one reading then serves for up to four of them. So a visit of equally long messages takes
/// 15 µs and one message at most, and a visit that becomes slow ends within four messages. A connection with one message costs no
/// reading of the clock.
///
/// ```
/// use lariat::{Protocol, Transport, VisitBudget};
///
/// /// Counts lines; a line may cost much.
/// #[derive(Default)]
/// struct Lines {
///     held: Vec<u8>,
///     count: usize,
/// }
///
/// impl Lines {
///     fn go_on(&mut self, transport: &Transport) {
///         let mut budget = VisitBudget::new(100);
///         while transport.is_reading()
///             && let Some(end) = self.held.iter().position(|byte| *byte == b'\n')
///         {
///             self.held.drain(..=end);
///             budget.start(transport);
///             self.count += 1;
///             budget.spend(transport);
///         }
///     }
/// }
///
/// impl Protocol for Lines {
///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
///         self.held.extend_from_slice(data);
///         self.go_on(transport);
///     }
///
///     fn read_resumed(&mut self, transport: &Transport) {
///         self.go_on(transport);
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct VisitBudget {
    most: u32,
    spent: u32,
    /// The number of messages after which the clock is read next.
    next_reading: u32,
    /// The beginning of the first message.
    began: Option<Time>,
}

/// The time that a visit may take until its last message begins, in nanoseconds: a few times as long as a quiet connection on the same
/// machine waits for its reply, which is 6 µs where neither side sleeps.
const TIME: u64 = 15_000;

/// The number of messages between two readings of the clock, at most. A reading costs 30 ns, a tenth of a short message.
const MESSAGES_A_READING: u64 = 4;

impl VisitBudget {
    /// A budget of at most `messages` (at least one).
    pub const fn new(messages: u32) -> Self {
        Self { most: messages, spent: 0, next_reading: 1, began: None }
    }

    /// A message begins, and more input is at hand. The first call starts the time; without one, the time starts with the first
    /// [`spend`](Self::spend).
    #[inline]
    pub fn start(&mut self, transport: &Transport) {
        if self.began.is_none() {
            self.began = Some(transport.reactor().core().network.now());
        }
    }

    /// A message is done, and more input is at hand. Returns whether the next message may be handled in this visit. If not, reading of
    /// `transport` [yields](Transport::yield_reading).
    #[inline]
    pub fn spend(&mut self, transport: &Transport) -> bool {
        let is_left = self.take_one(|| transport.reactor().core().network.now());
        if !is_left {
            transport.yield_reading();
        }
        is_left
    }

    /// Counts a message. Returns whether something is left of the budget.
    #[inline]
    fn take_one(&mut self, now: impl FnOnce() -> Time) -> bool {
        self.spent = self.spent.saturating_add(1);
        self.spent < self.most && (self.spent < self.next_reading || self.has_time_left(now()))
    }

    /// Returns whether time is left, and decides when the clock is read next: after half of the messages for which the rest of the time
    /// is enough, if they are as long as those so far.
    fn has_time_left(&mut self, now: Time) -> bool {
        let passed = now.nanos_since(*self.began.get_or_insert(now));
        let left = TIME.saturating_sub(passed);
        let more = left * u64::from(self.spent) / (2 * passed.max(1));
        // At most four, so it fits.
        self.next_reading = self.spent.saturating_add(more.clamp(1, MESSAGES_A_READING) as u32);
        left > 0
    }
}

impl Transport {
    /// Delivers no more input in this turn, so that the other connections are served. In the next turn the protocol gets
    /// [`read_resumed`](crate::Protocol::read_resumed), and then what else has arrived, unless reading is paused by then. Until then
    /// [`is_reading`](Self::is_reading) is false.
    ///
    /// For a protocol that keeps input which it could go on with: see [`VisitBudget`].
    pub fn yield_reading(&self) {
        self.shared.flags.set(Flags::YIELDED);
        self.shared.serve_again();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Carries out messages that take the times given, in nanoseconds. Returns how many the visit has, and the readings of the clock.
    fn visit(most: u32, times: impl IntoIterator<Item = u64>) -> (u32, u32) {
        let start = Time::from_tick(5);
        let mut budget = VisitBudget { began: Some(start), ..VisitBudget::new(most) };
        let (mut passed, mut done, mut readings) = (0, 0, 0);
        for time in times {
            passed += time;
            done += 1;
            let is_left = budget.take_one(|| {
                readings += 1;
                start.after(Duration::from_nanos(passed))
            });
            if !is_left {
                break;
            }
        }
        (done, readings)
    }

    /// Carries out messages that take `time` each. Returns how many the visit has.
    fn messages(most: u32, time: Duration) -> u32 {
        visit(most, std::iter::repeat(u64::try_from(time.as_nanos()).unwrap())).0
    }

    #[test]
    fn a_visit_ends_after_so_many_messages() {
        assert_eq!(messages(32, Duration::ZERO), 32);
        assert_eq!(messages(1, Duration::ZERO), 1);
        assert_eq!(messages(0, Duration::ZERO), 1);
    }

    #[test]
    fn a_visit_of_slow_messages_ends_early() {
        assert_eq!(messages(1000, Duration::from_millis(13)), 1);
        assert_eq!(messages(1000, Duration::from_micros(7)), 3);
        assert_eq!(messages(1000, Duration::from_micros(1)), 15);
    }

    #[test]
    fn short_messages_share_readings_of_the_clock() {
        assert_eq!(visit(32, std::iter::repeat_n(400, 16)), (16, 4));
    }

    #[test]
    fn messages_that_become_slow_end_the_visit_within_four() {
        for short in 1..=16 {
            let times = std::iter::repeat_n(400, short).chain(std::iter::repeat_n(200_000, 16));
            let (done, _) = visit(32, times);
            assert!((1..=4).contains(&(done as usize - short)), "{done} after {short} short ones");
        }
    }
}
