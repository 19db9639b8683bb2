//! What a handler answers.

use std::fmt;

use lariat::{Failure, Protocol, Transport};

use super::error::HttpError;
use super::fields::{Fields, InvalidField};
use super::response_body::Body;
use super::status::Status;

/// A response: a status, headers and a body.
///
/// Where the body ends, Date and what becomes of the connection is said by the server; all other headers are the handler's.
///
/// ```
/// use lariat_protocols::http::{Response, Status};
///
/// let response = Response::text("gone to lunch")
///     .with_status(Status::SERVICE_UNAVAILABLE)
///     .with_header("Retry-After", "3600")?;
/// assert_eq!(response.fields().headers().get("retry-after"), Some(&b"3600"[..]));
/// # Ok::<(), lariat_protocols::http::InvalidField>(())
/// ```
#[derive(Default)]
pub struct Response {
    pub(super) status: Status,
    pub(super) fields: Fields,
    pub(super) body: Body,
    /// What the connection becomes after the head.
    pub(super) upgrade: Option<Box<Upgrade>>,
}

/// Hands the connection over, with the bytes that have come for the successor.
type Upgrade = dyn FnOnce(&Transport, &[u8]);

const TEXT: Fields = Fields::fixed("Content-Type: text/plain; charset=utf-8\r\n");
const HTML: Fields = Fields::fixed("Content-Type: text/html; charset=utf-8\r\n");
const BYTES: Fields = Fields::fixed("Content-Type: application/octet-stream\r\n");

impl Response {
    /// A response with that status and no body.
    pub fn new(status: Status) -> Self {
        Self { status, ..Self::default() }
    }

    /// Plain text, in UTF-8.
    pub fn text(text: impl Into<Body>) -> Self {
        Self { fields: TEXT, body: text.into(), ..Self::default() }
    }

    /// A page in HTML, in UTF-8. What comes from elsewhere has to be escaped before it gets there.
    pub fn html(page: impl Into<Body>) -> Self {
        Self { fields: HTML, body: page.into(), ..Self::default() }
    }

    /// Bytes of no particular type.
    pub fn bytes(bytes: impl Into<Body>) -> Self {
        Self { fields: BYTES, body: bytes.into(), ..Self::default() }
    }

    /// A value as JSON.
    ///
    /// # Errors
    ///
    /// When the value cannot be written as JSON: it has a map whose keys are no strings, say.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        const JSON: Fields = Fields::fixed("Content-Type: application/json\r\n");
        Ok(Self { fields: JSON, body: serde_json::to_vec(value)?.into(), ..Self::default() })
    }

    /// The page that the server has for this status: see [`Server::with_error_page`](super::Server::with_error_page).
    pub fn error(status: Status) -> Self {
        Self { status, body: Body::page(), ..Self::default() }
    }

    /// Sends the client to another place, with a status such as [`Status::SEE_OTHER`].
    ///
    /// # Errors
    ///
    /// When `location` cannot stand in a header.
    #[doc(alias = "redirectTo")]
    pub fn redirect(status: Status, location: &str) -> Result<Self, InvalidField> {
        Self::error(status).with_header("Location", location)
    }

    /// The connection becomes `protocol`'s, with 101 and that name in Upgrade (RFC 9110, section 7.8). To be given only to a request whose
    /// [`upgrade`](super::RequestHead::upgrade) offers it.
    ///
    /// # Errors
    ///
    /// When the name cannot stand in a header.
    pub fn upgrade(name: &str, protocol: impl Protocol) -> Result<Self, InvalidField> {
        Self::new(Status::SWITCHING_PROTOCOLS).handing_over(protocol).with_header("Upgrade", name)
    }

    /// The connection becomes `protocol`'s: what a CONNECT that is granted is answered (RFC 9110, section 9.3.6).
    pub fn connected(protocol: impl Protocol) -> Self {
        Self::new(Status::OK).handing_over(protocol)
    }

    fn handing_over(mut self, protocol: impl Protocol) -> Self {
        self.upgrade = Some(Box::new(move |transport: &Transport, leftover: &[u8]| {
            transport.switch_to(protocol, leftover);
        }));
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Makes a header the only one of its name.
    ///
    /// # Errors
    ///
    /// When that would not arrive as this header: see [`Fields::append`].
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, InvalidField> {
        self.fields.set(name, value)?;
        Ok(self)
    }

    /// Says what the body is.
    ///
    /// # Errors
    ///
    /// When the type cannot stand in a header.
    pub fn with_content_type(self, media_type: &str) -> Result<Self, InvalidField> {
        self.with_header("Content-Type", media_type)
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The headers.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The headers, to be changed.
    pub fn fields_mut(&mut self) -> &mut Fields {
        &mut self.fields
    }

    /// The body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Replaces the body by what `change` makes of it: for whoever wraps a handler.
    #[must_use]
    pub fn map_body(mut self, change: impl FnOnce(Body) -> Body) -> Self {
        self.body = change(self.body);
        self
    }
}

impl Default for Status {
    fn default() -> Self {
        Self::OK
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("fields", &self.fields)
            .field("body", &self.body)
            .field("upgrade", &self.upgrade.is_some())
            .finish()
    }
}

/// What can be a response.
pub trait IntoResponse {
    /// The response that it is.
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    #[inline]
    fn into_response(self) -> Response {
        self
    }
}

/// Nothing to say: 204.
impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::new(Status::NO_CONTENT)
    }
}

/// The server's page for it, if it is an error.
impl IntoResponse for Status {
    fn into_response(self) -> Response {
        if self.code() < 400 { Response::new(self) } else { Response::error(self) }
    }
}

macro_rules! into_response {
    ($($type:ty => $constructor:ident;)+) => {
        $(impl IntoResponse for $type {
            #[inline]
            fn into_response(self) -> Response {
                Response::$constructor(self)
            }
        })+
    };
}

into_response! {
    &'static str => text;
    String => text;
    &'static [u8] => bytes;
    Vec<u8> => bytes;
    bytes::Bytes => bytes;
    Body => bytes;
}

impl<T: IntoResponse, E: IntoResponse> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(value) => value.into_response(),
            Err(error) => error.into_response(),
        }
    }
}

/// 404, if there is none.
impl<T: IntoResponse> IntoResponse for Option<T> {
    fn into_response(self) -> Response {
        self.map_or_else(|| Response::error(Status::NOT_FOUND), T::into_response)
    }
}

/// What was wrong with the request's body: the status that belongs to it.
impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        Response::error(self.status())
    }
}

/// 500, but for a failure that the request's body is at fault for. The log tells why; the client does not learn it.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Some(error) = self.downcast_ref::<HttpError>() {
            return error.into_response();
        }
        internal_error(&self)
    }
}

macro_rules! internal_errors {
    ($($(#[$attribute:meta])* $type:ty,)+) => {
        $(
            /// 500. The log tells why; the client does not learn it.
            $(#[$attribute])*
            impl IntoResponse for $type {
                fn into_response(self) -> Response {
                    internal_error(&self)
                }
            }
        )+
    };
}

internal_errors! {
    InvalidField,
    lariat::Error,
    std::io::Error,
    Box<dyn std::error::Error>,
    Box<dyn std::error::Error + Send + Sync>,
    #[cfg(feature = "json")]
    serde_json::Error,
}

#[cold]
fn internal_error(error: &dyn fmt::Display) -> Response {
    super::logging::log_failure(format_args!("a request failed: {error}"));
    Response::error(Status::INTERNAL_SERVER_ERROR)
}
