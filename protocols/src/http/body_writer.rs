//! The handle that a response's body is written to.

use std::fmt;
use std::fs::File;
use std::future::poll_fn;
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use lariat::{Failure, PullProducer, Semaphore, Transport, WriteStatus};

use super::compressed_body::{CompressedBody, Piece};
use super::compressor::Compressor;
use super::compressors::CompressorSlot;
use super::fields::Fields;
use super::outgoing::Outgoing;

/// Writes the body of a response, from anywhere on the loop's thread. It comes from [`Body::writer`](super::Body::writer).
///
/// - **Writing**: [`write`](Self::write), [`write_chunk`](Self::write_chunk).
/// - **Pace**: the [`WriteStatus`] says when to pause, [`ready`](Self::ready) when to go on.
/// - **Ending**: [`finish`](Self::finish), [`finish_with_trailers`](Self::finish_with_trailers). A writer that is dropped without ends the
///   connection, so that the client knows that the body is not whole.
pub struct BodyWriter {
    outgoing: Rc<Outgoing>,
    is_finished: bool,
    compressed: Option<Rc<CompressedBody>>,
}

impl BodyWriter {
    pub(super) fn new(outgoing: Rc<Outgoing>) -> Self {
        Self { outgoing, is_finished: false, compressed: None }
    }

    /// Sends a piece of the body, copied unless the kernel takes it at once. Nothing is sent for an empty one.
    ///
    /// It never blocks; the status tells what became of the piece, as that of [`Transport::write`] does. A body longer than was announced
    /// ends the connection.
    pub fn write(&mut self, data: impl AsRef<[u8]>) -> WriteStatus {
        let data = data.as_ref();
        if data.is_empty() {
            return self.status();
        }
        if self.compressed.is_some() {
            return self.write_piece(Piece::Bytes(Bytes::copy_from_slice(data)));
        }
        self.outgoing.send(data.len(), |transport| transport.write(data))
    }

    /// Sends a piece of the body without copying it.
    pub fn write_chunk(&mut self, chunk: impl Into<Bytes>) -> WriteStatus {
        let chunk = chunk.into();
        if chunk.is_empty() {
            return self.status();
        }
        if self.compressed.is_some() {
            return self.write_piece(Piece::Bytes(chunk));
        }
        self.outgoing.send(chunk.len(), |transport| transport.write_chunk(chunk))
    }

    /// Sends the bytes `range` of a file, without taking them through this process where the kernel can. Should the file end before that, the
    /// connection is lost. If the body is [compressed](super::Compressed), threads read the range and compress it.
    pub fn write_file(&mut self, file: impl Into<Arc<File>>, range: Range<u64>) -> WriteStatus {
        let file = file.into();
        let Ok(length) = usize::try_from(range.end.saturating_sub(range.start)) else { return WriteStatus::Overflow };
        if length == 0 {
            return self.status();
        }
        if self.compressed.is_some() {
            return self.write_piece(Piece::File(file, range));
        }
        self.outgoing.send(length, |transport| transport.write_file(file, range))
    }

    #[inline(never)]
    pub(super) fn write_piece(&mut self, piece: Piece) -> WriteStatus {
        self.compressed.as_ref().map_or(WriteStatus::Closed, |compressed| compressed.write(piece))
    }

    /// The body cannot be ended as it should: the connection ends, so that the client knows.
    fn fail(&mut self) {
        self.compressed = None;
        if !std::mem::replace(&mut self.is_finished, true) {
            self.outgoing.fail();
        }
    }

    /// Has what is written compressed.
    pub(super) fn compressing(mut self, compressor: Compressor, slot: CompressorSlot, threads: Semaphore) -> Self {
        self.compressed = Some(CompressedBody::new(self.outgoing.clone(), compressor, slot, threads));
        self
    }

    fn status(&self) -> WriteStatus {
        match self.outgoing.status() {
            WriteStatus::Accepted if self.is_full() => WriteStatus::Paused,
            status => status,
        }
    }

    /// Returns whether threads have too much to compress for more to be written.
    fn is_full(&self) -> bool {
        self.compressed.as_ref().is_some_and(|compressed| compressed.is_full())
    }

    /// Ends the body. What is written afterwards goes nowhere.
    pub fn finish(&mut self) {
        self.finish_with_trailers(&Fields::new());
    }

    /// Ends the body, with trailers (RFC 9110, section 6.5) after it. They are sent only if the body is in chunks.
    pub fn finish_with_trailers(&mut self, trailers: &Fields) {
        if std::mem::replace(&mut self.is_finished, true) {
            return;
        }
        match self.compressed.take() {
            Some(compressed) => compressed.finish(trailers),
            None => self.outgoing.end(trailers),
        }
    }

    /// Does the client still get what is written? Not once the connection has ended, or the body.
    pub fn is_open(&self) -> bool {
        self.outgoing.is_open()
    }

    /// Waits until there is room to write. Gives whether there is anybody to write to.
    pub async fn ready(&self) -> bool {
        poll_fn(|context| self.poll_ready(context)).await
    }

    /// Is there room to write, and anybody to write to? If it is pending, the task is woken when that changes.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<bool> {
        self.outgoing.poll_ready(context, self.is_full())
    }

    /// The connection that the body goes to.
    pub fn transport(&self) -> &Transport {
        self.outgoing.transport()
    }

    pub(super) fn pull_from(self, mut producer: impl BodyProducer) {
        if self.compressed.is_some() {
            // The connection's queue is empty while threads compress, and would ask for more.
            let reactor = self.transport().reactor().clone();
            return self.be_written_by(async move |body: &mut Self| {
                while !body.is_finished && body.ready().await {
                    producer.produce(body);
                    // One that had nothing to write is asked again in the next turn.
                    reactor.sleep(Duration::ZERO).await?;
                }
                Ok::<_, Failure>(())
            });
        }
        let transport = self.outgoing.transport().clone();
        transport.register_pull_producer(Pulled { producer, writer: self });
    }

    pub(super) fn send_all<B, E>(self, mut stream: Pin<Box<dyn Stream<Item = Result<B, E>>>>)
    where
        B: Into<Bytes> + 'static,
        E: Into<Failure> + 'static,
    {
        self.be_written_by(async move |body: &mut Self| {
            while body.ready().await {
                let Some(piece) = poll_fn(|context| stream.as_mut().poll_next(context)).await else { break };
                body.write_chunk(piece?);
            }
            Ok::<_, E>(())
        });
    }

    /// Has a task write it, which ends with the connection.
    pub(super) fn be_written_by<E>(mut self, write: impl AsyncFnOnce(&mut Self) -> Result<(), E> + 'static)
    where
        E: Into<Failure> + 'static,
    {
        self.outgoing().run(async move {
            match write(&mut self).await {
                Ok(()) => self.finish(),
                Err(error) => {
                    let failure = error.into();
                    super::logging::log_failure(format_args!("a response ends the connection: {failure}"));
                }
            }
        });
    }

    pub(super) fn outgoing(&self) -> Rc<Outgoing> {
        self.outgoing.clone()
    }
}

impl Drop for BodyWriter {
    fn drop(&mut self) {
        self.fail();
    }
}

impl fmt::Debug for BodyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyWriter").field("open", &self.is_open()).field("sent", &self.outgoing.sent()).finish()
    }
}

/// Fills a body at the pace at which the client takes it.
#[doc(alias = "IBodyProducer")]
pub trait BodyProducer: 'static {
    /// Write some, and [finish](BodyWriter::finish) when nothing is left. It is called whenever nothing waits to be sent; if it wrote
    /// nothing, again in the next turn.
    fn produce(&mut self, body: &mut BodyWriter);
}

/// A producer of a body, as the transport asks it.
struct Pulled<P> {
    producer: P,
    writer: BodyWriter,
}

impl<P: BodyProducer> PullProducer for Pulled<P> {
    fn produce(&mut self, transport: &Transport) {
        self.producer.produce(&mut self.writer);
        if !self.writer.is_open() {
            transport.unregister_producer();
        }
    }
}
