//! Protocols and factories.

use std::fs::File;

use lariat::{Once, Peer, StreamOptions};
use lariat_tests::faults::Records;
use lariat_tests::harness::{Log, refusal};

use super::{on_the_way, ways};

ways! {
    a_protocol_whose_connection_has_ended_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let owner = stage.owner(&log);
        drop(stage.connect(owner));
        stage.until_dropped();
        Some(stage.world)
    };
    a_protocol_that_panicked_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let owner = stage.owner(&log).read_closed(|_| std::panic::panic_any(()));
        let _ = stage.connect(owner);
        stage.until_dropped();
        // This one is meant to be.
        let _ = Records::begin();
        Some(stage.world)
    };
    a_protocol_at_the_loops_end_may_use_everything_in_its_drop: |mut stage| {
        let owner = stage.owner(&Log::new());
        let _peer = stage.connect(owner);
        drop(stage.world);
        None
    };
    a_protocol_that_is_replaced_may_use_everything_in_its_drop: |mut stage| {
        let (log, next) = (Log::new(), Log::new());
        let owner = stage.owner(&log);
        let _peer = stage.connect(owner);
        log.transport().switch_to(next.probe(), b"");
        stage.until_dropped();
        stage.world.until("the successor takes over", || next.is_made() || next.has("dropped"));
        Some(stage.world)
    };
    a_successor_that_another_one_displaces_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().switch_to(stage.owner(&Log::new()), b"left over");
        log.transport().switch_to(Log::new().probe(), b"");
        Some(stage.world)
    };
    a_successor_on_a_closing_connection_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().close();
        assert!(!log.transport().switch_to(stage.owner(&Log::new()), b""));
        Some(stage.world)
    };
    a_successor_that_an_abort_forestalls_may_use_everything_in_its_drop: |mut stage| {
        let log = Log::new();
        let _peer = stage.connect(log.probe());
        log.transport().switch_to(stage.owner(&Log::new()), b"left over");
        log.transport().abort();
        stage.until_dropped();
        Some(stage.world)
    };
    a_factory_whose_connection_is_refused_may_use_everything_in_its_drop: |mut stage| {
        let factory = Once::new(stage.owner(&Log::new()));
        stage.reactor().connect("tcp:127.0.0.1:1", factory).detach();
        stage.until_dropped();
        Some(stage.world)
    };
    a_factory_whose_connection_stands_may_use_everything_in_its_drop: |mut stage| {
        let (value, log) = (stage.value(), Log::new());
        let made = log.clone();
        let port = stage.world.listen(|_: &Peer| Log::new().probe());
        let factory = move |_: &Peer| {
            let _ = &value;
            made.probe()
        };
        stage.reactor().connect(&port.address().to_string(), factory).detach();
        stage.until_dropped();
        stage.world.until("the connection is made", || log.is_made());
        Some(stage.world)
    };
    a_factory_whose_connection_is_being_made_when_the_loop_ends_may_use_everything_in_its_drop: |stage| {
        let factory = Once::new(stage.owner(&Log::new()));
        stage.reactor().connect("tcp:127.0.0.1:1", factory).detach();
        drop(stage.world);
        None
    };
    a_factory_of_a_wrong_description_may_use_everything_in_its_drop: |stage| {
        refusal(stage.reactor().connect("tcp:nowhere", Once::new(stage.owner(&Log::new()))));
        Some(stage.world)
    };
    a_factory_whose_port_is_closed_may_use_everything_in_its_drop: |mut stage| {
        let value = stage.value();
        let port = stage.world.listen(move |_: &Peer| {
            let _ = &value;
            Log::new().probe()
        });
        port.close();
        stage.until_dropped();
        Some(stage.world)
    };
    a_factory_that_cannot_listen_may_use_everything_in_its_drop: |stage| {
        let address = stage.everything.port.address().to_string();
        let taken = format!("tcp:{}:interface=127.0.0.1", address.rsplit(':').next().unwrap());
        assert!(stage.reactor().listen(&taken, Once::new(stage.owner(&Log::new()))).is_err());
        Some(stage.world)
    };
    a_factory_at_the_loops_end_may_use_everything_in_its_drop: |stage| {
        let _port = stage.world.listen(Once::new(stage.owner(&Log::new())));
        drop(stage.world);
        None
    };
    a_protocol_that_cannot_be_adopted_may_use_everything_in_its_drop: |stage| {
        let file = File::open("/dev/null").unwrap();
        let owner = stage.owner(&Log::new());
        assert!(stage.reactor().adopt_stream(file.into(), StreamOptions::default(), owner).is_err());
        Some(stage.world)
    };
}
