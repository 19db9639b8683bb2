//! Who is asking: cookies, passwords, tokens, and hooks of one's own.
//!
//! # Cookies
//!
//! A [`Cookie`](crate::http::Cookie) is sent over TLS alone, hidden from scripts, and not added to what other sites have a browser send, unless
//! one says otherwise. So the defaults are those of a session:
//!
//! ```
//! use lariat_protocols::http::{Cookie, InvalidField, Request, Response, Router};
//! use std::time::Duration;
//!
//! let mut router = Router::new();
//! router.get("/visits", |request: &mut Request<'_>| -> Result<Response, InvalidField> {
//!     let before: u32 = request.head().headers().cookie("visits").and_then(|count| count.parse().ok()).unwrap_or(0);
//!     let visits = before.saturating_add(1);
//!     let cookie = Cookie::new("visits", &visits.to_string())?.with_max_age(Duration::from_secs(30 * 24 * 3600));
//!     Response::text(format!("you have been here {visits} times\n")).with_cookie(&cookie)
//! });
//! router.delete("/visits", |_: &mut Request<'_>| Response::text("forgotten\n").with_cookie(&Cookie::forget("visits")?));
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let response = TestClient::new(router).send(TestRequest::get("/visits").with_header("Cookie", "a=b; visits=6"));
//! # assert_eq!(response.text(), "you have been here 7 times\n");
//! # assert_eq!(response.header("Set-Cookie"), Some("visits=7; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax"));
//! # }
//! ```
//!
//! A client may send whatever cookie it likes. What must be true is kept on the server, under a name that nobody can guess: see
//! [below](#sessions-and-other-hooks).
//!
//! # Passwords and tokens
//!
//! [`Authenticated`](crate::http::Authenticated) stands in front of a handler, and lets nobody through that it does not know. Others are
//! answered 401, which has a browser ask its user for a name and a password:
//!
//! ```
//! use lariat_protocols::http::{Authenticated, Credentials, Request, Router, constant_time_eq};
//!
//! let mut api = Router::new();
//! api.get("/me", |request: &mut Request<'_>| format!("you are {}\n", request.user().unwrap_or_default()));
//!
//! let guarded = Authenticated::bearer("the API", api, |credentials: &Credentials| match credentials {
//!     Credentials::Bearer(token) if constant_time_eq(token, "let-me-in") => Some("the machine".to_owned()),
//!     _ => None,
//! });
//!
//! let mut router = Router::new();
//! router.nest("/api", guarded);
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # let known = client.send(TestRequest::get("/api/me").with_header("Authorization", "Bearer let-me-in"));
//! # assert_eq!(known.text(), "you are the machine\n");
//! # let unknown = client.get("/api/me");
//! # assert_eq!((unknown.status().code(), unknown.header("WWW-Authenticate")), (401, Some("Bearer realm=\"the API\"")));
//! # }
//! ```
//!
//! [`basic`](crate::http::Authenticated::basic) is the same for names and passwords. The name that the check gives is the request's
//! [`user`](crate::http::Request::user), and stands in the access log. Passwords are kept as hashes that take their time (argon2, say). To
//! compute one is work for a thread, so the check gives the Deferred of
//! [`defer_to_thread`](lariat::Reactor::defer_to_thread): [`Authenticated`](crate::http::Authenticated) shows it.
//!
//! An address that sends wrong credentials more than five times waits longer and longer before its next ones are looked at, up to a minute; it is
//! answered 429 until then. [`LoginThrottle`](crate::http::LoginThrottle) has the numbers.
//!
//! # Sessions, and other hooks
//!
//! Whatever is to happen before or after other handlers is a handler around them. A [`Handler`](crate::http::Handler) is anything that can be
//! one: a function, a router, a guard. This one looks for a session, and sends who has none to where they get one:
//!
//! ```
//! use lariat_protocols::http::{Answer, Cookie, FormLimits, Handler, IntoResponse, Request, Response, Router, Status};
//! use std::cell::RefCell;
//! use std::collections::HashMap;
//! use std::fs::File;
//! use std::io::{self, Read};
//! use std::rc::Rc;
//!
//! /// Who is logged in, by the names of their sessions.
//! #[derive(Clone, Default)]
//! struct Sessions(Rc<RefCell<HashMap<String, String>>>);
//!
//! impl Sessions {
//!     /// Begins one. Its name is 128 random bits from the operating system.
//!     fn begin(&self, user: &str) -> io::Result<String> {
//!         let mut bits = [0; 16];
//!         File::open("/dev/urandom")?.read_exact(&mut bits)?;
//!         let name = format!("{:032x}", u128::from_be_bytes(bits));
//!         self.0.borrow_mut().insert(name.clone(), user.to_owned());
//!         Ok(name)
//!     }
//!
//!     fn user(&self, request: &Request<'_>) -> Option<String> {
//!         let name = request.head().headers().cookie("session")?;
//!         self.0.borrow().get(name).cloned()
//!     }
//! }
//!
//! /// Lets those through to `handler` who are logged in.
//! fn members_only<Kind: 'static>(sessions: Sessions, handler: impl Handler<Kind>) -> impl Fn(&mut Request<'_>) -> Answer {
//!     move |request| match sessions.user(request) {
//!         Some(user) => {
//!             request.set_user(&user);
//!             handler.handle(request)
//!         }
//!         None => Answer::now(Response::redirect(Status::SEE_OTHER, "/login")),
//!     }
//! }
//!
//! let sessions = Sessions::default();
//! let mut router = Router::new();
//! router.get("/login", |_: &mut Request<'_>| Response::html("<form method=post><input name=user><input name=password type=password><button>"));
//! let beginning = sessions.clone();
//! router.post("/login", move |request: &mut Request<'_>| {
//!     let (form, sessions) = (request.form(FormLimits::default()), beginning.clone());
//!     async move {
//!         let form = form.await.map_err(IntoResponse::into_response)?;
//!         let (Some(user), Some("open sesame")) = (form.get("user"), form.get("password")) else {
//!             return Err(Response::error(Status::FORBIDDEN));
//!         };
//!         let name = sessions.begin(user).map_err(IntoResponse::into_response)?;
//!         let cookie = Cookie::new("session", &name);
//!         Ok(cookie.and_then(|cookie| Response::redirect(Status::SEE_OTHER, "/club")?.with_cookie(&cookie)))
//!     }
//! });
//! router.get("/club", members_only(sessions, |request: &mut Request<'_>| format!("welcome, {}\n", request.user().unwrap_or("you"))));
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # assert_eq!(client.get("/club").header("Location"), Some("/login"));
//! # let login = |password: &str| TestRequest::post("/login").with_body("application/x-www-form-urlencoded", format!("user=Ada&password={password}"));
//! # assert_eq!(client.send(login("please")).status(), Status::FORBIDDEN);
//! # let welcome = client.send(login("open+sesame"));
//! # let (cookie, _) = welcome.header("Set-Cookie").unwrap().split_once(';').unwrap();
//! # assert_eq!(client.send(TestRequest::get("/club").with_header("Cookie", cookie)).text(), "welcome, Ada\n");
//! # }
//! ```
//!
//! Left out here: sessions that end after a while (see [`Reactor::call_later`](lariat::Reactor::call_later)), and passwords that are hashes.
//!
//! What comes out can be changed on its way too, whether it comes now or later. This adds a header to whatever is answered:
//!
//! ```
//! use lariat_protocols::http::{Answer, Handler, Request};
//!
//! fn unframed<Kind: 'static>(handler: impl Handler<Kind>) -> impl Fn(&mut Request<'_>) -> Answer {
//!     move |request| {
//!         handler.handle(request).map(|mut response| {
//!             // Neither the name nor the value can be refused.
//!             let _ = response.fields_mut().set("X-Frame-Options", "DENY");
//!             response
//!         })
//!     }
//! }
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::TestClient;
//! # let response = TestClient::new(unframed(|_: &mut Request<'_>| "a page")).get("/");
//! # assert_eq!(response.header("X-Frame-Options"), Some("DENY"));
//! # }
//! ```
//!
//! A hook that has to wait before it lets a request through, for a database that knows who somebody is, say,
//! [takes](crate::http::Request::take) the request, and [hands it on](crate::http::OwnedRequest::hand_to) when it knows.
