//! The client's side of a connection, without input and output.

use std::sync::Arc;

use super::body::{BodyDecoder, BodyEncoder, Piece};
use super::error::HttpError;
use super::fields::{Fields, Headers, InvalidField};
use super::grammar::is_token;
use super::head::{BodyLength, ResponseHead};
use super::limits::Limits;
use super::parser::{self, Answered};
use super::scanner::{HeadBuffer, Section};
use super::status::Status;

/// The client's side of an HTTP/1.1 connection: requests go in, and bytes come out; bytes go in as they come, in pieces of any size, and
/// responses come out. It does no input or output and reads no clock. One request is on its way at a time.
///
/// - **Asking**: [`request`](Self::request), and what the [`BodyEncoder`] says.
/// - **Receiving**: [`next`](Self::next) for every piece of input, until it gives `None`; [`end_of_input`](Self::end_of_input).
/// - **Knowing**: [`is_idle`](Self::is_idle), [`keeps_alive`](Self::keeps_alive).
///
/// ```
/// use lariat_protocols::http::{BodyLength, ClientConnection, Fields, Limits, ResponseEvent};
///
/// let mut connection = ClientConnection::new(Limits::default().into());
/// let mut output = Vec::new();
/// connection.request("GET", "/hello", "example.org", &Fields::new(), BodyLength::None, &mut output)?;
/// assert_eq!(output, b"GET /hello HTTP/1.1\r\nHost: example.org\r\n\r\n");
///
/// let mut input = &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"[..];
/// let Some(ResponseEvent::Head(head)) = connection.next(&mut input)? else { panic!("there is a head") };
/// assert_eq!(head.status().code(), 200);
/// assert!(matches!(connection.next(&mut input)?, Some(ResponseEvent::Data(b"hi"))));
/// assert!(matches!(connection.next(&mut input)?, Some(ResponseEvent::End(_))));
/// assert!(connection.is_idle());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ClientConnection {
    limits: Arc<Limits>,
    buffer: HeadBuffer,
    body: Option<Box<BodyDecoder>>,
    receive: Receive,
    answered: Answered,
    keeps_alive: bool,
    /// Informational responses to the request that is on its way.
    informational: u32,
}

/// ```text
///   Idle ── request ──▶ Head ── a head ──▶ Body ── its end ──▶ Idle       Over: after an error, an upgrade, the last response
///                        ▲ │                  ▲
///                        └─┘ an informational └ one without a body ends at the next call
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Receive {
    Idle,
    Head,
    Body,
    Over,
}

/// What has come.
#[derive(Copy, Clone, Debug)]
pub enum ResponseEvent<'a> {
    /// A response that is not the final one, such as `100 Continue`.
    Informational(ResponseHead<'a>),
    /// The response's head. One without a body is followed by its end all the same.
    Head(ResponseHead<'a>),
    /// A piece of its body, at least one byte.
    Data(&'a [u8]),
    /// The end of the response, with the trailers that came after its body.
    End(Headers<'a>),
    /// The connection speaks another protocol from here on: after a 101, or a success of CONNECT. What follows in the input is for that.
    Switched(ResponseHead<'a>),
}

/// Why a request cannot be sent.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// The method is no token.
    Method,
    /// The target has a space, a control character or something other than ASCII in it, or is empty.
    Target,
    /// The host cannot stand in a header.
    Host(InvalidField),
    /// Another request is on its way, or the connection takes none any more.
    NotIdle,
    /// A request's body cannot end with the connection, for the response would have no way.
    EndlessBody,
}

impl std::fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Method => f.write_str("the method is no token"),
            Self::Target => f.write_str("the target has something in it that no target may have"),
            Self::Host(error) => write!(f, "the host cannot be sent: {error}"),
            Self::NotIdle => f.write_str("the connection takes no request now"),
            Self::EndlessBody => f.write_str("a request's body cannot end with the connection"),
        }
    }
}

impl std::error::Error for InvalidRequest {}

impl ClientConnection {
    /// A connection on which nothing has been asked yet.
    pub fn new(limits: Arc<Limits>) -> Self {
        Self {
            limits,
            buffer: HeadBuffer::default(),
            body: None,
            receive: Receive::Idle,
            answered: Answered::Other,
            keeps_alive: true,
            informational: 0,
        }
    }

    /// Appends to `out` the head of a request. `target` is a path with perhaps a query, as a rule. The encoder tells how to send the body.
    ///
    /// # Errors
    ///
    /// When it could be understood as something else than the request that is meant, or no request may be sent now; then nothing is appended.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        host: &str,
        fields: &Fields,
        length: BodyLength,
        out: &mut Vec<u8>,
    ) -> Result<BodyEncoder, InvalidRequest> {
        if self.receive != Receive::Idle || !self.keeps_alive {
            return Err(InvalidRequest::NotIdle);
        }
        if length == BodyLength::UntilClose {
            return Err(InvalidRequest::EndlessBody);
        }
        if !is_token(method.as_bytes()) {
            return Err(InvalidRequest::Method);
        }
        if target.is_empty() || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidRequest::Target);
        }
        let mut first = Fields::new();
        if !fields.contains("Host") {
            first.append("Host", host).map_err(InvalidRequest::Host)?;
        }
        for part in [method, " ", target, " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(first.headers().as_bytes());
        out.extend_from_slice(fields.headers().as_bytes());
        match length {
            BodyLength::UntilClose => {}
            BodyLength::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            // A method that usually has a body says that it has none (RFC 9110, section 8.6).
            BodyLength::None if !matches!(method, "POST" | "PUT" | "PATCH") => {}
            BodyLength::None => out.extend_from_slice(b"Content-Length: 0\r\n"),
            BodyLength::Known(length) => {
                out.extend_from_slice(b"Content-Length: ");
                out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
                out.extend_from_slice(b"\r\n");
            }
        }
        out.extend_from_slice(b"\r\n");
        self.answered = match method {
            "HEAD" => Answered::Head,
            "CONNECT" => Answered::Connect,
            _ => Answered::Other,
        };
        self.receive = Receive::Head;
        self.informational = 0;
        Ok(BodyEncoder::new(length))
    }

    /// What comes next in `input`, which is moved forward past it; `None` when more input is needed, or nothing was asked.
    ///
    /// # Errors
    ///
    /// When the server sent what is no response, or more than the limits allow. Nothing that follows is looked at.
    pub fn next<'a, 'input: 'a>(
        &'a mut self,
        input: &mut &'input [u8],
    ) -> Result<Option<ResponseEvent<'a>>, HttpError> {
        let Self { limits, buffer, body, receive, answered, keeps_alive, informational } = self;
        let next = match *receive {
            Receive::Idle | Receive::Over => return Ok(None),
            Receive::Head if input.is_empty() => return Ok(None),
            Receive::Head => match buffer.next(input, limits.head, Section::Head) {
                Ok(None) => return Ok(None),
                Ok(Some(raw)) => parser::response(raw, *answered, limits).and_then(|head| {
                    let tunnels = *answered == Answered::Connect && head.status.is_success();
                    if head.status == Status::SWITCHING_PROTOCOLS || tunnels {
                        *receive = Receive::Over;
                        *keeps_alive = false;
                        return Ok(Some(ResponseEvent::Switched(head)));
                    }
                    if head.status.is_informational() {
                        *informational += 1;
                        if *informational > limits.informational {
                            return Err(HttpError::TooManyInformational);
                        }
                        return Ok(Some(ResponseEvent::Informational(head)));
                    }
                    *keeps_alive &= head.keep_alive;
                    *body = BodyDecoder::new(head.body, limits).map(Box::new);
                    *receive = Receive::Body;
                    Ok(Some(ResponseEvent::Head(head)))
                }),
                Err(error) => Err(error),
            },
            Receive::Body => match body {
                None => Ok(Some(Piece::End(Headers::default()))),
                Some(body) => body.next(input, buffer, limits),
            }
            .map(|piece| {
                piece.map(|piece| match piece {
                    Piece::Data(data) => ResponseEvent::Data(data),
                    Piece::End(trailers) => {
                        *body = None;
                        *receive = if *keeps_alive { Receive::Idle } else { Receive::Over };
                        ResponseEvent::End(trailers)
                    }
                })
            }),
        };
        if next.is_err() {
            *receive = Receive::Over;
            *keeps_alive = false;
        }
        next
    }

    /// The server will send nothing more. Returns whether that is the end of a response, which has a body up to the connection's end.
    ///
    /// # Errors
    ///
    /// When it is in the middle of a response, or before one that is waited for.
    pub fn end_of_input(&mut self) -> Result<bool, HttpError> {
        let receive = std::mem::replace(&mut self.receive, Receive::Over);
        self.keeps_alive = false;
        match receive {
            Receive::Idle | Receive::Over => Ok(false),
            Receive::Body if self.body.as_ref().is_some_and(|body| body.is_until_close()) => Ok(true),
            Receive::Head | Receive::Body => Err(HttpError::UnexpectedEnd),
        }
    }

    /// Can the next request be sent?
    pub fn is_idle(&self) -> bool {
        self.receive == Receive::Idle && self.keeps_alive
    }

    /// May another request follow the one that is on its way, as far as is known?
    pub fn keeps_alive(&self) -> bool {
        self.keeps_alive
    }
}
