//! The system's own resolver, on real threads and sockets.

use std::time::Duration;

use lariat::names::{Answer, Family, Resolver};
use lariat::{Deferred, Error, ErrorKind, MainLoop, Once, Reactor};
use lariat_tests::harness::Log;

/// Far more than a name server takes, and not for ever.
const PATIENCE: Duration = Duration::from_secs(60);

fn look_up(reactor: &mut MainLoop, name: &str, family: Family) -> Result<Vec<String>, Error> {
    let answer = reactor.look_up(name, family).timeout(PATIENCE);
    let answer = reactor.block_on(answer).expect("it turns");
    let texts = answer.map(|answer| answer.addresses.iter().map(ToString::to_string).collect());
    texts.map_err(|failure| failure.downcast().expect("an error of the reactor"))
}

/// As many as calls that are there need, without waiting for anything.
fn take_turns(reactor: &mut MainLoop) {
    for _ in 0..20 {
        reactor.turn(Some(Duration::ZERO)).expect("it turns");
    }
}

#[test]
fn addresses_and_localhost_are_answered_at_once() {
    let mut reactor = Reactor::new().expect("a loop");
    assert_eq!(look_up(&mut reactor, "localhost", Family::V4).unwrap(), ["127.0.0.1:0"]);
    assert_eq!(look_up(&mut reactor, "localhost", Family::V6).unwrap(), ["[::1]:0"]);
    assert_eq!(look_up(&mut reactor, "192.0.2.7", Family::V4).unwrap(), ["192.0.2.7:0"]);
    assert_eq!(look_up(&mut reactor, "192.0.2.7", Family::V6).unwrap(), [""; 0]);
    assert_eq!(look_up(&mut reactor, "[fe80::1%1]", Family::V6).unwrap(), ["[fe80::1%1]:0"]);
    for wrong in ["", "a b", "127.1", "a..b", "300.300.300.300"] {
        let error = look_up(&mut reactor, wrong, Family::V4).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}

#[test]
fn a_name_that_cannot_exist_is_missing_or_cannot_be_looked_up() {
    let mut reactor = Reactor::new().expect("a loop");
    for family in [Family::V4, Family::V6] {
        // RFC 6761, section 6.4: there is no such name anywhere. Without a network, nobody can say so.
        let error = look_up(&mut reactor, "nonexistent.invalid", family).unwrap_err();
        let expected = [ErrorKind::NameNotFound, ErrorKind::NameUnavailable];
        assert!(expected.contains(&error.kind()), "{error:?}");
        assert!(error.to_string().contains("`nonexistent.invalid`"), "{error}");
    }
}

#[test]
fn a_host_that_cannot_exist_is_not_connected_to() {
    let mut reactor = Reactor::new().expect("a loop");
    let log = Log::new();
    let connected = reactor.connect("tcp:nonexistent.invalid:80", Once::new(log.probe())).timeout(PATIENCE);
    let failure = reactor.block_on(connected).expect("it turns").expect_err("there is no such host");
    let error: Error = failure.downcast().expect("an error of the reactor");
    assert!(matches!(error.kind(), ErrorKind::NameNotFound | ErrorKind::NameUnavailable), "{error:?}");
    assert!(!log.is_made());
}

#[test]
fn look_ups_that_are_given_up_neither_answer_nor_hold_up_the_end() {
    let mut reactor = Reactor::new().expect("a loop");
    for number in 0..100 {
        let name = format!("nonexistent-{number}.invalid");
        drop(reactor.look_up(&name, Family::V4));
        let kept = reactor.look_up(&name, Family::V6);
        reactor.turn(Some(Duration::ZERO)).expect("it turns");
        drop(kept);
    }
    take_turns(&mut reactor);
    assert_eq!(reactor.stats().deferreds, 0);
}

#[test]
fn more_names_than_may_wait_are_refused() {
    let mut reactor = Reactor::new().expect("a loop");
    let asked: Vec<_> =
        (0..2_000).map(|number| reactor.look_up(&format!("nonexistent-{number}.invalid"), Family::V4)).collect();
    take_turns(&mut reactor);
    // The threads may have answered some meanwhile; the queue takes 256, and they come all at once.
    let settled = asked.iter().filter(|answer| answer.is_settled()).count();
    assert!(settled > 1_000, "{settled}");
    let last = asked.into_iter().next_back().expect("there are 2,000");
    let failure = reactor.block_on(last).expect("it turns").expect_err("too many wait");
    let error: Error = failure.downcast().expect("an error of the reactor");
    assert_eq!(error.kind(), ErrorKind::ResourcesExhausted, "{error}");
    assert!(error.to_string().contains("too many names are being looked up"), "{error}");
}

#[test]
fn of_two_addresses_the_one_that_listens_is_found() {
    /// Both addresses of this machine, whatever the name.
    struct Here;

    impl Resolver for Here {
        fn resolve(&self, reactor: &Reactor, _: &str, family: Family) -> Deferred<Answer> {
            reactor.look_up("localhost", family)
        }
    }

    for interface in ["127.0.0.1", r"\:\:1"] {
        let mut reactor = Reactor::builder().resolver(Here).build().expect("a loop");
        let server = Log::new();
        let probe = server.probe();
        let Ok(port) = reactor.listen(&format!("tcp:0:interface={interface}"), Once::new(probe)) else {
            // A machine without IPv6.
            assert_eq!(interface, r"\:\:1");
            continue;
        };
        let to = format!("tcp:www.test:{}", port.address().port().expect("a port"));
        let client = Log::new();
        let connected = reactor.connect(&to, Once::new(client.probe())).timeout(PATIENCE);
        reactor.block_on(connected).expect("it turns").expect("one of them listens");
        assert!(client.is_made(), "{interface}");
    }
}

#[test]
fn every_name_in_the_hosts_file_is_answered_without_a_thread() {
    let text = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or(""));
    let names: Vec<(String, String)> = lines
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let address: std::net::Ipv4Addr = words.next()?.parse().ok()?;
            Some((words.next()?.to_owned(), format!("{address}:0")))
        })
        .filter(|(name, _)| !name.eq_ignore_ascii_case("localhost"))
        .collect();
    let mut reactor = Reactor::new().expect("a loop");
    for (name, address) in names {
        let answer = reactor.look_up(&name, Family::V4);
        take_turns(&mut reactor);
        assert!(answer.is_settled(), "{name}");
        let found = reactor.block_on(answer).expect("it turns").expect("it is in the file");
        assert!(found.addresses.iter().any(|found| found.to_string() == address), "{name}");
    }
}
