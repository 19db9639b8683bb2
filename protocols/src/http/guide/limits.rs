//! Every limit and deadline, and what becomes of who exceeds it.
//!
//! A public server is talked to by everybody. Everything that a client can make it keep, wait for or do again has a bound, with a default that
//! suits such a server. [`Limits`](crate::http::Limits) has those of a connection:
//!
//! ```
//! use lariat_protocols::http::{Limits, Request, Server};
//! use std::time::Duration;
//!
//! let limits = Limits { body: 16 * 1024, keep_alive: Duration::from_secs(15), ..Limits::default() };
//! let server = Server::new(|_: &mut Request<'_>| "hello").with_limits(limits);
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::TestClient;
//! # let mut client = TestClient::of(&server);
//! # client.get("/");
//! # client.advance(Duration::from_millis(14_900));
//! # assert!(client.wire().unwrap().is_open());
//! # client.advance(Duration::from_millis(200));
//! # assert!(!client.wire().unwrap().is_open());
//! # }
//! ```
//!
//! | limit | default | beyond it |
//! | --- | --- | --- |
//! | [`head`](crate::http::Limits::head): bytes of a head | 32 KiB | 431; 414 if its first line alone is too long |
//! | [`headers`](crate::http::Limits::headers): headers in it | 100 | 431 |
//! | [`body`](crate::http::Limits::body): bytes of a body | 1 MiB | 413, before any of it is read if its length was announced |
//! | [`trailers`](crate::http::Limits::trailers): bytes of trailers | 8 KiB | 431 |
//! | [`chunk_extensions`](crate::http::Limits::chunk_extensions): bytes of them in a body | 1 KiB | 400 |
//! | [`unread_body`](crate::http::Limits::unread_body): bytes of a body that the handler does not want | 64 KiB | the response, and the connection closes |
//! | [`requests`](crate::http::Limits::requests): requests on a connection | 1,000,000 | the last response says `Connection: close` |
//! | [`head_time`](crate::http::Limits::head_time): a head, from its first byte | 10 s | 408; if no byte has come, the connection closes |
//! | [`empty_lines`](crate::http::Limits::empty_lines): empty lines before a request | 8 | 400 |
//! | [`body_time`](crate::http::Limits::body_time) and [`body_rate`](crate::http::Limits::body_rate): all of a body | 30 s, and a second for each 500 bytes | 408 |
//! | [`unread_time`](crate::http::Limits::unread_time): a body that is read only to be dropped | 10 s | the connection closes |
//! | [`body_idle`](crate::http::Limits::body_idle): between two pieces of a body | 30 s | 408 |
//! | [`write_idle`](crate::http::Limits::write_idle): in which a client takes nothing of its response | 30 s | the connection is aborted |
//! | [`keep_alive`](crate::http::Limits::keep_alive): between two requests | 60 s | the connection closes |
//! | [`half_close`](crate::http::Limits::half_close): a handler's time once the client has closed its writing side | 30 s | the handler is dropped, and the connection closes |
//!
//! After each of these answers the connection closes, for what follows cannot be trusted or would only cost time. If the response has begun
//! already, nothing can be said any more, and it just closes.
//!
//! A handler sets the limit of its own request's body with [`set_body_limit`](crate::http::Request::set_body_limit), and that of a form with
//! [`FormLimits`](crate::http::FormLimits):
//!
//! | limit | default | beyond it |
//! | --- | --- | --- |
//! | [`fields`](crate::http::FormLimits::fields): fields and files | 1,000 | 413 |
//! | [`files`](crate::http::FormLimits::files): files among them | none; 8 with [`uploads`](crate::http::FormLimits::uploads) | 413 |
//! | [`head`](crate::http::FormLimits::head): bytes of a part's head | 8 KiB | 413 |
//! | [`text`](crate::http::FormLimits::text): bytes of names, and of fields that are no files | 64 KiB | 413 |
//! | [`file`](crate::http::FormLimits::file): bytes of a file | 16 MiB | 413 |
//! | [`total`](crate::http::FormLimits::total): bytes of all of it | 256 KiB; 64 MiB with [`uploads`](crate::http::FormLimits::uploads) | 413 |
//! | [`in_memory`](crate::http::FormLimits::in_memory): bytes of files that are kept in memory | 64 KiB | the next file goes to disk |
//! | [`TemporaryFiles`](crate::http::TemporaryFiles): bytes and files on disk, of all forms of the process | 1 GiB, 256 files | 503 |
//!
//! And the reactor has its own, which hold for every connection of whatever protocol:
//!
//! | limit | default | beyond it |
//! | --- | --- | --- |
//! | high-water mark: bytes queued for a client | 64 KiB | writers pause, and nothing more is read from it |
//! | queue limit: the same, from who does not heed the mark | 16 MiB | the connection is aborted |
//! | [byte budget](lariat::Reactor::set_queue_budget): bytes queued for all clients | 256 MiB | of the address that holds most, the connection that has sent nothing for longest is aborted |
//! | close timeout: a close that has something to send | 30 s | the connection is aborted |
//! | [drain timeout](lariat::Reactor::set_drain_timeout): requests in hand when the server stops | 10 s | the connection is aborted |
//!
//! So a client that sends 100,000 requests and reads no response does no harm: after some 64 KiB of responses nothing more is read from it, its
//! requests wait at its own end, and after half a minute it is gone. Requests that come together are taken one after the other.
//!
//! A visit of the loop to a connection answers at most 32 pipelined requests, and takes at most 15 µs and one request more. If requests
//! become slow during a visit, it ends within four of them ([`VisitBudget`](lariat::VisitBudget)). The other connections are served in
//! between.
//!
//! **There is no limit for handlers.** One that waits for ever holds its connection for ever: see [`answering`](super::answering#later).
//!
//! The number of connections is bounded by the process's descriptors (`ulimit -n`); then new ones are refused until one is free. With limits
//! for the port ([`ListenOptions::connections`](lariat::ListenOptions::connections), or `connections=` and `perAddress=` in its endpoint), the
//! most idle connection ends for a new one: first one on which no byte has come, then one that is kept between two requests, and last one whose
//! handler or response is not done.
