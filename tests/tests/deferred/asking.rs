//! Asking the protocol of a connection.

use std::cell::Cell;
use std::rc::Rc;

use lariat::testing::MemoryTransport;
use lariat::{Deferred, Error, ErrorKind, Handle, Protocol, Resolver, Transport};
use lariat_tests::faults::Records;

use super::Story;

/// Knows what it got, and has answers that are still to come.
#[derive(Default)]
struct Oracle {
    heard: Vec<u8>,
    pending: Vec<Resolver<u32>>,
}

impl Protocol for Oracle {
    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        self.heard.extend_from_slice(data);
        for resolver in self.pending.drain(..) {
            resolver.resolve(u32::from(data[0])).expect("somebody waits for it");
        }
    }
}

fn oracle() -> (MemoryTransport<Oracle>, Handle<Oracle>, Story) {
    let mut oracle = MemoryTransport::new(Oracle::default());
    let handle = oracle.with_protocol(|protocol, transport| transport.handle(protocol));
    (oracle, handle, Story::default())
}

/// Asks for a number that is to come; cancelling is told.
fn ask_later(handle: &Handle<Oracle>, story: &Story) -> Deferred<u32> {
    let story = story.clone();
    handle.ask(move |oracle, transport| {
        let (resolver, answer) = Deferred::with_canceller(transport.reactor(), move |_| story.tell("cancelled"));
        oracle.pending.push(resolver);
        answer
    })
}

#[test]
fn a_protocol_that_is_asked_answers_now_or_later() {
    let (mut oracle, handle, story) = oracle();
    story.hear("now", handle.ask(|oracle, _| Ok::<_, Error>(oracle.heard.len())));
    story.hear("later", ask_later(&handle, &story));
    assert!(story.take().is_empty());
    oracle.clock().settle();
    assert_eq!(story.take(), ["now: 0"]);
    oracle.feed(b"A");
    assert_eq!(story.take(), ["later: 65"]);
}

#[test]
fn asking_a_connection_that_has_ended_fails() {
    let (oracle, handle, story) = oracle();
    oracle.transport().abort();
    oracle.clock().settle();
    assert!(oracle.is_closed());
    let asked = handle.ask(|_, _| -> Result<u32, Error> { unreachable!() });
    story.hear("kind", asked.map_result(|asked| Ok(asked.unwrap_err().downcast_ref::<Error>().map(Error::kind))));
    oracle.clock().settle();
    assert_eq!(story.take(), [format!("kind: {:?}", Some(ErrorKind::NotConnected))]);
}

#[test]
fn who_gives_up_before_the_protocol_is_asked_does_not_have_it_called() {
    let (oracle, handle, _) = oracle();
    let called = Rc::new(Cell::new(false));
    let call = called.clone();
    drop(handle.ask(move |_, _| call.set(true)));
    oracle.clock().settle();
    assert!(!called.get());
    assert_eq!(oracle.clock().stats().deferreds, 0);
}

#[test]
fn cancelling_reaches_what_the_protocol_has_given() {
    let (oracle, handle, story) = oracle();
    let asked = ask_later(&handle, &story);
    oracle.clock().settle();
    asked.cancel();
    story.hear("asked", asked);
    oracle.clock().settle();
    assert_eq!(story.take(), ["cancelled", "asked: Cancelled, cancelled"]);
}

#[test]
fn a_protocol_that_panics_when_it_is_asked_ends_its_connection_and_the_asker_is_told() {
    let records = Records::begin();
    let reactor = lariat::testing::simulated();
    let port = reactor.listen("tcp:0", |_: &lariat::Peer| Oracle::default()).unwrap();
    let story = Story::default();
    let asked = reactor
        .connect(&port.address().to_string(), |_: &lariat::Peer| Oracle::default())
        .and_then(|handle| handle.ask(|_, _| -> Result<u32, Error> { panic!("no idea") }));
    let (heard, stop) = (story.clone(), lariat::Reactor::clone(&reactor));
    asked.finish(move |asked| {
        heard.tell(asked.unwrap_err().to_string());
        stop.stop();
    });
    reactor.run().unwrap();
    assert_eq!(story.take(), ["the connection has ended"]);
    assert_eq!(records.panics().len(), 1);
}

#[test]
fn who_asks_as_the_reactor_ends_hears_so() {
    let story = Story::default();
    let reactor = lariat::testing::simulated();
    let port = reactor.listen("tcp:0", |_: &lariat::Peer| Oracle::default()).unwrap();
    let ours = story.clone();
    let asked = reactor
        .connect(&port.address().to_string(), |_: &lariat::Peer| Oracle::default())
        .and_then(move |handle| ask_later(&handle, &ours));
    story.hear("asked", asked);
    let stop = lariat::Reactor::clone(&reactor);
    reactor.call_later(std::time::Duration::from_secs(1), move |_| stop.crash());
    reactor.run().unwrap();
    assert_eq!(story.take(), ["asked: Ended, the reactor has ended"]);
}
