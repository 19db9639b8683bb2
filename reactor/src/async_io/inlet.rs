//! The protocol behind a stream.

use std::rc::Rc;

use crate::close_reason::CloseReason;
use crate::protocol::Protocol;
use crate::transport::Transport;

use super::listener::Backlog;
use super::shared::Shared;
use super::stream::AsyncStream;

/// Hands what it is told to who reads and writes.
pub(super) struct Inlet {
    shared: Rc<Shared>,
    /// Where the stream goes once it is there, if it was accepted.
    backlog: Option<Rc<Backlog>>,
}

impl Inlet {
    pub(super) fn connected(shared: Rc<Shared>) -> Self {
        Self { shared, backlog: None }
    }

    pub(super) fn accepted(backlog: Rc<Backlog>) -> Self {
        Self { shared: Rc::default(), backlog: Some(backlog) }
    }
}

impl Protocol for Inlet {
    fn connection_made(&mut self, transport: &Transport) {
        match self.backlog.take() {
            Some(backlog) => {
                self.shared.made(transport, true);
                backlog.push(AsyncStream::new(self.shared.clone()));
            }
            // Whoever connected may have gone.
            None => self.shared.made(transport, Rc::strong_count(&self.shared) > 1),
        }
    }

    #[inline(always)]
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.shared.received(transport, data);
    }

    fn read_closed(&mut self, _: &Transport) {
        self.shared.completed();
    }

    fn write_paused(&mut self, transport: &Transport) {
        // A task may read and another write: were reading to stop because of writing, two such peers could wait for each other for ever.
        // What is received has a bound of its own. Only now, for it costs some memory, and most connections never come here.
        transport.set_backpressure(false);
    }

    fn write_resumed(&mut self, _: &Transport) {
        self.shared.resumed();
    }

    fn drain(&mut self, _: &Transport) {
        self.shared.stopped();
    }

    fn handshake_completed(&mut self, _: &Transport) {
        self.shared.handshake_completed();
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        self.shared.ended(reason);
    }

    fn holds_input(&mut self) -> bool {
        self.shared.has_unread()
    }
}

/// One that was switched away from, or whose host lost its power, hears of no end.
impl Drop for Inlet {
    fn drop(&mut self) {
        self.shared.ended(CloseReason::Aborted);
    }
}
