//! Holds the proxy example beside HAProxy, each as a TCP proxy on one thread in front of an echo server of its own.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin proxy_compare -- [--rounds N]
//! ```
//!
//! Both proxies run side by side but are loaded in turn, in slices of a tenth of a second: nine rounds (`--rounds`) in each of three
//! sets of fresh processes. Only the proxies' own CPU counts, and a ratio is the median over all rounds. Needs gcc and
//! Debian's package haproxy. The exit status is 1 if a bound was missed, 2 if something did not run.

use std::fs;
use std::process::ExitCode;

use lariat_benches::{
    Result, Trouble, program,
    ratio::{median, median_ratio},
    report::{Bound, Report},
    server::Contestant,
    tool::{Slice, Tool, cargo_build, release},
};

/// Connections that stream at a time.
const STREAMS: &str = "4";

/// A streamed message's size in bytes.
const STREAM_MESSAGE: &str = "1048576";

/// At how many connections CPU per round trip is measured, and how long a message is.
const CONNECTIONS: &str = "100";
const MESSAGE: &str = "64";

/// How many milliseconds a proxy is loaded before it is the other one's turn.
const SLICE: &str = "100";

/// How often all are started anew: where a process lies in memory is luck that a restart redraws.
const FRESH_STARTS: usize = 3;

fn main() -> ExitCode {
    program::run("proxy_compare", || rounds().and_then(|rounds| run(&rounds)))
}

fn rounds() -> Result<String> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok("9".to_owned()),
        (Some("--rounds"), Some(rounds)) if rounds.parse().is_ok_and(|rounds: u32| rounds > 0) => Ok(rounds),
        _ => Err(Trouble::new("the only option is --rounds, with a number")),
    }
}

fn run(rounds: &str) -> Result<usize> {
    cargo_build(&["--example", "echo", "--example", "proxy"])?;
    let mut report = Report::new();
    report.note("proxy: the example, release build, fat LTO, defaults, no checks");
    report.note("haproxy: mode tcp, nbthread 1, no splicing, no log, Debian's package");
    report.note(format_args!(
        "in turn, slices of {SLICE} ms, {rounds} rounds in each of {FRESH_STARTS} sets of processes"
    ));
    let stream = load(&Tool::build("stream")?, &[STREAMS, STREAM_MESSAGE, SLICE, rounds])?;
    show(&mut report, "MiB relayed there and back a second of CPU", &stream);
    report.hold("proxy: bytes relayed a second of CPU", ratio(&stream), "haproxy", Bound::AtLeast(0.9));
    let short = load(&Tool::build("load")?, &[CONNECTIONS, MESSAGE, "1", SLICE, rounds])?;
    show(&mut report, "us of CPU a 64-byte round trip", &short);
    report.note(format_args!("SEEN proxy: CPU per 64-byte round trip {:.3} of haproxy", ratio(&short)));
    Ok(report.missed())
}

/// What both proxies did in every round: ours, then HAProxy.
fn load(tool: &Tool, arguments: &[&str]) -> Result<[Vec<f64>; 2]> {
    let examples = release()?.join("examples");
    let echo = examples.join("echo").display().to_string();
    let proxy = examples.join("proxy").display().to_string();
    let echo = Contestant::new("echo", "what the proxies lead to", &[&echo, "tcp:{}:interface=127.0.0.1"]);
    let mut seen = [Vec::new(), Vec::new()];
    for _ in 0..FRESH_STARTS {
        let (behind_ours, behind_theirs) = (echo.start()?, echo.start()?);
        let target = format!("tcp:127.0.0.1:{}", behind_ours.port());
        let command = [&proxy, "--check", "0", "tcp:{}:interface=127.0.0.1", &target];
        let ours = Contestant::new("proxy", "the example", &command).start()?;
        let haproxy = Haproxy::start(behind_theirs.port())?;
        let targets = [&ours, &haproxy.server].map(|server| format!("{}:{}", server.port(), server.id()));
        for (all, new) in seen.iter_mut().zip(tool.run(arguments, &targets)?) {
            all.extend(new.iter().map(|slice: &Slice| slice.cpu));
        }
    }
    Ok(seen)
}

/// A running HAProxy, and its configuration, which is removed with it.
struct Haproxy {
    server: lariat_benches::server::Server,
    configuration: std::path::PathBuf,
}

impl Haproxy {
    fn start(backend: u16) -> Result<Self> {
        let configuration = std::env::temp_dir().join(format!("lariat-haproxy-{}-{backend}.cfg", std::process::id()));
        // The port comes by the environment, for it is chosen when the process is started.
        let text = format!(
            "global\n  nbthread 1\n  maxconn 4000\n  nosplice\n\
             defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 10m\n  timeout server 10m\n\
             listen relay\n  bind 127.0.0.1:\"${{LARIAT_PORT}}\"\n  server echo 127.0.0.1:{backend}\n"
        );
        fs::write(&configuration, text)?;
        let path = configuration.display().to_string();
        let command = ["env", "LARIAT_PORT={}", "haproxy", "-db", "-q", "-f", &path];
        let server = Contestant::new("haproxy", "one thread", &command).start()?;
        Ok(Self { server, configuration })
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        // What cannot be removed is litter and no more.
        let _ = fs::remove_file(&self.configuration);
    }
}

fn ratio([ours, theirs]: &[Vec<f64>; 2]) -> f64 {
    median_ratio(ours, theirs).unwrap_or(f64::NAN)
}

fn show(report: &mut Report, unit: &str, [ours, theirs]: &[Vec<f64>; 2]) {
    let [ours, theirs] = [ours, theirs].map(|all| median(all).unwrap_or(f64::NAN));
    report.note(format_args!("SEEN {unit}: proxy {ours:.2}, haproxy {theirs:.2}"));
}
