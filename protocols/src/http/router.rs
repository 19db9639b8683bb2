//! Which handler answers which request.

use std::fmt;
use std::rc::Rc;

use super::handler::{Answer, AnyHandler, Handler, erase};
use super::percent;
use super::request::Request;
use super::response::Response;
use super::status::Status;

/// Chooses a handler by path and method.
///
/// A path is made of segments: text stands for itself, `{name}` for one segment that the handler finds by
/// [`path_parameter`](Request::path_parameter), and `{name..}` at the end for all that is left, be it nothing. Text goes before a name, and
/// a name before the rest. A slash at the end is a segment of its own: `/a` and `/a/` are two paths.
///
/// A path that there is not is answered with 404; one that there is, with a method that it has not, with 405 and Allow. HEAD is answered
/// as GET is, without the body, and OPTIONS with Allow, unless they have handlers of their own.
///
/// ```
/// use lariat_protocols::http::{Request, Router};
///
/// let mut router = Router::new();
/// router.get("/", |_: &mut Request<'_>| "the first page");
/// router.get("/users/{id}", |request: &mut Request<'_>| format!("user {}", request.path_parameter("id").unwrap_or_default()));
/// router.put("/users/{id}", |_: &mut Request<'_>| ());
///
/// let mut api = Router::new();
/// api.get("/version", |_: &mut Request<'_>| "1");
/// router.nest("/api", api);
/// ```
#[doc(alias = "Resource")]
#[derive(Default)]
pub struct Router {
    root: Node,
    fallback: Option<Box<AnyHandler>>,
}

#[derive(Default)]
struct Node {
    texts: Vec<(Box<str>, Self)>,
    parameter: Option<(Rc<str>, Box<Self>)>,
    rest: Option<(Rc<str>, Methods)>,
    methods: Methods,
    /// Gets everything from here on.
    nested: Option<Box<AnyHandler>>,
}

/// The handlers of one path.
#[derive(Default)]
struct Methods {
    handlers: Vec<(Box<str>, Box<AnyHandler>)>,
    any: Option<Box<AnyHandler>>,
}

/// What a path has led to.
enum Found<'a> {
    Methods(&'a Methods),
    /// A nested site, and how many bytes of the path are before it.
    Nested(&'a AnyHandler, usize),
    Nothing,
    Malformed,
}

impl Router {
    /// A router that knows no path yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers GET, and HEAD, of a path.
    pub fn get<Kind>(&mut self, path: &str, handler: impl Handler<Kind>) -> &mut Self {
        self.on("GET", path, handler)
    }

    /// Answers POST to a path.
    pub fn post<Kind>(&mut self, path: &str, handler: impl Handler<Kind>) -> &mut Self {
        self.on("POST", path, handler)
    }

    /// Answers PUT of a path.
    pub fn put<Kind>(&mut self, path: &str, handler: impl Handler<Kind>) -> &mut Self {
        self.on("PUT", path, handler)
    }

    /// Answers PATCH of a path.
    pub fn patch<Kind>(&mut self, path: &str, handler: impl Handler<Kind>) -> &mut Self {
        self.on("PATCH", path, handler)
    }

    /// Answers DELETE of a path.
    pub fn delete<Kind>(&mut self, path: &str, handler: impl Handler<Kind>) -> &mut Self {
        self.on("DELETE", path, handler)
    }

    /// Answers a method, whose case matters, of a path. The last handler that is set for both counts.
    pub fn on<Kind>(&mut self, method: &str, path: &str, handler: impl Handler<Kind>) -> &mut Self {
        let methods = self.methods(path);
        methods.handlers.retain(|(known, _)| **known != *method);
        methods.handlers.push((method.into(), erase(handler)));
        self
    }

    /// Answers every method of a path that has no handler of its own.
    pub fn any<Kind>(&mut self, path: &str, handler: impl Handler<Kind>) -> &mut Self {
        self.methods(path).any = Some(erase(handler));
        self
    }

    /// Has `site`, another router say, answer everything below `prefix`, which is text without a slash at its end. It sees
    /// [what is left of the path](Request::rest), from the slash on.
    #[doc(alias = "putChild")]
    pub fn nest<Kind>(&mut self, prefix: &str, site: impl Handler<Kind>) -> &mut Self {
        let mut node = &mut self.root;
        for segment in prefix.strip_prefix('/').unwrap_or(prefix).split('/') {
            node = node.child(segment);
        }
        node.nested = Some(erase(site));
        self
    }

    /// Answers whatever has no handler, instead of 404.
    pub fn fallback<Kind>(&mut self, handler: impl Handler<Kind>) -> &mut Self {
        self.fallback = Some(erase(handler));
        self
    }

    fn methods(&mut self, path: &str) -> &mut Methods {
        let mut node = &mut self.root;
        for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
            if let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix("..}")) {
                return &mut node.rest.get_or_insert_with(|| (name.into(), Methods::default())).1;
            }
            node = node.child(segment);
        }
        &mut node.methods
    }

    #[inline]
    fn find<'a>(&'a self, path: &[u8], request: &mut Request<'_>) -> Found<'a> {
        let Some(first) = path.strip_prefix(b"/") else { return Found::Nothing };
        self.root.find(first, request.mount() + 1, request)
    }
}

impl Node {
    fn child(&mut self, segment: &str) -> &mut Self {
        if let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            return &mut self.parameter.get_or_insert_with(|| (name.into(), Box::default())).1;
        }
        let place = self.texts.iter().position(|(text, _)| **text == *segment).unwrap_or_else(|| {
            self.texts.push((segment.into(), Self::default()));
            self.texts.len() - 1
        });
        &mut self.texts[place].1
    }

    /// What `path` leads to, without its first slash. `start` is where it begins in the request's whole path.
    fn find<'a>(&'a self, path: &[u8], start: usize, request: &mut Request<'_>) -> Found<'a> {
        for (text, node) in &self.texts {
            let rest = match path.strip_prefix(text.as_bytes()) {
                Some([]) => None,
                Some([b'/', rest @ ..]) => Some(rest),
                _ => continue,
            };
            let found = node.go_on(rest, start + text.len(), request);
            if !matches!(found, Found::Nothing) {
                return found;
            }
        }
        self.find_otherwise(path, start, request)
    }

    #[inline(never)]
    fn find_otherwise<'a>(&'a self, path: &[u8], start: usize, request: &mut Request<'_>) -> Found<'a> {
        let mut parts = path.splitn(2, |byte| *byte == b'/');
        let (segment, rest) = (parts.next().unwrap_or_default(), parts.next());
        let end = start + segment.len();
        let Some(decoded) = percent::decode(segment) else { return Found::Malformed };
        // What was sent with percent signs is the text that they stand for.
        if decoded.len() < segment.len()
            && let Some((_, node)) = self.texts.iter().find(|(text, _)| **text == *decoded)
        {
            let found = node.go_on(rest, end, request);
            if !matches!(found, Found::Nothing) {
                return found;
            }
        }
        if let Some((name, node)) = &self.parameter
            && !decoded.is_empty()
        {
            let found = node.go_on(rest, end, request);
            if !matches!(found, Found::Nothing) {
                request.add_parameter(name, decoded.into_owned());
                return found;
            }
        }
        if let Some((name, methods)) = &self.rest {
            let Some(decoded) = percent::decode(path) else { return Found::Malformed };
            request.add_parameter(name, decoded.into_owned());
            return Found::Methods(methods);
        }
        Found::Nothing
    }

    /// `end` is where the segment that led here ends.
    fn go_on<'a>(&'a self, rest: Option<&[u8]>, end: usize, request: &mut Request<'_>) -> Found<'a> {
        let found = match rest {
            Some(rest) => self.find(rest, end + 1, request),
            None if self.methods.is_empty() => Found::Nothing,
            None => Found::Methods(&self.methods),
        };
        match (&self.nested, found) {
            (Some(site), Found::Nothing) => Found::Nested(&**site, end),
            (_, found) => found,
        }
    }
}

impl Methods {
    fn is_empty(&self) -> bool {
        self.handlers.is_empty() && self.any.is_none()
    }

    fn get(&self, method: &str) -> Option<&AnyHandler> {
        self.handlers.iter().find(|(known, _)| **known == *method).map(|(_, handler)| &**handler)
    }

    #[inline]
    fn handle(&self, request: &mut Request<'_>) -> Answer {
        let method = request.method();
        let handler = self.get(method).or(self.any.as_deref());
        match handler {
            Some(handler) => handler(request),
            None => self.handle_otherwise(method, request),
        }
    }

    #[cold]
    fn handle_otherwise(&self, method: &str, request: &mut Request<'_>) -> Answer {
        if method == "HEAD"
            && let Some(handler) = self.get("GET")
        {
            return handler(request);
        }
        let status = if method == "OPTIONS" { Status::NO_CONTENT } else { Status::METHOD_NOT_ALLOWED };
        let response = if method == "OPTIONS" { Response::new(status) } else { Response::error(status) };
        Answer::now(response.with_header("Allow", self.allow()))
    }

    /// What Allow says: the methods in the order in which they were set, with those that come with them.
    fn allow(&self) -> String {
        let mut methods: Vec<&str> = self.handlers.iter().map(|(method, _)| &**method).collect();
        for (implied, by) in [("HEAD", Some("GET")), ("OPTIONS", None)] {
            if !methods.contains(&implied) && by.is_none_or(|by| methods.contains(&by)) {
                methods.push(implied);
            }
        }
        methods.join(", ")
    }
}

/// The kind of handler that a [`Router`] is.
#[derive(Debug)]
pub enum Routed {}

impl Handler<Routed> for Router {
    fn handle(&self, request: &mut Request<'_>) -> Answer {
        let path = match request.rest_bytes() {
            // A nested site that was asked for without a slash after its prefix.
            b"" if request.mount() > 0 => b"/",
            path => path,
        };
        let found = self.find(path, request);
        match (found, &self.fallback) {
            (Found::Methods(methods), _) => methods.handle(request),
            (Found::Nested(site, mount), _) => {
                request.set_mount(mount);
                site(request)
            }
            (Found::Malformed, _) => Answer::now(Response::error(Status::BAD_REQUEST)),
            (Found::Nothing, Some(fallback)) => fallback(request),
            (Found::Nothing, None) if path == b"*" => Answer::now(
                Response::new(Status::NO_CONTENT).with_header("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
            ),
            (Found::Nothing, None) => Answer::now(Response::error(Status::NOT_FOUND)),
        }
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("fallback", &self.fallback.is_some()).finish_non_exhaustive()
    }
}
