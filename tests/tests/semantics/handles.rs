//! Reaching a protocol from outside its callbacks.

use std::time::Duration;

use lariat::Transport;
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, everywhere};

#[test]
fn calls_come_after_the_callback_in_which_they_were_made() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let own = server.clone();
        let call = move |_: &Transport, _: &[u8]| {
            assert!(own.handle().call(|probe, _| probe.log().note("called")));
            own.note("still in the callback");
        };
        world.pair(server.probe().data(call), client.probe());
        client.transport().write(b"x");
        world.until("it is called", || server.has("called"));
        assert_eq!(server.story(), ["made", "data", "still in the callback", "called"]);
    });
}

#[test]
fn what_a_call_writes_leaves_in_the_same_turn() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.handle().call(|_, transport| {
            transport.write(b"one ");
            transport.write(b"two");
        });
        world.turn(None);
        assert_eq!(server.transport().queued(), 0);
        world.until("it has arrived", || client.received() == b"one two");
    });
}

#[test]
fn a_call_may_close_or_abort() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.handle().call(|_, transport| transport.close());
        client.handle().call(|_, transport| transport.abort());
        world.until_lost(&[&server, &client]);
        assert_eq!(client.lost().as_deref(), Some("Aborted"));
    });
}

#[test]
fn a_call_that_was_queued_before_the_end_is_dropped_unrun_after_it() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let dropped = Shared::new(false);
        struct Flag(Shared<bool>);
        impl Drop for Flag {
            fn drop(&mut self) {
                self.0.with(|dropped| *dropped = true);
            }
        }
        let handle = client.handle();
        let flag = Flag(dropped.clone());
        let own = handle.clone();
        // The first call aborts; the end comes before the queue's next pass.
        handle.call(move |_, transport| {
            transport.abort();
            own.call(move |_, _| {
                drop(flag);
                unreachable!("the connection has ended");
            });
        });
        world.until_lost(&[&server, &client]);
        world.settle();
        assert!(dropped.take());
        assert!(!handle.call(|_, _| unreachable!("the connection has ended")));
        assert_eq!(client.story(), ["made", "lost: Aborted", "dropped"]);
    });
}

#[test]
fn a_handle_keeps_neither_the_protocol_nor_the_connection() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let (handle, transport) = (server.handle(), server.transport());
        client.transport().close();
        world.until_lost(&[&server, &client]);
        assert!(server.has("dropped"));
        assert!(!transport.is_open());
        assert!(!handle.call(|_, _| unreachable!("the connection has ended")));
    });
}

#[test]
fn a_handle_calls_later_too_unless_it_is_cancelled_or_the_connection_has_ended() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let handle = client.handle();
        let limit = Duration::from_millis(5);
        handle.call_later(limit, |probe, _| probe.log().note("called"));
        assert!(handle.call_later(limit, |_, _| unreachable!("it was cancelled")).cancel());
        let due = world.now() + limit;
        world.until("it is called", || client.has("called"));
        assert!(world.now() >= due);
        let late = handle.call_later(limit, |_, _| unreachable!("the connection has ended"));
        handle.transport().abort();
        world.until_lost(&[&server, &client]);
        world.pass(limit * 2);
        assert!(!late.is_active());
        handle.call_later(Duration::ZERO, |_, _| unreachable!("the connection has ended"));
        world.settle();
    });
}

#[test]
fn handles_to_transports_are_equal_if_they_are_of_the_same_connection() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let (ours, theirs) = (client.transport(), server.transport());
        assert!(ours == ours.clone() && ours != theirs);
        assert!(ours.id() == client.transport().id() && ours.id() != theirs.id());
        let (next, other) = (Log::new(), Log::new());
        world.pair(next.probe(), other.probe());
        assert!(next.transport().id() > theirs.id() && other.transport().id() > ours.id());
    });
}
