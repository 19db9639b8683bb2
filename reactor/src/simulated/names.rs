//! Who listens where, and who has which port.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::io::Errno;

use crate::address::{Address, UnixAddress};
use crate::options::{ConnectOptions, ListenOptions};

use super::backlog::Backlog;
use super::poll::{HostId, Id};

/// The first of the ports that are given to who asks for none in particular (RFC 6335, section 6: the dynamic ports).
const FIRST_DYNAMIC_PORT: u16 = 49152;

/// The names of a world's sockets.
#[derive(Debug, Default)]
pub(super) struct Names {
    listeners: BTreeMap<Id, Backlog>,
    /// Addresses that clients have.
    clients: BTreeSet<(HostId, SocketAddr)>,
    last_port: Option<u16>,
}

impl Names {
    pub(super) fn listener(&mut self, id: Id) -> Option<&mut Backlog> {
        self.listeners.get_mut(&id)
    }

    /// How many sockets listen.
    pub(super) fn listeners(&self) -> usize {
        self.listeners.len()
    }

    pub(super) fn listeners_on(&self, host: HostId) -> Vec<Id> {
        self.listeners.iter().filter(|(_, listener)| listener.host == host).map(|(id, _)| *id).collect()
    }

    /// Adds a listener on `host` at `address`. Returns where it really is: a port is found for it if it asks for none.
    pub(super) fn listen(
        &mut self,
        id: Id,
        host: HostId,
        address: &Address,
        options: &ListenOptions,
    ) -> io::Result<Address> {
        let conflicts = |names: &Self, address: &Address| {
            names.listeners.values().any(|other| other.host == host && other.conflicts(address, options))
        };
        let mut address = address.clone();
        if let Address::Tcp(wanted) = &mut address
            && wanted.port() == 0
        {
            let port = self.dynamic_port(*wanted, |names, candidate| !conflicts(names, &Address::Tcp(candidate)))?;
            wanted.set_port(port);
        }
        if conflicts(self, &address) {
            return Err(Errno::ADDRINUSE.into());
        }
        self.listeners.insert(id, Backlog::new(host, address.clone(), options));
        Ok(address)
    }

    pub(super) fn stop_listening(&mut self, id: Id) -> Option<Backlog> {
        self.listeners.remove(&id)
    }

    /// The listener on `host` that a client at `from` reaches who connects to `to`.
    pub(super) fn find(&self, host: HostId, from: &Address, to: &Address) -> Option<Id> {
        let fits =
            |(id, listener): (&Id, &Backlog)| if listener.host == host { Some((listener.fit(to)?, *id)) } else { None };
        let best = self.listeners.iter().filter_map(fits).map(|(fit, _)| fit).max()?;
        let equals: Vec<_> = self.listeners.iter().filter_map(fits).filter(|(fit, _)| *fit == best).collect();
        // Several share a port: the kernel spreads clients by a hash of their addresses.
        let port = from.port().map_or(0, usize::from);
        equals.get(port % equals.len()).map(|(_, id)| *id)
    }

    /// The address of a new client on `host` that connects to `to`, from `source` unless it says otherwise.
    pub(super) fn client(
        &mut self,
        host: HostId,
        source: Option<IpAddr>,
        to: &Address,
        options: &ConnectOptions,
    ) -> io::Result<Address> {
        let Address::Tcp(to) = to else { return Ok(Address::Unix(UnixAddress::Unnamed)) };
        let mut address = SocketAddr::new(options.bind_address.or(source).unwrap_or(to.ip()), options.bind_port);
        if options.bind_port != 0 {
            // With `SO_REUSEADDR`, which it has, other clients may have the port too, but no
            // listener.
            let at_port = Address::Tcp(address);
            if self.listeners.values().any(|listener| listener.host == host && listener.fit(&at_port).is_some()) {
                return Err(options.bind_failed(address, Errno::ADDRINUSE.into()));
            }
            self.clients.insert((host, address));
            return Ok(at_port);
        }
        let port = self.dynamic_port(address, |names, candidate| {
            let same_port =
                |listener: &Backlog| listener.host == host && listener.address.port() == Some(candidate.port());
            !names.clients.contains(&(host, candidate)) && !names.listeners.values().any(same_port)
        })?;
        address.set_port(port);
        self.clients.insert((host, address));
        Ok(Address::Tcp(address))
    }

    /// The client on `host` at `address` is gone.
    pub(super) fn forget_client(&mut self, host: HostId, address: &Address) {
        if let Address::Tcp(address) = address {
            self.clients.remove(&(host, *address));
        }
    }

    /// The next port after the last one given that is `free` for `address`.
    fn dynamic_port(&mut self, address: SocketAddr, free: impl Fn(&Self, SocketAddr) -> bool) -> io::Result<u16> {
        let last = self.last_port.unwrap_or(u16::MAX);
        let after = last.checked_add(1).unwrap_or(FIRST_DYNAMIC_PORT);
        let mut candidates = (after..=u16::MAX).chain(FIRST_DYNAMIC_PORT..after);
        let found = candidates.find(|port| free(self, SocketAddr::new(address.ip(), *port)));
        self.last_port = Some(found.ok_or(Errno::ADDRNOTAVAIL)?);
        self.last_port.ok_or_else(|| Errno::ADDRNOTAVAIL.into())
    }
}

/// Where a client ends up that connects to `address`: the unspecified address is this host's own.
pub(super) fn destination(address: &Address) -> Address {
    match address {
        Address::Tcp(to) if to.ip().is_unspecified() => {
            let own = if to.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) };
            Address::Tcp(SocketAddr::new(own, to.port()))
        }
        other => other.clone(),
    }
}

/// `address` as a socket of the family of `listener` shows it: an IPv4 address on an IPv6 socket is a mapped one.
pub(super) fn shown_to(listener: &Address, address: &Address) -> Address {
    match (listener, address) {
        (Address::Tcp(SocketAddr::V6(_)), Address::Tcp(SocketAddr::V4(v4))) => {
            Address::Tcp(SocketAddr::new(IpAddr::V6(v4.ip().to_ipv6_mapped()), v4.port()))
        }
        _ => address.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: HostId = HostId(1);

    fn tcp(address: &str) -> Address {
        Address::Tcp(address.parse().unwrap())
    }

    fn listening(addresses: &[&str]) -> (Names, Vec<Id>) {
        let mut names = Names::default();
        let mut last = Id::default();
        let mut listen = |address: &&str| {
            last = last.next();
            names.listen(last, HOST, &tcp(address), &ListenOptions::default()).unwrap();
            last
        };
        let ids = addresses.iter().map(&mut listen).collect();
        (names, ids)
    }

    fn refused(names: &mut Names, address: &str, options: &ListenOptions) -> bool {
        names
            .listen(Id::default(), HOST, &tcp(address), options)
            .is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    }

    #[test]
    fn a_wildcard_takes_every_address_of_its_family_and_ipv6_takes_ipv4_too() {
        let (names, ids) = listening(&["0.0.0.0:1", "[::]:2"]);
        let client = tcp("127.0.0.1:50000");
        assert_eq!(names.find(HOST, &client, &tcp("192.0.2.7:1")), Some(ids[0]));
        assert_eq!(names.find(HOST, &client, &tcp("[::1]:1")), None);
        assert_eq!(names.find(HOST, &client, &tcp("[::1]:2")), Some(ids[1]));
        assert_eq!(names.find(HOST, &client, &tcp("127.0.0.1:2")), Some(ids[1]));
        assert_eq!(names.find(HOST, &client, &tcp("127.0.0.1:3")), None);
    }

    #[test]
    fn two_listeners_conflict_where_a_client_could_mean_either() {
        let (mut names, _) = listening(&["127.0.0.1:1", "[::]:2"]);
        let options = ListenOptions::default();
        assert!(refused(&mut names, "127.0.0.1:1", &options));
        assert!(refused(&mut names, "0.0.0.0:1", &options));
        assert!(refused(&mut names, "[::]:1", &options));
        assert!(refused(&mut names, "0.0.0.0:2", &options));
        assert!(!refused(&mut names, "127.0.0.2:1", &options));
        let ipv6_only = ListenOptions { ipv6_only: true, ..ListenOptions::default() };
        assert!(!refused(&mut names, "[::]:1", &ipv6_only));
    }

    #[test]
    fn ports_for_those_who_ask_for_none_are_counted_up() {
        let mut names = Names::default();
        let to = tcp("127.0.0.1:1");
        let mut port = || names.client(HOST, None, &to, &ConnectOptions::default()).unwrap().port();
        assert_eq!((port(), port()), (Some(49152), Some(49153)));
    }
}
