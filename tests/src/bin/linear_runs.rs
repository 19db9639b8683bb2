//! Runs the linearity check many times over, to see that it neither fails without a cause nor
//! passes a quadratic.
//!
//! `linear_runs [RUNS] [LOAD]` runs work that is linear RUNS times (default 2,000), and work that is not
//! once in every 50, beside LOAD busy threads (default 2). The program prints each wrong verdict, and
//! ends with status 1 if there was one.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lariat::testing::{check_linear, check_linear_cost};
use lariat::{Protocol, Transport};

/// A protocol that is a closure.
struct With<F>(F);

impl<F: FnMut(&[u8]) + 'static> Protocol for With<F> {
    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        (self.0)(data);
    }
}

/// Runs the check of this number, whose work is linear.
fn check_linear_work(number: usize) {
    match number % 6 {
        0 => check_linear(
            || {
                let mut collected = Vec::new();
                With(move |data: &[u8]| collected.extend_from_slice(data))
            },
            64,
            |size| vec![b'x'; size],
        ),
        1 => check_linear(
            || {
                let (mut line, mut lines) = (Vec::new(), BTreeMap::new());
                With(move |data: &[u8]| {
                    for byte in data {
                        line.push(*byte);
                        if *byte == b'\n' {
                            *lines.entry(line.len()).or_insert(0) += 1;
                            line.clear();
                        }
                    }
                })
            },
            64,
            |size| b"GET / HTTP/1.1\n".iter().copied().cycle().take(size).collect(),
        ),
        // Memory that no cache holds.
        2 => check_linear_cost(256, |size| drop(black_box((0..size).map(|at| vec![at; 4]).collect::<Vec<_>>()))),
        3 => check_linear_cost(64, |size| drop(black_box((0..size).map(|at| (at, at)).collect::<HashMap<_, _>>()))),
        4 => check_linear_cost(128, |size| {
            let mut words: Vec<usize> = (0..size).map(|at| at.wrapping_mul(0x9E37_79B9)).collect();
            words.sort_unstable();
            black_box(words);
        }),
        _ => check_linear_cost(1024, |size| {
            black_box((0..size).fold(0, |sum: usize, at| sum.rotate_left(3) ^ black_box(at)));
        }),
    }
}

/// Runs the check of this number, whose work is not linear.
fn check_quadratic_work(number: usize) {
    match number % 4 {
        0 => check_linear(
            || {
                let mut collected = Vec::new();
                With(move |data: &[u8]| {
                    collected.extend_from_slice(data);
                    black_box(collected.contains(&b'\n'));
                })
            },
            1024,
            |size| vec![b'x'; size],
        ),
        1 => check_linear(
            || {
                let mut collected = Vec::new();
                With(move |data: &[u8]| {
                    collected.extend_from_slice(data);
                    while !collected.is_empty() {
                        collected.drain(..1);
                    }
                })
            },
            1024,
            |size| vec![b'x'; size],
        ),
        2 => check_linear_cost(128, |size| {
            for _ in 0..size {
                black_box((0..size).fold(0, |sum: usize, at| sum ^ black_box(at)));
            }
        }),
        // A two-hundredth of the linear part at the given size.
        _ => check_linear_cost(128, |size| {
            let quadratic = size * size / (200 * 128);
            black_box((0..size + quadratic).fold(0, |sum: usize, at| sum.rotate_left(3) ^ black_box(at)));
        }),
    }
}

fn message_of(run: impl FnOnce()) -> Option<String> {
    let thrown = catch_unwind(AssertUnwindSafe(run)).err()?;
    Some(thrown.downcast::<String>().map_or_else(|_| "no message".to_owned(), |message| *message))
}

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<usize>().ok());
    let [Some(runs), Some(load)] = [2_000, 2].map(|default| numbers.next().unwrap_or(Some(default))) else {
        eprintln!("usage: linear_runs [RUNS] [LOAD]");
        return ExitCode::from(2);
    };
    set_hook(Box::new(|_| {}));
    let is_over = AtomicBool::new(false);
    let (mut false_alarms, mut missed, mut planted) = (0, 0, 0);
    thread::scope(|scope| {
        for _ in 0..load {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    black_box((0..100_000).fold(0, |sum: u32, at| sum ^ black_box(at)));
                }
            });
        }
        for run in 0..runs {
            if let Some(message) = message_of(|| check_linear_work(run)) {
                false_alarms += 1;
                println!("run {run}, linear work {}: {message}", run % 6);
            }
            if run % 50 == 0 {
                planted += 1;
                if message_of(|| check_quadratic_work(run / 50)).is_none_or(|text| !text.contains("linear time")) {
                    missed += 1;
                    println!("run {run}: the quadratic work {} was not found", run / 50 % 4);
                }
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    println!(
        "{runs} runs beside {load} busy threads: {false_alarms} false alarms; {missed} of {planted} quadratics missed"
    );
    if false_alarms + missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
