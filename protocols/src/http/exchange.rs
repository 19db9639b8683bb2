//! A request in hand.

use std::rc::Rc;
use std::time::Duration;

use lariat::Deferred;

use super::body_writer::Outgoing;
use super::error::HttpError;
use super::request_body::Pipe;

/// What a connection has of a request that was not done with when its head was.
#[derive(Default)]
pub(super) struct Exchange {
    /// Somebody reads the body.
    pub(super) pipe: Option<Rc<Pipe>>,
    /// The response is being made.
    pub(super) pending: Option<Deferred<()>>,
    /// The response is being sent.
    pub(super) outgoing: Option<Rc<Outgoing>>,
    /// The response was sent, and the rest of the body is only read to get past it.
    pub(super) is_answered: bool,
    /// Bytes of the body that nobody wanted.
    pub(super) dropped: u64,
}

impl Exchange {
    /// Nobody needs its response any more, and its body ends with `error`.
    pub(super) fn stop(&mut self, error: HttpError) {
        drop(self.pending.take());
        if let Some(outgoing) = self.outgoing.take() {
            outgoing.stop();
        }
        if let Some(pipe) = self.pipe.take() {
            // Once the handler that is given up is gone, so that it does not fail because of the body.
            let reactor = pipe.reactor().clone();
            reactor.call_later(Duration::ZERO, move |_| pipe.end(Err(error)));
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.stop(HttpError::UnexpectedEnd);
    }
}
