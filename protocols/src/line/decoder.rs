//! From bytes to lines.

use super::delimiter::{Delimiter, Found};

/// Cuts a stream of bytes into lines. It does no input or output: bytes go in as they come, in pieces of any size, and
/// the same lines come out however they were cut.
///
/// - Settings: [`with_delimiter`](LineDecoder::with_delimiter), [`with_max_length`](LineDecoder::with_max_length).
/// - For every piece of input: [`next`](LineDecoder::next), until it gives `None`.
/// - At the end of the stream: [`partial`](LineDecoder::partial), the line that was never ended.
///
/// A line that lies whole in a piece of input is given as a slice of it; only a line that is spread over several pieces is
/// collected. So a decoder between two lines owns no memory, and inside a line at most the maximum length and a
/// delimiter. Time is linear in the bytes, even if they come one by one.
///
/// # Bytes that are not lines
///
/// The decoder never takes more of the input than the line it gives. After a line that announces something else, such as a
/// body, whoever called takes that from the input before asking for the next line:
///
/// ```
/// use lariat_protocols::{LineDecoder, LineEvent};
///
/// let mut decoder = LineDecoder::new();
/// let mut input: &[u8] = b"set 5\r\nhe\r\noget\r\n";
/// assert_eq!(decoder.next(&mut input), Some(LineEvent::Line(b"set 5")));
/// let body = input.split_off(..5);
/// assert_eq!(body, Some(&b"he\r\no"[..]));
/// assert_eq!(decoder.next(&mut input), Some(LineEvent::Line(b"get")));
/// assert_eq!(decoder.next(&mut input), None);
/// ```
#[doc(alias = "LineReceiver")]
#[doc(alias = "LineOnlyReceiver")]
#[derive(Clone, Debug)]
pub struct LineDecoder {
    delimiter: Delimiter,
    max_length: usize,
    /// Has been searched: no delimiter is in it. Its meaning depends on the state.
    collected: Vec<u8>,
    state: State,
    #[cfg(test)]
    scanned: usize,
}

/// What [`LineDecoder`] found. Slices are from the input or from the decoder, valid until the next call.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum LineEvent<'a> {
    /// A line, without its delimiter. Any bytes, no longer than the maximum.
    #[doc(alias = "lineReceived")]
    Line(&'a [u8]),
    /// A line is longer than the maximum. This is said once a line, before its end has come; going on skips the rest of it.
    #[doc(alias = "lineLengthExceeded")]
    TooLong,
}

/// ```text
///                a delimiter, after several pieces
///              ┌───────────────────────────────────▶ Given
///              │                                       │ the next call
///   start ─▶ Line ◀────────────────────────────────────┤
///              │                                       │ a delimiter
///              └───────────────────────────────────▶ Skipping
///                too long, and no delimiter yet
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    /// `collected` is the start of a line: `collected.len() < limit()`.
    Line,
    /// `collected` is a line that has been given.
    Given,
    /// `collected` is the end of what was skipped of a line, shorter than a delimiter.
    Skipping,
}

impl LineDecoder {
    /// The maximum length of a line if none is set: 16,384 bytes, as in Twisted.
    #[doc(alias = "MAX_LENGTH")]
    pub const DEFAULT_MAX_LENGTH: usize = 16_384;

    /// A decoder of lines that end in `\r\n` and have at most 16,384 bytes.
    pub fn new() -> Self {
        Self {
            delimiter: Delimiter::CrLf,
            max_length: Self::DEFAULT_MAX_LENGTH,
            collected: Vec::new(),
            state: State::Line,
            #[cfg(test)]
            scanned: 0,
        }
    }

    /// Sets what ends a line. To be called before the first bytes come.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: Delimiter) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// Sets how many bytes a line may have, its delimiter not counted. To be called before the first bytes come.
    #[doc(alias = "MAX_LENGTH")]
    #[must_use]
    pub fn with_max_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self
    }

    /// What ends a line.
    pub fn delimiter(&self) -> &Delimiter {
        &self.delimiter
    }

    /// How many bytes a line may have.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// What has come of a line that has not ended yet. At the end of the stream that is an unfinished last line, which
    /// some protocols take and most refuse. Empty while the rest of a line that is too long is skipped.
    ///
    /// ```
    /// use lariat_protocols::LineDecoder;
    ///
    /// let mut decoder = LineDecoder::new();
    /// assert_eq!(decoder.next(&mut &b"no end"[..]), None);
    /// assert_eq!(decoder.partial(), b"no end");
    /// ```
    pub fn partial(&self) -> &[u8] {
        match self.state {
            State::Line => &self.collected,
            State::Given | State::Skipping => &[],
        }
    }

    /// Returns whether the decoder is between two lines, so that it keeps nothing of what it was given.
    pub(super) fn is_between_lines(&self) -> bool {
        match self.state {
            State::Line => self.collected.is_empty(),
            State::Given => true,
            State::Skipping => false,
        }
    }

    /// Gives what has come of a line that has not ended yet, and forgets it: the next byte starts a line. For a protocol
    /// that stops in the middle of a line, and hands the bytes to whoever takes over.
    pub fn take_partial(&mut self) -> Vec<u8> {
        let partial = std::mem::take(&mut self.collected);
        let begun = self.state == State::Line;
        self.state = State::Line;
        if begun { partial } else { Vec::new() }
    }

    /// The next line in `input`, which is moved forward past it; `None` when nothing is left of the input and more is
    /// needed.
    ///
    /// ```
    /// use lariat_protocols::{LineDecoder, LineEvent};
    ///
    /// let mut decoder = LineDecoder::new();
    /// let mut lines = Vec::new();
    /// for mut piece in [&b"one\r\ntw"[..], b"o\r", b"\nthr"] {
    ///     while let Some(event) = decoder.next(&mut piece) {
    ///         match event {
    ///             LineEvent::Line(line) => lines.push(String::from_utf8_lossy(line).into_owned()),
    ///             LineEvent::TooLong => break,
    ///         }
    ///     }
    /// }
    /// assert_eq!(lines, ["one", "two"]);
    /// assert_eq!(decoder.partial(), b"thr");
    /// ```
    #[doc(alias = "dataReceived")]
    pub fn next<'a, 'input: 'a>(&'a mut self, input: &mut &'input [u8]) -> Option<LineEvent<'a>> {
        if self.state == State::Skipping && !self.skip(input) {
            return None;
        }
        if self.state != State::Line {
            self.start_line();
        }
        let (whole, room) = (*input, self.limit() - self.collected.len());
        let window = &whole[..room.min(whole.len())];
        match self.find(window) {
            Some(Found { end, length }) => {
                *input = &whole[end..];
                let length = self.collected.len() + end - length;
                // A delimiter that may be shorter than its longest form can end a line that has a byte too many.
                if length > self.max_length {
                    self.start_line();
                    return Some(LineEvent::TooLong);
                }
                if self.collected.is_empty() {
                    return Some(LineEvent::Line(&whole[..length]));
                }
                self.collect_to(length, whole);
                self.state = State::Given;
                Some(LineEvent::Line(&self.collected))
            }
            None if window.len() == room => {
                *input = &whole[room..];
                self.state = State::Skipping;
                self.keep_end(window);
                Some(LineEvent::TooLong)
            }
            None => {
                *input = &[];
                self.collect_to(self.collected.len() + whole.len(), whole);
                None
            }
        }
    }

    /// The length at which a line that no delimiter has ended is too long.
    fn limit(&self) -> usize {
        self.max_length.saturating_add(self.delimiter.as_bytes().len().max(1))
    }

    fn start_line(&mut self) {
        // Given back rather than kept: a connection that waits for its next line owns no buffer.
        self.collected = Vec::new();
        self.state = State::Line;
    }

    #[inline]
    fn find(&mut self, window: &[u8]) -> Option<Found> {
        let found = self.delimiter.find(&self.collected, window);
        #[cfg(test)]
        {
            self.scanned += found.map_or(window.len(), |found| found.end);
        }
        found
    }

    /// Makes `collected` the first `length` bytes of the line that goes on with `bytes`.
    fn collect_to(&mut self, length: usize, bytes: &[u8]) {
        let Some(missing) = length.checked_sub(self.collected.len()) else {
            self.collected.truncate(length);
            return;
        };
        if length > self.collected.capacity() {
            // Doubles as a vector does, but never past what a line may need.
            let capacity = (2 * self.collected.capacity()).clamp(length, self.limit().max(length));
            self.collected.reserve_exact(capacity - self.collected.len());
        }
        self.collected.extend_from_slice(&bytes[..missing]);
    }

    /// Skips to the end of the line that is too long. True once that was found.
    fn skip(&mut self, input: &mut &[u8]) -> bool {
        match self.find(input) {
            Some(found) => {
                *input = &input[found.end..];
                true
            }
            None => {
                self.keep_end(input);
                *input = &[];
                false
            }
        }
    }

    /// Keeps of `collected` and `bytes`, one after the other, only as many as may begin a delimiter.
    fn keep_end(&mut self, bytes: &[u8]) {
        let keep = self.delimiter.as_bytes().len().saturating_sub(1);
        let (from_bytes, dropped) = match bytes.len().checked_sub(keep) {
            Some(start) => (&bytes[start..], self.collected.len()),
            None => (bytes, (self.collected.len() + bytes.len()).saturating_sub(keep)),
        };
        let mut end = Vec::with_capacity(keep);
        end.extend_from_slice(&self.collected[dropped..]);
        end.extend_from_slice(from_bytes);
        self.collected = end;
    }
}

impl Default for LineDecoder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
