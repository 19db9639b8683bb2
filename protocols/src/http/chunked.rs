//! Bodies whose length is not known when they begin.

use super::error::HttpError;

/// Takes apart a body in chunks (RFC 9112, section 7.1), up to the trailers, which it leaves in the input.
///
/// ```text
///   Size ── digits ──▶ Size ── CR ─▶ SizeEnd ── LF ─▶ Data ── all of it ─▶ DataEnd ── CR ─▶ DataEnd2 ── LF ─▶ Size
///                       │ ;            ▲         │
///                       ▼              │         └── the size is 0 ─▶ Trailers
///                    Extension ── CR ──┘
/// ```
#[derive(Debug)]
pub(super) struct ChunkDecoder {
    state: State,
    /// Of the chunk: what its size line has said so far, then what is missing of its data.
    left: u64,
    digits: u8,
    extensions_left: usize,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    Size,
    Extension,
    SizeEnd,
    Data,
    DataEnd,
    DataEnd2,
    Trailers,
}

/// What a body in chunks is made of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Chunk<'a> {
    /// At least one byte.
    Data(&'a [u8]),
    /// The trailers follow.
    Last,
}

/// As many digits as 64 bits have: more would be zeros that somebody else may count otherwise.
const MOST_DIGITS: u8 = 16;

impl ChunkDecoder {
    /// `extensions` is how many bytes of chunk extensions there may be in all.
    pub(super) fn new(extensions: usize) -> Self {
        Self { state: State::Size, left: 0, digits: 0, extensions_left: extensions }
    }

    /// How much of the chunk in hand is still to come.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The next piece of data, or the end; `None` when more input is needed. `input` is moved forward past it.
    pub(super) fn next<'input>(&mut self, input: &mut &'input [u8]) -> Result<Option<Chunk<'input>>, HttpError> {
        loop {
            match self.state {
                State::Trailers => return Ok(Some(Chunk::Last)),
                State::Data => {
                    let whole = *input;
                    if whole.is_empty() {
                        return Ok(None);
                    }
                    let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(whole.len());
                    let (data, rest) = whole.split_at(length);
                    *input = rest;
                    self.left -= length as u64;
                    if self.left == 0 {
                        self.state = State::DataEnd;
                    }
                    return Ok(Some(Chunk::Data(data)));
                }
                _ => {
                    let Some((byte, rest)) = input.split_first() else { return Ok(None) };
                    *input = rest;
                    self.state = self.step(*byte)?;
                }
            }
        }
    }

    fn step(&mut self, byte: u8) -> Result<State, HttpError> {
        Ok(match (self.state, byte) {
            (State::Size, b'\r') if self.digits > 0 => State::SizeEnd,
            (State::Size, b';') if self.digits > 0 => self.extension()?,
            (State::Size, _) => {
                let digit = char::from(byte).to_digit(16).ok_or(HttpError::MalformedChunk)?;
                if self.digits == MOST_DIGITS {
                    return Err(HttpError::MalformedChunk);
                }
                self.digits += 1;
                self.left = self.left << 4 | u64::from(digit);
                State::Size
            }
            (State::Extension, b'\r') => State::SizeEnd,
            (State::Extension, b'\t' | b' '..=b'~' | 0x80..) => self.extension()?,
            (State::SizeEnd, b'\n') => {
                self.digits = 0;
                if self.left == 0 { State::Trailers } else { State::Data }
            }
            (State::DataEnd, b'\r') => State::DataEnd2,
            (State::DataEnd2, b'\n') => State::Size,
            _ => return Err(HttpError::MalformedChunk),
        })
    }

    fn extension(&mut self) -> Result<State, HttpError> {
        self.extensions_left = self.extensions_left.checked_sub(1).ok_or(HttpError::ChunkExtensionTooLong)?;
        Ok(State::Extension)
    }
}
