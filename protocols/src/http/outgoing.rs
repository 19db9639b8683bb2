//! A body on its way to the client: the parts that its writer and the connection share.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use lariat::{Deferred, Transport, WriteStatus};

use super::body::BodyEncoder;
use super::fields::Fields;
use super::steering::Steering;

/// A body that is on its way: what its writer and the connection share.
pub(super) struct Outgoing {
    transport: Transport,
    steering: Rc<dyn Steering>,
    /// Gone once the body has ended.
    encoder: Cell<Option<BodyEncoder>>,
    /// The queue is above its high mark.
    is_paused: Cell<bool>,
    /// Waits for that to be over.
    waker: Cell<Option<Waker>>,
    /// Writes the body.
    task: Cell<Option<Deferred<()>>>,
    /// Has threads compress what was written, and its waker while it waits for room.
    compression: Cell<Option<Deferred<()>>>,
    compression_waker: Cell<Option<Waker>>,
    sent: Cell<u64>,
}

impl Outgoing {
    pub(super) fn new(transport: Transport, steering: Rc<dyn Steering>, encoder: BodyEncoder) -> Rc<Self> {
        Rc::new(Self {
            transport,
            steering,
            encoder: Cell::new(Some(encoder)),
            is_paused: Cell::new(false),
            waker: Cell::new(None),
            task: Cell::new(None),
            compression: Cell::new(None),
            compression_waker: Cell::new(None),
            sent: Cell::new(0),
        })
    }

    /// Runs a task that writes the body. The task is dropped when the client goes.
    pub(super) fn run(&self, task: impl Future<Output = ()> + 'static) {
        let running = self.transport.reactor().spawn(task);
        self.task.set(Some(running));
    }

    /// Runs the task that has threads compress what was written.
    pub(super) fn run_compression(&self, task: impl Future<Output = ()> + 'static) {
        let running = self.transport.reactor().spawn(task);
        self.compression.set(Some(running));
    }

    /// The queue is down to its low mark.
    pub(super) fn resume(&self) {
        self.is_paused.set(false);
        self.wake();
    }

    /// The connection has no use for it any more.
    pub(super) fn stop(&self) {
        self.encoder.set(None);
        drop(self.task.take());
        drop(self.compression.take());
        self.wake();
    }

    /// Bytes of the body that were written.
    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }

    pub(super) fn wake(&self) {
        for waker in [&self.waker, &self.compression_waker] {
            if let Some(waker) = waker.take() {
                waker.wake();
            }
        }
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    pub(super) fn status(&self) -> WriteStatus {
        match (self.is_open(), self.is_paused.get()) {
            (false, _) => WriteStatus::Closed,
            (true, true) => WriteStatus::Paused,
            (true, false) => WriteStatus::Accepted,
        }
    }

    /// Waits for room in the queue. `is_full` adds another reason to wait. Gives false once the client has gone.
    pub(super) fn poll_ready(&self, context: &mut Context<'_>, is_full: bool) -> Poll<bool> {
        if self.is_open() && (self.is_paused.get() || is_full) {
            self.waker.set(Some(context.waker().clone()));
            return Poll::Pending;
        }
        Poll::Ready(self.is_open())
    }

    /// Waits until compressed data can be sent. Gives false once the client has gone.
    pub(super) fn poll_compression(&self, context: &mut Context<'_>) -> Poll<bool> {
        if self.is_open() && self.is_paused.get() {
            self.compression_waker.set(Some(context.waker().clone()));
            return Poll::Pending;
        }
        Poll::Ready(self.is_open())
    }

    /// Sends a piece that needs no more work, if there is anything in it.
    pub(super) fn send_chunk(&self, chunk: Vec<u8>) -> WriteStatus {
        if chunk.is_empty() {
            return self.status();
        }
        self.send(chunk.len(), |transport| transport.write_chunk(chunk))
    }

    /// Ends the body.
    pub(super) fn end(&self, trailers: &Fields) {
        let Some(mut encoder) = self.encoder.take() else { return };
        let mut end = Vec::new();
        let ended = encoder.end(trailers, &mut end);
        if let Err(error) = &ended {
            super::logging::log_failure(format_args!("a response ends the connection: {error}"));
        } else {
            self.transport.write(&end);
        }
        self.steering.response_ended(ended.is_ok());
    }

    /// Ends the connection, because the body cannot be ended as it should.
    pub(super) fn fail(&self) {
        if self.encoder.take().is_some() {
            self.steering.response_ended(false);
        }
    }

    pub(super) fn is_open(&self) -> bool {
        let encoder = self.encoder.take();
        let open = encoder.is_some() && self.transport.is_open();
        self.encoder.set(encoder);
        open
    }

    pub(super) fn send(&self, length: usize, write: impl FnOnce(&Transport) -> WriteStatus) -> WriteStatus {
        let Some(mut encoder) = self.encoder.take() else { return WriteStatus::Closed };
        let head = match encoder.before(length) {
            Ok(head) => head,
            Err(error) => {
                super::logging::log_failure(format_args!("a response ends the connection: {error}"));
                self.steering.response_ended(false);
                return WriteStatus::Closed;
            }
        };
        let after = encoder.after();
        self.encoder.set(Some(encoder));
        self.sent.set(self.sent.get() + length as u64);
        if !head.as_ref().is_empty() {
            self.transport.write(head.as_ref());
        }
        let mut status = write(&self.transport);
        if !after.is_empty() && !matches!(status, WriteStatus::Closed | WriteStatus::Overflow) {
            status = self.transport.write(after);
        }
        if status == WriteStatus::Paused {
            self.is_paused.set(true);
        }
        status
    }
}
