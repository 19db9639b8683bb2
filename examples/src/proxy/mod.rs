//! A port forwarder and load balancer.
//!
//! | part | is |
//! | --- | --- |
//! | [`health`] | whether a backend is to be had, and when a failed one is tried again |
//! | [`pool`] | which backend is next |
//! | [`Proxy`], [`Settings`] | the pool on the network: a factory, what it shares, and what it may be told |
//! | [`Client`] | a client's connection, until a backend answers and a [`Relay`](lariat_protocols::Relay) takes over |
//! | [`Statistics`], [`StatisticsPage`] | what was counted, and the page that tells it |
//!
//! The first two do no input or output and read no clock.

mod checks;
mod client;
pub mod health;
pub mod pool;
mod service;
mod statistics;

pub use client::Client;
pub use service::{Proxy, Settings};
pub use statistics::{Statistics, StatisticsPage};
