//! What a host's name looks like, and which need nobody to be asked.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::error::{Error, ErrorKind};
use crate::escape::Escaped;
use crate::lookup::Family;
use crate::zone;

/// The most characters of a name, without a dot at its end (RFC 1035, section 2.3.4: 255 bytes, of which the first length and the root
/// take two).
const LONGEST: usize = 253;

/// The most characters between two dots (the same section).
const LONGEST_LABEL: usize = 63;

/// Is this a name that a resolver may be asked for? If not, why.
///
/// Names in other scripts than ASCII are not translated (RFC 5890). A name whose last label is a number is none, for systems take many such
/// (`127.1`, `0x7f.1`) for addresses.
pub(crate) fn check(name: &str) -> Result<(), String> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    if bare.is_empty() {
        return Err("a host's name is not empty".to_owned());
    }
    if let Some(zone) = zone::missing(unbracketed(name)) {
        return Err(no_interface(zone));
    }
    if bare.len() > LONGEST {
        return Err(format!("a host's name has at most {LONGEST} characters, not {}", bare.len()));
    }
    if !bare.is_ascii() {
        return Err(
            "a host's name is given in ASCII: write an international one in its form that begins with xn--".to_owned()
        );
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    for label in bare.split('.') {
        match label.len() {
            0 => return Err("a host's name has something between any two dots".to_owned()),
            length if length > LONGEST_LABEL => {
                return Err(format!("a host's name has at most {LONGEST_LABEL} characters between dots, not {length}"));
            }
            _ => {}
        }
        if let Some(odd) = label.bytes().find(|byte| !allowed(*byte)) {
            return Err(format!("a host's name has no `{}` in it", odd.escape_ascii()));
        }
    }
    let last = bare.rsplit('.').next().unwrap_or(bare);
    match is_number(last) {
        true => {
            Err("a host's name does not end in a number, and an IPv4 address has four of them, up to 255".to_owned())
        }
        false => Ok(()),
    }
}

fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Does the name mean this machine, whatever anybody says? (RFC 6761, section 6.3: `localhost`, and all names that end in it.)
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

/// The addresses, of one family, of what is an address itself or means this machine; nothing for other names.
pub(crate) fn known(name: &str, family: Family) -> Option<Vec<SocketAddr>> {
    if is_localhost(name) && check(name).is_ok() {
        return Some(match family {
            Family::V4 => vec![(Ipv4Addr::LOCALHOST, 0).into()],
            Family::V6 => vec![(Ipv6Addr::LOCALHOST, 0).into()],
        });
    }
    let address = literal(name)?;
    Some(if Family::of(&address) == family { vec![address] } else { Vec::new() })
}

/// An IPv4 address, or an IPv6 one with or without brackets and with or without a zone.
fn literal(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some((address, 0).into());
    }
    let bare = unbracketed(text);
    // Only an IPv6 address has a colon, so most names cost no more than this.
    if !bare.contains(':') {
        return None;
    }
    zone::parse(bare).map(SocketAddr::V6)
}

/// An IPv6 address without the brackets that it may have.
pub(crate) fn unbracketed(text: &str) -> &str {
    text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text)
}

fn no_interface(zone: &str) -> String {
    format!("there is no network interface `{}` on this machine", Escaped::bytes(zone))
}

impl Error {
    /// There is no host of this name: for a [`Resolver`](crate::names::Resolver)'s answer. Its kind is
    /// [`NameNotFound`](crate::ErrorKind::NameNotFound).
    pub fn name_not_found(name: &str) -> Self {
        let words = format!(
            "there is no host named `{}`, as far as the resolver knows: check the spelling",
            Escaped::bytes(name)
        );
        Self::new(ErrorKind::NameNotFound, words)
    }

    /// Nobody could be asked for this name, or nobody has answered: for a [`Resolver`](crate::names::Resolver)'s answer. Its kind is
    /// [`NameUnavailable`](crate::ErrorKind::NameUnavailable).
    pub fn name_unavailable(name: &str) -> Self {
        let words = format!(
            "nobody can tell the addresses of `{}` at the moment: try again later, or check the network and the name servers",
            Escaped::bytes(name)
        );
        Self::new(ErrorKind::NameUnavailable, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_what_is_none() {
        let label = "a".repeat(63);
        let long = [&*label, &label, &label, &label[..61]].join(".");
        assert_eq!(long.len(), 253);
        for name in [
            "a",
            "example.com",
            "example.com.",
            "my_host",
            "xn--bcher-kva.example",
            "1.a",
            "0x7.example",
            &label,
            &long,
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        let too_long = format!("{long}a");
        let long_label = format!("{label}a.example");
        for (name, said) in [
            ("", "not empty"),
            (".", "not empty"),
            ("a..b", "between any two dots"),
            (".a", "between any two dots"),
            ("a b", "no ` ` in it"),
            ("a\0b", r"no `\x00` in it"),
            ("a\nb", r"no `\n` in it"),
            ("bücher.example", "xn--"),
            ("300.1.1.1", "end in a number"),
            ("127.1", "end in a number"),
            ("0x7f.0x1", "end in a number"),
            ("example.0x", "end in a number"),
            ("fe80::1%nosuch", "no network interface `nosuch`"),
            ("[fe80::1%]", "no network interface ``"),
            (&too_long, "at most 253 characters, not 254"),
            (&long_label, "at most 63 characters between dots, not 64"),
        ] {
            assert!(check(name).unwrap_err().contains(said), "{name}");
        }
    }

    #[test]
    fn addresses_and_localhost_need_nobody_to_be_asked() {
        let told = |name, family| {
            let addresses = known(name, family)?;
            Some(addresses.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        for (name, v4, v6) in [
            ("192.0.2.1", &["192.0.2.1:0"][..], &[][..]),
            ("2001:db8::1", &[], &["[2001:db8::1]:0"]),
            ("[2001:db8::1]", &[], &["[2001:db8::1]:0"]),
            ("[fe80::1%3]", &[], &["[fe80::1%3]:0"]),
            ("fe80::1%lo", &[], &["[fe80::1%1]:0"]),
            ("localhost", &["127.0.0.1:0"], &["[::1]:0"]),
            ("LocalHost.", &["127.0.0.1:0"], &["[::1]:0"]),
            ("db.localhost", &["127.0.0.1:0"], &["[::1]:0"]),
        ] {
            assert_eq!(told(name, Family::V4).unwrap(), v4, "{name}");
            assert_eq!(told(name, Family::V6).unwrap(), v6, "{name}");
        }
        for name in
            ["example.com", "localhost.example", "mylocalhost", "[192.0.2.1]", "192.0.2", "::g", "a b.localhost"]
        {
            assert_eq!(told(name, Family::V4), None, "{name}");
        }
    }
}
