//! Which requests are refused, and why.
//!
//! Where one message ends and the next begins is said in the message itself. If a proxy and the server behind it understand it differently, a
//! client can hide a request in another one's body: past the proxy's checks, or into the next visitor's connection. That is *request
//! smuggling*. It needs a message that can be understood in two ways; so here every such message is refused, and the connection closed after
//! the answer, for nobody knows what the bytes after it are.
//!
//! | the request has | answered | the error is |
//! | --- | --- | --- |
//! | `Content-Length` and `Transfer-Encoding` | 400 | [`LengthAndTransferEncoding`](crate::http::HttpError::LengthAndTransferEncoding) |
//! | two `Content-Length`, even if they are the same | 400 | [`DuplicateLength`](crate::http::HttpError::DuplicateLength) |
//! | a `Content-Length` of other than digits, such as `+5`, `5, 5` or `0x5`, or beyond 64 bits | 400 | [`MalformedLength`](crate::http::HttpError::MalformedLength) |
//! | `chunked` twice, before another coding, or in HTTP/1.0 | 400 | [`MalformedTransferEncoding`](crate::http::HttpError::MalformedTransferEncoding) |
//! | a transfer encoding other than `chunked` | 501 | [`UnsupportedTransferEncoding`](crate::http::HttpError::UnsupportedTransferEncoding) |
//! | a chunk whose size is no hexadecimal number, or that does not end where it says | 400 | [`MalformedChunk`](crate::http::HttpError::MalformedChunk) |
//! | more than 1 KiB of chunk extensions, which mean nothing to anybody | 400 | [`ChunkExtensionTooLong`](crate::http::HttpError::ChunkExtensionTooLong) |
//! | a trailer that belongs into a head, such as `Content-Length` | 400 | [`ForbiddenTrailer`](crate::http::HttpError::ForbiddenTrailer) |
//! | a line that ends in LF alone | 400 | [`BareLineFeed`](crate::http::HttpError::BareLineFeed) |
//! | a CR that no LF follows | 400 | [`BareCarriageReturn`](crate::http::HttpError::BareCarriageReturn) |
//! | a header that goes on in the next line | 400 | [`ObsoleteFolding`](crate::http::HttpError::ObsoleteFolding) |
//! | whitespace before a header's colon | 400 | [`SpaceBeforeColon`](crate::http::HttpError::SpaceBeforeColon) |
//! | a header whose name is no token, or whose value has a control character in it | 400 | [`MalformedHeader`](crate::http::HttpError::MalformedHeader) |
//! | no `Host`, in HTTP/1.1 | 400 | [`MissingHost`](crate::http::HttpError::MissingHost) |
//! | two of them | 400 | [`DuplicateHost`](crate::http::HttpError::DuplicateHost) |
//! | one that is no host, perhaps with a port | 400 | [`MalformedHost`](crate::http::HttpError::MalformedHost) |
//! | a target of a form that is not the method's: `*` but for OPTIONS, `host:port` but for CONNECT | 400 | [`WrongTargetForm`](crate::http::HttpError::WrongTargetForm) |
//! | a target with a `#`, or another character that cannot be in one | 400 | [`MalformedTarget`](crate::http::HttpError::MalformedTarget) |
//! | more than one space between the words of its first line | 400 | [`MalformedStartLine`](crate::http::HttpError::MalformedStartLine) |
//! | a body, with CONNECT | 400 | [`UnexpectedBody`](crate::http::HttpError::UnexpectedBody) |
//! | a version other than 1.0 and 1.1 | 505 | [`UnsupportedVersion`](crate::http::HttpError::UnsupportedVersion) |
//! | an expectation other than `100-continue` | 417 | [`UnknownExpectation`](crate::http::HttpError::UnknownExpectation) |
//!
//! What is too much of something stands in [`limits`](super::limits).
//!
//! Some things are unusual, but can be understood in one way only, and are taken:
//!
//! - a target that is a whole URI, `GET http://example.org/ HTTP/1.1`, as proxies are sent them: its host replaces `Host`, as RFC 9112 has it,
//!   and [`RequestHead::host`](crate::http::RequestHead::host) gives that one;
//! - one empty line before a request;
//! - a method that nobody knows: the [`Router`](crate::http::Router) answers 404 or 405;
//! - values of headers with bytes that are no ASCII: they are given as bytes;
//! - a body with GET or any other method but CONNECT.
//!
//! [`ServerConnection`](crate::http::ServerConnection) is the part that decides, without any network. So it is easy to ask:
//!
//! ```
//! use lariat_protocols::http::{HttpError, Limits, RequestEvent, ServerConnection, Status};
//!
//! /// What is wrong with a request.
//! fn fault(request: &str) -> Option<HttpError> {
//!     let mut connection = ServerConnection::new(Limits::default().into());
//!     let mut input = request.as_bytes();
//!     loop {
//!         match connection.next(&mut input) {
//!             Ok(Some(_)) => {}
//!             Ok(None) => return None,
//!             Err(error) => return Some(error),
//!         }
//!     }
//! }
//!
//! let both = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG";
//! assert_eq!(fault(both), Some(HttpError::LengthAndTransferEncoding));
//! assert_eq!(HttpError::LengthAndTransferEncoding.status(), Status::BAD_REQUEST);
//! assert_eq!(fault("\r\nGET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"), None);
//! # let get = |rest: &str| fault(&format!("GET / HTTP/1.1\r\nHost: a\r\n{rest}\r\n\r\n"));
//! # let chunked = |body: &str| fault(&format!("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
//! # assert_eq!(get("Content-Length: 5\r\nContent-Length: 5"), Some(HttpError::DuplicateLength));
//! # for length in ["+5", "5, 5", "0x5", "18446744073709551616"] {
//! #     assert_eq!(get(&format!("Content-Length: {length}")), Some(HttpError::MalformedLength));
//! # }
//! # assert_eq!(get("Transfer-Encoding: chunked, chunked"), Some(HttpError::MalformedTransferEncoding));
//! # assert_eq!(get("Transfer-Encoding: chunked, gzip"), Some(HttpError::MalformedTransferEncoding));
//! # assert_eq!(fault("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), Some(HttpError::MalformedTransferEncoding));
//! # assert_eq!(get("Transfer-Encoding: gzip, chunked"), Some(HttpError::UnsupportedTransferEncoding));
//! # assert_eq!(chunked("x\r\n"), Some(HttpError::MalformedChunk));
//! # assert_eq!(chunked("1\r\nabc"), Some(HttpError::MalformedChunk));
//! # assert_eq!(chunked(&format!("1;{}\r\n", "a".repeat(1025))), Some(HttpError::ChunkExtensionTooLong));
//! # assert_eq!(chunked("0\r\nContent-Length: 5\r\n\r\n"), Some(HttpError::ForbiddenTrailer));
//! # assert_eq!(get("A: b\nC: d"), Some(HttpError::BareLineFeed));
//! # assert_eq!(get("A: b\rC: d"), Some(HttpError::BareCarriageReturn));
//! # assert_eq!(get("A: b\r\n c"), Some(HttpError::ObsoleteFolding));
//! # assert_eq!(get("A : b"), Some(HttpError::SpaceBeforeColon));
//! # assert_eq!(get("A B: c"), Some(HttpError::MalformedHeader));
//! # assert_eq!(get("A: b\u{1}"), Some(HttpError::MalformedHeader));
//! # assert_eq!(fault("GET / HTTP/1.1\r\n\r\n"), Some(HttpError::MissingHost));
//! # assert_eq!(get("Host: a"), Some(HttpError::DuplicateHost));
//! # assert_eq!(fault("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), Some(HttpError::MalformedHost));
//! # for (method, target) in [("GET", "*"), ("GET", "a:80"), ("CONNECT", "/")] {
//! #     assert_eq!(fault(&format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n")), Some(HttpError::WrongTargetForm));
//! # }
//! # assert_eq!(fault("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"), Some(HttpError::MalformedTarget));
//! # assert_eq!(fault("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), Some(HttpError::MalformedStartLine));
//! # assert_eq!(fault("CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"), Some(HttpError::UnexpectedBody));
//! # assert_eq!(fault("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), Some(HttpError::UnsupportedVersion));
//! # assert_eq!(get("Expect: the worst"), Some(HttpError::UnknownExpectation));
//! # assert_eq!(get("A: \u{fc}\r\nContent-Length: 2\r\n\r\nhi"), None);
//! ```
//!
//! The same holds for what goes out: a header with a line break in its name or value is refused by [whatever sets
//! it](crate::http::InvalidField), so that nobody's text becomes a header, or a response, of its own.
