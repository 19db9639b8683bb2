//! Whether a protocol cares how its input is cut.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::protocol::Protocol;

use super::difference::{Lines, debug_lines, report};
use super::memory_transport::MemoryTransport;
use super::notes::Notes;
use super::splits::find_difference;

/// What passes after the input, for replies that take a moment.
const MOMENT: Duration = Duration::from_secs(1);

/// Checks that a protocol does the same however its input is cut into pieces, for the network cuts it anywhere.
///
/// Each time a new protocol, made by `make`, gets `input` over a [`MemoryTransport`], a second passes, and the input ends. What the
/// protocol has written by then, and how the connection stands, must be the same as if all of `input` had come at once: for every
/// cut in two, byte by byte, and for pieces of random lengths (the same each time). An input of up to 12 bytes is cut in every way
/// there is; one of more than 4096 is cut in two at 4096 places.
///
/// The macro [`check_chunking!`](crate::check_chunking) saves the closure. For what is no protocol, such as a decoder, there is
/// [`check_splits`]; to compare more than what is written, [`check_chunking_noting`].
///
/// ```
/// use lariat::testing::check_chunking;
/// use lariat::{Protocol, Transport};
///
/// struct Echo;
///
/// impl Protocol for Echo {
///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
///         transport.write(data);
///     }
/// }
///
/// check_chunking(|| Echo, "any bytes");
/// ```
///
/// # Panics
///
/// With the smallest way to cut the input that makes a difference, and both outputs; with the
/// message of the protocol's panic when it gets the input whole; and if the input has fewer than
/// two bytes.
#[track_caller]
pub fn check_chunking<P: Protocol>(mut make: impl FnMut() -> P, input: impl AsRef<[u8]>) {
    check_chunking_noting(|_| make(), input);
}

/// The same as [`check_chunking`], of a protocol that also notes what it hears: its notes must be the same too.
///
/// ```
/// use lariat::testing::{Notes, check_chunking_noting};
/// use lariat::{Protocol, Transport};
///
/// /// Counts the capital letters.
/// struct Capitals(Notes);
///
/// impl Protocol for Capitals {
///     fn data_received(&mut self, _: &Transport, data: &[u8]) {
///         for letter in data.iter().filter(|letter| letter.is_ascii_uppercase()) {
///             self.0.note(letter.escape_ascii().to_string());
///         }
///     }
/// }
///
/// check_chunking_noting(|notes| Capitals(notes.clone()), "So Say We All");
/// ```
///
/// # Panics
///
/// As [`check_chunking`].
#[track_caller]
pub fn check_chunking_noting<P: Protocol>(mut make: impl FnMut(&Notes) -> P, input: impl AsRef<[u8]>) {
    let input = input.as_ref();
    // A panic at the whole input has nothing to do with how it is cut.
    if let Some(message) = Outcome::of(&mut make, &[input]).panicked {
        panic!("{message}");
    }
    check(input, |pieces| Outcome::of(&mut make, pieces), Outcome::lines);
}

/// Checks that `run` gives the same result however the input is cut into pieces: for decoders, and whatever else is no protocol.
///
/// ```
/// use lariat::testing::check_splits;
///
/// check_splits("some text", |pieces| {
///     let mut decoder = String::new();
///     for piece in pieces {
///         decoder.push_str(&String::from_utf8_lossy(piece));
///     }
///     decoder
/// });
/// ```
///
/// # Panics
///
/// As [`check_chunking`].
#[track_caller]
pub fn check_splits<T: PartialEq + Debug>(input: impl AsRef<[u8]>, run: impl FnMut(&[&[u8]]) -> T) {
    check(input.as_ref(), run, |result| debug_lines(result));
}

#[track_caller]
fn check<T: PartialEq>(input: &[u8], run: impl FnMut(&[&[u8]]) -> T, lines: impl Fn(&T) -> Lines) {
    assert!(input.len() >= 2, "an input of {} bytes cannot be cut", input.len());
    if let Some(difference) = find_difference(input, run) {
        let pieces = difference.cuts.pieces(input);
        panic!("{}", report(&pieces, &lines(&difference.whole), &lines(&difference.cut)));
    }
}

/// What has come of a protocol and an input.
#[derive(PartialEq, Eq)]
struct Outcome {
    /// After the input, and after its end.
    stages: Vec<Stage>,
    notes: Vec<String>,
    panicked: Option<String>,
}

#[derive(PartialEq, Eq)]
struct Stage {
    written: Vec<u8>,
    connection: String,
}

impl Outcome {
    fn of<P: Protocol>(make: &mut impl FnMut(&Notes) -> P, pieces: &[&[u8]]) -> Self {
        let (notes, mut stages) = (Notes::new(), Vec::new());
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut wire = MemoryTransport::new(make(&notes));
            for piece in pieces {
                wire.feed(piece);
            }
            wire.advance(MOMENT);
            stages.push(Stage::of(&mut wire));
            wire.end_of_input();
            stages.push(Stage::of(&mut wire));
        }));
        let panicked = result.err().map(|thrown| {
            let message = thrown.downcast_ref::<&str>().map(ToString::to_string);
            message.or_else(|| thrown.downcast_ref().cloned()).unwrap_or_default()
        });
        Self { stages, notes: notes.take(), panicked }
    }

    fn lines(&self) -> Lines {
        let mut lines = Lines::new();
        for (stage, when) in self.stages.iter().zip(["", " at the end"]) {
            lines.push((format!("written{when}"), format!("\"{}\"", stage.written.escape_ascii())));
            lines.push((format!("connection{when}"), stage.connection.clone()));
        }
        lines.extend(self.panicked.iter().map(|message| ("panicked".to_owned(), message.escape_debug().to_string())));
        lines.extend(self.notes.iter().map(|note| ("noted".to_owned(), note.escape_debug().to_string())));
        lines
    }
}

impl Stage {
    fn of<P: Protocol>(wire: &mut MemoryTransport<P>) -> Self {
        let connection = match wire.close_reason() {
            Some(reason) if wire.was_reset() => format!("reset: {reason}"),
            Some(reason) => format!("ended: {reason}"),
            None if !wire.is_open() => "closing".to_owned(),
            None if wire.is_write_closed() => "half-closed".to_owned(),
            None => "open".to_owned(),
        };
        Self { written: wire.take_written(), connection }
    }
}

/// Checks that a protocol does the same however its input is cut: [`testing::check_chunking`](crate::testing::check_chunking) without
/// the closure, for one input or for several.
///
/// The expression is evaluated for each run. With `|notes|` before it, it may use the [`Notes`](crate::testing::Notes) that it
/// then writes, and these must be the same too.
///
/// ```
/// use lariat::testing::Notes;
/// use lariat::{Protocol, Transport, check_chunking};
///
/// #[derive(Default)]
/// struct Count(usize);
///
/// impl Protocol for Count {
///     fn data_received(&mut self, _: &Transport, data: &[u8]) {
///         self.0 += data.len();
///     }
///
///     fn read_closed(&mut self, transport: &Transport) {
///         write!(transport, "{}", self.0);
///         transport.close();
///     }
/// }
///
/// check_chunking!(Count::default(), "two", "inputs");
/// ```
///
/// One that depends on it is found, and shown:
///
/// ```should_panic
/// # use lariat::{Protocol, Transport, check_chunking};
/// struct Lines;
///
/// impl Protocol for Lines {
///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
///         // Two bytes that may well come one by one.
///         if data.ends_with(b"\r\n") {
///             transport.write(b"a line\n");
///         }
///     }
/// }
///
/// check_chunking!(Lines, "x\r\n");
/// ```
///
/// ```text
/// what comes out depends on how the input was cut
///
///   input: "x\r" | "\n"
///
///                             whole           cut
///   written                   "a line\n"   ≠  ""
///   connection                open         =  open
///   written at the end        ""           =  ""
///   connection at the end     ended: …     =  ended: …
/// ```
#[macro_export]
macro_rules! check_chunking {
    (|$notes:ident| $protocol:expr, $($input:expr),+ $(,)?) => {{
        $($crate::testing::check_chunking_noting(|$notes: &$crate::testing::Notes| $protocol, $input);)+
    }};
    (|| $protocol:expr, $($input:expr),+ $(,)?) => {{
        $($crate::testing::check_chunking(|| $protocol, $input);)+
    }};
    ($protocol:expr, $($input:expr),+ $(,)?) => {{
        $($crate::testing::check_chunking(|| $protocol, $input);)+
    }};
}
