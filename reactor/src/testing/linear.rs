//! Whether work grows no faster than its input.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use nix::time::ClockId;

use crate::protocol::{Protocol, Successor};
use crate::transport::Transport;
use crate::wrapper::Wrapper;

use super::memory_transport::MemoryTransport;

/// How much longer the longer input is.
const LONGER: usize = 16;

/// How much dearer it may be. Linear work makes it 16 times, quadratic work 256 times as dear; the rest is for caches and for an
/// allocation that grows.
const DEARER: u32 = 40;

/// The least of so many measurements is taken: other work on the machine can only add to it.
const MEASUREMENTS: usize = 5;

/// What looks dear after that is measured so often before it is taken to be: other work may have begun in between.
const AT_MOST: usize = 50;

/// What is too short to be compared.
const TOO_SHORT: Duration = Duration::from_micros(200);

/// The pieces in which a protocol gets its input, in bytes. Small ones make it dear to look at everything again for each; and if all
/// comes at once, it is dear to move what is left after each message.
const PIECES: [usize; 2] = [16, usize::MAX];

/// Checks that a protocol takes time linear in its input: for 16 times `size` bytes at most 40 times what it takes for `size`, where work
/// that grows with the square would take 256 times as long.
///
/// `input` makes an input of so many bytes, and should make the worst there is: a line that never ends, a header with very many
/// fields, or as many messages as fit. It comes in pieces of 16 bytes, and another time all at once (64 KiB in a piece). What is measured is the processor time of this thread in
/// [`data_received`](Protocol::data_received) alone, the least of five times or more, so that other work on the machine does not matter. A `size` of 4 KiB
/// suits most.
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
/// With both times if the protocol takes longer; if it ends the connection before the input is over, for then nothing was measured; and with
/// whatever it panics with.
#[track_caller]
pub fn check_linear<P: Protocol>(mut make: impl FnMut() -> P, size: usize, input: impl Fn(usize) -> Vec<u8>) {
    let inputs = [size, size * LONGER].map(input);
    for piece in PIECES {
        let ended = "the protocol ends the connection before the input is over: the rest costs nothing";
        compare(size, |part| time_of(make(), &inputs[part], piece).unwrap_or_else(|| panic!("{ended}")));
    }
}

/// Checks that work is linear in its size: that `work(16 * size)` takes at most 40 times what `work(size)` takes. As [`check_linear`], for what
/// is no protocol, or is to get its input in another way.
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
/// With both times if it takes longer.
#[track_caller]
pub fn check_linear_cost(size: usize, mut work: impl FnMut(usize)) {
    compare(size, |part| duration_of(|| work([size, size * LONGER][part])));
}

/// Compares what `time` measures for the shorter work, which is part 0, and the longer, which is part 1.
#[track_caller]
fn compare(size: usize, mut time: impl FnMut(usize) -> Duration) {
    let [mut shorter, mut longer] = [Duration::MAX; 2];
    for measurement in 1..=AT_MOST {
        // By turns, so that whatever else the machine does is the same for both.
        shorter = shorter.min(time(0));
        longer = longer.min(time(1));
        if measurement >= MEASUREMENTS && longer <= (shorter * DEARER).max(TOO_SHORT) {
            return;
        }
    }
    panic!("this takes more than linear time: {shorter:?} for {size}, but {longer:?} for {}", size * LONGER);
}

/// How much time of a processor this thread needs for `work`.
fn duration_of(work: impl FnOnce()) -> Duration {
    // Linux has had this clock since 2.6.12.
    let now = || ClockId::CLOCK_THREAD_CPUTIME_ID.now().map(Duration::from).unwrap_or_default();
    let begun = now();
    work();
    now().saturating_sub(begun)
}

/// How long a protocol takes over an input in pieces of `piece` bytes; nothing if it does not take all of it.
fn time_of(protocol: impl Protocol, input: &[u8], piece: usize) -> Option<Duration> {
    let spent = Rc::new(Cell::new(Duration::ZERO));
    // What asking for the time takes is no part of the work, and would hide much of it.
    let asking = (0..64).map(|_| duration_of(|| {})).min().unwrap_or_default();
    let mut wire = MemoryTransport::new(Timed { inner: protocol, asking, spent: spent.clone() });
    for piece in input.chunks(piece) {
        if !wire.is_open() {
            return None;
        }
        wire.feed(piece);
        // What was written is no matter here, and would fill the memory.
        drop(wire.take_written());
    }
    Some(spent.get())
}

/// Adds up how long a protocol takes over what it receives.
struct Timed<P> {
    inner: P,
    asking: Duration,
    spent: Rc<Cell<Duration>>,
}

impl<P: Protocol> Wrapper for Timed<P> {
    type Inner = P;

    fn inner(&mut self) -> &mut P {
        &mut self.inner
    }

    fn rewrap(self, successor: Successor) -> Successor {
        let inner = Box::new(self.inner).replace(successor).into_protocol();
        Successor::new(Timed { inner, asking: self.asking, spent: self.spent })
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        let duration = duration_of(|| self.inner.data_received(transport, data));
        self.spent.set(self.spent.get() + duration.saturating_sub(self.asking));
    }
}
