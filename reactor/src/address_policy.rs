//! Addresses that may be connected to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};

/// The IPv4 networks that are not global (the IANA IPv4 Special-Purpose Address Registry), and
/// multicast.
const NOT_PUBLIC_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The IPv6 networks that are global unicast (RFC 4291, section 2.4), or lead to an IPv4 address
/// that is judged too (RFC 6052).
const PUBLIC_V6: [(Ipv6Addr, u8); 2] =
    [(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3), (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96)];

/// Their parts that are not global (the IANA IPv6 Special-Purpose Address Registry): protocol
/// assignments with Teredo, documentation, and 6to4, which is deprecated (RFC 7526).
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// A range of IP addresses: those that begin with the same bits.
///
/// Its text form is an address and the number of these bits, as in `10.0.0.0/8` and
/// `2001:db8::/32`; an address alone stands for itself.
///
/// ```
/// use lariat::IpNetwork;
///
/// let network: IpNetwork = "192.168.0.0/16".parse()?;
/// assert!(network.contains("192.168.7.7".parse()?));
/// assert!(!network.contains("192.169.0.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpNetwork {
    address: IpAddr,
    prefix: u8,
}

impl IpNetwork {
    /// The addresses that share their first `prefix` bits with `address`: all of its family for 0,
    /// and `address` alone for 32 (IPv4) or 128 (IPv6). An IPv4-mapped IPv6 address
    /// (`::ffff:10.0.0.0`) counts as the IPv4 address, with a prefix of 96 bits more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if `prefix` is more than the address has bits, or if bits after
    /// the prefix are set: `10.0.0.1/8` is most likely a mistake.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self> {
        let invalid = |why: &str| {
            Error::new(ErrorKind::InvalidInput, format!("{address}/{prefix} is no range of addresses: {why}"))
        };
        let canonical = address.to_canonical();
        let prefix_of_canonical = match (address, canonical) {
            (IpAddr::V6(_), IpAddr::V4(_)) => {
                prefix.checked_sub(96).ok_or_else(|| invalid("it is of both families"))?
            }
            _ => prefix,
        };
        let (bits, width) = bits(canonical);
        if prefix_of_canonical > width {
            return Err(invalid(&format!("an address has {width} bits")));
        }
        let network = Self { address: canonical, prefix: prefix_of_canonical };
        if bits & !network.mask() != 0 { Err(invalid("bits after the prefix are set")) } else { Ok(network) }
    }

    /// The network that one host or subscriber holds, for limits that count peers: an IPv4 address alone, and the first 64 bits
    /// of an IPv6 address, whose holder chooses the other bits (RFC 4291, section 2.5.4).
    ///
    /// ```
    /// use lariat::IpNetwork;
    ///
    /// assert_eq!(IpNetwork::of_peer("192.0.2.7".parse()?), "192.0.2.7/32".parse()?);
    /// assert_eq!(IpNetwork::of_peer("2001:db8::7".parse()?), "2001:db8::/64".parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_peer(address: IpAddr) -> Self {
        Self::around(address, 32, 64)
    }

    /// The network that one site holds: 24 bits of an IPv4 address, 48 of an IPv6 address (RFC 6177).
    pub(crate) fn of_site(address: IpAddr) -> Self {
        Self::around(address, 24, 48)
    }

    /// The network of so many bits, by family, that contains the address.
    fn around(address: IpAddr, v4_bits: u8, v6_bits: u8) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(v4_bits)).unwrap_or(0);
                Self { address: IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask)), prefix: v4_bits }
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(v6_bits)).unwrap_or(0);
                Self { address: IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask)), prefix: v6_bits }
            }
        }
    }

    /// Returns whether `address` belongs to the network. An IPv4-mapped IPv6 address counts as the
    /// IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let ((own, own_width), (other, other_width)) = (bits(self.address), bits(address.to_canonical()));
        own_width == other_width && (own ^ other) & self.mask() == 0
    }

    /// The bits that addresses of the network share. Those of an IPv4 address are the last 32.
    fn mask(&self) -> u128 {
        let (_, width) = bits(self.address);
        let host_bits = u32::from(width - self.prefix);
        let all = u128::MAX >> (128 - u32::from(width));
        all & !1_u128.checked_shl(host_bits).map_or(u128::MAX, |above| above - 1)
    }
}

/// An address as a number, and how many bits it has.
fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u32::from(address).into(), 32),
        IpAddr::V6(address) => (address.into(), 128),
    }
}

impl FromStr for IpNetwork {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (address, prefix) =
                text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
            let address: IpAddr = address.parse().ok()?;
            let digits = |prefix: &&str| prefix.bytes().all(|byte| byte.is_ascii_digit());
            let prefix = match prefix {
                Some(prefix) => Some(prefix).filter(digits)?.parse().ok()?,
                None => {
                    if address.is_ipv4() {
                        32
                    } else {
                        128
                    }
                }
            };
            Some(Self::new(address, prefix))
        };
        parse().unwrap_or_else(|| {
            let text = text.escape_debug();
            let message = format!("expected a range of addresses such as 10.0.0.0/8 or fc00::/7, found `{text}`");
            Err(Error::new(ErrorKind::InvalidInput, message))
        })
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The addresses that a program may connect to, when others choose where: a proxy, a webhook, a
/// fetcher of links. Set in
/// [`ConnectOptions::address_policy`](crate::ConnectOptions::address_policy).
///
/// It judges the address that is then connected to, whether that was given or is what a name
/// resolved to, so that no second look-up can have another result. A denied address is a failed
/// attempt with [`ErrorKind::AddressDenied`].
///
/// - The policy begins with [`any`](Self::any) (the default), [`public`](Self::public) or
///   [`none`](Self::none).
/// - [`allow`](Self::allow) adds a range, [`deny`](Self::deny) takes one away. What is denied stays
///   denied, in whichever order they are called.
/// - An IPv6 address that leads to an IPv4 one is permitted if both are. That holds for IPv4-mapped
///   and IPv4-compatible addresses, NAT64 with the well-known prefixes (RFC 6052, RFC 8215), 6to4,
///   Teredo and ISATAP. A network with a NAT64 prefix of its own has to [`deny`](Self::deny) that.
/// - The unspecified addresses `0.0.0.0` and `::` lead to this machine and are judged as loopback
///   addresses too.
/// - Unix sockets are permitted by a policy that begins with [`any`](Self::any) alone.
///
/// ```
/// use lariat::{AddressPolicy, ConnectOptions};
///
/// let mut options = ConnectOptions::default();
/// options.address_policy = AddressPolicy::public().deny("198.41.0.0/24".parse()?);
/// assert!(options.address_policy.permits("192.88.1.1".parse()?));
/// assert!(!options.address_policy.permits("169.254.169.254".parse()?));
/// assert!(!options.address_policy.permits("::ffff:127.0.0.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    base: Base,
    allowed: Vec<IpNetwork>,
    denied: Vec<IpNetwork>,
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
enum Base {
    #[default]
    Any,
    Public,
    None,
}

impl AddressPolicy {
    /// Permits every address. This is the default.
    pub fn any() -> Self {
        Self::default()
    }

    /// Permits the addresses that are reachable from the whole Internet: no loopback, private,
    /// shared, link-local, multicast, documentation or reserved ones (the IANA Special-Purpose
    /// Address Registries), and no 6to4 and Teredo.
    ///
    /// A public address of this machine or of a neighbour is public.
    pub fn public() -> Self {
        Self { base: Base::Public, ..Self::default() }
    }

    /// Permits nothing but what is allowed.
    pub fn none() -> Self {
        Self { base: Base::None, ..Self::default() }
    }

    /// Permits `network` too, unless it is denied.
    #[must_use]
    pub fn allow(mut self, network: IpNetwork) -> Self {
        self.allowed.push(network);
        self
    }

    /// Does not permit `network`.
    #[must_use]
    pub fn deny(mut self, network: IpNetwork) -> Self {
        self.denied.push(network);
        self
    }

    /// Returns whether `address` may be connected to.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let loopback = match address {
            _ if !address.is_unspecified() => None,
            IpAddr::V4(_) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            IpAddr::V6(_) => Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        };
        let embedded = match address {
            IpAddr::V4(_) => Vec::new(),
            IpAddr::V6(address) => embedded(address),
        };
        self.judge(address)
            && loopback.is_none_or(|loopback| self.judge(loopback))
            && embedded.into_iter().all(|address| self.judge(address.into()))
    }

    /// Returns whether the policy permits every IP address.
    fn is_any(&self) -> bool {
        self.base == Base::Any && self.denied.is_empty()
    }

    pub(crate) fn permits_address(&self, address: &Address) -> bool {
        match address {
            Address::Tcp(address) => self.is_any() || self.permits(address.ip()),
            Address::Unix(_) => self.base == Base::Any,
        }
    }

    fn judge(&self, address: IpAddr) -> bool {
        let has = |networks: &[IpNetwork]| networks.iter().any(|network| network.contains(address));
        !has(&self.denied)
            && match self.base {
                Base::Any => true,
                Base::Public => is_public(address) || has(&self.allowed),
                Base::None => has(&self.allowed),
            }
    }
}

fn is_public(address: IpAddr) -> bool {
    let within = |(network, prefix): (IpAddr, u8)| IpNetwork { address: network, prefix }.contains(address);
    match address {
        IpAddr::V4(_) => !NOT_PUBLIC_V4.map(|(network, prefix)| (network.into(), prefix)).into_iter().any(within),
        IpAddr::V6(_) => {
            let any = |networks: &[(Ipv6Addr, u8)]| {
                networks.iter().any(|(network, prefix)| within((IpAddr::V6(*network), *prefix)))
            };
            any(&PUBLIC_V6) && !any(&NOT_PUBLIC_V6)
        }
    }
}

/// The IPv4 addresses to which an IPv6 address may lead.
fn embedded(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let octets = address.octets();
    let at = |places: [usize; 4]| Ipv4Addr::from(places.map(|place| octets[place]));
    let last = || at([12, 13, 14, 15]);
    let mut found = match address.segments() {
        // IPv4-compatible (RFC 4291, section 2.5.5.1), and IPv4-translated (RFC 2765).
        [0, 0, 0, 0, 0 | 0xffff, 0, ..] => vec![last()],
        // NAT64, by the well-known prefix (RFC 6052, section 2.1).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => vec![last()],
        // NAT64, by the prefix for local use (RFC 8215), of which a network takes 48 bits or more
        // (RFC 6052, section 2.2).
        [0x64, 0xff9b, 1, ..] => {
            vec![at([6, 7, 9, 10]), at([7, 9, 10, 11]), at([9, 10, 11, 12]), last()]
        }
        // 6to4 (RFC 3056, section 2).
        [0x2002, ..] => vec![at([2, 3, 4, 5])],
        // Teredo: the server, and the client with its bits turned over (RFC 4380, section 4).
        [0x2001, 0, ..] => vec![at([4, 5, 6, 7]), Ipv4Addr::from(!u32::from(last()))],
        _ => Vec::new(),
    };
    // ISATAP (RFC 5214, section 6.1).
    if let [.., 0 | 0x200, 0x5efe, _, _] = address.segments() {
        found.push(last());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn network(text: &str) -> IpNetwork {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_with_its_bits() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "255.255.255.255", "::"),
            ("::/0", "ffff::", "0.0.0.0"),
            ("fe80::/10", "febf::1", "fec0::1"),
            ("2001:db8::1/128", "2001:db8::1", "2001:db8::2"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"),
        ] {
            assert!(network(range).contains(ip(inside)), "{range} {inside}");
            assert!(!network(range).contains(ip(outside)), "{range} {outside}");
        }
        assert_eq!(network("fc00::/7").to_string(), "fc00::/7");
    }

    #[test]
    fn what_is_no_network_is_an_error_that_shows_it() {
        for text in
            ["", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/33", "10.0.0.1/8", "::/129", "::ffff:0.0.0.0/95", "x/8", "/8"]
        {
            let error = text.parse::<IpNetwork>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
            assert!(error.to_string().contains(text), "{text}: {error}");
        }
    }

    #[test]
    fn public_addresses_are_those_of_the_internet() {
        let policy = AddressPolicy::public();
        for public in ["1.1.1.1", "9.255.255.255", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "64:ff9b::1.1.1.1"] {
            assert!(policy.permits(ip(public)), "{public}");
        }
        let local = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 169.254.169.254 172.31.255.255 192.0.0.9 192.0.2.1 \
                     192.88.99.1 192.168.1.1 198.19.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 \
                     :: ::1 fe80::1 fc00::1 fd00::1 fec0::1 ff02::1 100::1 2001:db8::1 3fff::1 5f00::1 2001:20::1";
        for local in local.split_ascii_whitespace() {
            assert!(!policy.permits(ip(local)), "{local}");
        }
    }

    /// Ways to write 127.0.0.1 as an IPv6 address.
    const DISGUISED: [&str; 11] = [
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1:7f00:0:1::",
        "64:ff9b:1::127.0.0.1",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "2001:0:101:101::80ff:fffe",
        "2606:4700::5efe:127.0.0.1",
        "2606:4700::200:5efe:127.0.0.1",
    ];

    #[test]
    fn no_form_of_ipv6_hides_an_ipv4_address() {
        let denies = AddressPolicy::any().deny(network("127.0.0.0/8"));
        let allows = AddressPolicy::none().allow(network("::/0")).allow(network("128.0.0.0/1"));
        for disguised in DISGUISED {
            for policy in [&denies, &allows, &AddressPolicy::public()] {
                assert!(!policy.permits(ip(disguised)), "{disguised}: {policy:?}");
            }
            assert!(AddressPolicy::any().permits(ip(disguised)));
        }
    }

    #[test]
    fn the_unspecified_address_is_this_machine() {
        for (unspecified, loopback) in [("0.0.0.0", "127.0.0.0/8"), ("::ffff:0.0.0.0", "127.0.0.0/8"), ("::", "::1")] {
            assert!(!AddressPolicy::any().deny(network(loopback)).permits(ip(unspecified)), "{unspecified}");
            assert!(!AddressPolicy::none().allow(network("0.0.0.0/8")).permits(ip(unspecified)), "{unspecified}");
        }
    }

    #[test]
    fn what_is_denied_stays_denied() {
        let policy = AddressPolicy::public().deny(network("10.1.0.0/16")).allow(network("10.0.0.0/8"));
        assert!(policy.permits(ip("10.2.0.1")) && policy.permits(ip("1.1.1.1")));
        assert!(!policy.permits(ip("10.1.0.1")) && !policy.permits(ip("192.168.0.1")));
        let unix = Address::Unix(Default::default());
        assert!(AddressPolicy::any().deny(network("::1")).permits_address(&unix));
        assert!(!policy.permits_address(&unix) && !AddressPolicy::none().permits_address(&unix));
    }
}
