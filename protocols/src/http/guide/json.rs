//! JSON both ways, by [serde](https://serde.rs), with the feature `json`.
//!
//! ```toml
//! [dependencies]
//! lariat-protocols = { version = "0.1", features = ["json"] }
//! serde = { version = "1", features = ["derive"] }
//! ```
//!
//! [`Request::json`](crate::http::Request::json) reads a value, [`Response::json`](crate::http::Response::json) writes one:
//!
//! ```
//! use lariat_protocols::http::{JsonError, Request, Response, Router, Status};
//! use serde::{Deserialize, Serialize};
//! use std::cell::RefCell;
//! use std::rc::Rc;
//!
//! #[derive(Clone, Deserialize, Serialize)]
//! struct Room {
//!     name: String,
//!     #[serde(default)]
//!     seats: u32,
//! }
//!
//! let rooms: Rc<RefCell<Vec<Room>>> = Rc::default();
//!
//! let mut router = Router::new();
//! let all = rooms.clone();
//! router.get("/rooms", move |_: &mut Request<'_>| Response::json(&*all.borrow()));
//! router.post("/rooms", move |request: &mut Request<'_>| {
//!     let (room, rooms) = (request.json::<Room>(), rooms.clone());
//!     async move {
//!         rooms.borrow_mut().push(room.await?);
//!         Ok::<_, JsonError>(Response::new(Status::CREATED))
//!     }
//! });
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # let room = TestRequest::post("/rooms").with_body("application/json", r#"{"name":"hall","seats":40}"#);
//! # assert_eq!(client.send(room).status(), Status::CREATED);
//! # assert_eq!(client.get("/rooms").text(), r#"[{"name":"hall","seats":40}]"#);
//! # let mut refused = |content_type, body: &str| client.send(TestRequest::post("/rooms").with_body(content_type, body)).status().code();
//! # assert_eq!(refused("text/plain", "{}"), 415);
//! # assert_eq!(refused("application/json", "{"), 400);
//! # assert_eq!(refused("application/json", "{}"), 422);
//! # }
//! ```
//!
//! | the body | is answered |
//! | --- | --- |
//! | has another `Content-Type`, or none | 415, before any of it is read |
//! | is no JSON | 400 |
//! | is JSON, but no `Room` | 422 |
//! | is longer than [the limit](crate::http::Limits::body) | 413 |
//!
//! An API tells its users more. The error says what was wrong, and where:
//!
//! ```
//! use lariat_protocols::http::{Request, Response, Router};
//!
//! let mut router = Router::new();
//! router.post("/sum", |request: &mut Request<'_>| {
//!     let numbers = request.json::<Vec<i64>>();
//!     async move {
//!         match numbers.await {
//!             Ok(numbers) => Response::text(format!("{}\n", numbers.iter().sum::<i64>())),
//!             Err(error) => Response::text(format!("{error}\n")).with_status(error.status()),
//!         }
//!     }
//! });
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let response = TestClient::new(router).send(TestRequest::post("/sum").with_body("application/json", "[1, true]"));
//! # assert_eq!(response.text(), "invalid type: boolean `true`, expected i64 at line 1 column 8\n");
//! # assert_eq!(response.status().code(), 422);
//! # }
//! ```
//!
//! The whole of a body is there before it is read as JSON, and the whole of a response before it is sent: JSON is no format for what has no
//! end. For that, write a value a line, [as they come](super::sending#as-it-comes).
