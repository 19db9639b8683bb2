//! Holds jobs for threads, and tasks, beside tokio's, in one run.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin threads
//! ```
//!
//! A job for a thread is given, done and awaited, then the next one: ours goes through `Reactor::defer_to_thread`, the peer's through
//! `spawn_blocking`, both awaited on a loop of one thread. What counts is the time that it takes, there and back. A task is a future that is ready when it
//! is first polled, spawned by `Reactor::spawn` or `spawn_local` in batches that then run; what counts is the CPU time. Ours and the peer
//! take turns in bursts of some milliseconds, and a ratio is the median over all pairs. The exit status is 1 if a bound was missed, 2 if
//! something did not run.

use std::cell::Cell;
use std::fmt::Display;
use std::hint::black_box;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use lariat::{Failure, Reactor};
use lariat_benches::program::{self, cpu_seconds, pairs};
use lariat_benches::ratio::{median, median_ratio};
use lariat_benches::report::{Bound, Report};
use lariat_benches::{Result, Trouble};
use tokio::task::{LocalSet, spawn_blocking, spawn_local, yield_now};

/// Jobs in a burst.
const JOBS: u64 = 500;

/// Tasks in a burst, and how many of them are spawned before they run.
const TASKS: u64 = 20_000;
const BATCH: u64 = 100;

const PAIRS: usize = 201;

fn main() -> ExitCode {
    program::run("threads", run)
}

fn run() -> Result<usize> {
    let mut report = Report::new();
    report.note(format_args!(
        "threads: the peer is tokio 1, current-thread runtime with I/O and time, a LocalSet; medians of {PAIRS} pairs"
    ));
    let (ours, theirs) = pairs(PAIRS, |_| our_jobs(), |_| their_jobs())?;
    let what = "threads: time for a job there and back";
    hold(&mut report, what, &ours, &theirs, "tokio's spawn_blocking", JOBS);
    let (ours, theirs) = pairs(PAIRS, |_| our_tasks(), |_| their_tasks())?;
    let what = "threads: CPU for a task that is ready at once";
    hold(&mut report, what, &ours, &theirs, "tokio's spawn_local", TASKS);
    Ok(report.missed())
}

fn hold(report: &mut Report, what: impl Display, ours: &[f64], theirs: &[f64], peer: &str, count: u64) {
    let ratio = median_ratio(ours, theirs).unwrap_or(f64::NAN);
    report.hold(&what, ratio, peer, Bound::AtMost(1.0));
    let [ours, theirs] = [ours, theirs].map(|seconds| median(seconds).unwrap_or(f64::NAN) * 1e9 / count as f64);
    report.note(format_args!("     {what}: {ours:.0} ns, tokio {theirs:.0} ns"));
}

fn our_jobs() -> Result<f64> {
    let mut reactor = Reactor::new().map_err(trouble)?;
    let handle = Reactor::clone(&reactor);
    let (seconds, sum) = reactor
        .block_on(async {
            let mut sum = handle.defer_to_thread(|| black_box(0)).await?;
            let begin = Instant::now();
            for number in 1..=JOBS {
                sum += handle.defer_to_thread(move || black_box(number)).await?;
            }
            Ok::<_, Failure>((begin.elapsed().as_secs_f64(), sum))
        })
        .map_err(trouble)?
        .map_err(trouble)?;
    check(seconds, sum, JOBS * (JOBS + 1) / 2)
}

fn their_jobs() -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (seconds, sum) = runtime
        .block_on(async {
            let mut sum = spawn_blocking(|| black_box(0)).await?;
            let begin = Instant::now();
            for number in 1..=JOBS {
                sum += spawn_blocking(move || black_box(number)).await?;
            }
            Ok::<_, tokio::task::JoinError>((begin.elapsed().as_secs_f64(), sum))
        })
        .map_err(trouble)?;
    check(seconds, sum, JOBS * (JOBS + 1) / 2)
}

fn our_tasks() -> Result<f64> {
    let mut reactor = Reactor::new().map_err(trouble)?;
    let done = Rc::new(Cell::new(0));
    let begin = cpu_seconds();
    for batch in 1..=TASKS / BATCH {
        for _ in 0..BATCH {
            let done = done.clone();
            reactor.spawn(async move { done.set(black_box(done.get()) + 1) }).detach();
        }
        while done.get() < batch * BATCH {
            reactor.turn(Some(Duration::ZERO)).map_err(trouble)?;
        }
    }
    check(cpu_seconds() - begin, done.get(), TASKS)
}

fn their_tasks() -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let done = Rc::new(Cell::new(0));
    let begin = cpu_seconds();
    local.block_on(&runtime, async {
        for batch in 1..=TASKS / BATCH {
            for _ in 0..BATCH {
                let done = done.clone();
                drop(spawn_local(async move { done.set(black_box(done.get()) + 1) }));
            }
            while done.get() < batch * BATCH {
                yield_now().await;
            }
        }
    });
    check(cpu_seconds() - begin, done.get(), TASKS)
}

fn check(seconds: f64, seen: u64, expected: u64) -> Result<f64> {
    if seen == expected { Ok(seconds) } else { Err(Trouble::new(format!("{seen} came back, not {expected}"))) }
}

fn trouble(error: impl Display) -> Trouble {
    Trouble::new(error.to_string())
}
