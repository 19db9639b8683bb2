//! `LineReceiver` on the loop.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use lariat::testing::Simulation;
use lariat::{CloseReason, Once, Peer, Protocol, Reactor, Transport};
use lariat_protocols::{Delimiter, LineProtocol, LineReceiver, LineTransport, OtherProtocol};
use lariat_tests::harness::{Log, World, simulated};

const ANSWER: usize = 2048;
const LINES: usize = 10_000;

/// Answers every line at length.
struct Talker;

impl LineProtocol for Talker {
    fn line_received(&mut self, transport: &LineTransport, _: &[u8]) {
        transport.write(&[b'x'; ANSWER]);
    }
}

/// Sends all requests together, and reads the answers.
struct Asker(Rc<Cell<usize>>);

impl Protocol for Asker {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_backpressure(false);
        transport.write(&b"?\r\n".repeat(LINES));
        transport.close_write();
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        self.0.set(self.0.get() + data.len());
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        assert!(reason.is_done(), "{reason}");
        transport.reactor().stop();
    }
}

#[test]
fn answers_to_pipelined_lines_stay_bounded_however_many_lines_one_read_brings() {
    let reactor = Reactor::new().unwrap();
    let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| LineReceiver::new(Talker)).unwrap();
    let received = Rc::new(Cell::new(0));
    reactor.connect(&port.address().to_string(), Once::new(Asker(received.clone()))).detach();
    reactor.call_later(Duration::from_secs(60), Reactor::stop);
    reactor.run().unwrap();
    assert_eq!(received.get(), LINES * ANSWER, "every line was answered");
}

/// Notes the sender of a line.
struct Noted(Sender<String>);

impl LineProtocol for Noted {
    fn line_received(&mut self, _: &LineTransport, line: &[u8]) {
        self.0.send(line.escape_ascii().to_string()).expect("the test receives");
    }
}

/// Writes bytes one second after it was connected.
struct Writer(Vec<u8>);

impl Protocol for Writer {
    fn connection_made(&mut self, transport: &Transport) {
        transport.handle(self).call_later(Duration::from_secs(1), |writer, transport| {
            transport.write(&writer.0);
            transport.close_write();
        });
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

#[test]
fn a_line_of_another_peer_is_delivered_amid_a_flood_of_lines() {
    const FLOOD: usize = 5000;
    let mut waited = false;
    for seed in 0..20 {
        let simulation = Simulation::new(seed);
        let (noted, lines) = channel();
        let factory = move |_: &Peer| LineReceiver::new(Noted(noted.clone()));
        simulation.host("server").reactor().listen("tcp:80", factory).unwrap();
        let flood: String = (0..FLOOD).map(|number| format!("{number}\r\n")).collect();
        for bytes in [flood, "visitor\r\n".to_owned()] {
            simulation.host("client").reactor().connect("tcp:server:80", Once::new(Writer(bytes.into()))).finish(drop);
        }
        simulation.run_until(Duration::from_secs(5)).unwrap();
        let mut lines: Vec<String> = lines.try_iter().collect();
        let place = lines.iter().position(|line| line == "visitor").unwrap();
        assert!(place <= 256, "after {place} others, with seed {seed}");
        waited |= place > 0;
        lines.remove(place);
        assert_eq!(lines, (0..FLOOD).map(|number| number.to_string()).collect::<Vec<_>>(), "all, in order");
    }
    assert!(waited, "the flood came first with no seed");
}

/// Notes each line, and why the connection ended.
struct Commands {
    lines: Sender<String>,
    ends: Sender<CloseReason>,
}

impl LineProtocol for Commands {
    fn line_received(&mut self, _: &LineTransport, line: &[u8]) {
        self.lines.send(line.escape_ascii().to_string()).expect("the test receives");
    }

    fn connection_lost(&mut self, _: &LineTransport, reason: CloseReason) {
        self.ends.send(reason).expect("the test receives");
    }
}

/// The lines that a port delivers of `input`, and the error with which the connection ends, if it does.
fn delivered(world: &mut World, input: &[u8]) -> (Vec<String>, Option<OtherProtocol>) {
    let (lines, received) = channel();
    let (ends, ended) = channel();
    let port = world.listen(move |_: &Peer| {
        let commands = Commands { lines: lines.clone(), ends: ends.clone() };
        LineReceiver::new(commands).with_delimiter(Delimiter::LfOrCrLf).without_other_protocols()
    });
    let (log, input) = (Log::new(), input.to_vec());
    world.connect(&port, log.probe().made(move |transport| _ = transport.write(&input)));
    world.until("it is connected", || log.is_made());
    world.pass(Duration::from_secs(1));
    let other = ended.try_recv().ok().map(|reason| match reason {
        CloseReason::Failed(failure) => *failure.downcast_ref::<OtherProtocol>().expect("it is that error"),
        other => panic!("it ended with {other}"),
    });
    assert_eq!(other.is_some(), log.lost().is_some(), "the peer sees the end");
    port.close();
    (received.try_iter().collect(), other)
}

#[test]
fn a_first_line_of_another_protocol_ends_the_connection() {
    simulated(|mut world| {
        let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\ndelete all\r\n\r\n";
        assert_eq!(delivered(&mut world, request), (Vec::new(), Some(OtherProtocol::Http)));
        // A record of a handshake, without the end of a line in it.
        let handshake = [&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3][..], &[7; 500]].concat();
        assert_eq!(delivered(&mut world, &handshake), (Vec::new(), Some(OtherProtocol::Tls)));
        let commands = b"get / HTTP/1.1\r\nGET / HTTP/1.1\r\n";
        let lines = ["get / HTTP/1.1", "GET / HTTP/1.1"].map(str::to_owned).to_vec();
        assert_eq!(delivered(&mut world, commands), (lines, None), "only the first line is looked at");
    });
}
