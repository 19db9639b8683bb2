//! The server's side of a connection, without input and output.

use std::sync::Arc;

use super::body::{BodyDecoder, BodyEncoder, Piece};
use super::error::HttpError;
use super::fields::Headers;
use super::head::{BodyLength, RequestHead, Version};
use super::limits::Limits;
use super::parser;
use super::scanner::{HeadBuffer, Section};
use super::status::Status;

/// The server's side of an HTTP/1.1 connection: bytes go in as they come, in pieces of any size, and requests come out; responses go in,
/// and bytes come out. It does no input or output and reads no clock.
///
/// - **Receiving**: [`next`](Self::next) for every piece of input, until it gives `None`; [`end_of_input`](Self::end_of_input).
/// - **Answering**: [`inform`](Self::inform), then [`respond`](Self::respond), once for each request, and what the [`BodyEncoder`] says.
/// - **Going on**: [`finish`](Self::finish), once all of the response has been sent.
/// - **Knowing**: [`keeps_alive`](Self::keeps_alive), [`has_begun_head`](Self::has_begun_head), [`is_receiving`](Self::is_receiving).
///
/// Requests may be pipelined: one is in hand at a time, and the next one stays in the input until the response has been sent
/// and the body has been read to its end. After an error nothing more can be understood: answer its status, and close.
///
/// ```
/// use lariat_protocols::http::{Fields, Limits, RequestEvent, ResponseLength, ServerConnection, Status};
///
/// let mut connection = ServerConnection::new(Limits::default().into());
/// let mut input = &b"GET /hello HTTP/1.1\r\nHost: here\r\n\r\nGET"[..];
/// let Some(RequestEvent::Head(head)) = connection.next(&mut input)? else { panic!("there is a head") };
/// assert_eq!((head.method(), head.path(), head.host()), ("GET", "/hello", Some("here")));
/// let mut output = Vec::new();
/// connection.respond(Status::OK, &[], ResponseLength::Known(2), &mut output);
/// output.extend_from_slice(b"hi");
/// connection.finish();
/// assert_eq!(output, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
/// assert!(connection.next(&mut input)?.is_none());
/// # Ok::<(), lariat_protocols::http::HttpError>(())
/// ```
#[derive(Debug)]
pub struct ServerConnection {
    limits: Arc<Limits>,
    buffer: HeadBuffer,
    state: State,
}

/// How far the connection has got.
#[derive(Debug)]
struct State {
    body: Option<Box<BodyDecoder>>,
    requests: u32,
    /// Empty lines skipped since the last request.
    empty_lines: u8,
    receive: Receive,
    request: Request,
}

/// ```text
///   Head ── a head ──▶ Body ── its end ──▶ Complete ── finish ──▶ Head
///     │                                      ▲
///     └──────────── one without a body ──────┘        Over: after an error, an upgrade, the last response
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Receive {
    Head,
    Body,
    Complete,
    Over,
}

/// What the response has to know of the request in hand.
#[derive(Copy, Clone, Debug)]
struct Request {
    version: Version,
    is_head: bool,
    is_connect: bool,
    keeps_alive: bool,
    /// The client waits for `100 Continue`, or the final response.
    waits_for_continue: bool,
    is_answered: bool,
}

impl Request {
    const NONE: Self = Self {
        version: Version::Http11,
        is_head: false,
        is_connect: false,
        keeps_alive: true,
        waits_for_continue: false,
        is_answered: false,
    };
}

impl State {
    /// A request has come.
    #[inline(always)]
    fn begin(&mut self, head: &RequestHead<'_>, limits: &Limits) {
        self.requests += 1;
        self.empty_lines = 0;
        self.request = Request {
            version: head.version,
            is_head: head.method == "HEAD",
            is_connect: head.method == "CONNECT",
            keeps_alive: head.keep_alive && self.requests < limits.requests,
            waits_for_continue: head.expects_continue,
            is_answered: false,
        };
        self.receive = Receive::Complete;
        if let Some(decoder) = BodyDecoder::new(head.body, limits) {
            self.body = Some(Box::new(decoder));
            self.receive = Receive::Body;
        }
    }

    /// A head of which not all has come at once, or with which something is wrong: the buffer finds out first where it ends.
    #[cold]
    #[inline(never)]
    fn next_late_head<'a, 'input: 'a>(
        &mut self,
        buffer: &'a mut HeadBuffer,
        input: &mut &'input [u8],
        limits: &Limits,
    ) -> Result<Option<RequestEvent<'a>>, HttpError> {
        let left = limits.empty_lines.saturating_sub(self.empty_lines);
        let skipped = buffer.skip_empty_lines(input, usize::from(left).saturating_add(1));
        self.empty_lines = self.empty_lines.saturating_add(u8::try_from(skipped).unwrap_or(u8::MAX));
        let whole = *input;
        let head = if skipped > usize::from(left) {
            Err(HttpError::MalformedStartLine)
        } else {
            match buffer.next(input, limits.head, Section::Head) {
                Ok(None) => return Ok(None),
                Ok(Some(raw)) => parser::request(raw, limits),
                Err(error) => Err(error),
            }
        };
        match head {
            Ok((head, _)) => {
                self.begin(&head, limits);
                Ok(Some(RequestEvent::Head(head)))
            }
            Err(error) => {
                // What was refused is still there to be logged.
                *input = whole;
                self.receive = Receive::Over;
                self.request = Request { keeps_alive: false, ..Request::NONE };
                Err(error)
            }
        }
    }
}

/// What has come.
#[derive(Copy, Clone, Debug)]
pub enum RequestEvent<'a> {
    /// A request. One without a body is complete with it.
    Head(RequestHead<'a>),
    /// A piece of its body, at least one byte.
    Data(&'a [u8]),
    /// The end of its body, with the trailers that came after it.
    End(Headers<'a>),
}

/// What is known of the length of a response's body.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ResponseLength {
    /// There is none, and nothing is said of its length: for a status that allows none.
    None,
    /// So many bytes. A response to HEAD says so, and has no body.
    Known(u64),
    /// It ends when it ends: in chunks, or with the connection if the client knows HTTP/1.0 alone.
    Unknown,
}

impl ServerConnection {
    /// A connection on which nothing has come yet.
    pub fn new(limits: Arc<Limits>) -> Self {
        let state = State { body: None, requests: 0, empty_lines: 0, receive: Receive::Head, request: Request::NONE };
        Self { limits, buffer: HeadBuffer::default(), state }
    }

    /// What comes next in `input`, which is moved forward past it; `None` when more input is needed, or the request in hand is complete and
    /// has to be answered first. What is given are slices of the input or of the connection's own buffer.
    ///
    /// # Errors
    ///
    /// When the client sent what is no request, or more than the limits allow. Nothing that follows is looked at.
    #[inline(always)]
    pub fn next<'a, 'input: 'a>(&'a mut self, input: &mut &'input [u8]) -> Result<Option<RequestEvent<'a>>, HttpError> {
        match self.state.receive {
            Receive::Head if input.is_empty() => Ok(None),
            Receive::Head => self.next_head(input),
            Receive::Body => self.next_piece(input),
            Receive::Complete | Receive::Over => Ok(None),
        }
    }

    #[inline(always)]
    fn next_head<'a, 'input: 'a>(
        &'a mut self,
        input: &mut &'input [u8],
    ) -> Result<Option<RequestEvent<'a>>, HttpError> {
        let Self { limits, buffer, state } = self;
        let whole = *input;
        let window = &whole[..limits.head.min(whole.len())];
        // Nearly always all of a head is there, and nothing is wrong with it.
        if buffer.is_empty()
            && let Ok((head, length)) = parser::request(window, limits)
        {
            *input = &whole[length..];
            state.begin(&head, limits);
            return Ok(Some(RequestEvent::Head(head)));
        }
        state.next_late_head(buffer, input, limits)
    }

    fn next_piece<'a, 'input: 'a>(
        &'a mut self,
        input: &mut &'input [u8],
    ) -> Result<Option<RequestEvent<'a>>, HttpError> {
        let Some(body) = &mut self.state.body else { return Ok(None) };
        if !input.is_empty() {
            // It did not wait.
            self.state.request.waits_for_continue = false;
        }
        match body.next(input, &mut self.buffer, &self.limits) {
            Ok(None) => Ok(None),
            Ok(Some(Piece::Data(data))) => Ok(Some(RequestEvent::Data(data))),
            Ok(Some(Piece::End(trailers))) => {
                self.state.receive = Receive::Complete;
                self.state.body = None;
                Ok(Some(RequestEvent::End(trailers)))
            }
            Err(error) => {
                self.state.receive = Receive::Over;
                self.state.request.keeps_alive = false;
                Err(error)
            }
        }
    }

    /// The first line of a head that was refused or has not come to its end. `input` is what [`next`](Self::next) left.
    pub(super) fn refused_line<'a>(&'a self, input: &'a [u8]) -> &'a [u8] {
        let head = if self.buffer.collected().is_empty() { input } else { self.buffer.collected() };
        let line = head.strip_prefix(b"\r\n").unwrap_or(head);
        line.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default()
    }

    /// The client will send nothing more.
    ///
    /// # Errors
    ///
    /// When that is in the middle of a request.
    pub fn end_of_input(&mut self) -> Result<(), HttpError> {
        if self.has_begun_head() || self.is_receiving() {
            self.give_up();
            return Err(HttpError::UnexpectedEnd);
        }
        self.state.request.keeps_alive = false;
        Ok(())
    }

    /// Takes nothing more from the client: it was too slow, say. If no request is in hand, a response can still be sent, that says so.
    pub fn give_up(&mut self) {
        if self.state.receive == Receive::Head {
            self.state.request = Request::NONE;
        }
        self.state.request.keeps_alive = false;
        self.state.receive = Receive::Over;
    }

    /// Sets how many bytes the body of the request in hand may have, instead of [`Limits::body`]. To be called before any of it is read.
    pub fn set_body_limit(&mut self, bytes: u64) {
        if let Some(body) = &mut self.state.body {
            body.allow(bytes);
        }
    }

    /// Does the client wait for [`inform`](Self::inform) to say that it is to send the body?
    pub fn waits_for_continue(&self) -> bool {
        self.state.request.waits_for_continue && !self.state.request.is_answered
    }

    /// Appends to `out` a response that is not the final one, such as `100 Continue`. Nothing is appended if the client would not understand
    /// it, or the final response has been sent, or the status is no informational one.
    pub fn inform(&mut self, status: Status, fields: Headers<'_>, out: &mut Vec<u8>) {
        if self.state.request.version == Version::Http10 || self.state.request.is_answered || !status.is_informational()
        {
            return;
        }
        if status == Status::CONTINUE {
            self.state.request.waits_for_continue = false;
        }
        start_line(status, out);
        out.extend_from_slice(fields.as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    /// Is a response with that status to the request in hand no whole one, but the beginning of something: of another protocol, or of responses
    /// of which the last follows?
    #[inline]
    pub fn is_begun_by(&self, status: Status) -> bool {
        status.code() < 200 || (self.state.request.is_connect && status.is_success())
    }

    /// Appends to `out` the head of the response to the request in hand, with `fields` and what says where the body ends. The encoder
    /// tells how to send the body.
    ///
    /// The status 101, and a success of a CONNECT, end HTTP on the connection: what follows in the input is for another protocol.
    #[inline(always)]
    pub fn respond(
        &mut self,
        status: Status,
        fields: &[Headers<'_>],
        length: ResponseLength,
        out: &mut Vec<u8>,
    ) -> BodyEncoder {
        let request = &mut self.state.request;
        request.is_answered = true;
        if request.waits_for_continue {
            // It may send the body or not: only closing makes sure.
            request.keeps_alive = false;
        }
        start_line(status, out);
        for fields in fields {
            out.extend_from_slice(fields.as_bytes());
        }
        let tunnels = status == Status::SWITCHING_PROTOCOLS || (request.is_connect && status.is_success());
        if tunnels {
            self.state.receive = Receive::Over;
            let upgrade: &[u8] = if request.is_connect { b"\r\n" } else { b"Connection: upgrade\r\n\r\n" };
            out.extend_from_slice(upgrade);
            return BodyEncoder::DROPPED;
        }
        let encoder = match length {
            ResponseLength::Known(length) if status.allows_body() => {
                out.extend_from_slice(b"Content-Length: ");
                out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
                out.extend_from_slice(b"\r\n");
                BodyEncoder::new(BodyLength::Known(length))
            }
            ResponseLength::Unknown if status.allows_body() && request.version == Version::Http11 => {
                out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
                BodyEncoder::new(BodyLength::Chunked)
            }
            ResponseLength::Unknown if status.allows_body() => {
                request.keeps_alive &= request.is_head;
                BodyEncoder::new(BodyLength::UntilClose)
            }
            _ => BodyEncoder::DROPPED,
        };
        if !request.keeps_alive {
            out.extend_from_slice(b"Connection: close\r\n");
        } else if request.version == Version::Http10 {
            out.extend_from_slice(b"Connection: keep-alive\r\n");
        }
        out.extend_from_slice(b"\r\n");
        if request.is_head { BodyEncoder::DROPPED } else { encoder }
    }

    /// The response has been sent, all of it: the next request may come, once the body of this one has been read.
    #[inline]
    pub fn finish(&mut self) {
        match self.state.receive {
            Receive::Complete if self.state.request.keeps_alive => self.state.receive = Receive::Head,
            Receive::Complete => self.state.receive = Receive::Over,
            Receive::Head | Receive::Body | Receive::Over => {}
        }
    }

    /// The next response says that the connection closes after it, which the caller then does.
    pub fn close_after(&mut self) {
        self.state.request.keeps_alive = false;
    }

    /// May another request follow the one in hand?
    #[inline]
    pub fn keeps_alive(&self) -> bool {
        self.state.request.keeps_alive
    }

    /// Has the response to the request in hand begun?
    pub fn is_answered(&self) -> bool {
        self.state.request.is_answered
    }

    /// Is the request in hand still coming in?
    #[inline]
    pub fn is_receiving(&self) -> bool {
        self.state.receive == Receive::Body
    }

    /// How much of the body of the request in hand is still to come, if that is known.
    pub fn body_left(&self) -> Option<u64> {
        match &self.state.body {
            Some(body) => body.left(),
            None => Some(0),
        }
    }

    /// Has a part of a head come, and not all of it?
    #[inline]
    pub fn has_begun_head(&self) -> bool {
        self.state.receive == Receive::Head && self.buffer.has_begun()
    }

    /// Is no request in hand?
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.state.receive == Receive::Head
    }
}

#[inline]
fn start_line(status: Status, out: &mut Vec<u8>) {
    if status == Status::OK {
        // The most frequent one, whose length the compiler knows: that halves the copying.
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    match status.line() {
        Some(line) => out.extend_from_slice(line.as_bytes()),
        None => {
            out.extend_from_slice(b"HTTP/1.1 ");
            out.extend_from_slice(itoa::Buffer::new().format(status.code()).as_bytes());
            out.extend_from_slice(b" \r\n");
        }
    }
}
