//! `openssl s_client` with our server.

use lariat::tls::ServerOptions;
use lariat_tests::certificates::{SERVER, Wish, authority};

use super::stage::{Stage, options, wish};

const CLIENT: &str = "openssl s_client -CAfile @ca.pem -verify_return_error";

#[test]
fn it_is_served_by_both_versions() {
    for (flag, version) in [("-tls1_3", "TLS 1.3"), ("-tls1_2", "TLS 1.2")] {
        let mut stage = Stage::new();
        let port = stage.serve(options());
        let command =
            format!("{CLIENT} {flag} -connect 127.0.0.1:{port} -servername {SERVER} -verify_hostname {SERVER}");
        let run = stage.run(&command, "hello");
        run.has(&format!("served {version} alpn=none name={SERVER} client=nobody resumed=false"));
        run.has("Verify return code: 0 (ok)");
        assert!(run.status.success(), "our good-bye is an orderly end: {}", run.said);
    }
}

#[test]
fn it_resumes_a_session_that_it_has_kept_in_a_file() {
    for (flag, version) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
        let mut stage = Stage::new();
        let port = stage.serve(options());
        let command = format!("{CLIENT} {flag} -connect 127.0.0.1:{port} -servername {SERVER}");
        stage.run(&format!("{command} -sess_out @session"), "hello").has("resumed=false");
        let again = stage.run(&format!("{command} -sess_in @session"), "hello");
        again.has("resumed=true");
        again.has(&format!("Reused, {version}"));
    }
}

#[test]
fn it_resumes_when_it_reconnects() {
    let mut stage = Stage::new();
    let port = stage.serve(options());
    let command = format!("{CLIENT} -tls1_2 -reconnect -connect 127.0.0.1:{port} -servername {SERVER}");
    let run = stage.run(&command, "hello");
    assert_eq!(run.said.matches("Reused, TLSv1.2").count(), 5, "{}", run.said);
    run.has("resumed=true");
}

#[test]
fn it_resumes_nothing_where_that_is_off() {
    for flag in ["-tls1_3", "-tls1_2"] {
        let mut stage = Stage::new();
        let port = stage.serve(options().without_resumption());
        let command = format!("{CLIENT} {flag} -connect 127.0.0.1:{port} -servername {SERVER}");
        let run = stage.run(&format!("{command} -sess_out @session"), "hello");
        run.has("resumed=false");
        run.has("New, ");
        let again = stage.run(&format!("{command} -sess_in @session"), "hello");
        assert!(!again.said.contains("resumed=true"), "{}", again.said);
    }
}

#[test]
fn its_certificate_is_asked_for_and_known() {
    let client = authority().issue(&Wish::client("alice").for_others());
    for flag in ["-tls1_3", "-tls1_2"] {
        let mut stage = Stage::new();
        stage.write_issued("alice", &client);
        let port = stage.serve(options().require_client_certificate(authority().trust()));
        let command = format!("{CLIENT} {flag} -connect 127.0.0.1:{port} -servername {SERVER}");
        stage.run(&format!("{command} -cert @alice.pem -key @alice-key.pem"), "hello").has("client=alice");

        let refused = stage.run(&command, "hello");
        let alert = if flag == "-tls1_3" { "alert certificate required" } else { "alert" };
        refused.has(alert);
        let logged = stage.records.with("the client showed no certificate, and one is required");
        assert_eq!(logged.len(), 1, "{:?}", stage.records.lines());

        let port = stage.serve(options().request_client_certificate(authority().trust()));
        let command = format!("{CLIENT} {flag} -connect 127.0.0.1:{port} -servername {SERVER}");
        stage.run(&command, "hello").has("client=nobody");
    }
}

#[test]
fn the_application_protocol_is_the_servers_favourite_of_those_it_offers() {
    let mut stage = Stage::new();
    let port = stage.serve(options().alpn(["h2", "http/1.1"]));
    let command = format!("{CLIENT} -connect 127.0.0.1:{port} -servername {SERVER}");
    let run = stage.run(&format!("{command} -alpn http/1.1,h2"), "hello");
    run.has("alpn=h2 ");
    run.has("ALPN protocol: h2");
    stage.run(&command, "hello").has("alpn=none ");
    stage.run(&format!("{command} -alpn gopher"), "hello").has("alert no application protocol");
    assert_eq!(stage.records.with("none of the application protocols that the peer speaks").len(), 1);
}

#[test]
fn the_certificate_is_the_one_for_the_name_that_it_asks_for() {
    let mut stage = Stage::new();
    let of = |names: &[&str]| authority().issue(&wish(names)).identity();
    let serves = |options: ServerOptions| options.identity(of(&["a.test"])).identity(of(&["*.b.test"]));
    let port = stage.serve(serves(options()));
    let command = format!("{CLIENT} -connect 127.0.0.1:{port}");
    for (asked, shown) in
        [("a.test", "a.test"), ("A.TEST", "a.test"), ("x.b.test", "x.b.test"), (SERVER, SERVER), ("else.test", SERVER)]
    {
        let run = stage.run(&format!("{command} -servername {asked} -verify_hostname {shown}"), "hello");
        run.has(&format!("name={}", asked.to_ascii_lowercase()));
    }
    stage.run(&format!("{command} -noservername -verify_hostname {SERVER}"), "hello").has("name=none");

    let port = stage.serve(serves(options().only_known_names()));
    for name in ["-servername x.y.b.test", "-noservername"] {
        let run = stage.run(&format!("{CLIENT} -connect 127.0.0.1:{port} {name}"), "hello");
        run.has("unrecognized name");
    }
    assert_eq!(stage.records.with("for which there is no certificate here").len(), 2);
}

#[test]
fn a_client_of_old_versions_is_told_apart() {
    let mut stage = Stage::new();
    let port = stage.serve(options());
    let run = stage.run(&format!("{CLIENT} -tls1_1 -cipher ALL:@SECLEVEL=0 -connect 127.0.0.1:{port}"), "hello");
    run.has("alert");
    assert_eq!(stage.records.with("has to be brought up to date").len(), 1, "{:?}", stage.records.lines());
}

#[test]
fn renegotiation_is_refused() {
    let mut stage = Stage::new();
    let port = stage.serve(options());
    // A line with `R` alone has s_client ask for it.
    let run = stage.run(&format!("{CLIENT} -tls1_2 -connect 127.0.0.1:{port} -servername {SERVER}"), "R");
    run.has("no renegotiation");
}

#[test]
fn a_chain_is_sent_with_the_certificate() {
    let mut stage = Stage::new();
    let issued = authority().intermediate("in between").issue(&wish(&[SERVER]));
    let port = stage.serve(ServerOptions::new(issued.identity()));
    let run = stage
        .run(&format!("{CLIENT} -connect 127.0.0.1:{port} -servername {SERVER} -verify_hostname {SERVER}"), "hello");
    run.has("Verify return code: 0 (ok)");
    run.has(" 1 s:CN = in between");
}
