//! IPv6 addresses that are good for one zone only.

use std::net::{Ipv6Addr, SocketAddrV6};

/// An IPv6 address, with its zone if it has one (RFC 4007, section 11): the number or the name of an interface of this machine, as in
/// `fe80::1%2` or `fe80::1%eth0`. The port is 0.
pub(crate) fn parse(text: &str) -> Option<SocketAddrV6> {
    if let Ok(numbered) = format!("[{text}]:0").parse() {
        return Some(numbered);
    }
    let (address, interface) = split(text)?;
    Some(SocketAddrV6::new(address, 0, 0, number(interface)?))
}

/// Of what would be an IPv6 address, the zone, if this machine has no such interface.
pub(crate) fn missing(text: &str) -> Option<&str> {
    let (_, interface) = split(text)?;
    parse(text).is_none().then_some(interface)
}

fn split(text: &str) -> Option<(Ipv6Addr, &str)> {
    let (address, zone) = text.split_once('%')?;
    Some((address.parse().ok()?, zone))
}

/// The number of an interface.
#[cfg(target_os = "linux")]
fn number(interface: &str) -> Option<u32> {
    use rustix::net::netdevice::name_to_index;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    // Any socket will do to ask with.
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None).ok()?;
    name_to_index(socket, interface).ok()
}

#[cfg(not(target_os = "linux"))]
fn number(_: &str) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_a_number_or_the_name_of_an_interface() {
        let parsed = |text| parse(text).map(|address| address.to_string());
        assert_eq!(parsed("2001:db8::1").as_deref(), Some("[2001:db8::1]:0"));
        assert_eq!(parsed("fe80::1%3").as_deref(), Some("[fe80::1%3]:0"));
        // Linux gives the first interface of every machine to itself.
        assert_eq!(parsed("fe80::1%lo").as_deref(), Some("[fe80::1%1]:0"));
        for wrong in
            ["fe80::1%", "fe80::1%lo0nosuch", "fe80::1%lo\0", "fe80::1%longer-than-any-name", "fe80::g%lo", "%lo", "lo"]
        {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_missing_zone_is_told_from_what_is_no_address() {
        assert_eq!(missing("fe80::1%lo0nosuch"), Some("lo0nosuch"));
        assert_eq!(missing("fe80::1%"), Some(""));
        for other in ["fe80::1%lo", "fe80::1%7", "fe80::1", "1.2.3.4%lo", "name%lo"] {
            assert_eq!(missing(other), None, "{other}");
        }
    }
}
