//! Idle timeouts.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Idle, Once, Peer, Protocol, Transport};
use lariat_tests::harness::{self, Log, Probe};

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
    reactor.connect(&port.address().to_string(), Once::new(Silent)).detach();
    let end = reactor.now() + Duration::from_millis(100_500);
    while reactor.now() < end {
        reactor.turn(Some(end - reactor.now())).unwrap();
    }
    assert_eq!(told.get(), 100, "once a second");
    let debug = format!("{reactor:?}");
    assert!(debug.contains("timers: 1,"), "{debug}");
}

/// Times out after a tenth of a second without data.
fn impatient(log: &Log) -> Probe {
    log.probe().made(|transport| transport.set_idle_timeout(Idle::Read, Some(Duration::from_millis(100))))
}

/// Stays when it is timed out.
fn patient(log: &Log) -> Probe {
    log.probe().timed_out(|_, _| {})
}

#[test]
fn an_idle_timeout_was_lost_in_a_switch_within_timed_out() {
    harness::simulated(|mut world| {
        let (server, client, next) = (Log::new(), Log::new(), Log::new());
        let successor = next.clone();
        let switch = move |transport: &Transport, _| assert!(transport.switch_to(patient(&successor), b""));
        world.pair(impatient(&server).timed_out(switch), client.probe());
        world.until("the successor is timed out too", || next.has("timed out Read"));
    });
}

#[test]
fn an_idle_timeout_was_told_to_a_protocol_that_had_closed_because_of_another() {
    harness::simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let both = server.probe().made(|transport| {
            transport.set_idle_timeout(Idle::Read, Some(Duration::from_millis(100)));
            transport.set_idle_timeout(Idle::All, Some(Duration::from_millis(100)));
        });
        world.pair(both, client.probe());
        world.until_lost(&[&server]);
        assert!(server.has("timed out Read") && !server.has("timed out All"), "{:?}", server.story());
    });
}
