//! The share of a turn that a protocol may take when it finds many messages in one piece of input.

use std::time::{Duration, Instant};

use super::flags::Flags;
use super::transport::Transport;

/// The budget of one visit of the loop to a connection, for protocols that find several messages in one piece of input. A peer that sends
/// thousands of requests in one packet would otherwise have all of them answered while every other connection waits.
///
/// While more input is at hand, the protocol calls [`start`](Self::start) before each message, and [`spend`](Self::spend) after it. Once the
/// budget is used up, reading [yields](Transport::yield_reading): the protocol keeps the rest of its input, and goes on with it in
/// [`read_resumed`](crate::Protocol::read_resumed) in the next turn.
///
/// The budget is a number of messages, and 15 µs by the reactor's clock from the beginning of the first message. So a visit takes 15 µs
/// and one message at most. A connection with one message costs no look at the clock.
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
    /// When the first message began.
    began: Option<Instant>,
}

/// How long a visit may take until its last message begins: a few times as long as a quiet connection on the same machine
/// waits for its reply, which is 6 µs where neither side sleeps.
const TIME: Duration = Duration::from_micros(15);

impl VisitBudget {
    /// A budget of at most `messages` (at least one).
    pub const fn new(messages: u32) -> Self {
        Self { most: messages, spent: 0, began: None }
    }

    /// A message begins, and more input is at hand. The first call starts the time; without one, the time starts with the first
    /// [`spend`](Self::spend).
    pub fn start(&mut self, transport: &Transport) {
        self.began.get_or_insert_with(|| transport.reactor().now());
    }

    /// A message is done, and more input is at hand. Returns whether the next message may be handled in this visit. If not, reading of
    /// `transport` [yields](Transport::yield_reading).
    pub fn spend(&mut self, transport: &Transport) -> bool {
        let is_left = self.take_one(|| transport.reactor().now());
        if !is_left {
            transport.yield_reading();
        }
        is_left
    }

    /// Counts a message. Returns whether something is left of the budget.
    fn take_one(&mut self, now: impl FnOnce() -> Instant) -> bool {
        self.spent = self.spent.saturating_add(1);
        self.spent < self.most && !self.is_late(now())
    }

    fn is_late(&mut self, now: Instant) -> bool {
        now.saturating_duration_since(*self.began.get_or_insert(now)) >= TIME
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
    use super::*;

    /// Messages of one visit if each takes `time`.
    fn messages(most: u32, time: Duration) -> u32 {
        let start = Instant::now();
        let mut budget = VisitBudget { began: Some(start), ..VisitBudget::new(most) };
        let mut done = 1;
        while budget.take_one(|| start + time * done) {
            done += 1;
        }
        done
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
}
