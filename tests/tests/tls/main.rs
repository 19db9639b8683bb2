//! TLS: what it adds to a connection, and that it takes nothing away.

mod bad_input;
mod causes;
mod clear_text;
mod closing;
mod crowds;
mod data;
mod endpoints;
mod facts;
mod names;
mod others;
mod refusals;
mod reuse;
mod seeds;
mod upgrades;
mod wall_clock;
