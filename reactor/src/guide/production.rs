//! Running in production: signals, an end in good order, several cores, limits, numbers to watch.
//!
//! # Ending
//!
//! [`MainLoop::run`](crate::MainLoop::run) serves until it is told to stop: by [`Reactor::stop`](crate::Reactor::stop), or by SIGINT or
//! SIGTERM, which is what a terminal and every supervisor sends first. Then
//!
//! 1. triggers *before* the shutdown are called, while everything is served still;
//! 2. ports accept who waits already, and close; attempts to connect are given up;
//! 3. every protocol hears [`drain`](crate::Protocol::drain);
//! 4. the loop goes on until the last connection has ended, or the drain timeout is over, which aborts the rest;
//! 5. triggers *after* the shutdown are called, the report is logged, and `run` returns.
//!
//! A second SIGINT or SIGTERM meanwhile ends the process at once, with status 130 or 143, even if a callback blocks. SIGPIPE is no
//! danger: Rust's runtime ignores it. (A program that gives it back its default action dies of it when a peer goes that is being sent a
//! file.)
//!
//! By default `drain` closes the connection: what is queued is sent, nothing more is received. That is right for a protocol that is
//! between two requests at any time. One that has a request in hand finishes it first:
//!
//! ```
//! use lariat::{Once, Peer, Protocol, Reactor, Transport};
//! # use std::cell::Cell;
//! # use std::rc::Rc;
//! use std::time::Duration;
//!
//! /// Takes a tenth of a second for an answer.
//! #[derive(Default)]
//! struct Slow {
//!     at_work: bool,
//!     draining: bool,
//! }
//!
//! impl Slow {
//!     fn answer(&mut self, transport: &Transport) {
//!         self.at_work = false;
//!         transport.write(b"the answer\n");
//!         if self.draining {
//!             transport.close();
//!         }
//!     }
//! }
//!
//! impl Protocol for Slow {
//!     fn data_received(&mut self, transport: &Transport, _: &[u8]) {
//!         self.at_work = true;
//!         transport.handle(self).call_later(Duration::from_millis(100), Self::answer);
//!     }
//!
//!     fn drain(&mut self, transport: &Transport) {
//!         self.draining = true;
//!         if !self.at_work {
//!             transport.close();
//!         }
//!     }
//! }
//! # struct Client(Rc<Cell<usize>>);
//! # impl Protocol for Client {
//! #     fn connection_made(&mut self, transport: &Transport) {
//! #         transport.write(b"a question");
//! #     }
//! #     fn data_received(&mut self, _: &Transport, data: &[u8]) {
//! #         self.0.set(self.0.get() + data.len());
//! #     }
//! #     fn drain(&mut self, _: &Transport) {}
//! # }
//!
//! let reactor = Reactor::new()?;
//! reactor.set_drain_timeout(Duration::from_secs(25));
//! let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Slow::default())?;
//! # let received = Rc::new(Cell::new(0));
//! # reactor.connect(&port.address().to_string(), Once::new(Client(received.clone())))?;
//! # fn soon(reactor: &Reactor) {
//! #     if reactor.stats().bytes_received > 0 { reactor.stop() } else { reactor.call_later(Duration::from_millis(1), soon); }
//! # }
//! # reactor.call_later(Duration::ZERO, soon);
//! reactor.run()?;
//! # assert_eq!(received.get(), 11);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! Set [the drain timeout](crate::Reactor::set_drain_timeout) a few seconds below your supervisor's patience. [Triggers](crate::Reactor::add_trigger)
//! are where a program tells others that it goes: *before*, to leave a load balancer while requests are still served; *after*, to write
//! down what is left.
