//! A client that makes hundreds of requests at a time, against a server that answers lines with lines.
//!
//! ```sh
//! cargo run --release --example echo -- tcp:7000
//! cargo run --release --example fetch_many -- tcp:localhost:7000 --requests 2000
//! ```

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lariat::Reactor;
use lariat::endpoint::ClientEndpoint;
use lariat_examples::fetch::{Plan, fetch_all};
use lariat_examples::server;

const HELP: &str = "\
Sends lines, each on a connection of its own, and waits for a line each.

Usage: fetch_many [OPTION...] ENDPOINT

  ENDPOINT           whom to ask, such as tcp:localhost:7000 or unix:/tmp/echo.sock
  --requests NUMBER  how many lines; 500 unless it is given
  --at-once NUMBER   so many connections at a time; 100 unless it is given
  --attempts NUMBER  try each so often, with longer and longer pauses; 3 unless it is given
  --timeout SECONDS  how long an attempt may take; 5 unless it is given
  -h, --help         print this

Exits with 1 unless every line was answered.";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => server::exit_code("fetch_many", Err(error)),
    }
}

/// Returns whether all were answered.
fn run() -> server::Result<bool> {
    let (mut requests, mut at_once, mut attempts, mut timeout) = (500_u32, 100, 3, Duration::from_secs(5));
    let endpoints = server::endpoints(HELP, |option, arguments| {
        match option {
            "requests" => requests = server::number(option, arguments)?,
            "at-once" => at_once = server::number(option, arguments)?,
            "attempts" => attempts = server::number(option, arguments)?,
            "timeout" => timeout = server::seconds(option, arguments)?.ok_or("--timeout has to be more than 0")?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(endpoints) = endpoints else { return Ok(true) };
    let [endpoint] = &endpoints[..] else { return Err("give one endpoint; --help tells more".into()) };
    let endpoint = ClientEndpoint::parse(endpoint)?;
    if at_once == 0 {
        return Err("--at-once 0 would never ask anybody".into());
    }
    server::begin();
    let mut reactor = Reactor::new()?;
    let plan = Plan { endpoint, at_once, attempts, timeout };
    // It shows on a terminal alone.
    let bar = ProgressBar::new(requests.into());
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left")?);
    let progress = bar.clone();
    let lines = (1..=requests).map(|number| format!("request {number}"));
    let fetching = fetch_all(&reactor, plan, lines, move || progress.inc(1));
    let summary = reactor.block_on(fetching)?.map_err(|failure| failure.into_error() as Box<dyn Error>)?;
    bar.finish_and_clear();
    server::say(&summary);
    Ok(summary.failures().is_empty())
}
