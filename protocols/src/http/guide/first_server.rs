//! A server in ten lines, and how requests find their handlers.
//!
//! # Ten lines
//!
//! A *handler* is a function that gets a request and gives a response. A [`Server`](crate::http::Server) has one, and is what a port listens
//! with:
//!
//! ```no_run
//! use lariat::Reactor;
//! use lariat_protocols::http::{Request, Server};
//!
//! fn main() -> lariat::Result<()> {
//!     let reactor = Reactor::new()?;
//!     let server = Server::new(|_: &mut Request<'_>| "hello\n");
//!     let port = reactor.listen("tcp:8080", server)?;
//!     println!("listening on {}", port.address());
//!     reactor.run()
//! }
//! ```
//!
//! Try it with `curl -i localhost:8080`.
//!
//! - Rust wants the type of the argument written, `|_: &mut Request<'_>|`. In a function it stands there anyway.
//! - A string is a response: 200, `text/plain`, in UTF-8. What else is one is told in [`answering`](super::answering).
//! - The server says the rest: where the body ends, Date, whether the connection goes on. HEAD is answered as GET is, without the body.
//! - One thread serves everybody. So a handler must not block: what takes time is [answered later](super::answering#later). Who does block is
//!   named in the log (see [`Reactor::set_slow_callback_limit`](lariat::Reactor::set_slow_callback_limit)).
//! - A handler that panics costs its client a 500 and that one connection. The others go on.
//!
//! # Routes
//!
//! A [`Router`](crate::http::Router) is a handler that chooses another one by path and method:
//!
//! ```
//! use lariat_protocols::http::{Request, Router};
//!
//! fn user(request: &mut Request<'_>) -> String {
//!     format!("this is {}\n", request.path_parameter("name").unwrap_or("nobody"))
//! }
//!
//! let mut router = Router::new();
//! router.get("/", |_: &mut Request<'_>| "the first page\n");
//! router.get("/users/{name}", user);
//! router.delete("/users/{name}", |_: &mut Request<'_>| ());
//! router.get("/users/all", |_: &mut Request<'_>| "Ada and Grace\n");
//! router.get("/rooms/{number}", |request: &mut Request<'_>| -> Option<String> {
//!     let number: u32 = request.path_parameter("number")?.parse().ok()?;
//!     Some(format!("room {number}\n"))
//! });
//! router.get("/files/{path..}", |request: &mut Request<'_>| {
//!     format!("somewhere below: {}\n", request.path_parameter("path").unwrap_or_default())
//! });
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # assert_eq!(client.get("/").text(), "the first page\n");
//! # assert_eq!(client.get("/users/Ad%61").text(), "this is Ada\n");
//! # assert_eq!(client.get("/users/all").text(), "Ada and Grace\n");
//! # assert_eq!(client.get("/rooms/012").text(), "room 12\n");
//! # assert_eq!(client.get("/rooms/twelve").status().code(), 404);
//! # assert_eq!(client.get("/files/a/b%2Fc").text(), "somewhere below: a/b/c\n");
//! # assert_eq!(client.get("/files/").text(), "somewhere below: \n");
//! # assert_eq!(client.get("/users/").status().code(), 404);
//! # assert_eq!(client.get("/users/%zz").status().code(), 400);
//! # let mut status = |method: &str, path: &str| client.send(TestRequest::new(method, path));
//! # assert_eq!(status("HEAD", "/users/Ada").header("Content-Length"), Some("12"));
//! # assert_eq!(status("DELETE", "/users/Ada").status().code(), 204);
//! # let refused = status("POST", "/users/Ada");
//! # assert_eq!((refused.status().code(), refused.header("Allow")), (405, Some("GET, DELETE, HEAD, OPTIONS")));
//! # let options = status("OPTIONS", "/users/Ada");
//! # assert_eq!((options.status().code(), options.header("Allow")), (204, Some("GET, DELETE, HEAD, OPTIONS")));
//! # }
//! ```
//!
//! | asked for | answered with |
//! | --- | --- |
//! | `GET /users/Ad%61` | `this is Ada`: parameters are decoded |
//! | `GET /users/all` | `Ada and Grace`: text goes before a name, wherever it was added |
//! | `GET /rooms/12` | `room 12` |
//! | `GET /rooms/twelve` | 404, which is what `None` is |
//! | `GET /files/a/b%2Fc` | `somewhere below: a/b/c`: whoever makes a file's path of it checks it, or takes [`Files`](crate::http::Files) |
//! | `GET /users/` | 404: a name is not empty, and a slash at the end makes another path |
//! | `GET /users/%zz` | 400 |
//! | `HEAD /users/Ada` | the head of what GET answers |
//! | `DELETE /users/Ada` | 204, which is what `()` is |
//! | `POST /users/Ada` | 405, with `Allow: GET, DELETE, HEAD, OPTIONS` |
//! | `OPTIONS /users/Ada` | 204, with the same `Allow` |
//!
//! There are methods for [GET](crate::http::Router::get), [POST](crate::http::Router::post), [PUT](crate::http::Router::put),
//! [PATCH](crate::http::Router::patch) and [DELETE](crate::http::Router::delete), one for [any other](crate::http::Router::on), and one for
//! [all](crate::http::Router::any). [`fallback`](crate::http::Router::fallback) answers in place of 404.
//!
//! # What handlers share
//!
//! Everything runs on one thread, so handlers share what they like by `Rc`, without locks. A handler is a `Fn`, which the next request calls
//! too; what it changes is in a `Cell` or `RefCell`:
//!
//! ```
//! use lariat_protocols::http::{Request, Router};
//! use std::cell::RefCell;
//! use std::rc::Rc;
//!
//! let guests: Rc<RefCell<Vec<String>>> = Rc::default();
//!
//! let mut router = Router::new();
//! let book = guests.clone();
//! router.put("/guests/{name}", move |request: &mut Request<'_>| {
//!     book.borrow_mut().push(request.path_parameter("name").unwrap_or_default().to_owned());
//! });
//! router.get("/guests", move |_: &mut Request<'_>| guests.borrow().join("\n"));
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # assert_eq!(client.send(TestRequest::new("PUT", "/guests/Ada")).status().code(), 204);
//! # client.send(TestRequest::new("PUT", "/guests/Grace"));
//! # assert_eq!(client.get("/guests").text(), "Ada\nGrace");
//! # }
//! ```
//!
//! In an `async` block, let no borrow live across an `.await`: another request may come in the meantime.
//!
//! # Sites within sites
//!
//! [`nest`](crate::http::Router::nest) gives everything below a path to another handler: another router, the [files of a
//! folder](super::sending#files), or [a guard](super::visitors) around either. What is nested sees the [rest](crate::http::Request::rest) of
//! the path, and need not know where it is:
//!
//! ```
//! use lariat_protocols::http::{Request, Router};
//!
//! fn api() -> Router {
//!     let mut api = Router::new();
//!     api.get("/version", |_: &mut Request<'_>| "1");
//!     api
//! }
//!
//! let mut router = Router::new();
//! router.get("/", |_: &mut Request<'_>| "a page for people");
//! router.nest("/api", api());
//! # #[cfg(feature = "testing")]
//! # assert_eq!(lariat_protocols::http::testing::TestClient::new(router).get("/api/version").text(), "1");
//! ```
//!
//! A path of the router's own goes before what is nested, and what nobody knows below `/api` is the nested router's to answer.
//!
//! # Several hosts
//!
//! [`VirtualHosts`](crate::http::VirtualHosts) chooses by the host that a request is for, and answers 421 to one that is for none of them:
//!
//! ```
//! use lariat_protocols::http::{Request, Response, Server, Status, VirtualHosts};
//!
//! let mut hosts = VirtualHosts::new();
//! hosts.add("example.org", |_: &mut Request<'_>| "the main site");
//! hosts.add("*.example.org", |request: &mut Request<'_>| format!("the site of {}", request.head().host().unwrap_or_default()));
//! hosts.add("example.com", |request: &mut Request<'_>| {
//!     Response::redirect(Status::PERMANENT_REDIRECT, &format!("https://example.org{}", request.head().target()))
//! });
//! let server = Server::new(hosts);
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::of(&server);
//! # let mut get = |host: &str| client.send(TestRequest::get("/a?b").with_header("Host", host));
//! # assert_eq!(get("EXAMPLE.org:8080").text(), "the main site");
//! # assert_eq!(get("ada.example.org").text(), "the site of ada.example.org");
//! # assert_eq!(get("example.com").header("Location"), Some("https://example.org/a?b"));
//! # assert_eq!(get("example.net").status(), Status::MISDIRECTED_REQUEST);
//! # }
//! ```
//!
//! Over TLS, a request whose Host leads to another site than the name in the handshake (SNI) gets 421, too: the certificate and the rules
//! of the connection were chosen by that name. [`with_one_policy`](crate::http::VirtualHosts::with_one_policy) is for sites that all have
//! the same rules.
//!
//! A host's case, its port and a dot at its end do not matter. The first site is not a default one: who wants that says so with
//! [`fallback`](crate::http::VirtualHosts::fallback). A page that a stranger's name leads to is a way to attack a browser.
