//! Addresses.

use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Address, ListenOptions, Once, Peer, UnixAddress};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Ground, Log, World};

#[test]
fn an_ipv4_peer_of_a_port_of_both_families_had_an_ipv6_address_at_our_end() {
    let mut world = World::new(Ground::RealTcp);
    let seen = Shared::new(None);
    let peers = seen.clone();
    let server = Log::new();
    let served = server.clone();
    let port = world.reactor.listen("tcp:0", move |peer: &Peer| {
        peers.with(|seen| *seen = Some((peer.address(), peer.local_address().unwrap())));
        served.probe()
    });
    let port = port.unwrap().address().port().unwrap();
    world.reactor.connect(&format!("tcp:127.0.0.1:{port}"), Once::new(Log::new().probe())).detach();
    world.until("the connection is made", || server.is_made());
    let (theirs, ours) = seen.take().unwrap();
    assert!(theirs.tcp().unwrap().is_ipv4(), "{theirs}");
    assert_eq!(ours, Address::Tcp(([127, 0, 0, 1], port).into()));
    assert_eq!(server.transport().local_address().unwrap(), ours);
}

#[test]
fn what_an_address_was_displayed_as_did_not_lead_back_to_it() {
    let unix = |name: &str| Address::Unix(UnixAddress::Pathname(name.into()));
    let abstracted = |name: &str| Address::Unix(UnixAddress::Abstract(name.into()));
    let mut addresses = vec![Address::Tcp("[fe80::1%3]:7000".parse().unwrap())];
    for name in ["/tmp/é", "/tmp/a=b", "/tmp/a:b", r"/tmp/a\b", r"/tmp/a\:b\\"] {
        addresses.extend([unix(name), abstracted(name)]);
    }
    for address in addresses {
        let mut reactor = simulated();
        let server = Log::new();
        reactor.listen_at(&address, ListenOptions::default(), Once::new(server.probe())).unwrap();
        reactor.connect(&address.to_string(), Once::new(Log::new().probe())).detach();
        while !server.is_made() {
            assert!(reactor.stats().turns < 100, "{address} is not {address:?}");
            reactor.turn(Some(Duration::ZERO)).unwrap();
        }
    }
}
