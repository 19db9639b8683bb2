//! What became of many requests.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The most reasons that are counted separately: a message may contain something that differs from one attempt to the next.
const MOST_REASONS: usize = 20;

const OTHER_REASONS: &str = "for other reasons";

/// How many requests were answered, how soon, and what the others failed with.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    latencies: Vec<Duration>,
    failures: BTreeMap<String, usize>,
    retries: usize,
}

impl Summary {
    pub(super) fn answered(&mut self, latency: Duration) {
        self.latencies.push(latency);
    }

    /// `reason` is the message of an error and its sources.
    pub(super) fn failed(&mut self, reason: String) {
        let is_new = !self.failures.contains_key(&reason);
        let reason = if is_new && self.failures.len() >= MOST_REASONS { OTHER_REASONS.to_owned() } else { reason };
        *self.failures.entry(reason).or_default() += 1;
    }

    pub(super) fn tried_again(&mut self) {
        self.retries += 1;
    }

    /// Requests that were answered.
    #[must_use]
    pub fn ok(&self) -> usize {
        self.latencies.len()
    }

    /// Requests that were not, by the message of the error that the last attempt failed with.
    #[must_use]
    pub fn failures(&self) -> &BTreeMap<String, usize> {
        &self.failures
    }

    /// Attempts that followed another one.
    #[must_use]
    pub fn retries(&self) -> usize {
        self.retries
    }

    /// So long took the attempts that were answered, of so many in a hundred; nothing if none was.
    #[must_use]
    pub fn latency(&self, percent: usize) -> Option<Duration> {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(place - 1).or(sorted.last()).copied()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ok: {}", self.ok())?;
        for (reason, count) in &self.failures {
            writeln!(f, "failed: {count} ({reason})")?;
        }
        write!(f, "tried again: {}", self.retries)?;
        if let (Some(half), Some(most), Some(slowest)) = (self.latency(50), self.latency(99), self.latency(100)) {
            write!(f, "\nlatency: half within {half:.1?}, 99 % within {most:.1?}, all within {slowest:.1?}")?;
        }
        Ok(())
    }
}
