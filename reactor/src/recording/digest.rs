//! Many bytes in short.

use std::io::IoSlice;

/// An odd number whose bits are in no order: the fraction of the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Tells bytes from other bytes, as a replay's from those that were recorded. It is fast, and the same on every machine; it keeps nothing
/// secret, and nobody has a reason to deceive it.
#[derive(Debug, Default)]
struct Digest {
    state: u64,
    /// Bytes that make no word yet, the first in the lowest place; `0 <= held < 8`.
    word: u64,
    held: u32,
}

impl Digest {
    /// Takes what comes next; how it is cut makes no difference.
    fn add(&mut self, mut bytes: &[u8]) {
        while self.held > 0
            && let Some((first, rest)) = bytes.split_first()
        {
            self.add_byte(*first);
            bytes = rest;
        }
        let words = bytes.chunks_exact(8);
        let rest = words.remainder();
        for word in words {
            // The chunks have this length.
            self.add_word(word.try_into().map_or(0, u64::from_le_bytes));
        }
        rest.iter().for_each(|byte| self.add_byte(*byte));
    }

    fn add_byte(&mut self, byte: u8) {
        self.word |= u64::from(byte) << (8 * self.held);
        self.held += 1;
        if self.held == 8 {
            let word = std::mem::take(&mut self.word);
            self.held = 0;
            self.add_word(word);
        }
    }

    fn add_word(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(FACTOR);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
        let folded = (product >> 64) as u64 ^ product as u64;
        self.state = folded.wrapping_add(FACTOR);
    }

    fn finish(mut self) -> u64 {
        let held = u64::from(self.held);
        let word = self.word;
        self.add_word(word);
        self.add_word(held);
        self.state
    }
}

/// The digest of the first `length` bytes of `slices`.
pub(super) fn digest(slices: &[IoSlice<'_>], length: usize) -> u64 {
    let mut digest = Digest::default();
    let mut left = length;
    for slice in slices {
        let taken = slice.len().min(left);
        digest.add(&slice[..taken]);
        left -= taken;
    }
    digest.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_does_not_depend_on_how_bytes_are_cut() {
        let bytes: Vec<u8> = (0..40).collect();
        let whole = digest(&[IoSlice::new(&bytes)], 40);
        for first in 0..=40 {
            for second in first..=40 {
                let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]].map(IoSlice::new);
                assert_eq!(digest(&parts, 40), whole, "{first} {second}");
            }
        }
    }

    #[test]
    fn a_digest_depends_on_every_bit_and_on_the_length() {
        let bytes = [0; 24];
        let mut seen: Vec<u64> = (0..=24).map(|length| digest(&[IoSlice::new(&bytes)], length)).collect();
        for bit in 0..24 * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            seen.push(digest(&[IoSlice::new(&changed)], 24));
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}
