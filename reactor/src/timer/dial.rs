//! The dial: which timer is due when, told by place alone.

use super::chain::{Chain, EXPIRED, Link, NONE};
use super::level::{BITS, Level};
use super::slot::Slot;

/// How many timers' room `rear` keeps for the next time: 4 KiB, as much as a level takes.
const REAR_KEPT: usize = 256;

/// Orders timers, which it knows by their index, by deadline; it holds neither deadlines nor values.
///
/// A timer that is due at D, while the time is N < D, sits at the level of the highest byte in which D and N
/// differ, in the slot that this byte of D names. So timers of one deadline always share a slot, which is first in,
/// first out; a lower level is due before a higher one; and within a level the first occupied slot is due first.
/// When N enters a slot of a higher level, its timers move down in their order. A timer with D <= N is in
/// `overdue`. Hence D and N tell where a timer is linked, and it need not remember.
pub(super) struct Dial {
    now: u64,
    /// As many levels as were ever needed, the finest first.
    levels: Vec<Level>,
    /// Bit *n* is set if and only if level *n* has an occupied slot.
    occupied: u8,
    /// Timers that were due when they were inserted, or that are about to be announced.
    overdue: Slot,
    /// At or after every deadline in `overdue`.
    overdue_latest: u64,
    /// Whether `overdue` is in the order of deadlines.
    overdue_in_order: bool,
    /// By index, for every timer there ever was.
    links: Vec<Link>,
    /// Empty but while timers move from one slot to others; kept for its memory.
    rear: Vec<(u32, u64)>,
}

impl Dial {
    pub(super) const fn new() -> Self {
        Self {
            now: 0,
            levels: Vec::new(),
            occupied: 0,
            overdue: Slot::EMPTY,
            overdue_latest: 0,
            overdue_in_order: true,
            links: Vec::new(),
            rear: Vec::new(),
        }
    }

    pub(super) fn reserve(&mut self, capacity: usize) {
        self.links.reserve(capacity);
    }

    /// Gives back the memory that indices below `capacity` do not need.
    pub(super) fn shrink_to(&mut self, capacity: usize) {
        self.links.truncate(capacity);
        self.links.shrink_to_fit();
        self.rear = Vec::new();
        if self.occupied == 0 {
            self.levels = Vec::new();
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// At or before the earliest deadline, and exactly that unless a timer was removed.
    pub(super) fn earliest(&self) -> Option<u64> {
        if !self.overdue.chain.is_empty() {
            return Some(self.overdue.earliest);
        }
        let (level, slot) = self.first_occupied()?;
        Some(self.levels[level].slot(slot).earliest)
    }

    /// Puts a timer behind all others of its deadline. Its index is at most one more than any before.
    pub(super) fn insert(&mut self, index: u32, deadline: u64) {
        if index as usize == self.links.len() {
            self.links.push(Link { previous: NONE, next: NONE });
        }
        self.append(index, deadline);
    }

    /// Takes a timer, which must not have expired, off the dial.
    pub(super) fn remove(&mut self, index: u32, deadline: u64) {
        let Some((level, slot)) = self.place(deadline) else {
            self.overdue.chain.remove(&mut self.links, index);
            return;
        };
        let chain = &mut self.levels[level].slot_mut(slot).chain;
        chain.remove(&mut self.links, index);
        if chain.is_empty() {
            self.vacate(level, slot);
        }
    }

    /// Whether the timer was the first overdue one and is off the dial since.
    pub(super) fn is_expired(&self, index: u32) -> bool {
        self.links[index as usize].previous == EXPIRED
    }

    /// Takes the first overdue timer off the dial.
    pub(super) fn expire_first_overdue(&mut self) -> Option<u32> {
        let Some(index) = self.overdue.chain.remove_first(&self.links) else {
            self.clear_overdue();
            return None;
        };
        self.links[index as usize].previous = EXPIRED;
        Some(index)
    }

    /// Moves the time on to the earliest slot and that slot's timers to where they belong then, some to `overdue`. If
    /// no slot begins by `now`, moves the time on to `now` and answers false.
    ///
    /// Expects that nothing is overdue. `deadline` is asked for the deadlines of timers.
    pub(super) fn advance(&mut self, now: u64, deadline: impl Fn(u32) -> u64) -> bool {
        let Some((level, slot)) = self.first_occupied() else {
            self.now = self.now.max(now);
            return false;
        };
        let Slot { chain, earliest } = *self.levels[level].slot(slot);
        if start(level, earliest) > now {
            self.now = self.now.max(now);
            return false;
        }
        self.vacate(level, slot);
        // Going on to the earliest deadline, not only to the slot's beginning, takes a lone timer down in one step.
        self.now = earliest.min(now);
        if level == 0 {
            self.overdue = Slot { chain, earliest };
            self.overdue_latest = earliest;
            return true;
        }
        self.move_down(chain, deadline);
        true
    }

    /// Puts the timers of a chain that is no longer on the dial where they belong now, in their order.
    ///
    /// In a long chain each step waits for memory, so it is walked from both ends at once and the waits overlap: that
    /// halves the time for a million timers.
    fn move_down(&mut self, chain: Chain, deadline: impl Fn(u32) -> u64) {
        let Chain { mut first, mut last } = chain;
        let mut rear = std::mem::take(&mut self.rear);
        loop {
            let next = self.links[first as usize].next;
            self.append(first, deadline(first));
            if first == last {
                break;
            }
            rear.push((last, deadline(last)));
            if next == last {
                break;
            }
            first = next;
            last = self.links[last as usize].previous;
        }
        for (index, deadline) in rear.drain(..).rev() {
            self.append(index, deadline);
        }
        rear.shrink_to(REAR_KEPT);
        self.rear = rear;
    }

    /// Puts overdue timers in the order of their deadlines. Only those that were inserted late, and the later ones
    /// first, ever need it.
    pub(super) fn sort_overdue(&mut self, deadline: impl Fn(u32) -> u64) {
        if self.overdue_in_order {
            return;
        }
        let mut timers = Vec::new();
        while let Some(index) = self.overdue.chain.remove_first(&self.links) {
            timers.push(index);
        }
        timers.sort_by_key(|&index| deadline(index));
        self.clear_overdue();
        for index in timers {
            self.append(index, deadline(index));
        }
    }

    fn clear_overdue(&mut self) {
        self.overdue = Slot::EMPTY;
        self.overdue_latest = 0;
        self.overdue_in_order = true;
    }

    /// Where a timer of this deadline belongs: a level and a slot, or `None` for `overdue`.
    fn place(&self, deadline: u64) -> Option<(usize, u8)> {
        if deadline <= self.now {
            return None;
        }
        let level = ((deadline ^ self.now).ilog2() / BITS) as usize;
        Some((level, deadline.to_le_bytes()[level]))
    }

    /// Puts a timer, which is not linked, behind all others of its deadline.
    fn append(&mut self, index: u32, deadline: u64) {
        let slot = if let Some((level, slot)) = self.place(deadline) {
            if level >= self.levels.len() {
                self.levels.resize_with(level + 1, Level::new);
            }
            self.occupied |= 1 << level;
            self.levels[level].occupy(slot)
        } else {
            self.overdue_in_order &= self.overdue_latest <= deadline;
            self.overdue_latest = self.overdue_latest.max(deadline);
            &mut self.overdue
        };
        slot.append(&mut self.links, index, deadline);
    }

    fn vacate(&mut self, level: usize, slot: u8) {
        if self.levels[level].vacate(slot) {
            self.occupied &= !(1 << level);
        }
    }

    /// The level and slot of the earliest timers that are not overdue.
    fn first_occupied(&self) -> Option<(usize, u8)> {
        let level = self.occupied.trailing_zeros() as usize;
        let slot = self.levels.get(level)?.first_occupied()?;
        Some((level, slot))
    }
}

/// The first tick of the slot that this deadline has at this level.
fn start(level: usize, deadline: u64) -> u64 {
    deadline & u64::MAX << (BITS as usize * level)
}
