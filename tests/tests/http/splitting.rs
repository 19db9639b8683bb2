//! Text that came from elsewhere cannot become a header or a response of its own.

use lariat_protocols::http::{
    Authenticated, Body, BodyLength, ClientConnection, Cookie, Credentials, Event, Fields, IntoResponse, InvalidField,
    Limits, Request, Response, Router, Server, Status,
};

use crate::site::{answer_of, body, hello, router};

/// Values that would not arrive as the value of one header.
const SPLITTING: &[&str] = &[
    "a\r\nSet-Cookie: b",
    "a\nSet-Cookie: b",
    "a\rSet-Cookie: b",
    "a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "\r\n",
    "\n",
    "a\0b",
    "a\u{b}b",
    "a\u{7f}",
    "a\u{1b}[2J",
];

#[test]
fn every_setter_refuses_a_value_that_would_split() {
    for value in SPLITTING {
        let mut fields = Fields::new();
        assert_eq!(fields.append("X", value), Err(InvalidField::Value), "{value:?}");
        assert_eq!(fields.set("X", value), Err(InvalidField::Value), "{value:?}");
        assert!(fields.is_empty());
        let mut response = Response::text("a");
        assert_eq!(response.fields_mut().set("Content-Type", value), Err(InvalidField::Value));
        assert_eq!(response.fields().headers().get_str("content-type"), Some("text/plain; charset=utf-8"));
        assert!(response.with_header("X", value).is_err());
        assert!(Response::text("a").with_content_type(value).is_err());
        assert!(Response::redirect(Status::FOUND, value).is_err());
        assert!(Response::upgrade(value, Nobody).is_err());
        assert!(Cookie::new("a", value).is_err() && Cookie::new(value, "a").is_err() && Cookie::forget(value).is_err());
        assert!(Cookie::new("a", "b").and_then(|cookie| cookie.with_path(&format!("/{value}"))).is_err());
        let disposition = format!("attachment; filename=\"{value}\"");
        assert!(Response::text("a").with_header("Content-Disposition", disposition).is_err());
        let mut client = ClientConnection::new(Limits::default().into());
        let mut out = Vec::new();
        assert!(client.request("GET", "/", value, &Fields::new(), BodyLength::None, &mut out).is_err());
        assert!(client.request(value, "/", "a", &Fields::new(), BodyLength::None, &mut out).is_err());
        assert!(client.request("GET", value, "a", &Fields::new(), BodyLength::None, &mut out).is_err());
        assert!(out.is_empty());
    }
}

struct Nobody;

impl lariat::Protocol for Nobody {
    fn data_received(&mut self, _: &lariat::Transport, _: &[u8]) {}
}

#[test]
fn a_name_that_is_no_token_is_refused() {
    for name in ["", "X Y", "X:", "X\r\nY", "X\0", "X(", "X\u{e9}", " X", "X\t"] {
        let mut fields = Fields::new();
        assert_eq!(fields.append(name, "a"), Err(InvalidField::Name), "{name:?}");
        assert_eq!(fields.set(name, "a"), Err(InvalidField::Name), "{name:?}");
    }
}

#[test]
fn what_says_where_a_message_ends_is_never_set_by_hand() {
    for name in ["Content-Length", "transfer-encoding", "CONNECTION", "Keep-Alive", "TE", "Trailer"] {
        assert_eq!(Fields::new().append(name, "1"), Err(InvalidField::Framing), "{name}");
        assert!(Response::text("a").with_header(name, "1").is_err(), "{name}");
    }
}

#[test]
fn a_handler_that_would_split_is_answered_with_an_error() {
    let server = Server::new(|request: &mut Request<'_>| {
        let target = format!("{}\r\nSet-Cookie: b", request.path());
        Response::redirect(Status::FOUND, &target)
    });
    let answer = answer_of(&server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 500 ") && !answer.contains("Set-Cookie"), "{answer}");
}

#[test]
fn a_header_that_is_set_is_the_only_one_of_its_name() {
    let mut fields = Fields::new();
    fields.append("X", "1").unwrap();
    fields.append("Y", "2").unwrap();
    fields.append("x", "3").unwrap();
    fields.set("X", " 4 ").unwrap();
    assert_eq!(fields.headers().as_bytes(), b"Y: 2\r\nX: 4\r\n");
    assert!(fields.remove("y") && !fields.remove("y"));
    assert_eq!(fields.headers().iter().collect::<Vec<_>>(), [("X", &b"4"[..])]);
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Is it one response, in which nothing has become a header of its own?
fn is_whole(answer: &str) -> bool {
    let head = answer.split_once("\r\n\r\n").map_or(answer, |(head, _)| head);
    let is_one = answer.lines().filter(|line| line.starts_with("HTTP/1.1 ")).count() == 1;
    is_one && !head.contains("\nSet-Cookie") && head.split("\r\n").all(|line| !line.contains(char::is_control))
}

#[test]
fn a_challenge_is_one_header_whatever_the_realm() {
    for value in SPLITTING {
        let ask = |_: &Credentials| None;
        let basic = Server::new(Authenticated::basic(value, |_: &mut Request<'_>| "gold", ask));
        let bearer = Server::new(Authenticated::bearer(value, |_: &mut Request<'_>| "gold", ask));
        for server in [basic, bearer] {
            let answer = answer_of(&server, GET);
            assert!(answer.starts_with("HTTP/1.1 401 ") && is_whole(&answer), "{answer}");
        }
    }
}

#[test]
fn a_method_that_is_none_does_not_get_into_allow() {
    for value in SPLITTING {
        let mut router = Router::new();
        router.on(value, "/", |_: &mut Request<'_>| "never");
        let server = Server::new(router);
        for method in ["OPTIONS", "GET"] {
            let answer = answer_of(&server, format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert!(is_whole(&answer), "{answer}");
        }
    }
}

#[test]
fn an_error_page_that_would_split_is_left_out() {
    for value in SPLITTING {
        let page = move |_: Status| Response::html("<p>sorry").with_header("X", value).into_response();
        let server = Server::new(Router::new()).with_error_page(page);
        let answer = answer_of(&server, GET);
        assert!(answer.starts_with("HTTP/1.1 404 ") && is_whole(&answer) && body(&answer).is_empty(), "{answer}");
    }
}

#[test]
fn an_event_is_one_event_whatever_is_in_it() {
    for value in SPLITTING {
        let event = Event::new(*value).with_name(value).with_id(value).to_string();
        let lines: Vec<_> = event.strip_suffix("\n\n").expect("an empty line ends it").split('\n').collect();
        assert!(!event.contains('\r') && lines.iter().filter(|line| line.starts_with("event: ")).count() <= 1);
        let fields = ["event: ", "id: ", "data: "];
        assert!(lines.iter().all(|line| fields.iter().any(|field| line.starts_with(field))), "{event:?}");
    }
}

#[test]
fn trailers_that_would_split_are_refused_and_the_others_sent() {
    let server = Server::new(|_: &mut Request<'_>| {
        Response::text(Body::writer(|mut writer| {
            let mut trailers = Fields::new();
            for value in SPLITTING {
                assert!(trailers.append("X-Sum", value).is_err() && trailers.append(value, "4").is_err());
            }
            trailers.append("X-Sum", "4").expect("it can be sent");
            writer.write("text");
            writer.finish_with_trailers(&trailers);
        }))
    });
    assert_eq!(body(&answer_of(&server, GET)), "4\r\ntext\r\n0\r\nX-Sum: 4\r\n\r\n");
}

#[test]
fn a_requests_headers_can_be_sent_back_without_what_frames_it() {
    let server = Server::new(|request: &mut Request<'_>| {
        let mut response = Response::text("hello");
        *response.fields_mut() = request.head().headers().to_fields();
        response
    });
    let framed = "Content-Length: 3\r\nX: y\r\nConnection: keep-alive, x\r\nTE: trailers\r\nTrailer: z\r\n\r\nabc";
    let answer =
        answer_of(&server.with_clock(|| std::time::UNIX_EPOCH), format!("POST / HTTP/1.1\r\nHost: a\r\n{framed}"));
    let date = "Date: Thu, 01 Jan 1970 00:00:00 GMT";
    assert_eq!(answer, format!("HTTP/1.1 200 OK\r\n{date}\r\nHost: a\r\nX: y\r\nContent-Length: 5\r\n\r\nhello"));
}

#[test]
fn a_status_that_is_not_the_last_one_is_a_mistake_of_the_handlers() {
    for status in [Status::CONTINUE, Status::EARLY_HINTS, Status::SWITCHING_PROTOCOLS] {
        let mut router = router();
        router.get("/", move |_: &mut Request<'_>| Response::new(status));
        let server = Server::new(router).with_clock(|| std::time::UNIX_EPOCH);
        // Sent as it is, it would have the next request's response taken for this one's, or end HTTP with nothing to follow.
        let answer = answer_of(&server, format!("{GET}GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 500 ") && answer.ends_with(&hello()), "{answer}");
    }
}

#[test]
fn a_handler_that_knows_no_tunnels_grants_none() {
    let server = Server::new(|_: &mut Request<'_>| "hello").with_clock(|| std::time::UNIX_EPOCH);
    let connect = "CONNECT b:80 HTTP/1.1\r\nHost: b:80\r\n\r\n";
    let answer = answer_of(&server, format!("{connect}GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 501 ") && answer.ends_with(&hello()), "{answer}");
}

#[test]
fn an_error_page_keeps_every_header_of_the_response() {
    let server = Server::new(|_: &mut Request<'_>| {
        let [first, second] = ["a", "b"].map(Cookie::forget);
        Response::error(Status::FORBIDDEN).with_cookie(&first?)?.with_cookie(&second?)
    });
    let answer = answer_of(&server, GET);
    assert_eq!(answer.matches("\r\nSet-Cookie: ").count(), 2, "{answer}");
}
