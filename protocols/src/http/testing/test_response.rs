//! A response that a test gets.

use crate::http::fields::{Fields, Headers};
use crate::http::head::ResponseHead;
use crate::http::status::Status;

/// A response, as a [`TestClient`](super::TestClient) has received it: what went over the wire, with the body in one piece.
#[derive(Clone, Debug, Default)]
pub struct TestResponse {
    status: Status,
    fields: Fields,
    body: Vec<u8>,
    trailers: Fields,
}

impl TestResponse {
    pub(super) fn new(head: &ResponseHead<'_>) -> Self {
        Self { status: head.status(), fields: Fields::checked(head.headers().as_bytes().to_vec()), ..Self::default() }
    }

    pub(super) fn push(&mut self, data: &[u8]) {
        self.body.extend_from_slice(data);
    }

    pub(super) fn end(&mut self, trailers: Headers<'_>) {
        self.trailers = Fields::checked(trailers.as_bytes().to_vec());
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> Headers<'_> {
        self.fields.headers()
    }

    /// The first header of this name, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get_str(name)
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is not in UTF-8.
    #[track_caller]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(&self.body) {
            Ok(text) => text,
            Err(error) => panic!("the body is no text: {error}"),
        }
    }

    /// The value that the body is, as JSON.
    ///
    /// # Panics
    ///
    /// If it is none of that type.
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the body is no such JSON: {error}: {}", self.body.escape_ascii()),
        }
    }

    /// The trailers that came after the body.
    pub fn trailers(&self) -> Headers<'_> {
        self.trailers.headers()
    }
}
