//! What is around a site: a log, authentication, cookies, virtual hosts, and streams of events.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use lariat_protocols::http::{
    Authenticated, Cookie, Credentials, Event, EventWriter, Request, Response, Router, SameSite, Server, VirtualHosts,
};

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
            r#"[06/Nov/1994:08:49:37 +0000] "-" 400 16 "-" "-""#,
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
    assert!(line.contains("\"GET /slow HTTP/1.1\" - - "), "{line}");
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
