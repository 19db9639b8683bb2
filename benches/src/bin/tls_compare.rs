//! Holds the echo example over TLS beside an echo made of tokio-rustls, with the same rustls, provider and settings.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin tls_compare -- [--only PART,...] [--rounds N] [--server-command COMMAND]
//! ```
//!
//! | part | measures |
//! | --- | --- |
//! | `full` | full handshakes a second of the server's CPU, with all of a connection's life: accepting, one byte echoed, a good-bye each way |
//! | `resumed` | the same of resumed ones |
//! | `cpu` | server CPU per 64-byte message at 100 connections |
//! | `stream` | 1 MiB messages echoed a second of the server's CPU |
//! | `idle` | resident bytes per idle connection, and whether 10,000 are held and still answered |
//!
//! By default all of them. Both run side by side but are loaded in turn, in slices of a tenth of a second: nine rounds (`--rounds`) in each of
//! three sets of fresh processes, and a ratio is the median over all rounds. `--server-command` measures another server in the example's place;
//! `{}` in it stands for the port, `{key}` and `{certificate}` for PEM files. The exit status is 1 if a bound was missed, 2 if something
//! did not run. Needs nothing but cargo; the certificate is the `dev_cert` example's.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use lariat_benches::{
    Result, Trouble,
    certificates::Certificates,
    duel::{Duel, Outcome},
    program,
    report::{Bound, Report},
    server::{Contestant, Server},
    tls_crowd::{Crowd, Places, Visits},
    tool::{cargo_build, release},
};

/// How long a contestant is loaded before it is the other one's turn.
const SLICE: Duration = Duration::from_millis(100);

/// Handshakes under way at a time.
const COMING: usize = 16;

/// At how many connections CPU per message is measured.
const CONNECTIONS: usize = 100;

/// A message's size in bytes.
const MESSAGE: usize = 64;

/// Connections that stream at a time.
const STREAMS: usize = 4;

/// A streamed message's size in bytes.
const STREAM_MESSAGE: usize = 1 << 20;

/// Connections that do nothing.
const IDLE: usize = 10_000;

/// How often memory is counted, each time in fresh processes.
const IDLE_ROUNDS: usize = 3;

/// The peer's buffer: what is usual; and, for what is streamed, a whole record, which suits it best.
const BUFFER: &str = "4096";
const RECORD: &str = "16384";

fn main() -> ExitCode {
    program::run("tls_compare", || Plan::from_arguments(std::env::args().skip(1)).and_then(|plan| plan.run()))
}

/// What was asked for on the command line.
struct Plan {
    parts: Vec<String>,
    rounds: usize,
    server_command: Option<String>,
}

impl Plan {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut plan = Plan { parts: Vec::new(), rounds: 9, server_command: None };
        while let Some(option) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| Trouble::new(format!("{option} needs a value")));
            match option.as_str() {
                "--only" => plan.parts = value()?.split(',').map(str::to_owned).collect(),
                "--rounds" => plan.rounds = value()?.parse().map_err(|_| Trouble::new("--rounds needs a number"))?,
                "--server-command" => plan.server_command = Some(value()?),
                _ => return Err(Trouble::new(format!("no option {option}; the source's head tells which there are"))),
            }
        }
        Ok(plan)
    }

    fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    /// Runs what was asked for, and tells how many bounds were missed.
    fn run(&self) -> Result<usize> {
        program::raise_descriptor_limit()?;
        cargo_build(&["--example", "echo"])?;
        cargo_build(&["-p", "lariat-benches", "--bin", "tokio_tls_echo"])?;
        let certificates = Certificates::make()?;
        let ours = self.ours(&certificates)?;
        let (theirs, wide) = (tokio(&certificates, BUFFER)?, tokio(&certificates, RECORD)?);
        let mut report = Report::new();
        for contestant in [&ours, &theirs] {
            report.note(format_args!("{}: {}", contestant.name, contestant.configuration));
        }
        report
            .note(format_args!("in turn, slices of {SLICE:?}, {} rounds in each of 3 sets of processes", self.rounds));
        let load = Load { certificate: certificates.path("server.pem").into() };
        let duel = Duel { ours: &ours, theirs: &theirs, rounds: self.rounds };
        if self.wants("full") {
            let outcome = duel.run(|server| load.visits(server, false), handshakes_a_second)?;
            let unit = "full handshakes a second of CPU";
            outcome.hold(&mut report, "tls: full handshakes a second of CPU", unit, Bound::AtLeast(1.0));
        }
        if self.wants("resumed") {
            let outcome = duel.run(|server| load.visits(server, true), handshakes_a_second)?;
            let unit = "resumed handshakes a second of CPU";
            outcome.hold(&mut report, "tls: resumed handshakes a second of CPU", unit, Bound::AtLeast(1.0));
        }
        if self.wants("cpu") {
            let outcome = duel.run(|server| load.company(server, CONNECTIONS), cpu_a_message)?;
            let unit = "us of server CPU a message";
            outcome.hold(&mut report, "tls: CPU per 64-byte message", unit, Bound::AtMost(1.0));
        }
        if self.wants("stream") {
            let duel = Duel { theirs: &wide, ..duel };
            let outcome = duel.run(|server| load.company(server, STREAMS), messages_a_second)?;
            let unit = "MiB echoed a second of CPU";
            outcome.hold(&mut report, "tls: 1 MiB messages echoed a second of CPU", unit, Bound::AtLeast(1.0));
        }
        if self.wants("idle") {
            self.idle(&mut report, &load, [&ours, &theirs])?;
        }
        Ok(report.missed())
    }

    fn ours(&self, certificates: &Certificates) -> Result<Contestant> {
        if let Some(command) = &self.server_command {
            let command = command.replace("{key}", &certificates.path("server-key.pem"));
            let command = command.replace("{certificate}", &certificates.path("server.pem"));
            return Ok(Contestant::new("echo", &command, &command.split_whitespace().collect::<Vec<_>>()));
        }
        let program = release()?.join("examples").join("echo").display().to_string();
        let endpoint = format!("ssl:{{}}:interface=127.0.0.1:{}", certificates.endpoint_options());
        Ok(Contestant::new("echo", "the example, release build, fat LTO, defaults", &[&program, &endpoint]))
    }

    /// What an idle connection costs both, and whether ours still answers all of them.
    fn idle(&self, report: &mut Report, load: &Load, contestants: [&Contestant; 2]) -> Result<()> {
        let (mut bytes, mut lost) = ([Vec::new(), Vec::new()], 0);
        for _ in 0..IDLE_ROUNDS {
            for (bytes, contestant) in bytes.iter_mut().zip(contestants) {
                let server = contestant.start()?;
                let mut crowd = load.company(&server, 1)?;
                server.rest()?;
                let before = server.resident()?;
                crowd.come(IDLE)?;
                server.rest()?;
                bytes.push((server.resident()? - before) as f64 / IDLE as f64);
                let heard = crowd.echo(MESSAGE, Instant::now())?;
                lost = lost.max((IDLE + 1).abs_diff(usize::try_from(heard).unwrap_or(0)));
            }
        }
        let outcome = Outcome::new(contestants.map(|contestant| contestant.name.clone()), bytes);
        let unit = format!("resident bytes per idle connection at {IDLE}");
        outcome.hold(report, "tls: resident bytes per idle connection", unit, Bound::AtMost(0.6));
        report.hold_value(format_args!("tls: lost of {IDLE} connections"), lost as f64, "connections", 0.0);
        Ok(())
    }
}

/// The peer, with so large a buffer.
fn tokio(certificates: &Certificates, buffer: &str) -> Result<Contestant> {
    let program = release()?.join("tokio_tls_echo").display().to_string();
    let configuration = format!(
        "tokio-rustls, current-thread runtime, a task and a {buffer}-byte buffer per connection, no delay, ring, tickets, release build, fat LTO"
    );
    let command = [&program, "{}", &certificates.path("server-key.pem"), &certificates.path("server.pem"), buffer];
    Ok(Contestant::new("tokio-rustls", &configuration, &command))
}

/// What loads a server.
struct Load {
    certificate: PathBuf,
}

impl Load {
    /// For clients that come and go.
    fn visits(&self, server: &Server, resume: bool) -> Result<(Crowd, Places, bool)> {
        let crowd = Crowd::new(server.port(), &self.certificate)?;
        let places = crowd.places(COMING, resume);
        Ok((crowd, places, resume))
    }

    /// For so many clients that stay.
    fn company(&self, server: &Server, size: usize) -> Result<Crowd> {
        let mut crowd = Crowd::new(server.port(), &self.certificate)?;
        crowd.come(size)?;
        Ok(crowd)
    }
}

fn handshakes_a_second(server: &Server, (crowd, places, resume): &mut (Crowd, Places, bool)) -> Result<f64> {
    let (Visits { full, resumed }, cpu) = server.spend(|| crowd.come_and_go(places, Instant::now() + SLICE))?;
    let (right, wrong) = if *resume { (resumed, full) } else { (full, resumed) };
    // Whoever comes first has no session to resume.
    if wrong > 0 && (!*resume || wrong > COMING as u64) {
        return Err(Trouble::new(format!("{wrong} handshakes were of the wrong kind")));
    }
    Ok((right + wrong) as f64 / cpu.as_secs_f64())
}

fn cpu_a_message(server: &Server, crowd: &mut Crowd) -> Result<f64> {
    let (messages, cpu) = server.spend(|| crowd.echo(MESSAGE, Instant::now() + SLICE))?;
    Ok(cpu.as_secs_f64() * 1e6 / messages as f64)
}

fn messages_a_second(server: &Server, crowd: &mut Crowd) -> Result<f64> {
    let (messages, cpu) = server.spend(|| crowd.echo(STREAM_MESSAGE, Instant::now() + SLICE))?;
    Ok(messages as f64 / cpu.as_secs_f64())
}
