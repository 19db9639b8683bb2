//! What is around a site: a log, authentication, cookies, virtual hosts, and streams of events.

use std::cell::Cell;
use std::fs::{self, File};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use lariat::{Deferred, Reactor};
use lariat_protocols::http::testing::{TestClient, TestRequest};
use lariat_protocols::http::{
    Authenticated, Body, BodyWriter, Cookie, Credentials, Event, EventWriter, LoginThrottle, Request, Response, Router,
    SameSite, Server, VirtualHosts, constant_time_eq,
};

use lariat::{ConnectOptions, ListenOptions, Once};
use lariat_tests::certificates::{Wish, authority};
use lariat_tests::harness::{Ground, Log, Scratch, World};

use crate::site::{answer_of, body, router, text, wire_of};

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server whose log's lines are kept.
fn logged(server: Server) -> (Server, Rc<Cell<Vec<String>>>) {
    let lines = Rc::new(Cell::new(Vec::new()));
    let kept = lines.clone();
    let log = move |line: &str| {
        let mut lines = kept.take();
        lines.push(line.to_owned());
        kept.set(lines);
    };
    let clock = || UNIX_EPOCH + Duration::from_secs(784_111_777);
    (server.with_clock(clock).with_access_log(log), lines)
}

#[test]
fn every_request_is_logged_once_in_the_combined_format() {
    let (server, lines) = logged(Server::new(router()));
    let mut wire = wire_of(server);
    wire.feed(b"GET /hello?a=b HTTP/1.1\r\nHost: a\r\nReferer: http://b/\r\nUser-Agent: curl/8\r\n\r\n");
    wire.feed(b"HEAD /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    wire.feed(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    wire.feed(b"nonsense\r\n\r\n");
    let lines = lines.take();
    let ends: Vec<_> =
        lines.iter().map(|line| line.split_once(" - - ").expect("it begins with who it was").1).collect();
    assert_eq!(
        ends,
        [
            r#"[06/Nov/1994:08:49:37 +0000] "GET /hello?a=b HTTP/1.1" 200 5 "http://b/" "curl/8""#,
            r#"[06/Nov/1994:08:49:37 +0000] "HEAD /hello HTTP/1.0" 200 - "-" "-""#,
            r#"[06/Nov/1994:08:49:37 +0000] "POST /echo HTTP/1.1" 200 3 "-" "-""#,
            r#"[06/Nov/1994:08:49:37 +0000] "nonsense" 400 16 "-" "-""#,
        ]
    );
}

#[test]
fn a_line_of_the_log_is_one_line_of_text_whatever_the_client_sends() {
    let (server, lines) = logged(Server::new(router()));
    let agent = b"GET /\"hello HTTP/1.1\r\nHost: a\r\nUser-Agent: a\"\\b\x1b[2Jc\xff\td\r\n\r\n";
    let clean: Vec<u8> = agent.iter().copied().filter(|byte| *byte != 0x1b).collect();
    answer_of(&server, clean);
    let line = lines.take().pop().expect("it is logged");
    assert!(line.ends_with(r#""GET /\"hello HTTP/1.1" 404 14 "-" "a\"\\b[2Jc\xff\x09d""#), "{line}");
}

#[test]
fn a_request_whose_client_goes_before_the_response_is_logged_too() {
    let (server, lines) = logged(Server::new(router()));
    let mut wire = wire_of(server);
    wire.feed(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    wire.reset();
    let line = lines.take().pop().expect("it is logged");
    assert!(line.ends_with("\"GET /slow HTTP/1.1\" - - \"-\" \"-\" aborted"), "{line}");
}

const LARGE: usize = 100_000;

/// A server of one large body, of each kind.
fn large(kind: &'static str) -> (Server, Rc<Cell<Vec<String>>>) {
    let content = vec![b'x'; LARGE];
    let scratch = Scratch::new();
    fs::write(scratch.path("large"), &content).expect("there is room");
    let file = Arc::new(File::open(scratch.path("large")).expect("it is there"));
    logged(Server::new(move |_: &mut Request<'_>| {
        let content = content.clone();
        Response::bytes(match kind {
            "static" => Body::from(&*content.leak()),
            "owned" => Body::from(content),
            "shared" => Body::from(Bytes::from(content)),
            "file" => Body::file(file.clone(), 0..LARGE as u64),
            _ => Body::writer(move |mut writer| {
                for piece in content.chunks(1000) {
                    writer.write(piece);
                }
                writer.finish();
            })
            .with_length(LARGE as u64),
        })
    }))
}

const KINDS: [&str; 5] = ["static", "owned", "shared", "file", "streamed"];

#[test]
fn a_response_is_logged_when_the_kernel_has_all_of_it() {
    for kind in KINDS {
        let (server, lines) = large(kind);
        let mut wire = wire_of(server);
        wire.peer_takes(60_000);
        wire.feed(GET.as_bytes());
        assert_eq!(lines.take(), [""; 0], "{kind}: it is still being sent");
        wire.peer_takes(60_000);
        let lines = lines.take();
        assert_eq!(lines.len(), 1, "{kind}");
        assert!(lines[0].ends_with(r#" 200 100000 "-" "-""#), "{kind}: {}", lines[0]);
    }
}

#[test]
fn a_response_that_is_cut_off_is_logged_as_aborted() {
    for kind in KINDS {
        let (server, lines) = large(kind);
        let mut wire = wire_of(server);
        wire.peer_takes(60_000);
        wire.feed(GET.as_bytes());
        let head = wire.written().len() - body(&text(wire.written())).len();
        wire.reset();
        let lines = lines.take();
        assert_eq!(lines.len(), 1, "{kind}");
        let end = format!(r#" 200 {} "-" "-" aborted"#, 60_000 - head);
        assert!(lines[0].ends_with(&end), "{kind}: {} and not {end}", lines[0]);
    }
}

#[test]
fn of_pipelined_responses_only_the_unsent_ones_are_aborted() {
    let (server, lines) = logged(Server::new(|_: &mut Request<'_>| "x".repeat(1000)));
    let mut wire = wire_of(server);
    wire.peer_takes(2500);
    wire.feed(GET.repeat(3).as_bytes());
    wire.reset();
    let aborted: Vec<bool> = lines.take().iter().map(|line| line.ends_with(" aborted")).collect();
    assert_eq!(aborted, [false, false, true]);
}

#[test]
fn a_stream_whose_client_goes_is_logged_as_aborted() {
    let kept: Rc<Cell<Option<BodyWriter>>> = Rc::default();
    let writers = kept.clone();
    let (server, lines) = logged(Server::new(move |_: &mut Request<'_>| {
        let writers = writers.clone();
        Response::text(Body::writer(move |mut writer| {
            writer.write("x".repeat(1000));
            writers.set(Some(writer));
        }))
    }));
    let mut wire = wire_of(server);
    wire.feed(GET.as_bytes());
    wire.reset();
    let line = lines.take().pop().expect("it is logged");
    assert!(line.ends_with(r#" 200 1000 "-" "-" aborted"#), "{line}");
    drop(kept.take());
}

fn vault() -> Server {
    let open = |credentials: &Credentials| match credentials {
        Credentials::Basic { user, password } => (password == "open: sesame").then(|| user.clone()),
        Credentials::Bearer(token) => (token == "t0ken").then(|| "bearer".to_owned()),
        _ => None,
    };
    let mut inner = Router::new();
    inner.get("/gold", |request: &mut Request<'_>| format!("gold for {}", request.user().unwrap_or("nobody")));
    let mut router = Router::new();
    router.nest("/vault", Authenticated::basic("the \"vault\"\r\n", inner, open));
    Server::new(router)
}

#[test]
fn only_who_is_known_gets_in() {
    let ask = |header: &str| answer_of(&vault(), format!("GET /vault/gold HTTP/1.1\r\nHost: a\r\n{header}\r\n"));
    let sesame = "Authorization: Basic QWxhZGRpbjpvcGVuOiBzZXNhbWU=\r\n";
    assert_eq!(body(&ask(sesame)), "gold for Aladdin");
    assert_eq!(body(&ask("authorization: bearer t0ken\r\n")), "gold for bearer");
    for wrong in [
        "",
        "Authorization: Basic QWxhZGRpbjpvcGVu\r\n",
        "Authorization: Basic QWxhZGRpbjpvcGVuOiBzZXNhbWU\r\n",
        "Authorization: Basic QWxhZGRpbjpvcGVuOiBzZXNhbWV=\r\n",
        "Authorization: Basic ====\r\n",
        "Authorization: Basic \r\n",
        "Authorization: Basic\r\n",
        "Authorization: Digest QWxhZGRpbjpvcGVuOiBzZXNhbWU=\r\n",
        "Authorization: Bearer T0ken\r\n",
        &sesame.repeat(2),
    ] {
        let answer = ask(wrong);
        let challenge = "\r\nWWW-Authenticate: Basic realm=\"the \\\"vault\\\"\", charset=\"UTF-8\"\r\n";
        assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains(challenge), "{wrong}: {answer}");
    }
}

#[test]
fn a_password_is_not_shown() {
    let credentials = Credentials::Basic { user: "me".to_owned(), password: "secret".to_owned() };
    assert!(!format!("{credentials:?} {:?}", Credentials::Bearer("secret".to_owned())).contains("secret"));
}

#[test]
fn a_cookie_that_would_be_another_is_refused() {
    for (name, value) in
        [("a b", "c"), ("", "c"), ("a=", "c"), ("a", "b c"), ("a", "b;c"), ("a", "b\r\n"), ("a", "\u{e9}")]
    {
        assert!(Cookie::new(name, value).is_err(), "{name:?} {value:?}");
    }
    let cookie = Cookie::new("a", "b").expect("it is well-formed");
    for path in ["", "a", "/a;b", "/a\r\nb", "/\u{e9}"] {
        assert!(cookie.clone().with_path(path).is_err(), "{path:?}");
    }
    let plain = cookie.insecure().visible_to_scripts().with_same_site(SameSite::Strict);
    assert_eq!(plain.with_path("/x").expect("it is a path").to_string(), "a=b; Path=/x; SameSite=Strict");
    let forget = Cookie::forget("a").expect("it is a name").to_string();
    assert_eq!(forget, "a=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
}

#[test]
fn cookies_come_back() {
    let server = Server::new(|request: &mut Request<'_>| {
        let headers = request.head().headers();
        format!("{:?} {:?} {:?}", headers.cookie("a"), headers.cookie("b"), headers.cookie("c"))
    });
    let request = "GET / HTTP/1.1\r\nHost: x\r\nCookie: a=1;b=\"2=3\"; a=4\r\nCookie: c=\r\n\r\n";
    assert_eq!(body(&answer_of(&server, request)), "Some(\"1\") Some(\"2=3\") Some(\"\")");
}

#[test]
fn a_host_has_its_site() {
    let mut hosts = VirtualHosts::new();
    hosts.add("Example.org", |_: &mut Request<'_>| "main");
    hosts.add("*.example.org", |_: &mut Request<'_>| "below");
    hosts.add("special.example.org", |_: &mut Request<'_>| "special");
    hosts.add("[::1]", |_: &mut Request<'_>| "six");
    let server = Server::new(hosts);
    let ask = |host: &str| answer_of(&server, format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    for (host, expected) in [
        ("example.org", "main"),
        ("EXAMPLE.ORG:8080", "main"),
        ("example.org.", "main"),
        ("a.example.org", "below"),
        ("a.b.example.org:1", "below"),
        ("special.example.org", "special"),
        ("[::1]:80", "six"),
        ("[::1]", "six"),
    ] {
        assert_eq!(body(&ask(host)), expected, "{host}");
    }
    for host in ["other.org", "badexample.org", ".example.org", ""] {
        assert!(ask(host).starts_with("HTTP/1.1 421 "), "{host}");
    }
}

/// The status of a response to a request for `host`, over a connection whose handshake was for `name`, if it is one of TLS.
fn status_over_tls(hosts: VirtualHosts, name: Option<&str>, host: &str) -> String {
    let mut world = World::new(Ground::SimulatedTcp);
    let names = ["main.test", "other.test", "a.sub.test", "b.sub.test"];
    let identity = authority().issue(&Wish::server(&names)).identity();
    let (mut there, mut here) = (ListenOptions::default(), ConnectOptions::default());
    if let Some(name) = name {
        there = there.tls(lariat::tls::ServerOptions::new(identity).build().expect("the options fit"));
        let connector = lariat::tls::ClientOptions::new().trust(authority().trust()).build();
        here = here.tls(connector.and_then(|connector| connector.to(name)).expect("the options fit"));
    }
    let port = world.listen_with(there, Server::new(hosts));
    let log = Log::new();
    world.reactor.connect_at(port.address(), here, Once::new(log.probe())).detach();
    let made = log.clone();
    world.until("it is connected", || made.is_made());
    log.transport().write(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
    world.until("it is answered", || log.received().ends_with(b"\n") || log.received().len() > 12);
    String::from_utf8_lossy(&log.received()[9..12]).into_owned()
}

#[test]
fn a_connection_made_for_one_site_carries_no_request_for_another() {
    let hosts = || {
        let mut hosts = VirtualHosts::new();
        hosts.add("main.test", |_: &mut Request<'_>| "main");
        hosts.add("other.test", |_: &mut Request<'_>| "other");
        hosts.add("*.sub.test", |_: &mut Request<'_>| "below");
        hosts
    };
    for (name, host, status) in [
        (Some("main.test"), "main.test", "200"),
        (Some("main.test"), "MAIN.test.:443", "200"),
        (Some("main.test"), "other.test", "421"),
        (Some("other.test"), "main.test", "421"),
        (Some("a.sub.test"), "b.sub.test", "200"),
        (Some("a.sub.test"), "main.test", "421"),
        (Some("main.test"), "unknown.test", "421"),
        (None, "other.test", "200"),
    ] {
        assert_eq!(status_over_tls(hosts(), name, host), status, "{name:?}, {host}");
    }
    assert_eq!(status_over_tls(hosts().with_one_policy(), Some("main.test"), "other.test"), "200");
    // The fallback is a site, too.
    let with_fallback = || {
        let mut hosts = VirtualHosts::new();
        hosts.add("main.test", |_: &mut Request<'_>| "main");
        hosts.fallback(|_: &mut Request<'_>| "others");
        hosts
    };
    assert_eq!(status_over_tls(with_fallback(), Some("other.test"), "a.sub.test"), "200");
    assert_eq!(status_over_tls(with_fallback(), Some("other.test"), "main.test"), "421");
    assert_eq!(status_over_tls(with_fallback(), Some("main.test"), "other.test"), "421");
}

#[test]
fn events_are_sent_as_long_as_somebody_listens() {
    let kept: Rc<Cell<Option<EventWriter>>> = Rc::default();
    let keep = kept.clone();
    let server = Server::new(move |_: &mut Request<'_>| {
        let keep = keep.clone();
        Response::events(move |events| keep.set(Some(events)))
    });
    let mut wire = wire_of(server);
    wire.feed(GET.as_bytes());
    let head = text(wire.take_written());
    assert!(head.contains("\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"), "{head}");
    let mut events = kept.take().expect("the head was sent");
    events.send(&Event::new("one\r\ntwo\rthree").with_name("x\ny"));
    wire.advance(Duration::from_secs(100));
    let event = "event: xy\ndata: one\ndata: two\ndata: three\n\n";
    assert_eq!(text(wire.take_written()), format!("{:x}\r\n{event}\r\n", event.len()));
    drop(events);
    wire.advance(Duration::from_millis(1));
    assert_eq!(text(wire.take_written()), "0\r\n\r\n");
    assert!(wire.is_open(), "the next request may come");
    wire.feed(GET.as_bytes());
    let mut events = kept.take().expect("the head was sent");
    wire.reset();
    assert!(!events.is_open());
    assert_eq!(events.keep_alive(), lariat::WriteStatus::Closed);
}

#[test]
fn a_server_answers_only_for_the_hosts_it_is_told() {
    let server = Server::new(router()).with_hosts(["localhost", "127.0.0.1", "[::1]"]);
    for (host, status) in [
        ("localhost", "200 OK"),
        ("LOCALHOST.:8080", "200 OK"),
        ("127.0.0.1:80", "200 OK"),
        ("[::1]:80", "200 OK"),
        ("evil.example:80", "421 Misdirected Request"),
        ("localhost.evil.example", "421 Misdirected Request"),
        ("[::2]", "421 Misdirected Request"),
    ] {
        let answer = answer_of(&server, format!("GET /hello HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{host}: {answer}");
    }
}

#[test]
fn a_cookie_of_one_host_is_secure_and_for_all_paths() {
    let cookie = Cookie::host("a", "b").expect("it is a name");
    assert_eq!(cookie.clone().insecure().to_string(), "__Host-a=b; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert!(cookie.with_path("/a").is_err());
    let secure = Cookie::new("__secure-a", "b").expect("it is a name").insecure();
    assert!(secure.to_string().contains("; Secure;"), "browsers compare prefixes in any case");
}

/// Answers to a list of passwords, one after the other on one connection.
fn statuses(client: &mut TestClient, passwords: &[&str]) -> Vec<u16> {
    let ask = |password: &&str| {
        let request = TestRequest::get("/gold").with_header("Authorization", format!("Bearer {password}"));
        client.send(request).status().code()
    };
    passwords.iter().map(ask).collect()
}

#[test]
fn an_address_waits_after_wrong_passwords_and_a_right_one_ends_that() {
    let gold = |request: &mut Request<'_>| format!("gold for {}", request.user().unwrap_or("nobody"));
    let check = |credentials: &Credentials| match credentials {
        Credentials::Bearer(token) => constant_time_eq(token, "right").then(|| "me".to_owned()),
        _ => None,
    };
    let throttle = LoginThrottle::default().with_free_failures(2);
    let mut client = TestClient::new(Authenticated::bearer("vault", gold, check).with_throttle(throttle.clone()));
    assert_eq!(statuses(&mut client, &["a", "b", "c", "right", "right"]), [401, 401, 401, 429, 429]);
    let refused = client.send(TestRequest::get("/gold").with_header("Authorization", "Bearer right"));
    assert_eq!(refused.header("Retry-After"), Some("1"));
    assert_eq!(client.get("/gold").status().code(), 401, "without credentials it is still asked for them");
    client.advance(Duration::from_secs(1));
    assert_eq!(statuses(&mut client, &["d", "right"]), [401, 429]);
    client.advance(Duration::from_secs(2));
    assert_eq!(statuses(&mut client, &["right", "a", "b", "right"]), [200, 401, 401, 200]);
    assert_eq!(throttle.addresses_remembered(), 0);
}

#[test]
fn a_check_may_take_its_time_and_the_handler_gets_the_whole_request() {
    let (sender, checks) = (Rc::new(Cell::new(Vec::new())), Rc::new(Cell::new(0)));
    let (kept, counted) = (sender.clone(), checks.clone());
    let reactor = Rc::new(Cell::new(None::<Reactor>));
    let known = reactor.clone();
    let check = move |credentials: &Credentials| {
        counted.set(counted.get() + 1);
        let user = match credentials {
            Credentials::Basic { user, password } if password == "right" => Some(user.clone()),
            _ => None,
        };
        let loops = known.take().expect("the client has a reactor");
        let (resolver, deferred) = Deferred::new(&loops);
        known.set(Some(loops));
        let mut waiting = kept.take();
        waiting.push((resolver, user));
        kept.set(waiting);
        deferred
    };
    let answer_all = move || {
        for (resolver, user) in sender.take() {
            let _ = resolver.resolve(user);
        }
    };
    let echo = |request: &mut Request<'_>| {
        let user = request.user().unwrap_or("nobody").to_owned();
        request.body().collect().map(move |body| format!("{user}: {}", String::from_utf8_lossy(&body)))
    };
    let mut client = TestClient::new(Authenticated::basic("vault", echo, check));
    reactor.set(Some((**client.clock()).clone()));
    let post = |password: &str| {
        let header = format!("Basic {}", base64(&format!("Ada:{password}")));
        TestRequest::post("/").with_header("Authorization", header).with_body("text/plain", "a body")
    };
    client.start(post("right"));
    assert!(client.response().is_none(), "the check has not ended");
    answer_all();
    assert_eq!(client.response().expect("it has ended").text(), "Ada: a body");
    client.start(post("wrong"));
    answer_all();
    let refused = client.response().expect("it has ended");
    assert_eq!((refused.status().code(), refused.header("WWW-Authenticate").is_some()), (401, true));
    client.start(post("right"));
    client.wire().expect("it is connected").reset();
    client.advance(Duration::from_secs(1));
    answer_all();
    assert_eq!(checks.get(), 3);
}

/// Base 64, with padding (RFC 4648).
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in text.as_bytes().chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, place| bits << 8 | usize::from(group.get(place).copied().unwrap_or(0)));
        for place in 0..4 {
            let digit = DIGITS[bits >> (18 - 6 * place) & 63];
            encoded.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    encoded
}
