//! TLS: what it adds to a connection, and that it takes nothing away.

mod bad_input;
mod closing;
mod data;
mod endpoints;
mod facts;
mod names;
mod others;
mod refusals;
mod seeds;
mod upgrades;
