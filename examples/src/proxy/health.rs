//! Whether a backend is to be had, as far as its connects tell.

use std::time::{Duration, Instant};

use lariat::Backoff;

/// The first delay before a failed backend is tried again, and the longest: soon enough that a restart is hardly noticed, seldom enough
/// that a dead one costs next to nothing.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// A backend's health.
///
/// ```text
///        failed                 its time has come, and somebody begins
///   up ---------> down until T ---------------------------------------> on trial
///   ^              ^    ^  |                                              |  |
///   |              |    |  | succeeded (a check)                   failed |  |
///   |              +----+--|----------------------------------------------+  |
///   +----------------------+------------------------------------ succeeded --+
/// ```
///
/// Each failure in a row doubles the time until the next trial. Only one attempt at a time is a trial, so that a backend which does not
/// answer costs one client's patience and not everybody's.
#[derive(Clone, Debug)]
pub struct Health {
    state: State,
    backoff: Backoff,
}

/// What is known of a backend.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Its last attempt succeeded, or there was none.
    Up,
    /// It failed, and is left alone until then.
    Down(Instant),
    /// It had failed, and somebody is trying whether it is back.
    OnTrial,
}

impl Health {
    /// Of a backend that nobody has tried yet: up.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::Up, backoff: Backoff::new(FIRST_RETRY, LONGEST_RETRY) }
    }

    /// What is known.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// May an attempt begin at `now`?
    #[must_use]
    pub fn admits(&self, now: Instant) -> bool {
        match self.state {
            State::Up => true,
            State::Down(until) => until <= now,
            State::OnTrial => false,
        }
    }

    /// An attempt begins that [`admits`](Self::admits) allows. Returns whether it is a trial.
    pub fn begin(&mut self) -> bool {
        let trial = matches!(self.state, State::Down(_));
        if trial {
            self.state = State::OnTrial;
        }
        trial
    }

    /// An attempt succeeded. Returns whether that is news.
    pub fn succeeded(&mut self) -> bool {
        self.backoff.reset();
        std::mem::replace(&mut self.state, State::Up) != State::Up
    }

    /// An attempt failed at `now`. One that began before the backend was known to be down changes nothing. Returns whether the backend
    /// was up until now.
    pub fn failed(&mut self, now: Instant) -> bool {
        if let State::Down(until) = self.state
            && now < until
        {
            return false;
        }
        let former = std::mem::replace(&mut self.state, State::Down(now + self.backoff.next_delay()));
        former == State::Up
    }

    /// A trial was given up at `now` before it told anything: the next attempt may be one.
    pub fn abandoned(&mut self, now: Instant) {
        if self.state == State::OnTrial {
            self.state = State::Down(now);
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails `health` as soon as it admits an attempt, and tells after how many milliseconds that was.
    fn fail_next(health: &mut Health, now: &mut Instant) -> u64 {
        let mut waited = 0;
        while !health.admits(*now) {
            *now += Duration::from_millis(1);
            waited += 1;
        }
        health.begin();
        health.failed(*now);
        waited
    }

    #[test]
    fn each_failure_in_a_row_doubles_the_time_until_the_next_trial() {
        let (mut health, mut now) = (Health::new(), Instant::now());
        let waits: Vec<u64> = (0..9).map(|_| fail_next(&mut health, &mut now)).collect();
        assert_eq!(waits, [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    }

    #[test]
    fn a_success_makes_it_as_good_as_new() {
        let (mut health, mut now) = (Health::new(), Instant::now());
        for _ in 0..5 {
            fail_next(&mut health, &mut now);
        }
        assert!(health.succeeded(), "it is back");
        assert!(!health.succeeded(), "that is known");
        assert_eq!(fail_next(&mut health, &mut now), 0);
        assert_eq!(fail_next(&mut health, &mut now), 500);
    }

    #[test]
    fn only_one_attempt_at_a_time_is_a_trial() {
        let (mut health, now) = (Health::new(), Instant::now());
        assert!(!health.begin(), "an attempt at one that is up is none");
        assert!(health.failed(now));
        let due = now + FIRST_RETRY;
        assert!(health.admits(due) && health.begin());
        assert!(!health.admits(due));
        health.abandoned(due);
        assert!(health.admits(due), "one that was given up makes room for the next");
    }

    #[test]
    fn many_attempts_that_fail_at_once_are_one_failure() {
        let (mut health, now) = (Health::new(), Instant::now());
        assert!(health.failed(now));
        for _ in 0..100 {
            assert!(!health.failed(now));
        }
        assert!(health.admits(now + FIRST_RETRY));
    }

    #[test]
    fn an_abandoned_attempt_at_one_that_is_up_or_down_changes_nothing() {
        let (mut health, now) = (Health::new(), Instant::now());
        health.abandoned(now);
        assert_eq!(health.state(), State::Up);
        health.failed(now);
        health.abandoned(now);
        assert!(!health.admits(now));
    }
}
