//! The timer wheel.

use std::fmt;
use std::num::NonZeroU32;

use slab::Slab;

use super::entry::{EXPIRED, Entry, NONE};
use super::key::TimerKey;
use super::level::{BITS, Level};
use super::slot::Slot;

/// Holds values until their deadlines: the timers of a reactor, or of anything else that knows what time it is.
///
/// A deadline is a number of ticks. What a tick is, and when tick 0 was, is up to the owner, who passes the
/// time in; the wheel reads no clock. (Lariat's reactor counts milliseconds since it was made.) Every `u64` is
/// a valid deadline, and nothing limits how far ahead it may be.
///
/// # How to drive it
///
/// * Commands: [`insert`](Self::insert), [`reset`](Self::reset), [`cancel`](Self::cancel).
/// * Driving: [`next_deadline`](Self::next_deadline) says how long to sleep at most,
///   [`expire`](Self::expire) announces what is due, in order, and [`take_expired`](Self::take_expired) hands
///   over the value when its turn has come. Between the two the timer can still be cancelled or reset.
/// * Getters: [`deadline`](Self::deadline), [`get`](Self::get), [`get_mut`](Self::get_mut),
///   [`contains`](Self::contains), [`is_armed`](Self::is_armed), [`len`](Self::len),
///   [`is_empty`](Self::is_empty), [`now`](Self::now).
/// * The end: [`pop_any`](Self::pop_any) gives the values back one at a time.
///
/// A timer is never announced early. Timers of one deadline are announced in the order in which they were
/// inserted or last reset.
///
/// No method drops a value that was put in, save when the wheel itself is dropped: each is handed back.
///
/// # Cost
///
/// `insert`, `cancel`, `reset`, `take_expired` and `next_deadline` take constant time. `expire` takes time in
/// proportion to the timers it announces or moves from a coarse level to a finer one, which happens to a
/// timer at most seven times and, within a minute of milliseconds, once; idle ticks cost nothing, however many.
///
/// A timer takes 24 bytes and its value, rounded up to 8. Each level in use takes 4 KiB: one for deadlines within 256
/// ticks, two within 65,536, at most eight. An unused wheel has allocated nothing. The memory of ended timers is
/// used again, and given back by [`shrink_to_fit`](Self::shrink_to_fit).
///
/// # Example
///
/// ```
/// use lariat::TimerWheel;
///
/// let mut wheel = TimerWheel::new();
/// let tea = wheel.insert(180_000, "take the tea bag out");
/// wheel.insert(1_000, "blink");
/// assert_eq!(wheel.next_deadline(), Some(1_000));
///
/// let mut due = Vec::new();
/// wheel.expire(1_000, |key| due.push(key));
/// assert_eq!(due.len(), 1);
/// assert_eq!(wheel.take_expired(due[0]), Some("blink"));
///
/// assert_eq!(wheel.next_deadline(), Some(180_000));
/// assert_eq!(wheel.cancel(tea), Some("take the tea bag out"));
/// assert_eq!(wheel.next_deadline(), None);
/// ```
//
// An entry that is due at D, while the time is N < D, sits at the level of the highest byte in which D and N
// differ, in the slot that this byte of D names. So equal deadlines always share one slot, which is a FIFO;
// a lower level is due before a higher one; and within a level the first occupied slot is due first. When N enters
// a slot of a higher level, its entries move down in their order. An entry with D <= N is in `overdue`.
// Hence D and N tell where an entry is linked, and it need not remember.
pub struct TimerWheel<T> {
    entries: Slab<Entry<T>>,
    /// As many levels as were ever needed, the finest first.
    levels: Vec<Level>,
    /// Bit *n* is set if and only if level *n* has an occupied slot.
    occupied: u8,
    /// Entries that were due when they were inserted, or that `expire` is about to announce.
    overdue: Slot,
    /// Whether `overdue` is in order of deadline.
    overdue_in_order: bool,
    now: u64,
    generation: NonZeroU32,
    /// Where `pop_any` goes on looking.
    pop_cursor: usize,
}

impl<T> TimerWheel<T> {
    /// Makes an empty wheel whose time is tick 0. It allocates nothing yet.
    pub const fn new() -> Self {
        Self {
            entries: Slab::new(),
            levels: Vec::new(),
            occupied: 0,
            overdue: Slot::EMPTY,
            overdue_in_order: true,
            now: 0,
            generation: NonZeroU32::MIN,
            pop_cursor: 0,
        }
    }

    /// Makes an empty wheel with room for `capacity` timers, whose time is tick 0.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { entries: Slab::with_capacity(capacity), ..Self::new() }
    }

    /// Sets a timer: `value` is due at tick `deadline`.
    ///
    /// A deadline at or before the wheel's [time](Self::now) is due at the next [`expire`](Self::expire).
    ///
    /// # Panics
    ///
    /// When the wheel holds 4,294,967,294 timers already (which would be some 100 GiB).
    #[doc(alias = "callLater")]
    pub fn insert(&mut self, deadline: u64, value: T) -> TimerKey {
        self.generation = self.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let generation = self.generation;
        let index = u32::try_from(self.entries.vacant_key())
            .ok()
            .filter(|&index| index < EXPIRED)
            .expect("a wheel holds at most 4,294,967,294 timers");
        self.entries.insert(Entry { deadline, previous: NONE, next: NONE, generation, value });
        self.link(index, deadline);
        TimerKey { index, generation }
    }

    /// Ends a timer and hands back its value, even if it has expired and only waits to be taken.
    ///
    /// `None` if the timer has ended before.
    #[doc(alias = "IDelayedCall.cancel")]
    pub fn cancel(&mut self, key: TimerKey) -> Option<T> {
        self.entry(key)?;
        let entry = self.entries.remove(key.index as usize);
        if !entry.is_expired() {
            self.unlink(key.index, entry.deadline, entry.previous, entry.next);
        }
        Some(entry.value)
    }

    /// Gives a timer another deadline, and says whether it was still there to be given one.
    ///
    /// A timer that has expired but has not been taken is armed again. Among timers of the same deadline it is
    /// the last from now on, even if the deadline is what it was.
    #[doc(alias = "IDelayedCall.reset")]
    #[doc(alias = "IDelayedCall.delay")]
    pub fn reset(&mut self, key: TimerKey, deadline: u64) -> bool {
        let Some(entry) = self.entry(key) else {
            return false;
        };
        if !entry.is_expired() {
            let (old, previous, next) = (entry.deadline, entry.previous, entry.next);
            self.unlink(key.index, old, previous, next);
        }
        self.entries[key.index as usize].deadline = deadline;
        self.link(key.index, deadline);
        true
    }

    /// The tick at which the timer is or was due; `None` if it has ended.
    #[doc(alias = "IDelayedCall.getTime")]
    pub fn deadline(&self, key: TimerKey) -> Option<u64> {
        self.entry(key).map(|entry| entry.deadline)
    }

    /// The timer's value, armed or expired; `None` if the timer has ended.
    pub fn get(&self, key: TimerKey) -> Option<&T> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The timer's value, armed or expired, to be changed; `None` if the timer has ended.
    pub fn get_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        self.entries
            .get_mut(key.index as usize)
            .filter(|entry| entry.generation == key.generation)
            .map(|entry| &mut entry.value)
    }

    /// Whether the timer still holds its value: it was neither cancelled nor taken.
    #[doc(alias = "IDelayedCall.active")]
    pub fn contains(&self, key: TimerKey) -> bool {
        self.entry(key).is_some()
    }

    /// Whether the timer is still to expire: it was neither cancelled nor announced by [`expire`](Self::expire).
    pub fn is_armed(&self, key: TimerKey) -> bool {
        self.entry(key).is_some_and(|entry| !entry.is_expired())
    }

    /// How many values the wheel holds, armed or expired.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the wheel holds no value.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many values the wheel can hold before it allocates again.
    pub fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// The latest time that [`expire`](Self::expire) was told, at first tick 0.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Until when the owner may sleep without being late; `None` if no timer is armed.
    ///
    /// This is never later than the earliest deadline, and it is exactly that unless a timer was cancelled or
    /// reset in the meantime. Then it may be earlier; calling [`expire`](Self::expire) at the time it gave
    /// puts it right, so that such a timer causes one idle turn at most. It may lie at or before
    /// [`now`](Self::now), which means that a timer is due already.
    pub fn next_deadline(&self) -> Option<u64> {
        if !self.overdue.is_empty() {
            return Some(self.overdue.earliest);
        }
        let (level, slot) = self.first_occupied()?;
        Some(self.levels[level].slot(slot).earliest)
    }

    /// Moves the time on to tick `now` and announces the timers that are due: those whose deadline is `now`
    /// or before.
    ///
    /// `due` is called for each in the order of the deadlines, and for equal ones in the order of insertion or
    /// [`reset`](Self::reset). The value stays in the wheel until it is [taken](Self::take_expired),
    /// so that a timer can be cancelled by whatever runs before it.
    ///
    /// A time before [`Self::now`] counts as that: the wheel's time never goes back. Should `due` panic, the
    /// timers that were not yet announced stay armed, for the next call.
    pub fn expire(&mut self, now: u64, mut due: impl FnMut(TimerKey)) {
        loop {
            if !self.overdue.is_empty() {
                self.announce_overdue(&mut due);
            }
            if !self.advance(now) {
                break;
            }
        }
    }

    /// Hands over the value of a timer that [`expire`](Self::expire) has announced.
    ///
    /// `None` if the timer was cancelled, taken or reset since.
    pub fn take_expired(&mut self, key: TimerKey) -> Option<T> {
        self.entry(key).filter(|entry| entry.is_expired())?;
        Some(self.entries.remove(key.index as usize).value)
    }

    /// Ends any one timer and hands back its value and nothing else; `None` once the wheel is empty.
    ///
    /// Call it until then to drop the values one by one, while the wheel itself is free: a value's destructor
    /// may well want to cancel or set another timer. The order is not defined. All calls together take time
    /// in proportion to the most timers that the wheel ever held.
    pub fn pop_any(&mut self) -> Option<T> {
        if self.entries.is_empty() {
            self.pop_cursor = 0;
            return None;
        }
        while !self.entries.contains(self.pop_cursor) {
            self.pop_cursor += 1;
            if self.pop_cursor >= self.entries.capacity() {
                self.pop_cursor = 0;
            }
        }
        let index = u32::try_from(self.pop_cursor).ok()?;
        let generation = self.entries[self.pop_cursor].generation;
        self.cancel(TimerKey { index, generation })
    }

    /// Gives back the memory that no timer needs, as far as that is possible without moving one.
    ///
    /// Keys stay valid. An empty wheel gives back all of it.
    pub fn shrink_to_fit(&mut self) {
        self.entries.shrink_to_fit();
        if self.occupied == 0 {
            self.levels = Vec::new();
        }
    }

    fn entry(&self, key: TimerKey) -> Option<&Entry<T>> {
        self.entries.get(key.index as usize).filter(|entry| entry.generation == key.generation)
    }

    /// Where an entry of this deadline belongs: a level and a slot, or `None` for `overdue`.
    fn place(&self, deadline: u64) -> Option<(usize, u8)> {
        if deadline <= self.now {
            return None;
        }
        let level = ((deadline ^ self.now).ilog2() / BITS) as usize;
        Some((level, deadline.to_le_bytes()[level]))
    }

    /// Appends an entry, which is in no chain, to the chain of its deadline.
    fn link(&mut self, index: u32, deadline: u64) {
        let slot = if let Some((level, slot)) = self.place(deadline) {
            if level >= self.levels.len() {
                self.levels.resize_with(level + 1, Level::new);
            }
            self.occupied |= 1 << level;
            self.levels[level].occupy(slot)
        } else {
            if let Some(last) = self.entries.get(self.overdue.chain.last() as usize) {
                self.overdue_in_order &= last.deadline <= deadline;
            }
            &mut self.overdue
        };
        slot.earliest = slot.earliest.min(deadline);
        let entry = &mut self.entries[index as usize];
        entry.previous = slot.chain.last();
        entry.next = NONE;
        slot.chain.append(&mut self.entries, index);
    }

    /// Takes an armed entry, of which these are the deadline and the links, out of its chain.
    fn unlink(&mut self, index: u32, deadline: u64, previous: u32, next: u32) {
        let Some((level, slot)) = self.place(deadline) else {
            self.overdue.chain.remove(&mut self.entries, index, previous, next);
            if self.overdue.is_empty() {
                self.overdue = Slot::EMPTY;
                self.overdue_in_order = true;
            }
            return;
        };
        let chain = &mut self.levels[level].slot_mut(slot).chain;
        chain.remove(&mut self.entries, index, previous, next);
        if chain.is_empty() {
            self.vacate(level, slot);
        }
    }

    fn vacate(&mut self, level: usize, slot: u8) {
        if self.levels[level].vacate(slot) {
            self.occupied &= !(1 << level);
        }
    }

    /// The level and slot of the earliest entries that are not overdue.
    fn first_occupied(&self) -> Option<(usize, u8)> {
        let level = self.occupied.trailing_zeros() as usize;
        let slot = self.levels.get(level)?.first_occupied()?;
        Some((level, slot))
    }

    /// Moves the time on to the earliest slot and that slot's entries to where they belong then, some to `overdue`. If no
    /// slot begins by `now`, moves the time on to `now` and answers false.
    ///
    /// Expects `overdue` to be empty.
    fn advance(&mut self, now: u64) -> bool {
        let Some((level, slot)) = self.first_occupied() else {
            self.now = self.now.max(now);
            return false;
        };
        // The slot's entries have the bytes above `level` in common with the time.
        let shift = BITS * u32::try_from(level).unwrap_or(0);
        let below = (1 << shift) - 1;
        let start = (self.now & !(below | 0xFF << shift)) | u64::from(slot) << shift;
        if start > now {
            self.now = self.now.max(now);
            return false;
        }
        let Slot { chain, earliest } = *self.levels[level].slot(slot);
        self.vacate(level, slot);
        if level == 0 {
            self.now = start;
            self.overdue = Slot { chain, earliest };
            return true;
        }
        // Going on to the earliest deadline, not only to the slot's beginning, takes a lone entry down in one step.
        self.now = earliest.min(now);
        let mut index = chain.first;
        while index != NONE {
            let entry = &self.entries[index as usize];
            let (deadline, next) = (entry.deadline, entry.next);
            self.link(index, deadline);
            index = next;
        }
        true
    }

    fn announce_overdue(&mut self, due: &mut impl FnMut(TimerKey)) {
        if !self.overdue_in_order {
            self.sort_overdue();
        }
        while !self.overdue.is_empty() {
            let index = self.overdue.chain.first;
            let entry = &mut self.entries[index as usize];
            self.overdue.chain.remove_first(entry.next);
            entry.previous = EXPIRED;
            due(TimerKey { index, generation: entry.generation });
        }
        self.overdue = Slot::EMPTY;
    }

    /// Only entries that were inserted late, and later ones first, ever need this.
    fn sort_overdue(&mut self) {
        let mut indices = Vec::new();
        let mut index = self.overdue.chain.first;
        while index != NONE {
            indices.push(index);
            index = self.entries[index as usize].next;
        }
        indices.sort_by_key(|&index| self.entries[index as usize].deadline);
        self.overdue = Slot::EMPTY;
        self.overdue_in_order = true;
        for index in indices {
            self.link(index, self.entries[index as usize].deadline);
        }
    }
}

impl<T> Default for TimerWheel<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for TimerWheel<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TimerWheel")
            .field("now", &self.now)
            .field("len", &self.len())
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}
