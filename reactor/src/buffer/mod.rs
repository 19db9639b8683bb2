//! Bytes on their way to a descriptor: the write queue, where it empties into, and what it gives back.

mod entry;
mod flush;
mod meter;
mod sink;
mod spent;
#[cfg(test)]
mod tests;
mod write_queue;

pub use flush::{Flush, FlushOutcome};
pub(crate) use meter::Meter;
pub use sink::{Sink, send_file_by_copy};
pub use spent::Spent;
pub use write_queue::WriteQueue;
