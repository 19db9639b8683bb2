//! HTTP's test client: what it sends, what it gets, and what it does not put up with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use lariat::{Failure, Protocol, Transport};
use lariat_protocols::http::testing::{TestClient, TestRequest, TestResponse};
use lariat_protocols::http::{Body, Event, Fields, JsonError, Limits, Request, Response, Router, Server, Status};
use serde_json::{Value, json};

fn router() -> Router {
    let mut router = Router::new();
    router.any("/{rest..}", |request: &mut Request<'_>| {
        let said = format!("{} {} {:?} ", request.method(), request.head().target(), request.head().headers());
        let later = request.body().collect();
        async move { Ok::<_, Failure>(said + &String::from_utf8_lossy(&later.await?)) }
    });
    router.get("/slow", |request: &mut Request<'_>| request.reactor().sleep(Duration::from_secs(60)).map(|()| "slow"));
    router.get("/last", |_: &mut Request<'_>| {
        Response::text(Body::writer(|mut writer| {
            writer.write("one ");
            writer.write("two");
            let mut trailers = Fields::new();
            trailers.append("X-Sum", "7").expect("it can be sent");
            writer.finish_with_trailers(&trailers);
        }))
    });
    router.get("/broken", |_: &mut Request<'_>| Response::text(Body::writer(drop)));
    router
}

/// The words of what panics.
fn panic_of(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(words) => *words,
        Err(payload) => payload.downcast_ref::<&str>().map_or_else(String::new, ToString::to_string),
    }
}

#[test]
fn a_request_arrives_as_it_was_made() {
    let mut client = TestClient::new(router());
    let request =
        TestRequest::new("PUT", "/a?b=c").with_header("X", "1").with_header("x", "2").with_body("text/css", "b{}");
    let response = client.send(request);
    assert_eq!(
        response.text(),
        r#"PUT /a?b=c {"Host": "localhost", "X": "1", "x": "2", "Content-Type": "text/css", "Content-Length": "3"} b{}"#
    );
    assert_eq!((response.status(), response.header("Date")), (Status::OK, Some("Thu, 01 Jan 1970 00:00:00 GMT")));
    let elsewhere = client.send(TestRequest::get("/").with_header("Host", "elsewhere"));
    assert_eq!(elsewhere.text(), r#"GET / {"Host": "elsewhere"} "#);
}

#[test]
fn requests_share_a_connection_while_it_goes_on() {
    let server = Server::new(router()).with_limits(Limits { requests: 3, ..Limits::default() });
    let mut client = TestClient::of(&server);
    assert!(client.wire().is_none());
    let ids: Vec<_> = (0..7)
        .map(|_| {
            client.get("/");
            client.wire().expect("there is a connection").transport().id()
        })
        .collect();
    assert!(ids.chunk_by(PartialEq::eq).map(<[_]>::len).eq([3, 3, 1]), "{ids:?}");
    client.advance(Duration::from_secs(60));
    assert!(client.wire().is_some_and(|wire| wire.is_closed()), "it was idle");
    assert_eq!(client.get("/").status(), Status::OK);
    assert_eq!(server.stats().requests, 8);
}

#[test]
fn a_late_response_comes_when_its_time_has_come() {
    let mut client = TestClient::new(router());
    client.start(TestRequest::get("/slow"));
    client.advance(Duration::from_secs(59));
    assert!(client.response().is_none() && client.received().is_none());
    client.advance(Duration::from_secs(1));
    assert_eq!(client.response().map(|response| response.text().to_owned()).as_deref(), Some("slow"));
    assert!(client.response().is_none(), "it is given once");
}

#[test]
fn a_response_in_pieces_is_one_with_its_trailers() {
    let mut client = TestClient::new(router());
    let response = client.get("/last");
    assert_eq!((response.text(), response.trailers().get("x-sum")), ("one two", Some(&b"7"[..])));
    assert_eq!(response.header("Transfer-Encoding"), Some("chunked"));
    let head = client.send(TestRequest::new("HEAD", "/last"));
    assert_eq!((head.status(), head.body()), (Status::OK, &b""[..]));
}

#[test]
fn what_a_thread_is_asked_for_is_waited_for() {
    let mut client = TestClient::new(|request: &mut Request<'_>| {
        let (first, reactor) = (request.reactor().defer_to_thread(|| 20), request.reactor().clone());
        async move {
            let first = first.await?;
            let second = reactor.defer_to_thread(move || first + 22).await?;
            Ok::<_, Failure>(second.to_string())
        }
    });
    for _ in 0..20 {
        assert_eq!(client.get("/").text(), "42");
    }
    assert!(client.clock().elapsed().is_zero());
}

#[test]
fn what_goes_on_can_be_looked_at_while_it_does() {
    let ticks = |request: &mut Request<'_>| {
        let reactor = request.reactor().clone();
        Response::events(move |mut events| {
            let clock = reactor.clone();
            let ticking = reactor.spawn(async move {
                while events.ready().await {
                    events.send(&Event::new("tick"));
                    clock.sleep(Duration::from_secs(1)).await?;
                }
                Ok::<_, Failure>(())
            });
            ticking.detach();
        })
    };
    let mut client = TestClient::new(ticks);
    client.start(TestRequest::get("/"));
    client.advance(Duration::from_secs(2));
    let text = |client: &mut TestClient| client.received().map(|response| response.text().to_owned());
    assert_eq!(text(&mut client), Some("data: tick\n\n".repeat(3)));
    client.advance(Duration::from_secs(1));
    assert_eq!(text(&mut client), Some("data: tick\n\n".repeat(4)));
    assert!(client.response().is_none());
    client.wire().expect("it is connected").reset();
    client.advance(Duration::from_secs(2));
    assert!(client.wire().is_some_and(|wire| wire.is_closed()));
}

#[test]
fn what_cannot_be_is_the_tests_mistake() {
    let mut client = TestClient::new(router());
    assert!(panic_of(|| drop(client.get("/slow"))).contains("move the time"));
    assert!(panic_of(|| client.start(TestRequest::get("/"))).contains("takes no request now"));
    client.advance(Duration::from_secs(60));
    assert!(client.response().is_some());
    assert!(panic_of(|| drop(client.get("/broken"))).contains("before the response was whole"));
    assert!(panic_of(|| drop(client.get("/a b"))).contains("target"));
    assert!(panic_of(|| drop(TestRequest::get("/").with_header("X", "\r\n"))).contains("control character"));
    assert_eq!(client.get("/").status(), Status::OK, "it goes on");
}

#[test]
fn a_connection_can_go_over_to_another_protocol() {
    struct Echo;
    impl Protocol for Echo {
        fn data_received(&mut self, transport: &Transport, data: &[u8]) {
            transport.write(data);
        }
    }
    let connect = |request: &mut Request<'_>| match request.method() {
        "CONNECT" => Response::connected(Echo),
        _ => Response::error(Status::UPGRADE_REQUIRED),
    };
    let mut client = TestClient::new(connect);
    assert_eq!(client.get("/").status(), Status::UPGRADE_REQUIRED);
    assert_eq!(client.send(TestRequest::new("CONNECT", "there:7")).status(), Status::OK);
    let wire = client.wire().expect("it is connected");
    wire.feed(b"hello");
    assert_eq!(wire.take_written(), b"hello");
    assert_eq!(client.get("/").status(), Status::UPGRADE_REQUIRED, "on a new connection");
}

fn sum_of(request: TestRequest) -> TestResponse {
    let mut router = Router::new();
    router.post("/sum", |request: &mut Request<'_>| {
        request.set_body_limit(30);
        let numbers = request.json::<Vec<i64>>();
        async move { Ok::<_, JsonError>(Response::json(&json!({ "sum": numbers.await?.iter().sum::<i64>() }))) }
    });
    TestClient::new(router).send(request)
}

#[test]
fn json_comes_in_and_goes_out() {
    let response = sum_of(TestRequest::post("/sum").with_json(&[1, 2, 39]));
    assert_eq!(
        (response.header("Content-Type"), response.json::<Value>()),
        (Some("application/json"), json!({ "sum": 42 }))
    );
    for content_type in ["application/json; charset=utf-8", "Application/JSON", "application/vnd.sums+json"] {
        let response = sum_of(TestRequest::post("/sum").with_body(content_type, " [ 7 ] "));
        assert_eq!(response.text(), r#"{"sum":7}"#, "{content_type}");
    }
}

#[test]
fn what_is_no_json_of_that_shape_is_refused_with_the_status_that_says_why() {
    let status =
        |content_type: &str, body: &str| sum_of(TestRequest::post("/sum").with_body(content_type, body)).status();
    for body in ["[1, 2", "[1] 2", "[1]]", "nonsense", "\u{feff}[1]"] {
        assert_eq!(status("application/json", body), Status::BAD_REQUEST, "{body}");
    }
    for body in ["{}", "\"one\"", "[\"one\"]", "[1.5]", "null"] {
        assert_eq!(status("application/json", body), Status::UNPROCESSABLE_CONTENT, "{body}");
    }
    for content_type in ["text/plain", "application/jsonp", "json", "application/x-www-form-urlencoded"] {
        assert_eq!(status(content_type, "[1]"), Status::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    assert_eq!(sum_of(TestRequest::post("/sum")).status(), Status::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(status("application/json", &format!("[{}1]", "1,".repeat(30))), Status::CONTENT_TOO_LARGE);
}
