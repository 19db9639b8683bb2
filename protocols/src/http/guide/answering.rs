//! What a handler answers: at once, later, and when something went wrong.
//!
//! # What is a response
//!
//! | given | sent |
//! | --- | --- |
//! | `&'static str`, `String` | 200, `text/plain; charset=utf-8` |
//! | `&'static [u8]`, `Vec<u8>`, `Bytes`, a [`Body`](crate::http::Body) | 200, `application/octet-stream` |
//! | `()` | 204 |
//! | a [`Status`](crate::http::Status) | that, with [the server's page](#pages-for-errors) from 400 on |
//! | `Option` | what is in it, or 404 |
//! | `Result` | what is in it; both sides are responses |
//! | an error of the operating system's, of Lariat's, or a boxed one | 500; the log says why, and the client does not learn it |
//! | a [`Response`](crate::http::Response) | what it says |
//! | with the feature `http-types`: a `http::Response` | what it says |
//!
//! A type of one's own becomes one by [`IntoResponse`](crate::http::IntoResponse).
//!
//! ```
//! use lariat_protocols::http::{InvalidField, Request, Response, Status};
//!
//! fn closed(_: &mut Request<'_>) -> Result<Response, InvalidField> {
//!     Response::html("<h1>Gone to lunch</h1>")
//!         .with_status(Status::SERVICE_UNAVAILABLE)
//!         .with_header("Retry-After", "3600")
//! }
//!
//! fn moved(_: &mut Request<'_>) -> Result<Response, InvalidField> {
//!     Response::redirect(Status::SEE_OTHER, "/elsewhere?from=here")
//! }
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::TestClient;
//! # let response = TestClient::new(closed).get("/");
//! # assert_eq!((response.status().code(), response.header("retry-after")), (503, Some("3600")));
//! # assert_eq!(TestClient::new(moved).get("/").header("Location"), Some("/elsewhere?from=here"));
//! # }
//! ```
//!
//! Whatever sets a header may fail, for what comes from elsewhere could have a line break in it, and so be two headers or a response of its
//! own. It is refused, and nothing is cleaned up in silence. Content-Length, Connection and their like are the server's, and refused as well.
//!
//! Code that is written for the types of the `http` crate can be a handler's too, with the feature `http-types`: `request.head().to_http()`
//! gives it the request, and a `http::Response` of it is a response. A connection that is to speak another protocol from here on is answered
//! with [`Response::upgrade`](crate::http::Response::upgrade), or [`Response::connected`](crate::http::Response::connected) to CONNECT.
//!
//! # Later
//!
//! Whatever takes time is given as something that will be a response: a [`Deferred`](lariat::Deferred), or a future. Meanwhile the loop serves
//! others. The next request of the same connection waits its turn, so that responses go out in order.
//!
//! ```
//! use lariat::Failure;
//! use lariat_protocols::http::{OwnedRequest, Request, Router};
//! use std::time::Duration;
//!
//! let mut router = Router::new();
//!
//! // A Deferred, as Twisted has them.
//! router.get("/soon", |request: &mut Request<'_>| {
//!     request.reactor().sleep(Duration::from_millis(10)).map(|()| "a little later\n")
//! });
//!
//! // A future, which runs as a task of the loop.
//! router.get("/later/{times}", |request: &mut Request<'_>| later(request.take()));
//!
//! async fn later(request: OwnedRequest) -> Result<String, Failure> {
//!     let times: u32 = request.path_parameter("times").unwrap_or_default().parse().unwrap_or(1);
//!     for _ in 0..times.min(10) {
//!         request.reactor().sleep(Duration::from_millis(10)).await?;
//!     }
//!     Ok(format!("{times} times later\n"))
//! }
//!
//! // Another thread, for what would block this one.
//! router.get("/primes", |request: &mut Request<'_>| {
//!     request.reactor().defer_to_thread(|| {
//!         let primes = (2..1000_u32).filter(|number| (2..*number).all(|divisor| number % divisor != 0));
//!         format!("{} primes below 1000\n", primes.count())
//!     })
//! });
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # for (path, expected) in [
//! #     ("/soon", "a little later\n"), ("/later/3", "3 times later\n"), ("/primes", "168 primes below 1000\n")
//! # ] {
//! #     client.start(TestRequest::get(path));
//! #     client.advance(Duration::from_secs(1));
//! #     assert_eq!(client.response().unwrap().text(), expected);
//! # }
//! # }
//! ```
//!
//! - **What the request lends is gone** when the handler has returned. [`take`](crate::http::Request::take) copies its head, in one allocation,
//!   and moves its body. Who needs but one thing of it copies that.
//! - **If the client goes**, the future is dropped where it waits, and a Deferred is cancelled: immediately after a reset, and 30 s after the
//!   client has closed its writing side ([`half_close`](crate::http::Limits::half_close)), as some clients do so and wait for the response.
//!   Work that has to be done all the same is given to [`spawn`](lariat::Reactor::spawn) and detached, or to a thread.
//! - **A handler that never answers** holds its connection: there is no deadline for it, for nobody but you knows how long it may take. Say so
//!   with [`Deferred::timeout`](lariat::Deferred::timeout), or [`Reactor::timeout`](lariat::Reactor::timeout) in `async` code.
//! - **Threads** are few (see [`set_thread_limit`](lariat::Reactor::set_thread_limit)) and have a queue with an end; what they are given must
//!   be `Send`. A disk, a database driver that blocks, a password's hash are for them.
//!
//! A handler that sometimes has its answer at once gives an [`Answer`](crate::http::Answer), which is either:
//!
//! ```
//! use lariat_protocols::http::{Answer, Request, Status};
//! use std::time::Duration;
//!
//! fn patient(request: &mut Request<'_>) -> Answer {
//!     match request.query() {
//!         Some("now") => Answer::now("as you like\n"),
//!         Some(_) => Answer::now(Status::BAD_REQUEST),
//!         None => Answer::later(request.reactor().sleep(Duration::from_secs(1)).map(|()| "worth the wait\n")),
//!     }
//! }
//! # #[cfg(feature = "testing")]
//! # assert_eq!(lariat_protocols::http::testing::TestClient::new(patient).get("/?now").text(), "as you like\n");
//! ```
//!
//! # Errors
//!
//! A handler that can fail gives a `Result`, whose error knows which response it is. What everybody may learn is told; of what is nobody's
//! business but the operator's, the log gets the reason, and the client a 500:
//!
//! ```
//! use lariat::Failure;
//! use lariat_protocols::http::{IntoResponse, Request, Response, Router, Status};
//! use std::io;
//!
//! enum ShopError {
//!     SoldOut,
//!     Storage(io::Error),
//! }
//!
//! impl IntoResponse for ShopError {
//!     fn into_response(self) -> Response {
//!         match self {
//!             Self::SoldOut => Response::text("sold out\n").with_status(Status::CONFLICT),
//!             Self::Storage(error) => error.into_response(),
//!         }
//!     }
//! }
//!
//! let mut router = Router::new();
//! router.post("/orders", |_: &mut Request<'_>| -> Result<(), ShopError> { Err(ShopError::SoldOut) });
//! router.get("/orders", |_: &mut Request<'_>| -> Result<String, ShopError> {
//!     std::fs::read_to_string("/no/such/file").map_err(ShopError::Storage)
//! });
//! router.get("/", |request: &mut Request<'_>| {
//!     // `?` turns any error into a Failure: 500 as well, but for what a request's body is at fault for.
//!     let length = request.body().collect().map(|body| body.len());
//!     async move { Ok::<_, Failure>(format!("{}\n", length.await?)) }
//! });
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # assert_eq!(client.send(TestRequest::post("/orders")).status(), Status::CONFLICT);
//! # assert_eq!(client.get("/orders").text(), "500 Internal Server Error\n");
//! # assert_eq!(client.get("/").text(), "0\n");
//! # }
//! ```
//!
//! # Pages for errors
//!
//! [`Response::error`](crate::http::Response::error), and a status that is one, have a page that the server gives them, which is plain text
//! unless you say otherwise. What the server finds wrong by itself, such as a malformed request or a path that there is not, has the same:
//!
//! ```
//! use lariat_protocols::http::{Response, Router, Server};
//!
//! let server = Server::new(Router::new()).with_error_page(|status| {
//!     Response::html(format!("<!doctype html><title>{status}</title><h1>{status}</h1><p>Something is not as it should be."))
//! });
//! # #[cfg(feature = "testing")] {
//! # let page = lariat_protocols::http::testing::TestClient::of(&server).get("/nothing");
//! # assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
//! # assert!(page.status().code() == 404 && page.text().contains("<h1>404 Not Found</h1>"));
//! # }
//! ```
//!
//! The status stays what it is, and so do headers that the response had already, such as Allow.
