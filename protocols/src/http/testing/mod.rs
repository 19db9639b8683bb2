//! What tests of handlers and servers need: a client without a network, whose clock is moved by hand. With the feature `testing`.

mod test_client;
mod test_request;
mod test_response;

pub use test_client::TestClient;
pub use test_request::TestRequest;
pub use test_response::TestResponse;
