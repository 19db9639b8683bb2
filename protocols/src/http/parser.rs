//! From the bytes of a head to what they say.

use super::error::HttpError;
use super::fields::{Headers, trim};
use super::grammar::{is_name, is_token, path_length, target_length, token_length, value_length};
use super::head::{BodyLength, RequestHead, ResponseHead, Version};
use super::limits::Limits;
use super::status::Status;
use super::target::{Target, is_host};

/// The head of a request that `raw` begins with, and how long it is with its empty line; an error also if its end is not there.
#[inline(always)]
pub(super) fn request<'a>(raw: &'a [u8], limits: &Limits) -> Result<(RequestHead<'a>, usize), HttpError> {
    let Some(line) = request_line(raw) else { return Err(first_line_error(raw)) };
    let RequestLine { method, before_query, has_query, version, after } = line;
    let mut said = Said::default();
    let headers = headers(after, limits, |name, value| said.hear(name, value))?;
    let headers_end = raw.len() - after.len() + headers.len();
    let Target { authority, path } = Target::parse(method, before_query, has_query)?;
    match said.host {
        Some(host) if !is_host(host) => return Err(HttpError::MalformedHost),
        None if version == Version::Http11 => return Err(HttpError::MissingHost),
        _ => {}
    }
    let body = said.body_length(version)?.unwrap_or(BodyLength::None);
    if said.expects_other {
        return Err(HttpError::UnknownExpectation);
    }
    if method == "CONNECT" && body != BodyLength::None {
        return Err(HttpError::UnexpectedBody);
    }
    let head = RequestHead {
        raw: &raw[..headers_end],
        method,
        path,
        host: authority.or(said.host),
        before_query: method.len() + 1 + before_query.len(),
        line: raw.len() - after.len(),
        body,
        version,
        can_upgrade: said.connection_upgrade && version == Version::Http11 && body == BodyLength::None,
        keep_alive: said.keeps_alive(version),
        expects_continue: said.expects_continue && version == Version::Http11 && body != BodyLength::None,
    };
    Ok((head, headers_end + 2))
}

/// What the first line says.
struct RequestLine<'a> {
    method: &'a str,
    /// The target up to a question mark.
    before_query: &'a [u8],
    has_query: bool,
    version: Version,
    /// What follows the line.
    after: &'a [u8],
}

/// The first line, if it is well-formed.
#[inline(always)]
fn request_line(raw: &[u8]) -> Option<RequestLine<'_>> {
    let (method, rest) = match raw.strip_prefix(b"GET ") {
        Some(rest) => ("GET", rest),
        None => {
            let (method, rest) = raw.split_at(token_length(raw));
            (std::str::from_utf8(method).ok()?, rest.strip_prefix(b" ")?)
        }
    };
    let (before_query, mut rest) = rest.split_at(path_length(rest));
    let has_query = rest.starts_with(b"?");
    if has_query {
        rest = &rest[target_length(rest)..];
    }
    let (protocol, rest) = rest.split_first_chunk()?;
    let (version, after) = match rest {
        [b'1', b'\r', b'\n', after @ ..] => (Version::Http11, after),
        [b'0', b'\r', b'\n', after @ ..] => (Version::Http10, after),
        _ => return None,
    };
    let is_line = protocol == b" HTTP/1." && !method.is_empty() && (has_query || !before_query.is_empty());
    is_line.then_some(RequestLine { method, before_query, has_query, version, after })
}

/// What a response answers, which decides whether it has a body.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    Head,
    Connect,
    Other,
}

/// The head of a response to a request of that kind, from its first byte to its empty line.
pub(super) fn response<'a>(raw: &'a [u8], answered: Answered, limits: &Limits) -> Result<ResponseHead<'a>, HttpError> {
    let raw = raw.strip_prefix(b"\r\n").unwrap_or(raw);
    let (version, code, after) = match raw {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ (b'0' | b'1'), b' ', code @ ..] => {
            let Some((code, after)) = code.split_first_chunk::<3>() else { return Err(HttpError::MalformedStartLine) };
            (if *minor == b'1' { Version::Http11 } else { Version::Http10 }, code, after)
        }
        _ => return Err(first_line_error(raw)),
    };
    let code = decimal(code).and_then(|code| u16::try_from(code).ok());
    let Some(status) = code.and_then(Status::from_code) else { return Err(HttpError::MalformedStartLine) };
    let reason = after.strip_prefix(b" ").unwrap_or_default();
    let reason = &reason[..value_length(reason)];
    let line_end = raw.len() - after.len() + if after.starts_with(b" ") { 1 + reason.len() } else { 0 };
    if !raw[line_end..].starts_with(b"\r\n") {
        return Err(first_line_error(raw));
    }
    let mut said = Said::default();
    let headers = headers(&raw[line_end + 2..], limits, |name, value| said.hear(name, value))?;
    let length = said.body_length(version)?;
    let tunnel = answered == Answered::Connect && status.is_success();
    let body = match length {
        _ if answered == Answered::Head || tunnel || !status.allows_body() => BodyLength::None,
        Some(length) => length,
        None => BodyLength::UntilClose,
    };
    Ok(ResponseHead {
        version,
        status,
        reason: std::str::from_utf8(reason).unwrap_or_default(),
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
    let lines = headers(raw, limits, |name, _| {
        let is_forbidden = FORBIDDEN.iter().any(|forbidden| forbidden.as_bytes().eq_ignore_ascii_case(name));
        if is_forbidden { Err(HttpError::ForbiddenTrailer) } else { Ok(()) }
    })?;
    Ok(Headers::checked(lines))
}

/// The header lines before the empty one. `hear` gets every name and value, with the whitespace around it.
#[inline(always)]
fn headers<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    mut hear: impl FnMut(&'a [u8], &'a [u8]) -> Result<(), HttpError>,
) -> Result<&'a [u8], HttpError> {
    let mut left = limits.headers;
    let mut line = bytes;
    while !line.starts_with(b"\r\n") {
        let (name @ [_, ..], [b':', rest @ ..]) = line.split_at(token_length(line)) else {
            return Err(header_error(line));
        };
        let (value, rest) = rest.split_at(value_length(rest));
        let Some(next) = rest.strip_prefix(b"\r\n") else { return Err(header_error(line)) };
        left = left.checked_sub(1).ok_or(HttpError::TooManyHeaders)?;
        hear(name, value)?;
        line = next;
    }
    Ok(&bytes[..bytes.len() - line.len()])
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
}

impl<'a> Said<'a> {
    #[inline(always)]
    fn hear(&mut self, name: &'a [u8], value: &'a [u8]) -> Result<(), HttpError> {
        match name.len() {
            4 if is_name(name, b"host") => return set_once(&mut self.host, value, HttpError::DuplicateHost),
            10 if is_name(name, b"connection") => self.connection(value),
            6 if is_name(name, b"expect") => self.expect(value),
            14 if is_name(name, b"content-length") => {
                return set_once(&mut self.length, value, HttpError::DuplicateLength);
            }
            17 if is_name(name, b"transfer-encoding") => return self.transfer_encoding(value),
            _ => {}
        }
        Ok(())
    }

    #[cold]
    fn expect(&mut self, value: &[u8]) {
        let is_continue = trim(value).eq_ignore_ascii_case(b"100-continue");
        self.expects_continue |= is_continue;
        self.expects_other |= !is_continue;
    }

    #[inline(always)]
    fn connection(&mut self, value: &[u8]) {
        // What is nearly always there comes first.
        if value.len() == 11 && value.first_chunk() == Some(b" keep-alive") {
            self.connection_keep_alive = true;
        } else {
            self.connection_options(value);
        }
    }

    #[cold]
    fn connection_options(&mut self, value: &[u8]) {
        for option in value.split(|byte| *byte == b',') {
            let option = trim(option);
            self.connection_close |= option.eq_ignore_ascii_case(b"close");
            self.connection_keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.connection_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }

    #[inline(never)]
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), HttpError> {
        let mut unsupported = false;
        for coding in value.split(|byte| *byte == b',') {
            let coding = trim(coding);
            // After chunked nothing can come, not chunked itself either.
            if self.chunked || !is_token(coding.split(|byte| *byte == b';').next().map_or(coding, trim)) {
                return Err(HttpError::MalformedTransferEncoding);
            }
            let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
            self.chunked |= is_chunked;
            unsupported |= !is_chunked;
        }
        if unsupported { Err(HttpError::UnsupportedTransferEncoding) } else { Ok(()) }
    }

    fn body_length(&self, version: Version) -> Result<Option<BodyLength>, HttpError> {
        match (self.length, self.chunked) {
            (None, false) => Ok(None),
            (Some(_), true) => Err(HttpError::LengthAndTransferEncoding),
            (None, true) if version == Version::Http10 => Err(HttpError::MalformedTransferEncoding),
            (None, true) => Ok(Some(BodyLength::Chunked)),
            (Some(length), false) => match decimal(length) {
                Some(0) => Ok(Some(BodyLength::None)),
                Some(length) => Ok(Some(BodyLength::Known(length))),
                None => Err(HttpError::MalformedLength),
            },
        }
    }

    fn keeps_alive(&self, version: Version) -> bool {
        match version {
            Version::Http11 => !self.connection_close,
            Version::Http10 => self.connection_keep_alive && !self.connection_close,
        }
    }
}

#[inline(always)]
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

/// What is wrong with a first line.
#[cold]
fn first_line_error(raw: &[u8]) -> HttpError {
    let line = raw.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.contains(&b'\r') {
        return HttpError::BareCarriageReturn;
    }
    let mut words = line.split(|byte| *byte == b' ');
    let first = words.next().unwrap_or_default();
    let is_response = first.starts_with(b"HTTP/");
    let target = if is_response { None } else { words.next() };
    let version = if is_response { Some(first) } else { words.next().filter(|_| words.next().is_none()) };
    let is_other_version = version.is_some_and(|version| {
        matches!(version, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() && !matches!((major, minor), (b'1', b'0' | b'1')))
    });
    let is_malformed_target = version.is_some() && target.is_some_and(|target| target_length(target) < target.len());
    match (is_other_version, is_malformed_target) {
        (_, true) => HttpError::MalformedTarget,
        (true, false) => HttpError::UnsupportedVersion,
        (false, false) => HttpError::MalformedStartLine,
    }
}

/// What is wrong with the header line that `rest` begins with.
#[cold]
fn header_error(rest: &[u8]) -> HttpError {
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.contains(&b'\r') {
        return HttpError::BareCarriageReturn;
    }
    let name_length = token_length(line);
    let after = &line[name_length..];
    match after.trim_ascii_start().first() {
        _ if matches!(line, [b' ' | b'\t', ..]) => HttpError::ObsoleteFolding,
        Some(b':') if name_length > 0 && !after.starts_with(b":") => HttpError::SpaceBeforeColon,
        _ => HttpError::MalformedHeader,
    }
}
