//! Which backend is next. There is no input or output in here, and no clock.

use std::time::{Duration, Instant};

use super::health::{Health, State};

/// How the next backend is chosen among those that are to be had.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Each in its turn.
    #[default]
    RoundRobin,
    /// The one with the fewest connections, among equals each in its turn.
    LeastConnections,
}

impl Policy {
    /// The policy of that name, as on the command line: `round-robin` or `least-connections`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "round-robin" => Some(Self::RoundRobin),
            "least-connections" => Some(Self::LeastConnections),
            _ => None,
        }
    }
}

/// The backends.
///
/// An attempt to connect [picks](Self::pick) one; then it has [succeeded](Self::succeeded) or [failed](Self::failed); at last, however
/// it went, it is [released](Self::released). A check from outside tells of success and failure alone.
#[derive(Clone, Debug)]
pub struct Pool {
    backends: Vec<Backend>,
    policy: Policy,
    /// Where the next search begins.
    next: usize,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Where it is, as an endpoint description.
    pub target: String,
    /// Connections to it that are open or being made.
    pub connections: usize,
    /// Connections that were made, ever.
    pub served: u64,
    /// Attempts and checks that failed, ever.
    pub failures: u64,
    /// The reason of the last failure, if there was one.
    pub last_failure: Option<String>,
    /// The reason that was reported last, and when.
    reported: Option<(String, Instant)>,
    health: Health,
}

/// The news in a failed attempt or check, for the log.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The backend was up, and is down.
    Down,
    /// The backend was down, for another reason than the one that was reported last.
    AnotherReason,
    /// Nothing new.
    Nothing,
}

/// The shortest time between two reports of changed reasons, so that two reasons in turn do not fill the log.
const REPORT_PAUSE: Duration = Duration::from_secs(10);

/// A backend that was picked.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Its place in [`Pool::backends`].
    pub backend: usize,
    /// Whether this tries if it is back.
    pub trial: bool,
}

impl Backend {
    /// What is known of its health.
    #[must_use]
    pub fn state(&self) -> State {
        self.health.state()
    }

    fn failed(&mut self, reason: &str, now: Instant) -> Report {
        self.failures += 1;
        self.last_failure = Some(reason.to_owned());
        let was_up = self.health.failed(now);
        let is_new = self
            .reported
            .as_ref()
            .is_none_or(|(reported, at)| reported != reason && now.saturating_duration_since(*at) >= REPORT_PAUSE);
        if !was_up && !is_new {
            return Report::Nothing;
        }
        self.reported = Some((reason.to_owned(), now));
        if was_up { Report::Down } else { Report::AnotherReason }
    }
}

impl Pool {
    /// A pool of backends that are taken to be up.
    #[must_use]
    pub fn new(targets: impl IntoIterator<Item = String>, policy: Policy) -> Self {
        let backend = |target| Backend {
            target,
            connections: 0,
            served: 0,
            failures: 0,
            last_failure: None,
            reported: None,
            health: Health::new(),
        };
        Self { backends: targets.into_iter().map(backend).collect(), policy, next: 0 }
    }

    /// All of them, in the order in which they were given.
    #[must_use]
    pub fn backends(&self) -> &[Backend] {
        &self.backends
    }

    /// A backend for a connection that is about to be made at `now`, and that has `tried` others; `None` if there is none to be had.
    pub fn pick(&mut self, now: Instant, tried: &[usize]) -> Option<Pick> {
        let count = self.backends.len();
        let in_turn = (0..count).map(|step| (self.next + step) % count);
        let mut candidates = in_turn.filter(|place| {
            let admits = self.backends.get(*place).is_some_and(|backend| backend.health.admits(now));
            admits && !tried.contains(place)
        });
        let backend = match self.policy {
            Policy::RoundRobin => candidates.next(),
            // Of equals it gives the first.
            Policy::LeastConnections => {
                candidates.min_by_key(|place| self.backends.get(*place).map(|backend| backend.connections))
            }
        }?;
        self.next = (backend + 1) % count;
        let picked = self.backends.get_mut(backend)?;
        picked.connections += 1;
        Some(Pick { backend, trial: picked.health.begin() })
    }

    /// The attempt has become a connection. Returns whether the backend was down before.
    pub fn succeeded(&mut self, backend: usize) -> bool {
        self.backends.get_mut(backend).is_some_and(|backend| {
            backend.served += 1;
            backend.health.succeeded()
        })
    }

    /// An attempt or a check failed at `now`, for this reason.
    pub fn failed(&mut self, backend: usize, reason: &str, now: Instant) -> Report {
        self.backends.get_mut(backend).map_or(Report::Nothing, |backend| backend.failed(reason, now))
    }

    /// A check found the backend there. Returns whether it was down before.
    pub fn is_there(&mut self, backend: usize) -> bool {
        self.backends.get_mut(backend).is_some_and(|backend| backend.health.succeeded())
    }

    /// What was picked is over, `now`. `judged` tells whether it was known to have succeeded or failed.
    pub fn released(&mut self, pick: Pick, judged: bool, now: Instant) {
        if let Some(backend) = self.backends.get_mut(pick.backend) {
            backend.connections = backend.connections.saturating_sub(1);
            if pick.trial && !judged {
                backend.health.abandoned(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn pool(policy: Policy) -> (Pool, Instant) {
        (Pool::new(["a", "b", "c"].map(String::from), policy), Instant::now())
    }

    fn picks(pool: &mut Pool, now: Instant, count: usize) -> Vec<usize> {
        (0..count).filter_map(|_| Some(pool.pick(now, &[])?.backend)).collect()
    }

    #[test]
    fn each_has_its_turn() {
        let (mut pool, now) = pool(Policy::RoundRobin);
        assert_eq!(picks(&mut pool, now, 7), [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn a_failed_one_is_skipped_until_its_time_has_come_and_then_tried_once() {
        let (mut pool, now) = pool(Policy::RoundRobin);
        assert_eq!(pool.failed(1, "refused", now), Report::Down);
        assert_eq!(picks(&mut pool, now, 4), [0, 2, 0, 2]);
        let later = now + Duration::from_secs(1);
        assert_eq!(picks(&mut pool, later, 5), [0, 1, 2, 0, 2]);
        assert!(pool.succeeded(1));
        assert_eq!(picks(&mut pool, later, 3), [0, 1, 2]);
    }

    #[test]
    fn the_one_with_the_fewest_connections_is_next_and_among_equals_each_has_its_turn() {
        let (mut pool, now) = pool(Policy::LeastConnections);
        assert_eq!(picks(&mut pool, now, 6), [0, 1, 2, 0, 1, 2]);
        for _ in 0..2 {
            pool.released(Pick { backend: 1, trial: false }, true, now);
        }
        assert_eq!(picks(&mut pool, now, 5), [1, 1, 2, 0, 1]);
    }

    #[test]
    fn a_changed_reason_is_reported_once_and_not_too_often() {
        let (mut pool, start) = pool(Policy::RoundRobin);
        let mut fail = |reason, seconds| pool.failed(0, reason, start + Duration::from_secs(seconds));
        assert_eq!(fail("refused", 0), Report::Down);
        assert_eq!(fail("refused", 20), Report::Nothing);
        assert_eq!(fail("timed out", 25), Report::AnotherReason);
        assert_eq!(fail("refused", 30), Report::Nothing, "the last report was 5 s ago");
        assert_eq!(fail("refused", 35), Report::AnotherReason);
        assert_eq!(fail("timed out", 36), Report::Nothing);
        assert!(pool.is_there(0));
        assert_eq!(pool.failed(0, "refused", start + Duration::from_secs(37)), Report::Down, "it was up");
        assert_eq!(pool.backends()[0].last_failure.as_deref(), Some("refused"));
    }

    #[test]
    fn what_was_tried_is_not_picked_again_and_at_last_there_is_none() {
        let (mut pool, now) = pool(Policy::RoundRobin);
        let mut tried = Vec::new();
        while let Some(pick) = pool.pick(now, &tried) {
            tried.push(pick.backend);
            pool.failed(pick.backend, "refused", now);
            pool.released(pick, true, now);
        }
        assert_eq!(tried, [0, 1, 2]);
        assert_eq!(pool.pick(now, &[]), None, "all are down");
        assert!(pool.backends().iter().all(|backend| backend.connections == 0 && backend.failures == 1));
    }

    #[test]
    fn a_check_brings_one_back_before_its_time() {
        let (mut pool, now) = pool(Policy::RoundRobin);
        pool.failed(0, "refused", now);
        assert!(pool.is_there(0), "that is news");
        assert!(!pool.is_there(0), "that is not");
        assert_eq!(picks(&mut pool, now, 3), [0, 1, 2]);
        assert_eq!(pool.backends()[0].served, 0, "a check is no connection");
    }

    #[test]
    fn a_trial_that_was_given_up_makes_room_for_the_next_and_another_attempt_does_not() {
        let (mut pool, now) = pool(Policy::RoundRobin);
        let early = pool.pick(now, &[1, 2]);
        pool.failed(0, "refused", now);
        let later = now + Duration::from_secs(1);
        let trial = pool.pick(later, &[1, 2]);
        assert_eq!(trial, Some(Pick { backend: 0, trial: true }));
        for (released, free) in [(early, false), (trial, true)] {
            pool.released(released.unwrap(), false, later);
            let next = pool.pick(later, &[1, 2]);
            assert_eq!(next.is_some(), free);
        }
    }

    #[test]
    fn a_pool_of_none_has_none() {
        let mut pool = Pool::new([], Policy::RoundRobin);
        assert_eq!(pool.pick(Instant::now(), &[]), None);
        assert_eq!(pool.failed(0, "refused", Instant::now()), Report::Nothing);
        assert!(!pool.succeeded(0) && !pool.is_there(0));
    }

    #[test]
    fn policies_have_names() {
        assert_eq!(Policy::named("round-robin"), Some(Policy::RoundRobin));
        assert_eq!(Policy::named("least-connections"), Some(Policy::LeastConnections));
        assert_eq!(Policy::named("random"), None);
    }
}
