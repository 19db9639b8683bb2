//! Errors, and the reasons that connections end for.

use std::cell::Cell;
use std::error::Error;
use std::fmt;

use lariat::{Peer, Reactor, Transport};
use lariat_tests::harness::{Log, simulated};

thread_local! {
    // A reason may go to another thread, and a reactor may not.
    static REACTOR: Cell<Option<Reactor>> = const { Cell::new(None) };
    static LISTENED: Cell<bool> = const { Cell::new(false) };
}

/// Opens a port when it is dropped.
#[derive(Debug)]
struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("busy")
    }
}

impl Error for Busy {}

impl Drop for Busy {
    fn drop(&mut self) {
        let reactor = REACTOR.take().expect("it is dropped once");
        assert!(format!("{reactor:?}").contains("sources"));
        reactor.listen("unix:busy", |_: &Peer| Log::new().probe()).expect("the name is free");
        LISTENED.set(true);
    }
}

#[test]
fn the_reason_of_a_connection_past_the_queue_budget_was_dropped_while_the_loop_was_locked() {
    simulated(|mut world| {
        LISTENED.set(false);
        REACTOR.set(Some((*world.reactor).clone()));
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(Transport::pause_reading));
        server.transport().write(&vec![0; 4 << 20]);
        server.transport().fail(Busy);
        world.settle();
        assert!(!LISTENED.get() && server.lost().is_none(), "it waits for the queue to be sent");
        world.reactor.set_queue_budget(1000);
        world.until("the connection has ended", || server.lost().is_some());
        assert!(LISTENED.get(), "the drop has panicked");
    });
}

#[test]
fn an_errors_chain_said_the_same_cause_twice() {
    let reactor = Reactor::new().unwrap();
    // Kept for documentation, so it is no machine's.
    let foreign = "tcp:0:interface=192.0.2.77";
    let error = reactor.listen(foreign, |_: &Peer| Log::new().probe()).unwrap_err();
    let mut messages = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        messages.push(cause.to_string());
        next = cause.source();
    }
    let chain = messages.join(" | ");
    assert_eq!(chain.matches("Cannot assign").count(), 1, "{chain}");
}
