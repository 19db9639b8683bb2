//! The asking side.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use lariat::{CloseReason, DelayedCall, Factory, Handle, Peer, Protocol, Reactor, Transport};

use super::frame::{Frame, FrameDecoder, MAX_PAYLOAD};

/// A connection to a [`Server`](super::Server), for as many requests at a time as one likes.
#[derive(Clone, Debug)]
pub struct Client {
    handle: Handle<ClientProtocol>,
}

/// Why a request has no answer.
#[derive(Clone, Debug)]
pub enum RequestError {
    /// None came in time.
    TimedOut,
    /// The connection ended first.
    Lost(Rc<CloseReason>),
    /// The connection had ended before the request could be sent.
    NotSent,
    /// The request is too long to be sent.
    TooLong,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Lost(reason) => write!(f, "the connection was {reason}"),
            Self::NotSent => f.write_str("the connection has ended"),
            Self::TooLong => f.write_str("the request is too long"),
        }
    }
}

impl std::error::Error for RequestError {}

/// What a request gets in the end.
pub type Answer = Result<Vec<u8>, RequestError>;

type Done = Box<dyn FnOnce(&Reactor, Answer)>;

type Ready = Box<dyn FnOnce(&Reactor, Client)>;

impl Client {
    /// Connects, and gives the client to `ready`.
    ///
    /// # Errors
    ///
    /// As for [`Reactor::connect`].
    pub fn connect(
        reactor: &Reactor,
        description: &str,
        ready: impl FnOnce(&Reactor, Client) + 'static,
    ) -> lariat::Result<()> {
        reactor.connect(description, Connecting { ready: Some(Box::new(ready)) }).detach();
        Ok(())
    }

    /// Sends a request. `done` hears the answer, or why there is none, exactly once, unless the reactor ends before.
    pub fn request(&self, payload: &[u8], timeout: Duration, done: impl FnOnce(&Reactor, Answer) + 'static) {
        let waiter = Waiter { reactor: self.transport().reactor().clone(), done: Some(Box::new(done)) };
        let payload = payload.to_vec();
        // Whether the call is taken or dropped, now or later, `Waiter` tells whoever waits.
        self.handle.call(move |protocol, transport| protocol.send(transport, &payload, timeout, waiter));
    }

    /// The connection.
    pub fn transport(&self) -> &Transport {
        self.handle.transport()
    }
}

struct Connecting {
    ready: Option<Ready>,
}

impl Factory for Connecting {
    type Protocol = ClientProtocol;

    fn build_protocol(&mut self, _: &Peer) -> Option<ClientProtocol> {
        Some(ClientProtocol {
            ready: self.ready.take(),
            frames: FrameDecoder::default(),
            pending: BTreeMap::new(),
            last_id: 0,
        })
    }
}

/// Somebody who waits for an answer. Dropped, it says that there will be none.
struct Waiter {
    reactor: Reactor,
    done: Option<Done>,
}

impl Waiter {
    fn tell(mut self, answer: Answer) {
        if let Some(done) = self.done.take() {
            done(&self.reactor, answer);
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            self.reactor.call_later(Duration::ZERO, move |reactor| done(reactor, Err(RequestError::NotSent)));
        }
    }
}

/// The connection's side of a [`Client`].
pub struct ClientProtocol {
    ready: Option<Ready>,
    frames: FrameDecoder,
    pending: BTreeMap<u32, (Waiter, DelayedCall)>,
    last_id: u32,
}

impl ClientProtocol {
    fn send(&mut self, transport: &Transport, payload: &[u8], timeout: Duration, waiter: Waiter) {
        if payload.len() > MAX_PAYLOAD {
            return waiter.tell(Err(RequestError::TooLong));
        }
        self.last_id = self.last_id.wrapping_add(1);
        let id = self.last_id;
        let timer = transport.handle(self).call_later(timeout, move |protocol, _| {
            protocol.settle(id, Err(RequestError::TimedOut));
        });
        Frame { id, payload }.write_to(transport);
        self.pending.insert(id, (waiter, timer));
    }

    fn settle(&mut self, id: u32, answer: Answer) {
        // An answer that comes after its timeout finds nobody.
        if let Some((waiter, timer)) = self.pending.remove(&id) {
            timer.cancel();
            waiter.tell(answer);
        }
    }
}

impl Protocol for ClientProtocol {
    fn connection_made(&mut self, transport: &Transport) {
        if let Some(ready) = self.ready.take() {
            ready(transport.reactor(), Client { handle: transport.handle(self) });
        }
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        let mut answers = Vec::new();
        let fed = self.frames.feed(data, |frame| answers.push((frame.id, frame.payload.to_vec())));
        for (id, answer) in answers {
            self.settle(id, Ok(answer));
        }
        if let Err(error) = fed {
            transport.fail(error);
        }
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        let reason = Rc::new(reason);
        for (waiter, timer) in std::mem::take(&mut self.pending).into_values() {
            timer.cancel();
            waiter.tell(Err(RequestError::Lost(reason.clone())));
        }
    }
}

impl fmt::Debug for ClientProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientProtocol").field("pending", &self.pending.len()).finish()
    }
}
