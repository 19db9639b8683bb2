//! Responses that are compressed on their way.

use std::fmt;
use std::rc::Rc;

use lariat::{Reactor, Semaphore};

use super::compressed_body::Piece;
use super::compression::Compression;
use super::compressor::Compressor;
use super::compressors::{CompressorSlot, Compressors};
use super::content_coding::{AcceptedCodings, ContentCoding};
use super::handler::{Answer, AnyHandler, Handler, erase};
use super::request::Request;
use super::response::Response;
use super::response_body::{Body, Content};
use super::router::Routed;
use super::status::Status;

/// Compresses the responses of another handler, in the best coding that the client takes and that is [built in](Compressor::AVAILABLE).
///
/// A response is left as it is if its type [would not get smaller](super::is_compressible), if it is shorter than 256 bytes, has a
/// `Content-Encoding`, says `no-transform`, or is a part of a resource. A response that another client would get compressed has
/// `Vary: Accept-Encoding`. A compressed one has a weak `ETag`, because its bytes may differ from one time to the next, and no ranges: a
/// request for a range of it gets all of it. [`Files`](super::Files) compares validators with that tag; other handlers can ask
/// [`Request::will_be_compressed`].
///
/// A body that is [written](Body::writer) piece by piece is compressed as it comes: each small piece is sent immediately, so that an event
/// reaches the client when it happens. Pieces from 8 KiB on, and files, are compressed by threads of the reactor's pool in steps of 64 KiB,
/// by one thread fewer than the machine has processors, so that other connections do not wait.
///
/// Each compressed response that is being sent has a [`Compressor`], and so its memory. There are at most
/// [64](Self::with_max_compressors) at a time; further responses are sent as they are.
///
/// ```
/// use lariat_protocols::http::{Compressed, Request, Router, Server};
///
/// let mut router = Router::new();
/// router.get("/story", |_: &mut Request<'_>| "Once upon a time. ".repeat(100));
/// let server = Server::new(Compressed::new(router));
/// ```
#[doc(alias = "EncodingResourceWrapper")]
#[doc(alias = "GzipEncoderFactory")]
pub struct Compressed {
    handler: Box<AnyHandler>,
    compressors: Rc<Compressors>,
}

/// The most bytes of a body in memory that are compressed on the loop, in about 0.2 ms. Longer ones are compressed by threads.
const COMPRESSED_ON_LOOP: usize = 8 * 1024;

impl Compressed {
    /// The default of [`with_max_compressors`](Self::with_max_compressors).
    pub const MAX_COMPRESSORS: usize = 64;

    /// Compresses the responses of `handler`.
    pub fn new<Kind>(handler: impl Handler<Kind>) -> Self {
        Self { handler: erase(handler), compressors: Rc::new(Compressors::new(Self::MAX_COMPRESSORS)) }
    }

    /// Sets how many responses can be compressed at a time, each with the memory of a [`Compressor`]; further ones are sent as they are.
    /// Default: 64.
    #[must_use]
    pub fn with_max_compressors(mut self, compressors: usize) -> Self {
        self.compressors = Rc::new(Compressors::new(compressors));
        self
    }
}

impl Handler<Routed> for Compressed {
    fn handle(&self, request: &mut Request<'_>) -> Answer {
        let accepted = AcceptedCodings::read(request.head().headers());
        let coding = accepted.best_of(Compressor::AVAILABLE).filter(|_| self.compressors.has_room());
        let compression = Compression { coding };
        request.set_compression(compression);
        let is_head = request.method() == "HEAD";
        let (compressors, reactor) = (self.compressors.clone(), request.reactor().clone());
        (self.handler)(request).map(move |response| match coding {
            _ if !could_be_compressed(&response, compression) => response,
            None => varying(response),
            // The head is that of the response to GET; no body has to be compressed.
            Some(coding) if is_head => encoded(varying(response), coding).with_body(Body::writer(drop)),
            Some(coding) => compress(varying(response), coding, &compressors, &reactor),
        })
    }
}

impl fmt::Debug for Compressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressed").field("compressors", &self.compressors).finish_non_exhaustive()
    }
}

/// Compresses the body, unless other responses have all compressors by now.
fn compress(response: Response, coding: ContentCoding, compressors: &Rc<Compressors>, reactor: &Reactor) -> Response {
    let Some((compressor, slot)) = compressors.start(coding) else { return response };
    let threads = compressors.threads(reactor).clone();
    encoded(response, coding).map_body(|body| compress_body(body, compressor, slot, threads))
}

/// Sets the headers of a compressed response.
fn encoded(mut response: Response, coding: ContentCoding) -> Response {
    let fields = response.fields_mut();
    // The names and values can stand in a header.
    let _ = fields.set("Content-Encoding", coding.name());
    fields.remove("Accept-Ranges");
    if let Some(tag) = fields.headers().get("ETag").filter(|tag| !tag.starts_with(b"W/")) {
        let weak = [b"W/", tag].concat();
        let _ = fields.set("ETag", weak);
    }
    response
}

fn could_be_compressed(response: &Response, compression: Compression) -> bool {
    let headers = response.fields().headers();
    response.status() != Status::PARTIAL_CONTENT
        && response.status().allows_body()
        && headers
            .get_str("Content-Type")
            .is_some_and(|content_type| compression.applies(content_type, response.body().length(), headers))
}

/// Adds `Vary`: another client may get another form.
fn varying(mut response: Response) -> Response {
    let is_said = |value: &[u8]| {
        let value = value.to_ascii_lowercase();
        value == b"*" || memchr::memmem::find(&value, b"accept-encoding").is_some()
    };
    let fields = response.fields_mut();
    if !fields.headers().get_all("Vary").any(is_said) {
        let _ = fields.append("Vary", "Accept-Encoding");
    }
    response
}

fn compress_body(body: Body, mut compressor: Compressor, slot: CompressorSlot, threads: Semaphore) -> Body {
    if let Some(bytes) = body.as_bytes()
        && bytes.len() <= COMPRESSED_ON_LOOP
    {
        let mut output = Vec::new();
        let compressed = compressor.write(bytes, &mut output).and_then(|()| compressor.finish(&mut output));
        return match compressed {
            Ok(()) => Body::from(output),
            // The head has a coding in it by now, so the body cannot be sent as it is: the connection ends.
            Err(error) => Body::writer(move |_| {
                super::logging::log_failure(format_args!("a response cannot be compressed: {error}"));
            }),
        };
    }
    let piece = match body.0 {
        Content::Streamed { start, .. } => {
            return Body::writer(move |writer| start(writer.compressing(compressor, slot, threads)));
        }
        Content::File(file, range) => Piece::File(file, range),
        Content::Static(bytes) => Piece::Bytes(bytes.into()),
        Content::Owned(bytes) => Piece::Bytes(bytes.into()),
        Content::Shared(bytes) => Piece::Bytes(bytes),
        other @ (Content::Empty | Content::Page) => return Body(other),
    };
    Body::writer(move |writer| {
        let mut writer = writer.compressing(compressor, slot, threads);
        writer.write_piece(piece);
        writer.finish();
    })
}
