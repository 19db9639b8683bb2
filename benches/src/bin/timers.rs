//! Holds the timer wheel beside tokio-util's `DelayQueue`, in one run, and prints whether each bound is met.
//!
//! `cargo run --release -p lariat-benches --bin timers` fails if one is missed. The time that the peer's clock and
//! runtime take to move on is not counted against it: only what is done to the queue itself is timed.

use std::hint::black_box;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use lariat::{TimerKey, TimerWheel};
use lariat_benches::program::{self, pairs};
use lariat_benches::ratio::{median, median_ratio};
use lariat_benches::report::{Bound, Report};
use lariat_benches::{Result, Trouble};
use tokio_util::time::{DelayQueue, delay_queue};

const TIMERS: usize = 1_000_000;

/// A minute of milliseconds.
const LONGEST: u64 = 60_000;

const PAIRS: usize = 11;

/// Turns in a sample of idle turns: about a millisecond of them.
const TURNS: u32 = 300_000;

/// When each timer is due, in milliseconds from the start, and in which order the timers are cancelled.
struct Load {
    deadlines: Vec<u64>,
    cancels: Vec<usize>,
}

impl Load {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let deadlines = (0..TIMERS).map(|_| random.u64(1..=LONGEST)).collect();
        let mut cancels: Vec<usize> = (0..TIMERS).collect();
        random.shuffle(&mut cancels);
        Self { deadlines, cancels }
    }
}

/// What a million of each took, in nanoseconds for one.
#[derive(Clone, Copy)]
struct Costs {
    insert: f64,
    cancel: f64,
    expire: f64,
    expire_by_ticks: f64,
}

fn main() -> ExitCode {
    program::run("timers", run)
}

fn run() -> Result<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let mut report = Report::new();
    report.note("timers: ours is TimerWheel<usize>, the peer tokio-util's DelayQueue<usize>, both made with new()");
    report.note(
        "timers: the peer runs on a current-thread runtime with a paused clock; insert_at, so it reads no clock either",
    );
    report.note(format_args!(
        "timers: {TIMERS} timers due after 1 to {LONGEST} ms at random, cancelled in random order; medians of {PAIRS} pairs"
    ));

    let run_ours = |pair| Ok(wheel_costs(&Load::new(pair)));
    let run_theirs = |pair| Ok(runtime.block_on(queue_costs(&Load::new(pair))));
    let (ours, theirs) = pairs(PAIRS, run_ours, run_theirs)?;
    judge(&mut report, "insert", &ours, &theirs, |costs| costs.insert, 0.50)?;
    judge(&mut report, "cancel", &ours, &theirs, |costs| costs.cancel, 0.70)?;
    judge(&mut report, "expire at once", &ours, &theirs, |costs| costs.expire, 0.60)?;
    judge(&mut report, "expire tick by tick", &ours, &theirs, |costs| costs.expire_by_ticks, 0.60)?;
    judge_idle_turn(&mut report)?;
    Ok(report.missed())
}

fn judge(
    report: &mut Report,
    what: &str,
    ours: &[Costs],
    theirs: &[Costs],
    pick: impl Fn(&Costs) -> f64,
    bound: f64,
) -> Result<()> {
    let ours: Vec<f64> = ours.iter().map(&pick).collect();
    let theirs: Vec<f64> = theirs.iter().map(&pick).collect();
    hold(report, what, &ours, "DelayQueue", &theirs, bound)
}

/// Judges the ratio of two lists of nanoseconds.
fn hold(report: &mut Report, what: &str, ours: &[f64], peer: &str, theirs: &[f64], bound: f64) -> Result<()> {
    let missing = || Trouble::new("no pair was run");
    let ratio = median_ratio(ours, theirs).ok_or_else(missing)?;
    let (ours, theirs) = (median(ours).ok_or_else(missing)?, median(theirs).ok_or_else(missing)?);
    report.hold(format_args!("timers: {what}"), ratio, peer, Bound::AtMost(bound));
    report.note(format_args!("     timers: {what}: {ours:.1} ns, {peer} {theirs:.1} ns"));
    Ok(())
}

fn wheel_costs(load: &Load) -> Costs {
    let mut keys = Vec::new();
    // Filled once before, so that the list of keys has its memory.
    fill_wheel(load, &mut keys);
    let (insert, mut wheel) = timed(|| fill_wheel(load, &mut keys));
    let (cancel, ()) = timed(|| {
        for &place in &load.cancels {
            wheel.cancel(keys[place]);
        }
    });
    assert!(wheel.is_empty(), "every timer was cancelled");

    let mut queue = Vec::with_capacity(TIMERS);
    let mut wheel = fill_wheel(load, &mut keys);
    let (expire, ()) = timed(|| expire_wheel(&mut wheel, LONGEST, &mut queue));
    assert!(wheel.is_empty(), "every timer was taken");

    let mut wheel = fill_wheel(load, &mut keys);
    let mut expire_by_ticks = Duration::ZERO;
    for now in 1..=LONGEST {
        expire_by_ticks += timed(|| expire_wheel(&mut wheel, now, &mut queue)).0;
    }
    assert!(wheel.is_empty(), "every timer was taken");
    Costs { insert: each(insert), cancel: each(cancel), expire: each(expire), expire_by_ticks: each(expire_by_ticks) }
}

fn fill_wheel(load: &Load, keys: &mut Vec<TimerKey>) -> TimerWheel<usize> {
    keys.clear();
    let mut wheel = TimerWheel::new();
    for (value, &deadline) in load.deadlines.iter().enumerate() {
        keys.push(wheel.insert(deadline, value));
    }
    wheel
}

/// Does what a reactor does: queues the keys that are due, then takes the values in their turn.
fn expire_wheel(wheel: &mut TimerWheel<usize>, now: u64, queue: &mut Vec<TimerKey>) {
    wheel.expire(now, |key| queue.push(key));
    for key in queue.drain(..) {
        black_box(wheel.take_expired(key));
    }
    black_box(wheel.next_deadline());
}

async fn queue_costs(load: &Load) -> Costs {
    let mut keys = Vec::new();
    fill_queue(load, &mut keys);
    let (insert, mut queue) = timed(|| fill_queue(load, &mut keys));
    let (cancel, ()) = timed(|| {
        for &place in &load.cancels {
            queue.remove(&keys[place]);
        }
    });
    assert!(queue.is_empty(), "every timer was cancelled");

    let mut queue = fill_queue(load, &mut keys);
    tokio::time::advance(Duration::from_millis(LONGEST + 1)).await;
    let mut expire = Duration::ZERO;
    while !queue.is_empty() {
        expire += timed(|| expire_queue(&mut queue)).0;
        // A runtime lets a task take only so much before it yields.
        tokio::task::yield_now().await;
    }

    let mut queue = fill_queue(load, &mut keys);
    let mut expire_by_ticks = Duration::ZERO;
    while !queue.is_empty() {
        tokio::time::advance(Duration::from_millis(1)).await;
        expire_by_ticks += timed(|| expire_queue(&mut queue)).0;
    }
    Costs { insert: each(insert), cancel: each(cancel), expire: each(expire), expire_by_ticks: each(expire_by_ticks) }
}

fn fill_queue(load: &Load, keys: &mut Vec<delay_queue::Key>) -> DelayQueue<usize> {
    keys.clear();
    let mut queue = DelayQueue::new();
    let start = tokio::time::Instant::now();
    for (value, &deadline) in load.deadlines.iter().enumerate() {
        keys.push(queue.insert_at(value, start + Duration::from_millis(deadline)));
    }
    queue
}

fn expire_queue(queue: &mut DelayQueue<usize>) {
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(expired)) = queue.poll_expired(&mut context) {
        black_box(expired.into_inner());
    }
}

/// A turn in which nothing is due must not notice how many timers are pending.
fn judge_idle_turn(report: &mut Report) -> Result<()> {
    // Further away than all the turns reach, a tick each.
    const SOONEST: u64 = 2 * PAIRS as u64 * TURNS as u64;
    let mut random = fastrand::Rng::with_seed(0);
    let mut crowded = TimerWheel::new();
    for value in 0..TIMERS {
        crowded.insert(random.u64(SOONEST..2 * SOONEST), value);
    }
    let mut lone = TimerWheel::new();
    lone.insert(SOONEST, 0);
    let mut empty = TimerWheel::new();

    let (mut with_a_million, mut with_one, mut with_none) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        with_a_million.push(turn_cost(&mut crowded));
        with_one.push(turn_cost(&mut lone));
        with_none.push(turn_cost(&mut empty));
    }
    let what = "turn with a million pending and none due";
    hold(report, what, &with_a_million, "one with a lone timer", &with_one, 1.10)?;
    let none = median(&with_none).ok_or_else(|| Trouble::new("no turn was run"))?;
    report.note(format_args!("     timers: turn with no timer at all: {none:.1} ns"));
    Ok(())
}

/// Nanoseconds for what a turn asks of the wheel, a tick a turn.
fn turn_cost(wheel: &mut TimerWheel<usize>) -> f64 {
    let from = wheel.now();
    let (time, ()) = timed(|| {
        for tick in 1..=u64::from(TURNS) {
            wheel.expire(black_box(from + tick), |_| {});
            black_box(wheel.next_deadline());
        }
    });
    time.as_nanos() as f64 / f64::from(TURNS)
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

fn each(total: Duration) -> f64 {
    total.as_nanos() as f64 / TIMERS as f64
}
