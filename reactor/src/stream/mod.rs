//! Byte streams: one connection machine for TCP, Unix and simulated sockets, and who makes connections.

mod adopt;
mod connection;
mod connector;
mod listener;
mod machine;
mod port;

pub(crate) use self::port::Origin;
pub use self::port::Port;
