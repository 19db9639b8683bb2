//! What ends a line.

use std::borrow::Cow;

/// What ends a line. The default is [`CrLf`](Delimiter::CrLf), as almost every protocol of the internet has it.
///
/// ```
/// use lariat_protocols::{Delimiter, LineDecoder};
///
/// let nul_terminated = LineDecoder::new().with_delimiter(Delimiter::bytes(b"\0"));
/// # drop(nul_terminated);
/// ```
#[doc(alias = "delimiter")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Delimiter {
    /// `\r\n` and nothing else: a `\r` or a `\n` alone is a part of the line.
    #[default]
    CrLf,
    /// `\n`, or `\r\n`, each line as it comes: for what people type and what scripts send. The line has neither. A `\r`
    /// anywhere but right before the `\n` is a part of the line.
    LfOrCrLf,
    /// These bytes: see [`Delimiter::bytes`].
    Bytes(Cow<'static, [u8]>),
}

/// A delimiter that was found. Invariant: `length <= before.len() + end`, in the terms of [`Delimiter::find`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Just past the delimiter, in the bytes that were searched.
    pub(super) end: usize,
    /// How long the delimiter is. It may reach back into the bytes before those that were searched.
    pub(super) length: usize,
}

impl Delimiter {
    /// A delimiter of any bytes, such as `b"\0"`. It ends a line where it is complete for the first time. Meant to be
    /// short: a search may cost its length for every byte.
    ///
    /// Empty bytes end no line: every line is too long then.
    pub fn bytes(delimiter: impl Into<Cow<'static, [u8]>>) -> Self {
        Self::Bytes(delimiter.into())
    }

    /// The bytes to put at the end of a line that is sent: of the two in [`LfOrCrLf`](Delimiter::LfOrCrLf), `\r\n`.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::CrLf | Self::LfOrCrLf => b"\r\n",
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Would `line`, sent with this delimiter, arrive as one line?
    pub(super) fn allows(&self, line: &[u8]) -> bool {
        match self {
            Self::CrLf | Self::LfOrCrLf => memchr::memchr3(b'\r', b'\n', 0, line).is_none(),
            Self::Bytes(delimiter) => {
                // One that begins inside the line and ends inside the delimiter would cut the line short.
                let but_last = delimiter.split_last().map_or(&[][..], |(_, but_last)| but_last);
                self.find(b"", line).is_none() && self.find(line, but_last).is_none()
            }
        }
    }

    /// The first delimiter that ends inside `bytes`, which directly follow `before`. What is in `before` has been
    /// searched already.
    #[inline]
    pub(super) fn find(&self, before: &[u8], bytes: &[u8]) -> Option<Found> {
        match self {
            Self::CrLf => memchr::memchr_iter(b'\n', bytes)
                .find(|at| ends_in_cr(before, &bytes[..*at]))
                .map(|at| Found { end: at + 1, length: 2 }),
            Self::LfOrCrLf => memchr::memchr(b'\n', bytes)
                .map(|at| Found { end: at + 1, length: 1 + usize::from(ends_in_cr(before, &bytes[..at])) }),
            Self::Bytes(delimiter) => {
                let (last, start) = delimiter.split_last()?;
                let at = memchr::memchr_iter(*last, bytes).find(|at| follows(before, &bytes[..*at], start))?;
                Some(Found { end: at + 1, length: delimiter.len() })
            }
        }
    }
}

fn ends_in_cr(before: &[u8], bytes: &[u8]) -> bool {
    bytes.last().or(before.last()) == Some(&b'\r')
}

/// Do `before` and `bytes`, one after the other, end with `expected`?
fn follows(before: &[u8], bytes: &[u8], expected: &[u8]) -> bool {
    match expected.len().checked_sub(bytes.len()) {
        None | Some(0) => bytes.ends_with(expected),
        Some(missing) => {
            let (earlier, later) = expected.split_at(missing);
            bytes == later && before.ends_with(earlier)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_complete_occurrence_counts_however_it_overlaps() {
        let delimiter = Delimiter::bytes(b"aab");
        for split in 0..=4 {
            let (before, bytes) = b"aaab".split_at(split);
            let expected = (split < 4).then_some(Found { end: 4 - split, length: 3 });
            assert_eq!(delimiter.find(before, bytes), expected, "split at {split}");
        }
    }

    #[test]
    fn an_empty_delimiter_is_never_found() {
        assert_eq!(Delimiter::bytes(b"").find(b"", b"abc"), None);
    }

    #[test]
    fn a_line_that_would_end_early_is_not_allowed() {
        for line in ["a\rb", "a\nb", "\r\n", "a\0"] {
            assert!(!Delimiter::CrLf.allows(line.as_bytes()), "{line:?}");
            assert!(!Delimiter::LfOrCrLf.allows(line.as_bytes()), "{line:?}");
        }
        let delimiter = Delimiter::bytes(b"abab");
        assert!(delimiter.allows(b"a\r\nb") && delimiter.allows(b"aba"));
        assert!(!delimiter.allows(b"xababx") && !delimiter.allows(b"ab"), "ab, abab is nothing, ab");
    }

    #[test]
    fn a_cr_before_the_split_belongs_to_the_delimiter() {
        assert_eq!(Delimiter::LfOrCrLf.find(b"a\r", b"\n"), Some(Found { end: 1, length: 2 }));
        assert_eq!(Delimiter::LfOrCrLf.find(b"\ra", b"\n"), Some(Found { end: 1, length: 1 }));
    }
}
