//! Bytes go back and forth.

use lariat_tests::harness::{Log, everywhere};

#[test]
fn an_echo_comes_back() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let hello = |transport: &lariat::Transport| {
            transport.write(b"hello");
        };
        world.pair(server.probe().echo(), client.probe().made(hello));
        world.until("the echo is back", || client.received() == b"hello");
        client.transport().close();
        world.until_lost(&[&server, &client]);
        assert_eq!(client.story(), ["made", "data", "lost: Done", "dropped"]);
        assert_eq!(server.story(), ["made", "data", "read closed", "lost: Done", "dropped"]);
    });
}

#[test]
fn a_megabyte_arrives_whole_and_in_order() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        let sent: Vec<u8> = (0..250_000_u32).flat_map(u32::to_le_bytes).collect();
        // Who sends all before it reads anything must go on reading all the same, or both ends wait for each other.
        client.transport().set_backpressure(false);
        client.transport().write(&sent);
        world.until("all of it is back", || client.received_len() == sent.len());
        assert!(client.received() == sent);
    });
}
