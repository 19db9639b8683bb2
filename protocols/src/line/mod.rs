//! Protocols whose messages are lines.

mod decoder;
mod delimiter;
mod other_protocol;
mod protocol;
mod receiver;
mod sender;
mod transport;

pub use decoder::{LineDecoder, LineEvent};
pub use delimiter::Delimiter;
pub use other_protocol::OtherProtocol;
pub use protocol::{LineProtocol, LineTooLong};
pub use receiver::LineReceiver;
pub use sender::LineSender;
pub use transport::LineTransport;
