//! The rule by which responses are compressed on their way.

use super::content_coding::ContentCoding;
use super::content_type::is_compressible;
use super::fields::Headers;

/// The compression that a [`Compressed`](super::Compressed) applies to the response to a request.
#[derive(Copy, Clone, Debug)]
pub(super) struct Compression {
    /// `None` if the client takes no coding, or no further compressor may be made.
    pub(super) coding: Option<ContentCoding>,
}

/// The length below which a response takes no fewer packets when it is compressed.
const SHORTEST: u64 = 256;

impl Compression {
    /// Returns whether a whole response with this `Content-Type`, length (if it is known) and other headers is compressed for a client that takes a
    /// coding. If so, the response varies by `Accept-Encoding`.
    pub(super) fn applies(self, content_type: &str, length: Option<u64>, headers: Headers<'_>) -> bool {
        let says_no = |value: &[u8]| memchr::memmem::find(&value.to_ascii_lowercase(), b"no-transform").is_some();
        length.is_none_or(|length| length >= SHORTEST)
            && is_compressible(content_type)
            && !headers.contains("Content-Encoding")
            && !headers.contains("Content-Range")
            && !headers.get_all("Cache-Control").any(says_no)
    }
}
