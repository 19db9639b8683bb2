//! The guide: how to write an HTTP service.
//!
//! | page | tells |
//! | --- | --- |
//! | [`first_server`] | a server in ten lines, routes, sites within sites, several hosts |
//! | [`answering`] | what a handler may answer, at once, later, or from a thread; errors and their pages; redirects |
//! | [`receiving`] | bodies of requests, whole or as they come; forms, uploads, and who is slow for whom |
//! | `json` | JSON both ways (with the feature `json`) |
//! | [`visitors`] | cookies, sessions, passwords and tokens, hooks of one's own around handlers |
//! | [`sending`] | files, responses that come as they come, server-sent events, trailers, compression |
//! | [`limits`] | every limit and deadline, its default, and what becomes of who exceeds it |
//! | [`strictness`] | which requests are refused, and why |
//! | [`running`] | TLS, life behind a proxy, the access log, numbers to watch, several cores, an end in good order |
//! | `testing` | handlers and servers tested without a network (with the feature `testing`) |
//!
//! It takes the feature `http`:
//!
//! ```toml
//! [dependencies]
//! lariat = "0.1"
//! lariat-protocols = { version = "0.1", features = ["http"] }
//! ```
//!
//! How the reactor itself works, what a [`Deferred`](lariat::Deferred) is, and what protocols other than HTTP take is told by [Lariat's own
//! guide](lariat::guide).
//!
//! The programs in it are compiled and run with Lariat's own tests. Each begins with what it needs and can be copied as it is; only a server
//! that would listen for ever is compiled without being run.

pub mod answering;
pub mod first_server;
#[cfg(feature = "json")]
pub mod json;
pub mod limits;
pub mod receiving;
pub mod running;
pub mod sending;
pub mod strictness;
#[cfg(feature = "testing")]
pub mod testing;
pub mod visitors;
