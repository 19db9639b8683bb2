//! What answers requests.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::request::Request;
use super::response::{IntoResponse, Response};

/// Answers requests: a closure or function from `&mut Request`, or a [`Router`](super::Router) of several.
///
/// It gives whatever is [a response](IntoResponse), or a future of that: a [`Deferred`](lariat::Deferred), or an `async` block, which runs as
/// a task on the reactor and is dropped where it waits if the client goes. What the request lends is gone by then, so such a handler
/// [takes](Request::take) it first.
///
/// A panic in it is answered with 500 and ends the connection.
///
/// ```
/// use lariat_protocols::http::{Request, Router};
/// use std::time::Duration;
///
/// let mut router = Router::new();
/// router.get("/", |_: &mut Request<'_>| "hello\n");
/// router.post("/shout", |request: &mut Request<'_>| request.body().collect().map(|text| text.to_ascii_uppercase()));
/// router.get("/slow", |request: &mut Request<'_>| {
///     let request = request.take();
///     async move {
///         request.reactor().sleep(Duration::from_secs(1)).await?;
///         Ok::<_, lariat::Failure>(format!("{} was slow\n", request.head().path()))
///     }
/// });
/// ```
#[doc(alias = "IResource")]
pub trait Handler<Kind = ()>: 'static {
    /// Answers a request.
    fn handle(&self, request: &mut Request<'_>) -> Answer;
}

/// What a handler gives: a response, or one that comes later.
pub struct Answer(pub(super) When);

pub(super) enum When {
    Now(Response),
    Later(Pin<Box<dyn Future<Output = Response>>>),
}

impl Answer {
    /// A response.
    #[inline]
    pub fn now(response: impl IntoResponse) -> Self {
        Self(When::Now(response.into_response()))
    }

    /// A response that comes later.
    pub fn later<F: Future<Output: IntoResponse> + 'static>(response: F) -> Self {
        Self(When::Later(Box::pin(async move { response.await.into_response() })))
    }

    /// The answer that `change` makes of the response, now or later: for what wraps a handler.
    #[must_use]
    pub fn map(self, change: impl FnOnce(Response) -> Response + 'static) -> Self {
        match self.0 {
            When::Now(response) => Self::now(change(response)),
            When::Later(response) => Self(When::Later(Box::pin(async move { change(response.await) }))),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            When::Now(response) => f.debug_tuple("Now").field(response).finish(),
            When::Later(_) => f.write_str("Later"),
        }
    }
}

/// What can be an answer. `Kind` keeps the kinds apart, and is found by the compiler.
pub trait IntoAnswer<Kind> {
    /// The answer that it is.
    fn into_answer(self) -> Answer;
}

/// The kind of answer that is there at once.
#[derive(Debug)]
pub enum Now {}

/// The kind of answer that comes later.
#[derive(Debug)]
pub enum Later {}

/// The kind of answer that is one already.
#[derive(Debug)]
pub enum Given {}

impl<T: IntoResponse> IntoAnswer<Now> for T {
    #[inline]
    fn into_answer(self) -> Answer {
        Answer::now(self)
    }
}

impl<F: Future<Output: IntoResponse> + 'static> IntoAnswer<Later> for F {
    fn into_answer(self) -> Answer {
        Answer::later(self)
    }
}

impl IntoAnswer<Given> for Answer {
    fn into_answer(self) -> Answer {
        self
    }
}

impl<F, R, Kind> Handler<Kind> for F
where
    F: Fn(&mut Request<'_>) -> R + 'static,
    R: IntoAnswer<Kind>,
{
    #[inline]
    fn handle(&self, request: &mut Request<'_>) -> Answer {
        self(request).into_answer()
    }
}

/// A handler whose type is forgotten.
pub(super) type AnyHandler = dyn Fn(&mut Request<'_>) -> Answer;

/// Forgets the type of a handler.
pub(super) fn erase<Kind>(handler: impl Handler<Kind>) -> Box<AnyHandler> {
    Box::new(move |request| handler.handle(request))
}
