//! Holds calls from other threads beside tokio's channels, in one run, and counts how often they wake the loop.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin remote
//! ```
//!
//! One thread, then four, make calls as fast as they can. Ours go through `Remote::call`; the peer sends boxed closures through an
//! unbounded `mpsc` channel to a task that runs them. The two take turns in bursts of some ten milliseconds, and a ratio is the median
//! over all pairs. Wake-ups are counted in bursts of a million calls. A wake-up is a system call that writes to the loop's `eventfd`; the
//! kernel counts a process's writes, and meanwhile this one writes nothing else. The exit status is 1 if a bound was missed, 2 if
//! something did not run.

use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use lariat::Reactor;
use lariat_benches::program::{self, pairs};
use lariat_benches::ratio::{median, median_ratio};
use lariat_benches::report::{Bound, Report};
use lariat_benches::{Result, Trouble};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

/// Calls in a burst that is timed.
const CALLS: usize = 100_000;

const PAIRS: usize = 201;

/// Calls in a burst whose wake-ups are counted.
const MANY_CALLS: usize = 1_000_000;

const COUNTS: usize = 11;

/// The most wake-ups that a burst may take.
const WAKE_UPS: f64 = 1000.0;

/// What the calls do: they count themselves, on the loop's thread alone.
static RAN: AtomicUsize = AtomicUsize::new(0);

/// What a burst took.
struct Burst {
    calls_per_second: f64,
    wake_ups: u64,
}

fn main() -> ExitCode {
    program::run("remote", run)
}

fn run() -> Result<usize> {
    let mut report = Report::new();
    report.note("remote: ours is Remote::call into Reactor::new(), with no connection and no timer");
    report.note(
        "remote: the peer is tokio 1, current-thread runtime with I/O and time, a LocalSet, an unbounded mpsc channel",
    );
    report.note(format_args!("remote: calls count themselves; medians of {PAIRS} pairs of bursts of {CALLS} calls"));
    for threads in [1, 4] {
        let who = if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
        compare_speed(&mut report, threads, &who)?;
        count_wake_ups(&mut report, threads, &who)?;
    }
    Ok(report.missed())
}

fn compare_speed(report: &mut Report, threads: usize, who: &str) -> Result<()> {
    let speed = |burst: Result<Burst>| Ok(burst?.calls_per_second);
    let run_ours = |_| speed(burst_of_ours(threads, CALLS));
    let run_theirs = |_| speed(burst_of_theirs(threads, CALLS));
    let (ours, theirs) = pairs(PAIRS, run_ours, run_theirs)?;
    let ratio = median_ratio(&ours, &theirs).unwrap_or(f64::NAN);
    report.hold(format_args!("remote: calls a second by {who}"), ratio, "tokio", Bound::AtLeast(1.0));
    let [ours, theirs] = [ours, theirs].map(|speeds| median(&speeds).unwrap_or(f64::NAN));
    report.note(format_args!("     remote: calls a second by {who}: {ours:.0}, tokio {theirs:.0}"));
    Ok(())
}

fn count_wake_ups(report: &mut Report, threads: usize, who: &str) -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..COUNTS {
        ours.push(burst_of_ours(threads, MANY_CALLS)?.wake_ups);
        theirs.push(burst_of_theirs(threads, MANY_CALLS)?.wake_ups);
    }
    let [most, theirs] = [ours, theirs].map(|counts| counts.into_iter().max().unwrap_or(u64::MAX));
    let what = format!("remote: a burst of {MANY_CALLS} calls by {who}, the worst of {COUNTS}:");
    report.hold_value(what, most as f64, "wake-up system calls", WAKE_UPS);
    report.note(format_args!("     remote: the same by {who}, of tokio: {theirs} wake-up system calls"));
    Ok(())
}

fn burst_of_ours(threads: usize, calls: usize) -> Result<Burst> {
    let reactor = Reactor::new()?;
    let remote = reactor.remote()?;
    let callers = Callers::start(threads, calls, move || {
        let call = move |reactor: &Reactor| {
            if count() == calls {
                reactor.stop();
            }
        };
        remote.call(call).is_ok()
    });
    callers.time(|| Ok(reactor.run()?))
}

fn burst_of_theirs(threads: usize, calls: usize) -> Result<Burst> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let (sender, mut queue) = mpsc::unbounded_channel::<Box<dyn FnOnce() -> bool + Send>>();
    let callers = Callers::start(threads, calls, move || sender.send(Box::new(move || count() == calls)).is_ok());
    callers.time(|| {
        local.block_on(&runtime, async move {
            let task = tokio::task::spawn_local(async move {
                while let Some(call) = queue.recv().await {
                    if call() {
                        break;
                    }
                }
            });
            task.await.map_err(|error| Trouble::new(error.to_string()))
        })
    })
}

/// Counts a call that runs.
fn count() -> usize {
    let ran = RAN.load(Ordering::Relaxed) + 1;
    RAN.store(ran, Ordering::Relaxed);
    ran
}

/// Threads that make the calls of a burst, each its share.
struct Callers {
    calls: usize,
    start: Arc<Barrier>,
    threads: Vec<JoinHandle<bool>>,
}

impl Callers {
    fn start(threads: usize, calls: usize, call: impl Fn() -> bool + Clone + Send + 'static) -> Self {
        let start = Arc::new(Barrier::new(threads + 1));
        let threads = (0..threads)
            .map(|_| {
                let (start, call) = (start.clone(), call.clone());
                thread::spawn(move || {
                    start.wait();
                    (0..calls / threads).all(|_| call())
                })
            })
            .collect();
        Self { calls, start, threads }
    }

    /// Times them from their start until `run` has run all of their calls.
    fn time(self, run: impl FnOnce() -> Result<()>) -> Result<Burst> {
        RAN.store(0, Ordering::Relaxed);
        let before = writes()?;
        self.start.wait();
        let begin = Instant::now();
        run()?;
        let seconds = begin.elapsed().as_secs_f64();
        let well = self.threads.into_iter().all(|thread| thread.join().unwrap_or(false));
        let wake_ups = writes()? - before;
        let ran = RAN.load(Ordering::Relaxed);
        if !well || ran != self.calls {
            return Err(Trouble::new(format!("{ran} calls have run, not {}", self.calls)));
        }
        Ok(Burst { calls_per_second: self.calls as f64 / seconds, wake_ups })
    }
}

/// System calls of this process that wrote something (`proc_pid_io(5)`).
fn writes() -> Result<u64> {
    let io = fs::read_to_string("/proc/self/io")?;
    let count = io.lines().find_map(|line| line.strip_prefix("syscw: ")?.parse().ok());
    count.ok_or_else(|| Trouble::new("the kernel does not count this process's writes"))
}
