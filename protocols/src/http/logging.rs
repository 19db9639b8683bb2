//! Log lines about requests and responses that fail.

use std::fmt;

use lariat::LogThrottle;
use log::Level;

/// Any client can repeat the request that fails.
const FAILURES: LogThrottle = LogThrottle::new("lariat_protocols::http");

/// Logs a failure on this side: escaped and cut, and at most one a second after the first ten.
pub(super) fn log_failure(line: fmt::Arguments<'_>) {
    FAILURES.log(Level::Error, line);
}
