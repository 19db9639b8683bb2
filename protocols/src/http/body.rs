//! Where a body ends, on its way in and on its way out.

use super::chunked::{Chunk, ChunkDecoder};
use super::error::HttpError;
use super::fields::{Fields, Headers};
use super::head::BodyLength;
use super::limits::Limits;
use super::parser;
use super::scanner::{HeadBuffer, Section};

/// A body on its way in.
#[derive(Debug)]
pub(super) struct BodyDecoder {
    kind: Kind,
    /// Bytes that may still come, by the limit.
    allowed: u64,
}

#[derive(Debug)]
enum Kind {
    Known(u64),
    Chunked(ChunkDecoder),
    UntilClose,
}

/// What a body is made of.
#[derive(Copy, Clone, Debug)]
pub(super) enum Piece<'a> {
    Data(&'a [u8]),
    End(Headers<'a>),
}

impl BodyDecoder {
    /// Nothing, if there is no body.
    pub(super) fn new(length: BodyLength, limits: &Limits) -> Option<Self> {
        let kind = match length {
            BodyLength::None => return None,
            BodyLength::Known(length) => Kind::Known(length),
            BodyLength::Chunked => Kind::Chunked(ChunkDecoder::new(limits.chunk_extensions)),
            BodyLength::UntilClose => Kind::UntilClose,
        };
        Some(Self { kind, allowed: limits.body })
    }

    /// Sets how many more bytes may come.
    pub(super) fn allow(&mut self, bytes: u64) {
        self.allowed = bytes;
    }

    /// How many bytes are still to come, if that is known.
    pub(super) fn left(&self) -> Option<u64> {
        if let Kind::Known(left) = self.kind { Some(left) } else { None }
    }

    pub(super) fn is_until_close(&self) -> bool {
        matches!(self.kind, Kind::UntilClose)
    }

    /// The next piece; `None` when more input is needed. `input` is moved forward past it. `buffer` is for trailers.
    pub(super) fn next<'a, 'input: 'a>(
        &mut self,
        input: &mut &'input [u8],
        buffer: &'a mut HeadBuffer,
        limits: &Limits,
    ) -> Result<Option<Piece<'a>>, HttpError> {
        let data = match &mut self.kind {
            Kind::Known(0) => return Ok(Some(Piece::End(Headers::default()))),
            // What was announced is refused before any of it is taken.
            Kind::Known(left) if *left > self.allowed => return Err(HttpError::BodyTooLarge),
            Kind::Known(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                let (data, rest) = input.split_at(length);
                *input = rest;
                *left -= length as u64;
                data
            }
            Kind::Chunked(decoder) => match decoder.next(input)? {
                None => return Ok(None),
                // A chunk that says that it is too large is refused before any of it is taken.
                Some(Chunk::Data(data)) if decoder.left() > self.allowed.saturating_sub(data.len() as u64) => {
                    return Err(HttpError::BodyTooLarge);
                }
                Some(Chunk::Data(data)) => data,
                Some(Chunk::Last) => {
                    let Some(raw) = buffer.next(input, limits.trailers, Section::Trailers)? else { return Ok(None) };
                    return Ok(Some(Piece::End(parser::trailers(raw, limits)?)));
                }
            },
            Kind::UntilClose => std::mem::take(input),
        };
        self.allowed = self.allowed.checked_sub(data.len() as u64).ok_or(HttpError::BodyTooLarge)?;
        Ok((!data.is_empty()).then_some(Piece::Data(data)))
    }
}

/// A body on its way out: what has to stand before, between and after its pieces.
///
/// Made by [`ServerConnection::respond`](super::ServerConnection::respond) and
/// [`ClientConnection::request`](super::ClientConnection::request). For every piece send what [`before`](Self::before) gives, the piece,
/// and what [`after`](Self::after) gives; at the end what [`end`](Self::end) appends.
#[derive(Debug, PartialEq, Eq)]
pub struct BodyEncoder {
    framing: Framing,
}

#[derive(Debug, PartialEq, Eq)]
enum Framing {
    /// The message has no body, whatever is written: it answers HEAD, say.
    Dropped,
    /// So many bytes are still to be sent.
    Known(u64),
    Chunked,
    UntilClose,
}

impl BodyEncoder {
    /// Of a message that has no body, so that all pieces are dropped.
    pub(super) const DROPPED: Self = Self { framing: Framing::Dropped };

    pub(super) fn new(length: BodyLength) -> Self {
        Self {
            framing: match length {
                BodyLength::None => Framing::Known(0),
                BodyLength::Known(length) => Framing::Known(length),
                BodyLength::Chunked => Framing::Chunked,
                BodyLength::UntilClose => Framing::UntilClose,
            },
        }
    }

    /// Are pieces to be dropped, rather than sent?
    pub fn is_dropped(&self) -> bool {
        self.framing == Framing::Dropped
    }

    /// What has to stand before a piece of `length` bytes. A piece of none is not to be sent.
    ///
    /// # Errors
    ///
    /// When more would be sent than was announced.
    pub fn before(&mut self, length: usize) -> Result<ChunkHead, WrongLength> {
        match &mut self.framing {
            Framing::Known(left) => *left = left.checked_sub(length as u64).ok_or(WrongLength::TooLong)?,
            Framing::Chunked if length > 0 => return Ok(ChunkHead::of(length)),
            Framing::Dropped | Framing::UntilClose | Framing::Chunked => {}
        }
        Ok(ChunkHead { bytes: [0; ChunkHead::LONGEST], start: ChunkHead::LONGEST })
    }

    /// What has to stand after a piece of at least one byte.
    pub fn after(&self) -> &'static [u8] {
        if self.framing == Framing::Chunked { b"\r\n" } else { b"" }
    }

    /// Appends to `out` what has to stand at the body's end. Trailers are sent if the framing has a place for them, and dropped if not.
    ///
    /// # Errors
    ///
    /// When less was sent than was announced. Then only closing the connection tells the peer.
    pub fn end(&mut self, trailers: &Fields, out: &mut Vec<u8>) -> Result<(), WrongLength> {
        match self.framing {
            Framing::Known(1..) => return Err(WrongLength::TooShort),
            Framing::Chunked => {
                out.extend_from_slice(b"0\r\n");
                out.extend_from_slice(trailers.headers().as_bytes());
                out.extend_from_slice(b"\r\n");
            }
            _ => {}
        }
        self.framing = Framing::Known(0);
        Ok(())
    }
}

/// What stands before a piece of a body: its length, if it is a chunk, or nothing.
#[derive(Copy, Clone, Debug)]
pub struct ChunkHead {
    bytes: [u8; Self::LONGEST],
    /// Of what is to be sent, which reaches to the end.
    start: usize,
}

impl ChunkHead {
    /// As many digits as 64 bits have, and a line end.
    const LONGEST: usize = 18;

    fn of(length: usize) -> Self {
        let mut bytes = *b"................\r\n";
        let (mut rest, mut start) = (length, Self::LONGEST - 2);
        while rest > 0 {
            start -= 1;
            bytes[start] = b"0123456789abcdef"[rest & 15];
            rest >>= 4;
        }
        Self { bytes, start }
    }
}

impl AsRef<[u8]> for ChunkHead {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// A body is not as long as was announced.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WrongLength {
    /// More was written than was announced.
    TooLong,
    /// It ended before all was written that was announced.
    TooShort,
}

impl std::fmt::Display for WrongLength {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the body is longer than was announced",
            Self::TooShort => "the body is shorter than was announced",
        })
    }
}

impl std::error::Error for WrongLength {}
