//! Packets between hosts: what is lost, sent again, held back, and given up.

use std::time::Duration;

use lariat::testing::{Simulation, secs};
use lariat::{Idle, Keepalive, Once, Peer, Reactor, Transport};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, Probe};

const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn pair(sim: &Simulation, server: Probe, client: Probe) -> lariat::Result<()> {
    sim.host("server").reactor().listen("tcp:7000", Once::new(server))?;
    sim.host("client").reactor().connect("tcp:server:7000", Once::new(client)).detach();
    Ok(())
}

fn writes(length: usize) -> impl FnMut(&Transport) {
    move |transport| {
        transport.write_chunk(vec![7; length]);
    }
}

/// Takes 64,000 bytes each 100 ms.
fn read_slowly(transport: &Transport) {
    transport.pause_reading();
    let transport = transport.clone();
    transport.reactor().clone().call_later(millis(100), move |_| transport.resume_reading());
}

#[test]
fn a_steady_slow_reader_is_not_idle_whatever_the_buffers() {
    Simulation::check(1..=20, |sim| {
        let server = Log::new();
        let sends = server.probe().made(|transport| {
            transport.set_idle_timeout(Idle::Write, Some(secs(1)));
            transport.write_chunk(vec![7; 10_000_000]);
        });
        let client = Log::new().probe().made(read_slowly).data(|transport, _| read_slowly(transport));
        pair(sim, sends, client)?;
        sim.run_until(secs(10))?;
        assert_eq!(server.lost(), None);
        Ok(())
    });
}

#[test]
fn a_host_without_power_sends_nothing_more() {
    Simulation::check(1..=10, |sim| {
        sim.faults().partition("client", "server", secs(1)..secs(10));
        let client = Log::new();
        let server = Log::new().probe().made(|transport| {
            let later = transport.clone();
            transport.reactor().call_later(secs(2), move |_| {
                later.write(b"answer");
            });
        });
        pair(sim, server, client.probe())?;
        sim.run_until(secs(3))?;
        sim.host("server").crash();
        sim.run_until(secs(1_000))?;
        assert_eq!((client.received_len(), client.lost()), (0, None));
        Ok(())
    });
}

#[test]
fn a_power_failure_on_a_slow_link_truncates() {
    Simulation::check(1..=10, |sim| {
        sim.faults().bandwidth(10_000).buffers(1 << 20..=1 << 20);
        let client = Log::new();
        pair(sim, Log::new().probe().made(writes(200_000)), client.probe())?;
        sim.run_until(secs(2))?;
        sim.host("server").crash();
        sim.run_until(secs(100))?;
        // It came piece by piece until then.
        assert!((17_000..=20_000).contains(&client.received_len()), "{}", client.received_len());
        assert!(client.deliveries() >= 10, "{}", client.deliveries());
        Ok(())
    });
}

#[test]
fn an_abort_discards_what_has_not_left_and_is_heard_at_once() {
    Simulation::check(1..=10, |sim| {
        sim.faults().bandwidth(10_000).latency(10..=10).buffers(1 << 20..=1 << 20);
        let client = Log::new();
        let server = Log::new().probe().made(|transport| {
            transport.write_chunk(vec![7; 150_000]);
            let later = transport.clone();
            transport.reactor().call_later(secs(1), move |_| later.abort());
        });
        pair(sim, server, client.probe())?;
        sim.run_until(millis(1_500))?;
        assert_eq!(client.lost().as_deref(), Some("ConnectionReset"));
        assert!(client.received_len() < 15_000, "{}", client.received_len());
        Ok(())
    });
}

#[test]
fn an_abort_loses_what_the_window_held_back() {
    Simulation::check(1..=5, |sim| {
        sim.faults().buffers(4_000_000..=4_000_000).latency(10..=10);
        let client = Log::new();
        let server = Log::new().probe().made(|transport| {
            transport.write_chunk(vec![7; 3_000_000]);
            let later = transport.clone();
            transport.reactor().call_later(millis(5), move |_| {
                assert_eq!(later.queued(), 0);
                later.abort();
            });
        });
        pair(sim, server, client.probe())?;
        sim.run()?;
        assert_eq!(client.lost().as_deref(), Some("ConnectionReset"));
        assert!((1..300_000).contains(&client.received_len()), "{}", client.received_len());
        Ok(())
    });
}

#[test]
fn a_reset_in_a_partition_is_lost() {
    Simulation::check(1..=5, |sim| {
        sim.faults().partition("client", "server", secs(1)..secs(3));
        let client = Log::new();
        let server = Log::new().probe().made(|transport| {
            let later = transport.clone();
            transport.reactor().call_later(secs(2), move |_| later.abort());
        });
        pair(sim, server, client.probe())?;
        sim.run_until(secs(30))?;
        assert!(client.is_made() && client.lost().is_none());
        Ok(())
    });
}

#[test]
fn what_is_lost_is_sent_again_in_order() {
    let late = Shared::new(0);
    Simulation::check(1..=50, |sim| {
        sim.faults().loss(0.2);
        let server = Log::new();
        let client = Log::new().probe().made(|transport| {
            for beat in 0..20u8 {
                let transport = transport.clone();
                transport.reactor().clone().call_later(millis(10 * u64::from(beat)), move |_| {
                    transport.write(&[beat]);
                });
            }
        });
        pair(sim, server.probe(), client)?;
        sim.run_until(millis(300))?;
        late.with(|late| *late += usize::from(server.received_len() < 20));
        sim.run_until(secs(300))?;
        assert_eq!(server.received(), (0..20).collect::<Vec<u8>>());
        Ok(())
    });
    assert!(late.with(|late| *late) > 25, "{}", late.with(|late| *late));
}

#[test]
fn a_connect_takes_whole_seconds_when_its_first_packets_are_lost() {
    Simulation::check(1..=5, |sim| {
        sim.faults().partition("client", "server", secs(0)..millis(1_500));
        let client = Log::new();
        pair(sim, Log::new().probe(), client.probe())?;
        sim.run_until(millis(1_999))?;
        assert!(!client.is_made());
        sim.run_until(secs(2))?;
        assert!(client.is_made());
        Ok(())
    });
}

#[test]
fn who_writes_to_a_host_that_stays_down_hears_of_it_after_a_quarter_of_an_hour() {
    Simulation::check(1..=5, |sim| {
        let client = Log::new();
        let speaks = client.probe().made(|transport| {
            let later = transport.clone();
            transport.reactor().call_later(secs(2), move |_| {
                later.write(b"hello");
            });
        });
        pair(sim, Log::new().probe(), speaks)?;
        sim.run_until(secs(1))?;
        sim.host("server").crash();
        sim.run_until(secs(926))?;
        assert_eq!(client.lost(), None);
        sim.run_until(secs(927))?;
        assert_eq!(client.lost().as_deref(), Some("HostUnreachable"));
        Ok(())
    });
}

#[test]
fn a_user_timeout_takes_the_place_of_the_quarter_of_an_hour() {
    Simulation::check(1..=5, |sim| {
        let client = Log::new();
        let mut options = lariat::ConnectOptions::default();
        options.stream.user_timeout = Some(secs(7));
        sim.faults().half_open(1.0);
        sim.host("server").reactor().listen("tcp:7000", |_: &Peer| Log::new().probe())?;
        let address = lariat::Address::Tcp((sim.host("server").address(), 7000).into());
        let speaks = client.probe().made(writes(5));
        sim.host("client").reactor().connect_at(&address, options, Once::new(speaks)).detach();
        sim.run_until(millis(6_999))?;
        assert_eq!(client.lost(), None);
        sim.run_until(secs(8))?;
        assert_eq!(client.lost().as_deref(), Some("TimedOut"));
        Ok(())
    });
}

#[test]
fn a_one_way_partition_delivers_and_does_not_acknowledge() {
    Simulation::check(1..=5, |sim| {
        sim.faults().partition_one_way("server", "client", secs(1)..secs(5_000));
        let (server, client) = (Log::new(), Log::new());
        let speaks = client.probe().made(|transport| {
            let later = transport.clone();
            transport.reactor().call_later(secs(2), move |_| {
                later.write(b"hello");
            });
        });
        pair(sim, server.probe(), speaks)?;
        sim.run_until(secs(3))?;
        assert_eq!((server.received_len(), client.lost()), (5, None));
        sim.run_until(secs(1_000))?;
        assert_eq!(client.lost().as_deref(), Some("TimedOut"));
        Ok(())
    });
}

#[test]
fn large_packets_vanish_in_an_mtu_black_hole() {
    Simulation::check(1..=5, |sim| {
        sim.faults().mtu_black_hole(1_000).latency_one_way("client", "server", 5..=5);
        let (server, client) = (Log::new(), Log::new());
        let speaks = client.probe().made(|transport| {
            transport.write(b"small");
            let later = transport.clone();
            transport.reactor().call_later(secs(1), move |_| {
                later.write(&[7; 1_200]);
            });
        });
        pair(sim, server.probe(), speaks)?;
        sim.run_until(secs(100))?;
        assert_eq!((server.received_len(), client.lost()), (5, None));
        Ok(())
    });
}

#[test]
fn a_killed_process_ends_its_connections_in_good_order() {
    Simulation::check(1..=5, |sim| {
        sim.faults().latency(1..=10).buffers(1 << 20..=1 << 20);
        let (server, client, late) = (Log::new(), Log::new(), Log::new());
        let log = server.clone();
        sim.host("server").start(move |reactor: &Reactor| {
            let log = log.clone();
            reactor.listen("tcp:7000", move |_: &Peer| log.probe().made(writes(50_000))).map(drop)
        })?;
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(client.probe())).detach();
        sim.run_until(millis(40))?;
        sim.host("server").kill();
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(late.probe())).detach();
        sim.run_until(secs(2))?;
        assert_eq!((client.received_len(), client.lost().as_deref()), (50_000, Some("Done")));
        assert!(server.lost().is_none() && late.has("dropped") && !late.is_made());
        Ok(())
    });
}

#[test]
fn a_client_whose_refusal_was_lost_is_served_once_the_port_is_open() {
    Simulation::check(1..=10, |sim| {
        let (server, client) = (Log::new(), Log::new());
        sim.faults().partition_one_way("server", "client", Duration::ZERO..millis(500));
        let greets = client.probe().made(|transport| {
            transport.write(b"hello");
        });
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(greets)).detach();
        let log = server.clone();
        sim.at(millis(700), move |sim| {
            let echo = log.probe().echo();
            sim.host("server").reactor().listen("tcp:7000", Once::new(echo)).expect("the port is free");
        });
        sim.run_until(secs(10))?;
        assert_eq!((server.received(), client.received()), (b"hello".to_vec(), b"hello".to_vec()));
        assert_eq!((server.lost(), client.lost()), (None, None));
        Ok(())
    });
}

/// Has a server write to a client that reads nothing, so that its window closes, and returns the reason for which the server's connection
/// ends once `strike` has struck.
fn end_behind_a_closed_window(sim: &Simulation, strike: impl FnOnce(&Simulation)) -> lariat::Result<Option<String>> {
    sim.faults().buffers(4096..=4096);
    let server = Log::new();
    pair(sim, server.probe().made(writes(1_000_000)), Log::new().probe().made(Transport::pause_reading))?;
    sim.run_until(secs(100))?;
    assert!(server.lost().is_none() && server.transport().queued() > 900_000);
    strike(sim);
    sim.run_until(secs(900))?;
    assert_eq!(server.lost(), None, "it is too early to give up");
    sim.run_until(secs(1_100))?;
    Ok(server.lost())
}

#[test]
fn a_peer_that_dies_behind_a_closed_window_is_given_up() {
    Simulation::check(1..=5, |sim| {
        let reason = end_behind_a_closed_window(sim, |sim| sim.host("client").crash())?;
        assert_eq!(reason.as_deref(), Some("HostUnreachable"));
        Ok(())
    });
    // Here the window is as large as the buffer: nothing is held back, but the writer waits for room.
    Simulation::check(1..=5, |sim| {
        sim.faults().small_buffers(2048);
        let reason = end_behind_a_closed_window(sim, |sim| sim.host("client").crash())?;
        assert_eq!(reason.as_deref(), Some("HostUnreachable"));
        Ok(())
    });
    Simulation::check(1..=5, |sim| {
        let reason = end_behind_a_closed_window(sim, |_| ())?;
        assert_eq!(reason, None, "a peer that lives and reads nothing keeps its connection");
        Ok(())
    });
}

#[test]
fn a_peer_that_starts_again_behind_a_closed_window_answers_with_a_reset() {
    Simulation::check(1..=5, |sim| {
        sim.faults().buffers(4096..=4096);
        let server = Log::new();
        pair(sim, server.probe().made(writes(1_000_000)), Log::new().probe().made(Transport::pause_reading))?;
        sim.run_until(secs(5))?;
        sim.host("client").crash();
        sim.run_until(secs(20))?;
        sim.host("client").restart();
        sim.run_until(secs(200))?;
        assert_eq!(server.lost().as_deref(), Some("ConnectionReset"));
        Ok(())
    });
}

#[test]
fn bytes_behind_a_closed_window_leave_when_an_update_arrives() {
    Simulation::check(1..=300, |sim| {
        sim.faults().latency_one_way("client", "server", 0..=300).buffers(4096..=40_000);
        let (client, random) = (Log::new(), sim.random());
        let length = 20_000 + random.index(200_000);
        let piece = 1_000 + random.index(20_000);
        // Each piece is written when the one before is on its way, and the last one ends the writing.
        let server = Log::new().probe().made(move |transport| {
            let mut sent = 0;
            while sent < length {
                let (count, transport) = (piece.min(length - sent), transport.clone());
                let reactor = transport.reactor().clone();
                reactor.call_later(millis(random.below(3_000)), move |_| {
                    transport.write_chunk(vec![7; count]);
                });
                sent += count;
            }
        });
        pair(sim, server, client.probe())?;
        sim.run_until(secs(600))?;
        assert_eq!(client.received_len(), length);
        Ok(())
    });
}

#[test]
fn keepalive_ends_a_connection_whose_peer_cannot_answer() {
    Simulation::check(1..=5, |sim| {
        let (server, client) = (Log::new(), Log::new());
        let mut keepalive = Keepalive::default();
        (keepalive.idle, keepalive.interval, keepalive.probes) = (secs(10), secs(2), 3);
        let probes = client.probe().made(move |transport| {
            transport.set_keepalive(Some(keepalive)).expect("it is in range");
        });
        pair(sim, server.probe(), probes)?;
        sim.run_until(secs(1_000))?;
        assert_eq!(client.lost(), None, "a peer that answers keeps its connection");
        sim.host("server").crash();
        sim.run_until(secs(1_015))?;
        assert_eq!(client.lost(), None);
        sim.run_until(secs(1_017))?;
        assert_eq!(client.lost().as_deref(), Some("HostUnreachable"));
        Ok(())
    });
}

#[test]
fn a_keepalive_probe_finds_that_the_peer_has_started_again() {
    Simulation::check(1..=5, |sim| {
        let client = Log::new();
        let probes = client.probe().made(|transport| {
            transport.set_keepalive(Some(Keepalive::default())).expect("it is in range");
        });
        pair(sim, Log::new().probe(), probes)?;
        sim.run_until(secs(1))?;
        sim.host("server").crash();
        sim.host("server").restart();
        sim.run_until(secs(59))?;
        assert_eq!(client.lost(), None);
        sim.run_until(secs(62))?;
        assert_eq!(client.lost().as_deref(), Some("ConnectionReset"));
        Ok(())
    });
}

#[test]
fn an_isolated_host_is_reached_by_none_and_sets_only_by_their_own() {
    Simulation::check(1..=5, |sim| {
        for name in ["a", "b", "c", "d"] {
            sim.host(name).reactor().listen("tcp:7000", |_: &Peer| Log::new().probe().echo())?;
        }
        sim.faults().isolate("a", secs(0)..secs(100)).partition_sets(&["b"], &["c", "d"], secs(0)..secs(100));
        let reaches = |from: &str, to: &str| {
            let client = Log::new();
            let hello = client.probe().made(|transport| {
                transport.write(b"hello");
            });
            sim.host(from).reactor().connect(&format!("tcp:{to}:7000"), Once::new(hello)).finish(|_| ());
            client
        };
        let cut = [reaches("a", "b"), reaches("c", "a"), reaches("b", "c"), reaches("d", "b")];
        let whole = [reaches("c", "d"), reaches("d", "c"), reaches("a", "a")];
        sim.run_until(secs(20))?;
        assert!(cut.iter().all(|client| client.received_len() == 0));
        assert!(whole.iter().all(|client| client.received_len() == 5));
        Ok(())
    });
}

#[test]
fn a_paused_process_answers_late_and_its_system_at_once() {
    Simulation::check(1..=5, |sim| {
        let client = Log::new();
        sim.faults().pause("server", secs(1)..secs(60));
        sim.host("server").reactor().listen("tcp:7000", |_: &Peer| Log::new().probe().echo())?;
        sim.run_until(secs(2))?;
        let hello = client.probe().made(|transport| {
            transport.write(b"hello");
        });
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(hello)).detach();
        sim.run_until(secs(59))?;
        assert!(client.is_made() && client.received_len() == 0);
        sim.run_until(secs(61))?;
        assert_eq!(client.received(), b"hello");
        Ok(())
    });
}

#[test]
fn a_host_refuses_connections_until_its_process_has_started() {
    Simulation::check(1..=5, |sim| {
        sim.faults().slow_boot(5_000..=5_000);
        sim.host("server")
            .start(|reactor: &Reactor| reactor.listen("tcp:7000", |_: &Peer| Log::new().probe().echo()).map(drop))?;
        sim.host("server").crash();
        sim.run_until(secs(1))?;
        sim.host("server").restart();
        let connects = |sim: &Simulation| {
            let client = Log::new();
            sim.host("client").reactor().connect("tcp:server:7000", Once::new(client.probe())).finish(|_| ());
            client
        };
        sim.run_until(secs(3))?;
        let early = connects(sim);
        sim.run_until(secs(7))?;
        let late = connects(sim);
        sim.run_until(secs(8))?;
        assert!(!early.is_made() && late.is_made());
        Ok(())
    });
}

#[test]
fn a_link_may_lose_and_delay_in_one_direction_only() {
    Simulation::check(1..=5, |sim| {
        sim.faults().buffers(1 << 20..=1 << 20).bandwidth_one_way("server", "client", 10_000);
        sim.faults().loss(1.0).loss_one_way("client", "server", 0.0).loss_one_way("server", "client", 0.0);
        let (server, client) = (Log::new(), Log::new());
        pair(sim, server.probe().made(writes(100_000)), client.probe().made(writes(100_000)))?;
        sim.run_until(secs(1))?;
        assert!(server.received_len() == 100_000 && client.received_len() <= 11_000);
        sim.run_until(secs(11))?;
        assert_eq!(client.received_len(), 100_000);
        Ok(())
    });
}
