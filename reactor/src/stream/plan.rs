//! Which address is tried when (RFC 8305, "Happy Eyeballs Version 2").

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use crate::address::Address;
use crate::clock::Time;
use crate::lookup::Family;

/// How long IPv6 addresses are waited for when IPv4 ones are there (RFC 8305, section 3: the Resolution Delay).
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// The least and the most that an address gets before the next is tried beside it (section 5).
const SHORTEST_ATTEMPT_DELAY: Duration = Duration::from_millis(10);
const LONGEST_ATTEMPT_DELAY: Duration = Duration::from_secs(2);

/// The most addresses that one connection tries: a name server chooses how many a name has.
const MOST_ADDRESSES: usize = 16;

/// The most attempts at a time.
const MOST_UNDER_WAY: usize = 4;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To try this address now; it counts as under way from now on.
    Try(Address),
    /// To end the attempt at this address, which has had its time while others wait.
    GiveUp(Address),
    /// Nothing before this time, unless something happens.
    WaitUntil(Time),
    /// Nothing, until something happens.
    Wait,
    /// Nothing any more: there is no address left, none is under way and none is to come.
    Over,
}

/// The addresses that are to be tried, and when.
///
/// Addresses that are given are tried in their order. Those that are looked up come in families: the first to be tried is an IPv6 one, after
/// that the families take turns as long as both have any (section 4, with a First Address Family Count of 1). IPv4 addresses that are
/// known first wait for the others, though not for long. Addresses that come late join those that are left.
///
/// At most 16 addresses are tried, and at most 4 at a time. While others wait, the earliest attempt
/// is given up after a quarter of the timeout, so that addresses without an answer do not keep the
/// rest from being tried.
#[derive(Debug)]
pub(super) struct Plan {
    /// The next one last.
    given: Vec<Address>,
    /// Looked up and not tried yet.
    v4: VecDeque<SocketAddr>,
    v6: VecDeque<SocketAddr>,
    /// Families of which no answer has come.
    awaited: Vec<Family>,
    attempt_delay: Duration,
    /// The age at which an attempt makes room for the next address.
    attempt_limit: Duration,
    last_family: Option<Family>,
    last_attempt: Option<Time>,
    /// Until when IPv4 addresses wait for IPv6 ones.
    held_until: Option<Time>,
    /// The attempts under way and when each began, the earliest first. No address is tried twice.
    under_way: Vec<(Address, Time)>,
    /// The number of addresses that were tried, with those under way.
    tried: usize,
    /// The number of addresses for which there was no room.
    left_out: usize,
    /// An attempt has failed since the last one began: the next does not wait.
    has_failed: bool,
}

impl Plan {
    /// To try these addresses, one after the other.
    pub(super) fn given(addresses: Vec<Address>, attempt_delay: Duration, timeout: Duration) -> Self {
        let mut plan = Self::looked_up(Vec::new(), attempt_delay, timeout);
        for address in addresses {
            if plan.given.len() >= MOST_ADDRESSES {
                plan.left_out += 1;
            } else if !plan.given.contains(&address) {
                plan.given.push(address);
            }
        }
        plan.given.reverse();
        plan
    }

    /// To try the addresses that a look-up of each of these families will give.
    pub(super) fn looked_up(families: Vec<Family>, attempt_delay: Duration, timeout: Duration) -> Self {
        Self {
            given: Vec::new(),
            v4: VecDeque::new(),
            v6: VecDeque::new(),
            awaited: families,
            attempt_delay: attempt_delay.clamp(SHORTEST_ATTEMPT_DELAY, LONGEST_ATTEMPT_DELAY),
            // All have their turn within the timeout.
            attempt_limit: timeout / u32::try_from(MOST_ADDRESSES / MOST_UNDER_WAY).unwrap_or(1),
            last_family: None,
            last_attempt: None,
            held_until: None,
            under_way: Vec::new(),
            tried: 0,
            left_out: 0,
            has_failed: false,
        }
    }

    /// Can there be more than one attempt, or something to wait for before the first?
    pub(super) fn is_single(&self) -> bool {
        self.given.len() <= 1 && self.awaited.is_empty()
    }

    /// Families of which no answer has come.
    pub(super) fn awaited(&self) -> &[Family] {
        &self.awaited
    }

    /// The look-up of a family is over. It has given these addresses, each of which is tried once.
    pub(super) fn answered(&mut self, family: Family, addresses: Vec<SocketAddr>, now: Time) {
        self.awaited.retain(|awaited| *awaited != family);
        for address in addresses {
            let known = if address.is_ipv4() { &mut self.v4 } else { &mut self.v6 };
            if known.len() >= MOST_ADDRESSES {
                self.left_out += 1;
            } else if !known.contains(&address) {
                known.push_back(address);
            }
        }
        if family == Family::V4 && self.awaited.contains(&Family::V6) {
            self.held_until = Some(now.after(RESOLUTION_DELAY));
        }
    }

    /// The attempt at an address has failed, or was given up.
    pub(super) fn failed(&mut self, address: &Address) {
        self.under_way.retain(|(other, _)| other != address);
        self.has_failed = true;
    }

    /// The age at which an attempt makes room for the next address.
    pub(super) fn attempt_limit(&self) -> Duration {
        self.attempt_limit
    }

    /// The number of addresses that were not tried.
    pub(super) fn not_tried(&self) -> usize {
        self.left_out + self.waiting()
    }

    fn waiting(&self) -> usize {
        self.given.len() + self.v4.len() + self.v6.len()
    }

    /// What is to be done now.
    pub(super) fn next(&mut self, now: Time) -> Step {
        let is_full = self.tried >= MOST_ADDRESSES;
        if is_full || self.waiting() == 0 {
            let is_over = self.under_way.is_empty() && (is_full || self.awaited.is_empty());
            return if is_over { Step::Over } else { Step::Wait };
        }
        if let Some(until) = self.not_before()
            && now < until
        {
            return Step::WaitUntil(until);
        }
        if self.under_way.len() >= MOST_UNDER_WAY
            && let Some((address, since)) = self.under_way.first()
        {
            let until = since.after(self.attempt_limit);
            return if now < until { Step::WaitUntil(until) } else { Step::GiveUp(address.clone()) };
        }
        let Some(address) = self.take() else { return Step::Wait };
        self.last_attempt = Some(now);
        self.has_failed = false;
        self.tried += 1;
        self.under_way.push((address.clone(), now));
        Step::Try(address)
    }

    /// Before when the next address is not tried, if that is so.
    fn not_before(&self) -> Option<Time> {
        match self.last_attempt {
            None if self.v6.is_empty() && self.given.is_empty() && self.awaited.contains(&Family::V6) => {
                self.held_until
            }
            None => None,
            Some(_) if self.has_failed => None,
            Some(last) => Some(last.after(self.attempt_delay)),
        }
    }

    fn take(&mut self) -> Option<Address> {
        if let Some(address) = self.given.pop() {
            return Some(address);
        }
        let turn = self.last_family.map_or(Family::V6, Family::other);
        let has_any = match turn {
            Family::V4 => !self.v4.is_empty(),
            Family::V6 => !self.v6.is_empty(),
        };
        let family = if has_any { turn } else { turn.other() };
        self.last_family = Some(family);
        let known = if family == Family::V4 { &mut self.v4 } else { &mut self.v6 };
        known.pop_front().map(Address::Tcp)
    }
}

#[cfg(test)]
mod tests;
