//! Recognizing peers that speak another protocol.

use std::error::Error;
use std::fmt;

/// The error that ends a connection whose first line is of another protocol: see
/// [`LineReceiver::without_other_protocols`](super::LineReceiver::without_other_protocols).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherProtocol {
    /// An HTTP request line: a method, a target, and a version (RFC 9112, section 3).
    Http,
    /// The record of a TLS handshake (RFC 8446, section 5.1).
    Tls,
}

impl OtherProtocol {
    /// The other protocol whose first bytes are `bytes`. A TLS handshake need not have the end of a line in it.
    pub(super) fn of_first_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.starts_with(&[22, 3]).then_some(Self::Tls)
    }

    /// The other protocol that `line` begins, if it does.
    pub(super) fn of_line(line: &[u8]) -> Option<Self> {
        Self::of_first_bytes(line).or_else(|| Self::of_request_line(line))
    }

    fn of_request_line(line: &[u8]) -> Option<Self> {
        // With `\n` as the delimiter of what is sent with `\r\n`, the `\r` is part of the line.
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (rest, version) = line.split_at_checked(line.len().checked_sub(b" HTTP/1.1".len())?)?;
        let is_version = version.starts_with(b" HTTP/")
            && version[6].is_ascii_digit()
            && version[7] == b'.'
            && version[8].is_ascii_digit();
        let method = rest.split(|byte| *byte == b' ').next()?;
        let is_method = !method.is_empty() && method.len() < rest.len() && method.iter().all(u8::is_ascii_uppercase);
        (is_version && is_method).then_some(Self::Http)
    }
}

impl fmt::Display for OtherProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "the peer sent an HTTP request to a port that does not speak HTTP",
            Self::Tls => "the peer began a TLS handshake on a port that does not speak TLS",
        })
    }
}

impl Error for OtherProtocol {}

#[cfg(test)]
mod tests {
    use super::OtherProtocol;

    #[test]
    fn request_lines_and_handshakes_are_told_from_commands() {
        for line in ["GET / HTTP/1.1", "POST http://a/ HTTP/1.0\r", "PRI * HTTP/2.0", "CONNECT a:1 HTTP/1.1"] {
            assert_eq!(OtherProtocol::of_line(line.as_bytes()), Some(OtherProtocol::Http), "{line}");
        }
        for line in ["", "GET", "GET key", "get / HTTP/1.1", " HTTP/1.1", "GET HTTP/1.1", "HELO HTTP/1.x", "\u{16}"] {
            assert_eq!(OtherProtocol::of_line(line.as_bytes()), None, "{line}");
        }
        assert_eq!(OtherProtocol::of_line(&[22, 3, 1, 2, 0, 1]), Some(OtherProtocol::Tls));
    }
}
