//! Requests and responses over one connection: many may be in flight, and answers come in any order.

mod client;
mod frame;
mod server;

pub use client::{Client, ClientProtocol, Reply, TooLong};
pub use frame::{Frame, FrameDecoder, MAX_PAYLOAD, PayloadTooLong};
pub use server::{Responder, Server, ServerProtocol};
