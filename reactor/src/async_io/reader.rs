//! The half that reads.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_io::{AsyncBufRead, AsyncRead};

use super::received::Received;
use super::shared::Shared;

/// The reading half of an [`AsyncStream`](crate::AsyncStream): see [`AsyncStream::split`](crate::AsyncStream::split).
///
/// Dropped alone it changes nothing, but what arrives is then read by nobody; when the other half is dropped too, the connection closes.
pub struct AsyncReader {
    shared: Rc<Shared>,
    /// What was taken of what has arrived, if it is not all read.
    front: Option<Box<Received>>,
}

impl AsyncReader {
    pub(super) fn new(shared: Rc<Shared>) -> Self {
        Self { shared, front: None }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Reads what is there into `buffer`, at most as much as it holds, and waits if there is nothing. 0 means that the peer has sent
    /// everything that it will, or that `buffer` is empty.
    ///
    /// Dropped before it is ready, it has read nothing.
    ///
    /// # Errors
    ///
    /// As for [`AsyncStream::read`](crate::AsyncStream::read).
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|context| Pin::new(&mut *self).poll_read(context, buffer)).await
    }

    /// What is there, without a copy; waits if there is nothing. An empty slice means that the peer has sent everything that it will.
    /// It stays there until it is [consumed](Self::consume).
    ///
    /// A task that waits here holds no buffer: this is the way to wait on thousands of connections.
    ///
    /// # Errors
    ///
    /// As for [`AsyncStream::read`](crate::AsyncStream::read).
    pub async fn fill_buf(&mut self) -> io::Result<&[u8]> {
        poll_fn(|context| self.poll_front(context)).await?;
        Ok(self.there())
    }

    /// Takes away the first `count` bytes of what [`fill_buf`](Self::fill_buf) gave, or all of it if that is less.
    pub fn consume(&mut self, count: usize) {
        if let Some(mut front) = self.front.take() {
            let left = front.unread().len();
            if count < left {
                front.consume(count);
                self.front = Some(front);
            } else {
                front.give_up();
            }
            self.shared.consumed(count.min(left));
        }
    }

    /// What is there, if there is something; empty at the end.
    #[inline]
    pub(super) fn poll_there(&mut self, context: &Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.poll_front(context).map_ok(|()| self.there())
    }

    #[inline]
    fn there(&self) -> &[u8] {
        self.front.as_ref().map_or(&[], |front| front.unread())
    }

    #[inline]
    fn poll_front(&mut self, context: &Context<'_>) -> Poll<io::Result<()>> {
        if self.front.is_some() {
            return Poll::Ready(Ok(()));
        }
        self.front = self.shared.arrived();
        if self.front.is_some() { Poll::Ready(Ok(())) } else { self.shared.poll_no_more(context) }
    }
}

impl AsyncRead for AsyncReader {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let this = self.get_mut();
        this.poll_front(context).map_ok(|()| {
            let there = this.there();
            let count = there.len().min(buffer.len());
            buffer[..count].copy_from_slice(&there[..count]);
            this.consume(count);
            count
        })
    }
}

impl AsyncBufRead for AsyncReader {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().poll_there(context)
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        Self::consume(self.get_mut(), count);
    }
}

impl Drop for AsyncReader {
    fn drop(&mut self) {
        self.shared.forget_reader();
        if self.shared.leave()
            && let Some(transport) = self.shared.transport()
        {
            transport.close();
        }
    }
}

impl fmt::Debug for AsyncReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncReader").field(&self.shared.transport()).finish()
    }
}
