//! Limits on the connections of a port, in all and by address, and the choice of the most idle ones.

use std::collections::HashMap;
use std::rc::{Rc, Weak};

use crate::address::Address;
use crate::address_policy::IpNetwork;
use crate::clock::Time;
use crate::options::ConnectionLimits;
use crate::transport::{Flags, Peer, Shared};

/// The parts of a limit that are freed at a time, of one for all and of one for an address or network: one in 64 and one in 8. The
/// search for the most idle connections takes time for each of all, and is paid for by as many admissions as it frees.
const PART: usize = 64;
const PART_OF_ADDRESS: usize = 8;

/// The connections of one port that share a limit: those in their handshake, or all of them.
///
/// A connection costs nothing here when it ends: it is found to be gone when a limit is reached, or the members have become twice
/// as many as there were after the last such search. So the counts may be too high until then, but never too low.
#[derive(Debug)]
pub(super) struct Admission {
    share: ConnectionLimits,
    /// Counts connections only until their handshake is done.
    handshakes: bool,
    members: Vec<Weak<Shared>>,
    by_address: HashMap<IpNetwork, usize>,
    by_network: HashMap<IpNetwork, usize>,
    /// With this number of members, those that have ended are forgotten.
    prune_at: usize,
}

/// The limits that a newcomer meets.
struct Full {
    address: bool,
    network: bool,
    total: bool,
}

/// A member, as far as it matters for who has to go.
struct Member {
    shared: Rc<Shared>,
    address: Option<IpNetwork>,
    network: Option<IpNetwork>,
    ends: bool,
}

impl Admission {
    pub(super) fn new(share: ConnectionLimits, handshakes: bool) -> Self {
        let maps = (HashMap::new(), HashMap::new());
        Self { share, handshakes, members: Vec::new(), by_address: maps.0, by_network: maps.1, prune_at: PART }
    }

    /// Admits a connection. Returns those that have to go for it, which are the most idle ones of all, or of its address or network.
    pub(super) fn admit(&mut self, shared: &Rc<Shared>) -> Vec<Rc<Shared>> {
        let (address, network) = self.places(shared);
        let (of_address, of_network) = (count(&self.by_address, address), count(&self.by_network, network));
        let full = Full {
            address: of_address >= self.share.per_address,
            network: of_network >= self.share.per_network,
            total: self.members.len() >= self.share.total,
        };
        let is_over = full.address || full.network || full.total || self.members.len() >= self.prune_at;
        let gone = if is_over { self.make_room(address, network, &full) } else { Vec::new() };
        self.add(shared, address, network);
        gone
    }

    /// Names the most idle connections, for when something else than a limit requires room.
    pub(super) fn most_idle(&mut self) -> Vec<Rc<Shared>> {
        let mut members = self.living();
        let many = members.len().div_ceil(PART);
        let gone = take_most_idle(&mut members, many, |_| true);
        self.rebuild(&members);
        gone
    }

    fn add(&mut self, shared: &Rc<Shared>, address: Option<IpNetwork>, network: Option<IpNetwork>) {
        self.members.push(Rc::downgrade(shared));
        if let Some(address) = address {
            *self.by_address.entry(address).or_default() += 1;
        }
        if let Some(network) = network {
            *self.by_network.entry(network).or_default() += 1;
        }
    }

    #[cold]
    fn make_room(&mut self, address: Option<IpNetwork>, network: Option<IpNetwork>, full: &Full) -> Vec<Rc<Shared>> {
        let mut members = self.living();
        let ConnectionLimits { total, per_address, per_network, .. } = self.share;
        let mut gone = Vec::new();
        let of_address = |member: &Member| address.is_some() && member.address == address;
        let of_network = |member: &Member| network.is_some() && member.network == network;
        if full.address {
            gone.extend(take_excess(&mut members, per_address, PART_OF_ADDRESS, of_address));
        }
        if full.network {
            gone.extend(take_excess(&mut members, per_network, PART_OF_ADDRESS, of_network));
        }
        if full.total {
            gone.extend(take_excess(&mut members, total, PART, |_| true));
        }
        self.rebuild(&members);
        gone
    }

    /// The members that are still there.
    fn living(&self) -> Vec<Member> {
        // One that is closing holds its descriptor until its peer has closed too.
        let is_there = |shared: &Rc<Shared>| {
            !shared.flags.has(Flags::ENDING | Flags::ENDED) && (!self.handshakes || shared.flags.has(Flags::PREPARING))
        };
        let living = self.members.iter().filter_map(Weak::upgrade).filter(is_there);
        living
            .map(|shared| {
                let (address, network) = self.places(&shared);
                Member { shared, address, network, ends: false }
            })
            .collect()
    }

    fn rebuild(&mut self, members: &[Member]) {
        self.members.clear();
        self.by_address.clear();
        self.by_network.clear();
        for member in members.iter().filter(|member| !member.ends) {
            self.add(&member.shared, member.address, member.network);
        }
        self.prune_at = self.members.len().saturating_mul(2).max(PART);
    }

    /// The address and the network that a connection is counted for; neither for one that is not counted by its address.
    fn places(&self, shared: &Shared) -> (Option<IpNetwork>, Option<IpNetwork>) {
        match Peer::address_of(shared) {
            Address::Tcp(peer) if self.share.counts_loopback || !peer.ip().is_loopback() => {
                (Some(IpNetwork::of_peer(peer.ip())), Some(IpNetwork::of_site(peer.ip())))
            }
            _ => (None, None),
        }
    }
}

fn count(counts: &HashMap<IpNetwork, usize>, of: Option<IpNetwork>) -> usize {
    of.and_then(|of| counts.get(&of)).copied().unwrap_or(0)
}

/// Takes those of the members that `counts` which are too many for a limit.
fn take_excess(members: &mut [Member], limit: usize, part: usize, counts: impl Fn(&Member) -> bool) -> Vec<Rc<Shared>> {
    let there = members.iter().filter(|member| !member.ends && counts(member)).count();
    take_most_idle(members, excess(there, limit, part), counts)
}

/// Returns the number of connections to end before one more is admitted, given that `there` are counted.
fn excess(there: usize, limit: usize, part: usize) -> usize {
    // What has ended without being noticed counts as freed, if it is as much.
    let room = limit.div_ceil(part);
    (there + room).saturating_sub(limit)
}

/// Marks the `many` most idle of those members that `counts`, and returns them.
fn take_most_idle(members: &mut [Member], many: usize, counts: impl Fn(&Member) -> bool) -> Vec<Rc<Shared>> {
    if many == 0 {
        return Vec::new();
    }
    let mut candidates: Vec<(bool, bool, Time, usize)> = members
        .iter()
        .enumerate()
        .filter(|(_, member)| !member.ends && counts(member))
        .map(|(at, Member { shared, .. })| {
            // A peer that has sent nothing is ended before one that has, and both before one that is worked for.
            let last = shared.last_read.get().max(shared.last_write.get());
            (shared.flags.has(Flags::BUSY), shared.has_read(), last, at)
        })
        .collect();
    let many = many.min(candidates.len());
    if many < candidates.len() {
        candidates.select_nth_unstable(many);
    }
    candidates[..many]
        .iter()
        .map(|(.., at)| {
            members[*at].ends = true;
            members[*at].shared.clone()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::excess;

    #[test]
    fn a_part_of_a_limit_is_freed_at_a_time() {
        assert_eq!((excess(0, 1, 64), excess(1, 1, 64), excess(2, 1, 64)), (0, 1, 2));
        assert_eq!((excess(9, 10, 64), excess(10, 10, 64), excess(10, 10, 8)), (0, 1, 2));
        assert_eq!((excess(6300, 6400, 64), excess(6400, 6400, 64), excess(7, usize::MAX, 8)), (0, 100, 0));
    }
}
