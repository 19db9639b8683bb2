//! Ends of TLS connections.

use lariat::Transport;
use lariat_tests::harness::{Log, over_tls};

fn stay(_: &Transport) {}

#[test]
fn a_side_that_has_closed_its_writing_goes_on_reading() {
    over_tls(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().read_closed(stay), client.probe());
        client.transport().close_write();
        world.until("the server knows", || server.has("read closed"));
        server.transport().write(b"an answer all the same");
        server.transport().close();
        world.until_lost(&[&server, &client]);
        assert_eq!(client.received(), b"an answer all the same");
        assert_eq!((server.lost().as_deref(), client.lost().as_deref()), (Some("Done"), Some("Done")));
    });
}
