//! Connections that are read and written by `async` code.

mod copy;
mod inlet;
mod listener;
mod open;
mod reader;
mod received;
mod shared;
mod stream;
mod writer;

pub use self::copy::{copy, copy_bidirectional};
pub use self::listener::AsyncListener;
pub use self::reader::AsyncReader;
pub use self::stream::AsyncStream;
pub use self::writer::AsyncWriter;
