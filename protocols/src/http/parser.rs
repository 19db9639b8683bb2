//! From the bytes of a head to what they say.

use std::mem::MaybeUninit;

use httparse::{Error as ParseError, Header, ParserConfig};
use memchr::memchr;

use super::error::HttpError;
use super::fields::{Headers, is_token, trim};
use super::head::{BodyLength, RequestHead, ResponseHead, Version};
use super::limits::Limits;
use super::status::Status;
use super::target::{Target, is_host};

/// The head of a request, from its first byte to its empty line.
pub(super) fn request<'a>(raw: &'a [u8], limits: &Limits) -> Result<RequestHead<'a>, HttpError> {
    let raw = raw.strip_prefix(b"\r\n").unwrap_or(raw);
    let mut storage = [const { MaybeUninit::<Header<'a>>::uninit() }; Limits::MOST_HEADERS];
    let storage = &mut storage[..limits.headers.min(Limits::MOST_HEADERS)];
    let mut parsed = httparse::Request::new(&mut []);
    let complete = ParserConfig::default().parse_request_with_uninit_headers(&mut parsed, raw, storage);
    match complete {
        Ok(httparse::Status::Complete(length)) if length == raw.len() => {}
        Ok(_) => return Err(HttpError::MalformedStartLine),
        Err(error) => return Err(diagnose(error, raw)),
    }
    let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version) else {
        return Err(HttpError::MalformedStartLine);
    };
    let version = if version == 0 { Version::Http10 } else { Version::Http11 };
    let said = Said::by(parsed.headers)?;
    let parts = Target::parse(method, target)?;
    let host = match said.host {
        Some(host) if !is_host(host) => return Err(HttpError::MalformedHost),
        None if version == Version::Http11 => return Err(HttpError::MissingHost),
        // It is ASCII if it is a host.
        host => parts.authority.or_else(|| host.and_then(|host| std::str::from_utf8(host).ok())),
    };
    let body = said.body_length(version)?.unwrap_or(BodyLength::None);
    if said.expects_other {
        return Err(HttpError::UnknownExpectation);
    }
    if method == "CONNECT" && body != BodyLength::None {
        return Err(HttpError::UnexpectedBody);
    }
    let (_, headers) = split_first_line(raw);
    let can_upgrade = said.connection_upgrade && version == Version::Http11 && body == BodyLength::None;
    Ok(RequestHead {
        raw: &raw[..raw.len() - 2],
        method,
        target,
        path: parts.path,
        query: parts.query,
        version,
        host,
        headers: Headers::checked(headers),
        upgrade: said.upgrade.filter(|_| can_upgrade),
        body,
        keep_alive: said.keeps_alive(version),
        expects_continue: said.expects_continue && version == Version::Http11 && body != BodyLength::None,
    })
}

/// What a response answers, which decides whether it has a body.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    Head,
    Connect,
    Other,
}

/// The head of a response to a request of that kind.
pub(super) fn response<'a>(raw: &'a [u8], answered: Answered, limits: &Limits) -> Result<ResponseHead<'a>, HttpError> {
    let raw = raw.strip_prefix(b"\r\n").unwrap_or(raw);
    let mut storage = [const { MaybeUninit::<Header<'a>>::uninit() }; Limits::MOST_HEADERS];
    let storage = &mut storage[..limits.headers.min(Limits::MOST_HEADERS)];
    let mut parsed = httparse::Response::new(&mut []);
    let complete = ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, raw, storage);
    match complete {
        Ok(httparse::Status::Complete(length)) if length == raw.len() => {}
        Ok(_) => return Err(HttpError::MalformedStartLine),
        Err(error) => return Err(diagnose(error, raw)),
    }
    let (Some(version), Some(status)) = (parsed.version, parsed.code.and_then(Status::from_code)) else {
        return Err(HttpError::MalformedStartLine);
    };
    let version = if version == 0 { Version::Http10 } else { Version::Http11 };
    let said = Said::by(parsed.headers)?;
    let length = said.body_length(version)?;
    let tunnel = answered == Answered::Connect && status.is_success();
    let body = match length {
        _ if answered == Answered::Head || tunnel || !status.allows_body() => BodyLength::None,
        Some(length) => length,
        None => BodyLength::UntilClose,
    };
    let (_, headers) = split_first_line(raw);
    Ok(ResponseHead {
        version,
        status,
        reason: parsed.reason.unwrap_or_default(),
        headers: Headers::checked(headers),
        body,
        keep_alive: said.keeps_alive(version) && body != BodyLength::UntilClose,
    })
}

/// Trailers, with their empty line.
pub(super) fn trailers<'a>(raw: &'a [u8], limits: &Limits) -> Result<Headers<'a>, HttpError> {
    const FORBIDDEN: [&str; 9] = [
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
    ];
    if raw == b"\r\n" {
        return Ok(Headers::default());
    }
    let mut storage = [httparse::EMPTY_HEADER; Limits::MOST_HEADERS];
    let storage = &mut storage[..limits.headers.min(Limits::MOST_HEADERS)];
    let parsed = match httparse::parse_headers(raw, storage) {
        Ok(httparse::Status::Complete((length, parsed))) if length == raw.len() => parsed,
        Ok(_) => return Err(HttpError::MalformedHeader),
        Err(error) => return Err(diagnose(error, raw)),
    };
    for header in parsed {
        if FORBIDDEN.iter().any(|name| name.eq_ignore_ascii_case(header.name)) {
            return Err(HttpError::ForbiddenTrailer);
        }
    }
    Ok(Headers::checked(&raw[..raw.len() - 2]))
}

/// The first line, and the headers without the empty line.
fn split_first_line(raw: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr(b'\n', raw).map_or(raw.len(), |newline| newline + 1);
    (&raw[..end], &raw[end..raw.len().saturating_sub(2).max(end)])
}

/// What the headers say of the message itself.
#[derive(Default)]
struct Said<'a> {
    host: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    /// A transfer encoding is there, and it is `chunked` alone.
    chunked: bool,
    connection_close: bool,
    connection_keep_alive: bool,
    connection_upgrade: bool,
    expects_continue: bool,
    expects_other: bool,
    upgrade: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn by(headers: &[Header<'a>]) -> Result<Self, HttpError> {
        let mut said = Self::default();
        for header in headers {
            let (name, value) = (header.name, header.value);
            match name.len() {
                4 if name.eq_ignore_ascii_case("host") => {
                    set_once(&mut said.host, value, HttpError::DuplicateHost)?;
                }
                6 if name.eq_ignore_ascii_case("expect") => {
                    let is_continue = trim(value).eq_ignore_ascii_case(b"100-continue");
                    said.expects_continue |= is_continue;
                    said.expects_other |= !is_continue;
                }
                7 if name.eq_ignore_ascii_case("upgrade") => said.upgrade = std::str::from_utf8(trim(value)).ok(),
                10 if name.eq_ignore_ascii_case("connection") => said.connection(value),
                14 if name.eq_ignore_ascii_case("content-length") => {
                    set_once(&mut said.length, value, HttpError::DuplicateLength)?;
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") => said.transfer_encoding(value)?,
                _ => {}
            }
        }
        Ok(said)
    }

    fn connection(&mut self, value: &[u8]) {
        for option in value.split(|byte| *byte == b',') {
            let option = trim(option);
            self.connection_close |= option.eq_ignore_ascii_case(b"close");
            self.connection_keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.connection_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), HttpError> {
        let mut unsupported = false;
        for coding in value.split(|byte| *byte == b',') {
            let coding = trim(coding);
            // After chunked nothing can come, not chunked itself either.
            if self.chunked || !is_token(coding.split(|byte| *byte == b';').next().map_or(coding, trim)) {
                return Err(HttpError::MalformedTransferEncoding);
            }
            if coding.eq_ignore_ascii_case(b"chunked") {
                self.chunked = true;
            } else {
                unsupported = true;
            }
        }
        match (unsupported, self.chunked) {
            (true, true) => Err(HttpError::UnsupportedTransferEncoding),
            // One that does not end in chunked has no end (RFC 9112, section 6.3).
            (true, false) => Err(HttpError::UnsupportedTransferEncoding),
            (false, _) => Ok(()),
        }
    }

    fn body_length(&self, version: Version) -> Result<Option<BodyLength>, HttpError> {
        match (self.length, self.chunked) {
            (Some(_), true) => Err(HttpError::LengthAndTransferEncoding),
            (None, true) if version == Version::Http10 => Err(HttpError::MalformedTransferEncoding),
            (None, true) => Ok(Some(BodyLength::Chunked)),
            (Some(length), false) => match decimal(length) {
                Some(0) => Ok(Some(BodyLength::None)),
                Some(length) => Ok(Some(BodyLength::Known(length))),
                None => Err(HttpError::MalformedLength),
            },
            (None, false) => Ok(None),
        }
    }

    fn keeps_alive(&self, version: Version) -> bool {
        match version {
            Version::Http11 => !self.connection_close,
            Version::Http10 => self.connection_keep_alive && !self.connection_close,
        }
    }
}

fn set_once<'a>(place: &mut Option<&'a [u8]>, value: &'a [u8], twice: HttpError) -> Result<(), HttpError> {
    if place.replace(trim(value)).is_some() { Err(twice) } else { Ok(()) }
}

/// Digits, and nothing else, of a number that fits into 64 bits.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Which of our errors it is that the parser has found.
#[cold]
fn diagnose(error: ParseError, raw: &[u8]) -> HttpError {
    if raw.iter().zip(raw[1..].iter().chain(b" ")).any(|(byte, next)| *byte == b'\r' && *next != b'\n') {
        return HttpError::BareCarriageReturn;
    }
    let (first, headers) = split_first_line(raw);
    match error {
        ParseError::TooManyHeaders => HttpError::TooManyHeaders,
        ParseError::Version if is_other_version(first) => HttpError::UnsupportedVersion,
        ParseError::Version | ParseError::Status | ParseError::NewLine => HttpError::MalformedStartLine,
        // The same error for a method and for a header without a colon.
        ParseError::Token if is_token(first.split(|byte| *byte == b' ').next().unwrap_or_default()) => {
            // A target that is none, or a line with too few or too many words.
            HttpError::MalformedStartLine
        }
        ParseError::Token => HttpError::MalformedStartLine,
        ParseError::HeaderName | ParseError::HeaderValue => headers
            .split(|byte| *byte == b'\n')
            .find_map(|line| {
                let name = &line[..memchr(b':', line).unwrap_or(0)];
                if matches!(line, [b' ' | b'\t', ..]) {
                    Some(HttpError::ObsoleteFolding)
                } else if is_token(name.trim_ascii_end()) && name.ends_with(b" ") | name.ends_with(b"\t") {
                    Some(HttpError::SpaceBeforeColon)
                } else if is_token(name) || line.is_empty() {
                    None
                } else {
                    Some(HttpError::MalformedHeader)
                }
            })
            .unwrap_or(HttpError::MalformedHeader),
    }
}

/// Has a first line a version, where one belongs, that is well-formed and none of ours?
fn is_other_version(line: &[u8]) -> bool {
    let mut words = line.strip_suffix(b"\r\n").unwrap_or(line).split(|byte| *byte == b' ');
    let first = words.next().unwrap_or_default();
    let version =
        if first.starts_with(b"HTTP/") { Some(first) } else { words.nth(1).filter(|_| words.next().is_none()) };
    version.is_some_and(|version| {
        matches!(version, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() && !matches!((major, minor), (b'1', b'0' | b'1')))
    })
}
