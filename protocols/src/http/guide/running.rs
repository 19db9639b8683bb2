//! In production: TLS, proxies, the access log, numbers to watch, several cores, an end in good order.
//!
//! # TLS
//!
//! With the feature `tls` of `lariat`, a port that listens with `ssl:` speaks TLS; the server and its handlers are the same. One server may
//! have several ports:
//!
//! ```no_run
//! use lariat::Reactor;
//! use lariat_protocols::http::{Request, Response, Router, Server, Status};
//!
//! /// The name of the site. A redirect to whatever Host says would lead the client of a forged request, or a cache, to another site.
//! const SITE: &str = "www.example.org";
//!
//! fn main() -> lariat::Result<()> {
//!     let mut router = Router::new();
//!     router.get("/", |_: &mut Request<'_>| {
//!         Response::text("nobody else hears this\n").with_header("Strict-Transport-Security", "max-age=31536000")
//!     });
//!     let redirect = |request: &mut Request<'_>| {
//!         Response::redirect(Status::PERMANENT_REDIRECT, &format!("https://{SITE}{}", request.path()))
//!     };
//!
//!     let reactor = Reactor::new()?;
//!     reactor.listen("ssl:443:privateKey=/etc/site/key.pem:certKey=/etc/site/chain.pem", Server::new(router))?;
//!     reactor.listen("tcp:80", Server::new(redirect))?;
//!     reactor.run()
//! }
//! ```
//!
//! Without the feature such a description is an error that says so. [`Request::peer`](crate::http::Request::peer) tells a handler what was
//! agreed on. Several certificates, client certificates and certificates that are read anew while it runs are told of in the chapter `tls` of
//! [Lariat's own guide](lariat::guide).
//!
//! # Behind a proxy
//!
//! A proxy in front, such as nginx, ends TLS and spreads load. Let the server listen where the proxy alone reaches it, on a Unix socket say,
//! `unix:/run/app.sock:mode=660`, and have the proxy say whom it speaks for, and keep its connections:
//!
//! ```nginx
//! upstream app { server unix:/run/app.sock; keepalive 32; }
//! location / {
//!     proxy_pass http://app;
//!     proxy_http_version 1.1;
//!     proxy_set_header Connection "";
//!     proxy_set_header Host $host;
//!     proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
//!     proxy_set_header X-Forwarded-Proto $scheme;
//! }
//! ```
//!
//! To the server every request comes from the proxy then. [`client_address`](crate::http::Request::client_address) tells whom it is from; it
//! believes proxies alone, for anybody can send such a header:
//!
//! ```
//! use lariat_protocols::http::{Request, Router, Status};
//! use std::net::IpAddr;
//!
//! let is_proxy = |address: IpAddr| address.is_loopback() || address == IpAddr::from([10, 0, 0, 7]);
//!
//! let mut router = Router::new();
//! router.get("/whoami", move |request: &mut Request<'_>| match request.client_address(is_proxy) {
//!     Some(address) => Ok(format!("{address}\n")),
//!     None => Err(Status::BAD_REQUEST),
//! });
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # let mut from = |list| client.send(TestRequest::get("/whoami").with_header("X-Forwarded-For", list)).text().to_owned();
//! # assert_eq!(from("6.6.6.6, 192.0.2.1, 10.0.0.7"), "192.0.2.1\n");
//! # assert_eq!(from("nonsense"), "400 Bad Request\n");
//! # }
//! ```
//!
//! - Let [`keep_alive`](crate::http::Limits::keep_alive) be longer than the proxy keeps its connections, so that it is the proxy that closes
//!   them: nginx has 60 s as well, so 75 s is good.
//! - The access log below has the proxy's address in it. The proxy's own log has the client's.
//! - What the server refuses as [malformed](super::strictness) is refused whatever the proxy thinks of it.
//!
//! # The access log
//!
//! [`with_access_log`](crate::http::Server::with_access_log) hands out a line for each request when the kernel has all of its response,
//! in the Combined Log Format, which every tool for logs can read. The line of a response that its client did not get in full ends in
//! ` aborted`, and has the number of bytes that were sent. Where it goes is yours to say:
//!
//! ```
//! use lariat_protocols::http::{Request, Server};
//! use std::cell::RefCell;
//! use std::rc::Rc;
//!
//! let lines: Rc<RefCell<Vec<String>>> = Rc::default();
//! let log = lines.clone();
//! let server = Server::new(|_: &mut Request<'_>| "hello\n").with_access_log(move |line| log.borrow_mut().push(line.to_owned()));
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let server = server.with_clock(|| std::time::UNIX_EPOCH);
//! # let mut client = TestClient::of(&server);
//! # client.send(TestRequest::get("/a?b").with_header("User-Agent", "curl/\"8\"\u{fc}"));
//! # assert_eq!(
//! #     lines.borrow()[0],
//! #     r#"127.0.0.1 - - [01/Jan/1970:00:00:00 +0000] "GET /a?b HTTP/1.1" 200 6 "-" "curl/\"8\"\xc3\xbc""#
//! # );
//! # }
//! ```
//!
//! A line is printable ASCII whatever a client sends, with the rest escaped: no request can write a line of its own, or speak to a terminal.
//! A request that is refused before its head is understood is logged with its first line, escaped and cut at 256 bytes. The function is
//! called on the loop: what it writes to should not block for long, as a file does not as a rule. Create a log file with mode 0640, because
//! it holds addresses of visitors, and reopen it on SIGHUP, so that it can be rotated.
//!
//! What goes wrong in the server itself is reported through the `log` crate: handlers that fail or panic, bodies that end early. Install a
//! logger, such as `env_logger`, or these are silent.
//!
//! # Numbers to watch
//!
//! [`Server::stats`](crate::http::Server::stats) counts requests, responses by class, and what was refused;
//! [`Reactor::stats`](lariat::Reactor::stats) counts connections, bytes and turns. A page for whoever collects them:
//!
//! ```
//! use lariat_protocols::http::{Request, Router, Server};
//! use std::cell::OnceCell;
//! use std::rc::Rc;
//!
//! let mine: Rc<OnceCell<Server>> = Rc::default();
//! let mut router = Router::new();
//! let server = mine.clone();
//! router.get("/metrics", move |request: &mut Request<'_>| {
//!     let (http, loops) = (server.get().map(Server::stats).unwrap_or_default(), request.reactor().stats());
//!     format!(
//!         "http_requests_total {}\nhttp_responses_5xx_total {}\nhttp_refused_total {}\nconnections {}\nqueued_bytes {}\n",
//!         http.requests, http.responses[5], http.refused, loops.connections, loops.queued_bytes,
//!     )
//! });
//! let server = mine.get_or_init(|| Server::new(router));
//! # #[cfg(feature = "testing")]
//! # assert!(lariat_protocols::http::testing::TestClient::of(server).get("/metrics").text().starts_with("http_requests_total 1\n"));
//! ```
//!
//! # Several cores
//!
//! A reactor is one thread's. For more, there is one on each core, with a server of its own; they share nothing but what you have them share:
//!
//! ```no_run
//! use lariat::run_on_cores;
//! use lariat_protocols::http::{Request, Server};
//!
//! fn main() -> lariat::Result<()> {
//!     run_on_cores(0, |_core, reactor| {
//!         reactor.listen("tcp:8080:reuseport=yes", Server::new(|_: &mut Request<'_>| "hello\n"))?;
//!         Ok(())
//!     })?;
//!     Ok(())
//! }
//! ```
//!
//! # An end in good order
//!
//! On SIGTERM or SIGINT, or [`Reactor::stop`](lariat::Reactor::stop), ports close, connections without a request close, and each request in
//! hand gets its response, which says `Connection: close`. What is left at [the drain timeout](lariat::Reactor::set_drain_timeout) is aborted.
//! Streams of events have no end of their own: keep the drain timeout short, or drop their writers in [a
//! trigger](lariat::Reactor::add_trigger).
//!
//! [Lariat's own guide](lariat::guide::production) tells of signals, triggers and limits of the process.
