//! Peers that mean no good, or do not speak TLS.

use std::time::Duration;

use lariat::testing::{Random, secs};
use lariat::tls::{TlsError, TlsErrorKind};
use lariat::{ConnectOptions, ListenOptions, Once, Peer, Transport};
use lariat_tests::certificates::TlsPair;
use lariat_tests::harness::{Ground, Log, World, outcome};

/// A TLS server, for clients that send arbitrary bytes.
fn server(world: &World, log: &Log) -> lariat::Port {
    let served = log.clone();
    world.listen_with(ListenOptions::default().tls(TlsPair::new().acceptor), move |_: &Peer| served.probe().echo())
}

fn raw(world: &mut World, port: &lariat::Port) -> (Log, Transport) {
    let log = Log::new();
    let stays = log.probe().read_closed(|_| {});
    world.reactor.connect_at(port.address(), ConnectOptions::default(), Once::new(stays)).detach();
    let made = log.clone();
    world.until("it is connected", || made.is_made());
    let transport = log.transport();
    (log, transport)
}

#[test]
fn plain_http_is_answered_by_an_alert_and_an_end() {
    let mut world = World::new(Ground::SimulatedTcp);
    let log = Log::new();
    let port = server(&world, &log);
    let (client, transport) = raw(&mut world, &port);
    transport.write(b"GET / HTTP/1.1\r\nHost: server.test\r\n\r\n");
    world.until("it is turned away", || client.has("read closed"));
    assert_eq!(client.received()[0], 21);
    assert!(!log.is_made());
    assert_eq!(world.reactor.stats().failed_handshakes, 1);
}

#[test]
fn random_bytes_end_the_handshake_and_nothing_else() {
    let random = Random::new(7);
    for round in 0..200 {
        let mut world = World::new(Ground::SimulatedTcp);
        let log = Log::new();
        let port = server(&world, &log);
        let (client, transport) = raw(&mut world, &port);
        let mut bytes = random.bytes(1 + random.index(600));
        if round % 2 == 0 {
            // As a record of the handshake begins.
            bytes.splice(0..0, [22, 3, 1, 1, 0, 1, 0, 0, 252]);
        }
        transport.write(&bytes);
        world.pass(secs(11));
        assert!(client.has("read closed") || client.has("dropped"), "round {round}");
        assert!(!log.is_made());
        assert_eq!(world.reactor.stats().handshaking, 0);
    }
}

#[test]
fn a_record_that_is_too_long_ends_the_handshake() {
    let mut world = World::new(Ground::SimulatedTcp);
    let log = Log::new();
    let port = server(&world, &log);
    let (client, transport) = raw(&mut world, &port);
    transport.write(&[22, 3, 1, 0xff, 0xff]);
    transport.write(&[0; 100]);
    world.until("it is turned away", || client.has("read closed"));
    assert_eq!(client.received()[0], 21);
}

#[test]
fn a_client_that_stalls_at_any_byte_of_the_handshake_is_gone_at_the_deadline() {
    // What a good client sends in a whole handshake, up to its request, is some four hundred bytes: it stops after each.
    for bytes in (7..420).step_by(7) {
        let mut world = World::new(Ground::SimulatedTcp);
        let log = Log::new();
        let port = server(&world, &log);
        let relayed = Log::new();
        let told = relay(&mut world, &port, bytes, &relayed);
        let begun = world.now();
        world.until("it has ended", || world_is_rid(&told));
        let passed = world.now() - begun;
        assert!(passed >= secs(9) && passed <= secs(11) || log.is_made(), "after {bytes} bytes: {passed:?}");
    }
}

fn world_is_rid(told: &Log) -> bool {
    told.has("read closed") || told.has("dropped")
}

/// Passes the first `bytes` bytes of a good client on to the port, and the port's answers back. Gives what becomes of the connection to it.
fn relay(world: &mut World, port: &lariat::Port, bytes: usize, log: &Log) -> Log {
    let (onward, transport) = raw(world, port);
    let mut left = bytes;
    let to_server = transport.clone();
    let middle = log.probe().data(move |_, data| {
        let count = left.min(data.len());
        left -= count;
        to_server.write(&data[..count]);
    });
    let entry = world.listen(Once::new(middle));
    let pair = TlsPair::new();
    // The client trusts the server and sends a request immediately; the response does not matter.
    let mut options = ConnectOptions::default().tls(pair.to_server());
    options.timeout = Duration::from_secs(60);
    let client = Log::new();
    world.reactor.connect_at(entry.address(), options, Once::new(client.probe())).detach();
    world.settle();
    onward
}

#[test]
fn five_thousand_that_say_nothing_are_gone_at_the_deadline_while_a_good_client_goes_on() {
    let mut world = World::new(Ground::SimulatedTls);
    let log = Log::new();
    let served = log.clone();
    let port = world.listen(move |_: &Peer| served.probe().echo());
    let (good, count) = (Log::new(), 5000);
    world.connect(&port, good.probe());
    let ended = lariat_tests::downstream::Shared::new(Vec::new());
    let begun = world.now();
    for _ in 0..count {
        let ended = ended.clone();
        let silent = Log::new().probe().read_closed(move |transport: &Transport| {
            ended.with(|ended| ended.push(transport.reactor().now() - begun));
            transport.close();
        });
        world.reactor.connect_at(port.address(), ConnectOptions::default(), Once::new(silent)).detach();
    }
    world.until("the good client is served", || good.is_made());
    world.until("all are in their handshake", || port.handshaking() == count);
    let mut said = 0;
    while ended.with(|ended| ended.len()) < count {
        good.transport().write(b"still here");
        said += 10;
        world.until("the echo is back", || good.received_len() == said);
        world.pass(Duration::from_millis(100));
    }
    let (first, last) = ended.with(|ended| (*ended.iter().min().unwrap(), *ended.iter().max().unwrap()));
    // A client speaks first: it has half of the time for that.
    assert!(first >= secs(5) && last <= secs(6), "{first:?} to {last:?}");
    assert_eq!(world.reactor.stats().failed_handshakes, 5000);
    assert_eq!(world.reactor.stats().handshaking, 0);
}

/// Messages of a handshake that are longer than the limit, or come in more fragments: `kind` is that of the first.
fn oversized(kind: u8) -> [Vec<u8>; 2] {
    let mut fragments = vec![22, 3, 1, 0, 4, kind, 0, 0xfd, 0xe8];
    for _ in 0..20_000 {
        fragments.extend([22, 3, 1, 0, 1, 0]);
    }
    [fragments, vec![22, 3, 1, 0, 4, kind, 1, 0, 1]]
}

/// The alerts `record_overflow` and `decode_error`.
const TOO_LONG: [[u8; 7]; 2] = [[21, 3, 3, 0, 2, 2, 22], [21, 3, 3, 0, 2, 2, 50]];

#[test]
fn a_client_reads_an_alert_for_a_handshake_that_is_too_long() {
    for ground in [Ground::SimulatedTcp, Ground::RealTcp] {
        for (input, alert) in oversized(1).into_iter().zip(TOO_LONG) {
            let mut world = World::new(ground);
            let log = Log::new();
            let port = server(&world, &log);
            let (client, transport) = raw(&mut world, &port);
            let begun = world.now();
            transport.write(&input);
            world.until("it is turned away", || client.has("read closed"));
            assert_eq!(client.received(), alert);
            assert!(!ground.is_simulated() || world.now() - begun < secs(1));
            transport.close();
            world.until("the port is rid of it", || port.handshaking() == 0);
            assert_eq!(world.reactor.stats().failed_handshakes, 1);
        }
    }
}

/// Connects by TLS to a server that answers the beginning of a handshake with `answer`. Returns the error, how long it took, and
/// what the server received.
fn answered(ground: Ground, answer: &[u8]) -> (lariat::Error, Duration, Vec<u8>) {
    let mut world = World::new(ground);
    let log = Log::new();
    let mut answer = Some(answer.to_vec());
    let rude = log.probe().read_closed(|_| {}).data(move |transport, _| {
        if let Some(answer) = answer.take() {
            transport.write(&answer);
        }
    });
    let port = world.listen(Once::new(rude));
    let options = ConnectOptions::default().tls(TlsPair::new().to_server());
    let begun = world.now();
    let told = outcome(world.reactor.connect_at(port.address(), options, Once::new(Log::new().probe())));
    let mut error = None;
    world.until("the client knows", || {
        error = told.take().map(|told| told.expect_err("the handshake fails"));
        error.is_some()
    });
    let passed = world.now() - begun;
    world.until("the server knows", || log.has("read closed") || log.has("dropped"));
    (error.expect("the handshake has failed"), passed, log.received())
}

#[test]
fn a_server_reads_an_alert_for_a_handshake_that_is_too_long() {
    for ground in [Ground::SimulatedTcp, Ground::RealTcp] {
        for (input, alert) in oversized(2).into_iter().zip(TOO_LONG) {
            let (error, passed, received) = answered(ground, &input);
            assert!(received.ends_with(&alert), "{received:?}");
            assert_eq!(error.tls().map(TlsError::kind), Some(TlsErrorKind::RecordOverflow), "{error}");
            assert!(error.to_string().contains("too long"), "{error}");
            assert!(!ground.is_simulated() || passed < secs(1), "{passed:?}");
        }
    }
}

#[test]
fn a_close_notify_ends_a_handshake_at_once() {
    for ground in [Ground::SimulatedTcp, Ground::RealTcp] {
        // In whole, in pieces, and after a part of a handshake.
        let close: &[u8] = &[21, 3, 1, 0, 2, 1, 0];
        let hello = [&[22, 3, 1, 0, 6, 1, 0, 1, 0, 3, 3], close].concat();
        for (input, cut) in [(close, 7), (close, 3), (&*hello, hello.len()), (&*hello, 12)] {
            let mut world = World::new(ground);
            let log = Log::new();
            let port = server(&world, &log);
            let (client, transport) = raw(&mut world, &port);
            let begun = world.now();
            transport.write(&input[..cut]);
            world.settle();
            transport.write(&input[cut..]);
            world.until("it has ended", || world_is_rid(&client));
            assert!(!ground.is_simulated() || world.now() - begun < secs(1));
            assert_eq!(world.reactor.stats().failed_handshakes, 1);
            assert!(!log.is_made());
        }
    }
}

#[test]
fn a_server_that_closes_during_the_handshake_fails_it_at_once() {
    for ground in [Ground::SimulatedTcp, Ground::RealTcp] {
        let (error, passed, _) = answered(ground, &[21, 3, 3, 0, 2, 1, 0]);
        assert_eq!(error.tls().map(TlsError::kind), Some(TlsErrorKind::Truncated), "{error}");
        assert!(error.to_string().contains("the server ended the TLS handshake (close_notify)"), "{error}");
        assert!(!ground.is_simulated() || passed < secs(1), "{passed:?}");
    }
}
