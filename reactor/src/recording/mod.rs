//! What a loop saw of the world, in a file: written while it happens, and read to have it happen again.
//!
//! A loop is deterministic but for what comes in through the seam of [`driver`](crate::driver): readiness, bytes, what the system
//! answers, the time, and when threads call. So a recording is the list of all calls that the loop makes there, in their order, each with
//! its answer. A replay answers the same calls from the list. A call that is not the next one of the list is where the two part.
//!
//! ```text
//!   Recorder, Tape      around another driver: what it says goes through, and into the file
//!   Replayer, Script    in a driver's place: what was said then is said again
//! ```
//!
//! # The file
//!
//! ```text
//! file      = magic, version, flags, entry*, (End | Full)
//! entry     = operation (1 byte), what it is done to (but where that is the loop), what was asked, answer
//! answer    = 0, value | 1, number of the system's error | 2, kind of error, message
//! integer   = LEB128, least significant group first
//! bytes     = length, as an integer, and so many bytes
//! ```
//!
//! Sockets have numbers, from 1 on in the order in which they were made; so have descriptors that a program registers itself. Of what
//! was written there is no more than a digest and the beginning, for a replay writes it again. Where only sizes are recorded, neither is
//! there, nor are bytes that were received.

mod digest;
mod format;
mod recorded;
mod recorder;
mod studio;
mod tape;

#[cfg(feature = "testing")]
mod reader;
#[cfg(feature = "testing")]
mod replayed;
#[cfg(feature = "testing")]
mod replayer;
#[cfg(feature = "testing")]
mod script;

pub(crate) use recorder::Recorder;
#[cfg(feature = "testing")]
pub(crate) use replayer::Replayer;
#[cfg(feature = "testing")]
pub(crate) use script::Script;
pub(crate) use tape::Tape;
