//! Rules that take minutes, or a system that runs out of something, to be seen.

use std::time::Duration;

use lariat::testing::{Simulation, secs};
use lariat::{ConnectOptions, Idle, ListenOptions, Once, Peer, Transport};
use lariat_tests::downstream::Shared;
use lariat_tests::faults::Records;
use lariat_tests::harness::Log;

#[test]
fn a_port_without_descriptors_neither_spins_nor_chatters_nor_gives_up() {
    let records = Records::begin();
    Simulation::check(1..=3, |sim| {
        let warnings = || records.with("cannot accept").iter().filter(|line| line.starts_with("WARN")).count();
        let before = warnings();
        let server = Log::new();
        let log = server.clone();
        sim.host("server").reactor().listen("tcp:7000", move |_: &Peer| log.probe().echo())?;
        sim.faults().latency(1..=1);
        let connect = |sim: &Simulation| {
            let log = Log::new();
            sim.host("client").reactor().connect("tcp:server:7000", Once::new(log.probe())).detach();
            log
        };
        // They have their descriptors before there are no more.
        let _first: Vec<_> = (0..10).map(|_| connect(sim)).collect();
        sim.run_until(Duration::ZERO)?;
        sim.faults().exhaustion(1.0);
        let calls = sim.calls();
        sim.run_until(secs(60))?;
        assert!(!server.is_made());
        // Every 50 ms, and twice each time: to accept, and to let somebody down.
        let calls = sim.calls() - calls;
        assert!((1_000..4_000).contains(&calls), "{calls} calls in a minute");
        let said = warnings() - before;
        assert!((50..=60).contains(&said), "said {said} times in a minute");
        sim.faults().heal();
        let late = connect(sim);
        sim.run_until(secs(60) + Duration::from_millis(60))?;
        assert!(late.is_made() && server.is_made(), "descriptors are there again");
        Ok(())
    });
}

#[test]
fn each_phase_that_takes_too_long_ends_in_its_time_and_for_a_reason_of_its_own() {
    Simulation::check(1..=3, |sim| {
        // Less than what is written, so that it cannot all be taken.
        sim.faults().buffers(200_000..=200_000);
        let (server, client, idle) = (Log::new(), Log::new(), Log::new());
        let mut options = ListenOptions::default();
        options.stream.close_timeout = secs(7);
        let all = lariat::Address::Tcp(([0, 0, 0, 0], 7000).into());
        let full = |transport: &Transport| {
            transport.write(&vec![0; 1 << 20]);
            transport.close();
        };
        sim.host("server").reactor().listen_at(&all, options, Once::new(server.probe().made(full)))?;
        sim.host("client")
            .reactor()
            .connect("tcp:server:7000", Once::new(client.probe().made(Transport::pause_reading)))
            .detach();
        sim.host("server").reactor().listen("tcp:7001", |_: &Peer| Log::new().probe())?;
        let waits = idle.probe().made(|transport| transport.set_idle_timeout(Idle::Read, Some(secs(9))));
        sim.host("client").reactor().connect("tcp:server:7001", Once::new(waits)).detach();
        sim.run_until(Duration::from_millis(6_999))?;
        assert_eq!((server.lost(), idle.lost()), (None, None));
        sim.run_until(Duration::from_millis(8_999))?;
        assert_eq!((server.lost().as_deref(), idle.lost()), (Some("TimedOut(Close)"), None));
        sim.run_until(secs(12))?;
        assert_eq!(idle.lost().as_deref(), Some("TimedOut(Idle(Read))"));

        // To connect to who never answers.
        sim.faults().unanswered_connects(1.0);
        let failed = Shared::new(Vec::new());
        let told = failed.clone();
        let now = sim.now();
        let address = lariat::Address::Tcp((sim.host("server").address(), 7001).into());
        let connected =
            sim.host("client").reactor().connect_at(&address, ConnectOptions::default(), Once::new(Log::new().probe()));
        connected.finish(move |connected| {
            told.with(|told| told.push(connected.err().map(|failure| failure.to_string()).unwrap_or_default()));
        });
        sim.run_until(now + Duration::from_millis(29_999))?;
        assert!(failed.with(|failed| failed.is_empty()));
        sim.run_until(now + secs(31))?;
        assert!(failed.with(|failed| failed[0].contains("no answer within 30 s")), "{:?}", failed.take());

        // To stop although somebody does not end.
        sim.faults().heal();
        let stays = Log::new();
        sim.host("client").reactor().connect("tcp:server:7001", Once::new(stays.probe().drain(|_| {}))).detach();
        sim.run_until(sim.now() + secs(1))?;
        sim.host("client").reactor().stop();
        let now = sim.now();
        sim.run_until(now + Duration::from_millis(9_999))?;
        assert_eq!((stays.has("drain"), stays.lost()), (true, None));
        sim.run_until(now + secs(11))?;
        assert_eq!(stays.lost().as_deref(), Some("Aborted"));
        Ok(())
    });
}

#[test]
fn a_short_read_ends_the_pass_unless_the_peer_has_closed() {
    Simulation::check(1..=3, |sim| {
        let (server, client) = (Log::new(), Log::new());
        sim.host("server").reactor().listen("tcp:7000", Once::new(server.probe().read_closed(|_| {})))?;
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(client.probe())).detach();
        sim.run_until(secs(1))?;
        // The calls of both systems: a wait of each loop, what is written, what is read.
        let calls_for = |act: &dyn Fn(&Transport)| {
            let before = sim.calls();
            act(&client.transport());
            sim.run_until(sim.now() + secs(1)).map(|()| sim.calls() - before)
        };
        let write = |transport: &Transport| {
            transport.write(b"short");
        };
        let (one, another) = (calls_for(&write)?, calls_for(&write)?);
        assert_eq!((one, another), (4, 4), "one read tells that nothing is left");
        // With the end behind it, that is sent and read too.
        let last = calls_for(&|transport| {
            write(transport);
            transport.close_write();
        })?;
        assert!(last >= one + 2, "{last} calls");
        assert!(server.has("read closed"), "{:?}", server.story());
        assert_eq!(server.received_len(), 15);
        Ok(())
    });
}
