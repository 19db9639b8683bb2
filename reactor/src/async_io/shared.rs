//! What a connection's protocol and its user share.

use std::cell::{Cell, OnceCell};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::close_reason::CloseReason;
use crate::parked::Parked;
#[cfg(feature = "tls")]
use crate::transport::Flags;
use crate::transport::{Transport, WriteStatus};

use super::received::Received;

/// Bytes received and not yet read at which the connection is read from no more: as many as the high mark lets wait the other way.
pub(super) const PAUSE_AT: usize = 64 * 1024;
/// It is read from again when so few are left: enough to keep its user busy for the turn that this takes.
const RESUME_AT: usize = 16 * 1024;

/// Between the protocol, which the loop calls, and the two halves of the stream, which a task has.
#[derive(Default)]
pub(super) struct Shared {
    /// There from `connection_made` on, and so before anybody can use the stream.
    transport: OnceCell<Transport>,
    /// What has arrived since the reader last looked.
    arrived: Cell<Option<Box<Received>>>,
    /// Where what arrives goes at once, while a copy waits for it.
    onward: Cell<Option<Transport>>,
    /// How many bytes went there since the copy last looked.
    went_on: Cell<u64>,
    /// All that is not read yet: what has arrived, and what the reader still has of what it took.
    unread: Cell<usize>,
    is_paused: Cell<bool>,
    input: Cell<Input>,
    /// Who reads: it is likely to wait again.
    reader: Cell<Option<Parked>>,
    /// It waits now.
    reader_waits: Cell<bool>,
    /// Who waits to write, or for the end.
    writer: Cell<Option<Parked>>,
    /// Why the connection has ended, if it has.
    reason: OnceCell<Arc<CloseReason>>,
    /// One of the halves was dropped.
    is_half: Cell<bool>,
}

/// Will more come?
#[derive(Copy, Clone, Default)]
enum Input {
    #[default]
    Open,
    /// The peer has said that it has sent everything.
    Complete,
    /// The server is stopping.
    Stopped,
    /// The connection has ended.
    Ended,
}

/// What the protocol tells.
impl Shared {
    /// The connection stands. If nobody is interested any more, it is closed.
    pub(super) fn made(&self, transport: &Transport, is_wanted: bool) {
        if is_wanted {
            // It comes once.
            drop(self.transport.set(transport.clone()));
        } else {
            transport.close();
        }
    }

    #[inline(always)]
    pub(super) fn received(&self, transport: &Transport, data: &[u8]) {
        if let Some(onward) = self.onward.take()
            && self.hand_on(onward, data)
        {
            return;
        }
        let mut arrived = self.arrived.take().unwrap_or_else(|| Received::with_room(data.len()));
        arrived.push(data);
        self.arrived.set(Some(arrived));
        let unread = self.unread.get() + data.len();
        self.unread.set(unread);
        if unread >= PAUSE_AT {
            self.is_paused.set(true);
            transport.pause_reading();
        }
        self.wake_reader();
    }

    /// Writes to another connection what has arrived here. Returns whether that has it.
    #[inline]
    fn hand_on(&self, onward: Transport, data: &[u8]) -> bool {
        let status = onward.write_first(data);
        if matches!(status, WriteStatus::Closed | WriteStatus::Overflow) {
            // Whoever copies meets that when it writes.
            return false;
        }
        self.went_on.set(self.went_on.get() + data.len() as u64);
        if status == WriteStatus::Accepted {
            self.onward.set(Some(onward));
        } else {
            self.wake_reader();
        }
        true
    }

    pub(super) fn completed(&self) {
        self.input.set(Input::Complete);
        self.wake_reader();
    }

    pub(super) fn stopped(&self) {
        if matches!(self.input.get(), Input::Open) {
            self.input.set(Input::Stopped);
            self.wake_reader();
        }
    }

    pub(super) fn resumed(&self) {
        self.wake_writer();
    }

    /// The handshake that `start_tls` began is done.
    pub(super) fn handshake_completed(&self) {
        self.wake_writer();
    }

    /// Returns whether bytes were received that the reader has not consumed.
    pub(super) fn has_unread(&self) -> bool {
        self.unread.get() > 0
    }

    /// The connection has ended. What is told later than the first time changes nothing.
    pub(super) fn ended(&self, reason: CloseReason) {
        if self.reason.get().is_none() {
            drop(self.reason.set(Arc::new(reason)));
            if let Input::Open = self.input.get() {
                self.input.set(Input::Ended);
            }
            self.wake_reader();
            self.wake_writer();
        }
    }
}

impl Shared {
    #[inline]
    fn wake_reader(&self) {
        if self.reader_waits.replace(false)
            && let Some(waker) = self.reader.take()
        {
            // It is somebody's own: nothing is borrowed meanwhile.
            waker.wake_by_ref();
            keep(&self.reader, waker);
        }
    }

    fn wake_writer(&self) {
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }
}

/// What the halves ask for.
impl Shared {
    pub(super) fn transport(&self) -> Option<&Transport> {
        self.transport.get()
    }

    /// Takes what has arrived.
    #[inline]
    pub(super) fn arrived(&self) -> Option<Box<Received>> {
        self.arrived.take()
    }

    /// Waits until something has arrived, or it is known that nothing will.
    #[inline]
    pub(super) fn poll_no_more(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        if let Input::Open = self.input.get() {
            // Whoever waits now wants it for itself.
            drop(self.onward.take());
            wait(&self.reader, context);
            self.reader_waits.set(true);
            return Poll::Pending;
        }
        Poll::Ready(self.end_of_input())
    }

    /// Why nothing more will come.
    #[cold]
    fn end_of_input(&self) -> io::Result<()> {
        match (self.input.get(), self.reason.get()) {
            (Input::Complete, _) => Ok(()),
            (_, Some(reason)) if reason.is_done() => Ok(()),
            (_, Some(reason)) => Err(error(reason)),
            (_, None) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "this server is stopping")),
        }
    }

    /// From now on, until somebody reads, what arrives goes there as long as it takes it without waiting. Nothing is unread.
    pub(super) fn set_onward(&self, onward: &Transport) {
        self.onward.set(Some(onward.clone()));
    }

    /// What arrives comes to the reader again. Returns how many bytes went elsewhere since it last did.
    pub(super) fn end_onward(&self) -> u64 {
        drop(self.onward.take());
        self.went_on.take()
    }

    /// So many bytes were read.
    #[inline]
    pub(super) fn consumed(&self, count: usize) {
        self.unread.set(self.unread.get() - count);
        if self.is_paused.get() {
            self.resume_if_few_are_left();
        }
    }

    fn resume_if_few_are_left(&self) {
        if self.unread.get() <= RESUME_AT
            && let Some(transport) = self.transport.get()
        {
            self.is_paused.set(false);
            transport.resume_reading();
        }
    }

    /// Waits until the queue is down to its low mark.
    pub(super) fn wait_to_write(&self, context: &Context<'_>) {
        wait(&self.writer, context);
    }

    /// Waits for the end of the connection.
    pub(super) fn poll_ended(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        if self.reason.get().is_some() {
            return Poll::Ready(self.check());
        }
        wait(&self.writer, context);
        Poll::Pending
    }

    /// Waits until the handshake that was begun is done, or the connection has ended.
    #[cfg(feature = "tls")]
    pub(super) fn poll_handshake(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        let is_preparing = |transport: &Transport| transport.shared.flags.has(Flags::PREPARING);
        if self.reason.get().is_none() && self.transport.get().is_some_and(is_preparing) {
            wait(&self.writer, context);
            return Poll::Pending;
        }
        // An orderly end before the handshake is done is no success either.
        Poll::Ready(if self.reason.get().is_some() { Err(self.closed()) } else { Ok(()) })
    }

    /// Has the connection broken?
    pub(super) fn check(&self) -> io::Result<()> {
        self.reason.get().filter(|reason| !reason.is_done()).map_or(Ok(()), |reason| Err(error(reason)))
    }

    /// Why nothing can be written.
    pub(super) fn closed(&self) -> io::Error {
        let closed = || io::Error::new(io::ErrorKind::BrokenPipe, "the connection is closed for writing");
        self.check().err().unwrap_or_else(closed)
    }

    /// Nobody reads any more.
    pub(super) fn forget_reader(&self) {
        drop(self.reader.take());
    }

    /// A half was dropped. Returns whether it was the last one.
    pub(super) fn leave(&self) -> bool {
        self.is_half.replace(true)
    }
}

/// An error for a connection that ended so. Whoever asks again is told again.
fn error(reason: &Arc<CloseReason>) -> io::Error {
    let kind = match &**reason {
        CloseReason::Lost(error) => error.kind(),
        CloseReason::Done | CloseReason::Aborted | CloseReason::Overflow => io::ErrorKind::ConnectionAborted,
        CloseReason::TimedOut(_) => io::ErrorKind::TimedOut,
        CloseReason::Panicked | CloseReason::Failed(_) => io::ErrorKind::Other,
    };
    io::Error::new(kind, reason.clone())
}

fn wait(slot: &Cell<Option<Parked>>, context: &Context<'_>) {
    let former = slot.take();
    // A waker is its owner's value: it is cloned and dropped while nothing is borrowed.
    slot.set(Some(match former {
        Some(former) if former.will_wake(context.waker()) => former,
        _ => Parked::new(context.waker()),
    }));
}

/// Puts a waker back, if no other has come into its place meanwhile.
#[inline]
fn keep(slot: &Cell<Option<Parked>>, waker: Parked) {
    if let Some(newer) = slot.replace(Some(waker)) {
        drop(slot.replace(Some(newer)));
    }
}
