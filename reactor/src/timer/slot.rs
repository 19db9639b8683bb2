//! One place on the dial: a chain of timers and the earliest of their deadlines.

use super::chain::{Chain, Link};

/// The timers whose deadlines fall into one stretch of time.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) chain: Chain,
    /// At or before the earliest deadline in the chain, and exactly that until a timer is taken out.
    pub(super) earliest: u64,
}

impl Slot {
    pub(super) const EMPTY: Self = Self { chain: Chain::EMPTY, earliest: u64::MAX };

    pub(super) fn append(&mut self, links: &mut [Link], index: u32, deadline: u64) {
        links[index as usize].previous = self.chain.last;
        self.chain.append(links, index);
        self.earliest = self.earliest.min(deadline);
    }
}
