//! Producers.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use lariat::{PullProducer, PushProducer, StreamOptions, Transport};
use lariat_tests::harness::{Ground, Log, World, simulated};

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

/// Counts how often it is asked, and writes nothing.
struct Dry(Rc<Cell<usize>>);

impl PullProducer for Dry {
    fn produce(&mut self, _: &Transport) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_pull_producer_that_wrote_nothing_was_asked_again_and_again_in_one_turn() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let asked = Rc::new(Cell::new(0));
        server.transport().register_pull_producer(Dry(asked.clone()));
        world.turn(Some(Duration::ZERO));
        assert!(asked.get() <= 1, "asked {} times", asked.get());
    });
}

#[test]
fn a_push_producer_that_was_registered_when_the_protocol_heard_of_the_mark_was_told_to_pause_twice() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let told = Rc::new(RefCell::new(Vec::new()));
        let producer = told.clone();
        let probe = server.probe().made(|transport| {
            transport.write(&vec![0; 1 << 20]);
        });
        let registers = probe.write_paused(move |transport| {
            transport.register_push_producer(Told(producer.clone()));
        });
        world.pair(registers, client.probe().made(Transport::pause_reading));
        world.settle();
        client.transport().resume_reading();
        world.until("all is sent", || client.received_len() == 1 << 20);
        world.settle();
        assert_eq!(told.take(), ["pause", "resume"]);
    });
}
