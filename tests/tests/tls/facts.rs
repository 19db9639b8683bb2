//! What protocols get to know of the other end.

use lariat::tls::TlsVersion;
use lariat_tests::certificates::SERVER;
use lariat_tests::harness::{Log, over_tls};

#[test]
fn both_ends_know_what_was_agreed_on() {
    over_tls(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let (on_server, on_client) =
            (server.transport().peer().tls().unwrap(), client.transport().peer().tls().unwrap());
        assert_eq!((on_server.version, on_client.version), (TlsVersion::Tls13, TlsVersion::Tls13));
        assert_eq!(on_server.cipher_suite, on_client.cipher_suite);
        assert_eq!((on_server.server_name.as_deref(), on_client.server_name.as_deref()), (Some(SERVER), Some(SERVER)));
        assert_eq!(on_server.peer_certificate, None);
        assert_eq!(on_client.peer_certificate.unwrap().dns_names(), [SERVER]);
        assert!(!on_server.resumed && !on_client.resumed);
    });
}
