//! Content codings, and which of them a client takes.

use super::fields::{Headers, trim};

/// A way in which content may be compressed (RFC 9110, section 8.4.1).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "these are those that clients know")]
pub enum ContentCoding {
    /// Brotli (RFC 7932).
    Brotli,
    /// Zstandard (RFC 8878).
    Zstandard,
    /// Gzip (RFC 1952).
    Gzip,
}

impl ContentCoding {
    /// All of them, the best first: what stands first is taken of those that a client likes as much.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Zstandard, Self::Gzip];

    /// Its name in `Content-Encoding` and `Accept-Encoding`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstandard => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// What the name of a file ends in that is compressed so.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Zstandard => ".zst",
            Self::Gzip => ".gz",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Brotli => 0,
            Self::Zstandard => 1,
            Self::Gzip => 2,
        }
    }
}

/// How much a client likes the codings, from its `Accept-Encoding` (RFC 9110, section 12.5.3).
///
/// ```
/// use lariat_protocols::http::{AcceptedCodings, ContentCoding, Fields};
///
/// let mut request = Fields::new();
/// request.append("Accept-Encoding", "gzip;q=0.8, br, *;q=0")?;
/// let accepted = AcceptedCodings::read(request.headers());
/// assert_eq!(accepted.best_of(&ContentCoding::ALL), Some(ContentCoding::Brotli));
/// assert_eq!(accepted.best_of(&[ContentCoding::Gzip]), Some(ContentCoding::Gzip));
/// assert_eq!(accepted.best_of(&[ContentCoding::Zstandard]), None);
/// # Ok::<(), lariat_protocols::http::InvalidField>(())
/// ```
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct AcceptedCodings {
    /// By [`ContentCoding::index`], in thousandths; 0 is not at all.
    weights: [u16; 3],
    /// Of content that is not compressed.
    identity: u16,
}

/// A weight in thousandths (RFC 9110, section 12.4.2).
const ONE: u16 = 1000;

impl AcceptedCodings {
    /// What the headers of a request say. Without the header, or with one that is malformed, nothing is to be compressed.
    pub fn read(headers: Headers<'_>) -> Self {
        Self::read_list(headers).unwrap_or_default()
    }

    fn read_list(headers: Headers<'_>) -> Option<Self> {
        let (mut listed, mut identity, mut others) = ([None; 3], None, 0);
        for value in headers.get_all("Accept-Encoding") {
            for element in value.split(|byte| *byte == b',').map(trim).filter(|element| !element.is_empty()) {
                let (name, weight) = parse_element(element)?;
                match name {
                    b"*" => others = weight,
                    name if name.eq_ignore_ascii_case(b"identity") => identity = Some(weight),
                    // RFC 9110, section 8.4.1.3.
                    name if name.eq_ignore_ascii_case(b"x-gzip") => listed[ContentCoding::Gzip.index()] = Some(weight),
                    name => {
                        let known = |coding: &ContentCoding| name.eq_ignore_ascii_case(coding.name().as_bytes());
                        if let Some(coding) = ContentCoding::ALL.into_iter().find(known) {
                            listed[coding.index()] = Some(weight);
                        }
                    }
                }
            }
        }
        // What is not compressed is always taken, unless it is listed, but only where nothing else is.
        Some(Self { weights: listed.map(|weight| weight.unwrap_or(others)), identity: identity.unwrap_or(0) })
    }

    /// Which of `available` the client likes best, and of those that it likes as much the one that stands first. `None`: the content as it is.
    pub fn best_of(&self, available: &[ContentCoding]) -> Option<ContentCoding> {
        let mut best = None;
        // Content that is liked as much compressed as not is compressed.
        let mut least = self.identity.max(1);
        for coding in available {
            let weight = self.weights[coding.index()];
            if weight >= least && (best.is_none() || weight > least) {
                (best, least) = (Some(*coding), weight);
            }
        }
        best
    }

    /// Does the client take anything but the content as it is?
    pub fn is_any(&self) -> bool {
        self.weights.iter().any(|weight| *weight > 0)
    }
}

fn parse_element(element: &[u8]) -> Option<(&[u8], u16)> {
    let mut parts = element.split(|byte| *byte == b';').map(trim);
    let name = parts.next()?;
    let Some(parameter) = parts.next() else { return Some((name, ONE)) };
    let weight = parameter.strip_prefix(b"q=").or_else(|| parameter.strip_prefix(b"Q="))?;
    if parts.next().is_some() { None } else { Some((name, parse_weight(weight)?)) }
}

/// 0 to 1, with at most three digits after the point.
fn parse_weight(weight: &[u8]) -> Option<u16> {
    let (whole, fraction) = match weight {
        [whole] | [whole, b'.'] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] => (whole, fraction),
        _ => return None,
    };
    let mut digits = fraction.iter().map(|digit| char::from(*digit).to_digit(10).and_then(|d| u16::try_from(d).ok()));
    let thousandths = [100, 10, 1].into_iter().try_fold(0, |sum, place| match digits.next() {
        None => Some(sum),
        Some(digit) => Some(sum + digit? * place),
    })?;
    match (whole, thousandths, digits.next()) {
        (b'0', thousandths, None) => Some(thousandths),
        (b'1', 0, None) => Some(ONE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::ContentCoding::{Brotli, Gzip, Zstandard};
    use super::*;
    use crate::http::Fields;

    fn best(value: &str) -> Option<ContentCoding> {
        let mut fields = Fields::new();
        fields.append("Accept-Encoding", value).unwrap();
        AcceptedCodings::read(fields.headers()).best_of(&ContentCoding::ALL)
    }

    #[test]
    fn the_examples_of_the_rfc_are_understood() {
        // RFC 9110, section 12.5.3.
        assert_eq!(best("compress, gzip"), Some(Gzip));
        assert_eq!(best(""), None);
        assert_eq!(best("*"), Some(Brotli));
        assert_eq!(best("compress;q=0.5, gzip;q=1.0"), Some(Gzip));
        assert_eq!(best("gzip;q=1.0, identity; q=0.5, *;q=0"), Some(Gzip));
        assert_eq!(AcceptedCodings::read(Headers::default()).best_of(&ContentCoding::ALL), None);
    }

    #[test]
    fn the_weight_decides_and_then_our_own_order() {
        assert_eq!(best("gzip, deflate, br, zstd"), Some(Brotli));
        assert_eq!(best("gzip, deflate, zstd"), Some(Zstandard));
        assert_eq!(best("br;q=0.5, gzip;q=0.9"), Some(Gzip));
        assert_eq!(best("br;q=0.899, gzip;q=0.9"), Some(Gzip));
        assert_eq!(best("GZIP;Q=0.5"), Some(Gzip));
        assert_eq!(best("x-gzip"), Some(Gzip));
        assert_eq!(best("identity, gzip;q=0.5"), None);
        assert_eq!(best("identity, gzip"), Some(Gzip));
        assert_eq!(best("identity;q=0, gzip;q=0.001"), Some(Gzip));
    }

    #[test]
    fn what_is_weighed_at_nothing_is_not_used() {
        assert_eq!(best("gzip;q=0"), None);
        assert_eq!(best("br;q=0, *"), Some(Zstandard));
        assert_eq!(best("*;q=0, gzip;q=0.000"), None);
    }

    #[test]
    fn what_is_malformed_has_nothing_compressed() {
        for value in
            ["gzip;q=2", "gzip;q=1.001", "gzip;q=0.1234", "gzip;q=.5", "gzip;q=", "gzip;x=1", "gzip;q=1;q=1", "gzip;"]
        {
            assert_eq!(best(value), None, "{value}");
        }
        assert_eq!(best("gzip;q=1.000"), Some(Gzip));
        assert_eq!(best("gzip ; q=1. , ,"), Some(Gzip));
    }
}
