//! A server, a client and a test of them, in ten minutes.
//!
//! # A server
//!
//! A *protocol* is a value that serves one connection. The reactor calls its methods when something happens to the connection;
//! only [`data_received`](crate::Protocol::data_received) has to be written. This one sends back what it gets:
//!
//! ```no_run
//! use lariat::{Peer, Protocol, Reactor, Transport};
//!
//! struct Echo;
//!
//! impl Protocol for Echo {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         transport.write(data);
//!     }
//! }
//!
//! fn main() -> lariat::Result<()> {
//!     let reactor = Reactor::new()?;
//!     let port = reactor.listen("tcp:7000", |_: &Peer| Echo)?;
//!     println!("listening on {}", port.address());
//!     reactor.run()
//! }
//! ```
//!
//! Talk to it with `nc localhost 7000`. Every line that you type comes back.
//!
//! - [`Reactor::new`](crate::Reactor::new) makes the loop. A program has one, as a rule, and nothing is global: whoever needs the reactor
//!   is given it, or asks [`transport.reactor()`](crate::Transport::reactor).
//! - [`listen`](crate::Reactor::listen) takes an [endpoint description](crate::endpoint) and a *factory*, which makes a protocol for
//!   each connection. Here it is a closure. Its argument says who has connected; Rust wants its type written, `|_: &Peer|`.
//! - [`run`](crate::MainLoop::run) serves until somebody calls [`stop`](crate::Reactor::stop).
//! - [`write`](crate::Transport::write) never blocks and never fails loudly. What the network does not take at once is queued. If
//!   the peer never reads, the server stops reading from it, so the queue stays small: see [`back_pressure`](super::back_pressure).
//!
//! Lariat reports through the `log` crate what is nobody's to handle: a failed attempt to connect, a panic in a callback. Install a
//! logger, such as `env_logger`, in programs; without one these are silent.
//!
//! # A protocol with a memory
//!
//! Bytes come cut wherever the network cut them: one `data_received` may bring half a line, or three and a half. So most protocols keep
//! what is not complete yet. This one adds up numbers, one a line:
//!
//! ```
//! use lariat::{Protocol, Transport};
//!
//! #[derive(Default)]
//! struct Adder {
//!     line: Vec<u8>,
//!     sum: i64,
//! }
//!
//! impl Protocol for Adder {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.write(b"numbers, please\r\n");
//!     }
//!
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         for piece in data.split_inclusive(|byte| *byte == b'\n') {
//!             if self.line.len() + piece.len() > 64 {
//!                 return transport.fail("a line is too long");
//!             }
//!             self.line.extend_from_slice(piece);
//!             if piece.ends_with(b"\n") {
//!                 let line = std::mem::take(&mut self.line);
//!                 self.line_received(transport, line.trim_ascii());
//!             }
//!         }
//!     }
//! }
//!
//! impl Adder {
//!     fn line_received(&mut self, transport: &Transport, line: &[u8]) {
//!         let number = std::str::from_utf8(line).ok().and_then(|line| line.parse().ok());
//!         match number.and_then(|number| self.sum.checked_add(number)) {
//!             Some(sum) => {
//!                 self.sum = sum;
//!                 write!(transport, "{sum}\r\n");
//!             }
//!             None => {
//!                 transport.write(b"not a number I can add\r\n");
//!                 transport.close();
//!             }
//!         }
//!     }
//! }
//! # let (reactor, sums) = (lariat::Reactor::new()?, std::rc::Rc::new(std::cell::RefCell::new(Vec::new())));
//! # struct Client(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);
//! # impl Protocol for Client {
//! #     fn connection_made(&mut self, transport: &Transport) {
//! #         transport.write(b"1\n2\r\n39\nx\n");
//! #     }
//! #     fn data_received(&mut self, _: &Transport, data: &[u8]) {
//! #         self.0.borrow_mut().extend_from_slice(data);
//! #     }
//! #     fn read_closed(&mut self, transport: &Transport) {
//! #         transport.reactor().stop();
//! #     }
//! # }
//! # let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &lariat::Peer| Adder::default())?;
//! # reactor.connect(&port.address().to_string(), lariat::Once::new(Client(sums.clone()))).detach();
//! # reactor.call_later(std::time::Duration::from_secs(30), |reactor| reactor.stop());
//! # reactor.run()?;
//! # assert_eq!(&sums.borrow()[..], b"numbers, please\r\n1\r\n3\r\n42\r\nnot a number I can add\r\n");
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! Three habits are in there that every protocol should have:
//!
//! - **What is kept has a limit.** A peer that never ends its line must not fill the memory.
//! - **Whoever is wrong is told and let go.** [`close`](crate::Transport::close) sends what is queued before it ends the connection;
//!   [`fail`](crate::Transport::fail) does the same and records an error as the reason. After either, `data_received` is not called
//!   again, so a return is enough.
//! - **Nothing panics that a peer can reach.** Should it happen all the same, that one connection ends with
//!   [`CloseReason::Panicked`](crate::CloseReason::Panicked), and the others go on.
//!
//! You need not cut lines by hand: the crate `lariat-protocols` has a `LineReceiver`, which does it with a limit, for any delimiter and in
//! linear time.
//!
//! # What happens to a connection
//!
//! [`connection_made`](crate::Protocol::connection_made) comes first and once, [`connection_lost`](crate::Protocol::connection_lost)
//! comes last and once, with the reason. In between come data, the peer's end of sending
//! ([`read_closed`](crate::Protocol::read_closed), which closes the connection unless you say otherwise), pauses and timeouts. After
//! `connection_lost` the protocol is dropped.
//!
//! | reason | when |
//! | --- | --- |
//! | [`Done`](crate::CloseReason::Done) | both sides ended in good order |
//! | [`Lost`](crate::CloseReason::Lost) | the network or the other end broke it, with the operating system's error |
//! | [`Aborted`](crate::CloseReason::Aborted) | [`abort`](crate::Transport::abort) was called here, or the loop ended |
//! | [`TimedOut`](crate::CloseReason::TimedOut) | it was idle for too long, or closing took too long |
//! | [`Overflow`](crate::CloseReason::Overflow) | the peer read so slowly that the queue reached its limit |
//! | [`Panicked`](crate::CloseReason::Panicked) | a callback panicked |
//! | [`Failed`](crate::CloseReason::Failed) | [`fail`](crate::Transport::fail) was called, with your error |
//!
//! # A factory with a memory
//!
//! What outlives a connection belongs into the factory, or is shared through it. A closure can keep it:
//!
//! ```
//! use lariat::{Peer, Protocol, Reactor, Transport};
//!
//! struct Greeter {
//!     visitor: u64,
//! }
//!
//! impl Protocol for Greeter {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         write!(transport, "you are visitor {}\r\n", self.visitor);
//!         transport.close();
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! }
//!
//! let mut visitors = 0;
//! let factory = move |_: &Peer| {
//!     visitors += 1;
//!     Greeter { visitor: visitors }
//! };
//! let reactor = Reactor::new()?;
//! reactor.listen("tcp:0", factory)?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! A closure may also give an `Option` of a protocol, and so refuse a peer, or a `Box<dyn Protocol>`, and so decide which one serves it. A
//! type of your own can implement [`Factory`](crate::Factory). What several connections *change* is the subject of
//! [`ownership`](super::ownership).
//!
//! # A client, and a test
//!
//! A client is a protocol too. [`connect`](crate::Reactor::connect) takes a factory as `listen` does; [`Once`](crate::Once) is the one
//! that gives away a single protocol. A server and its client can run in the same loop, on a port that the system chooses, and this is
//! how programs are tested:
//!
//! ```
//! use lariat::{CloseReason, Once, Peer, Protocol, Reactor, Transport};
//! use std::cell::RefCell;
//! use std::rc::Rc;
//! use std::time::Duration;
//!
//! struct Echo;
//!
//! impl Protocol for Echo {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         transport.write(data);
//!     }
//! }
//!
//! /// Says hello, hangs up, and keeps what comes back.
//! struct Hello {
//!     heard: Rc<RefCell<Vec<u8>>>,
//! }
//!
//! impl Protocol for Hello {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.write(b"hello");
//!         transport.close_write();
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, data: &[u8]) {
//!         self.heard.borrow_mut().extend_from_slice(data);
//!     }
//!
//!     fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
//!         transport.reactor().stop();
//!     }
//! }
//!
//! let reactor = Reactor::new()?;
//! let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Echo)?;
//!
//! let heard = Rc::new(RefCell::new(Vec::new()));
//! let hello = Hello { heard: heard.clone() };
//! reactor.connect(&port.address().to_string(), Once::new(hello)).detach();
//!
//! // Should something be wrong, the test ends all the same.
//! reactor.call_later(Duration::from_secs(30), |reactor| reactor.stop());
//! reactor.run()?;
//!
//! assert_eq!(&heard.borrow()[..], b"hello");
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! Two things to know about such tests:
//!
//! - **Assert after `run`, not in a callback.** A panic in a callback ends that connection and is logged; the loop, and so the test, goes
//!   on. Let callbacks write down what happened, and look at it when the loop has ended.
//! - **Have a watchdog** that stops the loop: a test that waits for what never comes should fail, not hang.
//!
//! With the feature `testing`, `lariat::testing::simulated()` gives a reactor whose clock and network are simulated: the same
//! protocols run on it, an hour passes in no time, and a loop in which nothing is left to happen ends with an error by itself.
//! The chapter `guide::testing`, which comes with that feature, tells of more that makes tests short.
//!
//! # Where to go next
//!
//! [`ownership`](super::ownership), as soon as two connections have to do with each other. [`timers`](super::timers), before a server
//! meets the internet: a raw connection has no idle timeout. [`back_pressure`](super::back_pressure), when you send much.
