//! The hosts of a world: their names and addresses.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use crate::address::Address;
use crate::lookup::Family;

use super::poll::HostId;

/// The hosts, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    hosts: Vec<Entry>,
    /// Names that were given addresses, in lower case.
    names: BTreeMap<String, Vec<IpAddr>>,
    /// There is one host, and every address is its.
    pub(super) is_open: bool,
}

#[derive(Debug)]
struct Entry {
    name: Rc<str>,
    down: bool,
}

impl Roster {
    pub(super) fn add(&mut self, name: &str) -> HostId {
        self.hosts.push(Entry { name: name.into(), down: false });
        HostId(u32::try_from(self.hosts.len()).unwrap_or(u32::MAX))
    }

    /// Gives a name addresses of its own, whether or not a host has it.
    pub(crate) fn name(&mut self, name: &str, addresses: Vec<IpAddr>) {
        self.names.insert(name.to_ascii_lowercase(), addresses);
    }

    /// The addresses of a name, of one family; nothing if nobody has it. A host has its IPv4 one, so that whoever connects makes one
    /// attempt.
    pub(super) fn resolve(&self, name: &str, family: Family) -> Option<Vec<SocketAddr>> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let host = || {
            let place = self.hosts.iter().position(|host| host.name.eq_ignore_ascii_case(&name))?;
            Some(vec![self.v4(place).into()])
        };
        let addresses = self.names.get(&name).cloned().or_else(host)?;
        let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
        Some(addresses.filter(|address| Family::of(address) == family).collect())
    }

    /// The IPv4 address of a host: 10.0.0.1 for the first.
    pub(super) fn address(&self, host: HostId) -> IpAddr {
        self.v4(host.index()).into()
    }

    fn v4(&self, place: usize) -> Ipv4Addr {
        let [.., a, b, c] = (place as u64 + 1).to_be_bytes();
        Ipv4Addr::new(10, a, b, c)
    }

    fn v6(&self, place: usize) -> Ipv6Addr {
        Ipv6Addr::from(0xfd00 << 112 | (place as u128 + 1))
    }

    /// The host that `from` reaches at `address`.
    pub(super) fn locate(&self, from: HostId, address: &Address) -> Option<HostId> {
        let Address::Tcp(address) = address else { return Some(from) };
        let ip = address.ip().to_canonical();
        if self.is_open || ip.is_loopback() || ip.is_unspecified() {
            return Some(from);
        }
        let place = match ip {
            IpAddr::V4(ip) => u32::from(ip).checked_sub(u32::from(Ipv4Addr::new(10, 0, 0, 1)))? as usize,
            IpAddr::V6(ip) => usize::try_from(u128::from(ip).checked_sub(0xfd00 << 112)?.checked_sub(1)?).ok()?,
        };
        (place < self.hosts.len()).then(|| HostId(u32::try_from(place + 1).unwrap_or(u32::MAX)))
    }

    /// The address that a client on `host` has which connects to `to` on another one.
    pub(super) fn source(&self, host: HostId, to: IpAddr) -> IpAddr {
        if to.is_ipv4() { self.v4(host.index()).into() } else { self.v6(host.index()).into() }
    }

    pub(super) fn set_down(&mut self, host: HostId, down: bool) {
        if let Some(entry) = self.hosts.get_mut(host.index()) {
            entry.down = down;
        }
    }

    pub(super) fn is_down(&self, host: HostId) -> bool {
        host != HostId::NOBODY && self.hosts.get(host.index()).is_some_and(|entry| entry.down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_its_own_addresses_and_loopback_is_its_own() {
        let mut roster = Roster::default();
        let [server, client] = ["server", "client"].map(|name| roster.add(name));
        assert_eq!(roster.resolve("Server", Family::V4), Some(vec!["10.0.0.1:0".parse().unwrap()]));
        assert_eq!(roster.resolve("server.", Family::V6), Some(vec![]));
        assert_eq!(roster.resolve("nobody", Family::V4), None);
        let locate = |from, address: &str| roster.locate(from, &Address::Tcp(address.parse().unwrap()));
        assert_eq!(locate(client, "10.0.0.1:1"), Some(server));
        assert_eq!(locate(client, "[fd00::1]:1"), Some(server));
        assert_eq!(locate(client, "[::ffff:10.0.0.1]:1"), Some(server));
        for own in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "0.0.0.0:1", "10.0.0.2:1"] {
            assert_eq!(locate(client, own), Some(client), "{own}");
        }
        for nobody in ["10.0.0.3:1", "10.0.0.0:1", "192.0.2.1:1", "[fd00::]:1", "[fd00::3]:1", "[2001:db8::1]:1"] {
            assert_eq!(locate(client, nobody), None, "{nobody}");
        }
    }
}
