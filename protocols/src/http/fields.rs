//! Headers and trailers: as they came, and as they are to be sent.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use memchr::memchr;

use super::grammar::is_token;

/// The headers, or trailers, of a message, as slices of it: names as they were sent, values without the whitespace around them. It is
/// cheap to copy, and finding one looks through them all.
#[derive(Copy, Clone, Default)]
pub struct Headers<'a> {
    /// Lines, each `name: value\r\n`, that a parser or [`Fields`] has found well-formed.
    block: &'a [u8],
}

impl<'a> Headers<'a> {
    /// The caller has checked them.
    pub(super) const fn checked(block: &'a [u8]) -> Self {
        Self { block }
    }

    /// The first header of this name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.get_all(name).next()
    }

    /// The same as text; `None` also if it is no UTF-8.
    pub fn get_str(&self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Every header of this name, in order.
    pub fn get_all<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.lines().filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// Is there one of this name?
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        // A name is a token, and so ASCII.
        self.lines().map(|(name, value)| (std::str::from_utf8(name).unwrap_or_default(), value))
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.block.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lines().count()
    }

    /// The lines, with a CR and an LF after each.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.block
    }

    /// A copy to keep or to send on: without those that are [never set by hand](Fields::append), for they tell of this message alone.
    pub fn to_fields(&self) -> Fields {
        let mut block = Vec::with_capacity(self.block.len());
        for (name, value) in self.lines().filter(|(name, _)| !is_framing(name)) {
            push_line(&mut block, name, value);
        }
        Fields { block: Cow::Owned(block) }
    }

    pub(super) fn lines(&self) -> Lines<'a> {
        Lines { rest: self.block }
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, value.escape_ascii().to_string()))).finish()
    }
}

pub(super) struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let end = memchr(b'\n', self.rest)?;
        let (line, rest) = self.rest.split_at(end + 1);
        self.rest = rest;
        let colon = memchr(b':', line)?;
        Some((&line[..colon], trim(&line[colon + 1..])))
    }
}

/// Without whitespace at either end: spaces, tabs, and a line's end.
#[inline]
pub(super) fn trim(value: &[u8]) -> &[u8] {
    // One space before it and none after it is what nearly everybody sends.
    match value.strip_prefix(b" ").unwrap_or(value) {
        inner @ [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => inner,
        inner => inner.trim_ascii(),
    }
}

/// Headers or trailers that are to be sent. Whatever would not arrive as one header of that name and value is refused: a name that is no
/// token, a value with a CR, an LF, a NUL or another control character in it. So text that came from elsewhere cannot smuggle in a header
/// of its own, or a response.
///
/// ```
/// use lariat_protocols::http::Fields;
///
/// let mut fields = Fields::new();
/// fields.append("X-Room", "12")?;
/// assert_eq!(fields.headers().get("x-room"), Some(&b"12"[..]));
/// assert!(fields.append("X-Room", "12\r\nSet-Cookie: a=b").is_err());
/// # Ok::<(), lariat_protocols::http::InvalidField>(())
/// ```
#[derive(Clone, Default)]
pub struct Fields {
    block: Cow<'static, [u8]>,
}

/// Headers that say where a message ends or what becomes of the connection: who sends a message says that otherwise.
const FRAMING: [&str; 6] = ["Connection", "Content-Length", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding"];

impl Fields {
    /// None.
    pub const fn new() -> Self {
        Self { block: Cow::Borrowed(&[]) }
    }

    /// Lines that are known to be well-formed.
    pub(super) const fn fixed(block: &'static str) -> Self {
        Self { block: Cow::Borrowed(block.as_bytes()) }
    }

    /// Lines that whoever made them has made well.
    pub(super) fn checked(block: Vec<u8>) -> Self {
        Self { block: Cow::Owned(block) }
    }

    /// Adds a header, after those that are there, of the same name or not.
    ///
    /// # Errors
    ///
    /// When the name or the value is not one, or the header is one of those that say where the message ends (Content-Length,
    /// Transfer-Encoding, Connection and their like), which are never set by hand.
    #[doc(alias = "addRawHeader")]
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let value = value.as_ref();
        if !is_token(name.as_bytes()) {
            return Err(InvalidField::Name);
        }
        if value.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err(InvalidField::Value);
        }
        if is_framing(name.as_bytes()) {
            return Err(InvalidField::Framing);
        }
        push_line(self.block.to_mut(), name.as_bytes(), trim(value));
        Ok(())
    }

    /// Makes a header the only one of its name.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); nothing has changed then.
    #[doc(alias = "setHeader")]
    #[doc(alias = "setRawHeaders")]
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let mut others = if self.contains(name) { self.without(name) } else { std::mem::take(self) };
        let result = others.append(name, value);
        if result.is_ok() || self.block.is_empty() {
            *self = others;
        }
        result
    }

    /// Takes away every header of this name. Returns whether there was one.
    #[doc(alias = "removeHeader")]
    pub fn remove(&mut self, name: &str) -> bool {
        let contained = self.contains(name);
        if contained {
            *self = self.without(name);
        }
        contained
    }

    /// They themselves, to be looked at.
    pub fn headers(&self) -> Headers<'_> {
        Headers::checked(&self.block)
    }

    /// Is there one of this name?
    pub fn contains(&self, name: &str) -> bool {
        self.headers().contains(name)
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.block.is_empty()
    }

    fn without(&self, name: &str) -> Self {
        let mut block = Vec::with_capacity(self.block.len());
        for (found, value) in self.headers().lines() {
            if !found.eq_ignore_ascii_case(name.as_bytes()) {
                push_line(&mut block, found, value);
            }
        }
        Self { block: Cow::Owned(block) }
    }
}

fn is_framing(name: &[u8]) -> bool {
    FRAMING.iter().any(|framing| framing.as_bytes().eq_ignore_ascii_case(name))
}

fn push_line(block: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    block.reserve(name.len() + value.len() + 4);
    block.extend_from_slice(name);
    block.extend_from_slice(b": ");
    block.extend_from_slice(value);
    block.extend_from_slice(b"\r\n");
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headers().fmt(f)
    }
}

/// Why a header cannot be set.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidField {
    /// The name is no token (RFC 9110, section 5.6.2).
    Name,
    /// The value has a control character in it, such as a line break.
    Value,
    /// It says where the message ends or what becomes of the connection, and is not for a user to set.
    Framing,
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "the header's name is no token",
            Self::Value => "the header's value has a control character in it",
            Self::Framing => "the header is one that is never set by hand",
        })
    }
}

impl Error for InvalidField {}
