//! A request in hand.

use std::rc::Rc;
use std::time::{Duration, Instant};

use lariat::{Deferred, DelayedCall};

use super::error::HttpError;
use super::limits::Limits;
use super::outgoing::Outgoing;
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
    /// Ends a handler whose client has closed its writing side.
    pub(super) end_timer: Option<DelayedCall>,
    /// Ends a body that comes too slowly.
    pub(super) pace: Option<Pace>,
}

/// How fast a body comes.
pub(super) struct Pace {
    /// When it began.
    pub(super) began: Instant,
    /// Bytes since then.
    pub(super) received: u64,
    /// Looks at it when its time is over.
    pub(super) timer: DelayedCall,
}

impl Exchange {
    /// Nobody needs its response any more, and its body ends with `error`.
    pub(super) fn stop(&mut self, error: HttpError) {
        self.stop_pace();
        self.stop_end_timer();
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

impl Exchange {
    /// Bytes of the body have come.
    pub(super) fn count(&mut self, bytes: usize) {
        if let Some(pace) = &mut self.pace {
            pace.received += bytes as u64;
        }
    }

    /// The body is over, or its time begins again.
    pub(super) fn stop_pace(&mut self) {
        if let Some(pace) = self.pace.take() {
            pace.timer.cancel();
        }
    }

    /// The handler has given its response.
    pub(super) fn stop_end_timer(&mut self) {
        if let Some(timer) = self.end_timer.take() {
            timer.cancel();
        }
    }

    /// How long the body may take, from its beginning.
    pub(super) fn time(&self, limits: &Limits) -> Duration {
        if self.pipe.as_ref().is_none_or(|pipe| pipe.is_dropped()) {
            return limits.unread_time;
        }
        let received = self.pace.as_ref().map_or(0, |pace| pace.received);
        match received.checked_div(limits.body_rate) {
            Some(seconds) => limits.body_time.saturating_add(Duration::from_secs(seconds)),
            None => Duration::MAX,
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.stop(HttpError::UnexpectedEnd);
    }
}
