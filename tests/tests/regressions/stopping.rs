//! Shutdowns.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Once, Peer, Reactor, SystemEvent, Transport, TriggerPhase};
use lariat_tests::harness::Log;

#[test]
fn what_was_drained_was_forgotten_when_run_returned() {
    let main = Reactor::new().unwrap();
    let reactor = (*main).clone();
    main.stop();
    main.run().unwrap();
    assert!(reactor.drained().is_some());
}

#[test]
fn a_connection_that_had_failed_before_it_was_cut_off_was_reported_twice() {
    let main = simulated();
    let (server, client) = (Log::new(), Log::new());
    let server = server.probe().drain(|transport| {
        transport.write(&vec![0; 1 << 20]);
        transport.fail("no");
    });
    main.listen("tcp:7", Once::new(server)).unwrap();
    let client = client.probe().made(Transport::pause_reading).drain(|_| {});
    main.connect("tcp:127.0.0.1:7", Once::new(client)).detach();
    main.call_later(Duration::from_secs(1), Reactor::stop);
    let report = Rc::new(Cell::new(None));
    let drained = report.clone();
    main.add_trigger(TriggerPhase::After, SystemEvent::Shutdown, move |reactor| drained.set(reactor.drained()));
    main.run().unwrap();
    let report = report.take().unwrap();
    assert_eq!(report.closed.total(), 2, "{report:?}");
    assert_eq!((report.closed.failed, report.closed.aborted, report.cut_off), (1, 1, 1), "{report}");
}

#[test]
fn a_connection_in_the_making_was_failed_when_the_loop_was_stopped() {
    let main = simulated();
    let (server, client, upstream) = (Log::new(), Log::new(), Log::new());
    main.listen("tcp:8", |_: &Peer| Log::new().probe().drain(|_| {})).unwrap();
    let upstreams = upstream.clone();
    let server = server.probe().drain(|_| {}).data(move |transport, _| {
        let reactor = transport.reactor();
        reactor.connect("tcp:127.0.0.1:8", Once::new(upstreams.probe())).detach();
        // The attempt begins first.
        reactor.call_later(Duration::ZERO, Reactor::stop);
    });
    main.listen("tcp:7", Once::new(server)).unwrap();
    let client = client.probe().drain(|_| {}).made(|transport| {
        transport.write(b"x");
    });
    main.connect("tcp:127.0.0.1:7", Once::new(client)).detach();
    main.run().unwrap();
    assert!(upstream.is_made(), "{:?}", upstream.story());
}
