//! Requests that a hook keeps for a while before a handler gets them.

use std::rc::Rc;
use std::time::Duration;

use lariat::Failure;
use lariat_protocols::http::testing::{TestClient, TestRequest};
use lariat_protocols::http::{Answer, Body, Handler, Request, Response, Router, Status};

/// Has every request wait for a second.
fn slowly<Kind: 'static>(handler: impl Handler<Kind>) -> impl Fn(&mut Request<'_>) -> Answer {
    let handler = Rc::new(handler);
    move |request| {
        let (mut request, handler) = (request.take(), handler.clone());
        Answer::later(async move {
            request.reactor().sleep(Duration::from_secs(1)).await?;
            request.set_user("Ada");
            Ok::<_, Failure>(request.hand_to(&*handler).await)
        })
    }
}

fn client() -> TestClient {
    let mut inner = Router::new();
    inner.get("/{name}", |request: &mut Request<'_>| {
        let (name, rest) = (request.path_parameter("name").unwrap_or_default(), request.rest());
        format!(
            "{name} {rest} {} {}",
            request.path_parameter("site").unwrap_or_default(),
            request.user().unwrap_or_default()
        )
    });
    inner.post("/length", |request: &mut Request<'_>| request.body().collect().map(|body| body.len().to_string()));
    inner.post("/echo", |request: &mut Request<'_>| Response::bytes(Body::stream(request.body())));
    inner.post("/twice", |request: &mut Request<'_>| {
        let (first, second) = (request.body().collect(), request.body().collect());
        async move { Ok::<_, Failure>(format!("{} {}", first.await?.len(), second.await?.len())) }
    });
    inner.post("/ignore", |_: &mut Request<'_>| "ignored");
    let mut router = Router::new();
    router.nest("/sites/{site}", slowly(inner));
    TestClient::new(router)
}

fn answered(client: &mut TestClient, request: TestRequest) -> (Status, String) {
    client.start(request);
    client.advance(Duration::from_millis(999));
    assert!(client.response().is_none());
    client.advance(Duration::from_millis(1));
    let response = client.response().expect("it is answered");
    (response.status(), response.text().to_owned())
}

#[test]
fn a_handler_finds_a_request_as_it_came() {
    let mut client = client();
    let (status, text) = answered(&mut client, TestRequest::get("/sites/a/x"));
    assert_eq!((status, text.as_str()), (Status::OK, "x /x a Ada"));
    assert_eq!(answered(&mut client, TestRequest::get("/sites/a/x/y")).0, Status::NOT_FOUND);
    assert_eq!(answered(&mut client, TestRequest::new("PUT", "/sites/a/x")).0, Status::METHOD_NOT_ALLOWED);
}

#[test]
fn a_body_that_came_meanwhile_is_there_once() {
    let mut client = client();
    for length in [0, 1, 64 * 1024, 1024 * 1024] {
        let post =
            |path: &str| TestRequest::post(&format!("/sites/a/{path}")).with_body("text/plain", vec![b'a'; length]);
        assert_eq!(answered(&mut client, post("length")), (Status::OK, length.to_string()));
        assert_eq!(answered(&mut client, post("echo")), (Status::OK, "a".repeat(length)));
        assert_eq!(answered(&mut client, post("twice")), (Status::OK, format!("{length} 0")));
    }
    assert!(client.wire().is_some_and(|wire| wire.is_open()));
}

#[test]
fn a_body_that_nobody_wants_is_skipped() {
    let mut client = client();
    let post = |length| TestRequest::post("/sites/a/ignore").with_body("text/plain", vec![b'a'; length]);
    for length in [1, 60 * 1024] {
        assert_eq!(answered(&mut client, post(length)), (Status::OK, "ignored".to_owned()));
        assert!(client.wire().is_some_and(|wire| wire.is_open()));
    }
    assert_eq!(answered(&mut client, post(1024 * 1024)).0, Status::OK);
}
