//! One ring of the wheel.

use super::slot::Slot;

/// Eight bits of the deadline choose the slot, so that a minute of milliseconds takes two levels (an entry
/// moves once before it is due) and eight levels reach every deadline.
pub(super) const BITS: u32 = 8;

const SLOTS: usize = 1 << BITS;
const WORDS: usize = SLOTS / 64;

/// The slots of one level, and which of them hold entries.
///
/// `occupied` has bit *n* set if and only if slot *n* is not empty.
pub(super) struct Level {
    occupied: [u64; WORDS],
    slots: [Slot; SLOTS],
}

impl Level {
    pub(super) fn new() -> Self {
        Self { occupied: [0; WORDS], slots: [Slot::EMPTY; SLOTS] }
    }

    /// The slot for entries, which from now on counts as occupied.
    pub(super) fn occupy(&mut self, slot: u8) -> &mut Slot {
        self.occupied[usize::from(slot) / 64] |= 1 << (slot % 64);
        &mut self.slots[usize::from(slot)]
    }

    pub(super) fn slot(&self, slot: u8) -> &Slot {
        &self.slots[usize::from(slot)]
    }

    pub(super) fn slot_mut(&mut self, slot: u8) -> &mut Slot {
        &mut self.slots[usize::from(slot)]
    }

    /// Empties the slot and says whether the whole level is empty now.
    pub(super) fn vacate(&mut self, slot: u8) -> bool {
        self.slots[usize::from(slot)] = Slot::EMPTY;
        self.occupied[usize::from(slot) / 64] &= !(1 << (slot % 64));
        self.occupied == [0; WORDS]
    }

    /// The first occupied slot, which is the earliest: slots before the wheel's time are always empty.
    pub(super) fn first_occupied(&self) -> Option<u8> {
        let word = self.occupied.iter().position(|&bits| bits != 0)?;
        u8::try_from(word * 64 + self.occupied[word].trailing_zeros() as usize).ok()
    }
}
