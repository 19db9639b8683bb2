//! The check that work grows no faster than its input.

use std::cell::Cell;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use nix::time::ClockId;

use crate::protocol::{Protocol, Successor};
use crate::transport::{Flags, Transport};
use crate::wrapper::Wrapper;

use super::memory_transport::MemoryTransport;

/// Doublings over which the growth is judged: the longest input of a window is 16 times its
/// shortest.
const WINDOW: usize = 4;

/// Doublings of the first series: inputs of up to 512 times the given size. A quadratic part that
/// is 1/200 of the cost at the given size is then 2.5 times the linear part.
const DOUBLINGS: usize = 9;

/// Doublings at most, for work that is too short to be measured and for a second look at larger
/// inputs.
const MOST_DOUBLINGS: usize = 13;

/// The longest input in bytes.
const LONGEST: usize = 64 * 1024 * 1024;

/// The first series stops growing at inputs that take so long, making them included, so that a
/// check costs a fraction of a second.
const LONG: Duration = Duration::from_millis(16);

/// A second look stops growing at inputs that take so long.
const VERY_LONG: Duration = Duration::from_millis(250);

/// Shorter work is measured too coarsely: the kernel's accounting and an interrupt take
/// microseconds.
const SHORT: Duration = Duration::from_millis(2);

/// Seconds for each byte or unit of work below which a cost is not looked at: copying into fresh
/// pages takes as long, and up to ten times less within a cache.
const FLOOR: f64 = 2e-9;

/// Measurements of each size before the growth is judged. The least of them counts: other work on
/// the machine only adds to it.
const ROUNDS: usize = 3;

/// Measurements of each size before larger inputs are tried.
const MOST_ROUNDS: usize = 8;

/// Measurements of each size if no larger input can be tried.
const LAST_ROUNDS: usize = 12;

/// The exponent of growth that is accepted without a second look. Sorting has 1.08; a step from one
/// cache to the next lifts linear work to about 1.35.
const LINEAR: f64 = 1.25;

/// The exponent that is refused if it is still there with the largest inputs. In between are
/// caches, whose effect ends when the inputs grow on, whereas a quadratic part comes closer to 2.
const QUADRATIC: f64 = 1.5;

/// The exponent that is refused after one more doubling, if the last two doublings show it too: a
/// cache's step is past then.
const CLEARLY_QUADRATIC: f64 = 1.75;

/// The size in bytes of the small pieces in which a protocol gets its input. They show work that
/// begins again with each piece, whereas input in one piece shows work that moves the rest after
/// each message.
const PIECE: usize = 16;

/// The bytes that are fed at a time if the small pieces are cut from them afterwards, which costs
/// less than to feed each.
const FED: usize = 4096;

/// Checks that a protocol takes time linear in its input.
///
/// `input` makes an input of the given number of bytes, and should make the worst there is: a line
/// without an end, a header with very many fields, or as many messages as fit. The protocol gets it
/// in pieces of 16 bytes, and another time in one piece. A `size` of 4 KiB suits most.
///
/// The processor time of this thread in [`data_received`](Protocol::data_received) is measured for
/// inputs of `size`, twice `size`, and so on up to 512 times `size` (less if an input takes longer
/// than 16 ms, or if the protocol ends the connection at a limit; at least 16 times). The growth
/// over the last 16-fold is the median of the slopes between all pairs of sizes, each size being
/// the least of several measurements taken in turn: 1 is linear, 2 quadratic. A growth above 1.25
/// is measured again with larger inputs, where the effect of caches ends and a quadratic part
/// becomes plain; above 1.5 it fails there. A quadratic part of 1/200 of the cost at `size` is
/// found. A cost of less than 2 ns for each byte counts as 2 ns, which is the cost of copying.
///
/// ```
/// use lariat::testing::check_linear;
/// use lariat::{Protocol, Transport};
///
/// #[derive(Default)]
/// struct Collect(Vec<u8>);
///
/// impl Protocol for Collect {
///     fn data_received(&mut self, _: &Transport, data: &[u8]) {
///         self.0.extend_from_slice(data);
///     }
/// }
///
/// check_linear(Collect::default, 4 * 1024, |size| vec![b'x'; size]);
/// ```
///
/// # Panics
///
/// With the times of all sizes if the protocol takes longer; if it ends the connection before it
/// has 16 times `size` bytes, for then nothing was measured; and with the message of the protocol's
/// own panic.
#[track_caller]
pub fn check_linear<P: Protocol>(mut make: impl FnMut() -> P, size: usize, input: impl Fn(usize) -> Vec<u8>) {
    for delivery in [Delivery::Cut, Delivery::Whole] {
        let ended = "the protocol ends the connection before the input is over: the rest costs nothing";
        match growth(size, |size| time_of(&mut make, &input(size), delivery)) {
            Growth::Linear => {}
            Growth::Faster(report) => panic!("{report}"),
            Growth::TooFewSizes => panic!("{ended}"),
        }
    }
}

/// Checks that work is linear in its size, as [`check_linear`] does: for what is no protocol, or is
/// to get its input in another way.
///
/// `work` is called with up to 512 times `size`, or more if that takes less than two milliseconds.
///
/// ```
/// use lariat::testing::check_linear_cost;
///
/// check_linear_cost(100_000, |size| {
///     let total: usize = std::hint::black_box(0..size).sum();
///     std::hint::black_box(total);
/// });
/// ```
///
/// # Panics
///
/// With the times of all sizes if it takes longer.
#[track_caller]
pub fn check_linear_cost(size: usize, mut work: impl FnMut(usize)) {
    if let Growth::Faster(report) = growth(size, |size| Some(duration_of(|| work(size)))) {
        panic!("{report}");
    }
}

/// The growth of a cost.
#[derive(Debug, PartialEq, Eq)]
enum Growth {
    Linear,
    /// Faster than that, with the report.
    Faster(String),
    /// The largest input that was taken whole is less than 16 times the given one.
    TooFewSizes,
}

/// Measures how `cost` grows, which gives nothing for an input that was not taken whole.
fn growth(size: usize, mut cost: impl FnMut(usize) -> Option<Duration>) -> Growth {
    let mut series = Series { size, least: Vec::new(), last: Duration::ZERO };
    while series.wants_more() {
        if !series.grow(&mut cost) {
            match series.least.len() {
                0..=WINDOW => return Growth::TooFewSizes,
                _ => break,
            }
        }
    }
    let mut doublings = 0;
    loop {
        let most = if doublings == 0 { MOST_ROUNDS } else { ROUNDS };
        if !series.grows_faster(LINEAR, most, &mut cost) {
            return Growth::Linear;
        }
        if doublings > 0 && series.is_clearly_quadratic() {
            return Growth::Faster(series.report());
        }
        if !series.can_grow() || !series.grow(&mut cost) {
            break;
        }
        doublings += 1;
    }
    match series.grows_faster(QUADRATIC, LAST_ROUNDS, &mut cost) {
        true => Growth::Faster(series.report()),
        false => Growth::Linear,
    }
}

/// The least times that were measured for a size, twice the size, and so on.
struct Series {
    size: usize,
    least: Vec<Duration>,
    /// The processor time that the last size has taken in all, the making of its input included.
    last: Duration,
}

impl Series {
    /// Measures the next size. Returns whether the input was taken whole.
    fn grow(&mut self, cost: &mut impl FnMut(usize) -> Option<Duration>) -> bool {
        let size = self.size_of(self.least.len());
        let mut time = None;
        self.last = duration_of(|| time = cost(size));
        self.last = self.last.max(time.unwrap_or_default());
        self.least.extend(time);
        time.is_some()
    }

    fn size_of(&self, doublings: usize) -> usize {
        self.size << doublings
    }

    /// Returns whether the first series goes on.
    fn wants_more(&self) -> bool {
        match self.least.len() {
            count if count <= WINDOW => true,
            count if count > MOST_DOUBLINGS || self.size_of(count) > LONGEST => false,
            count => self.last < LONG && (count <= DOUBLINGS || self.least.last().is_some_and(|time| *time < SHORT)),
        }
    }

    /// Returns whether a larger input may be tried for a second look.
    fn can_grow(&self) -> bool {
        let count = self.least.len();
        count <= MOST_DOUBLINGS && self.size_of(count) <= LONGEST && self.last < VERY_LONG
    }

    /// Measures the sizes of the window again, in turn so that the machine does the same meanwhile
    /// for each, until the growth is no faster than `exponent`, at most `most` rounds. Returns
    /// whether it is faster.
    fn grows_faster(&mut self, exponent: f64, most: usize, cost: &mut impl FnMut(usize) -> Option<Duration>) -> bool {
        for round in 1..=most {
            for place in self.window() {
                let size = self.size_of(place);
                if let (Some(time), Some(least)) = (cost(size), self.least.get_mut(place)) {
                    *least = time.min(*least);
                }
            }
            if round >= ROUNDS && self.exponent() <= exponent {
                return false;
            }
        }
        true
    }

    fn window(&self) -> std::ops::Range<usize> {
        self.least.len().saturating_sub(WINDOW + 1)..self.least.len()
    }

    /// The exponent of growth in the window: the median of the slopes between all pairs of sizes
    /// (the estimator of Theil and Sen), which a single wrong measurement does not move.
    fn exponent(&self) -> f64 {
        let logs: Vec<f64> = self.window().map(|place| self.seconds(place).log2()).collect();
        let mut slopes = Vec::new();
        let mut distance = 1.0;
        for apart in 1..logs.len() {
            slopes.extend(logs.iter().zip(&logs[apart..]).map(|(short, long)| (long - short) / distance));
            distance += 1.0;
        }
        slopes.sort_by(f64::total_cmp);
        slopes.get(slopes.len() / 2).copied().unwrap_or_default()
    }

    /// The least time of a size, or what is not looked at.
    fn seconds(&self, place: usize) -> f64 {
        let least = self.least.get(place).copied().unwrap_or_default();
        let units = u32::try_from(self.size_of(place)).unwrap_or(u32::MAX);
        least.as_secs_f64().max(FLOOR * f64::from(units.max(50)))
    }

    fn is_clearly_quadratic(&self) -> bool {
        let last = self.least.len() - 1;
        let slope = |place: usize| (self.seconds(place) / self.seconds(place - 1)).log2();
        self.exponent() >= CLEARLY_QUADRATIC && slope(last) >= QUADRATIC && slope(last - 1) >= QUADRATIC
    }

    fn report(&self) -> String {
        let mut text = format!(
            "this takes more than linear time: it grows with the power {:.2} of the size, of which 1 is linear and 2 quadratic",
            self.exponent()
        );
        for (doublings, time) in self.least.iter().enumerate() {
            let _ = write!(text, "\n{time:>12.1?} for {}", self.size_of(doublings));
        }
        text
    }
}

/// The processor time that this thread takes for `work`.
fn duration_of(work: impl FnOnce()) -> Duration {
    // Linux has had this clock since 2.6.12.
    let now = || ClockId::CLOCK_THREAD_CPUTIME_ID.now().map(Duration::from).unwrap_or_default();
    let begun = now();
    work();
    now().saturating_sub(begun)
}

/// The time that a protocol takes over an input; nothing if it does not take all of it.
fn time_of<P: Protocol>(make: &mut impl FnMut() -> P, input: &[u8], delivery: Delivery) -> Option<Duration> {
    let run = Run::new(delivery, input.len());
    let time = run.time_of(make(), input)?;
    if !run.was_paused.get() {
        return Some(time);
    }
    // A protocol that pauses reading may get nothing more until it resumes.
    Run::new(Delivery::AsFed, input.len()).time_of(make(), input)
}

/// The way in which a protocol gets its input.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Delivery {
    /// In small pieces that are cut from larger ones.
    Cut,
    /// In small pieces that are fed one by one.
    AsFed,
    /// In one piece. The transport delivers at most 64 KiB at a time, within which a quadratic is
    /// hard to see.
    Whole,
}

/// One input that is measured.
#[derive(Clone)]
struct Run {
    delivery: Delivery,
    /// The length of the input.
    length: usize,
    spent: Rc<Cell<Duration>>,
    /// Set if the protocol paused reading before it had all pieces of what was received.
    was_paused: Rc<Cell<bool>>,
    /// Set if the protocol ended the connection before that.
    has_ended: Rc<Cell<bool>>,
}

impl Run {
    fn new(delivery: Delivery, length: usize) -> Self {
        Self { delivery, length, spent: Rc::default(), was_paused: Rc::default(), has_ended: Rc::default() }
    }

    fn time_of(&self, protocol: impl Protocol, input: &[u8]) -> Option<Duration> {
        // Reading the clock is no part of the work, and would hide much of it.
        let asking = (0..64).map(|_| duration_of(|| {})).min().unwrap_or_default();
        let timed = Timed { inner: protocol, asking, run: self.clone(), gathered: Vec::new() };
        let mut wire = MemoryTransport::new(timed);
        let fed = match self.delivery {
            Delivery::Cut => FED,
            Delivery::AsFed => PIECE,
            Delivery::Whole => usize::MAX,
        };
        for part in input.chunks(fed) {
            if !wire.is_open() || self.has_ended.get() {
                return None;
            }
            wire.feed(part);
            // The output does not matter here, and would fill the memory.
            drop(wire.take_written());
        }
        (!self.has_ended.get()).then(|| self.spent.get())
    }
}

/// Adds up the time that a protocol takes over what it receives.
struct Timed<P> {
    inner: P,
    asking: Duration,
    run: Run,
    /// The part that has arrived of an input that is delivered whole.
    gathered: Vec<u8>,
}

impl<P: Protocol> Timed<P> {
    fn measure(&mut self, transport: &Transport, data: &[u8], piece: usize) {
        let Self { inner, asking, run, .. } = self;
        let duration = duration_of(|| {
            let mut pieces = data.chunks(piece).peekable();
            while let Some(piece) = pieces.next() {
                inner.data_received(transport, piece);
                if pieces.peek().is_some() {
                    if !transport.is_open() {
                        run.has_ended.set(true);
                        return;
                    }
                    if transport.shared.flags.has(Flags::PAUSED_BY_USER) {
                        run.was_paused.set(true);
                    }
                }
            }
        });
        run.spent.set(run.spent.get() + duration.saturating_sub(*asking));
    }
}

impl<P: Protocol> Wrapper for Timed<P> {
    type Inner = P;

    fn inner(&mut self) -> &mut P {
        &mut self.inner
    }

    fn rewrap(self, successor: Successor) -> Successor {
        let inner = Box::new(self.inner).replace(successor).into_protocol();
        Successor::new(Timed { inner, asking: self.asking, run: self.run, gathered: self.gathered })
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        match self.run.delivery {
            Delivery::Cut => self.measure(transport, data, PIECE),
            Delivery::AsFed => self.measure(transport, data, usize::MAX),
            Delivery::Whole => {
                self.gathered.extend_from_slice(data);
                if self.gathered.len() >= self.run.length {
                    let all = std::mem::take(&mut self.gathered);
                    self.measure(transport, &all, usize::MAX);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict about work that takes exactly as long as `nanoseconds` says.
    fn verdict(size: usize, mut nanoseconds: impl FnMut(f64) -> f64) -> Growth {
        growth(size, |size| Some(Duration::from_secs_f64(nanoseconds(u32::try_from(size).unwrap().into()) / 1e9)))
    }

    #[test]
    fn linear_work_and_sorting_pass() {
        assert_eq!(verdict(4096, |size| size), Growth::Linear);
        assert_eq!(verdict(4096, |size| size * size.log2()), Growth::Linear);
        assert_eq!(verdict(1, |size| 1e8 * size), Growth::Linear);
    }

    #[test]
    fn a_step_between_caches_passes() {
        for limit in 8..28 {
            // Ten times the cost for each byte past the cache's size.
            let cache = f64::from(1 << limit);
            let cost = |size: f64| size.min(cache) + 10.0 * (size - cache).max(0.0);
            assert_eq!(verdict(4096, cost), Growth::Linear, "a cache of {cache} bytes");
        }
    }

    #[test]
    fn a_step_between_caches_passes_while_other_work_is_done() {
        // Other programs make it take up to three times as long, and disturb long runs more often
        // than short ones.
        let random = crate::random::Random::new(7);
        for limit in 8..28 {
            let cache = f64::from(1 << limit);
            let cost = |size: f64| {
                let quiet = size.min(cache) + 4.0 * (size - cache).max(0.0);
                let disturbed = random.below(100) < if quiet > 1e6 { 90 } else { 30 };
                if disturbed {
                    quiet * (1.0 + 0.02 * f64::from(u32::try_from(random.below(100)).unwrap()))
                } else {
                    quiet
                }
            };
            assert_eq!(verdict(4096, cost), Growth::Linear, "a cache of {cache} bytes");
        }
    }

    #[test]
    fn a_quadratic_part_is_found() {
        for share in [1.0, 1.0 / 10.0, 1.0 / 50.0, 1.0 / 200.0] {
            let cost = |size: f64| 10.0 * size * (1.0 + share * size / 1024.0);
            assert!(matches!(verdict(1024, cost), Growth::Faster(_)), "a share of {share}");
        }
    }

    #[test]
    fn an_input_that_is_not_taken_sixteenfold_is_not_judged() {
        let limited = |limit| move |size| (size <= limit).then(|| Duration::from_micros(u64::try_from(size).unwrap()));
        assert_eq!(growth(1024, limited(8 * 1024)), Growth::TooFewSizes);
        assert_eq!(growth(1024, limited(16 * 1024)), Growth::Linear);
    }
}
