//! What can be wrong with what the other side sent.

use std::error::Error;
use std::fmt;

use super::status::Status;

/// Why a message was refused. After it the connection says nothing more: what follows on it cannot be understood.
///
/// [`status`](Self::status) tells what a server answers before it closes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpError {
    /// A line ends in LF without a CR before it (RFC 9112, section 2.2, lets us refuse that).
    BareLineFeed,
    /// A CR without an LF after it (RFC 9112, section 2.2).
    BareCarriageReturn,
    /// The first line is not a method, a target and a version with single spaces between them, or not a version and a status.
    MalformedStartLine,
    /// The target is none: it has characters that it must not have, or a form that there is not.
    MalformedTarget,
    /// An authority as the target of another method than CONNECT, a path as that of CONNECT, or `*` without OPTIONS (RFC 9112, section
    /// 3.2).
    WrongTargetForm,
    /// The target does not fit into the limit of a head.
    TargetTooLong,
    /// A version other than HTTP/1.0 and HTTP/1.1.
    UnsupportedVersion,
    /// A header line is none.
    MalformedHeader,
    /// A header's value goes on in the next line (RFC 9112, section 5.2).
    ObsoleteFolding,
    /// Whitespace between a header's name and its colon (RFC 9112, section 5.1).
    SpaceBeforeColon,
    /// More headers than [`Limits::headers`](super::Limits::headers).
    TooManyHeaders,
    /// More bytes than [`Limits::head`](super::Limits::head).
    HeadTooLarge,
    /// An HTTP/1.1 request without Host (RFC 9112, section 3.2).
    MissingHost,
    /// More than one Host.
    DuplicateHost,
    /// Host, or the target's authority, is not a host and perhaps a port.
    MalformedHost,
    /// A length and a transfer encoding, of which only one can be true (RFC 9112, section 6.1).
    LengthAndTransferEncoding,
    /// More than one Content-Length.
    DuplicateLength,
    /// Content-Length is not a number of at most 64 bits: digits only.
    MalformedLength,
    /// A transfer encoding that ends otherwise than in one `chunked`, or comes with HTTP/1.0.
    MalformedTransferEncoding,
    /// A transfer encoding other than `chunked`.
    UnsupportedTransferEncoding,
    /// A body where there can be none: with CONNECT.
    UnexpectedBody,
    /// More bytes than [`Limits::body`](super::Limits::body).
    BodyTooLarge,
    /// A chunk's size is not a number of at most 64 bits in hexadecimal digits, or a chunk does not end where it should.
    MalformedChunk,
    /// More bytes of chunk extensions in a body than [`Limits::chunk_extensions`](super::Limits::chunk_extensions).
    ChunkExtensionTooLong,
    /// The trailers have a field that may only be in a head, such as one that says how long the message is (RFC 9110, section 6.5.1).
    ForbiddenTrailer,
    /// An expectation other than `100-continue` (RFC 9110, section 10.1.1).
    UnknownExpectation,
    /// More informational responses to a request than [`Limits::informational`](super::Limits::informational).
    TooManyInformational,
    /// The stream ended inside a message.
    UnexpectedEnd,
    /// The message did not arrive within a limit of time.
    TimedOut,
}

impl HttpError {
    /// What a server answers.
    pub fn status(self) -> Status {
        match self {
            Self::BodyTooLarge => Status::CONTENT_TOO_LARGE,
            Self::TargetTooLong => Status::URI_TOO_LONG,
            Self::UnknownExpectation => Status::EXPECTATION_FAILED,
            Self::TooManyHeaders | Self::HeadTooLarge => Status::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnsupportedTransferEncoding => Status::NOT_IMPLEMENTED,
            Self::UnsupportedVersion => Status::HTTP_VERSION_NOT_SUPPORTED,
            Self::TimedOut => Status::REQUEST_TIMEOUT,
            _ => Status::BAD_REQUEST,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareLineFeed => "a line ends in LF without CR",
            Self::BareCarriageReturn => "a CR stands without LF",
            Self::MalformedStartLine => "the first line is malformed",
            Self::MalformedTarget => "the target is malformed",
            Self::WrongTargetForm => "the target has a form that does not belong to the method",
            Self::TargetTooLong => "the target is too long",
            Self::UnsupportedVersion => "the version is neither HTTP/1.0 nor HTTP/1.1",
            Self::MalformedHeader => "a header is malformed",
            Self::ObsoleteFolding => "a header is folded",
            Self::SpaceBeforeColon => "whitespace stands before a header's colon",
            Self::TooManyHeaders => "there are too many headers",
            Self::HeadTooLarge => "the head is too large",
            Self::MissingHost => "there is no Host",
            Self::DuplicateHost => "there is more than one Host",
            Self::MalformedHost => "the host is malformed",
            Self::LengthAndTransferEncoding => "there is a Content-Length and a Transfer-Encoding",
            Self::DuplicateLength => "there is more than one Content-Length",
            Self::MalformedLength => "the Content-Length is malformed",
            Self::MalformedTransferEncoding => "the Transfer-Encoding is malformed",
            Self::UnsupportedTransferEncoding => "the Transfer-Encoding is not chunked alone",
            Self::UnexpectedBody => "a body stands where there can be none",
            Self::BodyTooLarge => "the body is too large",
            Self::MalformedChunk => "a chunk is malformed",
            Self::ChunkExtensionTooLong => "the chunk extensions are too long",
            Self::ForbiddenTrailer => "a trailer may only be in a head",
            Self::UnknownExpectation => "the expectation is not 100-continue",
            Self::TooManyInformational => "there are too many informational responses",
            Self::UnexpectedEnd => "the message has no end",
            Self::TimedOut => "the message took too long",
        })
    }
}

impl Error for HttpError {}
