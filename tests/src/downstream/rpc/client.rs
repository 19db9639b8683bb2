//! The asking side.

use std::collections::BTreeMap;
use std::fmt;
use std::mem;

use lariat::{CloseReason, Deferred, Failure, Handle, Peer, Protocol, Reactor, Resolver, Transport};

use super::frame::{Frame, FrameDecoder, MAX_PAYLOAD};

/// A connection to a [`Server`](super::Server), for as many requests at a time as one likes.
#[derive(Clone, Debug)]
pub struct Client {
    handle: Handle<ClientProtocol>,
}

/// The request is too long to be sent.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request is too long")
    }
}

impl std::error::Error for TooLong {}

/// What a request gets in the end.
pub type Reply = Vec<u8>;

impl Client {
    /// Connects. Fails as [`Reactor::connect`] does.
    pub fn connect(reactor: &Reactor, description: &str) -> Deferred<Self> {
        let connected = reactor.connect(description, |_: &Peer| ClientProtocol::default());
        connected.map(|handle| Self { handle })
    }

    /// Sends a request. Fails with the reason if the connection ends before the reply comes, as [`Handle::ask`] does if it had
    /// ended before, and with [`TooLong`]. A request that is cancelled, as a timeout does, is forgotten.
    pub fn ask(&self, payload: &[u8]) -> Deferred<Reply> {
        let payload = payload.to_vec();
        self.handle.ask(move |protocol, transport| protocol.send(transport, &payload))
    }

    /// How many requests have no reply yet, and are still waited for.
    pub fn pending(&self) -> Deferred<usize> {
        self.handle.ask(|protocol, _| Ok::<_, Failure>(protocol.pending.len()))
    }

    /// The connection.
    pub fn transport(&self) -> &Transport {
        self.handle.transport()
    }
}

/// The connection's side of a [`Client`].
#[derive(Default)]
pub struct ClientProtocol {
    frames: FrameDecoder,
    pending: BTreeMap<u32, Resolver<Reply>>,
    last_id: u32,
}

impl ClientProtocol {
    fn send(&mut self, transport: &Transport, payload: &[u8]) -> Deferred<Reply> {
        if payload.len() > MAX_PAYLOAD {
            return Deferred::fail(transport.reactor(), TooLong);
        }
        self.last_id = self.last_id.wrapping_add(1);
        let (id, ours) = (self.last_id, transport.handle(self));
        let (resolver, reply) = Deferred::with_canceller(transport.reactor(), move |_| {
            ours.call(move |protocol, _| drop(protocol.pending.remove(&id)));
        });
        Frame { id, payload }.write_to(transport);
        self.pending.insert(id, resolver);
        reply
    }
}

impl Protocol for ClientProtocol {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        let Self { frames, pending, .. } = self;
        let fed = frames.feed(data, |frame| {
            // One that comes after its timeout finds nobody.
            if let Some(resolver) = pending.remove(&frame.id) {
                drop(resolver.resolve(frame.payload.to_vec()));
            }
        });
        if let Err(error) = fed {
            transport.fail(error);
        }
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        let words = reason.to_string();
        for resolver in mem::take(&mut self.pending).into_values() {
            drop(resolver.reject(Failure::new(format!("the connection was {words}"))));
        }
    }
}

impl fmt::Debug for ClientProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientProtocol").field("pending", &self.pending.len()).finish()
    }
}
