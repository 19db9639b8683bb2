//! Random numbers that are the same for the same seed.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::ops::RangeInclusive;
use std::rc::Rc;

use rustix::rand::{GetRandomFlags, getrandom};

/// The difference between the states of two numbers: the golden ratio, in 64 bits.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Random numbers from a seed: the same ones on every machine, in every build. The algorithm is
/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014). The
/// numbers are predictable from one of them, so no key, token or nonce may be made of them.
///
/// A reactor has a sequence of its own: [`Reactor::random`](crate::Reactor::random). A clone
/// continues the same sequence, so that protocols, timers and a test may share one.
///
/// ```
/// use lariat::Random;
///
/// let random = Random::new(7);
/// let dice: Vec<u64> = (0..3).map(|_| random.between(1..=6)).collect();
/// let again = Random::new(7);
/// assert_eq!(dice, [again.between(1..=6), again.between(1..=6), again.between(1..=6)]);
/// ```
#[derive(Clone, Debug)]
pub struct Random(Rc<Cell<u64>>);

impl Random {
    /// The sequence that `seed` begins.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(Cell::new(seed)))
    }

    /// Another sequence of the same seed, one for each `name`: what is drawn from one changes nothing in the others.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub(crate) fn named(seed: u64, name: &str) -> Self {
        Self::new(name.bytes().fold(mix(seed), |state, byte| mix(state ^ u64::from(byte))))
    }

    /// The next number, any of 64 bits.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(STEP));
        mix(self.0.get())
    }

    /// A number below `bound`; 0 if that is 0.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number in `range`; its start, if it is empty.
    #[must_use]
    pub fn between(&self, range: RangeInclusive<u64>) -> u64 {
        let (start, end) = range.into_inner();
        match end.saturating_sub(start).checked_add(1) {
            Some(width) => start + self.below(width),
            None => self.next(),
        }
    }

    /// Returns a number below `length`, as an index; 0 if `length` is 0.
    #[must_use]
    pub fn index(&self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// True with this probability, from 0 (never) to 1 (always). It draws a number in either case.
    #[must_use]
    pub fn chance(&self, probability: f64) -> bool {
        // The 53 bits that a float holds exactly, so that the answer is the same everywhere.
        let bits = self.next() >> 11;
        (bits as f64) < probability * (1u64 << 53) as f64
    }

    /// One of `choices`; none of nothing.
    #[must_use]
    pub fn pick<'a, T>(&self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.index(choices.len()))
    }

    /// Puts `items` into any order.
    pub fn shuffle<T>(&self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }

    /// So many bytes.
    #[must_use]
    pub fn bytes(&self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[7]).collect()
    }
}

/// A seed from the system (`getrandom(2)`).
pub(crate) fn system_seed() -> u64 {
    let mut seed = [0; 8];
    // The call neither fails nor falls short for so few bytes. Should a sandbox forbid it, the
    // standard library's keys, which it has by other ways, serve as well.
    match getrandom(&mut seed[..], GetRandomFlags::empty()) {
        Ok(8) => u64::from_ne_bytes(seed),
        _ => RandomState::new().hash_one(0_u8),
    }
}

/// Changes every bit of `value` with every other, one to one.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference_implementation() {
        let random = Random::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.next(), random.next(), random.next()], expected);
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_both_ends() {
        let random = Random::new(1);
        let seen: std::collections::BTreeSet<u64> = (0..200).map(|_| random.between(3..=6)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!(random.between(9..=9), 9);
        assert_eq!((random.below(0), random.index(0)), (0, 0));
        assert_eq!(random.pick::<u8>(&[]), None);
        let _ = random.between(0..=u64::MAX);
    }

    #[test]
    fn a_chance_of_nothing_never_comes_and_a_sure_one_always() {
        let random = Random::new(2);
        assert!((0..1_000).all(|_| !random.chance(0.0) && random.chance(1.0)));
        let hits = (0..10_000).filter(|_| random.chance(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }

    #[test]
    fn shuffling_loses_nothing() {
        let mut items: Vec<u32> = (0..50).collect();
        Random::new(3).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn sequences_of_other_names_are_others() {
        assert_ne!(Random::named(5, "latency").next(), Random::named(5, "resets").next());
        assert_eq!(Random::named(5, "latency").next(), Random::named(5, "latency").next());
    }
}
