//! The load generator `wrk`, Debian's package of that name.

use std::process::Command;

use crate::{Result, Trouble, server::Server, tool::measure};

/// A load of requests for one path.
#[derive(Clone, Copy, Debug)]
pub struct Wrk<'a> {
    /// The path, beginning with a slash.
    pub path: &'a str,
    /// How many connections there are.
    pub connections: usize,
    /// How many requests are sent at a time on each.
    pub depth: usize,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answered {
    /// Requests that were answered, none of them with an error.
    pub requests: f64,
    /// Bytes of the responses, heads and bodies.
    pub bytes: f64,
}

impl Wrk<'_> {
    /// Loads `server` for a second, which is the least that wrk can.
    ///
    /// # Errors
    ///
    /// When wrk does not start, or any request fails.
    pub fn run(&self, server: &Server) -> Result<Answered> {
        let url = format!("http://127.0.0.1:{}{}", server.port(), self.path);
        let output = Command::new("wrk")
            .args(["--threads", "1", "--duration", "1s", "--connections", &self.connections.to_string(), "--script"])
            .arg(measure().join("wrk.lua"))
            .args([&url, "--", &self.depth.to_string()])
            .output()
            .map_err(|error| Trouble::new(format!("wrk did not start: {error}")))?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let wrong = || Trouble::new(format!("wrk {url}: {printed}{}", String::from_utf8_lossy(&output.stderr)));
        let seen = printed.lines().find_map(|line| line.strip_prefix("seen ")).ok_or_else(wrong)?;
        let numbers: Vec<f64> = seen.split(' ').filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [requests, bytes, 0.0] if requests > 0.0 => Ok(Answered { requests, bytes }),
            _ => Err(wrong()),
        }
    }
}
