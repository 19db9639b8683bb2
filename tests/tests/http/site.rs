//! The site that the tests talk to.

use std::time::{Duration, UNIX_EPOCH};

use lariat::testing::{MemoryTransport, VirtualClock};
use lariat::{Failure, StreamOptions};
use lariat_protocols::http::{Body, Channel, Fields, OwnedRequest, Request, Response, Router, Server, Status};

pub(crate) const HEAD_OF_HELLO: &str = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n";

/// What `/hello` answers on a connection that goes on.
pub(crate) fn hello() -> String {
    format!("{HEAD_OF_HELLO}\r\nhello")
}

/// What it answers on one that closes.
pub(crate) fn last_hello() -> String {
    format!("{HEAD_OF_HELLO}Connection: close\r\n\r\nhello")
}

/// What it answers to whoever knows HTTP/1.0 and asks to keep the connection.
pub(crate) fn kept_hello() -> String {
    format!("{HEAD_OF_HELLO}Connection: keep-alive\r\n\r\nhello")
}

/// The server's own page, with which it closes.
pub(crate) fn page(status: Status) -> String {
    let text = format!("{status}\n");
    format!(
        "HTTP/1.1 {status}\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: text/plain; charset=utf-8\r\n\
         X-Content-Type-Options: nosniff\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}

pub(crate) fn router() -> Router {
    let mut router = Router::new();
    router.get("/hello", |_: &mut Request<'_>| "hello");
    router.get("/slow", |request: &mut Request<'_>| {
        let request = request.take();
        async move {
            request.reactor().sleep(Duration::from_millis(100)).await?;
            Ok::<_, Failure>("slow")
        }
    });
    router.post("/ignore", |_: &mut Request<'_>| "ignored");
    router.post("/length", |request: &mut Request<'_>| request.body().collect().map(|body| body.len().to_string()));
    router.post("/echo", |request: &mut Request<'_>| Response::bytes(Body::stream(request.body())));
    router.post("/trailers", |request: &mut Request<'_>| trailers(request.take()));
    router.get("/trailers", |_: &mut Request<'_>| {
        Response::text(Body::writer(|mut writer| {
            writer.write("text");
            let mut trailers = Fields::new();
            trailers.append("X-Sum", "4").expect("it can be sent");
            writer.finish_with_trailers(&trailers);
        }))
    });
    router.get("/panic", |_: &mut Request<'_>| -> Response { panic!("the handler panics, as it should") });
    router
}

async fn trailers(mut request: OwnedRequest) -> Result<String, Failure> {
    let mut length = 0;
    while let Some(piece) = request.body().next().await {
        length += piece?.len();
    }
    let trailers = request.body().trailers();
    Ok(format!("{length} {:?}", trailers.headers()))
}

/// The site on a server whose clock stands still.
pub(crate) fn server() -> Server {
    Server::new(router()).with_clock(|| UNIX_EPOCH)
}

pub(crate) fn wire() -> MemoryTransport<Channel> {
    wire_of(server())
}

pub(crate) fn wire_of(server: Server) -> MemoryTransport<Channel> {
    MemoryTransport::serve(&VirtualClock::new(), server, StreamOptions::default())
}

/// What a connection to `server` answers to `input`.
pub(crate) fn answer_of(server: &Server, input: impl AsRef<[u8]>) -> String {
    let mut wire = wire_of(server.clone());
    wire.feed(input.as_ref());
    text(wire.take_written())
}

pub(crate) fn answer(input: impl AsRef<[u8]>) -> String {
    answer_of(&server(), input)
}

pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("it is text")
}

/// The body of an answer.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("it has a head").1
}
