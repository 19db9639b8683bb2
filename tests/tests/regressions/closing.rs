//! Orderly ends.

use std::time::Duration;

use lariat::Transport;
use lariat_tests::harness::{Log, everywhere, simulated};

#[test]
fn a_close_after_close_write_waited_for_the_peer_as_long_as_the_close_timeout() {
    everywhere(|mut world| {
        if !world.ground.is_simulated() {
            return;
        }
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().read_closed(|_| {}));
        server.transport().close_write();
        world.until("the client has heard of it", || client.has("read closed"));
        let closed = world.now();
        server.transport().close();
        world.until_lost(&[&server]);
        assert_eq!(world.now() - closed, Duration::from_secs(5), "as long as a silent peer is lingered for");
    });
}

#[test]
fn a_flush_after_close_write_had_no_end() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(Transport::pause_reading));
        server.transport().write(&vec![0; 4 << 20]);
        server.transport().close_write();
        world.pass(Duration::from_secs(3600));
        assert!(server.lost().is_some(), "open an hour later");
    });
}
