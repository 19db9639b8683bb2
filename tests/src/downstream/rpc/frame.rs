//! A frame: four bytes of payload length, four of request id, both big-endian, and the payload.

use std::fmt;

use lariat::{Transport, WriteStatus};

/// The longest payload, in bytes.
pub const MAX_PAYLOAD: usize = 64 * 1024;

const HEADER: usize = 8;

/// One message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Which request it is, or answers.
    pub id: u32,
    /// What it says.
    pub payload: &'a [u8],
}

/// A peer announced a payload longer than [`MAX_PAYLOAD`].
#[derive(Debug, PartialEq, Eq)]
pub struct PayloadTooLong(pub usize);

impl fmt::Display for PayloadTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a payload of {} bytes was announced, and {MAX_PAYLOAD} are allowed", self.0)
    }
}

impl std::error::Error for PayloadTooLong {}

/// Cuts a stream into frames, however it was cut before.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    partial: Vec<u8>,
}

impl FrameDecoder {
    /// Takes `data` and shows every frame that it completes.
    ///
    /// # Errors
    ///
    /// When a payload is too long. Nothing after that can be understood.
    pub fn feed(&mut self, data: &[u8], mut frame: impl FnMut(Frame<'_>)) -> Result<(), PayloadTooLong> {
        self.partial.extend_from_slice(data);
        let mut rest = &self.partial[..];
        while let Some((header, body)) = rest.split_first_chunk::<HEADER>() {
            let [l0, l1, l2, l3, i0, i1, i2, i3] = *header;
            let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
            if length > MAX_PAYLOAD {
                return Err(PayloadTooLong(length));
            }
            let Some((payload, after)) = body.split_at_checked(length) else { break };
            frame(Frame { id: u32::from_be_bytes([i0, i1, i2, i3]), payload });
            rest = after;
        }
        let used = self.partial.len() - rest.len();
        self.partial.drain(..used);
        Ok(())
    }
}

impl Frame<'_> {
    /// Sends it.
    pub(super) fn write_to(&self, transport: &Transport) -> WriteStatus {
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        transport.write(&length.to_be_bytes());
        transport.write(&self.id.to_be_bytes());
        transport.write(self.payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_frames_come_out_however_the_stream_is_cut() {
        let stream = b"\0\0\0\x02\0\0\0\x01hi\0\0\0\0\0\0\0\x02\0\0\0\x01\0\0\0\x03!";
        for cut in 0..stream.len() {
            let (mut decoder, mut frames) = (FrameDecoder::default(), Vec::new());
            for piece in [&stream[..cut], &stream[cut..]] {
                decoder.feed(piece, |frame| frames.push((frame.id, frame.payload.to_vec()))).unwrap();
            }
            assert_eq!(frames, [(1, b"hi".to_vec()), (2, Vec::new()), (3, b"!".to_vec())], "cut at {cut}");
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_an_error_before_its_payload_comes() {
        let error = FrameDecoder::default().feed(&[0xff; 8], |_| {}).unwrap_err();
        assert_eq!(error, PayloadTooLong(0xffff_ffff));
    }
}
