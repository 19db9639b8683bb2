//! Handles.

use std::cell::Cell;
use std::rc::Rc;

use lariat::{CloseReason, Once, Protocol, Successor, Transport, Wrapper};
use lariat_tests::harness::{Log, Probe, everywhere};

/// Panics when it is asked for what it wraps, once data has come.
struct Brittle {
    inner: Probe,
    broken: bool,
    log: Log,
}

impl Wrapper for Brittle {
    type Inner = Probe;

    fn inner(&mut self) -> &mut Probe {
        assert!(!self.broken, "asked for what it wraps");
        &mut self.inner
    }

    fn rewrap(self, successor: Successor) -> Successor {
        successor
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {
        self.broken = true;
        self.log.note("broken");
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        self.log.note(format!("lost: {reason:?}"));
    }
}

#[test]
fn a_protocol_whose_wrapper_panicked_on_a_handles_way_to_it_vanished_without_connection_lost() {
    everywhere(|mut world| {
        let (server, client, wrapper) = (Log::new(), Log::new(), Log::new());
        let brittle = Brittle { inner: server.probe(), broken: false, log: wrapper.clone() };
        let port = world.listen(Once::new(brittle));
        world.connect(&port, client.probe());
        world.until("the connection is made", || server.is_made() && client.is_made());
        client.transport().write(b"x");
        world.until("it is broken", || wrapper.has("broken"));
        let called = Rc::new(Cell::new(false));
        let call = called.clone();
        server.handle().call(move |_, _| call.set(true));
        world.until("it is told of the end", || wrapper.lost().is_some());
        assert_eq!(wrapper.lost().unwrap(), "Panicked");
        assert!(!called.get());
    });
}

/// Notes what reaches it, under names that no probe uses.
struct Next(Log);

impl Protocol for Next {
    fn connection_made(&mut self, _: &Transport) {
        self.0.note("next made");
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

#[test]
fn a_handle_reached_a_successor_before_connection_made_did() {
    everywhere(|mut world| {
        let (server, client, story) = (Log::new(), Log::new(), Log::new());
        let log = story.clone();
        let server = server.probe().data(move |transport, _| {
            let next = Next(log.clone());
            let handle = transport.handle(&next);
            assert!(transport.switch_to(next, b""));
            handle.call(|next, _| next.0.note("next called"));
        });
        world.pair(server, client.probe());
        client.transport().write(b"x");
        world.until("the call has run", || story.has("next called"));
        assert_eq!(story.story(), ["next made", "next called"]);
    });
}
