//! A connection that a task reads and writes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};

use crate::address::Address;
use crate::error::Result;
use crate::transport::Transport;

use super::reader::AsyncReader;
use super::shared::Shared;
use super::writer::AsyncWriter;

/// A connection that `async` code reads and writes: what [`Reactor::connect_stream`](crate::Reactor::connect_stream) and
/// [`AsyncListener::accept`](crate::AsyncListener::accept) give.
///
/// - **Reading**: [`read`](Self::read), or without a copy [`fill_buf`](Self::fill_buf) and [`consume`](Self::consume).
/// - **Writing**: [`write`](Self::write), [`write_all`](Self::write_all).
/// - **Ending**: [`close`](Self::close), [`close_write`](Self::close_write). Dropping it closes the connection: what was written is still sent, as
///   [`Transport::close`] says.
/// - **Both at once**: [`split`](Self::split), [`copy_bidirectional`](crate::copy_bidirectional).
///
/// It implements `AsyncRead`, `AsyncBufRead` and `AsyncWrite` of the crate `futures-io`, so whatever knows those works on it.
///
/// # Back-pressure
///
/// When 64 KiB are received and unread, the connection is read from no more, and the peer has to wait: at most that and one read of the loop
/// is held for it. A write waits while the connection's queue is above its high mark (64 KiB unless
/// [set](Transport::set_water_marks)), and takes at most 64 KiB, so at most the sum of both is queued. Unlike with protocols, reading does
/// not stop because of writing.
///
/// # Giving up
///
/// The transport has the bytes, not the futures. A `read`, `fill_buf` or `write` that is dropped before it is ready has read or written nothing. A
/// `write_all` has written some part by then, nobody knows which.
///
/// # The end of the server
///
/// When the reactor is [stopping](crate::Reactor::stop), reading what is not there yet fails with
/// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted), and writing goes on: a task with a request in hand can answer it, then ends because
/// there is no other.
#[derive(Debug)]
pub struct AsyncStream {
    reader: AsyncReader,
    writer: AsyncWriter,
}

impl AsyncStream {
    pub(super) fn new(shared: Rc<Shared>) -> Self {
        Self { reader: AsyncReader::new(shared.clone()), writer: AsyncWriter::new(shared) }
    }

    /// Reads what is there into `buffer`, at most as much as it holds, and waits if there is nothing. 0 means that the peer has sent
    /// everything that it will, or that `buffer` is empty. What arrived before the connection broke is read before that is told.
    ///
    /// # Errors
    ///
    /// When the connection broke, with the kind of error that broke it; [`TimedOut`](io::ErrorKind::TimedOut) after an
    /// [idle timeout](Transport::set_idle_timeout); [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) when it was ended on this side,
    /// or when the reactor ends. The error's source is the [`CloseReason`](crate::CloseReason).
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).await
    }

    /// What is there, without a copy; waits if there is nothing. An empty slice means that the peer has sent everything that it will.
    /// It stays there until it is [consumed](Self::consume).
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub async fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf().await
    }

    /// Takes away the first `count` bytes of what [`fill_buf`](Self::fill_buf) gave.
    pub fn consume(&mut self, count: usize) {
        self.reader.consume(count);
    }

    /// Writes as many of `bytes` as the transport takes at once, and tells how many. Waits while its queue is above the high mark.
    ///
    /// # Errors
    ///
    /// As for [`write_all`](Self::write_all).
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes).await
    }

    /// Writes all of `bytes`, and waits as often as that takes. They are sent without anybody waiting: what is written first
    /// in a turn of the loop at once, the rest together when the turn ends.
    ///
    /// # Errors
    ///
    /// When the connection broke or ended, as for [`read`](Self::read); [`BrokenPipe`](io::ErrorKind::BrokenPipe) when it is closed for writing.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes).await
    }

    /// Tells the peer that nothing more will be sent, once all that was written is. Reading goes on.
    #[doc(alias = "loseWriteConnection")]
    pub fn close_write(&mut self) {
        self.writer.close_write();
    }

    /// Ends the connection in good order, and waits until it has ended: all that was written is sent, what arrives meanwhile is dropped. Who does
    /// not want to know drops the stream.
    ///
    /// # Errors
    ///
    /// When not all could be sent, or not in time (30 s by default: see [`Transport::close`]).
    #[doc(alias = "loseConnection")]
    pub async fn close(self) -> io::Result<()> {
        self.transport().close();
        poll_fn(|context| self.reader.shared().poll_ended(context)).await
    }

    /// Starts TLS on a connection that began in clear, and waits for the handshake: see
    /// [`Transport::start_tls`](Transport::start_tls). Afterwards [`Peer::tls`](crate::Peer::tls) tells what was agreed on.
    ///
    /// A future that is dropped early does not stop the handshake: what is read and written later is encrypted all the same.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](io::ErrorKind::InvalidData) if bytes are unread that arrived in clear
    /// ([`ClearTextPending`](crate::tls::TlsErrorKind::ClearTextPending)), which also ends the connection, or if the handshake
    /// fails; [`TimedOut`](io::ErrorKind::TimedOut) if it takes too long; otherwise as for [`write_all`](Self::write_all).
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::tls::Acceptor;
    /// use lariat::{AsyncStream, Failure};
    ///
    /// /// Answers a client's `STARTTLS`, and goes on in TLS.
    /// async fn upgrade(mut stream: AsyncStream, acceptor: &Acceptor) -> Result<AsyncStream, Failure> {
    ///     stream.write_all(b"220 ready to start TLS\r\n").await?;
    ///     stream.start_tls(acceptor).await?;
    ///     Ok(stream)
    /// }
    /// ```
    #[cfg(feature = "tls")]
    #[doc(alias = "startTLS")]
    pub async fn start_tls(&mut self, layer: impl Into<crate::tls::TlsLayer>) -> io::Result<()> {
        self.transport().start_tls(layer, &[])?;
        poll_fn(|context| self.reader.shared().poll_handshake(context)).await
    }

    /// The halves, for one task that reads and another that writes, or for reading without a copy while writing.
    #[must_use]
    pub fn split(self) -> (AsyncReader, AsyncWriter) {
        (self.reader, self.writer)
    }

    pub(super) fn halves(&mut self) -> (&mut AsyncReader, &mut AsyncWriter) {
        (&mut self.reader, &mut self.writer)
    }

    /// Where the peer is. It stays known after the connection has ended.
    #[doc(alias = "getPeer")]
    pub fn peer_address(&self) -> Address {
        self.transport().peer().address()
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// When the connection has ended.
    #[doc(alias = "getHost")]
    pub fn local_address(&self) -> Result<Address> {
        self.transport().local_address()
    }

    /// The connection itself, to set its options and idle timeouts, or to abort it.
    pub fn transport(&self) -> &Transport {
        self.reader.shared().transport().expect("nobody gets a stream before its connection stands")
    }
}

impl AsyncRead for AsyncStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.reader).poll_read(context, buffer)
    }
}

impl AsyncBufRead for AsyncStream {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().reader).poll_fill_buf(context)
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        Self::consume(self.get_mut(), count);
    }
}

impl AsyncWrite for AsyncStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    /// Closes the writing side, as [`close_write`](Self::close_write) does; dropping the stream closes the rest.
    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_close(context)
    }
}
