//! TLS: what it adds to a connection, and that it takes nothing away.

mod closing;
mod data;
mod facts;
