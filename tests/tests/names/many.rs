//! Names with thousands of addresses, and address policies.

use std::net::IpAddr;

use lariat::testing::{Simulation, secs};
use lariat::{AddressPolicy, ConnectOptions, Deferred, Error, ErrorKind, Handle, Once, Peer};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, Probe};

use super::racing::{connect, ip};

fn check(test: impl Fn(&Simulation) -> lariat::Result<()>) {
    Simulation::check(1..=3, |sim| {
        sim.host("server").reactor().listen("tcp:80", |_: &Peer| Log::new().probe())?;
        test(sim)
    });
}

/// An address without a host.
fn nobody(number: u16) -> IpAddr {
    let [high, low] = number.to_be_bytes();
    IpAddr::from([203, 0, high, low])
}

/// Gives `www.test` two thousand of these.
fn thousands(sim: &Simulation) {
    sim.name("www.test", (0..2_000).map(nobody));
}

/// The number of sockets that have begun to connect, on all hosts.
fn attempts(sim: &Simulation) -> usize {
    sim.trace().lines().filter(|line| line.contains(" connects")).count()
}

#[test]
fn two_thousand_addresses_make_sixteen_attempts() {
    check(|sim| {
        thousands(sim);
        let (told, connected) = connect(sim, "tcp:www.test:80");
        connected.detach();
        sim.run_until(secs(60))?;
        let (_, outcome) = told.take().expect("it is decided");
        let said = outcome.expect_err("nobody is there").to_string();
        assert_eq!(attempts(sim), 16);
        assert_eq!(said.matches("could not connect to").count(), 4, "{said}");
        assert!(said.ends_with("; and 12 others; 1984 further addresses were not tried"), "{said}");
        assert!(said.len() < 600, "{said}");
        Ok(())
    });
}

#[test]
fn at_most_four_attempts_are_under_way_at_a_time() {
    check(|sim| {
        thousands(sim);
        (0..2_000).for_each(|number| {
            sim.faults().black_hole(nobody(number));
        });
        let (told, connected) = connect(sim, "tcp:www.test:80");
        connected.detach();
        let closed = || sim.trace().lines().filter(|line| line.ends_with(" closes")).count();
        let mut most = 0;
        for second in 1..=30 {
            sim.run_until(secs(second))?;
            most = most.max(attempts(sim) - closed());
        }
        assert_eq!((most, attempts(sim)), (4, 16), "and each has its turn");
        let (after, outcome) = told.take().expect("it is decided");
        assert_eq!((after, outcome.expect_err("nobody answers").kind()), (30_000, ErrorKind::TimedOut));
        Ok(())
    });
}

#[test]
fn an_address_behind_four_that_swallow_everything_is_reached() {
    check(|sim| {
        let silent: Vec<_> = (1..=5).map(|number| IpAddr::from([203, 0, 113, number])).collect();
        silent.iter().for_each(|address| {
            sim.faults().black_hole(*address);
        });
        sim.name("www.test", silent.into_iter().chain([ip("10.0.0.1")]));
        let (told, connected) = connect(sim, "tcp:www.test:80:timeout=8");
        connected.detach();
        sim.run_until(secs(60))?;
        let (after, outcome) = told.take().expect("it is decided");
        assert_eq!((after, outcome.expect("it is reached").as_str()), (2_250, "10.0.0.1"));
        Ok(())
    });
}

/// Connects from the server's own machine, with a policy, and gives what came of it.
fn judged(
    sim: &Simulation,
    policy: AddressPolicy,
    connect: impl FnOnce(ConnectOptions) -> Deferred<Handle<Probe>>,
) -> Result<(), Error> {
    let mut options = ConnectOptions::default();
    options.address_policy = policy;
    let told = Shared::new(None);
    let tell = told.clone();
    let connected = connect(options).map_result(move |result| {
        let result = result.map(drop).map_err(|failure| failure.downcast::<Error>().expect("an error of the reactor"));
        tell.with(|told| *told = Some(result));
        Ok(())
    });
    connected.detach();
    sim.run_until(sim.now() + secs(60)).expect("it runs");
    told.with(Option::take).expect("it is decided")
}

#[test]
fn a_policy_judges_literals_and_what_names_resolve_to() {
    check(|sim| {
        let reactor = sim.host("client").reactor();
        sim.name("mixed.test", [ip("10.0.0.1")]);
        for host in ["10.0.0.1", "mixed.test", "::ffff:10.0.0.1", "localhost"] {
            let before = attempts(sim);
            let denied = judged(sim, AddressPolicy::public(), |options| {
                reactor.connect_host(host, 80, options, Once::new(Log::new().probe()))
            });
            let error = denied.expect_err("it is private");
            assert_eq!(error.kind(), ErrorKind::AddressDenied, "{error}");
            assert!(error.to_string().contains("the address policy does not permit it"), "{error}");
            assert_eq!(attempts(sim), before, "not a packet: {host}");
        }
        for host in ["10.0.0.1", "mixed.test"] {
            let policy = AddressPolicy::public().allow("10.0.0.0/8".parse()?);
            let reached =
                judged(sim, policy, |options| reactor.connect_host(host, 80, options, Once::new(Log::new().probe())));
            assert!(reached.is_ok(), "{host}: {reached:?}");
        }
        Ok(())
    });
}

#[test]
fn a_denied_address_is_passed_over_for_one_that_is_permitted() {
    check(|sim| {
        let reactor = sim.host("client").reactor();
        sim.name("www.test", [ip("10.0.0.77"), ip("10.0.0.1")]);
        let policy = AddressPolicy::any().deny("10.0.0.77".parse()?);
        let reached =
            judged(sim, policy, |options| reactor.connect_host("www.test", 80, options, Once::new(Log::new().probe())));
        assert!(reached.is_ok(), "{reached:?}");
        assert_eq!(attempts(sim), 1);
        Ok(())
    });
}

#[test]
fn an_endpoint_that_a_stranger_wrote_can_be_held_to_a_policy() {
    use lariat::endpoint::ClientEndpoint;
    check(|sim| {
        let reactor = sim.host("client").reactor();
        for description in ["tcp:10.0.0.1:80", "tcp:0.0.0.0:80", "unix:/run/secret", r"tcp:64\:ff9b\:\:10.0.0.1:80"] {
            let endpoint = ClientEndpoint::parse(description)?.with_address_policy(AddressPolicy::public());
            let denied =
                judged(sim, AddressPolicy::any(), |_| endpoint.connect(&reactor, Once::new(Log::new().probe())));
            assert_eq!(denied.expect_err("it is denied").kind(), ErrorKind::AddressDenied, "{description}");
        }
        assert_eq!(attempts(sim), 0);
        Ok(())
    });
}
