//! From the path of a URL to the path of a file.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use memchr::memchr;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

use super::status::Status;

/// The path of a file below some folder, as a URL names it: decoded once, and without anything in it that could lead elsewhere or to what is
/// hidden.
///
/// ```
/// use lariat_protocols::http::{FilePath, FilePathError};
///
/// let path = FilePath::parse("/caf%C3%A9/menu.html")?;
/// assert_eq!(path.as_bytes(), "café/menu.html".as_bytes());
/// assert_eq!(FilePath::parse("/../etc/passwd").unwrap_err(), FilePathError::Hidden);
/// assert_eq!(FilePath::parse("/%2e%2e/etc/passwd").unwrap_err(), FilePathError::Hidden);
/// assert_eq!(FilePath::parse("/a%00b").unwrap_err(), FilePathError::Malformed);
/// # Ok::<(), FilePathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath<'a> {
    relative: Cow<'a, [u8]>,
    names_folder: bool,
}

/// The one hidden folder that is there to be seen (RFC 8615): certificate authorities look into it.
const WELL_KNOWN: &[u8] = b".well-known";

/// What stands for itself in a path (RFC 3986, section 3.3: `pchar`, without what HTML would have to escape).
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

impl<'a> FilePath<'a> {
    /// Takes the path of a URL, without its query, as it came: percent-encoded. A slash at its beginning does not matter.
    ///
    /// # Errors
    ///
    /// See [`FilePathError`].
    pub fn parse(path: &'a str) -> Result<Self, FilePathError> {
        let path = path.strip_prefix('/').unwrap_or(path).as_bytes();
        let relative = if memchr(b'%', path).is_none() { Cow::Borrowed(path) } else { decode(path)? };
        let names_folder = relative.is_empty() || relative.ends_with(b"/");
        let last = relative.len().saturating_sub(1);
        let mut begin = 0;
        for (place, byte) in relative.iter().enumerate() {
            match byte {
                0 => return Err(FilePathError::Malformed),
                b'.' if place == begin => {
                    let segment = relative[begin..].split(|byte| *byte == b'/').next();
                    if begin > 0 || segment != Some(WELL_KNOWN) {
                        return Err(FilePathError::Hidden);
                    }
                }
                b'/' if place == begin => return Err(FilePathError::EmptySegment),
                b'/' => begin = place + 1,
                _ => {}
            }
        }
        let mut path = Self { relative, names_folder };
        if path.names_folder && !path.relative.is_empty() {
            path.relative = match path.relative {
                Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[..last]),
                Cow::Owned(mut bytes) => {
                    bytes.truncate(last);
                    Cow::Owned(bytes)
                }
            };
        }
        Ok(path)
    }

    /// The path without slashes at either end. Empty for the folder itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.relative
    }

    /// Did it end in a slash, or was it empty?
    pub fn names_folder(&self) -> bool {
        self.names_folder
    }
}

/// Encodes the name of a file as one segment of a URL's path, byte by byte: [`FilePath::parse`] gives the same bytes, UTF-8 or not.
pub(super) fn encode_segment(name: &[u8]) -> impl fmt::Display + '_ {
    percent_encode(name, IN_PATH)
}

fn decode(path: &[u8]) -> Result<Cow<'_, [u8]>, FilePathError> {
    for place in memchr::memchr_iter(b'%', path) {
        let digits = path.get(place + 1..place + 3).ok_or(FilePathError::Malformed)?;
        // An encoded slash is no separator, so it would have to be in a name, where none can be.
        if !digits.iter().all(u8::is_ascii_hexdigit) || digits.eq_ignore_ascii_case(b"2f") {
            return Err(FilePathError::Malformed);
        }
    }
    Ok(percent_decode(path).into())
}

/// Why a path names no file that could be served.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilePathError {
    /// It is not well percent-encoded, or has an encoded slash or NUL in it.
    Malformed,
    /// A segment begins with a dot: it leads elsewhere, or is hidden. Only `/.well-known` is allowed.
    Hidden,
    /// Two slashes follow each other. No file has two paths here, so caches and access rules see one.
    EmptySegment,
}

impl FilePathError {
    /// What a server answers. What is hidden is not there, for all that a client can see.
    pub fn status(self) -> Status {
        match self {
            Self::Malformed => Status::BAD_REQUEST,
            Self::Hidden | Self::EmptySegment => Status::NOT_FOUND,
        }
    }
}

impl fmt::Display for FilePathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the path is malformed",
            Self::Hidden => "a segment of the path begins with a dot",
            Self::EmptySegment => "a segment of the path is empty",
        })
    }
}

impl Error for FilePathError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(path: &str) -> (String, bool) {
        let path = FilePath::parse(path).unwrap();
        (String::from_utf8(path.as_bytes().to_vec()).unwrap(), path.names_folder())
    }

    #[test]
    fn paths_are_decoded_once() {
        assert_eq!(relative("/a/b.txt"), ("a/b.txt".into(), false));
        assert_eq!(relative("/a%20b/%25"), ("a b/%".into(), false));
        assert_eq!(relative("/%252e%252e/x"), ("%2e%2e/x".into(), false));
        assert_eq!(relative("/a\\b"), ("a\\b".into(), false));
        assert_eq!(relative("/a..b/c."), ("a..b/c.".into(), false));
    }

    #[test]
    fn a_slash_at_the_end_names_a_folder() {
        assert_eq!(relative("/"), (String::new(), true));
        assert_eq!(relative(""), (String::new(), true));
        assert_eq!(relative("/a/"), ("a".into(), true));
        assert_eq!(relative("/a%20b/"), ("a b".into(), true));
    }

    #[test]
    fn what_leads_elsewhere_or_is_hidden_is_refused() {
        for path in [
            "/..",
            "/../x",
            "/a/../x",
            "/a/..",
            "/.",
            "/./a",
            "/a/./b",
            "/%2e%2e/x",
            "/%2E./x",
            "/.%2e/",
            "/.git/config",
            "/a/.env",
            "/.well-known-not",
            "/a/.well-known",
            "/.well-known/../x",
            "/.well-known/.hidden",
            "/...",
        ] {
            assert_eq!(FilePath::parse(path), Err(FilePathError::Hidden), "{path}");
        }
        assert_eq!(relative("/.well-known/acme/x"), (".well-known/acme/x".into(), false));
        assert_eq!(relative("/.well-known/"), (".well-known".into(), true));
    }

    #[test]
    fn what_is_malformed_or_ambiguous_is_refused() {
        for path in ["/%", "/%4", "/%zz", "/a%2fb", "/a%2Fb", "/%00", "/a%00.txt", "/..%2f..%2fetc"] {
            assert_eq!(FilePath::parse(path), Err(FilePathError::Malformed), "{path}");
        }
        for path in ["//", "//a", "/a//b", "/a//"] {
            assert_eq!(FilePath::parse(path), Err(FilePathError::EmptySegment), "{path}");
        }
    }

    #[test]
    fn a_name_survives_being_encoded() {
        for name in ["plain.txt", "a b", "50%", "?#[]", "<&\">", "café", "a;b=c"] {
            let encoded = encode_segment(name.as_bytes()).to_string();
            assert!(!encoded.contains(['<', '>', '"', '&', '?', '#', ' ', '\'']), "{encoded}");
            assert_eq!(relative(&encoded), (name.into(), false));
        }
        let every_byte: Vec<u8> = (1..=255).filter(|byte| *byte != b'/').collect();
        let encoded = encode_segment(&every_byte).to_string();
        assert_eq!(FilePath::parse(&encoded).unwrap().as_bytes(), every_byte);
    }
}
