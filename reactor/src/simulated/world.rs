//! The world that simulated reactors live in.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::address::{Address, UnixAddress};
use crate::byte_stream::Received;
use crate::clock::{Epoch, Time};
use crate::guarded::Guarded;
use crate::options::{ConnectOptions, ListenOptions};
use crate::readiness::Readiness;
use crate::token::Token;

use super::clock::Clock;
use super::end::{End, State};
use super::listener::Backlog;
use super::pipe::Pipe;
use super::poll::{HostId, Id, Mask, Poll};

/// The first of the ports that are given to who asks for none (RFC 6335, section 6: the dynamic ports).
const FIRST_DYNAMIC_PORT: u16 = 49152;

/// A clock, sockets, and what connects them. All hosts in it share one name space: any of them has every address.
///
/// Nothing in it depends on the order of a hash, on memory or on the real time, so that the same calls give the same answers.
#[derive(Debug)]
pub(crate) struct World {
    /// What the standard library's clock showed at the beginning. Only differences to it are ever seen.
    epoch: Epoch,
    sockets: Guarded<Sockets>,
}

#[derive(Debug, Default)]
struct Sockets {
    clock: Clock,
    poll: Poll,
    ends: BTreeMap<Id, End>,
    listeners: BTreeMap<Id, Backlog>,
    /// Addresses that clients were given.
    clients: BTreeSet<SocketAddr>,
    last_port: Option<u16>,
    last_id: u64,
    hosts: u32,
}

impl World {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self { epoch: Epoch::new(), sockets: Guarded::new(Sockets::default()) })
    }

    pub(super) fn new_host(&self) -> HostId {
        self.sockets.with(|sockets| {
            sockets.hosts += 1;
            HostId(sockets.hosts)
        })
    }

    pub(super) fn now(&self) -> Time {
        self.sockets.with(|sockets| sockets.clock.now())
    }

    pub(super) fn instant(&self, time: Time) -> Instant {
        self.epoch.instant(time)
    }

    pub(super) fn sleep(&self, delay: Duration) {
        self.sockets.with(|sockets| sockets.clock.sleep(delay));
    }

    pub(super) fn watch(&self, id: Id, host: HostId, token: Token, interest: Mask) {
        self.sockets.with(|sockets| sockets.poll.watch(id, host, token, interest));
    }

    /// Takes the events that wait for `host`. Returns whether there are any.
    pub(super) fn collect(&self, host: HostId, events: &mut Vec<(Token, Readiness)>) -> bool {
        self.sockets.with(|sockets| {
            let Sockets { poll, ends, listeners, clock, .. } = sockets;
            poll.collect(host, |id| mask(ends, listeners, id), events);
            if !events.is_empty() {
                clock.busy();
            }
            !events.is_empty()
        })
    }

    pub(super) fn with_end<R>(&self, id: Id, visit: impl FnOnce(&mut End) -> R) -> Option<R> {
        self.sockets.with(|sockets| sockets.ends.get_mut(&id).map(visit))
    }

    pub(super) fn is_connected(&self, id: Id) -> bool {
        self.with_end(id, |end| end.state == State::Connected).unwrap_or(false)
    }

    pub(super) fn read(&self, id: Id, buffer: &mut [u8]) -> io::Result<Received> {
        self.sockets.with(|sockets| sockets.read(id, buffer))
    }

    pub(super) fn write(&self, id: Id, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.sockets.with(|sockets| sockets.write(id, slices))
    }

    pub(super) fn close_write(&self, id: Id) -> io::Result<()> {
        self.sockets.with(|sockets| sockets.close_write(id))
    }

    pub(super) fn drop_end(&self, id: Id) {
        self.sockets.with(|sockets| sockets.drop_end(id));
    }

    pub(super) fn listen(&self, address: &Address, options: &ListenOptions) -> io::Result<(Id, Address)> {
        // What the kernel would say of the address itself, such as a path that is too long.
        address.to_sock_addr()?;
        self.sockets.with(|sockets| sockets.listen(address, options))
    }

    pub(super) fn connect(&self, address: &Address, options: &ConnectOptions) -> io::Result<Id> {
        address.to_sock_addr()?;
        self.sockets.with(|sockets| sockets.connect(address, options))
    }

    pub(super) fn accept(&self, listener: Id) -> io::Result<(Id, Address)> {
        self.sockets.with(|sockets| sockets.accept(listener))
    }

    pub(super) fn stop_listening(&self, listener: Id) {
        self.sockets.with(|sockets| sockets.stop_listening(listener));
    }
}

fn mask(ends: &mut BTreeMap<Id, End>, listeners: &BTreeMap<Id, Backlog>, id: Id) -> Mask {
    if let Some(listener) = listeners.get(&id) {
        return listener.mask();
    }
    let Some(peer) = ends.get(&id).map(|end| end.peer) else { return Mask::NONE };
    with_outgoing(ends, id, peer, End::mask).unwrap_or(Mask::NONE)
}

/// Visits the end `id` together with what it wrote and its peer has not read.
fn with_outgoing<R>(
    ends: &mut BTreeMap<Id, End>,
    id: Id,
    peer: Id,
    visit: impl FnOnce(&mut End, Option<&Pipe>) -> R,
) -> Option<R> {
    // Two of a map's values cannot be borrowed at once, so one leaves it for the while.
    let peer_end = ends.remove(&peer);
    let result = ends.get_mut(&id).map(|end| visit(end, peer_end.as_ref().map(|peer| &peer.incoming)));
    if let Some(peer_end) = peer_end {
        ends.insert(peer, peer_end);
    }
    result
}
