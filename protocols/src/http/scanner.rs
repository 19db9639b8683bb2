//! Where a head ends.

use memchr::memchr_iter;

use super::error::HttpError;

/// Collects a head, or trailers, up to the empty line. What lies whole in a piece of input is given as a slice of it; only what is spread
/// over several pieces is collected. Time is linear in the bytes, even if they come one by one: what was searched is not searched again.
#[derive(Debug, Default)]
pub(super) struct HeadBuffer {
    /// `scan.scanned == partial.len()`, unless what is in it was given.
    partial: Vec<u8>,
    scan: Scan,
    given: bool,
}

/// How far bytes have been searched for an empty line. `line <= scanned`.
#[derive(Copy, Clone, Debug, Default)]
struct Scan {
    scanned: usize,
    /// Where the line begins that has not ended yet.
    line: usize,
}

/// What is being collected.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// One empty line before the head is ignored (RFC 9112, section 2.2).
    Head,
    /// It may have no lines.
    Trailers,
}

impl HeadBuffer {
    /// Is nothing in it that is still to be used? What was given before is given back.
    #[inline]
    pub(super) fn is_empty(&mut self) -> bool {
        if self.given {
            *self = Self::default();
        }
        self.partial.is_empty()
    }

    /// The bytes that were collected.
    pub(super) fn collected(&self) -> &[u8] {
        &self.partial
    }

    /// Whether a part of a head has come, and not all of it. A CR alone is the beginning of an empty line, and no head has begun.
    pub(super) fn has_begun(&self) -> bool {
        !self.partial.is_empty() && !self.given && self.partial != b"\r"
    }

    /// Skips the empty lines that `input` begins with, at most `limit` of them, and returns their number. The CR of an empty line may have
    /// come with the piece of input before; a CR at the end of this piece is kept by `next`.
    pub(super) fn skip_empty_lines(&mut self, input: &mut &[u8], limit: usize) -> usize {
        let mut skipped = 0;
        if self.partial == b"\r"
            && let [b'\n', rest @ ..] = *input
        {
            *self = Self::default();
            *input = rest;
            skipped += 1;
        }
        while skipped < limit
            && self.is_empty()
            && let [b'\r', b'\n', rest @ ..] = *input
        {
            *input = rest;
            skipped += 1;
        }
        skipped
    }

    /// The whole of it, with the empty line, once it is there. `input` is moved forward past it.
    pub(super) fn next<'a, 'input: 'a>(
        &'a mut self,
        input: &mut &'input [u8],
        limit: usize,
        section: Section,
    ) -> Result<Option<&'a [u8]>, HttpError> {
        if self.given {
            // Given back rather than kept: a connection that waits for its next message owns no buffer.
            *self = Self::default();
        }
        let whole = *input;
        if self.partial.is_empty() {
            let window = &whole[..limit.min(whole.len())];
            let mut scan = Scan::default();
            if let Some(end) = scan.end(window, section)? {
                let (head, rest) = whole.split_at(end);
                *input = rest;
                return Ok(Some(head));
            }
            self.scan = scan;
            self.partial.extend_from_slice(window);
        } else {
            let before = self.partial.len();
            let room = limit.saturating_sub(before).min(whole.len());
            self.partial.extend_from_slice(&whole[..room]);
            if let Some(end) = self.scan.end(&self.partial, section)? {
                *input = &whole[end - before..];
                self.partial.truncate(end);
                self.given = true;
                return Ok(Some(&self.partial));
            }
        }
        if self.partial.len() >= limit {
            let in_first_line = section == Section::Head && self.scan.line <= 2;
            return Err(if in_first_line { HttpError::TargetTooLong } else { HttpError::HeadTooLarge });
        }
        *input = &[];
        Ok(None)
    }
}

impl Scan {
    /// Just past the empty line, if it is there.
    fn end(&mut self, bytes: &[u8], section: Section) -> Result<Option<usize>, HttpError> {
        let from = self.scanned;
        for newline in memchr_iter(b'\n', &bytes[from..]) {
            let newline = from + newline;
            if newline == 0 || bytes[newline - 1] != b'\r' {
                return Err(HttpError::BareLineFeed);
            }
            if newline == self.line + 1 && (self.line > 0 || section == Section::Trailers) {
                return Ok(Some(newline + 1));
            }
            self.line = newline + 1;
        }
        self.scanned = bytes.len();
        Ok(None)
    }
}
