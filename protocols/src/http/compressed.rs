//! Responses that are compressed on their way.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::body_writer::{BodyProducer, BodyWriter};
use super::compressor::Compressor;
use super::content_coding::{AcceptedCodings, ContentCoding};
use super::content_type::is_compressible;
use super::handler::{Answer, AnyHandler, Handler, erase};
use super::request::Request;
use super::response::Response;
use super::response_body::{Body, Content};
use super::router::Routed;
use super::status::Status;

/// Compresses what another handler answers, in the best coding that the client takes and this is built with: see [`Compressor::AVAILABLE`].
///
/// It leaves alone what [would not get smaller](is_compressible) by its type, what is shorter than 256 bytes, what has a `Content-Encoding`
/// already or says `no-transform`, and parts of a resource. What could be compressed says so to caches, with `Vary`; what is compressed has a
/// weak `ETag`, for it is not the same to the byte, and no ranges.
///
/// A body that is [written](Body::writer) as it comes is compressed as it comes: each small piece is handed on at once, so that an event reaches the
/// client when it happens; large ones are handed on when that compresses well.
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
}

/// Below this a packet is no shorter for it.
const SHORTEST: u64 = 256;

/// How much of a file is read and compressed in one go: a few milliseconds of work at the most.
const PIECE: usize = 64 * 1024;

impl Compressed {
    /// Compresses what `handler` answers.
    pub fn new<Kind>(handler: impl Handler<Kind>) -> Self {
        Self { handler: erase(handler) }
    }
}

impl Handler<Routed> for Compressed {
    fn handle(&self, request: &mut Request<'_>) -> Answer {
        let accepted = AcceptedCodings::read(request.head().headers());
        let coding = accepted.best_of(Compressor::AVAILABLE);
        (self.handler)(request).map(move |response| compress(response, coding))
    }
}

impl fmt::Debug for Compressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressed").finish_non_exhaustive()
    }
}

fn compress(mut response: Response, coding: Option<ContentCoding>) -> Response {
    if !could_be_compressed(&response) {
        return response;
    }
    vary(&mut response);
    let Some((coding, compressor)) = coding.and_then(|coding| Some((coding, Compressor::new(coding)?))) else {
        return response;
    };
    let fields = response.fields_mut();
    // Its name and those that come after it can stand in a header.
    let _ = fields.set("Content-Encoding", coding.name());
    fields.remove("Accept-Ranges");
    if let Some(tag) = fields.headers().get("ETag").filter(|tag| !tag.starts_with(b"W/")) {
        let weak = [b"W/", tag].concat();
        let _ = fields.set("ETag", weak);
    }
    response.map_body(|body| compress_body(body, compressor))
}

fn could_be_compressed(response: &Response) -> bool {
    let fields = response.fields().headers();
    let says_no = |value: &[u8]| memchr::memmem::find(&value.to_ascii_lowercase(), b"no-transform").is_some();
    response.status() != Status::PARTIAL_CONTENT
        && response.status().allows_body()
        && response.body().length().is_none_or(|length| length >= SHORTEST)
        && fields.get_str("Content-Type").is_some_and(is_compressible)
        && !fields.contains("Content-Encoding")
        && !fields.contains("Content-Range")
        && !fields.get_all("Cache-Control").any(says_no)
}

/// Says that another client may get another form.
fn vary(response: &mut Response) {
    let says_so = |value: &[u8]| {
        let value = value.to_ascii_lowercase();
        value == b"*" || memchr::memmem::find(&value, b"accept-encoding").is_some()
    };
    let fields = response.fields_mut();
    if !fields.headers().get_all("Vary").any(says_so) {
        let _ = fields.append("Vary", "Accept-Encoding");
    }
}

fn compress_body(body: Body, mut compressor: Compressor) -> Body {
    if let Some(bytes) = body.as_bytes() {
        let mut output = Vec::new();
        let compressed = compressor.write(bytes, &mut output).and_then(|()| compressor.finish(&mut output));
        return match compressed {
            Ok(()) => Body::from(output),
            // The head has a coding in it by now, so the body cannot be sent as it is: the connection ends.
            Err(error) => Body::writer(move |_| log::error!("a response cannot be compressed: {error}")),
        };
    }
    match body.0 {
        Content::File(file, range) => Body::writer(move |writer| {
            writer.compressing(compressor).pull_from(FilePieces { file, range });
        }),
        Content::Streamed { start, .. } => Body::writer(move |writer| start(writer.compressing(compressor))),
        other => Body(other),
    }
}

/// Reads a file as fast as the client takes what becomes of it.
struct FilePieces {
    file: Arc<File>,
    range: Range<u64>,
}

impl BodyProducer for FilePieces {
    fn produce(&mut self, body: &mut BodyWriter) {
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        let mut piece = vec![0; left.min(PIECE)];
        match self.file.read_exact_at(&mut piece, self.range.start) {
            Ok(()) => {
                self.range.start += piece.len() as u64;
                body.write(&piece);
            }
            Err(error) => {
                log::error!("a file cannot be read: {error}");
                return body.fail();
            }
        }
        if self.range.is_empty() {
            body.finish();
        }
    }
}
