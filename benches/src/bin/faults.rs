//! What a server costs while the system gives it nothing.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin faults -- [--seconds N]
//! ```
//!
//! | part | measures |
//! | --- | --- |
//! | `emfile` | the echo example with 64 descriptors and 200 clients, who come again whenever they are let down: its CPU and its log lines over ten seconds (`--seconds`), and how soon the next client is served once a descriptor is freed |
//!
//! The exit status is 1 if a bound was missed, 2 if something did not run.

use lariat::{Address, CloseReason, MainLoop, Once, Protocol, Reactor, Transport};
use lariat_benches::{
    Result, Trouble, program,
    report::Report,
    server::Contestant,
    tool::{cargo_build, release},
};
use std::{
    cell::Cell,
    fmt, fs,
    path::PathBuf,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

/// Descriptors that the server may have.
const DESCRIPTORS: usize = 64;

/// Clients that want to be served.
const CLIENTS: usize = 200;

/// How much of a processor a server may use while it can do nothing, in percent.
const CPU: f64 = 5.0;

/// Lines that it may log in a second; the tenth is for the second that has begun.
const LINES: f64 = 1.1;

/// How long it may take from a freed descriptor to the next client that is served, in milliseconds.
const RESUMED: f64 = 100.0;

/// How often a descriptor is freed.
const FREED: usize = 50;

fn main() -> ExitCode {
    program::run("faults", || seconds().and_then(|seconds| emfile(Duration::from_secs(seconds))))
}

fn seconds() -> Result<u64> {
    let mut arguments = std::env::args().skip(1);
    let mut seconds = 10;
    while let Some(option) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        seconds = match (option.as_str(), value) {
            ("--seconds", Some(value @ 1..)) => value,
            _ => return Err(Trouble::new(format!("no option {option}; the source's head tells which there are"))),
        };
    }
    Ok(seconds)
}

/// Starves a server, and tells how many bounds it missed.
fn emfile(time: Duration) -> Result<usize> {
    cargo_build(&["-p", "lariat-examples", "--example", "echo"])?;
    let log = Log::new();
    let echo = release()?.join("examples").join("echo");
    let command = format!(
        "ulimit -n {DESCRIPTORS}; exec '{}' tcp:{{}}:interface=127.0.0.1 2>'{}'",
        echo.display(),
        log.0.display()
    );
    let server = Contestant::new("echo", "the example, release build", &["sh", "-c", &command]).start()?;
    let mut report = Report::new();
    report.note(format_args!("{CLIENTS} clients at a server with {DESCRIPTORS} descriptors, for {time:?}"));

    let mut reactor = Reactor::new()?;
    let visitors = Rc::new(Visitors::new(Address::Tcp(([127, 0, 0, 1], server.port()).into())));
    for _ in 0..CLIENTS {
        Visitors::send(&visitors, &reactor);
    }
    // Until all have been there once.
    turn_for(&mut reactor, Duration::from_secs(1))?;
    let (cpu, lines, let_down) = (server.cpu_time()?, log.lines()?, visitors.let_down.get());
    turn_for(&mut reactor, time)?;
    let seconds = time.as_secs_f64();
    let used = (server.cpu_time()? - cpu).as_secs_f64() / seconds * 100.0;
    let logged = (log.lines()? - lines) / seconds;
    let let_down = visitors.let_down.get() - let_down;
    report.note(format_args!("{} are served, {let_down} times one was let down", visitors.present()));
    hold(&mut report, "emfile: CPU while no descriptor is left", used, "%", CPU);
    hold(&mut report, "emfile: lines logged a second", logged, "lines", LINES);

    let mut longest = Duration::ZERO;
    for _ in 0..FREED {
        longest = longest.max(visitors.free_one(&mut reactor)?);
    }
    let longest = longest.as_secs_f64() * 1000.0;
    hold(&mut report, "emfile: from a freed descriptor to the next client served, at the most", longest, "ms", RESUMED);
    Ok(report.missed())
}

/// Prints whether `value` is at most `bound`.
fn hold(report: &mut Report, what: impl fmt::Display, value: f64, unit: &str, bound: f64) {
    let met = value <= bound;
    let verdict = if met { "PASS" } else { "FAIL" };
    report.note(format_args!("{verdict} {what}: {value:.2} {unit} (bound {bound} {unit})"));
    report.add_missed(usize::from(!met));
}

/// Runs the clients for so long.
fn turn_for(reactor: &mut MainLoop, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        reactor.turn(Some(left))?;
    }
}

/// What the server logs, in a file that goes when this is dropped.
struct Log(PathBuf);

impl Log {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("lariat-faults-{}.log", std::process::id())))
    }

    #[expect(clippy::cast_precision_loss, reason = "it is a few lines")]
    fn lines(&self) -> Result<f64> {
        Ok(fs::read_to_string(&self.0)?.lines().count() as f64)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // It may not have been made.
        let _ = fs::remove_file(&self.0);
    }
}

/// All clients.
struct Visitors {
    server: Address,
    served: Cell<Vec<Transport>>,
    let_down: Cell<u64>,
}

impl Visitors {
    fn new(server: Address) -> Self {
        Self { server, served: Cell::default(), let_down: Cell::new(0) }
    }

    fn send(visitors: &Rc<Self>, reactor: &Reactor) {
        let visitor = Visitor { visitors: visitors.clone(), served: false };
        // A loop that has ended needs no more of them.
        reactor.connect(&visitors.server.to_string(), Once::new(visitor)).detach();
    }

    fn present(&self) -> usize {
        let mut served = self.served.take();
        served.retain(Transport::is_open);
        let present = served.len();
        self.served.set(served);
        present
    }

    /// Has one go, and returns how long it takes until the next one is served.
    fn free_one(&self, reactor: &mut MainLoop) -> Result<Duration> {
        let before = self.present();
        let mut served = self.served.take();
        let leaving = served.pop();
        self.served.set(served);
        leaving.ok_or_else(|| Trouble::new("nobody is served"))?.close();
        let freed = Instant::now();
        while self.present() < before {
            reactor.turn(Some(Duration::from_secs(10)))?;
            if freed.elapsed() > Duration::from_secs(10) {
                return Err(Trouble::new("a freed descriptor was of no use to anybody for ten seconds"));
            }
        }
        Ok(freed.elapsed())
    }
}

/// A client that wants one echo, stays when it has it, and comes again when it is let down.
struct Visitor {
    visitors: Rc<Visitors>,
    served: bool,
}

impl Protocol for Visitor {
    fn connection_made(&mut self, transport: &Transport) {
        transport.write(b"?");
    }

    fn data_received(&mut self, transport: &Transport, _: &[u8]) {
        self.served = true;
        let mut served = self.visitors.served.take();
        served.push(transport.clone());
        self.visitors.served.set(served);
    }

    fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
        if !self.served {
            self.visitors.let_down.set(self.visitors.let_down.get() + 1);
        }
        Visitors::send(&self.visitors, transport.reactor());
    }
}
