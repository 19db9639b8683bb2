//! JSON that comes with requests.

use std::error::Error;
use std::fmt;
use std::future::Future;

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::error::HttpError;
use super::parameters::Parameters;
use super::request::Request;
use super::request_body::RequestBody;
use super::response::{IntoResponse, Response};
use super::status::Status;

impl Request<'_> {
    /// Reads the value that the body is, as JSON (RFC 8259). The body is taken by it; it may be as long as every other: see
    /// [`Limits::body`](super::Limits::body) and [`set_body_limit`](Self::set_body_limit).
    ///
    /// `Content-Type` has to say that it is JSON, `application/json` or one that ends in `+json`: a form on somebody else's site cannot say so,
    /// and so cannot have a browser send it without asking.
    ///
    /// ```
    /// use lariat_protocols::http::{JsonError, Request, Response, Router};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Deserialize, Serialize)]
    /// struct Point {
    ///     x: f64,
    ///     y: f64,
    /// }
    ///
    /// let mut router = Router::new();
    /// router.post("/mirror", |request: &mut Request<'_>| {
    ///     let point = request.json::<Point>();
    ///     async move {
    ///         let Point { x, y } = point.await?;
    ///         Ok::<_, JsonError>(Response::json(&Point { x: -x, y }))
    ///     }
    /// });
    /// ```
    ///
    /// # Errors
    ///
    /// The future gives a [`JsonError`], which is [a response](IntoResponse) too: the body is no JSON, or no value of this type.
    pub fn json<T: DeserializeOwned>(&mut self) -> impl Future<Output = Result<T, JsonError>> + use<T> {
        let is_json = self.header("Content-Type").is_some_and(is_json);
        let body = if is_json { Ok(self.body()) } else { Err(JsonError::WrongContentType) };
        async move { serde_json::from_slice(&collect(body?).await?).map_err(JsonError::Malformed) }
    }
}

fn is_json(content_type: &[u8]) -> bool {
    let media_type = Parameters::split(content_type).0.to_ascii_lowercase();
    media_type == b"application/json" || media_type.ends_with(b"+json")
}

async fn collect(mut body: RequestBody) -> Result<Vec<u8>, HttpError> {
    let mut collected = Vec::new();
    while let Some(piece) = body.next().await {
        collected.extend_from_slice(&piece?);
    }
    Ok(collected)
}

/// Why a body is not the JSON that was asked for. [`status`](Self::status) tells what a server answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum JsonError {
    /// `Content-Type` is not that of JSON, or not there.
    WrongContentType,
    /// It is no JSON, or no value of the type that was asked for.
    Malformed(serde_json::Error),
    /// The body itself is at fault.
    Body(HttpError),
}

impl JsonError {
    /// What a server answers: 415 to another type, 400 to what is no JSON, 422 to what is, but has another shape, and what belongs to the body's
    /// fault.
    pub fn status(&self) -> Status {
        match self {
            Self::WrongContentType => Status::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed(error) if error.classify() == Category::Data => Status::UNPROCESSABLE_CONTENT,
            Self::Malformed(_) => Status::BAD_REQUEST,
            Self::Body(error) => error.status(),
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongContentType => f.write_str("the body does not say that it is JSON"),
            Self::Malformed(error) => error.fmt(f),
            Self::Body(error) => error.fmt(f),
        }
    }
}

impl From<HttpError> for JsonError {
    fn from(error: HttpError) -> Self {
        Self::Body(error)
    }
}

impl Error for JsonError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::WrongContentType => None,
            Self::Malformed(error) => Some(error),
            Self::Body(error) => Some(error),
        }
    }
}

/// What was wrong with the body: the status that belongs to it.
impl IntoResponse for JsonError {
    fn into_response(self) -> Response {
        Response::error(self.status())
    }
}
