//! Holds the `plaintext` example beside hyper on tokio, and the `web` example beside nginx.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin http_compare -- [--only PART,...] [--rounds N]
//! ```
//!
//! | part | measures |
//! | --- | --- |
//! | `plaintext` | server CPU per request for `/plaintext`, pipelined 16 deep on 64 connections, beside hyper |
//! | `json` | the same for `/json` |
//! | `large` | bytes of a 1 MiB file a second of the server's CPU, beside nginx |
//! | `small` | requests for a 1 KiB file a second of the server's CPU, beside nginx |
//!
//! By default all of them. Both run side by side but are loaded in turn, a second at a time: nine rounds (`--rounds`) in each of three sets of
//! fresh processes, and a ratio is the median over all 27 rounds, printed with the quartiles. The exit status is 1 if a bound was missed, 2 if something did not run. Needs
//! Debian's packages wrk and nginx.

use std::{env, fs, path::PathBuf, process::ExitCode};

use lariat_benches::{
    Result, Trouble,
    duel::{Duel, Outcome},
    nginx::Nginx,
    program,
    report::{Bound, Report},
    server::{Contestant, Server},
    tool::{cargo_build, release},
    wrk::{Answered, Wrk},
};

/// Requests sent at a time, and on how many connections.
const DEPTH: usize = 16;
const CONNECTIONS: usize = 64;

/// Connections on which large files are asked for.
const LARGE_CONNECTIONS: usize = 8;

const LARGE: usize = 1 << 20;
const SMALL: usize = 1 << 10;

fn main() -> ExitCode {
    program::run("http_compare", || Plan::from_arguments(env::args().skip(1)).and_then(|plan| plan.run()))
}

/// The parsed command line.
struct Plan {
    parts: Vec<String>,
    rounds: usize,
}

impl Plan {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut plan = Plan { parts: Vec::new(), rounds: 9 };
        while let Some(option) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| Trouble::new(format!("{option} needs a value")));
            match option.as_str() {
                "--only" => plan.parts = value()?.split(',').map(str::to_owned).collect(),
                "--rounds" => plan.rounds = value()?.parse().map_err(|_| Trouble::new("--rounds needs a number"))?,
                _ => return Err(Trouble::new(format!("no option {option}; the source's head tells which there are"))),
            }
        }
        Ok(plan)
    }

    fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    /// Runs the chosen comparisons. Returns the number of missed bounds.
    fn run(&self) -> Result<usize> {
        let mut report = Report::new();
        report.note(format_args!("in turn, a second at a time, {} rounds in each of 3 sets of processes", self.rounds));
        if self.wants("plaintext") || self.wants("json") {
            self.beside_hyper(&mut report)?;
        }
        if self.wants("large") || self.wants("small") {
            self.beside_nginx(&mut report)?;
        }
        Ok(report.missed())
    }

    fn beside_hyper(&self, report: &mut Report) -> Result<()> {
        cargo_build(&["--example", "plaintext"])?;
        cargo_build(&["-p", "lariat-benches", "--bin", "hyper_plaintext"])?;
        let plaintext = release()?.join("examples").join("plaintext").display().to_string();
        let hyper = release()?.join("hyper_plaintext").display().to_string();
        let ours = Contestant::new(
            "plaintext",
            "the example, release build, fat LTO, defaults",
            &[&plaintext, "tcp:{}:interface=127.0.0.1"],
        );
        let theirs = Contestant::new(
            "hyper",
            "hyper 1 on tokio's current-thread runtime, pipeline_flush, no delay, release build, fat LTO",
            &[&hyper, "{}"],
        );
        for path in ["plaintext", "json"].iter().filter(|part| self.wants(part)) {
            let load = Wrk { path: &format!("/{path}"), connections: CONNECTIONS, depth: DEPTH };
            let outcome = self.pair(report, &ours, &theirs, load, |answered, cpu| cpu * 1e6 / answered.requests)?;
            let unit = format_args!("us of server CPU a request for /{path}");
            outcome.hold(report, format_args!("{path}: CPU per request, {DEPTH} deep"), unit, Bound::AtMost(0.6));
        }
        Ok(())
    }

    fn beside_nginx(&self, report: &mut Report) -> Result<()> {
        cargo_build(&["--example", "web"])?;
        let files = Files::make()?;
        let nginx = Nginx::new("files", &format!("    root {};", files.0.display()))?;
        let web = release()?.join("examples").join("web").display().to_string();
        let ours = Contestant::new(
            "web",
            "the example, release build, fat LTO, no access log",
            &[&web, &files.0.display().to_string(), "tcp:{}:interface=127.0.0.1"],
        );
        let theirs = nginx.contestant();
        if self.wants("large") {
            let load = Wrk { path: "/large.txt", connections: LARGE_CONNECTIONS, depth: 1 };
            let outcome =
                self.pair(report, &ours, &theirs, load, |answered, cpu| answered.bytes / LARGE as f64 / cpu)?;
            outcome.hold(
                report,
                "web: bytes of a 1 MiB file a second of CPU",
                "MiB sent a second of CPU",
                Bound::AtLeast(1.0),
            );
        }
        if self.wants("small") {
            let load = Wrk { path: "/small.txt", connections: CONNECTIONS, depth: 1 };
            let outcome = self.pair(report, &ours, &theirs, load, |answered, cpu| answered.requests / cpu)?;
            let unit = "requests a second of CPU";
            outcome.hold(report, "web: requests for a 1 KiB file a second of CPU", unit, Bound::AtLeast(1.0));
        }
        Ok(())
    }

    /// Has `load` loaded on both in turn; `figure` is made of what was answered and of the seconds of CPU that took.
    fn pair(
        &self,
        report: &mut Report,
        ours: &Contestant,
        theirs: &Contestant,
        load: Wrk<'_>,
        figure: fn(Answered, f64) -> f64,
    ) -> Result<Outcome> {
        for contestant in [ours, theirs] {
            report.note(format_args!("{}: {}", contestant.name, contestant.configuration));
        }
        let slice = |server: &Server, (): &mut ()| {
            let (answered, cpu) = server.spend(|| load.run(server))?;
            Ok(figure(answered, cpu.as_secs_f64()))
        };
        Duel { ours, theirs, rounds: self.rounds }.run(|_| Ok(()), slice)
    }
}

/// A folder with the served files, removed on drop.
struct Files(PathBuf);

impl Files {
    fn make() -> Result<Self> {
        let files = Self(env::temp_dir().join(format!("lariat-files-{}", std::process::id())));
        fs::create_dir_all(&files.0)?;
        fs::write(files.0.join("large.txt"), vec![b'x'; LARGE])?;
        fs::write(files.0.join("small.txt"), vec![b'x'; SMALL])?;
        Ok(files)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What cannot be removed is litter and no more.
        let _ = fs::remove_dir_all(&self.0);
    }
}
