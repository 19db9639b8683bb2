//! Bytes over TLS.

use lariat_tests::harness::{Log, over_tls};

#[test]
fn both_ends_hear_of_the_connection_and_of_what_is_sent() {
    over_tls(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        client.transport().write(b"hello");
        world.until("the echo is back", || client.received_len() == 5);
        assert_eq!((server.received(), client.received()), (b"hello".to_vec(), b"hello".to_vec()));
        client.transport().close();
        world.until_lost(&[&server, &client]);
        assert_eq!(server.story(), ["made", "data", "read closed", "lost: Done", "dropped"]);
        assert_eq!(client.story(), ["made", "data", "lost: Done", "dropped"]);
    });
}

#[test]
fn much_arrives_whole_and_in_order() {
    over_tls(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let sent = (0..3_000_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<_>>();
        let transport = client.transport();
        for piece in sent.chunks(70_001) {
            transport.write(piece);
        }
        transport.close();
        world.until_lost(&[&server, &client]);
        assert!(server.received() == sent);
        assert_eq!(server.lost().as_deref(), Some("Done"));
    });
}
