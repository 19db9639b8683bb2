use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::argument::Argument;
use super::client::ClientDescription;
use super::description::Description;
use super::quote;
use super::server::ServerDescription;
use crate::address::{Address, UnixAddress};
use crate::error::ErrorKind;
use crate::names::Family;
use crate::options::{ConnectionLimits, ListenOptions, StreamOptions};
use crate::stream::Target;

fn tcp_server(addresses: &[&str]) -> ServerDescription {
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    ServerDescription::Tcp { addresses, ipv6_only: false, backlog: None, reuseport: false }
}

fn tcp_client(addresses: &[&str]) -> ClientDescription {
    let addresses = addresses.iter().map(|address| Address::Tcp(address.parse().unwrap())).collect();
    ClientDescription::Tcp { target: Target::Addresses(addresses), timeout: None, bind_address: None, bind_port: 0 }
}

fn tcp_host(name: &str, family: Option<Family>) -> Target {
    Target::Host { name: name.to_owned(), port: 80, family }
}

#[test]
fn a_value_knows_where_it_was_written() {
    let description = Description::parse(r"tcp:0:interface=\:\:1:last").unwrap();
    let seen = |argument: &Argument<'_>| (argument.text.to_string(), argument.place.at);
    assert_eq!(seen(&description.kind), ("tcp".to_owned(), 0));
    let positional: Vec<_> = description.positional.iter().map(seen).collect();
    assert_eq!(positional, [("0".to_owned(), 4), ("last".to_owned(), 22)]);
    let [keyword] = &*description.keywords else { panic!("one keyword") };
    assert_eq!(seen(&keyword.name), ("interface".to_owned(), 6));
    assert_eq!(seen(&keyword.value), ("::1".to_owned(), 16));
    assert_eq!(description.end.at, 26);
}

#[test]
fn a_second_equals_sign_is_part_of_the_value() {
    let description = Description::parse(r"tcp:a=b=c\=d").unwrap();
    assert_eq!(description.keywords[0].value.text, "b=c=d");
}

#[test]
fn tcp_servers_are_understood() {
    let everywhere = tcp_server(&["[::]:7000", "0.0.0.0:7000"]);
    for (source, expected) in [
        ("tcp:7000", everywhere.clone()),
        ("tcp:port=7000", everywhere.clone()),
        (r"tc\p:7000", everywhere),
        ("tcp:0", tcp_server(&["[::]:0", "0.0.0.0:0"])),
        ("tcp:http:interface=127.0.0.1", tcp_server(&["127.0.0.1:80"])),
        ("tcp:65535:interface=127.0.0.1", tcp_server(&["127.0.0.1:65535"])),
        ("tcp:interface=0.0.0.0:80", tcp_server(&["0.0.0.0:80"])),
        ("tcp:0:interface=localhost", tcp_server(&["127.0.0.1:0"])),
        (r"tcp:0:interface=\:\:1", tcp_server(&["[::1]:0"])),
        (r"tcp:0:interface=[\:\:1]", tcp_server(&["[::1]:0"])),
        (r"tcp:9:interface=fe80\:\:1%3", tcp_server(&["[fe80::1%3]:9"])),
        (r"tcp:9:interface=fe80\:\:1%lo", tcp_server(&["[fe80::1%1]:9"])),
        (r"tcp:0:interface=\:\::ipv6only=no", tcp_server(&["[::]:0"])),
    ] {
        assert_eq!(ServerDescription::parse(source).unwrap(), expected, "{source}");
    }
}

#[test]
fn the_options_of_a_tcp_server_are_understood() {
    let source = "tcp:80:ipv6only=yes:backlog=2147483647:reuseport=yes:userTimeout=2147483.647";
    let mut options = ListenOptions::default();
    let parsed = ServerDescription::parse_with(source, &mut options).unwrap();
    assert_eq!(options.stream.user_timeout, Some(Duration::from_millis(2_147_483_647)));
    let addresses = vec!["[::]:80".parse().unwrap()];
    let backlog = Some(2_147_483_647);
    assert_eq!(parsed, ServerDescription::Tcp { addresses, ipv6_only: true, backlog, reuseport: true });
}

#[test]
fn the_limits_of_a_server_are_understood() {
    let limits = |source: &str, mut options: ListenOptions| {
        ServerDescription::parse_with(source, &mut options).unwrap();
        (options.connections, options.reserved_descriptors)
    };
    assert_eq!(limits("tcp:80", ListenOptions::default()), (None, 32));
    let mut expected = ConnectionLimits::total(5000);
    (expected.per_address, expected.per_network, expected.counts_loopback) = (64, 256, true);
    let source = "tcp:80:connections=5000:perAddress=64:perNetwork=256:countLoopback=yes:reservedDescriptors=0";
    assert_eq!(limits(source, ListenOptions::default()), (Some(expected), 0));
    let (only, reserved) = limits("unix:x:connections=7:reservedDescriptors=9", ListenOptions::default());
    assert_eq!((only, reserved), (Some(ConnectionLimits::total(7)), 9));
    // What is not given stays as the options have it.
    let options = ListenOptions { connections: Some(ConnectionLimits::for_servers()), ..ListenOptions::default() };
    let mut expected = ConnectionLimits::for_servers();
    expected.per_address = usize::MAX;
    assert_eq!(limits("tcp:80:perAddress=none", options).0, Some(expected));
}

#[test]
fn unix_servers_are_understood() {
    let path = |path: &str| UnixAddress::Pathname(path.into());
    for (source, address, mode, backlog) in [
        ("unix:/run/lariat.sock", path("/run/lariat.sock"), None, None),
        ("unix:address=x", path("x"), None, None),
        (r"unix:/weird\:path\=1", path("/weird:path=1"), None, None),
        ("unix:./@x:mode=660", path("./@x"), Some(0o660), None),
        ("unix:x:mode=0777:backlog=1", path("x"), Some(0o777), Some(1)),
        ("unix:x:mode=0", path("x"), Some(0), None),
        ("unix:@lariat:backlog=7", UnixAddress::Abstract(b"lariat".to_vec()), None, Some(7)),
    ] {
        let expected = ServerDescription::Unix { address, mode, backlog };
        assert_eq!(ServerDescription::parse(source).unwrap(), expected, "{source}");
    }
}

#[test]
fn tcp_clients_are_understood() {
    for (source, expected) in [
        ("tcp:192.0.2.1:7000", tcp_client(&["192.0.2.1:7000"])),
        (r"tcp:\:\:1:1", tcp_client(&["[::1]:1"])),
        (r"tcp:[\:\:1]:7000", tcp_client(&["[::1]:7000"])),
        ("tcp:localhost:80", tcp_client(&["127.0.0.1:80", "[::1]:80"])),
        ("tcp:LocalHost:80", tcp_client(&["127.0.0.1:80", "[::1]:80"])),
        ("tcp:host=1.2.3.4:port=80", tcp_client(&["1.2.3.4:80"])),
        ("tcp:1.2.3.4:port=80", tcp_client(&["1.2.3.4:80"])),
        ("tcp:host=1.2.3.4:80", tcp_client(&["1.2.3.4:80"])),
        ("tcp:port=80:1.2.3.4", tcp_client(&["1.2.3.4:80"])),
        ("tcp:1.2.3.4:https", tcp_client(&["1.2.3.4:443"])),
    ] {
        assert_eq!(ClientDescription::parse(source).unwrap(), expected, "{source}");
    }
}

#[test]
fn the_options_of_a_tcp_client_are_understood() {
    let source = "tcp:localhost:80:timeout=2.5:bindAddress=127.0.0.2:bindPort=7001:userTimeout=0.5";
    let mut options = StreamOptions::default();
    let parsed = ClientDescription::parse_with(source, &mut options).unwrap();
    assert_eq!(options.user_timeout, Some(Duration::from_millis(500)));
    let timeout = Some(Duration::from_millis(2500));
    let bind_address = Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)));
    let target = Target::Addresses(vec![Address::Tcp("127.0.0.1:80".parse().unwrap())]);
    assert_eq!(parsed, ClientDescription::Tcp { target, timeout, bind_address, bind_port: 7001 });
}

#[test]
fn the_host_of_a_tcp_client_may_be_a_name() {
    for (source, name) in [
        ("tcp:example.com:80", "example.com"),
        ("tcp:Example.COM.:80", "Example.COM."),
        ("tcp:host=my_host:port=80", "my_host"),
        ("tcp:xn--bcher-kva.example:80", "xn--bcher-kva.example"),
        ("tcp:localhost.example:80", "localhost.example"),
    ] {
        let expected =
            ClientDescription::Tcp { target: tcp_host(name, None), timeout: None, bind_address: None, bind_port: 0 };
        assert_eq!(ClientDescription::parse(source).unwrap(), expected, "{source}");
    }
    assert_eq!(ClientDescription::parse("tcp:db.localhost:80").unwrap(), tcp_client(&["127.0.0.1:80", "[::1]:80"]));
}

#[test]
fn a_name_is_asked_for_addresses_of_the_family_that_is_connected_from() {
    for (from, family) in [("127.0.0.2", Family::V4), (r"\:\:1", Family::V6)] {
        let parsed = ClientDescription::parse(&format!("tcp:example.com:80:bindAddress={from}")).unwrap();
        let ClientDescription::Tcp { target, .. } = parsed else { panic!("it is TCP") };
        assert_eq!(target, tcp_host("example.com", Some(family)));
    }
}

#[test]
fn unix_clients_are_understood() {
    for (source, address, timeout) in [
        ("unix:/run/x", UnixAddress::Pathname("/run/x".into()), None),
        ("unix:path=/run/x:timeout=30", UnixAddress::Pathname("/run/x".into()), Some(Duration::from_secs(30))),
        ("unix:@x", UnixAddress::Abstract(b"x".to_vec()), None),
    ] {
        assert_eq!(ClientDescription::parse(source).unwrap(), ClientDescription::Unix { address, timeout }, "{source}");
    }
}

#[test]
fn a_wrong_server_description_is_told_its_place() {
    let long = format!("unix:{}", "x".repeat(200));
    for (source, character, said) in [
        ("", 1, "expected a kind"),
        (":80", 1, "expected a kind"),
        ("=80", 1, "expected a kind"),
        ("tcp=80", 1, "expected a kind"),
        ("8080", 1, "expected tcp, unix or tls, found the kind `8080`"),
        ("TCP:80", 1, "expected tcp, unix or tls, found the kind `TCP`"),
        ("tcp", 4, "expected a port number, found the end"),
        ("tcp:", 5, "expected a port number from 0 to 65535, or a service of /etc/services, found nothing"),
        ("tcp:interface=1.2.3.4", 22, "expected a port number, found the end"),
        ("tcp:no-such-service", 5, "or a service of /etc/services, found `no-such-service`"),
        ("tcp:65536", 5, "expected a port number from 0 to 65535, or a service of /etc/services, found `65536`"),
        ("tcp:99999999999", 5, "expected a port number from 0 to 65535"),
        ("tcp:-1", 5, "expected a port number from 0 to 65535"),
        ("tcp:+1", 5, "expected a port number from 0 to 65535"),
        ("tcp: 1", 5, "expected a port number from 0 to 65535"),
        ("tcp:80:", 8, "one argument too many, ``"),
        ("tcp:127.0.0.1:80", 15, "one argument too many, `80`: expected nothing more, or one of interface, ipv6only"),
        ("tcp:80:port=81", 5, "one argument too many, `80`"),
        ("tcp:80:Interface=::", 8, "unknown keyword `Interface`: expected one of port, interface, ipv6only"),
        ("tcp:80:=1", 8, "unknown keyword ``"),
        ("tcp:80:backlog=1:backlog=2", 18, "the keyword `backlog` is repeated"),
        ("tcp:80:backlog=0", 16, "expected a backlog from 1 to 2147483647 connections, found `0`"),
        ("tcp:80:backlog=2147483648", 16, "expected a backlog from 1 to 2147483647 connections"),
        ("tcp:80:interface=", 18, "expected an IP address or localhost"),
        ("tcp:80:interface=300.1.1.1", 18, "expected an IP address or localhost"),
        (r"tcp:80:interface=\:\:x", 18, "expected an IP address or localhost"),
        ("tcp:80:interface=[127.0.0.1]", 18, "expected an IP address or localhost"),
        ("tcp:80:interface=127.0.0.1:ipv6only=no", 37, "ipv6only does not go with an IPv4 interface"),
        ("tcp:80:ipv6only=true", 17, "expected yes or no, found `true`"),
        ("tcp:80:reuseport=", 18, "expected yes or no, found nothing"),
        (
            "tcp:80:connections=0",
            20,
            "expected a number of connections from 1 to 4294967295, or none for no limit, found `0`",
        ),
        ("tcp:80:perAddress=few", 19, "expected a number of connections from 1"),
        ("tcp:80:perNetwork=-1", 19, "expected a number of connections from 1"),
        ("tcp:80:countLoopback=1", 22, "expected yes or no"),
        ("tcp:80:reservedDescriptors=all", 28, "expected a number of descriptors from 0"),
        ("tcp:80:handshakes=5", 8, "unknown keyword `handshakes`"),
        ("unix:x:perAddress=5", 8, "unknown keyword `perAddress`"),
        ("tcp:80\\", 7, "expected a character after the backslash"),
        ("tcp:é:bad=1", 7, "unknown keyword `bad`"),
        ("unix", 5, "expected a path, or @ and a name, found the end"),
        ("unix:", 6, "expected a path, or @ and the name of an abstract socket, found nothing"),
        ("unix:@", 6, "expected a path, or @ and the name of an abstract socket, found `@`"),
        ("unix:a\0b", 6, r"expected a path, or @ and the name of an abstract socket, found `a\u{0}b`"),
        ("unix:/a=b", 6, "unknown keyword `/a`"),
        ("unix:x:mode=888", 13, "expected a mode from 0 to 777, in octal, found `888`"),
        ("unix:x:mode=1777", 13, "expected a mode"),
        ("unix:x:mode=+7", 13, "expected a mode"),
        ("unix:x:mode=", 13, "expected a mode"),
        ("unix:@x:mode=660", 14, "an abstract socket is no file"),
        ("unix:x:reuseport=yes", 8, "unknown keyword `reuseport`"),
        (&long, 6, "the name of a Unix socket does not fit"),
    ] {
        let error = ServerDescription::parse(source).expect_err(source);
        assert_error(source, &error, ErrorKind::InvalidInput, character, said);
    }
}

#[test]
fn a_wrong_client_description_is_told_its_place() {
    for (source, character, said) in [
        ("tcp", 4, "expected a host and a port, found the end"),
        ("tcp:1.2.3.4", 12, "expected a port number, found the end"),
        ("tcp::80", 5, "expected an IP address or a host's name"),
        ("tcp:300.1.1.1:80", 5, "a host's name does not end in a number"),
        ("tcp:bücher.example:80", 5, "write an international one in its form that begins with xn--"),
        ("tcp:a b:80", 5, "a host's name has no ` ` in it"),
        (r"tcp:fe80\:\:1%nosuch:80", 5, "there is no network interface `nosuch` on this machine"),
        (r"tcp:fe80\:\:x:80", 5, r"the colons of an IPv6 address are written \:"),
        ("tcp:[::1]:80", 8, "one argument too many, `1]`"),
        ("tcp:1.2.3.4:0", 13, "expected a port number from 1 to 65535, or a service of /etc/services, found `0`"),
        ("tcp:1.2.3.4:80:timeout=0", 24, "expected a number of seconds above 0, found `0`"),
        ("tcp:1.2.3.4:80:timeout=-1", 24, "expected a number of seconds above 0"),
        ("tcp:1.2.3.4:80:timeout=1e9", 24, "expected a number of seconds above 0"),
        ("tcp:1.2.3.4:80:timeout=99999999999999999999999", 24, "expected a number of seconds above 0"),
        ("tcp:1.2.3.4:80:timeout=.", 24, "expected a number of seconds above 0"),
        (r"tcp:1.2.3.4:80:bindAddress=\:\:1", 28, "not of the same address family"),
        (r"tcp:fe80\:\:1%1:80:bindAddress=fe80\:\:2%3", 32, "not of the same zone"),
        ("tcp:1.2.3.4:80:bindPort=0", 25, "expected a port number from 1 to 65535"),
        ("tcp:1.2.3.4:80:userTimeout=0.0009", 28, "expected a number of seconds from 0.001 to 2147483.647"),
        ("tcp:1.2.3.4:80:userTimeout=2147483.648", 28, "expected a number of seconds from 0.001 to 2147483.647"),
        ("tcp:1.2.3.4:no-such-service", 13, "or a service of /etc/services, found `no-such-service`"),
        ("tcp:host=1.2.3.4:host=1.2.3.4", 18, "the keyword `host` is repeated"),
        ("tcp:1.2.3.4:80:interface=1.2.3.4", 16, "unknown keyword `interface`"),
        ("unix:x:mode=660", 8, "unknown keyword `mode`"),
        ("udp:1.2.3.4:80", 1, "expected tcp, unix or tls, found the kind `udp`"),
    ] {
        let error = ClientDescription::parse(source).expect_err(source);
        assert_error(source, &error, ErrorKind::InvalidInput, character, said);
    }
}

#[test]
fn a_name_where_only_an_address_will_do_is_an_error_of_its_own_kind() {
    let said = "a host's name cannot be used here: give an IP address or localhost";
    for (source, character) in [("tcp:80:interface=eth0", 18), ("tcp:80:interface=example.com", 18)] {
        let error = ServerDescription::parse(source).expect_err(source);
        assert_error(source, &error, ErrorKind::NameNotSupported, character, said);
    }
    let source = "tcp:1.2.3.4:80:bindAddress=example.com";
    let error = ClientDescription::parse(source).unwrap_err();
    assert_error(source, &error, ErrorKind::NameNotSupported, 28, said);
}

#[test]
fn an_error_shows_control_characters_by_their_code() {
    let error = ServerDescription::parse("tcp:\x1b[2J\n").unwrap_err().to_string();
    assert!(error.contains(r"`tcp:\u{1b}[2J\n`"), "{error}");
}

#[test]
fn an_address_can_be_connected_to_by_what_it_displays() {
    let parse = |address: &Address| ClientDescription::parse(&address.to_string()).unwrap();
    for text in ["192.0.2.1:7000", "[::1]:7000", "[2001:db8::7]:1"] {
        assert_eq!(parse(&Address::Tcp(text.parse().unwrap())), tcp_client(&[text]));
    }
    let addresses = [UnixAddress::Pathname(r"/tmp/a:b\c".into()), UnixAddress::Abstract(b"a:b@c".to_vec())];
    for address in addresses {
        assert_eq!(parse(&Address::Unix(address.clone())), ClientDescription::Unix { address, timeout: None });
    }
}

#[test]
fn any_quoted_value_comes_back() {
    let mut random = Random(7);
    for _ in 0..2_000 {
        let value = random.text();
        let source = format!("kind:{0}:name={0}", quote(&value));
        let description = Description::parse(&source).unwrap();
        assert_eq!(description.positional[0].text, value);
        assert_eq!(description.keywords[0].value.text, value);
    }
}

#[test]
fn no_soup_of_bytes_makes_the_parser_panic() {
    let mut random = Random(11);
    for _ in 0..20_000 {
        let source = format!("{}{}", random.one_of(&["", "tcp:", "unix:", "tcp:80:"]), random.text());
        drop(ServerDescription::parse(&source));
        drop(ClientDescription::parse(&source));
    }
}

#[track_caller]
fn assert_error(source: &str, error: &crate::Error, kind: ErrorKind, character: usize, said: &str) {
    let message = error.to_string();
    assert_eq!(error.kind(), kind, "{source}: {message}");
    assert!(message.contains(said), "{source}: {message}");
    assert!(message.contains(&format!(", at character {character} of `")), "{source}: {message}");
}

/// A linear congruential generator: the same seed gives the same texts.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn text(&mut self) -> String {
        let pieces = ": = \\ [ ] @ % . 0 7 65536 é 🐎 \0 interface mode backlog timeout localhost ::1 1.2.3.4 yes";
        let pieces: Vec<_> = pieces.split(' ').chain([" ", "\n", ""]).collect();
        (0..self.below(12)).map(|_| self.one_of(&pieces)).collect()
    }
}
