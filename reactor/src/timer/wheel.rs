//! The timer wheel.

use std::fmt;
use std::num::NonZeroU32;

use slab::Slab;

use super::chain::EXPIRED;
use super::dial::Dial;
use super::entry::Entry;
use super::key::TimerKey;

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
///   [`is_empty`](Self::is_empty), [`capacity`](Self::capacity), [`now`](Self::now).
/// * The end: [`pop_any`](Self::pop_any) gives the values back one at a time,
///   [`shrink_to_fit`](Self::shrink_to_fit) the memory.
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
/// A timer takes 20 bytes and its value, rounded up to 8: 32 with a `usize`. Each level in use takes 4 KiB: one for
/// deadlines within 256 ticks, two within 65,536, at most eight. An unused wheel has allocated nothing. The memory of
/// ended timers is used again, and given back by [`shrink_to_fit`](Self::shrink_to_fit).
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
pub struct TimerWheel<T> {
    entries: Slab<Entry<T>>,
    dial: Dial,
    /// The generation given last.
    generation: NonZeroU32,
    /// Where `pop_any` goes on looking.
    pop_cursor: usize,
}

impl<T> TimerWheel<T> {
    /// Makes an empty wheel whose time is tick 0. It allocates nothing yet.
    pub const fn new() -> Self {
        Self { entries: Slab::new(), dial: Dial::new(), generation: NonZeroU32::MIN, pop_cursor: 0 }
    }

    /// Makes an empty wheel with room for `capacity` timers, whose time is tick 0.
    pub fn with_capacity(capacity: usize) -> Self {
        let mut wheel = Self::new();
        wheel.entries.reserve(capacity);
        wheel.dial.reserve(capacity);
        wheel
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
        self.entries.insert(Entry { deadline, generation, value });
        self.dial.insert(index, deadline);
        TimerKey { index, generation }
    }

    /// Ends a timer and hands back its value, even if it has expired and only waits to be taken.
    ///
    /// `None` if the timer has ended before.
    #[doc(alias = "IDelayedCall.cancel")]
    pub fn cancel(&mut self, key: TimerKey) -> Option<T> {
        let deadline = self.deadline(key)?;
        if !self.dial.is_expired(key.index) {
            self.dial.remove(key.index, deadline);
        }
        Some(self.entries.remove(key.index as usize).value)
    }

    /// Gives a timer another deadline, and says whether it was still there to be given one.
    ///
    /// A timer that has expired but has not been taken is armed again. Among timers of the same deadline it is
    /// the last from now on, even if the deadline is what it was.
    #[doc(alias = "IDelayedCall.reset")]
    pub fn reset(&mut self, key: TimerKey, deadline: u64) -> bool {
        let entry = self.entries.get_mut(key.index as usize);
        let Some(entry) = entry.filter(|entry| entry.generation == key.generation) else {
            return false;
        };
        let former = std::mem::replace(&mut entry.deadline, deadline);
        if !self.dial.is_expired(key.index) {
            self.dial.remove(key.index, former);
        }
        self.dial.insert(key.index, deadline);
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

    /// Every timer that has not ended, with its value, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TimerKey, &T)> {
        self.entries.iter().filter_map(|(index, entry)| {
            Some((TimerKey { index: u32::try_from(index).ok()?, generation: entry.generation }, &entry.value))
        })
    }

    /// Whether the timer still holds its value: it was neither cancelled nor taken.
    #[doc(alias = "IDelayedCall.active")]
    pub fn contains(&self, key: TimerKey) -> bool {
        self.entry(key).is_some()
    }

    /// Whether the timer is still to expire: it was neither cancelled nor announced by [`expire`](Self::expire).
    pub fn is_armed(&self, key: TimerKey) -> bool {
        self.contains(key) && !self.dial.is_expired(key.index)
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
        self.dial.now()
    }

    /// Until when the owner may sleep without being late; `None` if no timer is armed.
    ///
    /// This is never later than the earliest deadline, and it is exactly that unless a timer was cancelled or
    /// reset in the meantime. Then it may be earlier; calling [`expire`](Self::expire) at the time it gave
    /// puts it right, so that such a timer causes one idle turn at most. It may lie at or before
    /// [`now`](Self::now), which means that a timer is due already.
    pub fn next_deadline(&self) -> Option<u64> {
        self.dial.earliest()
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
        let Self { entries, dial, .. } = self;
        loop {
            dial.sort_overdue(|index| entries[index as usize].deadline);
            while let Some(index) = dial.expire_first_overdue() {
                due(TimerKey { index, generation: entries[index as usize].generation });
            }
            if !dial.advance(now, |index| entries[index as usize].deadline) {
                break;
            }
        }
    }

    /// Hands over the value of a timer that [`expire`](Self::expire) has announced.
    ///
    /// `None` if the timer was cancelled, taken or reset since.
    pub fn take_expired(&mut self, key: TimerKey) -> Option<T> {
        if !self.contains(key) || !self.dial.is_expired(key.index) {
            return None;
        }
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
        self.dial.shrink_to(self.entries.capacity());
    }

    fn entry(&self, key: TimerKey) -> Option<&Entry<T>> {
        self.entries.get(key.index as usize).filter(|entry| entry.generation == key.generation)
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
            .field("now", &self.now())
            .field("len", &self.len())
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}
