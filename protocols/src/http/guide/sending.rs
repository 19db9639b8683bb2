//! Files, responses that come as they come, events, trailers, compression.
//!
//! # Files
//!
//! [`Files`](crate::http::Files) is a handler that serves a folder:
//!
//! ```
//! use lariat_protocols::http::{Files, Request, Router};
//!
//! # let folder = std::env::temp_dir().join(format!("lariat-guide-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # std::fs::write(folder.join("site.css"), "body { }")?;
//! # std::fs::write(folder.join(".secret"), "")?;
//! let mut router = Router::new();
//! router.get("/", |_: &mut Request<'_>| "a page");
//! router.nest("/static", Files::new(&folder)?.with_precompressed(true));
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # let whole = client.get("/static/site.css");
//! # assert_eq!((whole.text(), whole.header("Content-Type")), ("body { }", Some("text/css; charset=utf-8")));
//! # let part = client.send(TestRequest::get("/static/site.css").with_header("Range", "bytes=0-3"));
//! # assert_eq!((part.text(), part.status().code()), ("body", 206));
//! # let tag = whole.header("ETag").unwrap();
//! # assert_eq!(client.send(TestRequest::get("/static/site.css").with_header("If-None-Match", tag)).status().code(), 304);
//! # assert_eq!(client.get("/static/.secret").status().code(), 404);
//! # assert_eq!(client.get("/static/%2e%2e/%2e%2e/etc/passwd").status().code(), 404);
//! # assert_eq!(client.get("/static/").status().code(), 404);
//! # }
//! # std::fs::remove_dir_all(&folder)?;
//! # std::io::Result::Ok(())
//! ```
//!
//! - **Conditions and ranges** are answered as RFC 9110 says: a browser that has the file gets a 304, one that goes on with a download its
//!   part.
//! - **Nothing outside the folder** is opened: neither by `..`, however it is written, nor by a symbolic link; the kernel sees to that. What is
//!   hidden, by a dot before its name, is not there.
//! - **Large files** go from the disk to the network without coming through the process.
//! - **Caches** are told to ask each time. For files whose name has their version in it, say `max-age=31536000, immutable`, with
//!   [`with_cache_control`](crate::http::Files::with_cache_control).
//! - **With** [`with_listing`](crate::http::Files::with_listing) folders are listed, with [`with_fallback`](crate::http::Files::with_fallback)
//!   an application in the browser gets its page for every path, and with [`with_precompressed`](crate::http::Files::with_precompressed)
//!   `site.css.br` is sent for `site.css`.
//!
//! The `web` example is all of that with a command line. A single file that a handler has chosen is a [`Body::file`](crate::http::Body::file).
//!
//! # As it comes
//!
//! A response that is large, or not known yet when it begins, is written by an async function. It goes out in chunks:
//!
//! ```
//! use lariat::Failure;
//! use lariat_protocols::http::{Body, Request, Response, Router};
//!
//! let mut router = Router::new();
//! router.get("/numbers", |_: &mut Request<'_>| {
//!     Response::text(Body::written_by(async |body| {
//!         for number in 0..100_000 {
//!             // Not faster than the client reads.
//!             body.ready().await;
//!             body.write(format!("{number}\n"));
//!         }
//!         Ok::<_, Failure>(())
//!     }))
//! });
//! # #[cfg(feature = "testing")]
//! # assert!(lariat_protocols::http::testing::TestClient::new(router).get("/numbers").text().ends_with("\n99999\n"));
//! ```
//!
//! - **When it is done**, the body has ended. If it fails, the connection ends in the middle, for that is how a client learns that something is
//!   missing.
//! - **If the client goes**, it is dropped where it waits.
//! - [**`ready`**](crate::http::BodyWriter::ready) waits while the client is behind. Who does not ask fills the connection's queue, and ends
//!   with it at [its limit](super::limits).
//! - [**`with_length`**](crate::http::Body::with_length) says how long it will be, if that is known, and then there are no chunks.
//!
//! The other ways to the same: [`Body::stream`](crate::http::Body::stream) sends an async stream,
//! [`Body::producer`](crate::http::Body::producer) asks a [`BodyProducer`](crate::http::BodyProducer) for more, which is the cheapest, and
//! [`Body::writer`](crate::http::Body::writer) hands out the [`BodyWriter`](crate::http::BodyWriter) itself, to be kept anywhere and written to
//! from any callback.
//!
//! # Server-sent events
//!
//! A page's `new EventSource("/ticks")` stays connected and gets what the server has to tell.
//! [`Response::events_by`](crate::http::Response::events_by) has an async function send it; [`Response::events`](crate::http::Response::events)
//! gives an [`EventWriter`](crate::http::EventWriter) to be kept, in a list of all who listen, say:
//!
//! ```
//! use lariat::Failure;
//! use lariat_protocols::http::{Event, EventWriter, Request, Response, Router};
//! use std::cell::RefCell;
//! use std::rc::Rc;
//! use std::time::Duration;
//!
//! let mut router = Router::new();
//! router.get("/ticks", |request: &mut Request<'_>| {
//!     let reactor = request.reactor().clone();
//!     Response::events_by(async move |events| {
//!         for tick in 1_u64.. {
//!             reactor.sleep(Duration::from_secs(1)).await?;
//!             events.ready().await;
//!             events.send(&Event::new(tick.to_string()).with_id(&tick.to_string()));
//!         }
//!         Ok::<_, Failure>(())
//!     })
//! });
//!
//! let listeners: Rc<RefCell<Vec<EventWriter>>> = Rc::default();
//! let joining = listeners.clone();
//! router.get("/news", move |_: &mut Request<'_>| {
//!     let joining = joining.clone();
//!     Response::events(move |events| joining.borrow_mut().push(events))
//! });
//! router.post("/news", move |request: &mut Request<'_>| {
//!     let listeners = listeners.clone();
//!     request.body().collect().map(move |text| {
//!         let news = Event::new(String::from_utf8_lossy(&text)).with_name("news");
//!         listeners.borrow_mut().retain_mut(|listener| {
//!             listener.send(&news);
//!             listener.is_open()
//!         });
//!     })
//! });
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::Server;
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let server = Server::new(router);
//! # let (mut reader, mut teller) = (TestClient::of(&server), TestClient::of(&server));
//! # reader.start(TestRequest::get("/news"));
//! # teller.send(TestRequest::post("/news").with_body("text/plain", "rain"));
//! # assert_eq!(reader.received().unwrap().text(), "event: news\ndata: rain\n\n");
//! # teller.start(TestRequest::get("/ticks"));
//! # teller.advance(Duration::from_secs(2));
//! # assert_eq!(teller.received().unwrap().text(), "id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n");
//! # }
//! ```
//!
//! A listener that does not read is dropped at the limit of its queue; the others go on. What lies between may take a connection without
//! traffic for a dead one: [`keep_alive`](crate::http::EventWriter::keep_alive) every quarter of a minute helps.
//!
//! # Trailers
//!
//! What is only known at the end, such as a checksum, goes after the body, to clients of HTTP/1.1:
//!
//! ```
//! use lariat::Failure;
//! use lariat_protocols::http::{Body, Fields, Request, Response};
//!
//! fn summed(_: &mut Request<'_>) -> Response {
//!     Response::text(Body::written_by(async |body| {
//!         let mut sum = 0_u32;
//!         for piece in ["one\n", "two\n"] {
//!             body.ready().await;
//!             body.write(piece);
//!             sum = piece.bytes().fold(sum, |sum, byte| sum.wrapping_add(byte.into()));
//!         }
//!         let mut trailers = Fields::new();
//!         trailers.append("X-Sum", sum.to_string())?;
//!         body.finish_with_trailers(&trailers);
//!         Ok::<_, Failure>(())
//!     }))
//! }
//! # #[cfg(feature = "testing")] {
//! # let response = lariat_protocols::http::testing::TestClient::new(summed).get("/");
//! # assert_eq!((response.text(), response.trailers().get_str("X-Sum")), ("one\ntwo\n", Some("688")));
//! # }
//! ```
//!
//! # Compression
//!
//! [`Compressed`](crate::http::Compressed) goes around a handler, and compresses what it answers, in the best coding that the client takes and
//! the features `brotli`, `zstd` and `gzip` have built in:
//!
//! ```
//! use lariat_protocols::http::{Compressed, Request, Router, Server};
//!
//! let mut router = Router::new();
//! router.get("/story", |_: &mut Request<'_>| "Once upon a time. ".repeat(100));
//! let server = Server::new(Compressed::new(router));
//! # #[cfg(all(feature = "testing", feature = "gzip"))] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let story = TestClient::of(&server).send(TestRequest::get("/story").with_header("Accept-Encoding", "gzip"));
//! # assert_eq!((story.header("Content-Encoding"), story.header("Vary")), (Some("gzip"), Some("Accept-Encoding")));
//! # assert!(story.body().len() < 200);
//! # }
//! ```
//!
//! It leaves alone what would not get smaller: pictures, what is compressed already, what is short. What comes as it comes is compressed as it
//! comes, and an event still reaches its listener immediately. Large pieces and files are compressed by threads of the reactor's pool, so that
//! other visitors do not wait; a file that does not change is better compressed once, beside the file. A page that has a secret in it and repeats what a visitor sends is not to be compressed over TLS, for its length then reveals
//! the secret (the attack called BREACH).
