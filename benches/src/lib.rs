//! Measurements of Lariat's costs, beside its peers.
//!
//! Everything here is a program that prints each bound, the value seen, and `PASS` or `FAIL`:
//!
//! - `compare` holds the echo example beside a bare epoll server in C and beside tokio;
//! - `fanout` holds a broadcast to a thousand connections to its bounds, and beside tokio;
//! - `chat_load` holds the chat example to its bounds with five thousand members in a room, some of which never read;
//! - `proxy_compare` holds the proxy example beside HAProxy;
//! - `tls_compare` holds the echo example over TLS beside tokio-rustls;
//! - `http_compare` holds the plaintext example beside hyper, and the web example beside nginx;
//! - `compression` holds a small request beside large compressed responses to its wait on a quiet server;
//! - `http_differential` holds what our HTTP server takes for requests beside what nginx does;
//! - `timers` holds the timer wheel beside tokio's timers;
//! - `remote` holds calls from other threads beside tokio's channels, and counts how often they wake the loop;
//! - `threads` holds jobs for threads, and tasks, beside tokio's;
//! - `faults` starves the echo example of descriptors, and holds its CPU and its recovery to their bounds;
//! - `recording` holds what it costs to record a loop to its bound;
//! - `simulation` counts the seeds that a simulated test checks in a minute, and the connections that it takes;
//! - `measure/counted.sh` counts instructions, system calls and bytes, and needs no peer.
//!
//! A machine is shared and noisy, so an absolute time proves nothing: the contestants run in turn, in slices so short that what
//! else the machine does falls on all alike, and a figure is the median of the ratios of slices that stood next to each other. This library has what the programs share.
//!
//! | module | has |
//! | --- | --- |
//! | [`program`] | how a program ends, turns in pairs, the clock of CPU time |
//! | [`certificates`] | certificates for servers that speak TLS |
//! | [`tls_crowd`] | clients of a TLS server |
//! | [`wrk`], [`nginx`] | the load generator and the web server of these names |
//! | [`differential`] | requests in which something was changed, and how verdicts on them differ |
//! | [`duel`] | two servers that are loaded in turn |
//! | [`server`] | a server in a process of its own, killed when dropped |
//! | [`tool`] | the load generators in C, built on demand, and what they print |
//! | [`ratio`] | medians, percentiles, and pairs of runs |
//! | [`report`] | the lines that compare a bound with the value seen |

pub mod certificates;
pub mod differential;
pub mod duel;
pub mod nginx;
pub mod program;
pub mod ratio;
pub mod report;
pub mod server;
pub mod tls_crowd;
pub mod tool;
pub mod wrk;

use std::fmt;

/// The error that ended a measurement early.
#[derive(Debug)]
pub struct Trouble(String);

impl Trouble {
    /// Trouble that `message` describes.
    pub fn new(message: impl Into<String>) -> Self {
        Trouble(message.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Trouble(error.to_string())
    }
}

impl From<lariat::Error> for Trouble {
    fn from(error: lariat::Error) -> Self {
        Trouble(error.to_string())
    }
}

/// A result whose error is [`Trouble`].
pub type Result<T> = std::result::Result<T, Trouble>;
