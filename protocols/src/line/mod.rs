//! Protocols whose messages are lines.

mod decoder;
mod delimiter;

pub use decoder::{LineDecoder, LineEvent};
pub use delimiter::Delimiter;
