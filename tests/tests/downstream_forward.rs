//! The port forwarder relays bytes, ends and failures, at the pace of whoever reads.

use std::cell::Cell;
use std::rc::Rc;

use lariat::testing::Notes;
use lariat::{CloseReason, MainLoop, Once, Peer, Port, Protocol, PullProducer, Reactor, Transport};
use lariat_tests::downstream::forward::Forwarder;
use lariat_tests::downstream::support::{LOOPBACK, run};

/// More than the kernel and both queues along the way hold, so that back-pressure has to stop the source.
const MUCH: usize = 32 * 1024 * 1024;

fn listen(reactor: &Reactor, factory: impl lariat::Factory) -> Port {
    reactor.listen(LOOPBACK, factory).expect("a port is free")
}

/// A forwarder to `target`, as a description to connect to.
fn forward_to(reactor: &MainLoop, target: &Port) -> String {
    listen(reactor, Forwarder::new(&target.address().to_string())).address().to_string()
}

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

/// Sends a line and its end, and notes what comes back.
struct Asks(Notes, &'static [u8]);

impl Protocol for Asks {
    fn connection_made(&mut self, transport: &Transport) {
        transport.write(self.1);
        transport.close_write();
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        self.0.note(String::from_utf8_lossy(data));
    }

    fn read_closed(&mut self, transport: &Transport) {
        self.0.note("its end");
        transport.reactor().stop();
    }
}

/// Answers only when it has heard the end.
struct AnswersAtTheEnd(Vec<u8>);

impl Protocol for AnswersAtTheEnd {
    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        self.0.extend_from_slice(data);
    }

    fn read_closed(&mut self, transport: &Transport) {
        write!(transport, "{} bytes", self.0.len());
        transport.close();
    }
}

#[test]
fn an_end_is_passed_on_each_way_and_the_answer_still_comes_back() {
    let (reactor, journal) = (Reactor::new().unwrap(), Notes::new());
    let target = listen(&reactor, |_: &Peer| AnswersAtTheEnd(Vec::new()));
    let description = forward_to(&reactor, &target);
    reactor.connect(&description, Once::new(Asks(journal.clone(), b"hello"))).detach();
    run(reactor);
    assert_eq!(journal.take().concat(), "5 bytesits end");
}

/// Notes how its connection ended, and stops the loop then.
struct Watches(Notes);

impl Protocol for Watches {
    fn connection_made(&mut self, transport: &Transport) {
        transport.write(b"is anybody there?");
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {
        self.0.note("an answer");
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        self.0.note(reason.to_string());
        transport.reactor().stop();
    }
}

#[test]
fn a_client_whose_target_refuses_is_told_by_an_orderly_end() {
    let (reactor, journal) = (Reactor::new().unwrap(), Notes::new());
    let target = listen(&reactor, |_: &Peer| Echo);
    let description = forward_to(&reactor, &target);
    target.close();
    reactor.connect(&description, Once::new(Watches(journal.clone()))).detach();
    run(reactor);
    assert_eq!(journal.take(), ["closed cleanly"]);
}

struct Aborts;

impl Protocol for Aborts {
    fn data_received(&mut self, transport: &Transport, _: &[u8]) {
        transport.abort();
    }
}

#[test]
fn a_reset_by_the_target_becomes_a_reset_of_the_client() {
    let (reactor, journal) = (Reactor::new().unwrap(), Notes::new());
    let target = listen(&reactor, |_: &Peer| Aborts);
    let description = forward_to(&reactor, &target);
    reactor.connect(&description, Once::new(Watches(journal.clone()))).detach();
    run(reactor);
    assert!(journal.take().concat().starts_with("lost: "));
}

/// Sends much, as fast as it goes.
struct Floods {
    sent: Rc<Cell<usize>>,
    received: usize,
    done: Rc<Cell<usize>>,
}

struct Flood(Rc<Cell<usize>>);

impl PullProducer for Flood {
    fn produce(&mut self, transport: &Transport) {
        const CHUNK: &[u8] = &[7; 64 * 1024];
        let left = MUCH - self.0.get();
        transport.write_chunk(&CHUNK[..left.min(CHUNK.len())]);
        self.0.set(MUCH - left + left.min(CHUNK.len()));
        if self.0.get() == MUCH {
            transport.unregister_producer();
        }
    }
}

impl Protocol for Floods {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_backpressure(false);
        transport.register_pull_producer(Flood(self.sent.clone()));
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.received += data.len();
        if self.received == MUCH {
            self.done.set(self.done.get() + 1);
            if self.done.get() == 2 {
                transport.reactor().stop();
            }
        }
    }
}

#[test]
fn floods_pass_both_ways_at_once() {
    let reactor = Reactor::new().unwrap();
    let done = Rc::new(Cell::new(0));
    let floods = |done: &Rc<Cell<usize>>| Floods { sent: Rc::default(), received: 0, done: done.clone() };
    let at_the_target = done.clone();
    let target = listen(&reactor, move |_: &Peer| floods(&at_the_target));
    let description = forward_to(&reactor, &target);
    reactor.connect(&description, Once::new(floods(&done))).detach();
    run(reactor);
    assert_eq!(done.get(), 2);
}

/// Does not read before it is told to.
struct Reluctant {
    received: Rc<Cell<usize>>,
    transport: Rc<Cell<Option<Transport>>>,
}

impl Protocol for Reluctant {
    fn connection_made(&mut self, transport: &Transport) {
        transport.pause_reading();
        self.transport.set(Some(transport.clone()));
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.received.set(self.received.get() + data.len());
        if self.received.get() == MUCH {
            transport.reactor().stop();
        }
    }
}

#[test]
fn a_target_that_does_not_read_stops_the_client_until_it_does() {
    let mut reactor = Reactor::new().unwrap();
    let (sent, received) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let waiting: Rc<Cell<Option<Transport>>> = Rc::default();
    let reluctant = Once::new(Reluctant { received: received.clone(), transport: waiting.clone() });
    let target = listen(&reactor, reluctant);
    let description = forward_to(&reactor, &target);
    let floods = Floods { sent: sent.clone(), received: 0, done: Rc::default() };
    reactor.connect(&description, Once::new(floods)).detach();
    // Turns that wait for nothing: at the first in which nothing moves any more, everything on the way is full.
    let mut still = 0;
    let mut before = 0;
    while still < 100 {
        reactor.turn(Some(std::time::Duration::from_millis(1))).unwrap();
        still = if sent.get() == before && before > 0 { still + 1 } else { 0 };
        before = sent.get();
    }
    assert!(sent.get() < MUCH, "the kernel and two queues hold less than was sent");
    assert_eq!(received.get(), 0);
    let transport = waiting.take().unwrap();
    transport.resume_reading();
    run(reactor);
    assert_eq!(received.get(), MUCH);
}
