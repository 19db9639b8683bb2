//! Bodies of requests: whole, or as they come; forms and files.
//!
//! # All of it
//!
//! [`collect`](crate::http::RequestBody::collect) gives the body as one piece, later, as it has hardly ever come when the head has:
//!
//! ```
//! use lariat_protocols::http::{Request, Router};
//!
//! let mut router = Router::new();
//! router.post("/shout", |request: &mut Request<'_>| {
//!     request.body().collect().map(|text| text.to_ascii_uppercase())
//! });
//! router.put("/manuscript", |request: &mut Request<'_>| {
//!     request.set_body_limit(64 * 1024 * 1024);
//!     request.body().collect().map(|text| format!("{} bytes, thank you\n", text.len()))
//! });
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # assert_eq!(client.send(TestRequest::post("/shout").with_body("text/plain", "hey")).text(), "HEY");
//! # let mut send = |method: &str, path: &str, length| client.send(TestRequest::new(method, path).with_body("text/plain", vec![b'a'; length]));
//! # assert_eq!(send("POST", "/shout", 1024 * 1024 + 1).status().code(), 413);
//! # assert_eq!(send("PUT", "/manuscript", 2 * 1024 * 1024).text(), "2097152 bytes, thank you\n");
//! # }
//! ```
//!
//! It is never more than [`Limits::body`](crate::http::Limits::body), 1 MiB unless the server says otherwise, or than
//! [`set_body_limit`](crate::http::Request::set_body_limit) has set for this request. A client that announces more is answered 413 before any
//! of it is taken; one that sends more in chunks, when it does. The handler hears of either as an error, and so of a body that is malformed,
//! too slow, or has no end.
//!
//! # As it comes
//!
//! What is large, or has no end, is taken piece by piece: with [`next`](crate::http::RequestBody::next), or as an async
//! [`Stream`](https://docs.rs/futures-core/0.3/futures_core/stream/trait.Stream.html), which every crate for streams can work with:
//!
//! ```
//! use lariat_protocols::http::{Body, HttpError, OwnedRequest, Request, Response, Router};
//!
//! async fn longest_line(mut request: OwnedRequest) -> Result<String, HttpError> {
//!     let (mut longest, mut length) = (0, 0);
//!     while let Some(piece) = request.body().next().await {
//!         for byte in &piece? {
//!             length = if *byte == b'\n' { 0 } else { length + 1 };
//!             longest = longest.max(length);
//!         }
//!     }
//!     Ok(format!("{longest}\n"))
//! }
//!
//! let mut router = Router::new();
//! router.post("/longest", |request: &mut Request<'_>| {
//!     request.set_body_limit(u64::MAX);
//!     longest_line(request.take())
//! });
//! // What comes in goes out: however much it is, 64 KiB of it are here at a time.
//! router.post("/echo", |request: &mut Request<'_>| {
//!     request.set_body_limit(u64::MAX);
//!     Response::bytes(Body::stream(request.body()))
//! });
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # let text = "one\nthree\nno\n";
//! # assert_eq!(client.send(TestRequest::post("/longest").with_body("text/plain", text)).text(), "5\n");
//! # assert_eq!(client.send(TestRequest::post("/echo").with_body("text/plain", text)).text(), text);
//! # }
//! ```
//!
//! **Back-pressure** comes with it. Who does not take the next piece has the server stop reading after 64 KiB, and TCP tells the client to
//! wait. A handler that writes to a slow disk is no danger to the memory, and need do nothing for that.
//!
//! A client that asks first, with `Expect: 100-continue`, as curl does for what is large, is told to go on when the body is first asked for. So
//! a handler that looks at the head and says no spares it the sending.
//!
//! A body that the handler does not want is read and forgotten up to [64 KiB](crate::http::Limits::unread_body), so that the connection can go
//! on; if there is more of it, the connection closes after the response. Trailers are in [`trailers`](crate::http::RequestBody::trailers) once
//! the end was taken.
//!
//! # Forms
//!
//! [`form`](crate::http::Request::form) reads what a browser's form sends, in either of the two encodings;
//! [`query_form`](crate::http::Request::query_form) does the same for what is in the URL:
//!
//! ```
//! use lariat_protocols::http::{FormError, FormLimits, Request, Response, Router};
//!
//! let mut router = Router::new();
//! router.get("/greet", |_: &mut Request<'_>| {
//!     Response::html("<form method=post><input name=name> <button>Greet</button></form>")
//! });
//! router.post("/greet", |request: &mut Request<'_>| {
//!     let form = request.form(FormLimits::default());
//!     async move {
//!         let form = form.await?;
//!         Ok::<_, FormError>(format!("hello {}\n", form.get("name").unwrap_or("you")))
//!     }
//! });
//! router.get("/search", |request: &mut Request<'_>| -> Result<String, FormError> {
//!     let query = request.query_form(&FormLimits::default())?;
//!     Ok(format!("nothing found for {:?}\n", query.get_all("word").collect::<Vec<_>>()))
//! });
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # let form = TestRequest::post("/greet").with_body("application/x-www-form-urlencoded", "name=J%C3%BCrgen+B");
//! # assert_eq!(client.send(form).text(), "hello Jürgen B\n");
//! # assert_eq!(client.send(TestRequest::post("/greet").with_body("text/plain", "name=x")).status().code(), 415);
//! # assert_eq!(client.get("/search?word=a&word=b").text(), "nothing found for [\"a\", \"b\"]\n");
//! # }
//! ```
//!
//! Text that comes from a form goes into a page only with `&`, `<`, `>` and quotes escaped; a library for templates sees to that.
//!
//! # Uploads
//!
//! Files come with a form whose `enctype` is `multipart/form-data`. A small one stays in memory; what is beyond [64
//! KiB](crate::http::FormLimits::in_memory) goes to disk as it comes, into a file that has no name and is gone when it is closed, so that
//! nothing is left behind:
//!
//! ```
//! use lariat_protocols::http::{FormLimits, IntoResponse, Request, Response, Router};
//!
//! let mut router = Router::new();
//! router.post("/photos", |request: &mut Request<'_>| {
//!     let form = request.form(FormLimits { file: 20 * 1024 * 1024, files: 4, ..FormLimits::uploads() });
//!     let reactor = request.reactor().clone();
//!     async move {
//!         let photos = form.await.map_err(IntoResponse::into_response)?.into_uploads();
//!         // Disks block, so a thread reads what is there.
//!         let summary = reactor.defer_to_thread(move || -> std::io::Result<String> {
//!             let mut summary = String::new();
//!             for photo in photos {
//!                 let name = photo.file_name().to_owned();
//!                 let bytes = photo.into_bytes()?;
//!                 summary += &format!("{name:?}: {} bytes that begin with {:?}\n", bytes.len(), bytes.first());
//!             }
//!             Ok(summary)
//!         });
//!         Ok::<_, Response>(summary.await.map_err(IntoResponse::into_response)?)
//!     }
//! });
//! # #[cfg(feature = "testing")] {
//! # use lariat_protocols::http::testing::{TestClient, TestRequest};
//! # let mut client = TestClient::new(router);
//! # let body = "--x\r\nContent-Disposition: form-data; name=\"p\"; filename=\"me.png\"\r\n\r\nPNG\r\n--x--\r\n";
//! # client.start(TestRequest::post("/photos").with_body("multipart/form-data; boundary=x", body));
//! # client.advance(std::time::Duration::from_secs(1));
//! # assert_eq!(client.response().unwrap().text(), "\"me.png\": 3 bytes that begin with Some(80)\n");
//! # }
//! ```
//!
//! What a client calls its file, and says of its type, may be anything: never make a path of it. Every number has a limit in
//! [`FormLimits`](crate::http::FormLimits), each with a default; [`total`](crate::http::FormLimits::total) holds for the body in the place of
//! [`Limits::body`](crate::http::Limits::body).
