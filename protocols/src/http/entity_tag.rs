//! Entity tags: names of versions.

use std::fmt::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use super::content_coding::ContentCoding;

/// A name for one version of a resource (RFC 9110, section 8.8.3), as it stands in `ETag`: in quotes, and with `W/` before it if it is weak.
///
/// Two versions with the same strong tag are the same to the byte. A weak tag says only that one will do for the other.
///
/// ```
/// use lariat_protocols::http::EntityTag;
///
/// let strong = EntityTag::parse(b"\"67ab43\"").ok_or("no tag")?;
/// let weak = EntityTag::parse(b"W/\"67ab43\"").ok_or("no tag")?;
/// assert!(strong.matches_weakly(&weak));
/// assert!(!strong.matches_strongly(&weak));
/// # Ok::<(), &str>(())
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntityTag<'a> {
    is_weak: bool,
    /// With its quotes.
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// The tag that `text` is, if it is one and nothing else.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let (tag, rest) = Self::parse_first(text)?;
        rest.is_empty().then_some(tag)
    }

    /// The tag that `text` begins with, and the rest.
    pub(super) fn parse_first(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (is_weak, quoted) = match text.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, text),
        };
        let inside = quoted.strip_prefix(b"\"")?;
        // RFC 9110 leaves out the space and the quote; whatever else is in there stands for itself.
        let length = inside.iter().position(|byte| !matches!(byte, b'!' | b'#'..=b'~' | 0x80..))?;
        if inside[length] != b'"' {
            return None;
        }
        let (opaque, rest) = quoted.split_at(length + 2);
        Some((Self { is_weak, opaque }, rest))
    }

    /// Is it weak?
    pub fn is_weak(&self) -> bool {
        self.is_weak
    }

    /// Are both strong, and the same? Whoever puts parts together asks so (RFC 9110, section 8.8.3.2).
    pub fn matches_strongly(&self, other: &EntityTag<'_>) -> bool {
        !self.is_weak && !other.is_weak && self.opaque == other.opaque
    }

    /// Are they the same, strong or not? Whoever looks for something newer asks so (RFC 9110, section 8.8.3.2).
    pub fn matches_weakly(&self, other: &EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }
}

impl fmt::Display for EntityTag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_weak { "W/" } else { "" })?;
        f.write_str(&String::from_utf8_lossy(self.opaque))
    }
}

/// The tag of a file, made of its length and of when it was changed, without allocating.
///
/// Reading a file's content for a tag would cost more than sending it, so this one relies on the clock by which a file system dates changes,
/// which on Linux advances with the timer's tick: at most 10 ms. A file that was changed less than 20 ms ago may be changed once more
/// and keep its date, so its tag is weak (RFC 9110, section 8.8.1, leaves no other choice). The next request gets a strong one.
#[derive(Copy, Clone)]
pub struct FileTag {
    is_weak: bool,
    /// `"`, three numbers in hexadecimal digits and perhaps a coding, with dashes between them, `"`.
    text: [u8; Self::CAPACITY],
    length: usize,
}

/// Two ticks of the slowest clock that Linux is built with.
const UNSETTLED: u128 = 20_000_000;

impl FileTag {
    /// Seconds and a length have up to 16 digits, nanoseconds 8, a coding 4 letters; with three dashes and two quotes that makes 49.
    const CAPACITY: usize = 49;

    /// The tag of a file that was changed at `modified` and has `length` bytes, as of `now`; with `coding` if it is the compressed form of
    /// what it stands for.
    pub fn new(modified: SystemTime, length: u64, coding: Option<ContentCoding>, now: SystemTime) -> Self {
        let age = now.duration_since(modified).unwrap_or_default();
        // What is dated before 1970, or in the future, has been given its date.
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut text = Text { bytes: [0; Self::CAPACITY], length: 0 };
        // It always fits.
        let (dash, coding) = coding.map_or(("", ""), |coding| ("-", coding.name()));
        let _ = write!(text, "\"{:x}-{:x}-{length:x}{dash}{coding}\"", since.as_secs(), since.subsec_nanos());
        Self { is_weak: age.as_nanos() < UNSETTLED, text: text.bytes, length: text.length }
    }

    /// The tag, to be sent or compared.
    pub fn as_tag(&self) -> EntityTag<'_> {
        EntityTag { is_weak: self.is_weak, opaque: &self.text[..self.length] }
    }

    /// The same as a weak one: for a file that is compressed on the fly, and so not sent to the byte.
    #[must_use]
    pub fn weakened(mut self) -> Self {
        self.is_weak = true;
        self
    }
}

impl fmt::Debug for FileTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileTag({})", self.as_tag())
    }
}

struct Text {
    bytes: [u8; FileTag::CAPACITY],
    length: usize,
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.length..self.length + text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tag(text: &str) -> EntityTag<'_> {
        EntityTag::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn tags_compare_as_the_table_of_the_rfc_says() {
        // RFC 9110, section 8.8.3.2.
        for (one, other, strongly, weakly) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
        ] {
            assert_eq!(tag(one).matches_strongly(&tag(other)), strongly, "{one} {other}");
            assert_eq!(tag(one).matches_weakly(&tag(other)), weakly, "{one} {other}");
        }
    }

    #[test]
    fn only_what_is_quoted_is_a_tag() {
        for text in ["", "\"", "a", "\"a", "a\"", "w/\"a\"", "W/a", "\"a b\"", "\"a\" ", "\"a\"b", "\"a\r\"", "*"] {
            assert_eq!(EntityTag::parse(text.as_bytes()), None, "{text:?}");
        }
        for text in ["\"\"", "W/\"\"", "\"a,b\"", "\"!#~\""] {
            assert_eq!(tag(text).to_string(), text);
        }
        assert!(EntityTag::parse(b"\"\xff\"").is_some());
    }

    #[test]
    fn a_files_tag_tells_its_date_and_length() {
        let modified = UNIX_EPOCH + Duration::new(0x1234, 0xab);
        let later = modified + Duration::from_millis(20);
        let of = |modified, length| FileTag::new(modified, length, None, later).as_tag().to_string();
        assert_eq!(of(modified, 0xcd), "\"1234-ab-cd\"");
        assert_eq!(of(UNIX_EPOCH - Duration::from_secs(1), 0), "\"0-0-0\"");
        let last = UNIX_EPOCH + Duration::new(i64::MAX as u64, 999_999_999);
        let longest = FileTag::new(last, u64::MAX, Some(ContentCoding::Zstandard), last).weakened();
        assert_eq!(longest.as_tag().to_string(), "W/\"7fffffffffffffff-3b9ac9ff-ffffffffffffffff-zstd\"");
    }

    #[test]
    fn a_file_that_may_change_again_unnoticed_has_a_weak_tag() {
        let modified = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let is_weak = |after| FileTag::new(modified, 1, None, modified + after).as_tag().is_weak();
        assert!(is_weak(Duration::ZERO));
        assert!(is_weak(Duration::from_millis(19)));
        assert!(!is_weak(Duration::from_millis(20)));
        assert!(FileTag::new(modified, 1, None, modified - Duration::from_secs(1)).as_tag().is_weak());
    }
}
