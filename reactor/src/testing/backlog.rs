//! The lengths of queues over time, and the judgement whether one only grew.

/// Samples kept of a queue. When there are more, every other one is dropped, and from then on half
/// as many are taken.
const SAMPLES: usize = 128;

/// Fewer samples tell nothing.
const FEWEST: usize = 8;

/// The length of a queue at evenly spaced moments.
#[derive(Debug)]
pub(super) struct Backlog {
    samples: Vec<usize>,
    /// Of so many lengths one is kept.
    every: usize,
    seen: usize,
    last: usize,
}

impl Backlog {
    pub(super) const fn new() -> Self {
        Self { samples: Vec::new(), every: 1, seen: 0, last: 0 }
    }

    /// Adds the present length.
    pub(super) fn add(&mut self, length: usize) {
        self.last = length;
        if self.seen.is_multiple_of(self.every) {
            if self.samples.len() == SAMPLES {
                let mut place = 0;
                self.samples.retain(|_| {
                    place += 1;
                    place % 2 == 1
                });
                self.every *= 2;
            }
            self.samples.push(length);
        }
        self.seen += 1;
    }

    /// Returns the length at the end if the queue only grew and has more than `limit` entries: the
    /// shortest of the last quarter is longer than the longest of the first half. A queue that is
    /// full, or that is emptied from time to time, is not one that only grew.
    pub(super) fn only_grew(&self, limit: usize) -> Option<usize> {
        let count = self.samples.len();
        if count < FEWEST || self.last <= limit {
            return None;
        }
        let longest = self.samples[..count / 2].iter().max()?;
        let shortest = self.samples[count - count / 4..].iter().min()?;
        (shortest > longest).then_some(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_grew(lengths: impl IntoIterator<Item = usize>) -> Option<usize> {
        let mut backlog = Backlog::new();
        lengths.into_iter().for_each(|length| backlog.add(length));
        backlog.only_grew(10)
    }

    #[test]
    fn a_queue_that_is_never_emptied_only_grew() {
        assert_eq!(only_grew(0..=1_000), Some(1_000));
        assert_eq!(only_grew((0..=100_000).map(|time| time / 3)), Some(33_333));
        // It is served, and falls behind all the same.
        assert_eq!(only_grew((0..=1_000).map(|time| time + time % 7 * 10)), Some(1_060));
    }

    #[test]
    fn a_queue_with_a_bound_or_an_end_did_not_only_grow() {
        assert_eq!(only_grew((0..1_000).map(|time: usize| time.min(64))), None);
        assert_eq!(only_grew((0..1_000).map(|time| time % 100)), None);
        assert_eq!(only_grew((0..1_000).rev()), None);
        assert_eq!(only_grew(0..10), None);
        assert_eq!(only_grew([0, 0, 100]), None);
    }
}
