//! Byte streams: one connection machine for TCP, Unix and simulated sockets, and who makes connections.

mod accepted;
mod admission;
mod adopt;
mod connected;
mod connection;
mod connector;
mod failures;
mod listener;
mod machine;
mod plan;
mod port;
mod preparing;
mod shared_factory;
mod target;

pub(crate) use self::port::Origin;
pub use self::port::Port;
pub(crate) use self::target::Target;
