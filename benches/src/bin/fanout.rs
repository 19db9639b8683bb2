//! Holds a broadcast by `write_chunk` to its bounds, and beside tokio's broadcast channel.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin fanout -- [--quick]
//! ```
//!
//! One connection sends messages of 256 bytes to a thousand others. What a receiver costs in instructions, system calls and bytes
//! allocated is counted by `measure/fanout.sh`. What it costs in CPU time is compared: the servers run side by side and are loaded in turn,
//! in slices of about a tenth of a second, and a ratio is the median over all rounds. `--quick` makes three rounds, to see that everything
//! runs. The exit status is 1 if a bound was missed, 2 if something did not run.

use lariat_benches::{
    Result, Trouble, program,
    ratio::{median, median_ratio},
    report::Report,
    server::Contestant,
    tool::{Slice, Tool, cargo_build, count, release},
};
use std::process::ExitCode;

/// How many connections get each message.
const RECEIVERS: &str = "1000";

/// A message's size in bytes.
const MESSAGE: &str = "256";

/// Messages in a slice.
const BROADCASTS: &str = "20";

/// How often both servers are started anew: where a process lies in memory is luck that a restart redraws.
const FRESH_STARTS: usize = 3;

fn main() -> ExitCode {
    program::run("fanout", run)
}

/// Tells how many bounds were missed.
fn run() -> Result<usize> {
    let (rounds, starts) = match std::env::args().nth(1).as_deref() {
        None => ("9", FRESH_STARTS),
        Some("--quick") => ("3", 1),
        Some(option) => {
            return Err(Trouble::new(format!("no option {option}; the source's head tells which there are")));
        }
    };
    cargo_build(&["-p", "lariat-benches", "--bin", "lariat_fanout", "--bin", "tokio_fanout"])?;
    let folder = release()?;
    let program = |name| folder.join(name).display().to_string();
    let ours = Contestant::new("lariat_fanout", "defaults, release build, fat LTO", &[&program("lariat_fanout"), "{}"]);
    let tokio = Contestant::new(
        "tokio",
        "tokio 1, current-thread runtime, its broadcast channel, two tasks a connection, no delay, release build, fat LTO",
        &[&program("tokio_fanout"), "{}"],
    );
    let mut report = Report::new();
    for contestant in [&ours, &tokio] {
        report.note(format_args!("{}: {}", contestant.name, contestant.configuration));
    }
    report.add_missed(count("fanout.sh", &ours.command)?);

    let tool = Tool::build("fanout")?;
    let mut slices = [Vec::new(), Vec::new()];
    for _ in 0..starts {
        let servers = [ours.start()?, tokio.start()?];
        let targets = servers.each_ref().map(|server| format!("{}:{}", server.port(), server.id()));
        for (all, new) in slices.iter_mut().zip(tool.run(&[RECEIVERS, MESSAGE, BROADCASTS, rounds], &targets)?) {
            all.extend(new);
        }
    }
    compare(&mut report, &slices, "us of server CPU a receiver and message", |slice| slice.cpu);
    compare(&mut report, &slices, "receivers served a second", |slice| slice.clock);
    Ok(report.missed())
}

/// Tells a figure of both, and the ratio of ours to tokio's, which no bound names.
fn compare(report: &mut Report, slices: &[Vec<Slice>; 2], unit: &str, figure: fn(&Slice) -> f64) {
    let [ours, theirs] = slices.each_ref().map(|slices| slices.iter().map(figure).collect::<Vec<_>>());
    let seen = |values: &[f64]| median(values).unwrap_or(f64::NAN);
    report.note(format_args!("SEEN fanout: {unit}: lariat_fanout {:.3}, tokio {:.3}", seen(&ours), seen(&theirs)));
    let ratio = median_ratio(&ours, &theirs).unwrap_or(f64::NAN);
    report.note(format_args!("SEEN fanout: {unit} {ratio:.3} of tokio"));
}
