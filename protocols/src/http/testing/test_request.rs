//! A request that a test makes.

use crate::http::client_connection::ClientConnection;
use crate::http::fields::Fields;
use crate::http::head::BodyLength;

/// A request for a [`TestClient`](super::TestClient) to send. What could not be sent as one panics, for it is the test's mistake: what is malformed on
/// purpose is [fed](lariat::testing::MemoryTransport::feed) as bytes.
///
/// ```
/// use lariat_protocols::http::testing::TestRequest;
///
/// let request = TestRequest::new("PUT", "/users/7").with_header("If-Match", "\"3\"").with_body("text/plain", "Ada");
/// ```
#[derive(Clone, Debug)]
pub struct TestRequest {
    method: String,
    target: String,
    fields: Fields,
    body: Vec<u8>,
}

impl TestRequest {
    /// A request with that method and target, which is a path with perhaps a query, for the host `localhost` and without a body.
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), fields: Fields::new(), body: Vec::new() }
    }

    /// A GET.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A POST.
    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// Adds a header. Host replaces the one that would be sent.
    ///
    /// # Panics
    ///
    /// If name or value cannot be those of a header.
    #[must_use]
    #[track_caller]
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if let Err(error) = self.fields.append(name, value) {
            panic!("{name}: {error}");
        }
        self
    }

    /// Sets the body, and what it is.
    ///
    /// # Panics
    ///
    /// If the type cannot stand in a header.
    #[must_use]
    #[track_caller]
    pub fn with_body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.with_header("Content-Type", content_type)
    }

    /// Sets the body to a value as JSON.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON.
    #[cfg(feature = "json")]
    #[must_use]
    #[track_caller]
    pub fn with_json<T: serde::Serialize + ?Sized>(self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.with_body("application/json", body),
            Err(error) => panic!("the value is none of JSON: {error}"),
        }
    }

    /// What is sent.
    #[track_caller]
    pub(super) fn bytes(&self, connection: &mut ClientConnection) -> Vec<u8> {
        let Self { method, target, fields, body } = self;
        let length = if body.is_empty() { BodyLength::None } else { BodyLength::Known(body.len() as u64) };
        let mut bytes = Vec::new();
        if let Err(error) = connection.request(method, target, "localhost", fields, length, &mut bytes) {
            panic!("{method} {target}: {error}");
        }
        bytes.extend_from_slice(body);
        bytes
    }
}
