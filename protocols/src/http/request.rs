//! A request, as a handler sees it.

use std::fmt;
use std::rc::Rc;

use lariat::{Peer, Reactor, Transport};

use super::compression::Compression;
use super::fields::Headers;
use super::head::{BodyLength, OwnedRequestHead, RequestHead};
use super::request_body::{Pipe, RequestBody};
use super::steering::Steering;

/// A request, as a [`Handler`](super::Handler) gets it: its head, borrowed from the bytes that came, and the way to its body.
///
/// - **The head**: it is a [`RequestHead`], which [`head`](Self::head) gives and whose most used methods it has itself.
/// - **The place**: [`path_parameter`](Self::path_parameter) of the route, [`rest`](Self::rest) of the path.
/// - **The body**: [`body`](Self::body), [`set_body_limit`](Self::set_body_limit).
/// - **Around it**: [`peer`](Self::peer), [`reactor`](Self::reactor), [`user`](Self::user).
/// - **To keep**: [`take`](Self::take) gives all of it to a handler that answers later.
#[doc(alias = "IRequest")]
pub struct Request<'a> {
    head: &'a RequestHead<'a>,
    transport: &'a Transport,
    /// None, if the body was taken before.
    steering: Option<&'a dyn Fn() -> Rc<dyn Steering>>,
    /// What most requests have nothing of.
    pub(super) rare: Option<Box<Rare>>,
}

/// What a request has when its body is taken, or it goes through more than one site.
#[derive(Default)]
pub(super) struct Rare {
    pub(super) pipe: Option<Rc<Pipe>>,
    pub(super) limit: Option<u64>,
    place: Place,
    /// Of a request that was kept before.
    body: Option<RequestBody>,
}

impl Rare {
    /// Who sent it, as far as that was found out.
    pub(super) fn user(&self) -> Option<&str> {
        self.place.user.as_deref()
    }
}

/// Where the request has got to among sites and routes, and who sent it.
#[derive(Clone, Default)]
struct Place {
    /// So many bytes of the path belong to the sites around this one.
    mount: usize,
    parameters: Vec<(Rc<str>, String)>,
    user: Option<Rc<str>>,
    compression: Option<Compression>,
}

impl<'a> Request<'a> {
    pub(super) fn new(
        head: &'a RequestHead<'a>,
        transport: &'a Transport,
        steering: &'a dyn Fn() -> Rc<dyn Steering>,
    ) -> Self {
        Self { head, transport, steering: Some(steering), rare: None }
    }

    /// The head.
    #[inline]
    pub fn head(&self) -> &'a RequestHead<'a> {
        self.head
    }

    /// The method, such as `GET`.
    #[inline]
    pub fn method(&self) -> &'a str {
        self.head.method()
    }

    /// The whole path, as it was sent.
    #[inline]
    pub fn path(&self) -> &'a str {
        self.head.path()
    }

    /// The part of the path that is this site's, as it was sent: for what is [nested](super::Router::nest), without what is before it.
    #[inline]
    #[doc(alias = "postpath")]
    pub fn rest(&self) -> &'a str {
        self.head.path().get(self.mount()..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn rest_bytes(&self) -> &'a [u8] {
        self.head.path.get(self.mount()..).unwrap_or_default()
    }

    /// What follows the question mark, as it was sent.
    pub fn query(&self) -> Option<&'a str> {
        self.head.query()
    }

    /// The first header of this name.
    #[doc(alias = "getHeader")]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.head.headers().get(name)
    }

    /// What stands in the path in the place that the route calls by this name, with percent signs decoded.
    pub fn path_parameter(&self, name: &str) -> Option<&str> {
        self.rare.as_ref().and_then(|rare| rare.place.parameter(name))
    }

    /// The body. It can be taken once; afterwards there is none.
    #[doc(alias = "content")]
    pub fn body(&mut self) -> RequestBody {
        if let Some(body) = self.rare.as_mut().and_then(|rare| rare.body.take()) {
            return body;
        }
        let has_body = self.head.body_length() != BodyLength::None;
        let pipe = self.steering.filter(|_| has_body && self.rare().pipe.is_none()).map(|steering| {
            let pipe = Pipe::new(steering(), self.reactor().clone());
            self.rare().pipe = Some(pipe.clone());
            pipe
        });
        RequestBody::new(pipe, self.reactor().clone())
    }

    /// Sets how many bytes this request's body may have, instead of [`Limits::body`](super::Limits::body).
    pub fn set_body_limit(&mut self, bytes: u64) {
        self.rare().limit = Some(bytes);
    }

    /// All of it, to keep: the head is copied, the body and what the route has found are moved.
    pub fn take(&mut self) -> OwnedRequest {
        OwnedRequest {
            head: self.head.to_owned(),
            body: self.body(),
            place: self.rare().place.clone(),
            transport: self.transport.clone(),
        }
    }

    /// Who sent it, as far as the connection tells.
    #[doc(alias = "getClientAddress")]
    pub fn peer(&self) -> Peer {
        self.transport.peer()
    }

    /// The reactor that serves it.
    pub fn reactor(&self) -> &'a Reactor {
        self.transport.reactor()
    }

    /// Who sent it, as far as authentication has told: see [`set_user`](Self::set_user).
    pub fn user(&self) -> Option<&str> {
        self.rare.as_ref().and_then(|rare| rare.user())
    }

    /// Says who sent it: for what authenticates, before a handler gets it.
    pub fn set_user(&mut self, user: &str) {
        self.rare().place.user = Some(user.into());
    }

    /// Returns whether a [`Compressed`](super::Compressed) around this handler will compress a response with this `Content-Type`, length (if it is known)
    /// and other headers. The `ETag` of such a response becomes weak, and it has no ranges. A handler that evaluates conditions or ranges
    /// itself has to use the tag of the representation that is sent (RFC 9110, section 8.8.3): the weak one, if this returns true.
    pub fn will_be_compressed(&self, content_type: &str, length: Option<u64>, headers: Headers<'_>) -> bool {
        self.compression().is_some_and(|compression| {
            compression.coding.is_some() && compression.applies(content_type, length, headers)
        })
    }

    pub(super) fn compression(&self) -> Option<Compression> {
        self.rare.as_ref().and_then(|rare| rare.place.compression)
    }

    pub(super) fn set_compression(&mut self, compression: Compression) {
        self.rare().place.compression = Some(compression);
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    #[inline]
    pub(super) fn mount(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.place.mount)
    }

    pub(super) fn set_mount(&mut self, bytes: usize) {
        self.rare().place.mount = bytes;
    }

    pub(super) fn add_parameter(&mut self, name: &Rc<str>, value: String) {
        self.rare().place.parameters.push((name.clone(), value));
    }
}

impl Place {
    fn parameter(&self, name: &str) -> Option<&str> {
        // What is nested may use a name again, and means its own.
        self.parameters.iter().rev().find(|(found, _)| **found == *name).map(|(_, value)| &**value)
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("head", &self.head).finish_non_exhaustive()
    }
}

/// A request to keep: for a handler that answers later. Made by [`Request::take`].
pub struct OwnedRequest {
    head: OwnedRequestHead,
    body: RequestBody,
    place: Place,
    transport: Transport,
}

impl OwnedRequest {
    /// The head.
    pub fn head(&self) -> RequestHead<'_> {
        self.head.head()
    }

    /// See [`Request::path_parameter`].
    pub fn path_parameter(&self, name: &str) -> Option<&str> {
        self.place.parameter(name)
    }

    /// See [`Request::user`].
    pub fn user(&self) -> Option<&str> {
        self.place.user.as_deref()
    }

    /// See [`Request::set_user`].
    pub fn set_user(&mut self, user: &str) {
        self.place.user = Some(user.into());
    }

    /// The body.
    pub fn body(&mut self) -> &mut RequestBody {
        &mut self.body
    }

    /// Shows it as it came, with its body if that was not taken.
    pub(super) fn show<R>(self, visit: impl FnOnce(&mut Request<'_>) -> R) -> R {
        let Self { head, body, place, transport } = self;
        let rare = Rare { place, body: Some(body), ..Rare::default() };
        visit(&mut Request { head: &head.head(), transport: &transport, steering: None, rare: Some(Box::new(rare)) })
    }

    /// The body, to be given on.
    pub fn into_body(self) -> RequestBody {
        self.body
    }

    /// Who sent it, as far as the connection tells.
    pub fn peer(&self) -> Peer {
        self.transport.peer()
    }

    /// The reactor that serves it.
    pub fn reactor(&self) -> &Reactor {
        self.transport.reactor()
    }
}

impl fmt::Debug for OwnedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedRequest").field("head", &self.head).finish_non_exhaustive()
    }
}
