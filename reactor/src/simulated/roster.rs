//! The hosts of a world: their names and addresses.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use crate::address::Address;
use crate::clock::Time;
use crate::lookup::Family;

use super::poll::HostId;

/// The hosts, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    hosts: Vec<Entry>,
    /// Names that were given addresses, in lower case: all that each was given, and when.
    names: BTreeMap<String, Vec<(Time, Vec<IpAddr>)>>,
    /// Names that one host sees with other addresses, in lower case.
    views: BTreeMap<(HostId, String), Vec<IpAddr>>,
    /// The names of hosts lead to their IPv6 addresses too.
    pub(crate) has_both_families: bool,
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

    /// Gives a name addresses of its own from `now` on, whether or not a host has it.
    pub(crate) fn name(&mut self, name: &str, addresses: Vec<IpAddr>, now: Time) {
        self.names.entry(name.to_ascii_lowercase()).or_default().push((now, addresses));
    }

    /// Gives a name other addresses as `host` sees it.
    pub(crate) fn name_on(&mut self, host: HostId, name: &str, addresses: Vec<IpAddr>) {
        self.views.insert((host, name.to_ascii_lowercase()), addresses);
    }

    /// The addresses of a name, of one family, as `host` sees them at `now`; none if the name does
    /// not exist there. A host's own name has its IPv4 address alone by default, so that a client
    /// makes one attempt. `staleness` is for how long a host does not see the change of a number to
    /// a name.
    pub(super) fn resolve(
        &self,
        host: HostId,
        name: &str,
        family: Family,
        now: Time,
        staleness: impl Fn(&str, usize) -> Duration,
    ) -> Option<Vec<SocketAddr>> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let own = || {
            let place = self.hosts.iter().position(|host| host.name.eq_ignore_ascii_case(&name))?;
            let v6 = self.has_both_families.then(|| self.v6(place).into());
            Some([self.v4(place).into()].into_iter().chain(v6).collect())
        };
        let given = || {
            // What was there from the beginning replaces nothing that could be stale.
            let is_seen =
                |change: usize, since: Time| since == Time::default() || since.after(staleness(&name, change)) <= now;
            let changes = self.names.get(&name)?.iter().enumerate().rev();
            let mut seen = changes.filter(|(change, (since, _))| is_seen(*change, *since));
            seen.next().map(|(_, (_, addresses))| addresses.clone())
        };
        let view = self.views.get(&(host, name.clone())).cloned();
        let addresses: Vec<IpAddr> = view.or_else(given).or_else(own)?;
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
        let resolve = |name, family| roster.resolve(client, name, family, Time::default(), |_, _| Duration::ZERO);
        assert_eq!(resolve("Server", Family::V4), Some(vec!["10.0.0.1:0".parse().unwrap()]));
        assert_eq!(resolve("server.", Family::V6), Some(vec![]));
        assert_eq!(resolve("nobody", Family::V4), None);
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
