//! A proxy that ends TLS in front of servers that speak in clear: which of them a client gets to depends on the name that it asks for.
//!
//! | part | is |
//! | --- | --- |
//! | [`routes`] | which name has which certificate and which backend; no input or output |
//! | [`TlsProxy`], [`Settings`] | the routes on the network: a factory, and what it may be told |
//! | [`Visitor`] | a client's connection, until the backend answers and a [`Relay`](lariat_protocols::Relay) takes over |

pub mod routes;
mod service;
mod visitor;

pub use service::{Settings, TlsProxy};
pub use visitor::Visitor;
