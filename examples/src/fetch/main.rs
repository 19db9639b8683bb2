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
Usage: fetch_many [OPTION]... ENDPOINT

Send lines, each on a connection of its own, and wait for one line in answer to each.

Arguments:
  ENDPOINT                 The server, such as tcp:localhost:7000 or unix:/tmp/echo.sock

Options:
      --requests NUMBER    How many lines; default: 500
      --at-once NUMBER     How many connections at a time; default: 100
      --attempts NUMBER    How often each is tried, with longer and longer pauses; default: 3
      --timeout SECONDS    How long an attempt may take; default: 5";

const NOTES: &str = "
Exit status: 0 if every line was answered, 1 if not or on a failure, 2 on a wrong argument.";

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
    let endpoints = server::arguments("fetch_many", HELP, NOTES, |option, arguments| {
        match option {
            "requests" => requests = server::number(option, arguments)?,
            "at-once" => at_once = server::number(option, arguments)?,
            "attempts" => attempts = server::number(option, arguments)?,
            "timeout" => timeout = server::some_seconds(option, arguments)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(endpoints) = endpoints else { return Ok(true) };
    let endpoint = match &endpoints[..] {
        [endpoint] => endpoint,
        [] => return Err(server::usage("an endpoint is missing")),
        _ => return Err(server::usage("more than one endpoint was given")),
    };
    let endpoint = ClientEndpoint::parse(endpoint)?;
    if at_once == 0 {
        return Err(server::usage("--at-once has to be more than 0"));
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
