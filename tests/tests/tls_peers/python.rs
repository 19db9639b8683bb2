//! Python's `ssl`, as client and as server.

use lariat_tests::certificates::{SERVER, Wish, authority};

use super::stage::{Stage, connector, options, server};

/// Connects twice, the second time with the first one's session; both times it says a line, reads to the end, which has to be an orderly
/// one, and says good-bye.
const CLIENT: &str = r#"
import socket, ssl, sys
folder, port, version, name = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
context = ssl.create_default_context(cafile=folder + "/ca.pem")
context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
context.set_alpn_protocols(["lariat"])
context.load_cert_chain(folder + "/alice.pem", folder + "/alice-key.pem")
session = None
for turn in range(2):
    plain = socket.create_connection(("127.0.0.1", port), timeout=50)
    with context.wrap_socket(plain, server_hostname=name, session=session, suppress_ragged_eofs=False) as peer:
        peer.sendall(b"hello\n")
        said = b""
        while piece := peer.recv(4096):
            said += piece
        session = peer.session
        print(said.decode().strip(), "version=" + peer.version(), "reused=" + str(peer.session_reused))
        peer.unwrap()
"#;

/// Serves three connections: sends back what it is sent, and ends when the client does.
const SERVER_SCRIPT: &str = r#"
import socket, ssl, sys
folder, version = sys.argv[1], sys.argv[2]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder + "/ca.pem")
context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
context.set_alpn_protocols(["lariat"])
context.verify_mode = ssl.CERT_REQUIRED
context.load_cert_chain(folder + "/server.pem", folder + "/server-key.pem")
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(50)
print("port", listener.getsockname()[1], flush=True)
for turn in range(3):
    plain, _ = listener.accept()
    plain.settimeout(50)
    with context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as peer:
        subject = dict(pair[0] for pair in peer.getpeercert()["subject"])
        while piece := peer.recv(65536):
            peer.sendall(piece)
        print("served", subject["commonName"], peer.selected_alpn_protocol(), "reused=" + str(peer.session_reused), flush=True)
        peer.unwrap()
"#;

#[test]
fn a_client_is_served_and_resumes_and_both_sides_end_in_good_order() {
    for (version, name, words) in [("TLSv1_3", "TLSv1.3", "TLS 1.3"), ("TLSv1_2", "TLSv1.2", "TLS 1.2")] {
        let mut stage = Stage::new();
        stage.write("client.py", CLIENT);
        stage.write_issued("alice", &authority().issue(&Wish::client("alice").for_others()));
        let port = stage.serve(options().alpn(["lariat"]).require_client_certificate(authority().trust()));
        let run = stage.run(&format!("python3 @client.py @. {port} {version} {SERVER}"), "");
        assert!(run.status.success(), "{}", run.said);
        for (resumed, reused) in [("false", "False"), ("true", "True")] {
            run.has(&format!(
                "served {words} alpn=lariat name={SERVER} client=alice resumed={resumed} version={name} reused={reused}"
            ));
        }
    }
}

#[test]
fn a_server_serves_us_and_we_resume_and_both_sides_end_in_good_order() {
    for version in ["TLSv1_3", "TLSv1_2"] {
        let mut stage = Stage::new();
        stage.write("server.py", SERVER_SCRIPT);
        stage.write_issued("server", &server());
        let alice = authority().issue(&Wish::client("alice").for_others()).identity();
        let connector = connector(|options| options.identity(alice).alpn(["lariat"]));
        let mut process = stage.start(&format!("python3 @server.py @. {version}"));
        let port = process.line().strip_prefix("port ").and_then(|port| port.parse().ok()).unwrap();
        let sent: Vec<u8> = (0..300_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
        for resumed in [false, true, true] {
            let (log, outcome) = stage.connect(&connector, SERVER, port);
            outcome.unwrap();
            assert_eq!(log.transport().peer().tls().unwrap().resumed, resumed);
            log.transport().write(&sent);
            stage.world.until("all is back", || log.received_len() == sent.len());
            assert!(log.received() == sent);
            log.transport().close();
            stage.world.until_lost(&[&log]);
            assert_eq!(log.lost().as_deref(), Some("Done"));
        }
        let run = stage.end(process);
        assert!(run.status.success(), "{}", run.said);
        assert_eq!(run.said.matches("served alice lariat reused=True").count(), 2, "{}", run.said);
    }
}
