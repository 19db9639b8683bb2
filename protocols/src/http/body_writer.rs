//! The handle that a response's body is written to.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::future::poll_fn;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;
use lariat::{Deferred, Failure, PullProducer, Transport, WriteStatus};

use super::body::BodyEncoder;
use super::compressor::Compressor;
use super::fields::Fields;
use super::steering::Steering;

/// Writes the body of a response, from anywhere on the loop's thread. It comes from [`Body::writer`](super::Body::writer).
///
/// - **Writing**: [`write`](Self::write), [`write_chunk`](Self::write_chunk).
/// - **Pace**: the [`WriteStatus`] says when to pause, [`ready`](Self::ready) when to go on.
/// - **Ending**: [`finish`](Self::finish), [`finish_with_trailers`](Self::finish_with_trailers). A writer that is dropped without ends the
///   connection, so that the client knows that the body is not whole.
pub struct BodyWriter {
    outgoing: Rc<Outgoing>,
    is_finished: bool,
    compressor: Option<Box<Compressor>>,
}

/// A piece that is shorter is somebody's who waits for it: it is not held back to be compressed better together with the next.
const SMALL_PIECE: usize = 8 * 1024;

/// A body that is on its way: what its writer and the connection share.
pub(super) struct Outgoing {
    transport: Transport,
    steering: Rc<dyn Steering>,
    /// Gone once the body has ended.
    encoder: Cell<Option<BodyEncoder>>,
    /// The writer was told to pause.
    is_paused: Cell<bool>,
    /// Waits for that to be over.
    waker: Cell<Option<Waker>>,
    /// Writes the body.
    task: Cell<Option<Deferred<()>>>,
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
            sent: Cell::new(0),
        })
    }

    pub(super) fn writer(self: &Rc<Self>) -> BodyWriter {
        BodyWriter { outgoing: self.clone(), is_finished: false, compressor: None }
    }

    /// Runs a task that writes the body: it is dropped where it waits when nobody wants the body any more.
    pub(super) fn run(&self, task: impl Future<Output = ()> + 'static) {
        let running = self.transport.reactor().spawn(task);
        self.task.set(Some(running));
    }

    /// What was written can go on: the queue is down to its low mark.
    pub(super) fn resume(&self) {
        self.is_paused.set(false);
        self.wake();
    }

    /// The connection has no use for it any more.
    pub(super) fn stop(&self) {
        self.encoder.set(None);
        drop(self.task.take());
        self.wake();
    }

    /// Bytes of the body that were written.
    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn is_open(&self) -> bool {
        let encoder = self.encoder.take();
        let open = encoder.is_some() && self.transport.is_open();
        self.encoder.set(encoder);
        open
    }

    fn send(&self, length: usize, write: impl FnOnce(&Transport) -> WriteStatus) -> WriteStatus {
        let Some(mut encoder) = self.encoder.take() else { return WriteStatus::Closed };
        let head = match encoder.before(length) {
            Ok(head) => head,
            Err(error) => {
                log::error!("a response ends the connection: {error}");
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

impl BodyWriter {
    /// Sends a piece of the body, copied unless the kernel takes it at once. Nothing is sent for an empty one.
    ///
    /// It never blocks; the status tells what became of the piece, as that of [`Transport::write`] does. A body longer than was announced
    /// ends the connection.
    pub fn write(&mut self, data: impl AsRef<[u8]>) -> WriteStatus {
        let data = data.as_ref();
        if data.is_empty() {
            return self.status();
        }
        if self.compressor.is_some() {
            return self.write_compressed(data);
        }
        self.outgoing.send(data.len(), |transport| transport.write(data))
    }

    /// Sends a piece of the body without copying it.
    pub fn write_chunk(&mut self, chunk: impl Into<Bytes>) -> WriteStatus {
        let chunk = chunk.into();
        if chunk.is_empty() {
            return self.status();
        }
        if self.compressor.is_some() {
            return self.write_compressed(&chunk);
        }
        self.outgoing.send(chunk.len(), |transport| transport.write_chunk(chunk))
    }

    /// Sends the bytes `range` of a file, without taking them through this process where the kernel can. Should the file end before that, the
    /// connection is lost. If the body is [compressed](super::Compressed), all of the range is read now.
    pub fn write_file(&mut self, file: impl Into<Arc<File>>, range: Range<u64>) -> WriteStatus {
        let file = file.into();
        let Ok(length) = usize::try_from(range.end.saturating_sub(range.start)) else { return WriteStatus::Overflow };
        if length == 0 {
            return self.status();
        }
        if self.compressor.is_some() {
            let mut content = vec![0; length];
            return match file.read_exact_at(&mut content, range.start) {
                Ok(()) => self.write_compressed(&content),
                Err(error) => {
                    log::error!("a file cannot be read: {error}");
                    self.fail();
                    WriteStatus::Closed
                }
            };
        }
        self.outgoing.send(length, |transport| transport.write_file(file, range))
    }

    #[inline(never)]
    fn write_compressed(&mut self, data: &[u8]) -> WriteStatus {
        let Some(compressor) = &mut self.compressor else { return WriteStatus::Closed };
        let mut output = Vec::new();
        let mut compressed = compressor.write(data, &mut output);
        if compressed.is_ok() && data.len() < SMALL_PIECE {
            compressed = compressor.flush(&mut output);
        }
        match compressed {
            Ok(()) => self.send_compressed(output),
            Err(error) => {
                log::error!("a response cannot be compressed: {error}");
                self.fail();
                WriteStatus::Closed
            }
        }
    }

    fn send_compressed(&mut self, output: Vec<u8>) -> WriteStatus {
        if output.is_empty() {
            return self.status();
        }
        self.outgoing.send(output.len(), |transport| transport.write_chunk(output))
    }

    /// The body cannot be ended as it should: the connection ends, so that the client knows.
    pub(super) fn fail(&mut self) {
        self.compressor = None;
        if !std::mem::replace(&mut self.is_finished, true) && self.outgoing.encoder.take().is_some() {
            self.outgoing.steering.response_ended(false);
        }
    }

    /// Has what is written compressed.
    pub(super) fn compressing(mut self, compressor: Compressor) -> Self {
        self.compressor = Some(Box::new(compressor));
        self
    }

    fn status(&self) -> WriteStatus {
        match (self.is_open(), self.outgoing.is_paused.get()) {
            (false, _) => WriteStatus::Closed,
            (true, true) => WriteStatus::Paused,
            (true, false) => WriteStatus::Accepted,
        }
    }

    /// Ends the body. What is written afterwards goes nowhere.
    pub fn finish(&mut self) {
        self.finish_with_trailers(&Fields::new());
    }

    /// Ends the body, with trailers (RFC 9110, section 6.5) after it. They are sent only if the body is in chunks.
    pub fn finish_with_trailers(&mut self, trailers: &Fields) {
        if let Some(compressor) = self.compressor.take() {
            let mut output = Vec::new();
            match compressor.finish(&mut output) {
                Ok(()) => drop(self.send_compressed(output)),
                Err(error) => {
                    log::error!("a response cannot be compressed: {error}");
                    return self.fail();
                }
            }
        }
        if std::mem::replace(&mut self.is_finished, true) {
            return;
        }
        let Some(mut encoder) = self.outgoing.encoder.take() else { return };
        let mut end = Vec::new();
        let ended = encoder.end(trailers, &mut end);
        if let Err(error) = &ended {
            log::error!("a response ends the connection: {error}");
        } else {
            self.outgoing.transport.write(&end);
        }
        self.outgoing.steering.response_ended(ended.is_ok());
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
        if self.is_open() && self.outgoing.is_paused.get() {
            self.outgoing.waker.set(Some(context.waker().clone()));
            return Poll::Pending;
        }
        Poll::Ready(self.is_open())
    }

    /// The connection that the body goes to.
    pub fn transport(&self) -> &Transport {
        &self.outgoing.transport
    }

    pub(super) fn pull_from(self, producer: impl BodyProducer) {
        let transport = self.outgoing.transport.clone();
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
                    log::error!("a response ends the connection: {}", failure.to_string().escape_debug());
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
        f.debug_struct("BodyWriter").field("open", &self.is_open()).field("sent", &self.outgoing.sent.get()).finish()
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
