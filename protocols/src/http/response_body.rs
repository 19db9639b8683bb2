//! What stands in a response after its head.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use lariat::Failure;

use super::body_writer::{BodyProducer, BodyWriter};
use super::server_connection::ResponseLength;

/// The body of a response.
///
/// - **All of it**: text and bytes, by `into()`; [`file`](Self::file).
/// - **As it comes**: [`written_by`](Self::written_by), of an async function; [`stream`](Self::stream), of an async stream;
///   [`producer`](Self::producer), of what is asked for more; and [`writer`](Self::writer), which is all of them: a handle to be written to
///   from anywhere.
///
/// A body that comes as it comes is sent in chunks, unless its length [is known](Self::with_length); to a client that knows HTTP/1.0
/// alone, up to the connection's end.
#[derive(Default)]
pub struct Body(pub(super) Content);

#[derive(Default)]
pub(super) enum Content {
    #[default]
    Empty,
    /// The server's own page for the status.
    Page,
    Static(&'static [u8]),
    Owned(Vec<u8>),
    Shared(Bytes),
    File(Arc<File>, Range<u64>),
    Streamed {
        start: Box<Start>,
        length: Option<u64>,
    },
}

/// Gets the writer once the head has been sent.
type Start = dyn FnOnce(BodyWriter);

impl Body {
    /// None.
    pub const fn empty() -> Self {
        Self(Content::Empty)
    }

    /// The page that the server has for the status.
    pub(super) const fn page() -> Self {
        Self(Content::Page)
    }

    /// The bytes `range` of a file, which are sent without going through this process. Should the file end before that, the connection is
    /// lost, for the client was promised more.
    pub fn file(file: impl Into<Arc<File>>, range: Range<u64>) -> Self {
        Self(Content::File(file.into(), range))
    }

    /// What `start` writes: it gets the [`BodyWriter`] once the head has been sent, which it may keep anywhere on the loop's thread. It is
    /// not called if nobody wants the body: for HEAD.
    pub fn writer(start: impl FnOnce(BodyWriter) + 'static) -> Self {
        Self(Content::Streamed { start: Box::new(start), length: None })
    }

    /// What an async function writes, which runs as a task on the reactor. When it is done, the body has ended; an error of it ends the connection,
    /// so that the client knows that the body is not whole, and is logged. If the client goes, it is dropped where it waits.
    ///
    /// ```
    /// use lariat::Failure;
    /// use lariat_protocols::http::{Body, Request, Response, Router};
    ///
    /// let mut router = Router::new();
    /// router.get("/numbers", |_: &mut Request<'_>| {
    ///     Response::text(Body::written_by(async |body| {
    ///         for number in 0..100_000 {
    ///             // Not faster than the client reads.
    ///             body.ready().await;
    ///             body.write(format!("{number}\n"));
    ///         }
    ///         Ok::<_, Failure>(())
    ///     }))
    /// });
    /// ```
    pub fn written_by<E>(write: impl AsyncFnOnce(&mut BodyWriter) -> Result<(), E> + 'static) -> Self
    where
        E: Into<Failure> + 'static,
    {
        Self::writer(move |writer| writer.be_written_by(write))
    }

    /// What `producer` writes when it is asked for more.
    #[doc(alias = "registerProducer")]
    pub fn producer(producer: impl BodyProducer) -> Self {
        Self::writer(move |writer| writer.pull_from(producer))
    }

    /// What an async stream gives. It is polled only while the client keeps up. An error of it ends the connection, so that the client knows
    /// that the body is not whole; it is logged.
    pub fn stream<B, E>(stream: impl Stream<Item = Result<B, E>> + 'static) -> Self
    where
        B: Into<Bytes> + 'static,
        E: Into<Failure> + 'static,
    {
        Self::writer(move |writer| writer.send_all(Box::pin(stream) as Pin<Box<dyn Stream<Item = Result<B, E>>>>))
    }

    /// Announces that a body which comes as it comes will have so many bytes. If it then has others, the connection ends.
    #[must_use]
    pub fn with_length(self, bytes: u64) -> Self {
        match self.0 {
            Content::Streamed { start, .. } => Self(Content::Streamed { start, length: Some(bytes) }),
            other => Self(other),
        }
    }

    /// How many bytes it has, if that is known.
    pub fn length(&self) -> Option<u64> {
        match &self.0 {
            Content::Empty => Some(0),
            Content::Page => None,
            Content::Static(bytes) => Some(bytes.len() as u64),
            Content::Owned(bytes) => Some(bytes.len() as u64),
            Content::Shared(bytes) => Some(bytes.len() as u64),
            Content::File(_, range) => Some(range.end.saturating_sub(range.start)),
            Content::Streamed { length, .. } => *length,
        }
    }

    /// The bytes themselves, if they are all there.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Content::Empty => Some(&[]),
            Content::Static(bytes) => Some(bytes),
            Content::Owned(bytes) => Some(bytes),
            Content::Shared(bytes) => Some(bytes),
            Content::Page | Content::File(..) | Content::Streamed { .. } => None,
        }
    }

    #[inline]
    pub(super) fn response_length(&self) -> ResponseLength {
        self.length().map_or(ResponseLength::Unknown, ResponseLength::Known)
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

impl From<&'static str> for Body {
    #[inline]
    fn from(text: &'static str) -> Self {
        Self(Content::Static(text.as_bytes()))
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Content::Static(bytes))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(Content::Owned(text.into_bytes()))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Content::Owned(bytes))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Content::Shared(bytes))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Content::Empty => "empty",
            Content::Page => "page",
            Content::Static(_) | Content::Owned(_) | Content::Shared(_) => "bytes",
            Content::File(..) => "file",
            Content::Streamed { .. } => "streamed",
        };
        f.debug_struct("Body").field("kind", &kind).field("length", &self.length()).finish()
    }
}
