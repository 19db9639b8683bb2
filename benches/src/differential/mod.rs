//! What two web servers make of requests that are not quite right.
//!
//! A [`mutant`] is a request in which something was changed. It is sent with a proper request after it, which asks for the path
//! [`SENTINEL`], and the [`verdict`] is what the server took for requests, in order. Two servers that disagree about where a request ends let
//! one client's bytes pass for another's request; a [`class`] names a way in which they may differ without that.

pub mod class;
pub mod mutant;
pub mod verdict;

/// The path that only the request after the mutant asks for.
pub const SENTINEL: &str = "/sentinel";
