//! What one operation on the timer wheel costs, beside tokio-util's `DelayQueue` and a `BTreeMap`.
//!
//! `cargo bench -p lariat-benches --bench timers`

#![allow(missing_docs, reason = "criterion's macros make public functions without documentation")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement};
use lariat::{TimerKey, TimerWheel};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use tokio_util::time::{DelayQueue, delay_queue};

/// How many timers are pending: enough to leave the first caches, few enough for a short run.
const PENDING: usize = 100_000;

/// A minute of milliseconds.
const LONGEST: u64 = 60_000;

type Group<'a> = BenchmarkGroup<'a, measurement::WallTime>;

/// What the three have in common. Deadlines are milliseconds from when the collection was made.
trait Timers {
    type Key: Clone;
    const NAME: &'static str;

    fn new(runtime: &Runtime) -> Self;
    fn insert(&mut self, deadline: u64, value: usize) -> Self::Key;
    fn cancel(&mut self, key: &Self::Key);
    /// Gives the timer another deadline and the key for it.
    fn reset(&mut self, key: Self::Key, deadline: u64) -> Self::Key;
    /// Lets a minute pass at once and takes every value.
    fn expire(&mut self, runtime: &Runtime);
}

impl Timers for TimerWheel<usize> {
    type Key = TimerKey;
    const NAME: &'static str = "TimerWheel";

    fn new(_: &Runtime) -> Self {
        TimerWheel::new()
    }

    fn insert(&mut self, deadline: u64, value: usize) -> TimerKey {
        self.insert(deadline, value)
    }

    fn cancel(&mut self, key: &TimerKey) {
        self.cancel(*key);
    }

    fn reset(&mut self, key: TimerKey, deadline: u64) -> TimerKey {
        self.reset(key, deadline);
        key
    }

    fn expire(&mut self, _: &Runtime) {
        let mut due = Vec::with_capacity(self.len());
        self.expire(LONGEST, |key| due.push(key));
        for key in due {
            black_box(self.take_expired(key));
        }
    }
}

struct Delays {
    queue: DelayQueue<usize>,
    start: Instant,
}

impl Delays {
    fn at(&self, deadline: u64) -> Instant {
        self.start + Duration::from_millis(deadline)
    }
}

impl Timers for Delays {
    type Key = delay_queue::Key;
    const NAME: &'static str = "DelayQueue";

    fn new(runtime: &Runtime) -> Self {
        let _context = runtime.enter();
        Self { queue: DelayQueue::new(), start: Instant::now() }
    }

    fn insert(&mut self, deadline: u64, value: usize) -> delay_queue::Key {
        self.queue.insert_at(value, self.at(deadline))
    }

    fn cancel(&mut self, key: &delay_queue::Key) {
        self.queue.remove(key);
    }

    fn reset(&mut self, key: delay_queue::Key, deadline: u64) -> delay_queue::Key {
        let at = self.at(deadline);
        self.queue.reset_at(&key, at);
        key
    }

    fn expire(&mut self, runtime: &Runtime) {
        runtime.block_on(async {
            tokio::time::advance(Duration::from_millis(LONGEST + 1)).await;
            while !self.queue.is_empty() {
                let mut context = Context::from_waker(Waker::noop());
                while let Poll::Ready(Some(expired)) = self.queue.poll_expired(&mut context) {
                    black_box(expired.into_inner());
                }
                tokio::task::yield_now().await;
            }
        });
    }
}

/// The textbook way: a map ordered by deadline and, among equals, by insertion.
struct Map {
    timers: BTreeMap<(u64, u64), usize>,
    inserted: u64,
}

impl Timers for Map {
    type Key = (u64, u64);
    const NAME: &'static str = "BTreeMap";

    fn new(_: &Runtime) -> Self {
        Self { timers: BTreeMap::new(), inserted: 0 }
    }

    fn insert(&mut self, deadline: u64, value: usize) -> (u64, u64) {
        self.inserted += 1;
        self.timers.insert((deadline, self.inserted), value);
        (deadline, self.inserted)
    }

    fn cancel(&mut self, key: &(u64, u64)) {
        self.timers.remove(key);
    }

    fn reset(&mut self, key: (u64, u64), deadline: u64) -> (u64, u64) {
        match self.timers.remove(&key) {
            Some(value) => self.insert(deadline, value),
            None => key,
        }
    }

    fn expire(&mut self, _: &Runtime) {
        while let Some(first) = self.timers.first_entry() {
            if first.key().0 > LONGEST {
                break;
            }
            black_box(first.remove());
        }
    }
}

fn filled<T: Timers>(runtime: &Runtime) -> (T, Vec<T::Key>) {
    let mut random = fastrand::Rng::with_seed(1);
    let mut timers = T::new(runtime);
    let mut keys: Vec<T::Key> = (0..PENDING).map(|value| timers.insert(random.u64(1..=LONGEST), value)).collect();
    random.shuffle(&mut keys);
    (timers, keys)
}

fn bench_insert<T: Timers>(group: &mut Group<'_>, runtime: &Runtime) {
    let mut random = fastrand::Rng::with_seed(2);
    let deadlines: Vec<u64> = (0..PENDING).map(|_| random.u64(1..=LONGEST)).collect();
    group.bench_function(T::NAME, |bencher| {
        let routine = |mut timers: T| {
            for (value, &deadline) in deadlines.iter().enumerate() {
                black_box(timers.insert(deadline, value));
            }
            timers
        };
        bencher.iter_batched(|| T::new(runtime), routine, BatchSize::LargeInput);
    });
}

fn bench_cancel<T: Timers>(group: &mut Group<'_>, runtime: &Runtime) {
    group.bench_function(T::NAME, |bencher| {
        let routine = |(mut timers, keys): (T, Vec<T::Key>)| {
            for key in &keys {
                timers.cancel(key);
            }
            (timers, keys)
        };
        bencher.iter_batched(|| filled::<T>(runtime), routine, BatchSize::LargeInput);
    });
}

fn bench_reset<T: Timers>(group: &mut Group<'_>, runtime: &Runtime) {
    let mut random = fastrand::Rng::with_seed(3);
    let (mut timers, mut keys) = filled::<T>(runtime);
    group.bench_function(T::NAME, |bencher| {
        bencher.iter(|| {
            for key in &mut keys {
                *key = timers.reset(key.clone(), random.u64(1..=LONGEST));
            }
        });
    });
}

fn bench_expire<T: Timers>(group: &mut Group<'_>, runtime: &Runtime) {
    group.bench_function(T::NAME, |bencher| {
        let routine = |(mut timers, _): (T, Vec<T::Key>)| {
            timers.expire(runtime);
            timers
        };
        // One at a time: the peer's clock moves on for every queue there is.
        bencher.iter_batched(|| filled::<T>(runtime), routine, BatchSize::PerIteration);
    });
}

fn timers(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without I/O needs nothing that can be missing");
    let _context = runtime.enter();
    macro_rules! compare {
        ($name:literal, $bench:ident) => {
            let mut group = criterion.benchmark_group($name);
            group.throughput(Throughput::Elements(PENDING as u64));
            $bench::<TimerWheel<usize>>(&mut group, &runtime);
            $bench::<Delays>(&mut group, &runtime);
            $bench::<Map>(&mut group, &runtime);
            group.finish();
        };
    }
    compare!("timers/insert", bench_insert);
    compare!("timers/cancel", bench_cancel);
    compare!("timers/reset", bench_reset);
    compare!("timers/expire", bench_expire);
}

criterion_group!(benches, timers);
criterion_main!(benches);
