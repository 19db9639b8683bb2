//! Chunks, producers and errors that a connection holds.

use std::cell::Cell;

use lariat::{Bytes, PullProducer, PushProducer, Transport};
use lariat_tests::faults::OnDrop;
use lariat_tests::harness::{Ground, Log, World};

use super::everything::Idler;
use super::{Stage, on_the_way, outsider, ways};

ways! {
    a_chunk_that_is_sent_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let mut peer = stage.connect(log.probe());
        log.transport().write_chunk(stage.chunk(1000));
        stage.until_dropped();
        if !stage.rough {
            let everything = b"a slice a chunk a call ";
            stage.world.until("what it wrote arrives", || peer.receive().len() == 1000 + everything.len());
            assert_eq!(&peer.receive()[1000..], everything);
        }
        Some(stage.world)
    };
    a_chunk_that_a_callback_sends_may_use_everything_in_its_drop: |mut stage| {
        let (log, chunk) = (Log::new(), Cell::new(Some(stage.chunk(1000))));
        let mut peer = stage.connect(log.probe().data(move |transport, _| {
            if let Some(chunk) = chunk.take() {
                transport.write(b"first ");
                transport.write_chunk(chunk);
            }
        }));
        peer.send(b"go");
        stage.until_dropped();
        if !stage.rough {
            let everything = b"a slice a chunk a call ";
            stage.world.until("what it wrote arrives", || peer.receive().len() == 1006 + everything.len());
            assert_eq!(&peer.receive()[1006..], everything);
        }
        Some(stage.world)
    };
    a_chunk_that_is_copied_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let mut peer = stage.connect(log.probe());
        log.transport().write(b"first ");
        log.transport().write_chunk(stage.chunk(3));
        if !stage.rough {
            let everything = "first ...a slice a chunk a call ";
            stage.world.until("everything arrives", || peer.receive().len() == everything.len());
            assert_eq!(peer.receive(), everything.as_bytes());
        }
        Some(stage.world)
    };
    an_empty_chunk_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().write_chunk(stage.chunk(0));
        Some(stage.world)
    };
    a_chunk_that_nobody_takes_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe().made(Transport::close));
        log.transport().write_chunk(stage.chunk(1000));
        Some(stage.world)
    };
    a_chunk_that_an_abort_discards_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().write(&vec![b'x'; 8 << 20]);
        log.transport().write_chunk(stage.chunk(1000));
        log.transport().abort();
        stage.until_dropped();
        Some(stage.world)
    };
    a_chunk_that_the_queues_limit_discards_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().set_queue_limit(100);
        log.transport().write_chunk(stage.chunk(1000));
        stage.until_dropped();
        Some(stage.world)
    };
    a_chunk_that_a_reset_discards_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let peer = stage.connect(log.probe());
        log.transport().write_chunk(stage.chunk(8 << 20));
        stage.world.settle();
        peer.reset();
        stage.until_dropped();
        Some(stage.world)
    };
    a_chunk_that_the_loops_end_discards_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().write_chunk(stage.chunk(8 << 20));
        stage.world.settle();
        drop(stage.world);
        None
    };
    a_producer_that_is_unregistered_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().register_push_producer(Owned(stage.value()));
        log.transport().unregister_producer();
        Some(stage.world)
    };
    a_producer_that_is_one_too_many_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().register_push_producer(Idler);
        assert!(!log.transport().register_pull_producer(Owned(stage.value())));
        Some(stage.world)
    };
    a_producer_that_unregisters_itself_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().register_pull_producer(Owned(stage.value()));
        stage.until_dropped();
        Some(stage.world)
    };
    a_producer_whose_connection_ends_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let peer = stage.connect(log.probe());
        log.transport().register_push_producer(Owned(stage.value()));
        drop(peer);
        stage.until_dropped();
        Some(stage.world)
    };
    a_producer_at_the_loops_end_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().register_push_producer(Owned(stage.value()));
        drop(stage.world);
        None
    };
    an_error_that_came_too_late_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().fail("first");
        log.transport().fail(failure(&stage));
        Some(stage.world)
    };
    an_error_on_a_connection_that_has_ended_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        drop(stage.connect(log.probe()));
        stage.world.until_lost(&[&log]);
        log.transport().fail(failure(&stage));
        Some(stage.world)
    };
    an_error_that_an_abort_displaces_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().fail(failure(&stage));
        log.transport().abort();
        Some(stage.world)
    };
    an_error_that_was_told_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let peer = stage.connect(log.probe());
        log.transport().fail(failure(&stage));
        drop(peer);
        stage.until_dropped();
        Some(stage.world)
    };
}

#[test]
fn what_the_drop_of_a_sent_chunk_writes_is_sent_too() {
    let (mut world, log) = (World::new(Ground::RealTcp), Log::new());
    let mut peer = outsider(&mut world, log.probe());
    let transport = log.transport();
    let follow_up = transport.clone();
    transport.write_chunk(OnDrop::chunk(*b"this ", move || {
        follow_up.write(b"and that");
    }));
    world.until("the chunk arrives", || peer.receive().starts_with(b"this "));
    world.until("all is sent", || transport.queued() == 0);
    assert_eq!(peer.receive(), b"this and that");
}

/// A producer that owns a value.
struct Owned(OnDrop);

impl PullProducer for Owned {
    fn produce(&mut self, transport: &Transport) {
        let _ = &self.0;
        transport.unregister_producer();
    }
}

impl PushProducer for Owned {
    fn pause(&mut self) {}

    fn resume(&mut self, _: &Transport) {}
}

/// An error that owns one. Errors may go to other threads, so it is a chunk.
#[derive(Debug)]
struct Failure(Bytes);

fn failure(stage: &Stage) -> Failure {
    Failure(stage.chunk(1))
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a failure of {} bytes", self.0.len())
    }
}

impl std::error::Error for Failure {}
