//! The answering side.

use std::fmt;
use std::rc::Rc;

use lariat::{Factory, Peer, Protocol, Transport};

use super::frame::{Frame, FrameDecoder, MAX_PAYLOAD};

type Handler = Rc<dyn Fn(&[u8], Responder)>;

/// Answers requests: at once, or whenever the [`Responder`] is used.
#[derive(Clone)]
pub struct Server {
    handler: Handler,
}

impl Server {
    /// A server that has `handler` answer.
    pub fn new(handler: impl Fn(&[u8], Responder) + 'static) -> Self {
        Self { handler: Rc::new(handler) }
    }
}

impl Factory for Server {
    type Protocol = ServerProtocol;

    fn build_protocol(&mut self, _: &Peer) -> Option<ServerProtocol> {
        Some(ServerProtocol { handler: self.handler.clone(), frames: FrameDecoder::default() })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

/// One connection to a [`Server`].
pub struct ServerProtocol {
    handler: Handler,
    frames: FrameDecoder,
}

impl Protocol for ServerProtocol {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        let Self { handler, frames } = self;
        let fed = frames.feed(data, |frame| {
            handler(frame.payload, Responder { transport: transport.clone(), id: frame.id });
        });
        if let Err(error) = fed {
            transport.fail(error);
        }
    }
}

impl fmt::Debug for ServerProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerProtocol")
    }
}

/// Answers one request. Dropped, the request stays without an answer and the client's timeout ends it.
#[derive(Debug)]
pub struct Responder {
    transport: Transport,
    id: u32,
}

impl Responder {
    /// Answers with `payload`. One that is too long ends the connection, for the client would not take it.
    pub fn answer(self, payload: &[u8]) {
        if payload.len() > MAX_PAYLOAD {
            return self.transport.fail("an answer is too long");
        }
        Frame { id: self.id, payload }.write_to(&self.transport);
    }

    /// The connection that the request came by.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }
}
