//! Pausing and resuming input.

use std::time::Duration;

use lariat::Transport;
use lariat_tests::harness::{Log, everywhere, over_tcp};

fn pause(transport: &Transport) {
    transport.pause_reading();
}

#[test]
fn a_paused_connection_gets_nothing_and_after_it_everything() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(pause), client.probe());
        assert!(!server.transport().is_reading());
        client.transport().write(b"hello");
        world.settle();
        assert_eq!(server.story(), ["made"]);
        server.transport().resume_reading();
        assert!(server.transport().is_reading());
        assert_eq!(server.story(), ["made"], "nothing is called before the loop is");
        // The edge that told of the data was spent on the pause: no other comes.
        world.until("it has arrived", || server.received() == b"hello");
        assert_eq!(server.story(), ["made", "read resumed", "data"]);
    });
}

#[test]
fn pausing_in_a_callback_takes_effect_with_the_next_one() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().data(|transport, _| transport.pause_reading()), client.probe());
        client.transport().write(&[b'x'; 150_000]);
        world.until("the first part has arrived", || server.has("data"));
        world.settle();
        let first = server.received_len();
        assert!(first < 150_000, "the read buffer is not as large as this");
        assert_eq!(server.deliveries(), 1);
        let mut resumed = 0;
        while server.received_len() < 150_000 {
            let before = server.deliveries();
            server.transport().resume_reading();
            resumed += 1;
            world.until("the next part has arrived", || server.deliveries() > before);
            assert_eq!(server.deliveries(), before + 1);
        }
        assert_eq!(server.count("read resumed"), resumed);
    });
}

#[test]
fn resuming_what_is_not_paused_does_nothing() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.transport().resume_reading();
        world.settle();
        assert_eq!(server.story(), ["made"]);
    });
}

#[test]
fn a_pause_that_follows_a_resume_at_once_is_a_pause() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(pause), client.probe());
        client.transport().write(b"hello");
        world.settle();
        server.transport().resume_reading();
        server.transport().pause_reading();
        world.settle();
        assert_eq!(server.story(), ["made"]);
        server.transport().resume_reading();
        world.until("it has arrived", || server.received() == b"hello");
        assert_eq!(server.story(), ["made", "read resumed", "data"]);
    });
}

#[test]
fn a_pause_while_hearing_that_reading_goes_on_holds() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(pause).read_resumed(pause), client.probe());
        client.transport().write(b"hello");
        world.settle();
        server.transport().resume_reading();
        world.until("it is told", || server.has("read resumed"));
        world.settle();
        assert_eq!(server.story(), ["made", "read resumed"]);
    });
}

#[test]
fn the_peers_end_waits_for_the_pause_to_be_over() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(pause), client.probe());
        client.transport().write(b"bye");
        client.transport().close_write();
        world.settle();
        assert_eq!(server.story(), ["made"]);
        server.transport().resume_reading();
        world.until_lost(&[&server, &client]);
        assert_eq!(server.story(), ["made", "read resumed", "data", "read closed", "lost: Done", "dropped"]);
        assert_eq!(server.received(), b"bye");
    });
}

#[test]
fn a_reset_is_noticed_while_reading_is_paused() {
    over_tcp(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(pause), client.probe());
        client.transport().write(b"unread");
        world.settle();
        client.transport().abort();
        world.until_lost(&[&server]);
        assert_eq!(server.story(), ["made", "lost: ConnectionReset", "dropped"]);
    });
}

#[test]
fn a_reset_is_noticed_while_back_pressure_holds_reading() {
    over_tcp(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(pause));
        let transport = server.transport();
        while transport.queued() <= 1 << 20 {
            transport.write(&[b'x'; 10_000]);
            world.turn(Some(Duration::ZERO));
        }
        client.transport().abort();
        world.until_lost(&[&server]);
        assert_eq!(server.lost().as_deref(), Some("ConnectionReset"));
    });
}

#[test]
fn closing_a_paused_connection_needs_no_resume() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(pause), client.probe());
        client.transport().write(b"unread");
        world.settle();
        server.transport().write(b"the last word");
        server.transport().close();
        world.until_lost(&[&server, &client]);
        assert_eq!(client.received(), b"the last word");
        assert_eq!(client.story(), ["made", "data", "read closed", "lost: Done", "dropped"]);
        assert_eq!(server.story(), ["made", "lost: Done", "dropped"]);
    });
}

#[test]
fn a_pause_does_not_keep_output_from_leaving() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(pause), client.probe());
        server.transport().write(&[b'x'; 1_000_000]);
        world.until("all has arrived", || client.received_len() == 1_000_000);
    });
}

#[test]
fn pausing_and_resuming_a_connection_that_has_ended_is_harmless() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let transport = client.transport();
        transport.abort();
        world.until_lost(&[&server, &client]);
        transport.pause_reading();
        transport.resume_reading();
        world.settle();
        assert_eq!(client.story(), ["made", "lost: Aborted", "dropped"]);
    });
}
