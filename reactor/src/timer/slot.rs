//! One place of the wheel: a chain of entries and the earliest of their deadlines.

use super::chain::Chain;

/// The entries whose deadlines fall into one stretch of time.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) chain: Chain,
    /// At or before the earliest deadline in the chain, and exactly that until an entry is taken out.
    pub(super) earliest: u64,
}

impl Slot {
    pub(super) const EMPTY: Self = Self { chain: Chain::EMPTY, earliest: u64::MAX };

    pub(super) fn is_empty(&self) -> bool {
        self.chain.is_empty()
    }
}
