//! Holds what our HTTP server takes for requests beside what nginx does, for requests in which something was changed.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin http_differential -- [--count N] [--from N] [--show CLASS]
//! ```
//!
//! Mutants number 0 (`--from`) to 99,999 (`--count`) are sent to both, each on a connection of its own with a proper request behind it. Ours
//! may refuse more than nginx does, and take no more; every class of difference is printed, with how often it was seen and an
//! example. `--show` prints all examples of the classes whose names begin so. The exit status is 1 if a difference is
//! in no class that has a name, 2 if something did not run. Needs Debian's package nginx.

use std::{collections::BTreeMap, process::ExitCode, thread};

use lariat_benches::{
    Result, Trouble,
    differential::{
        SENTINEL,
        class::Class,
        mutant::{mutant, sentinel},
        verdict::Verdict,
    },
    nginx::Nginx,
    program,
    report::Report,
    server::Contestant,
    tool::{cargo_build, release},
};

/// Clients at a time. Most of the time is spent in waiting for servers to close.
const CLIENTS: u64 = 4;

fn main() -> ExitCode {
    program::run("http_differential", || Plan::from_arguments(std::env::args().skip(1)).and_then(|plan| plan.run()))
}

/// What was asked for on the command line.
struct Plan {
    from: u64,
    count: u64,
    show: Option<String>,
}

/// What was seen of a class.
#[derive(Default)]
struct Seen {
    count: u64,
    examples: Vec<String>,
}

impl Plan {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut plan = Plan { from: 0, count: 100_000, show: None };
        while let Some(option) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| Trouble::new(format!("{option} needs a value")));
            let number = |text: String| text.parse().map_err(|_| Trouble::new(format!("{text} is no number")));
            match option.as_str() {
                "--from" => plan.from = number(value()?)?,
                "--count" => plan.count = number(value()?)?,
                "--show" => plan.show = Some(value()?),
                _ => return Err(Trouble::new(format!("no option {option}; the source's head tells which there are"))),
            }
        }
        Ok(plan)
    }

    /// Sends all mutants, and tells how many classes were wrong.
    fn run(&self) -> Result<usize> {
        cargo_build(&["-p", "lariat-benches", "--bin", "http_verdicts"])?;
        let verdicts = release()?.join("http_verdicts").display().to_string();
        let locations =
            format!("    location = {SENTINEL} {{ return 200 sentinel; }}\n    location / {{ return 200 request; }}");
        let nginx = Nginx::new("differential", &locations)?;
        let ours = Contestant::new("lariat", "its HTTP server, defaults", &[&verdicts, "{}"]).start()?;
        let theirs = nginx.contestant().start()?;
        let ports = [ours.port(), theirs.port()];
        let classes = thread::scope(|scope| {
            let clients: Vec<_> =
                (0..CLIENTS).map(|client| scope.spawn(move || self.classify(client, ports))).collect();
            let mut all = BTreeMap::<Class, Seen>::new();
            for client in clients {
                let some = client.join().map_err(|_| Trouble::new("a client panicked"))??;
                for (class, seen) in some {
                    let of_all = all.entry(class).or_default();
                    of_all.count += seen.count;
                    of_all.examples.extend(seen.examples);
                }
            }
            Ok::<_, Trouble>(all)
        })?;
        let mut report = Report::new();
        let (mut wrong, mut total) = (0, 0);
        for (class, seen) in &classes {
            report.note(format_args!("{:>7}  {class}", seen.count));
            let shown = self.show.as_ref().is_some_and(|show| class.to_string().starts_with(show));
            for example in seen.examples.iter().take(if shown { usize::MAX } else { 1 }) {
                report.note(format_args!("         {example}"));
            }
            total += seen.count;
            wrong += if class.is_fine() { 0 } else { seen.count };
        }
        let what = format!("http: mutants of {total} that ours takes for other requests than nginx does");
        report.hold_value(what, wrong as f64, "mutants", 0.0);
        Ok(report.missed())
    }

    /// Sends every fourth mutant, to both servers.
    fn classify(&self, client: u64, ports: [u16; 2]) -> Result<BTreeMap<Class, Seen>> {
        let mut classes = BTreeMap::<Class, Seen>::new();
        for number in (self.from..self.from + self.count).filter(|number| number % CLIENTS == client) {
            let input = [mutant(number), sentinel()].concat();
            let verdict =
                |port| Verdict::of(port, &input).map_err(|error| Trouble::new(format!("mutant {number}: {error}")));
            let [ours, theirs] = [verdict(ports[0])?, verdict(ports[1])?];
            let class = Class::of(&input, &ours, &theirs);
            let shown = self.show.as_ref().is_some_and(|show| class.to_string().starts_with(show));
            let seen = classes.entry(class).or_default();
            seen.count += 1;
            if seen.examples.is_empty() || shown {
                seen.examples.push(format!("mutant {number}: ours {ours}, nginx {theirs}: {}", input.escape_ascii()));
            }
        }
        Ok(classes)
    }
}
