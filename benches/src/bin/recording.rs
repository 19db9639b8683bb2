//! Holds what recording costs to its bound: the CPU of an echo server that records beside that of the same server when it does not.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin recording
//! ```
//!
//! Both serve 100 connections with messages of 64 bytes. They run side by side and are loaded in turn, in slices of a twentieth of a second:
//! nine rounds in each of three sets of fresh processes; the ratio is the median over all rounds. The recording goes to the
//! directory for temporary files, has up to a gibibyte, and is removed. The exit status is 1 if the bound was missed, 2 if something did not
//! run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lariat::{Peer, Protocol, Reactor, Transport};
use lariat_benches::program;
use lariat_benches::ratio::{median, median_ratio};
use lariat_benches::report::{Bound, Report};
use lariat_benches::server::Contestant;
use lariat_benches::tool::{Slice, Tool};
use lariat_benches::{Result, Trouble};

const FRESH_STARTS: usize = 3;

/// What the load generator is told: connections, bytes of a message, messages at a time, milliseconds of a slice, rounds.
const LOAD: [&str; 5] = ["100", "64", "1", "50", "9"];

/// The most bytes that a recording may have. The load takes a tenth of it.
const LIMIT: u64 = 1 << 30;

/// How much of the CPU without recording it may take.
const BOUND: Bound = Bound::AtMost(2.0);

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    program::run("recording", || match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => compare(),
        ["serve", port] => serve(port, None),
        ["serve", port, path] => serve(port, Some(path)),
        _ => Err(Trouble::new("the source's head tells how it is run")),
    })
}

/// Is an echo server until it is killed.
fn serve(port: &str, path: Option<&str>) -> Result<usize> {
    let builder = Reactor::builder().record_limit(LIMIT);
    let builder = if let Some(path) = path { builder.record(path) } else { builder };
    let reactor = builder.build()?;
    reactor.listen(&format!("tcp:{port}:interface=127.0.0.1"), |_: &Peer| Echo)?;
    reactor.run()?;
    Ok(0)
}

/// A recording that is removed in the end.
struct Litter(PathBuf);

impl Litter {
    /// Removes it, and tells how long it was.
    fn clear(&self) -> u64 {
        let length = fs::metadata(&self.0).map_or(0, |metadata| metadata.len());
        // There is none before the first round.
        let _ = fs::remove_file(&self.0);
        length
    }
}

impl Drop for Litter {
    fn drop(&mut self) {
        self.clear();
    }
}

fn compare() -> Result<usize> {
    let mut report = Report::new();
    report.note("recording: an echo server that records all of 64-byte messages, beside the same one that does not");
    let program = std::env::current_exe()?;
    let program = program.to_string_lossy();
    let litter = Litter(std::env::temp_dir().join(format!("lariat-recording-{}", std::process::id())));
    let path = litter.0.to_string_lossy().into_owned();
    let recording = Contestant::new("recording", "Builder::record", &[&program, "serve", "{}", &path]);
    let plain = Contestant::new("plain", "no recording", &[&program, "serve", "{}"]);
    let tool = Tool::build("load")?;
    let mut slices = [Vec::new(), Vec::new()];
    let mut length = 0;
    for _ in 0..FRESH_STARTS {
        let servers = [recording.start()?, plain.start()?];
        let targets: Vec<_> = servers.iter().map(|server| format!("{}:{}", server.port(), server.id())).collect();
        for (all, new) in slices.iter_mut().zip(tool.run(&LOAD, &targets)?) {
            all.extend(new);
        }
        drop(servers);
        length = litter.clear().max(length);
    }
    check(length, &litter.0)?;
    let [recording, plain] = slices.map(|slices| slices.iter().map(|slice: &Slice| slice.cpu).collect::<Vec<_>>());
    let ratio = median_ratio(&recording, &plain).unwrap_or(f64::NAN);
    report.hold("recording: CPU of a 64-byte message", ratio, "an echo that is not recorded", BOUND);
    let [recording, plain] = [recording, plain].map(|values| median(&values).unwrap_or(f64::NAN));
    report.note(format_args!("SEEN recording: {recording:.2} us of server CPU a message, without {plain:.2}"));
    report.note(format_args!("SEEN recording: the longest has {:.0} MiB", length as f64 / f64::from(1 << 20)));
    Ok(report.missed())
}

/// What was not written cost nothing, and would prove nothing.
fn check(length: u64, path: &Path) -> Result<()> {
    if length > 1 << 20 && length < LIMIT - (1 << 20) {
        return Ok(());
    }
    Err(Trouble::new(format!("the recording {} has {length} bytes: it was not written all the time", path.display())))
}
