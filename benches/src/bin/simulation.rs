//! Holds the simulation to its bounds: how many seeds it checks, how many connections it takes, how fast it lets idle time pass.
//!
//! `cargo run --release -p lariat-benches --bin simulation` fails if one is missed. Times are of the wall clock, on one thread.

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use lariat::testing::{Simulation, secs};
use lariat::{CloseReason, Once, Peer, Protocol, Reactor, Transport};
use lariat_benches::report::Report;
use lariat_benches::{Result, Trouble, program};

const SEEDS: u64 = 2_000;

/// A minute has 5,000 seeds if each takes so many milliseconds.
const MILLISECONDS_A_SEED: f64 = 12.0;

/// Messages that the two members of a room send together.
const MESSAGES: u32 = 100;

const CONNECTIONS: usize = 100_000;

/// Hosts that make them: each has 16,384 ports.
const HOSTS: usize = 10;

const SIMULATED_SECONDS: u64 = 1_000_000;
const SECONDS_FOR_THEM: f64 = 2.0;

/// Who is in a room, each with the transport to reach them by.
type Room = Rc<Cell<Vec<Transport>>>;

/// A member of a room as the server sees it: what it says goes to all others.
struct Member {
    room: Room,
}

impl Protocol for Member {
    fn connection_made(&mut self, transport: &Transport) {
        let mut members = self.room.take();
        members.push(transport.clone());
        self.room.set(members);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        let members = self.room.take();
        members.iter().filter(|member| *member != transport).for_each(|member| {
            member.write(data);
        });
        self.room.set(members);
    }

    fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
        let mut members = self.room.take();
        members.retain(|member| member != transport);
        self.room.set(members);
    }
}

/// Says something every so often, and counts the lines that it hears.
struct Speaker {
    left: u32,
    heard: Rc<Cell<u64>>,
}

impl Speaker {
    fn speak(&mut self, transport: &Transport) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        transport.write(b"a line of the usual length, such as people type\n");
        let handle = transport.handle(self);
        transport.reactor().call_later(Duration::from_millis(50), move |_| {
            handle.call(Self::speak);
        });
    }
}

impl Protocol for Speaker {
    fn connection_made(&mut self, transport: &Transport) {
        self.speak(transport);
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        let lines = data.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.heard.set(self.heard.get() + lines);
    }
}

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

/// Says one word and counts the answer.
struct Caller(Rc<Cell<usize>>);

impl Protocol for Caller {
    fn connection_made(&mut self, transport: &Transport) {
        transport.write(b"hello");
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        if data == b"hello" {
            self.0.set(self.0.get() + 1);
        }
    }
}

fn main() -> ExitCode {
    program::run("simulation", run)
}

fn run() -> Result<usize> {
    let mut report = Report::new();
    let (milliseconds, heard) = seeds();
    report.note(format_args!(
        "simulation: {SEEDS} seeds of a chat of {MESSAGES} messages between two hosts, with latency, short reads, resets and a \
         partition; {heard} messages were heard, {:.0} seeds a minute",
        60_000.0 / milliseconds
    ));
    report.hold_value("simulation: time of a seed", milliseconds, "ms", MILLISECONDS_A_SEED);

    let begun = Instant::now();
    let answered = connections()?;
    let seconds = begun.elapsed().as_secs_f64();
    report.note(format_args!("simulation: {answered} connections at a time, made, used and ended in {seconds:.1} s"));
    report.hold_value("simulation: connections without an answer", (CONNECTIONS - answered) as f64, "of 100,000", 0.0);

    report.hold_value("simulation: a million idle seconds", idle_seconds()?, "s", SECONDS_FOR_THEM);
    Ok(report.missed())
}

/// Checks the seeds. Returns how many milliseconds one took, and how many messages were heard in all.
fn seeds() -> (f64, u64) {
    let heard = Rc::new(Cell::new(0));
    let begun = Instant::now();
    Simulation::check(1..=SEEDS, |sim: &Simulation| {
        let room = Room::default();
        let member = move |_: &Peer| Member { room: room.clone() };
        sim.host("server").reactor().listen("tcp:7000", member)?;
        for _ in 0..2 {
            let speaker = Speaker { left: MESSAGES / 2, heard: heard.clone() };
            sim.host("client").reactor().connect("tcp:server:7000", Once::new(speaker)).detach();
        }
        sim.faults().latency(1..=80).short_reads().resets(0.001).partition("client", "server", secs(1)..secs(2));
        sim.run_until(secs(60))
    });
    // The first seed ran twice.
    (begun.elapsed().as_secs_f64() * 1_000.0 / (SEEDS + 1) as f64, heard.get())
}

/// Makes a hundred thousand connections and uses each. Returns how many were answered.
fn connections() -> Result<usize> {
    let sim = Simulation::new(1);
    sim.faults().latency(1..=80);
    let answered = Rc::new(Cell::new(0));
    let server = sim.host("server").reactor();
    server.listen("tcp:7000:backlog=100000", |_: &Peer| Echo)?;
    for host in 0..HOSTS {
        let reactor = sim.host(&format!("client{host}")).reactor();
        for _ in 0..CONNECTIONS / HOSTS {
            let caller = Caller(answered.clone());
            reactor.connect("tcp:server:7000", Once::new(caller)).detach();
        }
    }
    sim.run_until(secs(10))?;
    if server.stats().connections != CONNECTIONS {
        return Err(Trouble::new(format!("{} connections are open", server.stats().connections)));
    }
    sim.finish()?;
    Ok(answered.get())
}

/// Lets a million seconds pass of which each has one timer. Returns how many real ones it took.
fn idle_seconds() -> Result<f64> {
    fn tick(reactor: &Reactor, ticks: Rc<Cell<u64>>) {
        ticks.set(ticks.get() + 1);
        reactor.call_later(secs(1), move |reactor| tick(reactor, ticks));
    }
    let sim = Simulation::new(1);
    let ticks = Rc::new(Cell::new(0));
    tick(&sim.host("clock").reactor(), ticks.clone());
    let begun = Instant::now();
    let ran = sim.run_until(secs(SIMULATED_SECONDS));
    let took = begun.elapsed().as_secs_f64();
    ran?;
    match ticks.get() {
        // The first tick is at the beginning.
        seen if seen == SIMULATED_SECONDS + 1 => Ok(took),
        seen => Err(Trouble::new(format!("{seen} ticks in {SIMULATED_SECONDS} s"))),
    }
}
