//! How long an address waits after wrong passwords.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use lariat::IpNetwork;

use super::slot::Slot;

/// Checks of one address that run at a time while it has few failures: a browser sends several requests together.
const CHECKS_AT_A_TIME: u32 = 16;

/// Makes an address wait after wrong credentials, longer after each further failure, so that passwords cannot be tried by the thousand.
///
/// The first [`free_failures`](Self::with_free_failures) cost nothing. After each one more the address waits: a second first, twice as long each
/// time, a minute at most. Until then its credentials are not looked at, and it is answered 429 with `Retry-After` (RFC 6585, section 4);
/// requests without credentials are not affected. A success, or 15 minutes without a failure, clears the address. An IPv6 address stands
/// for its network of 64 bits, whose holder chooses the rest. Peers without an address, over Unix sockets, never wait.
///
/// At most [`addresses`](Self::with_addresses) are remembered: beyond that, the one whose last failure is the oldest is forgotten. Clones share
/// what they remember, so one throttle may stand before several handlers.
///
/// ```
/// use lariat_protocols::http::LoginThrottle;
/// use std::time::Duration;
///
/// let throttle = LoginThrottle::default()
///     .with_free_failures(3)
///     .with_delays(Duration::from_secs(2), Duration::from_secs(300));
/// assert_eq!(throttle.addresses_remembered(), 0);
/// ```
#[derive(Clone)]
pub struct LoginThrottle {
    settings: Settings,
    table: Rc<Slot<HashMap<IpNetwork, Record>>>,
}

#[derive(Clone, Copy)]
struct Settings {
    free_failures: u32,
    first_delay: Duration,
    longest_delay: Duration,
    memory: Duration,
    addresses: usize,
}

/// What is known of an address.
struct Record {
    failures: u32,
    last_failure: Instant,
    waits_until: Instant,
    /// Checks that have begun and not ended.
    running: u32,
}

impl Default for LoginThrottle {
    /// 5 free failures; delays from 1 second to 1 minute; 15 minutes and 4,096 addresses of memory.
    fn default() -> Self {
        let settings = Settings {
            free_failures: 5,
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(60),
            memory: Duration::from_secs(15 * 60),
            addresses: 4096,
        };
        Self { settings, table: Rc::default() }
    }
}

impl LoginThrottle {
    /// Sets how many failures cost nothing. Default: 5.
    #[must_use]
    pub fn with_free_failures(mut self, failures: u32) -> Self {
        self.settings.free_failures = failures;
        self
    }

    /// Sets the delay after the first failure that is not free, and the longest. Default: 1 second and 1 minute.
    #[must_use]
    pub fn with_delays(mut self, first: Duration, longest: Duration) -> Self {
        (self.settings.first_delay, self.settings.longest_delay) = (first.min(longest), longest);
        self
    }

    /// Sets how long failures are remembered. Default: 15 minutes.
    #[must_use]
    pub fn with_memory(mut self, time: Duration) -> Self {
        self.settings.memory = time;
        self
    }

    /// Sets how many addresses are remembered; at least 1. Each takes about 100 bytes. Default: 4,096.
    #[must_use]
    pub fn with_addresses(mut self, addresses: usize) -> Self {
        self.settings.addresses = addresses.max(1);
        self
    }

    /// Addresses that are remembered now.
    pub fn addresses_remembered(&self) -> usize {
        self.table.with(|table| table.len())
    }

    /// Begins a check for an address.
    ///
    /// # Errors
    ///
    /// The time that the address has to wait.
    pub(super) fn begin(&self, address: Option<IpAddr>, now: Instant) -> Result<Attempt, Duration> {
        let Some(address) = address.map(IpNetwork::of_peer) else { return Ok(Attempt { throttle: None }) };
        let settings = self.settings;
        self.table.with(|table| {
            if !table.contains_key(&address) && table.len() >= settings.addresses {
                make_room(table, now, settings.memory);
            }
            let record = table.entry(address).or_insert_with(|| Record::new(now));
            if now.saturating_duration_since(record.last_failure) > settings.memory {
                record.failures = 0;
            }
            let at_a_time = if record.failures < settings.free_failures { CHECKS_AT_A_TIME } else { 1 };
            let wait = record.waits_until.saturating_duration_since(now);
            if !wait.is_zero() {
                return Err(wait);
            }
            if record.running >= at_a_time {
                return Err(settings.first_delay);
            }
            record.running += 1;
            Ok(())
        })?;
        Ok(Attempt { throttle: Some((self.clone(), address)) })
    }

    /// Ends a check: with a success, a failure, or neither.
    fn end(&self, address: IpNetwork, success: Option<bool>, now: Option<Instant>) {
        let settings = self.settings;
        self.table.with(|table| {
            let Some(record) = table.get_mut(&address) else { return };
            record.running = record.running.saturating_sub(1);
            match (success, now) {
                (Some(true), _) => record.failures = 0,
                (Some(false), Some(now)) => record.fail(now, &settings),
                _ => {}
            }
            if record.failures == 0 && record.running == 0 {
                table.remove(&address);
            }
        });
    }
}

impl Record {
    fn new(now: Instant) -> Self {
        Self { failures: 0, last_failure: now, waits_until: now, running: 0 }
    }

    fn fail(&mut self, now: Instant, settings: &Settings) {
        self.failures = self.failures.saturating_add(1);
        self.last_failure = now;
        if let Some(beyond) = self.failures.checked_sub(settings.free_failures + 1) {
            let factor = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
            let delay = settings.first_delay.saturating_mul(factor).min(settings.longest_delay);
            self.waits_until = now + delay;
        }
    }
}

/// Forgets what is too old; if nothing is, the address whose last failure is the oldest. One whose check runs is kept.
#[cold]
fn make_room(table: &mut HashMap<IpNetwork, Record>, now: Instant, memory: Duration) {
    let before = table.len();
    table.retain(|_, record| record.running > 0 || now.saturating_duration_since(record.last_failure) <= memory);
    if table.len() < before {
        return;
    }
    let idle = table.iter().filter(|(_, record)| record.running == 0);
    if let Some(oldest) = idle.min_by_key(|(_, record)| record.last_failure).map(|(address, _)| *address) {
        table.remove(&oldest);
    }
}

impl fmt::Debug for LoginThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.addresses_remembered();
        f.debug_struct("LoginThrottle").field("addresses_remembered", &addresses).finish_non_exhaustive()
    }
}

/// A check that runs. If it is dropped, because the client has gone, it counts neither as a success nor as a failure.
pub(super) struct Attempt {
    /// Nothing for peers that never wait.
    throttle: Option<(LoginThrottle, IpNetwork)>,
}

impl Attempt {
    pub(super) fn free() -> Self {
        Self { throttle: None }
    }

    pub(super) fn end(mut self, success: bool, now: Instant) {
        if let Some((throttle, address)) = self.throttle.take() {
            throttle.end(address, Some(success), Some(now));
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some((throttle, address)) = self.throttle.take() {
            throttle.end(address, None, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn the_delay_doubles_up_to_the_longest_and_a_success_clears_it() {
        let (throttle, mut now) = (LoginThrottle::default(), Instant::now());
        for _ in 0..5 {
            throttle.begin(address(1), now).expect("it is free").end(false, now);
        }
        for delay in [1, 2, 4, 8, 16, 32, 60, 60] {
            throttle.begin(address(1), now).expect("the delay is over").end(false, now);
            assert_eq!(throttle.begin(address(1), now).err(), Some(SECOND * delay));
            now += SECOND * delay;
        }
        assert!(throttle.begin(address(2), now).is_ok(), "another address does not wait");
        throttle.begin(address(1), now).expect("the delay is over").end(true, now);
        assert_eq!(throttle.addresses_remembered(), 0);
    }

    #[test]
    fn failures_are_forgotten_after_a_while() {
        let (throttle, mut now) = (LoginThrottle::default().with_free_failures(0), Instant::now());
        for _ in 0..3 {
            throttle.begin(address(1), now).expect("the delay is over").end(false, now);
            assert_eq!(throttle.begin(address(1), now).err(), Some(SECOND));
            now += 16 * 60 * SECOND;
        }
    }

    #[test]
    fn guesses_at_the_same_time_do_not_pass_by_the_delay() {
        let (throttle, now) = (LoginThrottle::default(), Instant::now());
        let running: Vec<_> = (0..1000).filter_map(|_| throttle.begin(address(1), now).ok()).collect();
        assert_eq!(running.len(), 16);
        running.into_iter().for_each(|attempt| attempt.end(false, now));
        let wait = throttle.begin(address(1), now).err().expect("it waits");
        assert_eq!(wait, 60 * SECOND);
        assert!(throttle.begin(address(1), now + wait).is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (throttle, now) = (LoginThrottle::default().with_addresses(10), Instant::now());
        for last in 0..=255 {
            throttle.begin(address(last), now + SECOND * u32::from(last)).expect("it is free").end(false, now);
        }
        assert_eq!(throttle.addresses_remembered(), 10);
        let six = |last: u16| Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]));
        let throttle = throttle.with_free_failures(0);
        throttle.begin(six(1), now).expect("it is free").end(false, now);
        assert!(throttle.begin(six(2), now).is_err(), "a network of 64 bits is one address");
    }

    #[test]
    fn a_check_that_is_given_up_counts_for_nothing() {
        let (throttle, now) = (LoginThrottle::default().with_free_failures(0), Instant::now());
        drop(throttle.begin(address(1), now));
        assert_eq!(throttle.addresses_remembered(), 0);
        assert!(throttle.begin(None, now).is_ok(), "a Unix socket has no address");
    }
}
