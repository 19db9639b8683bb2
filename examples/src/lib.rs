//! What the examples are made of, beside their `main`.
//!
//! Each server is an example of this package: `cargo run --release --example NAME -- tcp:7000`, and `--help` instead of the endpoint tells
//! the rest.
//!
//! | module | has |
//! | --- | --- |
//! | [`chat`] | rooms in which people talk: the names, the commands and the rooms without input or output, and what connects them |
//! | [`fetch`] | many requests at once, tried again where that may help, and what became of them |
//! | [`proxy`] | a port forwarder and load balancer: backends and their health without input or output, and what relays to them |
//! | [`seats`] | how many clients may be there at a time |
//! | [`server`] | what every server's `main` does: endpoints, help, the log, the descriptor limit |
//! | [`tls_proxy`] | a proxy that ends TLS: routes by name without input or output, and what serves them |
//! | [`web`] | a web server for files: what the command line says, made into sites |
#![forbid(unsafe_code)]

pub mod chat;
pub mod fetch;
pub mod proxy;
pub mod seats;
pub mod server;
pub mod tls_proxy;
pub mod web;
