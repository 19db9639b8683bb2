//! What stands before a body.

use std::fmt;
use std::ops::Range;

use super::fields::Headers;
use super::status::Status;

/// A version of HTTP that is spoken here.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0: a connection closes after a response, unless the request asks that it does not.
    Http10,
    /// HTTP/1.1.
    Http11,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
        })
    }
}

/// How a message says where its body ends (RFC 9112, section 6.3).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// There is no body.
    None,
    /// So many bytes, at least one.
    Known(u64),
    /// In chunks, with the end marked.
    Chunked,
    /// Up to the end of the stream. Only a response can have such a body.
    UntilClose,
}

/// The head of a request, as slices of the bytes that came: nothing is copied. [`to_owned`](Self::to_owned) copies it, in one allocation.
#[derive(Copy, Clone)]
pub struct RequestHead<'a> {
    /// From the method to the last header's line end.
    pub(super) raw: &'a [u8],
    pub(super) method: &'a str,
    pub(super) path: &'a [u8],
    pub(super) host: Option<&'a [u8]>,
    /// Where the target's question mark is, or else where the target ends.
    pub(super) before_query: usize,
    /// Where the first line ends.
    pub(super) line: usize,
    pub(super) body: BodyLength,
    pub(super) version: Version,
    pub(super) can_upgrade: bool,
    pub(super) keep_alive: bool,
    pub(super) expects_continue: bool,
}

impl<'a> RequestHead<'a> {
    /// The method, such as `GET`: a token, in the case in which it was sent, which matters.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The target as it was sent.
    #[doc(alias = "uri")]
    pub fn target(&self) -> &'a str {
        text(self.part(self.method.len() + 1))
    }

    /// The target's path, with its percent signs. `*` for an OPTIONS of the whole server, empty for a CONNECT, whose
    /// [`host`](Self::host) tells where to.
    pub fn path(&self) -> &'a str {
        text(self.path)
    }

    /// What follows the question mark in the target, with its percent signs.
    pub fn query(&self) -> Option<&'a str> {
        self.part(self.before_query).strip_prefix(b"?").map(text)
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The host that the request is for, and perhaps a port: the target's, if that is a whole URI, else Host. `None` only in HTTP/1.0.
    pub fn host(&self) -> Option<&'a str> {
        self.host.map(text)
    }

    /// The headers.
    pub fn headers(&self) -> Headers<'a> {
        Headers::checked(self.raw.get(self.line..).unwrap_or_default())
    }

    /// What the request would have the connection become (RFC 9110, section 7.8), if it asks for that and has no body.
    pub fn upgrade(&self) -> Option<&'a str> {
        self.headers().get_str("upgrade").filter(|_| self.can_upgrade)
    }

    /// Where the body ends.
    pub fn body_length(&self) -> BodyLength {
        self.body
    }

    /// May the connection go on after the response, as far as the request is concerned?
    pub fn wants_keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Does the client wait for `100 Continue` before it sends the body?
    pub fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// A copy to keep.
    pub fn to_owned(&self) -> OwnedRequestHead {
        OwnedRequestHead {
            raw: self.raw.into(),
            path: self.range(self.path()),
            host: self.host().map(|host| self.range(host)),
            method: self.method.len(),
            before_query: self.before_query,
            line: self.line,
            body: self.body,
            version: self.version,
            can_upgrade: self.can_upgrade,
            keep_alive: self.keep_alive,
            expects_continue: self.expects_continue,
        }
    }

    /// The target from that place on.
    fn part(&self, start: usize) -> &'a [u8] {
        self.raw.get(start..self.line - AFTER_TARGET).unwrap_or_default()
    }

    /// Where a part of the head stands in it. A path that was not sent has no place.
    fn range(&self, part: &str) -> Place {
        let start = (part.as_ptr() as usize).wrapping_sub(self.raw.as_ptr() as usize);
        match self.raw.get(start..start.wrapping_add(part.len())) {
            Some(_) => Place::Sent(start..start + part.len()),
            None if part == "/" => Place::Root,
            None if part == "*" => Place::Server,
            None => Place::Sent(0..0),
        }
    }
}

/// How long is what follows a target.
const AFTER_TARGET: usize = b" HTTP/1.1\r\n".len();

/// What was found to be ASCII, or it would have been refused.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("target", &self.target())
            .field("version", &self.version)
            .field("host", &self.host())
            .field("headers", &self.headers())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
enum Place {
    Sent(Range<usize>),
    /// What a target without a path stands for.
    Root,
    Server,
}

/// The head of a request, to keep: made by [`RequestHead::to_owned`].
#[derive(Clone)]
pub struct OwnedRequestHead {
    raw: Box<[u8]>,
    path: Place,
    host: Option<Place>,
    method: usize,
    before_query: usize,
    line: usize,
    body: BodyLength,
    version: Version,
    can_upgrade: bool,
    keep_alive: bool,
    expects_continue: bool,
}

impl OwnedRequestHead {
    /// It itself, to be looked at.
    pub fn head(&self) -> RequestHead<'_> {
        RequestHead {
            raw: &self.raw,
            method: self.text(&Place::Sent(0..self.method)),
            path: self.text(&self.path).as_bytes(),
            host: self.host.as_ref().map(|host| self.text(host).as_bytes()),
            before_query: self.before_query,
            line: self.line,
            body: self.body,
            version: self.version,
            can_upgrade: self.can_upgrade,
            keep_alive: self.keep_alive,
            expects_continue: self.expects_continue,
        }
    }

    fn text(&self, place: &Place) -> &str {
        match place {
            // It was text when its place was taken.
            Place::Sent(range) => std::str::from_utf8(&self.raw[range.clone()]).unwrap_or_default(),
            Place::Root => "/",
            Place::Server => "*",
        }
    }
}

impl fmt::Debug for OwnedRequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head().fmt(f)
    }
}

/// The head of a response, as slices of the bytes that came.
#[derive(Copy, Clone, Debug)]
pub struct ResponseHead<'a> {
    pub(super) version: Version,
    pub(super) status: Status,
    pub(super) reason: &'a str,
    pub(super) headers: Headers<'a>,
    pub(super) body: BodyLength,
    pub(super) keep_alive: bool,
}

impl<'a> ResponseHead<'a> {
    /// The version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What became of the request.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The words after the status, which mean nothing.
    pub fn reason(&self) -> &'a str {
        self.reason
    }

    /// The headers.
    pub fn headers(&self) -> Headers<'a> {
        self.headers
    }

    /// Where the body ends.
    pub fn body_length(&self) -> BodyLength {
        self.body
    }

    /// May the connection go on after this response, as far as the server is concerned?
    pub fn allows_keep_alive(&self) -> bool {
        self.keep_alive
    }
}
