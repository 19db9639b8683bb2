//! Holds the chat example to its bounds with a crowd in one room, of whom some never read.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin chat_load -- [--members N] [--seconds N]
//! ```
//!
//! 5,000 people (`--members`) are in the lobby. One of them says a line a second for 20 seconds (`--seconds`). Ten never read, and another
//! one sends these ten private messages, three megabytes a second, to one after the other until the server has put them out. Held to bounds are how soon
//! a line reaches those who read, from the moment when it is written to a socket until it is read from another; who is put out; and how
//! much memory the server takes. The exit status is 1 if a bound was missed, 2 if something did not run.
//!
//! The kernel needs most of the time: a line is 5,000 packets to it, of some microseconds each. On a machine that is busy with other
//! things it takes as much longer as they take of its processors.

use lariat::{Address, Bytes, CloseReason, MainLoop, Once, Protocol, Reactor, Transport};
use lariat_benches::{
    Result, Trouble, program,
    ratio::{median, percentile},
    report::Report,
    server::Contestant,
    tool::{cargo_build, release},
};
use lariat_protocols::{Delimiter, LineDecoder, LineEvent};
use std::{
    cell::Cell,
    fs,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

/// People who never read.
const DEAF: usize = 10;

/// Bytes that may wait for one of them, by default, in the chat example.
const QUEUE_LIMIT: f64 = 1024.0 * 1024.0;

/// How much more than the limits the server's memory may grow: what the allocator adds to each line, and the tables of the queues.
const OVERHEAD: f64 = 1.2;

/// What everything that is queued may take, in MiB, by default in every reactor. Where everybody comes at once, and everybody is told of
/// everybody's coming, it is much that is queued.
const MEMORY: f64 = 256.0;

/// How soon 99 of 100 lines have to be there, in milliseconds.
const DELIVERY: f64 = 100.0;

/// Bytes of a private message, and how many are sent every time.
const WHISPER: usize = 1000;
const WHISPERS: usize = 300;
const WHISPER_INTERVAL: Duration = Duration::from_millis(100);

const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// Connections that are made at a time: fewer than a listener's backlog.
const WIDTH: usize = 500;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    program::run("chat_load", || Plan::from_arguments().and_then(|plan| plan.run()))
}

struct Plan {
    members: usize,
    seconds: u64,
}

impl Plan {
    fn from_arguments() -> Result<Self> {
        let mut plan = Plan { members: 5000, seconds: 20 };
        let mut arguments = std::env::args().skip(1);
        while let Some(option) = arguments.next() {
            let value: Option<u64> = arguments.next().and_then(|value| value.parse().ok());
            match (option.as_str(), value) {
                ("--members", Some(value @ 100..)) => plan.members = usize::try_from(value).unwrap_or(usize::MAX),
                ("--seconds", Some(value @ 1..)) => plan.seconds = value,
                _ => {
                    return Err(Trouble::new(format!(
                        "no option {option} of that value; the source's head tells more"
                    )));
                }
            }
        }
        Ok(plan)
    }

    /// Tells how many bounds were missed.
    fn run(&self) -> Result<usize> {
        cargo_build(&["-p", "lariat-examples", "--example", "chat"])?;
        program::raise_descriptor_limit()?;
        let program = release()?.join("examples").join("chat").display().to_string();
        let command = [&*program, "tcp:{}:interface=127.0.0.1:backlog=4096"];
        let server = Contestant::new("chat", "the example, release build, defaults", &command).start()?;
        let mut report = Report::new();
        report.note(format_args!(
            "{} members in a room, {DEAF} of whom never read, for {} s",
            self.members, self.seconds
        ));

        let mut crowd = Crowd::new(Address::Tcp(([127, 0, 0, 1], server.port()).into()))?;
        let memory = Memory(server.id());
        let empty = memory.resident()?;
        let start = Instant::now();
        crowd.gather(self.members)?;
        let (full, peak) = (memory.resident()?, memory.peak()?);
        report.note(format_args!(
            "SEEN chat: all are in the room after {:.1} s; {:.0} bytes resident a member, {:.0} at the peak of their coming",
            start.elapsed().as_secs_f64(),
            (full - empty) / self.members as f64,
            (peak - empty) / self.members as f64,
        ));

        memory.forget_peak()?;
        crowd.talk(Duration::from_secs(self.seconds))?;
        let grown = (memory.peak()? - full).max(0.0) / QUEUE_LIMIT;
        let room = &crowd.room;
        let delays = room.delays.take();
        let readers = self.members - DEAF - 1;
        let (middle, worst) = (median(&delays).unwrap_or(f64::NAN), percentile(&delays, 1.0).unwrap_or(f64::NAN));
        report.note(format_args!(
            "SEEN chat: {} lines to {readers} readers: median {middle:.1} ms, at the most {worst:.1} ms",
            room.said.get()
        ));
        let missing = (room.said.get() * readers).saturating_sub(delays.len());
        report.hold_value("chat: lines that did not reach a reader", missing as f64, "lines", 0.0);
        let slow = percentile(&delays, 0.99).unwrap_or(f64::NAN);
        report.hold_value("chat: 99 of 100 lines reach a reader within", slow, "ms", DELIVERY);
        let present = room.deaf.take();
        report.hold_value("chat: who never reads and is still there", present.len() as f64, "members", 0.0);
        report.hold_value("chat: who reads and was put out", room.lost.get() as f64, "members", 0.0);
        report.hold_value("chat: memory that the talking takes", grown, "MiB", DEAF as f64 * OVERHEAD);
        report.hold_value("chat: memory at the peak", (peak - empty) / QUEUE_LIMIT, "MiB", MEMORY);
        Ok(report.missed())
    }
}

/// What the server takes of the machine's memory, in bytes.
struct Memory(u32);

impl Memory {
    fn status(&self, field: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        number
            .map(|kibibytes| kibibytes * 1024.0)
            .ok_or_else(|| Trouble::new(format!("the kernel does not tell {field}")))
    }

    fn resident(&self) -> Result<f64> {
        self.status("VmRSS")
    }

    fn peak(&self) -> Result<f64> {
        self.status("VmHWM")
    }

    /// From now on the peak is that of what follows (`proc_pid_clear_refs(5)`).
    fn forget_peak(&self) -> Result<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.0), "5")?)
    }
}

/// Everybody, on a loop of their own.
struct Crowd {
    reactor: MainLoop,
    server: Address,
    room: Rc<Room>,
}

/// What everybody knows of each other.
#[derive(Default)]
struct Room {
    members: Cell<Vec<Transport>>,
    /// How many the server has greeted by name.
    named: Cell<usize>,
    /// How many have heard the talker say that it begins.
    ready: Cell<usize>,
    /// The numbers of those who never read and are still there.
    deaf: Cell<Vec<usize>>,
    /// Readers whose connection has ended.
    lost: Cell<usize>,
    /// Lines that the talker has said.
    said: Cell<usize>,
    said_at: Cell<Vec<Instant>>,
    /// How long each line took to each reader, in milliseconds.
    delays: Cell<Vec<f64>>,
}

/// The first member talks to the room, the second whispers to the last ones, who are deaf.
const TALKER: usize = 0;
const WHISPERER: usize = 1;

impl Crowd {
    fn new(server: Address) -> Result<Self> {
        Ok(Self { reactor: Reactor::new()?, server, room: Rc::default() })
    }

    /// Has everybody connect, then give their names, all at once.
    fn gather(&mut self, members: usize) -> Result<()> {
        let readers = members - DEAF;
        for number in 0..members {
            let member = Member::new(number, number >= readers, &self.room);
            self.reactor.connect(&self.server.to_string(), Once::new(member)).detach();
            if number % WIDTH == WIDTH - 1 || number == members - 1 {
                self.until("everybody has connected", |room| room.count() == number + 1)?;
            }
        }
        self.room.deaf.set((readers..members).collect());
        let transports = self.room.members.take();
        for (number, transport) in transports.iter().enumerate() {
            writeln!(transport, "{}", name(number));
        }
        self.room.members.set(transports);
        self.until("everybody has a name", |room| room.named.get() == members)?;
        self.room.write(TALKER, b"ready\n");
        // Who hears that has heard of everybody's coming.
        self.until("everybody is ready", |room| room.ready.get() == readers - 1)
    }

    /// Has the talker talk for so long, and the whisperer whisper until nobody is left who does not read.
    fn talk(&mut self, time: Duration) -> Result<()> {
        let start = Instant::now();
        let (mut next_line, mut next_whisper) = (start, start);
        loop {
            let now = Instant::now();
            let talking = now < start + time;
            if !talking && self.room.all_put_out() {
                break;
            }
            if now > start + time + PATIENCE {
                // The bounds will tell.
                break;
            }
            if talking && now >= next_line {
                next_line += LINE_INTERVAL;
                self.room.say();
            }
            if now >= next_whisper {
                next_whisper += WHISPER_INTERVAL;
                self.room.whisper();
            }
            let next = next_line.min(next_whisper).saturating_duration_since(Instant::now());
            self.reactor.turn(Some(next))?;
        }
        // The last line has a second to arrive, too.
        let end = Instant::now() + LINE_INTERVAL;
        while Instant::now() < end {
            self.reactor.turn(Some(end.saturating_duration_since(Instant::now())))?;
        }
        Ok(())
    }

    fn until(&mut self, what: &str, happened: impl Fn(&Room) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !happened(&self.room) {
            if Instant::now() > deadline {
                return Err(Trouble::new(format!("it never came to this: {what}")));
            }
            self.reactor.turn(Some(Duration::from_secs(1)))?;
        }
        Ok(())
    }
}

fn name(number: usize) -> String {
    match number {
        TALKER => "talker".to_owned(),
        WHISPERER => "whisperer".to_owned(),
        _ => format!("member{number}"),
    }
}

impl Room {
    fn count(&self) -> usize {
        self.visit(&self.members, |members| members.len())
    }

    fn all_put_out(&self) -> bool {
        self.visit(&self.deaf, |deaf| deaf.is_empty())
    }

    fn visit<T: Default, R>(&self, cell: &Cell<T>, visit: impl FnOnce(&mut T) -> R) -> R {
        let mut value = cell.take();
        let result = visit(&mut value);
        cell.set(value);
        result
    }

    fn write(&self, member: usize, line: &[u8]) {
        self.visit(&self.members, |members| members[member].write(line));
    }

    fn say(&self) {
        let number = self.said.get();
        self.said.set(number + 1);
        self.visit(&self.said_at, |said_at| said_at.push(Instant::now()));
        self.write(TALKER, format!("line {number}\n").as_bytes());
    }

    fn whisper(&self) {
        let lines = self.visit(&self.deaf, |deaf| match deaf.first() {
            Some(deaf) => format!("/msg {} {}\n", name(*deaf), "x".repeat(WHISPER)).repeat(WHISPERS),
            None => String::new(),
        });
        if !lines.is_empty() {
            self.visit(&self.members, |members| members[WHISPERER].write_chunk(Bytes::from(lines)));
        }
    }

    /// A reader has heard what the talker said.
    fn heard(&self, text: &[u8]) {
        if text == b"ready" {
            return self.ready.set(self.ready.get() + 1);
        }
        let number = str::from_utf8(text).ok().and_then(|text| text.strip_prefix("line ")?.parse::<usize>().ok());
        let said_at = number.and_then(|number| self.visit(&self.said_at, |said_at| said_at.get(number).copied()));
        if let Some(said_at) = said_at {
            let delay = said_at.elapsed().as_secs_f64() * 1000.0;
            self.visit(&self.delays, |delays| delays.push(delay));
        }
    }
}

/// Somebody.
struct Member {
    number: usize,
    deaf: bool,
    room: Rc<Room>,
    lines: LineDecoder,
}

impl Member {
    fn new(number: usize, deaf: bool, room: &Rc<Room>) -> Self {
        Self { number, deaf, room: room.clone(), lines: LineDecoder::new().with_delimiter(Delimiter::LfOrCrLf) }
    }
}

impl Protocol for Member {
    fn connection_made(&mut self, transport: &Transport) {
        self.room.visit(&self.room.members, |members| members.push(transport.clone()));
    }

    fn data_received(&mut self, transport: &Transport, mut data: &[u8]) {
        while let Some(event) = self.lines.next(&mut data) {
            let LineEvent::Line(line) = event else { continue };
            if let Some(text) = line.strip_prefix(b"<talker> ") {
                self.room.heard(text);
            } else if line.starts_with(b"* hello, ") {
                self.room.named.set(self.room.named.get() + 1);
                if self.deaf {
                    return transport.pause_reading();
                }
            } else if self.number == WHISPERER && line.ends_with(b" has left (reads too slowly)") {
                let left = |number: &usize| line.starts_with(format!("* {} has", name(*number)).as_bytes());
                self.room.visit(&self.room.deaf, |deaf| deaf.retain(|number| !left(number)));
            }
        }
    }

    fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
        if !self.deaf && !transport.reactor().has_ended() {
            self.room.lost.set(self.room.lost.get() + 1);
        }
    }
}
