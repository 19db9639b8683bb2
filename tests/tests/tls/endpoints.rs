//! TLS by endpoint strings.

use std::fs;

use lariat::endpoint::ClientEndpoint;
use lariat::{ErrorKind, Once, Peer, quote, testing};
use lariat_tests::certificates::{Wish, authority};
use lariat_tests::harness::{Ground, Log, Scratch, World, refusal};

/// A folder with the files that the strings name.
fn files() -> Scratch {
    let scratch = Scratch::new();
    let server = authority().issue(&Wish::server(&["server.test", "localhost"]));
    let client = authority().issue(&Wish::client("a-client.test"));
    let files = [
        ("key.pem", &server.key),
        ("chain.pem", &server.chain),
        ("both.pem", &format!("{}{}", server.key, server.chain)),
        ("client.pem", &format!("{}{}", client.key, client.chain)),
        ("client-key.pem", &client.key),
        ("ca.pem", &authority().pem()),
        ("no.pem", &"nothing of the kind".to_owned()),
    ];
    for (name, content) in files {
        fs::write(scratch.path(name), content).expect("the folder is writable");
    }
    scratch
}

/// A string with the paths of the files in the place of `{name}`.
fn described(scratch: &Scratch, text: &str) -> String {
    let mut pieces = text.split('{');
    let mut described = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').expect("every name ends");
        described.push_str(&quote(&scratch.path(name).to_string_lossy()));
        described.push_str(rest);
    }
    described
}

#[test]
fn a_server_and_a_client_by_strings_talk_to_each_other() {
    let scratch = files();
    let servers = [
        "ssl:0:interface=127.0.0.1:privateKey={key.pem}:certKey={chain.pem}:alpn=h2,http/1.1",
        "tls:0:interface=127.0.0.1:privateKey={both.pem}:alpn=http/1.1:minimumVersion=1.3:handshakeTimeout=5",
        "ssl:0:interface=127.0.0.1:privateKey={both.pem}:alpn=http/1.1:clientCA={ca.pem}",
        "ssl:0:interface=127.0.0.1:privateKey={both.pem}:alpn=http/1.1:clientCA={ca.pem}:clientAuth=optional",
    ];
    let clients = [
        "tls:localhost:PORT:trustRoots={ca.pem}:alpn=http/1.1:privateKey={client.pem}",
        "ssl:127.0.0.1:PORT:caCertsDir={ca.pem}:hostname=server.test:alpn=http/1.1:certKey={client.pem}:privateKey={client-key.pem}:timeout=5",
    ];
    for server in servers {
        for client in clients {
            let mut world = World::new(Ground::RealTcp);
            let (at_server, at_client) = (Log::new(), Log::new());
            let port = world.reactor.listen(&described(&scratch, server), Once::new(at_server.probe().echo())).unwrap();
            let client = described(&scratch, client).replace("PORT", &port.address().port().unwrap().to_string());
            let client = ClientEndpoint::parse(&client).unwrap();
            client.connect(&world.reactor, Once::new(at_client.probe())).detach();
            world.until("both are there", || at_server.is_made() && at_client.is_made());
            let tls = at_server.transport().peer().tls().unwrap();
            assert_eq!(tls.alpn.as_deref(), Some(&b"http/1.1"[..]));
            let name = tls.peer_certificate.and_then(|certificate| certificate.common_name());
            assert_eq!(name.as_deref(), server.contains("clientCA").then_some("a-client.test"));
            at_client.transport().write(b"hello");
            world.until("the echo is back", || at_client.received_len() == 5);
        }
    }
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let scratch = files();
    let reactor = testing::simulated();
    let refused = |text: &str| {
        let error = reactor.listen(&described(&scratch, text), |_: &Peer| Log::new().probe()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.to_string()
    };
    let place = |message: &str, text: &str, words: &str| {
        let described = described(&scratch, text);
        let at = described.split_once(words).expect("it is in there").0.chars().count() + 1;
        assert!(message.contains(&format!("at character {at} of")), "{message}: not at {at}");
    };
    let path = |name: &str| quote(&scratch.path(name).to_string_lossy());
    for (text, words, says) in [
        ("ssl:443", "", "expected the file of the private key"),
        ("ssl:443:privateKey={missing.pem}", "missing", "could not read the file"),
        ("ssl:443:privateKey={no.pem}", "no", "there is no certificate in it"),
        ("ssl:443:privateKey={client-key.pem}:certKey={chain.pem}", "chain", "not that of the certificate"),
        ("ssl:443:privateKey={both.pem}:clientAuth=maybe", "maybe", "expected required or optional"),
        ("ssl:443:privateKey={both.pem}:clientAuth=optional", "optional", "does not go without clientCA"),
        ("ssl:443:privateKey={both.pem}:crl={no.pem}", "no", "crl does not go without clientCA"),
        ("tls:443:privateKey={both.pem}:crl={no.pem}", "no", "crl does not go without clientCA"),
        ("ssl:443:privateKey={both.pem}:handshakes=few", "few", "expected a number of connections from 1"),
        ("ssl:443:privateKey={both.pem}:handshakesPerAddress=-16", "-16", "expected a number of connections from 1"),
        ("ssl:443:privateKey={both.pem}:alpn=h2,,", "h2", "expected names of protocols"),
        ("ssl:443:privateKey={both.pem}:minimumVersion=1.1", "1.1", "expected 1.2 or 1.3"),
        ("ssl:443:privateKey={both.pem}:sslmethod=TLS", "sslmethod", "unknown keyword"),
    ] {
        let message = refused(text);
        assert!(message.contains(says), "{message}");
        let words = match words {
            "missing" | "no" | "chain" => path(&format!("{words}.pem")),
            words => words.to_owned(),
        };
        if !words.is_empty() {
            place(&message, text, &words);
        }
    }
}

#[test]
fn a_client_that_is_described_wrongly_does_not_connect() {
    let scratch = files();
    let mut world = World::new(Ground::SimulatedTcp);
    for (text, says) in [
        ("tls:127.0.0.1:443:trustRoots={no.pem}", "there is no certificate in it"),
        ("tls:127.0.0.1:443:trustRoots={ca.pem}:caCertsDir={ca.pem}", "are the same"),
        ("tls:127.0.0.1:443:trustRoots={ca.pem}:certificate={chain.pem}", "does not go without its key"),
        ("tls:127.0.0.1:443:trustRoots={ca.pem}:pin=abc", "64 hexadecimal digits"),
        ("tls:127.0.0.1:443:trustRoots={ca.pem}:serverName=no name", "expected a DNS name"),
    ] {
        let attempt = world.reactor.connect(&described(&scratch, text), Once::new(Log::new().probe()));
        world.settle();
        let error = refusal(attempt);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_port_by_a_string_reads_its_files_anew() {
    let scratch = files();
    let mut world = World::new(Ground::RealTcp);
    let text = "ssl:0:interface=127.0.0.1:privateKey={both.pem}";
    let logs = Log::new();
    let served = logs.clone();
    let port = world.reactor.listen(&described(&scratch, text), move |_: &Peer| served.probe()).unwrap();
    let shown = |world: &mut World| {
        let client = Log::new();
        let address = format!("tls:localhost:{}:trustRoots={{ca.pem}}", port.address().port().unwrap());
        world.reactor.connect(&described(&scratch, &address), Once::new(client.probe())).detach();
        world.until("it is there", || client.is_made());
        let tls = client.transport().peer().tls().unwrap();
        (client, tls.peer_certificate.unwrap().dns_names())
    };
    let (first, names) = shown(&mut world);
    assert_eq!(names, ["server.test", "localhost"]);
    let other = authority().issue(&Wish::server(&["localhost", "other.test"]));
    fs::write(scratch.path("both.pem"), format!("{}{}", other.key, other.chain)).unwrap();
    port.reload_tls().unwrap();
    assert_eq!(shown(&mut world).1, ["localhost", "other.test"]);
    fs::write(scratch.path("both.pem"), "nothing").unwrap();
    let error = port.reload_tls().unwrap_err();
    assert!(error.to_string().contains("both.pem"), "{error}");
    assert_eq!(shown(&mut world).1, ["localhost", "other.test"]);
    // Whoever was there has not noticed.
    first.transport().write(b"still here");
    world.until("it has arrived", || logs.received().ends_with(b"still here"));
}

#[test]
fn a_client_endpoint_reads_its_files_once_and_resumes_sessions() {
    let scratch = files();
    let mut world = World::new(Ground::RealTcp);
    let server = described(&scratch, "ssl:0:interface=127.0.0.1:privateKey={both.pem}");
    let port = world.reactor.listen(&server, |_: &Peer| Log::new().probe().echo()).unwrap();
    let place = format!("tls:localhost:{}:trustRoots={{ca.pem}}", port.address().port().unwrap());
    let endpoint = ClientEndpoint::parse(&described(&scratch, &place)).unwrap();
    fs::remove_file(scratch.path("ca.pem")).unwrap();
    let resumed = [(); 2].map(|()| {
        let log = Log::new();
        endpoint.connect(&world.reactor, Once::new(log.probe())).detach();
        world.until("the connection stands", || log.is_made());
        log.transport().write(b"hello");
        world.until("the echo is back", || log.received_len() == 5);
        log.transport().peer().tls().unwrap().resumed
    });
    assert_eq!(resumed, [false, true]);
}
