//! The half that writes.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_io::AsyncWrite;

use crate::transport::{Transport, WriteStatus};

use super::shared::Shared;

/// Bytes that one write takes at the most, so that the queue stays below its high mark and this much, however much is to be written.
const MOST_AT_ONCE: usize = 64 * 1024;

/// The writing half of an [`AsyncStream`](crate::AsyncStream): see [`AsyncStream::split`](crate::AsyncStream::split).
///
/// Dropped alone, it tells the peer that nothing more will be sent; when the other half is dropped too, the connection closes. What was
/// written is sent in either case.
pub struct AsyncWriter {
    shared: Rc<Shared>,
}

impl AsyncWriter {
    pub(super) fn new(shared: Rc<Shared>) -> Self {
        Self { shared }
    }

    /// Writes of `bytes` as many as it takes at once, at most 64 KiB, and tells how many. Waits while the connection's queue is above its
    /// high mark. Written means that the transport has them; it sends them without anybody waiting.
    ///
    /// Dropped before it is ready, it has written nothing.
    ///
    /// # Errors
    ///
    /// As for [`AsyncStream::write_all`](crate::AsyncStream::write_all).
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        poll_fn(|context| self.poll_some(context, bytes)).await
    }

    /// Writes all of `bytes`: see [`AsyncStream::write_all`](crate::AsyncStream::write_all).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut left = bytes;
        poll_fn(|context| {
            loop {
                if left.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                match self.poll_some(context, left) {
                    Poll::Ready(Ok(written)) => left = &left[written..],
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    /// Tells the peer that nothing more will be sent, once all that was written is.
    pub fn close_write(&mut self) {
        if let Some(transport) = self.shared.transport() {
            transport.close_write();
        }
    }

    /// The connection, if it takes what is written without anybody waiting.
    pub(super) fn takes_more(&self) -> Option<&Transport> {
        self.shared.transport().filter(|transport| transport.write_first(&[]) == WriteStatus::Accepted)
    }

    #[inline]
    pub(super) fn poll_some(&self, context: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(transport) = self.shared.transport() else { return Poll::Ready(Err(self.shared.closed())) };
        let some = &bytes[..bytes.len().min(MOST_AT_ONCE)];
        // A write of nothing tells how things are.
        let status = match transport.write_first(&[]) {
            WriteStatus::Accepted => transport.write_first(some),
            WriteStatus::Paused if !some.is_empty() => {
                self.shared.wait_to_write(context);
                return Poll::Pending;
            }
            status => status,
        };
        Poll::Ready(match status {
            WriteStatus::Accepted | WriteStatus::Paused => Ok(some.len()),
            WriteStatus::Closed | WriteStatus::Overflow => Err(self.shared.closed()),
        })
    }
}

/// `poll_flush` has nothing to do, for the transport sends by itself what it has; `poll_close` is [`close_write`](AsyncWriter::close_write).
impl AsyncWrite for AsyncWriter {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_some(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shared.check())
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.close_write();
        Poll::Ready(self.shared.check())
    }
}

impl Drop for AsyncWriter {
    fn drop(&mut self) {
        let is_last = self.shared.leave();
        if let Some(transport) = self.shared.transport() {
            if is_last { transport.close() } else { transport.close_write() }
        }
    }
}

impl fmt::Debug for AsyncWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncWriter").field(&self.shared.transport()).finish()
    }
}
