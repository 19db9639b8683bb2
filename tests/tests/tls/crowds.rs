//! Ports with more connections than their limits: the most idle ones are ended.

use lariat::testing::secs;
use lariat::{ConnectOptions, ConnectionLimits, ListenOptions, Once, Peer};
use lariat_tests::certificates::TlsPair;
use lariat_tests::harness::{Ground, Log, World};

fn connect(world: &mut World, port: &lariat::Port) -> Log {
    let log = Log::new();
    world.reactor.connect_at(port.address(), ConnectOptions::default(), Once::new(log.probe())).detach();
    let made = log.clone();
    world.until("it is connected", || made.is_made());
    world.pass(std::time::Duration::from_millis(10));
    log
}

#[test]
fn the_handshake_that_has_been_silent_for_longest_gives_way() {
    for ground in [Ground::SimulatedTcp, Ground::RealTcp] {
        for counts_by_address in [false, true] {
            let mut limits =
                if counts_by_address { ConnectionLimits::for_handshakes() } else { ConnectionLimits::total(3) };
            if counts_by_address {
                (limits.per_address, limits.counts_loopback) = (3, true);
            }
            let pair = TlsPair::new();
            let mut world = World::new(ground);
            let mut options = ListenOptions::default().tls(&pair.acceptor);
            options.handshakes = limits;
            let port = world.listen_with(options, |_: &Peer| Log::new().probe().echo());
            let speaks = connect(&mut world, &port);
            // The beginning of a record: it has sent something, if not enough.
            speaks.transport().write(&[22, 3, 1]);
            world.settle();
            let silent = [connect(&mut world, &port), connect(&mut world, &port)];
            assert_eq!(port.handshaking(), 3);
            let good = Log::new();
            let options = ConnectOptions::default().tls(pair.to_server());
            world.reactor.connect_at(port.address(), options, Once::new(good.probe())).detach();
            world.until("a good client is served", || good.is_made());
            world.until("one has gone", || silent[0].has("dropped"));
            assert!(!silent[1].has("dropped") && !speaks.has("dropped"));
            // A client is done before its server in TLS 1.3.
            world.until("the good handshake is done", || port.handshaking() == 2);
        }
    }
}

#[test]
fn loopback_is_not_counted_by_address_unless_asked_for() {
    let mut world = World::new(Ground::SimulatedTcp);
    let mut options = ListenOptions::default().tls(TlsPair::new().acceptor);
    options.handshakes.per_address = 2;
    options.handshakes.per_network = 2;
    let port = world.listen_with(options, |_: &Peer| Log::new().probe());
    let clients: Vec<_> = (0..5).map(|_| connect(&mut world, &port)).collect();
    assert_eq!(port.handshaking(), 5);
    assert!(clients.iter().all(|client| !client.has("dropped")));
}

#[test]
fn the_most_idle_connection_of_a_plain_port_gives_way() {
    for ground in [Ground::SimulatedTcp, Ground::SimulatedUnix, Ground::RealTcp] {
        let mut world = World::new(ground);
        let mut options = ListenOptions::default();
        options.connections = Some(ConnectionLimits::total(3));
        let port = world.listen_with(options, |_: &Peer| Log::new().probe().echo());
        let first = connect(&mut world, &port);
        let second = connect(&mut world, &port);
        let third = connect(&mut world, &port);
        first.transport().write(b"still here");
        world.until("the echo is back", || first.received_len() == 10);
        let fourth = connect(&mut world, &port);
        world.until("one has gone", || second.has("dropped"));
        assert!([&first, &third, &fourth].iter().all(|log| !log.has("dropped")));
        // One that has ended makes room without any other's going.
        third.transport().close();
        world.until_lost(&[&third]);
        world.settle();
        let fifth = connect(&mut world, &port);
        assert!([&first, &fourth, &fifth].iter().all(|log| !log.has("dropped")));
    }
}

#[test]
fn an_address_takes_places_from_itself_alone() {
    let mut world = World::new(Ground::SimulatedTcp);
    let mut options = ListenOptions::default();
    let mut limits = ConnectionLimits::total(1000);
    (limits.per_address, limits.counts_loopback) = (2, true);
    options.connections = Some(limits);
    let port = world.listen_with(options, |_: &Peer| Log::new().probe().echo());
    let mut from = ConnectOptions::default();
    from.bind_address = Some("127.0.0.2".parse().unwrap());
    let other = Log::new();
    world.reactor.connect_at(port.address(), from, Once::new(other.probe())).detach();
    world.until("the other is connected", || other.is_made());
    let clients: Vec<_> = (0..10).map(|_| connect(&mut world, &port)).collect();
    world.pass(secs(1));
    assert!(!other.has("dropped"), "it is the most idle of all, but of another address");
    assert_eq!(clients.iter().filter(|client| !client.has("dropped")).count(), 2);
}

#[test]
fn a_silent_connection_goes_before_idle_ones_and_busy_ones_go_last() {
    for ground in [Ground::SimulatedTcp, Ground::SimulatedTls] {
        let mut world = World::new(ground);
        let mut options = ListenOptions::default();
        options.connections = Some(ConnectionLimits::total(3));
        let port = world.listen_with(options, |_: &Peer| {
            Log::new().probe().data(|transport, data| {
                transport.write(data);
                transport.set_busy(data == b"work");
            })
        });
        let visit = |world: &mut World, input: &[u8]| {
            let log = Log::new();
            world.connect(&port, log.probe());
            let made = log.clone();
            world.until("it is connected", || made.is_made());
            log.transport().write(input);
            let (answered, length) = (log.clone(), input.len());
            world.until("it is answered", || answered.received_len() == length);
            world.pass(secs(1));
            log
        };
        let busy = visit(&mut world, b"work");
        let idle = visit(&mut world, b"hello");
        let silent = visit(&mut world, b"");
        let newer = visit(&mut world, b"hello");
        let dropped = |log: &Log| log.has("dropped");
        // Over TLS, each has sent something in its handshake.
        let first = if ground.is_tls() { &idle } else { &silent };
        assert!(dropped(first) && !dropped(&busy) && !dropped(&newer));
        let last = visit(&mut world, b"hello");
        assert!(dropped(&idle) && dropped(&silent) && !dropped(&busy) && !dropped(&newer) && !dropped(&last));
        assert_eq!(world.reactor.stats().evicted, 2);
    }
}

#[test]
fn a_limit_of_no_connection_is_refused_by_its_name() {
    let world = World::new(Ground::SimulatedTcp);
    let mut options = ListenOptions::default();
    options.connections = Some(ConnectionLimits::total(0));
    let error = world.reactor.listen_at(&world.address(), options, |_: &Peer| Log::new().probe()).expect_err("it is 0");
    assert!(error.to_string().contains("connections.total is 0, and must be at least 1"), "{error}");
    let mut options = ListenOptions::default();
    options.handshakes.per_network = 0;
    let error = world.reactor.listen_at(&world.address(), options, |_: &Peer| Log::new().probe()).expect_err("it is 0");
    assert!(error.to_string().contains("handshakes.per_network is 0"), "{error}");
}
