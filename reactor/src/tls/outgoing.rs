//! What is written, cut into pieces that are encrypted one by one.

use std::io::IoSlice;

use super::scratch::Scratch;

/// Plaintext that is encrypted and sent at a time: four full records (RFC 8446, section 5.1).
pub(super) const BATCH: usize = 4 * 16 * 1024;

/// Slices that follow each other. What is small is put together, so that it shares records; what is large is taken where it is.
pub(super) struct Pieces<'a> {
    slices: &'a [IoSlice<'a>],
    /// Bytes of the first slice that are done with: fewer than it has.
    done: usize,
    gathered: Option<Scratch>,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(slices: &'a [IoSlice<'a>]) -> Self {
        let mut pieces = Self { slices, done: 0, gathered: None };
        pieces.advance(0);
        pieces
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// Leaves out at most `count` bytes, and returns how many there were.
    pub(super) fn skip(&mut self, count: usize) -> usize {
        let mut left = count;
        while left > 0
            && let Some(first) = self.slices.first()
        {
            let step = left.min(first.len() - self.done);
            left -= step;
            self.advance(step);
        }
        count - left
    }

    /// The next piece: never empty, [`BATCH`] bytes at the most.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let slices = self.slices;
        let first = &slices.first()?[self.done..];
        if slices.len() == 1 || first.len() >= BATCH {
            let piece = &first[..first.len().min(BATCH)];
            self.advance(piece.len());
            return Some(piece);
        }
        let mut gathered = self.gathered.take().unwrap_or_else(Scratch::take);
        let mut filled = 0;
        while filled < BATCH
            && let Some(first) = self.slices.first()
        {
            let rest = &first[self.done..];
            let part = &rest[..rest.len().min(BATCH - filled)];
            gathered.bytes()[filled..filled + part.len()].copy_from_slice(part);
            filled += part.len();
            self.advance(part.len());
        }
        Some(&self.gathered.insert(gathered).bytes()[..filled])
    }

    /// Goes on by `count` bytes of the first slice, and past whatever is empty.
    fn advance(&mut self, count: usize) {
        self.done += count;
        while let Some(first) = self.slices.first()
            && self.done == first.len()
        {
            self.slices = &self.slices[1..];
            self.done = 0;
        }
    }
}
