//! A file of a simulated disk, and what a power failure leaves of it.

use bytes::Bytes;

use crate::random::Random;

/// The unit that a disk writes whole or not at all, in bytes: the logical sector of most disks.
pub(super) const SECTOR: usize = 512;

/// A change of a file's content that is not durable yet.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Data(usize, Bytes),
    Length(usize),
}

#[derive(Debug, Default)]
pub(super) struct File {
    /// The content that programs see.
    pub(super) content: Vec<u8>,
    /// The content that remains for certain.
    durable: Vec<u8>,
    writes: Vec<Write>,
    /// The open file that holds the lock.
    pub(super) lock: Option<u64>,
}

impl File {
    /// Makes the content durable.
    pub(super) fn sync(&mut self) {
        self.writes.drain(..).for_each(|write| write.apply(&mut self.durable));
    }

    /// Loses the writes that a sync could not write. Linux counts their pages as clean, so that no later
    /// sync writes them.
    pub(super) fn fail_to_sync(&mut self) {
        self.writes.clear();
    }

    pub(super) fn write(&mut self, write: Write) {
        write.apply(&mut self.content);
        self.writes.push(write);
    }

    /// Writes that were not synced remain: none, all, the first sectors, or any sectors.
    pub(super) fn power_off(&mut self, random: &Random) {
        let writes: Vec<Write> = self.writes.drain(..).flat_map(Write::into_sectors).collect();
        let kind = random.below(4);
        let first = if kind == 1 { writes.len() } else { random.index(writes.len() + 1) };
        for (place, write) in writes.iter().enumerate() {
            let remains = match kind {
                0 => false,
                1 | 2 => place < first,
                _ => random.chance(0.5),
            };
            if remains {
                write.apply(&mut self.durable);
            }
        }
        self.content.clone_from(&self.durable);
    }
}

impl Write {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Data(offset, data) => {
                let end = offset + data.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                if let Some(place) = content.get_mut(*offset..end) {
                    place.copy_from_slice(data);
                }
            }
            Self::Length(length) => content.resize(*length, 0),
        }
    }

    /// The same in pieces that a disk writes whole or not at all.
    fn into_sectors(self) -> Vec<Self> {
        let Self::Data(mut offset, mut data) = self else { return vec![self] };
        let mut sectors = Vec::new();
        while !data.is_empty() {
            let piece = data.split_to((SECTOR - offset % SECTOR).min(data.len()));
            let length = piece.len();
            sectors.push(Self::Data(offset, piece));
            offset += length;
        }
        sectors
    }
}
