//! Requests and responses in the types of the `http` crate, for code that knows these.

use std::error::Error;
use std::fmt;

use ::http::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue};
use ::http::{HeaderMap, Method, Uri};

use super::fields::InvalidField;
use super::head::{RequestHead, Version};
use super::response::{IntoResponse, Response};
use super::response_body::Body;
use super::status::Status;

impl RequestHead<'_> {
    /// The same in the types of the `http` crate, copied: for code that is written for these, such as a library that checks signatures. To get the
    /// parts alone there is `into_parts`, and `map` to have a body in the place of `()`.
    ///
    /// - The **URI** is the target in the form in which it was sent: with a scheme and an authority only if it was a whole URI, with nothing but
    ///   an authority for CONNECT, `*` for an OPTIONS of the whole server.
    /// - The **headers** are all there, those of one name in the order in which they came, as bytes. Should the target have had an authority, it is
    ///   what Host says, for it [replaces](Self::host) that: code that looks at either sees the same host.
    /// - There are no **extensions**.
    ///
    /// ```
    /// use lariat_protocols::http::{ConversionError, Request, Router};
    ///
    /// /// Something that knows nothing of Lariat.
    /// fn describe<B>(request: &http::Request<B>) -> String {
    ///     format!("{} {} with {} headers\n", request.method(), request.uri(), request.headers().len())
    /// }
    ///
    /// let mut router = Router::new();
    /// router.any("/{rest..}", |request: &mut Request<'_>| {
    ///     let plain = request.head().to_http()?;
    ///     Ok::<_, ConversionError>(describe(&plain))
    /// });
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConversionError::Target`], [`ConversionError::HeaderName`] or [`ConversionError::TooManyHeaders`], when there is what these types cannot
    /// have. No browser sends that.
    pub fn to_http(&self) -> Result<::http::Request<()>, ConversionError> {
        let mut request = ::http::Request::new(());
        // A method is a token for both.
        *request.method_mut() = Method::from_bytes(self.method().as_bytes()).map_err(|_| ConversionError::Method)?;
        *request.uri_mut() = Uri::try_from(self.target()).map_err(|_| ConversionError::Target)?;
        *request.version_mut() = match self.version() {
            Version::Http10 => ::http::Version::HTTP_10,
            Version::Http11 => ::http::Version::HTTP_11,
        };
        *request.headers_mut() = self.header_map()?;
        Ok(request)
    }

    fn header_map(&self) -> Result<HeaderMap, ConversionError> {
        let mut map =
            HeaderMap::try_with_capacity(self.headers().len()).map_err(|_| ConversionError::TooManyHeaders)?;
        for (name, value) in self.headers().iter() {
            let unnamed = || ConversionError::HeaderName(name.to_owned());
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unnamed())?;
            let value = match self.host() {
                Some(host) if name == HOST => host.as_bytes(),
                _ => value,
            };
            // Neither takes control characters but tabs.
            let value = HeaderValue::from_bytes(value).map_err(|_| unnamed())?;
            map.try_append(name, value).map_err(|_| ConversionError::TooManyHeaders)?;
        }
        Ok(map)
    }
}

/// Takes over status, headers and body; what the version is, and the extensions, is for the server and this process alone.
///
/// Where the body ends and what becomes of the connection is for the server to say. So a Content-Length is left out if it is right, and announced if
/// the body [comes as it comes](Body::stream); one that is wrong is an error, and so is any header of [the connection](InvalidField::Framing).
///
/// ```
/// use lariat_protocols::http::{ConversionError, Response, Status};
///
/// let made = http::Response::builder().status(201).header("Location", "/rooms/7").body("a room of your own\n");
/// let response = Response::try_from(made?)?;
/// assert_eq!(response.status(), Status::CREATED);
/// assert_eq!(response.fields().headers().get("location"), Some(&b"/rooms/7"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<B: Into<Body>> TryFrom<::http::Response<B>> for Response {
    type Error = ConversionError;

    fn try_from(response: ::http::Response<B>) -> Result<Self, ConversionError> {
        let (parts, body) = response.into_parts();
        let code = parts.status.as_u16();
        let status = Status::from_code(code).filter(|_| code >= 200).ok_or(ConversionError::Status(code))?;
        let mut converted = Self::new(status).with_body(body);
        for (name, value) in &parts.headers {
            if name == CONTENT_LENGTH {
                converted = with_length(converted, value)?;
                continue;
            }
            let appended = converted.fields_mut().append(name.as_str(), value.as_bytes());
            appended.map_err(|reason| ConversionError::Field { name: name.as_str().to_owned(), reason })?;
        }
        Ok(converted)
    }
}

fn with_length(response: Response, value: &HeaderValue) -> Result<Response, ConversionError> {
    let said = value.to_str().ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(said) = said.and_then(|digits| digits.parse().ok()) else { return Err(ConversionError::Length) };
    match response.body().length() {
        Some(length) if length == said => Ok(response),
        Some(_) => Err(ConversionError::Length),
        None => Ok(response.map_body(|body| body.with_length(said))),
    }
}

/// As [`Response`] takes it over. If that fails, it is 500, and the log tells why.
impl<B: Into<Body>> IntoResponse for ::http::Response<B> {
    fn into_response(self) -> Response {
        Response::try_from(self).into_response()
    }
}

/// Why there is no such request or response on the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConversionError {
    /// The method is none to the `http` crate.
    Method,
    /// The target is no URI to the `http` crate: it is longer than 65,534 bytes, say, or has one of `<` and `>` in it, a backtick in the path, a
    /// double quote in the query, or a percent sign in the host.
    Target,
    /// A header's name is none to the `http` crate: it is longer than 65,535 bytes.
    HeaderName(String),
    /// There are more headers than a map of the `http` crate is sure to have room for: 24,576.
    TooManyHeaders,
    /// The status is not that of a final response: it is below 200. For 101 there is [`Response::upgrade`].
    Status(u16),
    /// A header cannot be set here.
    Field {
        /// Its name.
        name: String,
        /// Why not.
        reason: InvalidField,
    },
    /// Content-Length is not the length of the body.
    Length,
}

impl fmt::Display for ConversionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("the method is none to the http crate"),
            Self::Target => f.write_str("the target is no URI to the http crate"),
            Self::HeaderName(name) => {
                write!(f, "the header is none to the http crate: {:.64}", name.escape_debug().to_string())
            }
            Self::TooManyHeaders => f.write_str("there are more headers than the http crate can hold"),
            Self::Status(code) => write!(f, "{code} is no status of a final response"),
            Self::Field { name, reason } => write!(f, "{name}: {reason}"),
            Self::Length => f.write_str("the Content-Length is not the length of the body"),
        }
    }
}

impl Error for ConversionError {}

/// 400 if the request is at fault, 500 if it is the response: then the log tells why.
impl IntoResponse for ConversionError {
    fn into_response(self) -> Response {
        match self {
            Self::Method | Self::Target | Self::HeaderName(_) | Self::TooManyHeaders => {
                Response::error(Status::BAD_REQUEST)
            }
            Self::Status(_) | Self::Field { .. } | Self::Length => {
                super::logging::log_failure(format_args!("a response cannot be sent: {self}"));
                Response::error(Status::INTERNAL_SERVER_ERROR)
            }
        }
    }
}
