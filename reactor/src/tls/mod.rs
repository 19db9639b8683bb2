//! TLS: connections that are encrypted, and whose ends know who they talk to.
//!
//! Needs the feature `tls`. The protocol and the cryptography are [rustls](https://docs.rs/rustls)'s, the latter from ring, or from aws-lc
//! with the feature `tls-aws-lc-rs`. Nothing of rustls shows here.

mod acceptor;
mod certificate;
mod client_options;
mod common;
mod connector;
mod identity;
mod info;
mod names;
mod notes;
mod outgoing;
mod problem;
mod provider;
mod revocation;
mod scratch;
mod server_options;
mod session;
mod start_tls;
mod stream;
mod tls_layer;
mod trust;
mod verifier;

pub use self::acceptor::Acceptor;
pub use self::certificate::PeerCertificate;
pub use self::client_options::ClientOptions;
pub use self::connector::{Connector, NamedConnector};
pub use self::identity::Identity;
pub use self::info::{TlsInfo, TlsVersion};
pub use self::problem::{TlsError, TlsErrorKind};
pub use self::revocation::RevocationList;
pub use self::server_options::ServerOptions;
pub use self::tls_layer::TlsLayer;
pub use self::trust::TrustRoots;
