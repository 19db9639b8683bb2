//! Compressing as it comes.

use std::fmt;
use std::io::{self, Write};

use super::content_coding::ContentCoding;

/// Compresses content as it comes, and gives out what has been compressed so far.
///
/// - [`write`](Self::write) as often as there is something;
/// - [`flush`](Self::flush) when what was written so far is to reach the other end now: an event of a stream of events;
/// - [`finish`](Self::finish) once.
///
/// Each appends to `output`. The levels suit a server that compresses as it sends: gzip 5, brotli 3, zstd 3. A compressor takes memory while
/// it lives, measured with a counting allocator after 1 MiB of text, without its output: with gzip about 350 KiB, with brotli 1 MiB, with
/// zstd 1.2 MiB.
///
/// ```
/// # #[cfg(feature = "gzip")] {
/// use lariat_protocols::http::{Compressor, ContentCoding};
///
/// let mut compressor = Compressor::new(ContentCoding::Gzip).ok_or("it is not built in")?;
/// let mut output = Vec::new();
/// compressor.write(&[b'x'; 10_000], &mut output)?;
/// compressor.finish(&mut output)?;
/// assert!(output.len() < 100);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Compressor {
    encoder: Box<dyn Encoder + Send>,
}

/// A library's compressor, which writes to memory.
trait Encoder {
    fn writer(&mut self) -> &mut dyn Write;

    /// What has come out of it so far.
    fn compressed(&mut self) -> &mut Vec<u8>;

    /// Ends the content, and gives what has come out of it.
    fn finish(self: Box<Self>) -> io::Result<Vec<u8>>;
}

macro_rules! encoder {
    ($feature:literal, $type:ty, $finish:expr) => {
        #[cfg(feature = $feature)]
        impl Encoder for $type {
            fn writer(&mut self) -> &mut dyn Write {
                self
            }

            fn compressed(&mut self) -> &mut Vec<u8> {
                self.get_mut()
            }

            fn finish(self: Box<Self>) -> io::Result<Vec<u8>> {
                $finish(*self)
            }
        }
    };
}

encoder!("gzip", flate2::write::GzEncoder<Vec<u8>>, |encoder: Self| encoder.finish());
encoder!("brotli", brotli::CompressorWriter<Vec<u8>>, |encoder: Self| Ok(encoder.into_inner()));
encoder!("zstd", zstd::stream::write::Encoder<'static, Vec<u8>>, |encoder: Self| encoder.finish());

/// Somewhat better than half the size, at a speed above that of most networks.
#[cfg(feature = "gzip")]
const GZIP_LEVEL: u32 = 5;

/// The highest level with small tables: from 4 on, a compressor takes 5 MiB and more, which each client could have the server allocate.
#[cfg(feature = "brotli")]
const BROTLI_LEVEL: u32 = 3;

/// The exponent of the window: 2^17 bytes. The default, 2^22, would be memory for each client.
#[cfg(feature = "brotli")]
const BROTLI_WINDOW: u32 = 17;

/// What is gathered before it is handed on.
#[cfg(feature = "brotli")]
const BROTLI_BUFFER: usize = 4096;

/// The default of the library.
#[cfg(feature = "zstd")]
const ZSTANDARD_LEVEL: i32 = 3;

/// As with brotli.
#[cfg(feature = "zstd")]
const ZSTANDARD_WINDOW: u32 = 17;

impl Compressor {
    /// The codings that are built in, by the features `gzip`, `brotli` and `zstd`; the best first.
    pub const AVAILABLE: &'static [ContentCoding] = &[
        #[cfg(feature = "brotli")]
        ContentCoding::Brotli,
        #[cfg(feature = "zstd")]
        ContentCoding::Zstandard,
        #[cfg(feature = "gzip")]
        ContentCoding::Gzip,
    ];

    /// A compressor, if the coding is one of those [available](Self::AVAILABLE).
    pub fn new(coding: ContentCoding) -> Option<Self> {
        let encoder: Option<Box<dyn Encoder + Send>> = match coding {
            #[cfg(feature = "gzip")]
            ContentCoding::Gzip => {
                let level = flate2::Compression::new(GZIP_LEVEL);
                Some(Box::new(flate2::write::GzEncoder::new(Vec::new(), level)))
            }
            #[cfg(feature = "brotli")]
            ContentCoding::Brotli => {
                let writer = brotli::CompressorWriter::new(Vec::new(), BROTLI_BUFFER, BROTLI_LEVEL, BROTLI_WINDOW);
                Some(Box::new(writer))
            }
            #[cfg(feature = "zstd")]
            ContentCoding::Zstandard => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTANDARD_LEVEL).ok()?;
                encoder.window_log(ZSTANDARD_WINDOW).ok()?;
                Some(Box::new(encoder))
            }
            #[allow(unreachable_patterns, reason = "unless a feature is off")]
            _ => None,
        };
        encoder.map(|encoder| Self { encoder })
    }

    /// Compresses some more. What comes out of it may be nothing for a while.
    ///
    /// # Errors
    ///
    /// When the library fails, for want of memory, say. The content cannot be ended in good order then.
    pub fn write(&mut self, data: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        self.encoder.writer().write_all(data)?;
        append(self.encoder.compressed(), output);
        Ok(())
    }

    /// Has everything that was written come out now, though that compresses less well.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn flush(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        self.encoder.writer().flush()?;
        append(self.encoder.compressed(), output);
        Ok(())
    }

    /// Ends the content.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn finish(self, output: &mut Vec<u8>) -> io::Result<()> {
        append(&mut self.encoder.finish()?, output);
        Ok(())
    }
}

fn append(compressed: &mut Vec<u8>, output: &mut Vec<u8>) {
    if output.is_empty() {
        std::mem::swap(compressed, output);
    } else {
        output.append(compressed);
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(all(feature = "gzip", feature = "brotli", feature = "zstd"))]
mod tests {
    use std::io::Read;

    use super::*;

    /// What the beginning of a stream decodes to, whether it is whole or not.
    fn decode(coding: ContentCoding, compressed: &[u8]) -> Vec<u8> {
        let mut reader: Box<dyn Read + '_> = match coding {
            ContentCoding::Gzip => Box::new(flate2::read::GzDecoder::new(compressed)),
            ContentCoding::Brotli => Box::new(brotli::Decompressor::new(compressed, 4096)),
            ContentCoding::Zstandard => Box::new(zstd::stream::read::Decoder::new(compressed).unwrap()),
        };
        let mut content = Vec::new();
        let mut piece = [0; 512];
        while let Ok(count @ 1..) = reader.read(&mut piece) {
            content.extend_from_slice(&piece[..count]);
        }
        content
    }

    fn text() -> Vec<u8> {
        (0..5_000).flat_map(|line| format!("line {line} of many that are much alike\n").into_bytes()).collect()
    }

    #[test]
    fn what_is_compressed_in_pieces_is_what_was_written() {
        for coding in ContentCoding::ALL {
            let mut compressor = Compressor::new(coding).unwrap();
            let mut output = Vec::new();
            for piece in text().chunks(777) {
                compressor.write(piece, &mut output).unwrap();
            }
            compressor.finish(&mut output).unwrap();
            assert!(output.len() < text().len() / 4, "{coding:?}: {}", output.len());
            assert!(decode(coding, &output) == text(), "{coding:?}");
        }
    }

    #[test]
    fn what_is_flushed_can_be_read_at_once() {
        for coding in ContentCoding::ALL {
            let mut compressor = Compressor::new(coding).unwrap();
            let mut output = Vec::new();
            for (count, event) in ["data: one\n\n", "data: two\n\n", "data: three\n\n"].into_iter().enumerate() {
                let before = decode(coding, &output).len();
                compressor.write(event.as_bytes(), &mut output).unwrap();
                compressor.flush(&mut output).unwrap();
                assert_eq!(decode(coding, &output)[before..], *event.as_bytes(), "{coding:?}, event {count}");
            }
        }
    }

    #[test]
    fn nothing_compressed_is_nothing_decoded() {
        for coding in ContentCoding::ALL {
            let mut output = Vec::new();
            Compressor::new(coding).unwrap().finish(&mut output).unwrap();
            assert!(!output.is_empty());
            assert_eq!(decode(coding, &output), b"", "{coding:?}");
        }
    }

    #[test]
    fn output_is_appended() {
        for coding in ContentCoding::ALL {
            let mut compressor = Compressor::new(coding).unwrap();
            let mut output = b"before".to_vec();
            compressor.write(b"abc", &mut output).unwrap();
            compressor.finish(&mut output).unwrap();
            assert!(output.starts_with(b"before"));
            assert_eq!(decode(coding, &output[6..]), b"abc", "{coding:?}");
        }
    }
}
