//! Text that a peer may have chosen, made safe for logs, error messages and terminals.

use std::fmt::{self, Display, Write};

/// The longest piece of a peer's bytes in a message: a host name, a header's name or a file's name fits.
const PIECE: usize = 256;

/// The longest line: an error with a few pieces in it and its sources fits, and a log line stays within a screen.
const LINE: usize = 1024;

/// A peer's bytes, or words that may contain some, escaped and cut as they are formatted.
///
/// Control characters (line ends and ESC among them), line separators, bidirectional controls and other invisible
/// characters are shown as `\n`, `\r`, `\t` or `\u{…}`, bytes that are not UTF-8 as `\x…`. So the text stays on its
/// line, in its direction, and gives no command to a terminal. What is longer than the limit is cut, and the number of
/// bytes that were left out follows.
///
/// The reactor and the protocols use this for their own log lines and error messages. A program uses it wherever it
/// prints or logs what a peer sent:
///
/// ```
/// use lariat::Escaped;
///
/// let name = b"mallory\x1b[2J\r\nroot logged in \xff";
/// assert_eq!(Escaped::bytes(name).to_string(), r"mallory\u{1b}[2J\r\nroot logged in \xff");
/// assert_eq!(Escaped::bytes(&[b'a'; 1000]).cut(3).to_string(), "aaa... (997 bytes left out)");
///
/// let error = std::io::Error::other("no such user: eve\u{202e}");
/// assert_eq!(Escaped::display(&error).to_string(), r"no such user: eve\u{202e}");
/// ```
#[doc(alias = "escape")]
pub struct Escaped<'a> {
    text: Text<'a>,
    limit: usize,
}

enum Text<'a> {
    Bytes(&'a [u8]),
    Words(&'a dyn Display),
}

impl<'a> Escaped<'a> {
    /// Bytes of a peer. A backslash is escaped too, so that the text says exactly what the bytes were. At most 256
    /// bytes are written unless [`cut`](Self::cut) says otherwise.
    pub fn bytes(bytes: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { text: Text::Bytes(bytes.as_ref()), limit: PIECE }
    }

    /// A message that may contain bytes of a peer, such as an error. What is escaped already stays as it is, for a
    /// backslash is not escaped here. At most 1,024 bytes are written unless [`cut`](Self::cut) says otherwise.
    pub fn display(words: &'a dyn Display) -> Self {
        Self { text: Text::Words(words), limit: LINE }
    }

    /// Sets how many bytes are written at most, without the note of what was left out.
    #[must_use]
    pub fn cut(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut escaper = Escaper { out: f, left: self.limit, left_out: 0, is_literal: false };
        match self.text {
            Text::Bytes(bytes) => {
                escaper.is_literal = true;
                for chunk in bytes.utf8_chunks() {
                    escaper.write_str(chunk.valid())?;
                    for byte in chunk.invalid() {
                        escaper.put(&format!("\\x{byte:02x}"), 1)?;
                    }
                }
            }
            Text::Words(words) => write!(escaper, "{words}")?,
        }
        match escaper.left_out {
            0 => Ok(()),
            count => write!(f, "... ({count} bytes left out)"),
        }
    }
}

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Escaped(\"{self}\")")
    }
}

/// Escapes what is written to it, and counts what is past the limit.
struct Escaper<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    left: usize,
    left_out: usize,
    /// A backslash is escaped.
    is_literal: bool,
}

impl Escaper<'_, '_> {
    /// Writes `text`, which stands for `length` bytes of the original.
    fn put(&mut self, text: &str, length: usize) -> fmt::Result {
        if self.left_out > 0 || text.len() > self.left {
            self.left_out += length;
            return Ok(());
        }
        self.left -= text.len();
        self.out.write_str(text)
    }
}

impl Write for Escaper<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let length = character.len_utf8();
            if character == '\\' && self.is_literal {
                self.put("\\\\", length)?;
            } else if is_plain(character) {
                self.put(character.encode_utf8(&mut [0; 4]), length)?;
            } else {
                self.put(&character.escape_default().to_string(), length)?;
            }
        }
        Ok(())
    }
}

/// Returns whether a character is printed as it is. The standard library knows which are invisible (Unicode's categories
/// Cc, Cf, Zl, Zp and unassigned ones). After a letter, it leaves a combining mark as it is.
pub(crate) fn is_plain(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    let mut text = [b'x'; 5];
    let length = character.encode_utf8(&mut text[1..]).len();
    let text = str::from_utf8(&text[..=length]).unwrap_or_default();
    text.escape_debug().nth(1) == Some(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: impl AsRef<[u8]>) -> String {
        Escaped::bytes(&text).to_string()
    }

    #[test]
    fn what_commands_a_terminal_or_ends_a_line_is_escaped() {
        assert_eq!(bytes("a\x1b[31m\x07\x7f\0"), r"a\u{1b}[31m\u{7}\u{7f}\u{0}");
        assert_eq!(bytes("a\r\nb\tc\u{85}d\u{2028}e\u{2029}f\u{9b}"), r"a\r\nb\tc\u{85}d\u{2028}e\u{2029}f\u{9b}");
    }

    #[test]
    fn what_changes_the_direction_or_is_invisible_is_escaped() {
        for control in "\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}\u{200b}\u{feff}\u{ad}\u{e0041}".chars()
        {
            assert_eq!(bytes(control.to_string()), format!("\\u{{{:x}}}", u32::from(control)));
        }
    }

    #[test]
    fn text_for_people_stays_as_it_is() {
        for text in ["plain 'quoted' \"text\" {}", "Grüße, e\u{301}, नमस्ते, 你好, 🦀"] {
            assert_eq!(bytes(text), text);
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_shown_as_hex() {
        assert_eq!(bytes(b"\xffa\xc3\x28\xe2\x80"), r"\xffa\xc3(\xe2\x80");
    }

    #[test]
    fn a_backslash_is_escaped_in_bytes_and_kept_in_words() {
        assert_eq!(bytes(r"\n"), r"\\n");
        let once = Escaped::display(&"a\nb").to_string();
        assert_eq!(Escaped::display(&once).to_string(), r"a\nb");
    }

    #[test]
    fn what_is_past_the_limit_is_counted_and_not_written() {
        let long = "\x1b".repeat(10_000);
        let shown = bytes(&long);
        // Six bytes each.
        assert_eq!(shown, format!("{}... ({} bytes left out)", r"\u{1b}".repeat(42), 10_000 - 42));
        let line = Escaped::display(&format_args!("{}{}", "ü".repeat(600), "x".repeat(5_000))).to_string();
        assert_eq!(line, format!("{}... (5176 bytes left out)", "ü".repeat(512)));
        assert_eq!(Escaped::bytes("abc").cut(3).to_string(), "abc");
        assert_eq!(Escaped::bytes("abc").cut(0).to_string(), "... (3 bytes left out)");
    }
}
