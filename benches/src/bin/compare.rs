//! Holds the echo example beside its peers: a bare epoll server in C, which is the floor, and tokio.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin compare -- [--only PART,...] [--rounds N] [--quick] [--server-command COMMAND]
//! ```
//!
//! | part | measures |
//! | --- | --- |
//! | `cpu` | server CPU per 64-byte message at 100 connections, and messages a second |
//! | `accept` | connections taken a second of the server's CPU, and by the clock |
//! | `stream` | 1 MiB messages echoed a second of the server's CPU, and by the clock |
//! | `counted` | instructions, system calls and idle bytes, by `measure/counted.sh` |
//!
//! By default all of them. The contestants run side by side but are loaded in turn, A B C A B C, in slices of a tenth of a
//! second: nine rounds (`--rounds`) in each of three sets of fresh processes, and a ratio is the median over all rounds.
//! `--quick` makes three rounds, to see that everything runs; its ratios prove little. `--server-command` measures another
//! server in the example's place; `{}` in it stands for the port. The exit status is 1 if a bound was missed, 2 if something
//! did not run.

use lariat_benches::{
    Result, Trouble, program,
    ratio::{median, median_ratio},
    report::{Bound, Report},
    server::Contestant,
    tool::{Slice, Tool, cargo_build, count, release},
};
use std::process::ExitCode;

/// At how many connections CPU per message is measured.
const CONNECTIONS: &str = "100";

/// A message's size in bytes.
const MESSAGE: &str = "64";

/// Connections made at a time; every contestant's backlog is longer.
const ACCEPT_WIDTH: &str = "500";

/// Batches of connections in a slice: a hundredth of a second or two.
const ACCEPT_BATCHES: &str = "4";

/// Connections that stream at a time.
const STREAMS: &str = "4";

/// A streamed message's size in bytes.
const STREAM_MESSAGE: &str = "1048576";

/// How many milliseconds a contestant is loaded before it is the next one's turn.
const SLICE: &str = "100";

/// How often all contestants are started anew: where a process lies in memory is luck that a restart redraws.
const FRESH_STARTS: usize = 3;

fn main() -> ExitCode {
    program::run("compare", || Plan::from_arguments(std::env::args().skip(1)).and_then(|plan| plan.run()))
}

/// What was asked for on the command line.
struct Plan {
    parts: Vec<String>,
    rounds: usize,
    quick: bool,
    server_command: Option<String>,
}

impl Plan {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut plan = Plan { parts: Vec::new(), rounds: 9, quick: false, server_command: None };
        while let Some(option) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| Trouble::new(format!("{option} needs a value")));
            match option.as_str() {
                "--only" => plan.parts = value()?.split(',').map(str::to_owned).collect(),
                "--rounds" => {
                    plan.rounds = value()?.parse().map_err(|_| Trouble::new("--rounds needs a number"))?;
                }
                "--quick" => (plan.quick, plan.rounds) = (true, 3),
                "--server-command" => plan.server_command = Some(value()?),
                _ => return Err(Trouble::new(format!("no option {option}; the source's head tells which there are"))),
            }
        }
        Ok(plan)
    }

    fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    fn fresh_starts(&self) -> usize {
        if self.quick { 1 } else { FRESH_STARTS }
    }

    /// Runs what was asked for, and tells how many bounds were missed.
    fn run(&self) -> Result<usize> {
        let mut report = Report::new();
        let ours = self.ours()?;
        report.note(format_args!("{}: {}", ours.name, ours.configuration));
        if ["cpu", "accept", "stream"].iter().any(|part| self.wants(part)) {
            self.compare(&mut report, &ours)?;
        }
        if self.wants("counted") {
            report.add_missed(self.count(&ours)?);
        }
        Ok(report.missed())
    }

    fn ours(&self) -> Result<Contestant> {
        if let Some(command) = &self.server_command {
            return Ok(Contestant::new("echo", command, &command.split_whitespace().collect::<Vec<_>>()));
        }
        cargo_build(&["--example", "echo"])?;
        let program = release()?.join("examples").join("echo");
        let command = [&program.display().to_string(), "tcp:{}:interface=127.0.0.1"];
        Ok(Contestant::new("echo", "the example, release build, fat LTO, defaults", &command))
    }

    fn compare(&self, report: &mut Report, ours: &Contestant) -> Result<()> {
        cargo_build(&["-p", "lariat-benches", "--bin", "tokio_echo"])?;
        let tokio_echo = release()?.join("tokio_echo").display().to_string();
        let epoll_echo = Tool::build("epoll_echo")?.path().display().to_string();
        let epoll = Contestant::new("epoll_echo", "bare epoll in C, gcc -O2, no features", &[&epoll_echo, "{}"]);
        let tokio = Contestant::new(
            "tokio",
            "tokio 1, current-thread runtime, a task and a 4 KiB buffer per connection, no delay, release build, fat LTO",
            &[&tokio_echo, "{}"],
        );
        let wide = Contestant::new(
            "tokio with 64 KiB",
            "the same with a 64 KiB buffer per connection",
            &[&tokio_echo, "{}", "65536"],
        );
        for peer in [&epoll, &tokio, &wide] {
            report.note(format_args!("{}: {}", peer.name, peer.configuration));
        }
        let starts = self.fresh_starts();
        report.note(format_args!(
            "in turn, slices of {SLICE} ms, {} rounds in each of {starts} sets of processes",
            self.rounds
        ));
        if self.wants("cpu") {
            self.load(report, &[ours, &epoll, &tokio])?;
        }
        if self.wants("accept") {
            self.accept(report, &[ours, &epoll, &tokio])?;
        }
        if self.wants("stream") {
            self.stream(report, &[ours, &epoll, &tokio, &wide])?;
        }
        Ok(())
    }

    fn load(&self, report: &mut Report, contestants: &[&Contestant]) -> Result<()> {
        let units = ["us of server CPU a message", "messages a second"];
        let outcome = self.run_tool(report, contestants, "load", &[CONNECTIONS, MESSAGE, "1", SLICE], units)?;
        outcome.hold_cpu(report, "echo: CPU per message", 1, Bound::AtMost(1.05));
        outcome.hold_cpu(report, "echo: CPU per message", 2, Bound::AtMost(1.00));
        outcome.tell_clock(report, "echo: messages a second", 1);
        outcome.tell_clock(report, "echo: messages a second", 2);
        Ok(())
    }

    fn accept(&self, report: &mut Report, contestants: &[&Contestant]) -> Result<()> {
        let units = ["connections accepted a second of CPU", "connections accepted a second"];
        let outcome = self.run_tool(report, contestants, "accept", &[ACCEPT_WIDTH, ACCEPT_BATCHES], units)?;
        outcome.hold_cpu(report, "echo: connections accepted a second of CPU", 2, Bound::AtLeast(1.00));
        outcome.hold_clock(report, "echo: connections accepted a second", 2, Bound::AtLeast(1.00));
        outcome.tell(report, "echo: connections accepted", 1);
        Ok(())
    }

    fn stream(&self, report: &mut Report, contestants: &[&Contestant]) -> Result<()> {
        let units = ["MiB echoed a second of CPU", "MiB echoed a second"];
        let outcome = self.run_tool(report, contestants, "stream", &[STREAMS, STREAM_MESSAGE, SLICE], units)?;
        outcome.hold_cpu(report, "echo: 1 MiB messages echoed a second of CPU", 2, Bound::AtLeast(1.00));
        outcome.tell(report, "echo: 1 MiB messages echoed", 3);
        outcome.tell(report, "echo: 1 MiB messages echoed", 1);
        Ok(())
    }

    /// Runs `tool` with `arguments` and the number of rounds against all contestants, as often as the plan says.
    fn run_tool(
        &self,
        report: &mut Report,
        contestants: &[&Contestant],
        tool: &str,
        arguments: &[&str],
        units: [&str; 2],
    ) -> Result<Outcome> {
        let tool = Tool::build(tool)?;
        let rounds = self.rounds.to_string();
        let arguments = [arguments, &[&rounds]].concat();
        let names = contestants.iter().map(|contestant| contestant.name.clone()).collect();
        let mut outcome = Outcome { names, slices: vec![Vec::new(); contestants.len()] };
        for _ in 0..self.fresh_starts() {
            let servers = contestants.iter().map(|contestant| contestant.start()).collect::<Result<Vec<_>>>()?;
            let targets: Vec<_> = servers.iter().map(|server| format!("{}:{}", server.port(), server.id())).collect();
            for (all, new) in outcome.slices.iter_mut().zip(tool.run(&arguments, &targets)?) {
                all.extend(new);
            }
        }
        outcome.print(report, units[0], |slice| slice.cpu);
        outcome.print(report, units[1], |slice| slice.clock);
        Ok(outcome)
    }

    /// Lets the script count, and tells how many bounds it found missed.
    fn count(&self, ours: &Contestant) -> Result<usize> {
        let quick = self.quick.then(|| "--quick".to_owned());
        let arguments: Vec<_> = quick.into_iter().chain(ours.command.iter().cloned()).collect();
        count("counted.sh", &arguments)
    }
}

/// All slices of every contestant. The first contestant is ours.
struct Outcome {
    names: Vec<String>,
    slices: Vec<Vec<Slice>>,
}

impl Outcome {
    fn values(&self, contestant: usize, figure: fn(&Slice) -> f64) -> Vec<f64> {
        self.slices[contestant].iter().map(figure).collect()
    }

    fn print(&self, report: &mut Report, unit: &str, figure: fn(&Slice) -> f64) {
        let medians = self.names.iter().enumerate();
        let medians = medians.filter_map(|(i, name)| Some(format!("{name} {:.2}", median(&self.values(i, figure))?)));
        report.note(format_args!("SEEN {unit}: {}", medians.collect::<Vec<_>>().join(", ")));
    }

    /// The median ratio of our figure to a peer's, round by round.
    fn ratio(&self, peer: usize, figure: fn(&Slice) -> f64) -> f64 {
        median_ratio(&self.values(0, figure), &self.values(peer, figure)).unwrap_or(f64::NAN)
    }

    fn hold_cpu(&self, report: &mut Report, what: &str, peer: usize, bound: Bound) {
        report.hold(what, self.ratio(peer, |slice| slice.cpu), &self.names[peer], bound);
    }

    fn hold_clock(&self, report: &mut Report, what: &str, peer: usize, bound: Bound) {
        report.hold(what, self.ratio(peer, |slice| slice.clock), &self.names[peer], bound);
    }

    /// Tells a ratio that no bound names.
    fn tell_clock(&self, report: &mut Report, what: &str, peer: usize) {
        report.note(format_args!("SEEN {what} {:.3} of {}", self.ratio(peer, |slice| slice.clock), self.names[peer]));
    }

    /// Tells both ratios to a peer that no bound names.
    fn tell(&self, report: &mut Report, what: &str, peer: usize) {
        let (cpu, clock) = (self.ratio(peer, |slice| slice.cpu), self.ratio(peer, |slice| slice.clock));
        report.note(format_args!("SEEN {what} {cpu:.3} by CPU, {clock:.3} by the clock, of {}", self.names[peer]));
    }
}
