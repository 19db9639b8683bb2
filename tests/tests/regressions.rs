//! What was broken once, each test named after it.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Idle, Once, Peer, Protocol, PushProducer, StreamOptions, Transport};
use lariat_tests::harness::{Ground, Log, World, everywhere};

/// Sets its idle timeout anew each time that it hears of it.
struct Restless(Rc<Cell<usize>>);

impl Protocol for Restless {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_idle_timeout(Idle::All, Some(Duration::from_secs(1)));
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}

    fn timed_out(&mut self, transport: &Transport, idle: Idle) {
        self.0.set(self.0.get() + 1);
        transport.set_idle_timeout(idle, Some(Duration::from_secs(1)));
    }
}

struct Silent;

impl Protocol for Silent {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

#[test]
fn an_idle_timeout_set_anew_when_it_is_told_left_its_old_timer_behind() {
    let mut reactor = simulated();
    let told = Rc::new(Cell::new(0));
    let count = told.clone();
    let port = reactor.listen("tcp:0:interface=127.0.0.1", move |_: &Peer| Restless(count.clone())).unwrap();
    reactor.connect(&port.address().to_string(), Once::new(Silent)).unwrap();
    let end = reactor.now() + Duration::from_millis(100_500);
    while reactor.now() < end {
        reactor.turn(Some(end - reactor.now())).unwrap();
    }
    assert_eq!(told.get(), 100, "once a second");
    let debug = format!("{reactor:?}");
    assert!(debug.contains("timers: 1,"), "{debug}");
}

#[test]
fn a_close_after_close_write_waited_for_the_peer_as_long_as_the_close_timeout() {
    everywhere(|mut world| {
        if !world.ground.is_simulated() {
            return;
        }
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().read_closed(|_| {}));
        server.transport().close_write();
        world.until("the client has heard of it", || client.has("read closed"));
        let closed = world.now();
        server.transport().close();
        world.until_lost(&[&server]);
        assert!(world.now() - closed < Duration::from_secs(3), "two seconds are enough");
    });
}

/// Writes down what it is told.
struct Told(Rc<RefCell<Vec<&'static str>>>);

impl Told {
    fn note(&self, what: &'static str) {
        self.0.replace_with(|told| [told.as_slice(), &[what]].concat());
    }
}

impl PushProducer for Told {
    fn pause(&mut self) {
        self.note("pause");
    }

    fn resume(&mut self, _: &Transport) {
        self.note("resume");
    }
}

#[test]
fn a_push_producer_that_came_in_the_turn_in_which_the_queue_was_sent_was_left_paused() {
    let mut world = World::new(Ground::RealUnix);
    let (ours, mut reader) = UnixStream::pair().unwrap();
    let (other, mut trigger) = UnixStream::pair().unwrap();
    reader.set_nonblocking(true).unwrap();
    let mut drain = move || {
        let mut buffer = vec![0; 1 << 20];
        while let Ok(1..) = reader.read(&mut buffer) {}
    };
    let told = Rc::new(RefCell::new(Vec::new()));
    let log = Log::new();
    let served = world.reactor.adopt_stream(ours.into(), StreamOptions::default(), log.probe()).unwrap();
    let (transport, producer) = (served.clone(), told.clone());
    let register = move |_: &Transport, _: &[u8]| assert!(transport.register_push_producer(Told(producer.clone())));
    world.reactor.adopt_stream(other.into(), StreamOptions::default(), Log::new().probe().data(register)).unwrap();
    world.settle();
    served.write(&vec![0; 400_000]);
    world.until("it is above the mark", || log.has("write paused"));
    // Two events of one batch: a byte that has the producer registered, and room for what is queued.
    trigger.write_all(b"x").unwrap();
    drain();
    world.until("the queue is sent", || {
        drain();
        log.has("write resumed")
    });
    world.settle();
    assert_ne!(told.take().last(), Some(&"pause"), "nothing is queued");
}
