//! The body of a request, for whoever wants it.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;
use lariat::{Deferred, Reactor, Resolver};

use super::error::HttpError;
use super::fields::Fields;
use super::slot::Slot;
use super::steering::Steering;

/// The body of a request as it comes in: all of it at once with [`collect`](Self::collect), or piece by piece, as an async
/// [`Stream`] or with [`next`](Self::next).
///
/// At most 64 KiB are read ahead, and what the last read of the connection brought beyond them, in one buffer however small the chunks are:
/// a slow reader slows the client. A client that waits for `100 Continue` is
/// sent it when the body is first asked for. A body that is dropped is read and forgotten, or ends the connection if there is too much.
pub struct RequestBody {
    /// None, if the request has no body.
    pipe: Option<Rc<Pipe>>,
    reactor: Reactor,
}

/// Bytes that wait to be taken from a body, at which its connection is read no more. A connection's own high mark is the same.
const HIGH: usize = 64 * 1024;

/// A body that is on its way: what its reader and the connection share.
pub(super) struct Pipe {
    state: Slot<State>,
    steering: Rc<dyn Steering>,
    reactor: Reactor,
}

#[derive(Default)]
struct State {
    /// What has come and was not taken. One buffer, because a buffer for each chunk of one byte would cost 64 times as much.
    buffer: Vec<u8>,
    /// How it has ended, and with which trailers.
    end: Option<Result<(), HttpError>>,
    trailers: Fields,
    waker: Option<Waker>,
    collecting: Option<(Vec<u8>, Resolver<Bytes>)>,
    /// Somebody has asked for the first piece.
    is_wanted: bool,
    /// The connection is not read until the buffer is taken.
    is_full: bool,
    /// Nobody reads it any more.
    is_dropped: bool,
}

impl Pipe {
    pub(super) fn new(steering: Rc<dyn Steering>, reactor: Reactor) -> Rc<Self> {
        Rc::new(Self { state: Slot::default(), steering, reactor })
    }

    pub(super) fn reactor(&self) -> &Reactor {
        &self.reactor
    }

    /// What the connection has received.
    pub(super) fn push(&self, data: &[u8]) {
        let waker = self.state.with(|state| {
            if state.is_dropped {
                return None;
            }
            if let Some((collected, _)) = &mut state.collecting {
                collected.extend_from_slice(data);
                return None;
            }
            state.buffer.extend_from_slice(data);
            state.is_full = state.buffer.len() >= HIGH;
            state.waker.take()
        });
        wake(waker);
    }

    /// The body has ended, one way or the other.
    pub(super) fn end(&self, result: Result<Fields, HttpError>) {
        let (waker, collecting, result) = self.state.with(|state| {
            if state.end.is_some() {
                return (None, None, Ok(()));
            }
            let result = result.map(|trailers| state.trailers = trailers);
            state.end = Some(result);
            (state.waker.take(), state.collecting.take(), result)
        });
        if let Some((collected, resolver)) = collecting {
            settle(resolver, result.map(|()| collected));
        }
        wake(waker);
    }

    /// Should the connection not be read?
    pub(super) fn is_full(&self) -> bool {
        self.state.with(|state| state.is_full)
    }

    /// Does somebody read it, or has asked for it?
    pub(super) fn is_wanted(&self) -> bool {
        self.state.with(|state| state.is_wanted)
    }

    /// Whether its reader has dropped it, so that it is read only to be dropped.
    pub(super) fn is_dropped(&self) -> bool {
        self.state.with(|state| state.is_dropped)
    }

    fn want(&self) {
        let first = self.state.with(|state| !mem::replace(&mut state.is_wanted, true) && state.end.is_none());
        if first {
            self.steering.body_wanted();
        }
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, HttpError>>> {
        self.want();
        let (polled, resumed, former) = self.state.with(|state| {
            if !state.buffer.is_empty() {
                let piece = Bytes::from(mem::take(&mut state.buffer));
                return (Poll::Ready(Some(Ok(piece))), mem::take(&mut state.is_full), None);
            }
            let polled = match &mut state.end {
                None => Poll::Pending,
                Some(Ok(())) => Poll::Ready(None),
                // The error is told once; then it is over.
                Some(Err(error)) => {
                    let error = *error;
                    state.end = Some(Ok(()));
                    Poll::Ready(Some(Err(error)))
                }
            };
            let waker = if polled.is_pending() { state.waker.replace(context.waker().clone()) } else { None };
            (polled, false, waker)
        });
        drop(former);
        if resumed {
            self.steering.body_wanted();
        }
        polled
    }

    fn collect(&self, resolver: Resolver<Bytes>) {
        self.want();
        let (settled, resumed) = self.state.with(|state| {
            let collected = mem::take(&mut state.buffer);
            let resumed = mem::take(&mut state.is_full);
            match state.end {
                Some(end) => (Some((resolver, end.map(|()| collected))), resumed),
                None => {
                    state.collecting = Some((collected, resolver));
                    (None, resumed)
                }
            }
        });
        if let Some((resolver, result)) = settled {
            settle(resolver, result);
        }
        if resumed {
            self.steering.body_wanted();
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn settle(resolver: Resolver<Bytes>, result: Result<Vec<u8>, HttpError>) {
    // Nobody may be waiting any more.
    drop(resolver.settle(result.map(Bytes::from).map_err(Into::into)));
}

impl RequestBody {
    pub(super) fn new(pipe: Option<Rc<Pipe>>, reactor: Reactor) -> Self {
        Self { pipe, reactor }
    }

    /// All of it, which is never more than the [limit](super::Limits::body) that the server or the handler has set.
    ///
    /// # Errors
    ///
    /// The Deferred fails with the [`HttpError`] that the body ends with: it is too large, malformed, too slow, or has no end.
    #[must_use = "dropping it forgets the body"]
    pub fn collect(mut self) -> Deferred<Bytes> {
        match self.pipe.take() {
            None => Deferred::succeed(&self.reactor, Bytes::new()),
            Some(pipe) => {
                let (resolver, collected) = Deferred::new(&self.reactor);
                pipe.collect(resolver);
                collected
            }
        }
    }

    /// The next piece, at least one byte; `None` at the end.
    ///
    /// # Errors
    ///
    /// The body is too large, malformed, too slow, or has no end. Nothing comes after that.
    pub async fn next(&mut self) -> Option<Result<Bytes, HttpError>> {
        poll_fn(|context| self.poll_piece(context)).await
    }

    /// The trailers that came after the body; none before its end was taken.
    pub fn trailers(&self) -> Fields {
        self.pipe.as_ref().map_or_else(Fields::new, |pipe| pipe.state.with(|state| state.trailers.clone()))
    }

    fn poll_piece(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, HttpError>>> {
        self.pipe.as_ref().map_or(Poll::Ready(None), |pipe| pipe.poll(context))
    }
}

impl Stream for RequestBody {
    type Item = Result<Bytes, HttpError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_piece(context)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(pipe) = self.pipe.take() else { return };
        let resumed = pipe.state.with(|state| {
            state.is_dropped = true;
            state.buffer = Vec::new();
            mem::take(&mut state.is_full)
        });
        if resumed {
            pipe.steering.body_wanted();
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("present", &self.pipe.is_some()).finish()
    }
}
