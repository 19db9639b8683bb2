//! TLS: connections that are encrypted, and whose ends know who they talk to.
//!
//! Needs the feature `tls`. The protocol and the cryptography are [rustls](https://docs.rs/rustls)'s, the latter from ring, or from aws-lc
//! with the feature `tls-aws-lc-rs`. Nothing of rustls shows here.
//!
//! | to … | see |
//! | --- | --- |
//! | speak TLS by a string | [`endpoint`](crate::endpoint): `ssl:8443:privateKey=key.pem:certKey=chain.pem`, `tls:example.org:443` |
//! | serve it | [`ServerOptions`] with an [`Identity`], an [`Acceptor`], [`ListenOptions::tls`](crate::ListenOptions::tls) |
//! | connect by it | [`ClientOptions`] with [`TrustRoots`], a [`Connector`], [`ConnectOptions::tls`](crate::ConnectOptions::tls) |
//! | go over to it | [`Transport::start_tls`](crate::Transport::start_tls) |
//! | know who is there | [`Peer::tls`](crate::Peer::tls) |
//! | take new certificates into service | [`Acceptor::reload`], [`Port::reload_tls`](crate::Port::reload_tls) |
//! | know what went wrong | [`TlsError`], from [`Error::tls`](crate::Error::tls) and [`CloseReason::tls`](crate::CloseReason::tls) |
//! | watch | [`Stats::handshaking`](crate::Stats::handshaking) and what follows it, [`Port::handshaking`](crate::Port::handshaking) |
//!
//! ```
//! use lariat::tls::{ClientOptions, Identity, ServerOptions, TrustRoots};
//! use lariat::{ConnectOptions, ListenOptions, Once, Peer, Protocol, Reactor, Transport};
//! # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
//! # let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
//!
//! struct Greeter;
//!
//! impl Protocol for Greeter {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.write(b"hello, in secret");
//!         transport.close();
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! }
//!
//! struct Guest;
//!
//! impl Protocol for Guest {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         assert_eq!(data, b"hello, in secret");
//!         println!("by {}", transport.peer().tls().map_or(String::new(), |tls| tls.cipher_suite));
//!         transport.reactor().stop();
//!     }
//! }
//!
//! let reactor = Reactor::new()?;
//! let acceptor = ServerOptions::new(Identity::from_pem(certificate.as_bytes(), key.as_bytes())?).build()?;
//! let anywhere = "127.0.0.1:0".parse().map(lariat::Address::Tcp)?;
//! let port = reactor.listen_at(&anywhere, ListenOptions::default().tls(&acceptor), |_: &Peer| Greeter)?;
//!
//! let connector = ClientOptions::new().trust(TrustRoots::from_pem(certificate.as_bytes())?).build()?;
//! let options = ConnectOptions::default().tls(connector.to("localhost")?);
//! reactor.connect_at(port.address(), options, Once::new(Guest)).detach();
//! reactor.run()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does to a connection
//!
//! Nothing, but for what it is for: marks, limits, timeouts, pauses and half-closes are those of any other connection, and the same tests are
//! run on it. [`close_write`](crate::Transport::close_write) sends `close_notify` before the end of the stream, and the peer's is
//! [`read_closed`](crate::Protocol::read_closed); a peer that ends without one has
//! [cut short](TlsErrorKind::Truncated) what it was sending, and that is never a clean end, except to a side that has closed the
//! connection and listens no more. A handshake has ten seconds, and `close_notify` five when it is all that is left to be sent.
//!
//! What is counted and queued are a protocol's own bytes. A connection keeps memory of its own only for a record that is incomplete, and
//! for at most four records (64 KiB) that the kernel has not taken; those still count as queued. For each record that is sent or received,
//! rustls allocates once; nothing else does.

mod acceptor;
mod alerts;
mod certificate;
mod client_options;
mod common;
mod connector;
mod der;
mod identity;
mod info;
mod names;
mod notes;
mod outgoing;
mod pem;
mod problem;
mod provider;
mod resumption;
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
