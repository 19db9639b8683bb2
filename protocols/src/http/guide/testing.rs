//! Handlers and servers tested without a network, with the feature `testing`.
//!
//! ```toml
//! [dev-dependencies]
//! lariat-protocols = { version = "0.1", features = ["testing"] }
//! ```
//!
//! # A handler
//!
//! A [`TestClient`](crate::http::testing::TestClient) asks a handler, or a whole server, over a connection in memory. No port, no thread, no
//! loop to run; the request goes through everything that it goes through in production, and what comes back has gone over the wire:
//!
//! ```
//! use lariat_protocols::http::testing::{TestClient, TestRequest};
//! use lariat_protocols::http::{Request, Router, Status};
//!
//! fn site() -> Router {
//!     let mut router = Router::new();
//!     router.get("/hello/{name}", |request: &mut Request<'_>| {
//!         format!("hello {}", request.path_parameter("name").unwrap_or("you"))
//!     });
//!     router.post("/shout", |request: &mut Request<'_>| request.body().collect().map(|text| text.to_ascii_uppercase()));
//!     router
//! }
//!
//! // In a test:
//! let mut client = TestClient::new(site());
//!
//! assert_eq!(client.get("/hello/Ada").text(), "hello Ada");
//! assert_eq!(client.get("/goodbye").status(), Status::NOT_FOUND);
//!
//! let request = TestRequest::post("/shout").with_header("X-Mood", "quiet").with_body("text/plain", "hey");
//! let response = client.send(request);
//! assert_eq!((response.text(), response.header("Content-Length")), ("HEY", Some("3")));
//! ```
//!
//! With the feature `json`, a request's `with_json` and a response's `json` speak and read what an API does. To test limits, error pages or the
//! access log, set up a server and ask [that](crate::http::testing::TestClient::of).
//!
//! # Time
//!
//! Time stands still until the test moves it; an hour takes no time. A request that is answered later is
//! [started](crate::http::testing::TestClient::start), and its response looked for when it is due:
//!
//! ```
//! use lariat_protocols::http::testing::{TestClient, TestRequest};
//! use lariat_protocols::http::{Limits, Request, Server};
//! use std::time::Duration;
//!
//! let slow = |request: &mut Request<'_>| request.reactor().sleep(Duration::from_secs(3600)).map(|()| "at last");
//! let server = Server::new(slow).with_limits(Limits { keep_alive: Duration::from_secs(5), ..Limits::default() });
//! let mut client = TestClient::of(&server);
//!
//! client.start(TestRequest::get("/"));
//! client.advance(Duration::from_secs(3599));
//! assert!(client.response().is_none());
//! client.advance(Duration::from_secs(1));
//! assert_eq!(client.response().unwrap().text(), "at last");
//!
//! // Nothing more is asked, and the server hangs up.
//! client.advance(Duration::from_secs(5));
//! assert!(client.wire().is_some_and(|wire| wire.is_closed()));
//! ```
//!
//! [`received`](crate::http::testing::TestClient::received) shows what has come of a response that goes on, such as one of events, and
//! [`clock`](crate::http::testing::TestClient::clock) is the reactor, for what a test wants of it itself.
//!
//! # Bytes
//!
//! For what no well-behaved client sends there is the connection itself. It is a [`MemoryTransport`](lariat::testing::MemoryTransport), as for
//! every protocol: the test feeds bytes, cuts the line, or reads so slowly that the server has to wait:
//!
//! ```
//! use lariat::StreamOptions;
//! use lariat::testing::{MemoryTransport, VirtualClock};
//! use lariat_protocols::http::{Request, Server};
//!
//! let server = Server::new(|_: &mut Request<'_>| "hello");
//! let mut wire = MemoryTransport::serve(&VirtualClock::new(), server.clone(), StreamOptions::default());
//! wire.feed(b"GET / HTTP/1.1\r\nHost: here\nGET");
//! assert!(wire.take_written().starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
//! assert!(!wire.is_open());
//! assert_eq!(server.stats().refused, 1);
//! ```
//!
//! A handler that panics is answered with 500 here as well, as it is in production: assert on what was answered.
//!
//! # Everything at once
//!
//! A server with its database and its clients, on a network that delays and breaks, is what [`Simulation`](lariat::testing::Simulation) is for;
//! a [`Server`](crate::http::Server) listens there as it does anywhere. Lariat's own guide tells [how](lariat::guide::testing).
