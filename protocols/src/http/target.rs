//! What a request is for.

use super::error::HttpError;

/// A request's target, taken apart (RFC 9112, section 3.2).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// Of a CONNECT, or of a target that has the form of a URI; it replaces Host.
    pub(super) authority: Option<&'a str>,
    /// Empty for CONNECT, `*` for an OPTIONS of the whole server.
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(super) fn parse(method: &str, target: &'a str) -> Result<Self, HttpError> {
        let mut question = None;
        for (place, byte) in target.bytes().enumerate() {
            match byte {
                b'?' if question.is_none() => question = Some(place),
                b'#' => return Err(HttpError::MalformedTarget),
                b'!'..=b'~' => {}
                _ => return Err(HttpError::MalformedTarget),
            }
        }
        if method == "CONNECT" {
            return Self::authority_form(target);
        }
        let (before, query) = match question {
            Some(place) => (&target[..place], Some(&target[place + 1..])),
            None => (target, None),
        };
        if before.starts_with('/') {
            Ok(Self { authority: None, path: before, query })
        } else if target == "*" {
            let whole_server = Self { authority: None, path: "*", query: None };
            if method == "OPTIONS" { Ok(whole_server) } else { Err(HttpError::WrongTargetForm) }
        } else {
            Self::absolute_form(method, before, query)
        }
    }

    fn authority_form(target: &'a str) -> Result<Self, HttpError> {
        if target.contains(['/', '?']) {
            return Err(HttpError::WrongTargetForm);
        }
        // A CONNECT has nothing but its target to tell the port by.
        let has_port = target.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && !port.is_empty());
        if !has_port || !is_host(target.as_bytes()) {
            return Err(HttpError::MalformedHost);
        }
        Ok(Self { authority: Some(target), path: "", query: None })
    }

    fn absolute_form(method: &str, target: &'a str, query: Option<&'a str>) -> Result<Self, HttpError> {
        let Some((scheme, rest)) = target.split_once("://") else {
            // Another scheme would have a colon too; what has no slash either is an authority.
            return Err(if target.contains('/') { HttpError::MalformedTarget } else { HttpError::WrongTargetForm });
        };
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(HttpError::MalformedTarget);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.is_empty() || authority.starts_with(':') || !is_host(authority.as_bytes()) {
            return Err(HttpError::MalformedHost);
        }
        let path = match path {
            "" if method == "OPTIONS" && query.is_none() => "*",
            "" => "/",
            path => path,
        };
        Ok(Self { authority: Some(authority), path, query })
    }
}

/// Is it a host and perhaps a port, as Host has it (RFC 9110, section 7.2)? It may be empty.
pub(super) fn is_host(host: &[u8]) -> bool {
    let (name, port) = match host {
        [b'[', ..] => {
            let Some(end) = host.iter().position(|byte| *byte == b']') else { return false };
            let inside = &host[1..end];
            let inside_is_address =
                !inside.is_empty() && inside.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte));
            if !inside_is_address {
                return false;
            }
            (&b""[..], &host[end + 1..])
        }
        _ => host.split_at(host.iter().position(|byte| *byte == b':').unwrap_or(host.len())),
    };
    let is_name_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(byte);
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_port && name.iter().all(is_name_byte)
}
