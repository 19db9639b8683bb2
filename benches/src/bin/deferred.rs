//! Holds a chain of callbacks beside awaited tokio channels, in one run.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin deferred
//! ```
//!
//! Ours is a Deferred with ten callbacks that is resolved, and delivered by the loop. The peer awaits ten `oneshot` channels one after the
//! other, each of which another task of the same `LocalSet` sends to once it is awaited. The two take turns in bursts of some
//! milliseconds, and the ratio is the median over all pairs of the CPU time per chain. The exit status is 1 if a bound was missed, 2 if
//! something did not run.

use std::cell::Cell;
use std::hint::black_box;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use lariat::{Deferred, Reactor};
use lariat_benches::program::{self, cpu_seconds, pairs};
use lariat_benches::ratio::{median, median_ratio};
use lariat_benches::report::{Bound, Report};
use lariat_benches::{Result, Trouble};
use tokio::sync::oneshot;
use tokio::task::{LocalSet, yield_now};

/// Chains in a burst.
const CHAINS: u64 = 5_000;

/// Callbacks in a chain, and channels that are awaited for one.
const LINKS: u64 = 10;

const PAIRS: usize = 201;

fn main() -> ExitCode {
    program::run("deferred", run)
}

fn run() -> Result<usize> {
    let mut report = Report::new();
    let (ours, theirs) = pairs(PAIRS, |_| burst_of_ours(), |_| burst_of_theirs())?;
    let ratio = median_ratio(&ours, &theirs).unwrap_or(f64::NAN);
    let what = format!("deferred: CPU for a chain of {LINKS} callbacks");
    report.hold(what, ratio, format!("{LINKS} awaited oneshots of tokio").as_str(), Bound::AtMost(0.6));
    let [ours, theirs] = [ours, theirs].map(|seconds| median(&seconds).unwrap_or(f64::NAN) * 1e9 / CHAINS as f64);
    report.note(format_args!("     deferred: ns of CPU for a chain: {ours:.0}, tokio {theirs:.0}"));
    Ok(report.missed())
}

/// Seconds of CPU for a burst.
fn burst_of_ours() -> Result<f64> {
    let mut reactor = Reactor::new()?;
    let delivered = Rc::new(Cell::new(0));
    let begin = cpu_seconds();
    for number in 0..CHAINS {
        let (resolver, deferred) = Deferred::new(&reactor);
        let delivered = delivered.clone();
        let five = deferred.map(step).map(step).map(step).map(step).map(step);
        five.map(step)
            .map(step)
            .map(step)
            .map(step)
            .map(move |number| delivered.set(delivered.get() + u64::from(black_box(number) > 0)))
            .detach();
        // Somebody listens.
        let _ = resolver.resolve(black_box(number));
        reactor.turn(Some(Duration::ZERO))?;
    }
    let seconds = cpu_seconds() - begin;
    if delivered.get() == CHAINS { Ok(seconds) } else { Err(Trouble::new("a chain was not delivered")) }
}

fn step(number: u64) -> u64 {
    black_box(number) + 1
}

fn burst_of_theirs() -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let begin = cpu_seconds();
    let sum = local.block_on(&runtime, async {
        let asked: Rc<Cell<Option<oneshot::Sender<u64>>>> = Rc::default();
        let answers = asked.clone();
        let answering = tokio::task::spawn_local(async move {
            loop {
                if let Some(sender) = answers.take()
                    && sender.send(black_box(1)).is_err()
                {
                    return;
                }
                yield_now().await;
            }
        });
        let asking = tokio::task::spawn_local(async move {
            let mut sum = 0;
            for _ in 0..CHAINS * LINKS {
                let (sender, receiver) = oneshot::channel();
                asked.set(Some(sender));
                sum += receiver.await.unwrap_or(0);
            }
            sum
        });
        let sum = asking.await.unwrap_or(0);
        answering.abort();
        sum
    });
    let seconds = cpu_seconds() - begin;
    if sum == CHAINS * LINKS { Ok(seconds) } else { Err(Trouble::new("a message was not delivered")) }
}
