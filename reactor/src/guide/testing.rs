//! Testing your protocol: without a socket, without waiting, the same way each time.
//!
//! All of this chapter is [`lariat::testing`](crate::testing), which comes with the feature `testing`. A crate asks for it where only its
//! tests see it:
//!
//! ```toml
//! [dev-dependencies]
//! lariat = { version = "0.1", features = ["testing"] }
//! ```
//!
//! | to test … | take |
//! | --- | --- |
//! | what a protocol answers, and how it ends | [`MemoryTransport`](crate::testing::MemoryTransport) |
//! | what it does when time passes | [`advance`](crate::testing::MemoryTransport::advance) |
//! | protocols that know of each other | several of them on one [`VirtualClock`](crate::testing::VirtualClock) |
//! | that it does not care how its input is cut | [`check_chunking!`](crate::check_chunking) |
//! | that a hostile input costs no more than its length | [`check_linear`](crate::testing::check_linear) |
//! | that a stranger can do no harm | [`invariants`](crate::testing::invariants) |
//! | servers and clients together | [`simulated`](crate::testing::simulated) |
//! | what a bad network does to them | [`Simulation`](crate::testing::Simulation) |
//! | what went wrong in production | [`Simulation::replay`](crate::testing::Simulation::replay) |
//!
//! None of them is a mock: the connection, its queue, its deadlines and its end are served by the code that serves a socket. Only what
//! is below, the clock and the socket itself, is simulated.
//!
//! # A protocol and its peer
//!
//! A [`MemoryTransport`](crate::testing::MemoryTransport) is a connection with the test at its other end. What the test feeds, the
//! protocol receives; what the protocol writes, the test reads. There is no loop to run: each method returns when nothing is left to be
//! done.
//!
//! ```
//! use lariat::testing::MemoryTransport;
//! use lariat::{CloseReason, Protocol, Transport};
//!
//! /// Adds up digits; at anything else it gives up.
//! #[derive(Default)]
//! struct Sum(u32);
//!
//! impl Protocol for Sum {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         for byte in data {
//!             match char::from(*byte).to_digit(10) {
//!                 Some(digit) => self.0 += digit,
//!                 None => return transport.fail("that is no digit"),
//!             }
//!         }
//!     }
//!
//!     fn read_closed(&mut self, transport: &Transport) {
//!         write!(transport, "{}", self.0);
//!         transport.close();
//!     }
//! }
//!
//! // The sum comes when the peer has nothing more to say, and still arrives.
//! let mut wire = MemoryTransport::new(Sum::default());
//! wire.feed(b"123");
//! assert_eq!(wire.with_protocol(|sum, _| sum.0), 6);
//! wire.end_of_input();
//! assert_eq!(wire.take_written(), b"6");
//! assert!(matches!(wire.close_reason(), Some(CloseReason::Done)));
//!
//! // Nonsense ends the connection, with an error that says why.
//! let mut wire = MemoryTransport::new(Sum::default());
//! wire.feed(b"12x");
//! assert_eq!(wire.take_written(), b"");
//! assert_eq!(wire.close_reason().unwrap().to_string(), "failed: that is no digit");
//! ```
//!
//! The peer can also break the connection, with [`reset`](crate::testing::MemoryTransport::reset), and the server can tell the protocol
//! to come to an end, with [`drain`](crate::testing::MemoryTransport::drain).
//!
//! In production a panic in a callback ends one connection. Here the method that led to it panics
//! too, at the line of the test, so a protocol made for a test may `assert!`. The same is true of a
//! failure that no callback of its Deferred handles: the message has the place where the failure
//! was made.
//!
//! # A peer that does not read
//!
//! [`peer_takes`](crate::testing::MemoryTransport::peer_takes) says how many bytes more the peer takes, to the byte. What is written
//! beyond that is queued, as it is when a kernel's buffers are full:
//!
//! ```
//! use lariat::testing::MemoryTransport;
//! use lariat::{Protocol, StreamOptions, Transport};
//!
//! struct Repeat;
//!
//! impl Protocol for Repeat {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         transport.write_chunk(data.repeat(100));
//!     }
//! }
//!
//! let mut options = StreamOptions::default();
//! (options.low_water_mark, options.high_water_mark) = (100, 1000);
//! let mut wire = MemoryTransport::with_options(Repeat, options);
//! wire.peer_takes(50);
//! wire.feed(b"twelve bytes");
//! assert_eq!((wire.written().len(), wire.queued()), (50, 1150));
//! assert!(wire.is_write_paused());
//! // Above the mark nothing is read, so a peer that only asks cannot fill the memory.
//! wire.feed(b"and more");
//! assert!(wire.is_reading_paused());
//! wire.peer_takes_all();
//! assert_eq!(wire.written().len(), 1200 + 800);
//! assert!(!wire.is_write_paused() && !wire.is_reading_paused());
//! ```
//!
//! # Time
//!
//! Time stands still until the test moves it. Then everything that is due on the way happens, each at its own time, and an hour takes no
//! time at all:
//!
//! ```
//! use lariat::testing::MemoryTransport;
//! use lariat::{CloseReason, Idle, Phase, Protocol, Transport};
//! use std::time::Duration;
//!
//! /// Says something every ten minutes, and hangs up on whoever is silent for half an hour.
//! struct Host;
//!
//! impl Host {
//!     fn remind(&self, transport: &Transport) {
//!         transport.handle(self).call_later(Duration::from_secs(600), |host, transport| {
//!             transport.write(b"still there?\n");
//!             host.remind(transport);
//!         });
//!     }
//! }
//!
//! impl Protocol for Host {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.set_idle_timeout(Idle::Read, Some(Duration::from_secs(1800)));
//!         self.remind(transport);
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! }
//!
//! let mut wire = MemoryTransport::new(Host);
//! wire.advance(Duration::from_secs(599));
//! assert_eq!(wire.take_written(), b"");
//! wire.advance(Duration::from_secs(1));
//! assert_eq!(wire.take_written(), b"still there?\n");
//! wire.feed(b"yes");
//! wire.advance(Duration::from_secs(1799));
//! assert!(wire.is_open());
//! wire.advance(Duration::from_secs(1));
//! assert!(matches!(wire.close_reason(), Some(CloseReason::TimedOut(Phase::Idle(Idle::Read)))));
//! ```
//!
//! What has timers and no connection gets a [`VirtualClock`](crate::testing::VirtualClock), which is a [`Reactor`](crate::Reactor) whose
//! time is moved by hand, as Twisted's `task.Clock` is.
//!
//! # Several connections
//!
//! [`serve`](crate::testing::MemoryTransport::serve) takes a clock that may be shared and a factory. So the members of a room can be
//! played by one test, and one of them can leave while another's timer runs:
//!
//! ```
//! use lariat::testing::{MemoryTransport, VirtualClock};
//! use lariat::{CloseReason, Peer, Protocol, StreamOptions, Transport};
//! use std::{cell::RefCell, rc::Rc};
//!
//! struct Member(Rc<RefCell<Vec<Transport>>>);
//!
//! impl Protocol for Member {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         self.0.borrow_mut().push(transport.clone());
//!     }
//!
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         for other in self.0.borrow().iter().filter(|other| *other != transport) {
//!             other.write(data);
//!         }
//!     }
//!
//!     fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
//!         self.0.borrow_mut().retain(|other| other != transport);
//!     }
//! }
//!
//! let (clock, room) = (VirtualClock::new(), Rc::new(RefCell::new(Vec::new())));
//! let members = room.clone();
//! let join = move |_: &Peer| Member(members.clone());
//! let mut ann = MemoryTransport::serve(&clock, join.clone(), StreamOptions::default());
//! let mut bob = MemoryTransport::serve(&clock, join.clone(), StreamOptions::default());
//! let mut cat = MemoryTransport::serve(&clock, join, StreamOptions::default());
//! // One who does not listen keeps nobody from hearing.
//! bob.peer_takes(0);
//! ann.feed(b"hello");
//! assert_eq!(cat.take_written(), b"hello");
//! bob.reset();
//! assert_eq!(room.borrow().len(), 2);
//! ```
//!
//! # However the input is cut
//!
//! The network delivers bytes, not messages: what was one write arrives in two pieces, or with half of the next. A protocol that
//! gets this wrong works on the developer's machine. [`check_chunking!`](crate::check_chunking) gives it the same input whole, cut in two
//! at every place, byte by byte and at random, and every time the outcome has to be the same: the bytes, the end and its reason, and
//! what the protocol [notes](crate::testing::Notes), if it is given notes to write.
//!
//! ```
//! use lariat::{Protocol, Transport, check_chunking};
//!
//! /// Answers each line by its length.
//! #[derive(Default)]
//! struct Lengths(usize);
//!
//! impl Protocol for Lengths {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         for byte in data {
//!             match byte {
//!                 b'\n' => {
//!                     write!(transport, "{}\n", std::mem::take(&mut self.0));
//!                 }
//!                 _ => self.0 += 1,
//!             }
//!         }
//!     }
//! }
//!
//! check_chunking!(Lengths::default(), "one\ntwenty\n\nand no end");
//! ```
//!
//! Had it started to count anew with each piece, the test would fail with the smallest cut that shows it:
//!
//! ```text
//! what comes out depends on how the input was cut
//!
//!   input: "o" | "ne\ntwenty\n\nand no end"
//!
//!                          whole                     cut
//!   written                "3\n6\n0\n"            ≠  "2\n6\n0\n"
//!   connection             open                   =  open
//! ```
//!
//! Inputs worth trying have what your protocol treats specially: two messages at once, a delimiter of several bytes, one that almost is
//! one, a length with a body, something wrong in the middle. [`check_splits`](crate::testing::check_splits) does the same for a decoder
//! that is no protocol.
//!
//! # However long it is
//!
//! A parser that looks at all it has whenever a byte arrives needs a day for a line that never ends.
//! [`check_linear`](crate::testing::check_linear) measures the processor time for inputs of up to
//! 512 times a given size and fits the power with which it grows: 1 is linear, 2 quadratic. Growth
//! above 1.25 is measured again with larger inputs, where the effects of caches and of a busy
//! machine end and a quadratic part becomes plain. Only growth above 1.5 fails there.
//!
//! ```
//! use lariat::testing::check_linear;
//! # use lariat::{Protocol, Transport};
//! # #[derive(Default)]
//! # struct Lengths(usize);
//! # impl Protocol for Lengths {
//! #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//! #         for byte in data {
//! #             match byte {
//! #                 b'\n' => {
//! #                     write!(transport, "{}\n", std::mem::take(&mut self.0));
//! #                 }
//! #                 _ => self.0 += 1,
//! #             }
//! #         }
//! #     }
//! # }
//!
//! check_linear(Lengths::default, 4 * 1024, |size| vec![b'x'; size]);
//! check_linear(Lengths::default, 4 * 1024, |size| vec![b'\n'; size]);
//! ```
//!
//! # Strangers
//!
//! A server on the internet serves peers that want to do harm. The module
//! [`invariants`](crate::testing::invariants) checks ten properties of any protocol that is plugged
//! in with a page of code, a [`Subject`](crate::testing::invariants::Subject): how the server is
//! started, the states into which a peer brings a connection, and for each property the bound that
//! the documentation promises.
//!
//! ```
//! use lariat::testing::invariants::{Claim, Probe, State, Stranger, Subject, Visit};
//! use lariat::{Idle, Peer, Port, Protocol, Reactor, Transport};
//! use std::time::Duration;
//!
//! /// Sends back each byte, to peers that are silent for at most a minute.
//! struct Echo;
//!
//! impl Protocol for Echo {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.set_idle_timeout(Idle::Read, Some(Duration::from_secs(60)));
//!     }
//!
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         transport.write(data);
//!     }
//! }
//!
//! struct EchoPage;
//!
//! impl Subject for EchoPage {
//!     fn listen(&self, reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
//!         reactor.listen(endpoint, |_: &Peer| Echo)
//!     }
//!
//!     fn states(&self) -> Vec<State> {
//!         vec![
//!             State::new("silent", "", Claim::Holds(Duration::from_secs(60))),
//!             State::new("echoing", "a", Claim::Exempt("an echo lasts while bytes are sent")).with_more("b"),
//!         ]
//!     }
//!
//!     fn probe(&self) -> Probe {
//!         Probe::new("hello", "hello")
//!     }
//!
//!     fn visit(&self) -> Claim<Visit> {
//!         Claim::Exempt("an echo has no units: its visit is one read and one write")
//!     }
//!
//!     fn stranger(&self) -> Claim<Stranger> {
//!         Claim::Holds(Stranger { input: b"hello".to_vec(), memory: 4096, log_lines: 0 })
//!     }
//!     // And so on: a claim that is not given makes its test fail.
//! }
//!
//! lariat::testing::invariants::check_visits(&EchoPage);
//! lariat::testing::invariants::check_deadlines(&EchoPage);
//! ```
//!
//! In a test binary, `lariat::invariant_tests!(EchoPage, allocated)` makes ten tests of it, where
//! `allocated` reads a counting allocator that the binary installs. A property that does not apply
//! is exempt, with a reason that the test prints. The tests of the bundled protocols,
//! `tests/tests/invariants`, have an allocator and five pages to start from.
//!
//! # A server and its clients
//!
//! Where both ends are yours, run both: [`simulated`](crate::testing::simulated) gives a [`MainLoop`](crate::MainLoop) in a world of its
//! own, in which any address can be listened on and connected to. Its time jumps to the next deadline whenever nothing is left to be
//! done, so what takes hours is over at once.
//!
//! ```
//! use lariat::{Once, Peer, Protocol, Transport};
//! use std::{cell::Cell, rc::Rc, time::Duration};
//!
//! /// Answers after an hour.
//! struct Slow;
//!
//! impl Protocol for Slow {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         let (answer, peer) = (data.to_vec(), transport.clone());
//!         transport.reactor().call_later(Duration::from_secs(3600), move |_| {
//!             peer.write(&answer);
//!         });
//!     }
//! }
//!
//! struct Patient(Rc<Cell<bool>>);
//!
//! impl Protocol for Patient {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.write(b"hello");
//!     }
//!
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         self.0.set(data == b"hello");
//!         transport.reactor().stop();
//!     }
//! }
//!
//! let reactor = lariat::testing::simulated();
//! let answered = Rc::new(Cell::new(false));
//! reactor.listen("tcp:7000", |_: &Peer| Slow)?;
//! reactor.connect("tcp:127.0.0.1:7000", Once::new(Patient(answered.clone()))).detach();
//! reactor.run()?;
//! assert!(answered.get());
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! A panic in a callback ends only its connection here, as in production. So let callbacks note what they see, and assert when the loop
//! has ended.
//!
//! # A network that fails
//!
//! A [`Simulation`](crate::testing::Simulation) has many hosts, each with a name and a reactor of its own, in one virtual time. Everything
//! that goes wrong between them is [asked for](crate::testing::Faults) and drawn from a seed, and a test is run under hundreds of seeds.
//! What happens once in three hundred runs is found, and happens again whenever its seed is run again.
//!
//! Here a client says its word until it has an answer, whatever becomes of its connections.
//!
//! ```
//! use lariat::testing::{Simulation, secs};
//! use lariat::{CloseReason, Once, Peer, Protocol, Reactor, Transport};
//! use std::{cell::Cell, rc::Rc};
//!
//! struct Echo;
//!
//! impl Protocol for Echo {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         transport.write(data);
//!     }
//! }
//!
//! struct Stubborn {
//!     received: Vec<u8>,
//!     answered: Rc<Cell<bool>>,
//! }
//!
//! fn ask(reactor: &Reactor, answered: Rc<Cell<bool>>) {
//!     let stubborn = Stubborn { received: Vec::new(), answered };
//!     reactor.connect("tcp:server:7000", Once::new(stubborn)).detach();
//! }
//!
//! impl Protocol for Stubborn {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.write(b"hello");
//!     }
//!
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         self.received.extend_from_slice(data);
//!         assert!(b"hello".starts_with(&self.received[..]));
//!         if self.received == b"hello" {
//!             self.answered.set(true);
//!             transport.close();
//!         }
//!     }
//!
//!     fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
//!         let answered = self.answered.clone();
//!         if !answered.get() {
//!             transport.reactor().call_later(secs(1), |reactor| ask(reactor, answered));
//!         }
//!     }
//! }
//!
//! Simulation::check(1..=100, |sim: &Simulation| {
//!     let answered = Rc::new(Cell::new(false));
//!     sim.host("server").reactor().listen("tcp:7000", |_: &Peer| Echo)?;
//!     ask(&sim.host("client").reactor(), answered.clone());
//!     sim.faults().latency(1..=80).short_reads().resets(0.3).partition("client", "server", secs(3)..secs(5));
//!     sim.run_until(secs(60))?;
//!     assert!(answered.get());
//!     Ok(())
//! });
//! ```
//!
//! An assertion in a callback fails the test here, and so does whatever else [always counts](crate::testing::Simulation#what-fails). The
//! message names the seed, the faults that it takes, the last things that happened, and the line that runs the seed again:
//!
//! ```text
//! seed 91 failed: assertion failed: answered.get()
//! it takes: resets(0.3); it fails without latency(1..=80), short_reads(), partition("client", "server", 3s..5s) too
//! the end of its trace, at 60s:
//!       4.018733 s  client       #5    writes 5 bytes [8d21]
//!       4.018733 s  client       #5    is reset
//!   …
//! to run it again: LARIAT_SEED=91 cargo test a_word_is_answered_whatever_the_network_does
//! ```
//!
//! Two more things are looked for if the test asks for them, since they may be meant: Deferreds
//! that [never fired](crate::testing::Simulation::fail_on_pending_deferreds), and queues that [only
//! grew](crate::testing::Simulation::fail_on_growing_queues). A queue without a bound passes any
//! number of seeds otherwise.
//!
//! A seed takes the same course each time if nothing random comes from elsewhere. The order of a
//! `HashMap`, `Instant::now`, `SystemTime::now`, random numbers of the system, its files and its
//! threads all differ from run to run. The reactor has a substitute for each:
//! [`now`](crate::Reactor::now), [`wall_clock`](crate::Reactor::wall_clock),
//! [`random`](crate::Reactor::random), [`disk`](crate::Reactor::disk) and
//! [`defer_to_thread`](crate::Reactor::defer_to_thread). The test itself has
//! [`sim.random()`](crate::testing::Simulation::random). The first seed is run twice, and the check
//! fails where the second run departs from the first.
//!
//! # Clocks, names and disks that fail
//!
//! Each host has a wall clock, a view of the names, and a disk. Clocks
//! [differ](crate::testing::Faults::clock_skews), [jump](crate::testing::Faults::clock_jump) and
//! [drift](crate::testing::Faults::clock_drift), while timers stay right. A certificate expires by
//! the wall clock of the host that checks it. Names are
//! [stale](crate::testing::Faults::stale_names), or [differ between
//! hosts](crate::testing::Simulation::name_on). A [disk](crate::disk) loses at a power failure what
//! was not synced, so a [crash at every call](crate::testing::Simulation::check_every_call) finds
//! the place where a sync is missing:
//!
//! ```
//! use lariat::disk::OpenMode;
//! use lariat::testing::{Faults, Simulation, secs};
//! use std::{cell::Cell, rc::Rc};
//!
//! let crash = |faults: &Faults<'_>, call| {
//!     faults.crash_at_call(call, secs(1));
//! };
//! Simulation::check_every_call(1, crash, |sim: &Simulation| {
//!     let stored = Rc::new(Cell::new(false));
//!     let disk = sim.host("server").reactor().disk();
//!     let (names, done) = (disk.clone(), stored.clone());
//!     let written = disk.open("/message", OpenMode::Write).and_then(|file| {
//!         let synced = file.clone();
//!         file.append("hello").and_then(move |_| synced.sync())
//!     });
//!     written.and_then(move |()| names.sync_directory("/")).map(move |()| done.set(true)).detach();
//!     sim.run_until(secs(5))?;
//!     // No crash is aimed at the look at the disk.
//!     sim.faults().heal();
//!     let found = sim.host("server").reactor().disk().read("/message");
//!     found.finish(move |found| assert!(!stored.get() || found.is_ok_and(|found| found == b"hello")));
//!     sim.run_until(secs(10))
//! });
//! ```
//!
//! # What happened in production
//!
//! A server that [`Builder::record`](crate::Builder::record) made a loop for writes down what its reactor sees: what each connection
//! received, what the system answered, every reading of the clock, when threads called. It costs some hundredths of an echo's CPU.
//! [`Simulation::replay`](crate::testing::Simulation::replay) has it happen again, without a socket and without waiting: each callback
//! with the same bytes, at the same time by [`reactor.now()`](crate::Reactor::now). What went wrong once in a night goes wrong again, with
//! a debugger attached or with more in the log.
//!
//! The part of the program that sets the reactor up is used in both, so it is best a function of its own.
//!
//! ```
//! use lariat::testing::Simulation;
//! use lariat::{CloseReason, Peer, Protocol, Reactor, Transport};
//! use std::io::{Read, Write};
//!
//! struct Greeter;
//!
//! impl Protocol for Greeter {
//!     fn data_received(&mut self, transport: &Transport, name: &[u8]) {
//!         transport.write(b"hello, ");
//!         transport.write(name);
//!         transport.close();
//!     }
//!
//!     fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
//!         transport.reactor().stop();
//!     }
//! }
//!
//! fn set_up(reactor: &Reactor) -> lariat::Result<lariat::Port> {
//!     reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Greeter)
//! }
//!
//! # let path = std::env::temp_dir().join(format!("lariat-guide-recording-{}", std::process::id()));
//! // In production, where a client comes from somewhere:
//! let reactor = Reactor::builder().record(&path).record_limit(64 << 20).build()?;
//! let address = set_up(&reactor)?.address().tcp().ok_or("not TCP")?;
//! let client = std::thread::spawn(move || -> std::io::Result<String> {
//!     let mut client = std::net::TcpStream::connect(address)?;
//!     client.write_all(b"ann")?;
//!     let mut greeting = String::new();
//!     client.read_to_string(&mut greeting)?;
//!     Ok(greeting)
//! });
//! reactor.run()?;
//! assert_eq!(client.join().unwrap()?, "hello, ann");
//!
//! // In a test, where none comes:
//! let replayed = Simulation::replay(&path, |replay| set_up(replay.reactor()).map(drop))?;
//! assert!(replayed.is_complete);
//!
//! // And once the greeting was changed:
//! struct Polite;
//!
//! impl Protocol for Polite {
//!     fn data_received(&mut self, transport: &Transport, _: &[u8]) {
//!         transport.write(b"Good morning!");
//!     }
//! }
//!
//! let departed = Simulation::replay(&path, |replay| {
//!     replay.reactor().listen("tcp:0:interface=127.0.0.1", |_: &Peer| Polite).map(drop)
//! });
//! let why = departed.unwrap_err().to_string();
//! assert!(why.contains(r#"it writes 13 bytes "Good morning!" to #4, where the recorded loop writes 10 bytes "hello, ann" to #4"#));
//! # std::fs::remove_file(path).ok();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A call from another thread is known to have come, but not what it did: that is for
//! [`on_remote_call`](crate::testing::Replay::on_remote_call) to do again. What is true of a seed is true here: what a program takes from
//! elsewhere than its reactor (the order of a `HashMap`, `Instant::now`, a file) has to be the same, or the replay departs, and says where.
//!
//! The file has all that clients have sent. It is for its owner's eyes (mode 0600), and
//! [`record_sizes_only`](crate::Builder::record_sizes_only) keeps the bytes out of it, which is enough to see when things happened, and
//! too little for a protocol that goes by what it reads.
