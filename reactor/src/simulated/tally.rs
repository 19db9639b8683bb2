//! What has passed, in short.

/// Odd, so that no byte's weight is ever lost; otherwise any number will do (this one is Knuth's, of MMIX).
const WEIGHT: u64 = 6_364_136_223_846_793_005;

/// How many bytes have passed and which, however they were cut up.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) count: u64,
    hash: u64,
}

impl Tally {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.count += bytes.len() as u64;
        let weigh = |hash: u64, byte: &u8| hash.wrapping_mul(WEIGHT).wrapping_add(u64::from(*byte) + 1);
        self.hash = bytes.iter().fold(self.hash, weigh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(parts: &[&[u8]]) -> Tally {
        let mut tally = Tally::default();
        parts.iter().for_each(|part| tally.add(part));
        tally
    }

    #[test]
    fn only_the_bytes_and_their_order_count() {
        assert_eq!(tally(&[b"hello"]), tally(&[b"he", b"", b"llo"]));
        assert_ne!(tally(&[b"hello"]), tally(&[b"ehllo"]));
        assert_ne!(tally(&[b"\0"]), tally(&[b"\0\0"]));
    }
}
