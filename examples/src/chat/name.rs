//! Names of people and of rooms.

use std::cmp::Ordering;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

/// The name of a member or of a room: 1 to 24 letters, digits, `_` and `-`, all of ASCII, so that no two names look alike and none has
/// anything in it that a terminal obeys.
///
/// Names that differ only in upper and lower case are the same name, shown as it was first written.
#[derive(Clone, Debug)]
pub struct Name(Rc<str>);

impl Name {
    /// The most characters, which are bytes, of a name.
    pub const MAX_LENGTH: usize = 24;

    /// The name that `text` is, without the spaces around it.
    ///
    /// # Errors
    ///
    /// [`WrongName`] tells what is wrong with it.
    pub fn parse(text: &[u8]) -> Result<Self, WrongName> {
        let text = str::from_utf8(text).map_err(|_| WrongName::NotText)?.trim_matches(' ');
        match text.bytes().find(|byte| !byte.is_ascii_alphanumeric() && !b"_-".contains(byte)) {
            _ if text.is_empty() => Err(WrongName::Empty),
            Some(_) => Err(WrongName::Forbidden),
            None if text.len() > Self::MAX_LENGTH => Err(WrongName::TooLong),
            None => Ok(Self(text.into())),
        }
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What is wrong with a name.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum WrongName {
    /// There is none.
    Empty,
    /// It has more than [`Name::MAX_LENGTH`] characters.
    TooLong,
    /// It is not UTF-8.
    NotText,
    /// A character is none of those that a name may have.
    Forbidden,
}

impl fmt::Display for WrongName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a name must not be empty"),
            Self::TooLong => write!(f, "a name has at most {} characters", Name::MAX_LENGTH),
            Self::NotText => f.write_str("that is not UTF-8"),
            Self::Forbidden => f.write_str("a name has only letters from a to z, digits, _ and -"),
        }
    }
}

impl Error for WrongName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_one_to_24_letters_digits_and_dashes_is_taken_as_written() {
        for name in ["a", "Ann_B-2", "-", "123456789012345678901234"] {
            assert_eq!(Name::parse(name.as_bytes()).unwrap().to_string(), name);
        }
        assert_eq!(Name::parse(b"  ann ").unwrap().to_string(), "ann");
    }

    #[test]
    fn a_wrong_name_is_refused_and_told_why() {
        for (name, why) in [
            (&b""[..], WrongName::Empty),
            (b"   ", WrongName::Empty),
            (b"1234567890123456789012345", WrongName::TooLong),
            (b"\xff\xfe", WrongName::NotText),
            (b"ann\xc3", WrongName::NotText),
            (b"ann\0", WrongName::Forbidden),
            (b"\x1b[31mann", WrongName::Forbidden),
            (b"ann\x7f", WrongName::Forbidden),
            (b"ann\r", WrongName::Forbidden),
            (b"ann bob", WrongName::Forbidden),
            ("ann\u{202e}".as_bytes(), WrongName::Forbidden),
            // A Cyrillic a, which looks like ours.
            ("\u{430}nn".as_bytes(), WrongName::Forbidden),
            (b"<ann>", WrongName::Forbidden),
        ] {
            assert_eq!(Name::parse(name), Err(why), "{}", name.escape_ascii());
        }
    }

    #[test]
    fn names_that_differ_only_in_case_are_the_same() {
        let name = |text: &str| Name::parse(text.as_bytes()).unwrap();
        assert_eq!(name("Ann"), name("aNN"));
        assert!(name("ann") < name("BOB") && name("ANN") < name("bob"));
    }
}
