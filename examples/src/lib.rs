//! The parts of the programs beside their `main`.
//!
//! Each program is an example of this package: `cargo run --release --example NAME -- tcp:7000`. `--help` lists its options.
//!
//! | module | has |
//! | --- | --- |
//! | [`chat`] | rooms in which people talk: the names, the commands and the rooms without input or output, and what connects them |
//! | [`fetch`] | many requests at once, tried again where that may help, and what became of them |
//! | [`log_file`] | log files that are reopened after they were renamed |
//! | [`proxy`] | a port forwarder and load balancer: backends and their health without input or output, and what relays to them |
//! | [`seats`] | how many clients may be there at a time |
//! | [`server`] | the parts of every `main`: arguments, help, messages, signals, the log |
//! | [`tls_proxy`] | a proxy that ends TLS: routes by name without input or output, and what serves them |
//! | [`web`] | a web server for files: what the command line says, made into sites |
#![forbid(unsafe_code)]

pub mod chat;
pub mod fetch;
pub mod log_file;
pub mod proxy;
pub mod seats;
pub mod server;
pub mod tls_proxy;
pub mod web;
