//! That serving files takes bounded memory, and few system calls.

use lariat::StreamOptions;
use lariat::testing::{MemoryTransport, VirtualClock};
use lariat_protocols::http::Server;

use crate::site::Site;

#[test]
fn a_client_that_does_not_read_has_little_kept_for_it() {
    let site = Site::new().with("small", vec![b'x'; 16_000]).with("large", vec![b'x'; 3_000_000]);
    for path in ["/small", "/large"] {
        let server = Server::new(site.files());
        let mut wire = MemoryTransport::serve(&VirtualClock::new(), server.clone(), StreamOptions::default());
        wire.peer_takes(0);
        for _ in 0..2_000 {
            wire.feed(format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").as_bytes());
        }
        assert!(wire.is_open());
        assert!(server.stats().requests < 20, "{path}: {:?}", server.stats());
    }
}
