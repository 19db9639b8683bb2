//! Programs as a user of Lariat would write them, in a crate of their own and through the public API alone.
//!
//! - [`chat`]: a room; many connections that share state.
//! - [`rpc`]: requests and responses; one connection with many answers due.
//! - [`forward`]: a relay; two connections that pace each other.
//! - [`board`]: a board with seats and an oracle, and with a mistake or two if asked to: what the test kit has to find.

pub mod board;
pub mod chat;
pub mod forward;
pub mod rpc;
mod shared;
pub mod support;

pub use shared::Shared;
