//! Readiness, as `epoll(7)` gives it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::BitOr;

use crate::random::Random;
use crate::readiness::Readiness;
use crate::token::Token;

/// A socket: a listener or an end of a connection. The two ends of a connection differ in the last bit.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(u64);

impl Id {
    /// The one for the next listener, or for the next connection and its end 0.
    pub(super) fn next(self) -> Self {
        Self((self.0 | 1) + 1)
    }

    /// The connection that this is an end of.
    pub(super) fn connection(self) -> Self {
        Self(self.0 & !1)
    }

    /// Which end of its connection it is: 0 is the one that connected, 1 the one that was accepted.
    pub(super) fn side(self) -> usize {
        usize::from(self.0 & 1 == 1)
    }

    /// The other end.
    pub(super) fn other(self) -> Self {
        Self(self.0 ^ 1)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0 >> 1)
    }
}

/// A reactor that lives in the world.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostId(pub(super) u32);

impl HostId {
    /// Whose an address is that no host has.
    pub(crate) const NOBODY: Self = Self(0);

    /// Where a world has but one.
    pub(crate) const ONLY: Self = Self(1);

    /// Not one of the world's: whoever holds [loose ends](super::LooseEnd).
    pub(super) const TEST: Self = Self(u32::MAX);

    /// Its place in a list of all.
    pub(super) fn index(self) -> usize {
        (self.0 as usize).saturating_sub(1)
    }
}

/// What a socket is ready for, in the kernel's terms.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Mask(u8);

impl Mask {
    pub(super) const NONE: Self = Self(0);
    pub(super) const IN: Self = Self(1);
    pub(super) const OUT: Self = Self(1 << 1);
    pub(super) const RDHUP: Self = Self(1 << 2);
    pub(super) const HUP: Self = Self(1 << 3);
    pub(super) const ERR: Self = Self(1 << 4);
    /// A change of state wakes whoever watches, whatever for.
    pub(super) const ANY: Self = Self(0xff);

    /// This, if `set`.
    pub(super) fn when(self, set: bool) -> Self {
        if set { self } else { Self::NONE }
    }

    /// Of this, what a watcher with `interest` gets to see.
    fn seen_by(self, interest: Self) -> Self {
        Self(self.0 & (interest | Self::ERR | Self::HUP).0)
    }

    /// Is all of `other` in it?
    fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn bits(self) -> u8 {
        self.0
    }

    /// The event that mio makes of it.
    fn readiness(self) -> Readiness {
        let hung_up = self.has(Self::HUP);
        let bits = [
            (Readiness::READABLE, self.has(Self::IN)),
            (Readiness::WRITABLE, self.has(Self::OUT)),
            (Readiness::READ_CLOSED, hung_up || self.has(Self::IN | Self::RDHUP)),
            (Readiness::WRITE_CLOSED, hung_up || self.has(Self::OUT | Self::ERR) || self == Self::ERR),
            (Readiness::ERROR, self.has(Self::ERR)),
        ];
        bits.into_iter().filter(|(_, set)| *set).fold(Readiness::default(), |all, (bit, _)| all | bit)
    }
}

impl BitOr for Mask {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[derive(Debug)]
struct Watch {
    host: HostId,
    token: Token,
    interest: Mask,
    /// It is on its host's list.
    listed: bool,
    /// It is told that it is ready, even if it is not.
    spurious: bool,
}

/// Who watches which socket, and the lists of those that may be ready.
///
/// As in the kernel an edge only puts a socket on the list. What it is ready for is looked at when the host asks, so that edges
/// which follow each other are one event, and an edge that has come to nothing is none.
#[derive(Debug, Default)]
pub(super) struct Poll {
    watches: BTreeMap<Id, Watch>,
    lists: BTreeMap<HostId, VecDeque<Id>>,
}

impl Poll {
    /// Begins to watch a socket, or changes what for. What it is ready for by now is reported in either case.
    pub(super) fn watch(&mut self, id: Id, host: HostId, token: Token, interest: Mask) {
        let listed = self.watches.get(&id).is_some_and(|watch| watch.listed);
        self.watches.insert(id, Watch { host, token, interest, listed, spurious: false });
        self.wake(id, Mask::ANY);
    }

    pub(super) fn forget(&mut self, id: Id) {
        if let Some(watch) = self.watches.remove(&id)
            && watch.listed
            && let Some(list) = self.lists.get_mut(&watch.host)
        {
            list.retain(|listed| *listed != id);
        }
    }

    /// Something happened to the socket.
    pub(super) fn wake(&mut self, id: Id, edge: Mask) {
        if let Some(watch) = self.watches.get_mut(&id)
            && edge.seen_by(watch.interest) != Mask::NONE
            && !watch.listed
        {
            watch.listed = true;
            self.lists.entry(watch.host).or_default().push_back(id);
        }
    }

    /// How many sockets are watched.
    pub(super) fn watched(&self) -> usize {
        self.watches.len()
    }

    pub(super) fn has_listed(&self, host: HostId) -> bool {
        self.lists.get(&host).is_some_and(|list| !list.is_empty())
    }

    /// Puts a socket of `host`'s on the list to which nothing has happened.
    pub(super) fn list_spurious(&mut self, host: HostId, random: &Random) {
        let own: Vec<Id> = self.watches.iter().filter(|(_, watch)| watch.host == host).map(|(id, _)| *id).collect();
        if let Some(id) = random.pick(&own)
            && let Some(watch) = self.watches.get_mut(id)
        {
            watch.spurious = true;
            self.wake(*id, Mask::ANY);
        }
    }

    /// Moves at most `most` events of `host` from its list to `events`. `ready_for` gives what a socket is ready for, and `tell` is called
    /// for each event.
    pub(super) fn collect(
        &mut self,
        host: HostId,
        most: usize,
        mut ready_for: impl FnMut(Id) -> Mask,
        events: &mut Vec<(Token, Readiness)>,
        mut tell: impl FnMut(Id, Mask),
    ) {
        let Some(list) = self.lists.get_mut(&host) else { return };
        while events.len() < most
            && let Some(id) = list.pop_front()
        {
            let Some(watch) = self.watches.get_mut(&id) else { continue };
            watch.listed = false;
            let pretended = (Mask::IN | Mask::OUT).when(std::mem::take(&mut watch.spurious));
            let mask = (ready_for(id) | pretended).seen_by(watch.interest);
            if mask != Mask::NONE {
                tell(id, mask);
                events.push((watch.token, mask.readiness()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const HOST: HostId = HostId(1);
    const SOCKET: Id = Id(2);

    fn watched(interest: Mask) -> Poll {
        let mut poll = Poll::default();
        poll.watch(SOCKET, HOST, Token::new(1, NonZeroU32::MIN), interest);
        poll.collect(HOST, usize::MAX, |_| Mask::NONE, &mut Vec::new(), |_, _| ());
        poll
    }

    #[test]
    fn edges_that_follow_each_other_are_one_event() {
        let mut poll = watched(Mask::IN | Mask::OUT);
        poll.wake(SOCKET, Mask::IN);
        poll.wake(SOCKET, Mask::OUT);
        let mut events = Vec::new();
        poll.collect(HOST, usize::MAX, |_| Mask::IN | Mask::OUT, &mut events, |_, _| ());
        let [(_, readiness)] = events[..] else { panic!("not one event: {events:?}") };
        assert_eq!(readiness, Readiness::READABLE | Readiness::WRITABLE);
    }

    #[test]
    fn an_edge_that_nobody_is_interested_in_is_none() {
        let mut poll = watched(Mask::IN);
        poll.wake(SOCKET, Mask::OUT);
        let mut events = Vec::new();
        poll.collect(HOST, usize::MAX, |_| Mask::OUT, &mut events, |_, _| ());
        assert!(events.is_empty());
    }

    #[test]
    fn an_error_is_reported_whatever_is_watched_for() {
        let mut poll = watched(Mask::IN);
        poll.wake(SOCKET, Mask::ERR);
        let mut events = Vec::new();
        poll.collect(HOST, usize::MAX, |_| Mask::ERR, &mut events, |_, _| ());
        assert!(events[0].1.is_error());
    }
}
