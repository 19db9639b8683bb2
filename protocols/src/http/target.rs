//! What a request is for.

use super::error::HttpError;
use super::grammar::host_length;

/// A request's target, taken apart (RFC 9112, section 3.2).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// Of a CONNECT, or of a target that has the form of a URI; it replaces Host.
    pub(super) authority: Option<&'a [u8]>,
    /// Empty for CONNECT, `*` for an OPTIONS of the whole server.
    pub(super) path: &'a [u8],
}

impl<'a> Target<'a> {
    /// `target` is what comes before a question mark, and has only bytes that a target may have.
    #[inline(always)]
    pub(super) fn parse(method: &str, target: &'a [u8], has_query: bool) -> Result<Self, HttpError> {
        if target.first() == Some(&b'/') && method != "CONNECT" {
            return Ok(Self { authority: None, path: target });
        }
        Self::parse_rare(method, target, has_query)
    }

    #[cold]
    fn parse_rare(method: &str, target: &'a [u8], has_query: bool) -> Result<Self, HttpError> {
        if method == "CONNECT" {
            return Self::authority_form(target, has_query);
        }
        if target == b"*" && !has_query {
            let whole_server = Self { authority: None, path: b"*" };
            return if method == "OPTIONS" { Ok(whole_server) } else { Err(HttpError::WrongTargetForm) };
        }
        Self::absolute_form(method, target, has_query)
    }

    fn authority_form(target: &'a [u8], has_query: bool) -> Result<Self, HttpError> {
        if target.contains(&b'/') || has_query {
            return Err(HttpError::WrongTargetForm);
        }
        // A CONNECT has nothing but its target to tell the port by.
        let port = target.iter().rposition(|byte| *byte == b':');
        let has_port = port.is_some_and(|colon| colon > 0 && colon + 1 < target.len());
        if !has_port || !is_host(target) {
            return Err(HttpError::MalformedHost);
        }
        Ok(Self { authority: Some(target), path: b"" })
    }

    fn absolute_form(method: &str, target: &'a [u8], has_query: bool) -> Result<Self, HttpError> {
        let Some(colon) = target.windows(3).position(|three| three == b"://") else {
            // Another scheme would have a colon too; what has no slash either is an authority.
            let is_authority = !target.contains(&b'/');
            return Err(if is_authority { HttpError::WrongTargetForm } else { HttpError::MalformedTarget });
        };
        let (scheme, rest) = (&target[..colon], &target[colon + 3..]);
        if ![&b"http"[..], b"https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(HttpError::MalformedTarget);
        }
        let (authority, path) = rest.split_at(rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len()));
        if matches!(authority, [] | [b':', ..]) || !is_host(authority) {
            return Err(HttpError::MalformedHost);
        }
        let path = match path {
            b"" if method == "OPTIONS" && !has_query => b"*",
            b"" => b"/",
            path => path,
        };
        Ok(Self { authority: Some(authority), path })
    }
}

/// Is it a host and perhaps a port, as Host has it (RFC 9110, section 7.2)? It may be empty.
#[inline]
pub(super) fn is_host(host: &[u8]) -> bool {
    let port = match host.first() {
        Some(b'[') => match after_address(host) {
            Some(port) => port,
            None => return false,
        },
        _ => &host[host_length(host)..],
    };
    match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// What follows an address of IPv6 in brackets.
#[cold]
fn after_address(host: &[u8]) -> Option<&[u8]> {
    let end = host.iter().position(|byte| *byte == b']')?;
    let is_address = |byte: &u8| byte.is_ascii_hexdigit() || b":.".contains(byte);
    (end > 1 && host[1..end].iter().all(is_address)).then(|| &host[end + 1..])
}
