//! Hosts, their names and addresses, and the one time that they live in.

use std::time::Duration;

use lariat::testing::{Simulation, secs};
use lariat::{ErrorKind, Once, Peer};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, outcome};

fn check(test: impl Fn(&Simulation) -> lariat::Result<()>) {
    Simulation::check(1..=5, test);
}

#[test]
fn a_host_is_reached_by_its_name_and_by_both_its_addresses() {
    check(|sim| {
        let server = sim.host("server");
        server.reactor().listen("tcp:7000", |_: &Peer| Log::new().probe().echo())?;
        assert_eq!(server.address().to_string(), "10.0.0.1");
        for description in ["tcp:server:7000", "tcp:SERVER:7000", "tcp:10.0.0.1:7000", r"tcp:fd00\:\:1:7000"] {
            let log = Log::new();
            let probe = log
                .probe()
                .made(|transport| {
                    transport.write(b"hello");
                })
                .data(|transport, _| transport.close());
            sim.host("client").reactor().connect(description, Once::new(probe)).detach();
            sim.run()?;
            assert_eq!((log.received(), log.lost().as_deref()), (b"hello".to_vec(), Some("Done")), "{description}");
        }
        Ok(())
    });
}

#[test]
fn each_end_sees_the_address_of_the_other_on_the_network() {
    check(|sim| {
        let seen = Shared::new(Vec::new());
        let sees = seen.clone();
        sim.host("server").reactor().listen("tcp:7000", move |peer: &Peer| {
            sees.with(|seen| seen.push(peer.address().tcp().map(|address| address.ip().to_string())));
            Log::new().probe()
        })?;
        for host in ["client", "server"] {
            sim.host(host).reactor().connect("tcp:server:7000", Once::new(Log::new().probe())).detach();
            sim.run_until(secs(1))?;
        }
        assert_eq!(seen.with(|seen| seen.clone()), [Some("10.0.0.2".into()), Some("10.0.0.1".into())]);
        Ok(())
    });
}

#[test]
fn what_listens_on_loopback_or_on_a_unix_socket_is_reached_from_the_same_host_alone() {
    check(|sim| {
        let server = sim.host("server").reactor();
        server.listen("tcp:7000:interface=127.0.0.1", |_: &Peer| Log::new().probe())?;
        server.listen("unix:/run/own.sock", |_: &Peer| Log::new().probe())?;
        let outcomes =
            ["tcp:server:7000", "tcp:127.0.0.1:7000", "tcp:localhost:7000", "unix:/run/own.sock"].map(|to| {
                ["server", "client"].map(|from| {
                    let log = Log::new();
                    let outcome = outcome(sim.host(from).reactor().connect(to, Once::new(log.probe())));
                    sim.run_until(sim.now() + secs(1)).expect("it runs");
                    log.is_made() && outcome.take().is_some_and(|outcome| outcome.is_ok())
                })
            });
        assert_eq!(outcomes, [[false, false], [true, false], [true, false], [true, false]]);
        Ok(())
    });
}

#[test]
fn two_hosts_may_listen_on_the_same_port_and_on_the_same_path() {
    check(|sim| {
        for host in ["one", "other"] {
            let reactor = sim.host(host).reactor();
            reactor.listen("tcp:7000", |_: &Peer| Log::new().probe())?;
            reactor.listen("unix:/run/own.sock", |_: &Peer| Log::new().probe())?;
            let taken = reactor.listen("tcp:7000", |_: &Peer| Log::new().probe()).unwrap_err();
            assert_eq!(taken.kind(), ErrorKind::AddressInUse);
        }
        let elsewhere = sim.host("one").reactor().listen("tcp:7001:interface=10.0.0.2", |_: &Peer| Log::new().probe());
        assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::AddressNotAvailable);
        Ok(())
    });
}

#[test]
fn a_name_that_no_host_has_is_not_resolved() {
    check(|sim| {
        let outcome = outcome(sim.host("client").reactor().connect("tcp:server:7000", Once::new(Log::new().probe())));
        sim.run()?;
        let error = outcome.take().expect("it is told").expect_err("nobody has the name");
        assert_eq!(error.kind(), ErrorKind::NameNotFound);
        assert!(error.to_string().contains("there is no host named `server`"), "{error}");
        Ok(())
    });
}

#[test]
fn time_is_one_for_all_hosts_and_jumps_to_the_earliest_deadline_of_any() {
    check(|sim| {
        let heard = Shared::new(Vec::new());
        for (host, second) in [("one", 3), ("other", 1), ("third", 2), ("other", 7_200)] {
            let heard = heard.clone();
            sim.host(host).reactor().call_later(secs(second), move |_| heard.with(|heard| heard.push(second)));
        }
        sim.run_until(secs(60))?;
        assert_eq!((heard.with(|heard| heard.clone()), sim.now()), (vec![1, 2, 3], secs(60)));
        // From now on, and not from when the host last did anything.
        let before = sim.host("one").reactor().now();
        let late = Shared::new(None);
        let set = late.clone();
        sim.host("one").reactor().call_later(secs(5), move |reactor| {
            let now = reactor.now();
            set.with(|late| *late = Some(now - before));
        });
        sim.run_until(secs(64))?;
        assert_eq!(late.with(|late| *late), None);
        sim.run_until(secs(65))?;
        assert_eq!(late.with(|late| *late), Some(secs(5)));
        sim.run()?;
        assert_eq!(sim.now(), secs(7_200));
        Ok(())
    });
}

#[test]
fn a_loop_that_sleeps_is_not_taken_to_be_busy() {
    check(|sim| {
        let reactor = sim.host("one").reactor();
        (1..=5).for_each(|second| drop(reactor.call_later(secs(second * 100), |_| {})));
        sim.run()?;
        assert_eq!(reactor.stats().longest_lag, Duration::ZERO);
        Ok(())
    });
}

#[test]
fn hosts_that_have_something_to_do_at_the_same_time_take_turns_in_an_order_from_the_seed() {
    let orders: std::collections::BTreeSet<Vec<u32>> = (1..=40)
        .map(|seed| {
            let sim = Simulation::new(seed);
            let order = Shared::new(Vec::new());
            for host in 0..3 {
                let order = order.clone();
                let reactor = sim.host(&format!("host{host}")).reactor();
                reactor.call_later(secs(1), move |_| order.with(|order| order.push(host)));
            }
            sim.run().unwrap();
            order.with(|order| order.clone())
        })
        .collect();
    assert_eq!(orders.len(), 6, "not every order came up: {orders:?}");
}

#[test]
fn a_host_that_is_stopped_drains_its_connections_in_its_own_time() {
    check(|sim| {
        let (server, client) = (Log::new(), Log::new());
        let probe = server.probe().drain(|transport| {
            let last = transport.clone();
            transport.reactor().call_later(secs(2), move |_| {
                last.write(b"bye");
                last.close();
            });
        });
        let reactor = sim.host("server").reactor();
        reactor.listen("tcp:7000", Once::new(probe))?;
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(client.probe())).detach();
        sim.run_until(secs(1))?;
        reactor.stop();
        sim.run()?;
        assert_eq!((client.received(), client.lost().as_deref()), (b"bye".to_vec(), Some("Done")));
        assert_eq!(reactor.drained().unwrap().elapsed, secs(2));
        assert!(!sim.host("server").is_running() && sim.host("client").is_running());
        Ok(())
    });
}

#[test]
fn calls_of_another_thread_are_waited_for_when_nothing_else_is_left() {
    let sim = Simulation::new(1);
    let remote = sim.host("one").reactor().remote().unwrap();
    let thread = std::thread::spawn(move || remote.call(|reactor| drop(reactor.call_later(secs(1), |_| {}))).unwrap());
    sim.run().unwrap();
    thread.join().unwrap();
    assert_eq!(sim.now(), secs(1));
    sim.finish().unwrap();
}

#[test]
fn what_is_planned_happens_between_turns_and_at_its_time() {
    check(|sim| {
        let seen = Shared::new(Vec::new());
        for second in [2, 1] {
            let seen = seen.clone();
            sim.at(secs(second), move |sim| {
                seen.with(|seen| seen.push(sim.now()));
                sim.note("the time has come");
            });
        }
        sim.run()?;
        assert_eq!(seen.with(|seen| seen.clone()), [secs(1), secs(2)]);
        assert_eq!(sim.trace().matches("the time has come").count(), 2);
        Ok(())
    });
}
