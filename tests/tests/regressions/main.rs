//! What was broken once, each test named after it.

mod addresses;
mod adopted;
mod closing;
mod errors;
mod handles;
mod idle_timeouts;
mod pauses;
mod producers;
mod signals;
mod simulations;
mod stopping;
