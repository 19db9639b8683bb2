//! Producers, of both kinds.

use std::time::Duration;

use lariat::{PullProducer, PushProducer, Transport};
use lariat_tests::harness::{Log, everywhere, simulated};

/// Writes so many chunks, one at a time.
struct Listing {
    log: Log,
    left: usize,
    most: u64,
}

impl Listing {
    const CHUNK: usize = 50_000;

    fn new(log: &Log, chunks: usize) -> Self {
        Self { log: log.clone(), left: chunks, most: 0 }
    }
}

impl PullProducer for Listing {
    fn produce(&mut self, transport: &Transport) {
        self.most = self.most.max(transport.queued());
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                transport.write(&[b'l'; Self::CHUNK]);
            }
            None => {
                self.log.note(format!("done, at most {} were queued", self.most));
                transport.unregister_producer();
                transport.close();
            }
        }
    }

    fn stop(&mut self) {
        self.log.note("stop");
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.log.note("producer dropped");
    }
}

/// Writes down what it is told.
struct Sensor(Log);

impl PushProducer for Sensor {
    fn pause(&mut self) {
        self.0.note("pause");
    }

    fn resume(&mut self, _: &Transport) {
        self.0.note("resume");
    }

    fn stop(&mut self) {
        self.0.note("stop");
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        self.0.note("producer dropped");
    }
}

#[test]
fn a_pull_producer_is_asked_only_when_nothing_is_queued() {
    everywhere(|mut world| {
        let (server, client, listing) = (Log::new(), Log::new(), Log::new());
        let producer = listing.clone();
        let begin = move |transport: &Transport| {
            assert!(transport.register_pull_producer(Listing::new(&producer, 200)));
        };
        world.pair(server.probe().made(begin), client.probe());
        world.until_lost(&[&server, &client]);
        assert_eq!(client.received_len(), 200 * Listing::CHUNK);
        assert_eq!(listing.story(), ["done, at most 0 were queued", "producer dropped"]);
        assert_eq!(server.lost().as_deref(), Some("Done"));
    });
}

#[test]
fn a_pull_producer_waits_for_a_peer_that_does_not_read() {
    everywhere(|mut world| {
        let (server, client, listing) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(Transport::pause_reading));
        server.transport().register_pull_producer(Listing::new(&listing, 1_000));
        let mut before = u64::MAX;
        while server.transport().queued() != before {
            before = server.transport().queued();
            world.settle();
        }
        assert!(before <= Listing::CHUNK as u64, "{before} bytes wait");
        assert!(listing.story().is_empty());
        client.transport().resume_reading();
        world.until_lost(&[&server, &client]);
        assert_eq!(client.received_len(), 1_000 * Listing::CHUNK);
    });
}

#[test]
fn a_pull_producer_that_has_nothing_is_asked_again_next_turn() {
    simulated(|mut world| {
        struct Idle(Log);
        impl PullProducer for Idle {
            fn produce(&mut self, _: &Transport) {
                self.0.note("asked");
            }
        }
        let (server, client, asked) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.transport().register_pull_producer(Idle(asked.clone()));
        for _ in 0..10 {
            let before = asked.count("asked");
            world.turn(None);
            assert!((1..=20).contains(&(asked.count("asked") - before)), "asked each turn, but not for ever");
        }
        assert!(server.transport().unregister_producer());
        let before = asked.count("asked");
        world.settle();
        assert_eq!(asked.count("asked"), before);
    });
}

#[test]
fn time_passes_for_a_producer_that_waits_for_a_timer() {
    simulated(|mut world| {
        struct Idle;
        impl PullProducer for Idle {
            fn produce(&mut self, _: &Transport) {}
        }
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.transport().register_pull_producer(Idle);
        world.pass(Duration::from_millis(3));
    });
}

#[test]
fn a_producer_hears_of_the_end_before_the_protocol_does() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        assert!(server.transport().register_push_producer(Sensor(server.clone())));
        client.transport().abort();
        world.until_lost(&[&server, &client]);
        let story = server.story();
        let place = |what: &str| story.iter().position(|heard| heard.starts_with(what));
        assert!(place("stop") < place("lost"), "{story:?}");
        assert_eq!(server.count("stop"), 1);
        assert_eq!(server.count("producer dropped"), 1);
    });
}

#[test]
fn a_push_producer_is_told_at_the_marks() {
    everywhere(|mut world| {
        let (server, client, sensor) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(Transport::pause_reading));
        let transport = server.transport();
        assert!(transport.register_push_producer(Sensor(sensor.clone())));
        let mut written = 0;
        while transport.queued() < 1 << 20 {
            transport.write(&[b'x'; 50_000]);
            written += 50_000;
            world.turn(Some(Duration::ZERO));
        }
        assert_eq!(sensor.story().last().map(String::as_str), Some("pause"));
        client.transport().resume_reading();
        world.until("all has arrived", || client.received_len() == written);
        world.settle();
        assert_eq!(sensor.story().last().map(String::as_str), Some("resume"));
        assert_eq!(sensor.count("pause"), server.count("write paused"));
        assert_eq!(sensor.count("resume"), server.count("write resumed"));
        assert!(transport.unregister_producer());
        assert!(!transport.unregister_producer());
        assert_eq!(sensor.story().last().map(String::as_str), Some("producer dropped"));
        assert!(!sensor.has("stop"));
    });
}

#[test]
fn a_push_producer_that_comes_while_the_queue_is_above_its_mark_is_told_to_pause() {
    everywhere(|mut world| {
        let (server, client, sensor) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(Transport::pause_reading));
        let transport = server.transport();
        while transport.queued() < 1 << 20 {
            transport.write(&[b'x'; 50_000]);
            world.turn(Some(Duration::ZERO));
        }
        assert!(transport.register_push_producer(Sensor(sensor.clone())));
        assert!(sensor.story().is_empty(), "not within the call");
        world.settle();
        assert_eq!(sensor.story(), ["pause"]);
        client.transport().resume_reading();
        world.until("it may go on", || sensor.has("resume"));
    });
}

#[test]
fn a_connection_has_one_producer_at_a_time() {
    everywhere(|mut world| {
        let (server, client, first, second) = (Log::new(), Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let transport = server.transport();
        assert!(transport.register_push_producer(Sensor(first.clone())));
        assert!(!transport.register_push_producer(Sensor(second.clone())));
        assert!(!transport.register_pull_producer(Listing::new(&second, 1)));
        assert_eq!(second.story(), ["producer dropped", "producer dropped"]);
        transport.unregister_producer();
        assert!(transport.register_pull_producer(Listing::new(&second, 1)));
        world.until_lost(&[&server, &client]);
        assert_eq!(client.received_len(), Listing::CHUNK);
    });
}

#[test]
fn a_connection_that_takes_no_output_takes_no_producer() {
    everywhere(|mut world| {
        let (server, client, sensor) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let transport = server.transport();
        transport.close_write();
        assert!(!transport.register_push_producer(Sensor(sensor.clone())));
        client.transport().close();
        world.until_lost(&[&server, &client]);
        assert!(!transport.register_push_producer(Sensor(sensor.clone())));
        assert_eq!(sensor.story(), ["producer dropped", "producer dropped"]);
    });
}

#[test]
fn a_producer_may_close_the_connection_while_it_produces() {
    everywhere(|mut world| {
        struct Last(Log);
        impl PullProducer for Last {
            fn produce(&mut self, transport: &Transport) {
                transport.write(b"all there is");
                transport.close();
            }
            fn stop(&mut self) {
                self.0.note("stop");
            }
        }
        let (server, client, producer) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.transport().register_pull_producer(Last(producer.clone()));
        world.until_lost(&[&server, &client]);
        assert_eq!(client.received(), b"all there is");
        assert_eq!(producer.story(), ["stop"]);
    });
}

#[test]
fn a_producer_may_hand_over_to_another() {
    everywhere(|mut world| {
        struct First(Log);
        impl PullProducer for First {
            fn produce(&mut self, transport: &Transport) {
                transport.write(b"first");
                assert!(transport.unregister_producer() || self.0.has("handed over"));
                self.0.note("handed over");
                transport.register_pull_producer(Listing::new(&self.0, 1));
            }
        }
        let (server, client, log) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.transport().register_pull_producer(First(log.clone()));
        world.until_lost(&[&server, &client]);
        assert_eq!(client.received_len(), 5 + Listing::CHUNK);
    });
}
