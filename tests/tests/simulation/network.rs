//! What can befall the network between hosts.

use std::collections::BTreeSet;
use std::time::Duration;

use lariat::testing::{Simulation, secs};
use lariat::{Address, ConnectOptions, ListenOptions, Once, Peer};
use lariat_tests::conversation::converse;
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, Probe};

const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Connects a client to a server of one connection.
fn pair(sim: &Simulation, server: Probe, client: Probe) -> lariat::Result<()> {
    sim.host("server").reactor().listen("tcp:7000", Once::new(server))?;
    sim.host("client").reactor().connect("tcp:server:7000", Once::new(client)).detach();
    Ok(())
}

#[test]
fn without_faults_everything_arrives_at_once() {
    Simulation::check(1..=20, |sim| {
        let outcome = converse(sim, 100, Duration::ZERO)?;
        sim.run()?;
        assert_eq!((outcome.returned.get(), outcome.ended.get(), sim.now()), (100, 1, Duration::ZERO));
        Ok(())
    });
}

#[test]
fn what_is_sent_arrives_after_its_latency_and_in_order() {
    Simulation::check(1..=50, |sim| {
        sim.faults().latency(10..=80);
        let outcome = converse(sim, 50, millis(1))?;
        sim.run_until(secs(10))?;
        assert_eq!((outcome.returned.get(), outcome.ended.get()), (50, 1));
        Ok(())
    });
}

#[test]
fn a_constant_latency_is_what_a_round_trip_takes_twice() {
    Simulation::check(1..=2, |sim| {
        sim.faults().latency(50..=50);
        let log = Log::new();
        let heard = Shared::new(Vec::new());
        let (made, data) = (heard.clone(), heard.clone());
        let begun = sim.host("client").reactor().now();
        let client = log
            .probe()
            .made(move |transport| {
                transport.write(b"ping");
                made.with(|heard| heard.push(transport.reactor().now() - begun));
            })
            .data(move |transport, _| data.with(|heard| heard.push(transport.reactor().now() - begun)));
        pair(sim, Log::new().probe().echo(), client)?;
        sim.run_until(secs(1))?;
        assert_eq!(heard.with(|heard| heard.clone()), [millis(100), millis(200)]);
        Ok(())
    });
}

#[test]
fn a_connection_carries_no_more_than_its_bandwidth() {
    Simulation::check(1..=2, |sim| {
        sim.faults().bandwidth(100_000);
        let server = Log::new();
        let client = Log::new().probe().made(|transport| {
            transport.write_chunk(vec![7; 1_000_000]);
            transport.close();
        });
        pair(sim, server.probe(), client)?;
        sim.run_until(secs(5))?;
        // What is written in one go arrives in one: all but what fits into the buffers.
        assert!((200_000..=500_000).contains(&server.received_len()), "{}", server.received_len());
        sim.run_until(millis(10_100))?;
        assert_eq!((server.received_len(), server.lost().as_deref()), (1_000_000, Some("Done")));
        Ok(())
    });
}

#[test]
fn a_partition_delays_what_is_sent_until_it_heals() {
    Simulation::check(1..=20, |sim| {
        sim.faults().latency(1..=20).partition("client", "server", secs(1)..secs(5));
        let outcome = converse(sim, 30, millis(100))?;
        sim.run_until(millis(4_999))?;
        let before = outcome.returned.get();
        assert!((8..=11).contains(&before), "{before}");
        // What was lost is sent again when its timer expires, not when the network is back.
        sim.run_until(millis(5_500))?;
        assert_eq!(outcome.returned.get(), before);
        sim.run_until(secs(10))?;
        assert_eq!((outcome.returned.get(), outcome.ended.get()), (30, 1));
        Ok(())
    });
}

#[test]
fn a_partition_leaves_other_hosts_alone_and_delays_connects_too() {
    Simulation::check(1..=5, |sim| {
        sim.faults().partition("client", "server", secs(0)..secs(5));
        sim.host("server").reactor().listen("tcp:7000", |_: &Peer| Log::new().probe())?;
        let logs = ["client", "other"].map(|host| (host, Log::new()));
        for (host, log) in &logs {
            sim.host(host).reactor().connect("tcp:server:7000", Once::new(log.probe())).detach();
        }
        sim.run_until(secs(4))?;
        assert_eq!(logs.each_ref().map(|(_, log)| log.is_made()), [false, true]);
        sim.run_until(secs(6))?;
        assert!(logs[0].1.is_made());
        Ok(())
    });
}

#[test]
fn a_partition_that_outlasts_the_timeout_of_a_connect_fails_it() {
    Simulation::check(1..=2, |sim| {
        sim.faults().partition("client", "server", secs(0)..secs(100));
        let log = Log::new();
        pair(sim, Log::new().probe(), log.probe())?;
        sim.run_until(secs(29))?;
        assert!(!log.has("dropped"));
        sim.run_until(secs(31))?;
        assert!(log.has("dropped") && !log.is_made());
        Ok(())
    });
}

#[test]
fn resets_are_told_to_both_ends_and_nothing_arrives_out_of_order() {
    let mut endings = BTreeSet::new();
    let count = Shared::new(0);
    Simulation::check(1..=100, |sim| {
        sim.faults().latency(1..=30).resets(0.02);
        let outcome = converse(sim, 40, millis(5))?;
        sim.run_until(secs(10))?;
        assert_eq!(outcome.ended.get(), 1);
        count.with(|count| *count += usize::from(outcome.returned.get() < 40));
        Ok(())
    });
    // Two writes a message, so about four of five conversations break.
    assert!((60..=95).contains(&count.with(|count| *count)), "{}", count.with(|count| *count));
    for seed in 1..=30 {
        let sim = Simulation::new(seed);
        let (server, client) = (Log::new(), Log::new());
        let speaks = client.probe().made(|transport| {
            for beat in 0..200 {
                let transport = transport.clone();
                transport.reactor().clone().call_later(millis(beat), move |_| {
                    transport.write(b"beat");
                });
            }
        });
        sim.faults().latency(1..=10).resets(0.05);
        pair(&sim, server.probe(), speaks).unwrap();
        sim.run_until(secs(10)).unwrap();
        endings.extend([server.lost(), client.lost()]);
        sim.finish().unwrap();
    }
    assert_eq!(endings.into_iter().flatten().collect::<Vec<_>>(), ["ConnectionReset"]);
}

#[test]
fn a_connect_may_be_refused_or_never_answered() {
    for (refuses, ends_after) in [(true, millis(0)), (false, secs(30))] {
        Simulation::check(1..=2, |sim| {
            let faults = sim.faults();
            if refuses {
                faults.refused_connects(1.0)
            } else {
                faults.unanswered_connects(1.0)
            };
            let log = Log::new();
            pair(sim, Log::new().probe(), log.probe())?;
            sim.run()?;
            assert!(log.has("dropped") && !log.is_made());
            assert_eq!(sim.now(), ends_after);
            Ok(())
        });
    }
}

#[test]
fn an_address_that_nobody_has_is_unreachable() {
    Simulation::check(1..=2, |sim| {
        let log = Log::new();
        let nobody = Address::Tcp("10.0.0.77:7000".parse().expect("an address"));
        sim.host("client").reactor().connect_at(&nobody, ConnectOptions::default(), Once::new(log.probe())).detach();
        sim.run()?;
        assert!(log.has("dropped") && !log.is_made());
        assert!(sim.trace().contains("connects"), "{}", sim.trace());
        Ok(())
    });
}

#[test]
fn ends_that_are_half_open_hear_nothing_and_only_their_own_timeouts_tell_them() {
    Simulation::check(1..=5, |sim| {
        let (server, client) = (Log::new(), Log::new());
        let idle = |probe: Probe| {
            probe.made(|transport| {
                transport.set_idle_timeout(lariat::Idle::Read, Some(secs(60)));
                transport.write(b"is anybody there?");
            })
        };
        sim.faults().half_open(1.0);
        pair(sim, idle(server.probe()), idle(client.probe()))?;
        sim.run_until(secs(59))?;
        assert_eq!(
            [&server, &client].map(|log| (log.is_made(), log.received_len(), log.lost())),
            [(true, 0, None), (true, 0, None)]
        );
        sim.run_until(secs(100))?;
        for log in [&server, &client] {
            assert_eq!(log.lost().as_deref(), Some("TimedOut(Idle(Read))"));
        }
        Ok(())
    });
}

#[test]
fn connections_of_a_host_with_itself_are_spared() {
    Simulation::check(1..=5, |sim| {
        sim.faults().latency(1000..=1000).resets(1.0).refused_connects(1.0).half_open(1.0).bandwidth(1);
        let log = Log::new();
        let reactor = sim.host("alone").reactor();
        reactor.listen("tcp:7000", |_: &Peer| Log::new().probe().echo())?;
        let client = log
            .probe()
            .made(|transport| {
                transport.write(b"hello");
            })
            .data(|transport, _| transport.close());
        reactor.connect("tcp:alone:7000", Once::new(client)).detach();
        sim.run()?;
        assert_eq!((log.lost().as_deref(), sim.now()), (Some("Done"), Duration::ZERO));
        Ok(())
    });
}

#[test]
fn small_buffers_are_full_all_the_time_and_nothing_is_lost() {
    Simulation::check(1..=10, |sim| {
        sim.faults().small_buffers(100).latency(1..=5);
        let server = Log::new();
        let client = Log::new().probe().made(|transport| {
            transport.write_chunk((0..10_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
            transport.close();
        });
        let mut options = ListenOptions::default();
        options.stream.close_timeout = secs(1_000);
        let address = Address::Tcp("0.0.0.0:7000".parse().expect("an address"));
        sim.host("server").reactor().listen_at(&address, options, Once::new(server.probe()))?;
        let mut options = ConnectOptions::default();
        options.stream.close_timeout = secs(1_000);
        let address = Address::Tcp("10.0.0.1:7000".parse().expect("an address"));
        sim.host("client").reactor().connect_at(&address, options, Once::new(client)).detach();
        sim.run()?;
        let expected: Vec<u8> = (0..10_000u32).flat_map(u32::to_le_bytes).collect();
        assert!(server.received() == expected && server.lost().as_deref() == Some("Done"), "{:?}", server.story());
        assert!(server.deliveries() >= 400, "{}", server.deliveries());
        Ok(())
    });
}

#[test]
fn what_was_broken_can_come_right_again() {
    Simulation::check(1..=5, |sim| {
        sim.faults().refused_connects(1.0).exhaustion(1.0).resets(1.0);
        sim.run_until(secs(5))?;
        sim.faults().heal();
        let outcome = converse(sim, 10, millis(1))?;
        sim.run()?;
        assert_eq!(outcome.returned.get(), 10);
        Ok(())
    });
}

#[test]
fn a_system_gives_up_sending_what_nobody_acknowledges_for_a_quarter_of_an_hour() {
    Simulation::check(1..=5, |sim| {
        let log = Log::new();
        let client = log.probe().made(|transport| {
            transport.write(b"is anybody there?");
        });
        sim.faults().half_open(1.0);
        pair(sim, Log::new().probe(), client)?;
        sim.run_until(secs(924))?;
        assert_eq!(log.lost(), None);
        sim.run_until(secs(925))?;
        assert_eq!(log.lost().as_deref(), Some("TimedOut"));
        Ok(())
    });
}

#[test]
fn a_connection_that_was_aborted_leaves_nothing_to_wait_for() {
    Simulation::check(1..=5, |sim| {
        let client = Log::new().probe().made(|transport| {
            transport.write(b"is anybody there?");
            transport.abort();
        });
        let server = Log::new().probe().made(lariat::Transport::abort);
        sim.faults().half_open(1.0);
        pair(sim, server, client)?;
        sim.run()?;
        assert_eq!(sim.now(), Duration::ZERO);
        Ok(())
    });
}
