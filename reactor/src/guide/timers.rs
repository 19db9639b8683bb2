//! Calls that happen later, idle timeouts, and how exact they are.
//!
//! # A call later
//!
//! [`call_later`](crate::Reactor::call_later) takes a delay and a closure, which is called once, from the loop, with the reactor:
//!
//! ```
//! use lariat::Reactor;
//! use std::cell::RefCell;
//! use std::rc::Rc;
//! use std::time::Duration;
//!
//! let reactor = Reactor::new()?;
//! let order = Rc::new(RefCell::new(Vec::new()));
//! for (delay, name) in [(20, "last"), (10, "first"), (10, "second")] {
//!     let order = order.clone();
//!     reactor.call_later(Duration::from_millis(delay), move |reactor| {
//!         order.borrow_mut().push(name);
//!         if name == "last" {
//!             reactor.stop();
//!         }
//!     });
//! }
//! reactor.run()?;
//! assert_eq!(*order.borrow(), ["first", "second", "last"]);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! What it gives back, a [`DelayedCall`](crate::DelayedCall), can be dropped without effect, or kept to change one's mind:
//!
//! | method | does |
//! | --- | --- |
//! | [`cancel`](crate::DelayedCall::cancel) | calls it off and drops the closure, even if it is due in this very turn |
//! | [`reset(d)`](crate::DelayedCall::reset) | moves it to `d` from now |
//! | [`delay(d)`](crate::DelayedCall::delay) | moves it `d` further than it is |
//! | [`is_active`](crate::DelayedCall::is_active) | tells whether it is still going to run |
//! | [`deadline`](crate::DelayedCall::deadline) | tells when |
//!
//! On a call that has run or was cancelled they do nothing, and say so.
//!
//! A delay of zero is a call later in this turn; made from within another delayed call, it runs in the next turn. So a long computation
//! that is cut into pieces, each of which calls the next with a delay of zero, lets connections have their turn in between.
//!
//! # What is promised
//!
//! - **Never early.** The delay counts from the moment of the call, also late in a long callback.
//! - **At most about 2 ms late** on an idle machine. Deadlines are kept to the millisecond, rounded up, and the kernel's sleep is
//!   rounded up to a millisecond too. A callback that runs for long delays everybody.
//! - **In order.** Deadlines that fall into the same millisecond run in the order in which they were set.
//! - **Any delay will do.** One of centuries never comes, and nothing overflows.
//! - **Nothing ticks.** An idle reactor sleeps until the next deadline, or for ever.
//! - **Cheap.** Setting, moving and cancelling a timer take the same time however many there are. A call costs one allocation, for its
//!   closure.
//!
//! # Again and again
//!
//! A [`LoopingCall`](crate::LoopingCall) comes again and again on a fixed grid, until it is stopped or fails. It does not drift, never overlaps
//! with itself, and skips what it has missed:
//!
//! ```
//! use lariat::{LoopingCall, Reactor};
//! use std::time::Duration;
//!
//! let reactor = Reactor::new()?;
//! let mut left = 3;
//! let ticks = LoopingCall::with_count(&reactor, move |ticks, slots| {
//!     assert!(slots >= 1);
//!     left -= 1;
//!     if left == 0 {
//!         ticks.reactor().stop();
//!     }
//! });
//! ticks.start(Duration::from_millis(5)).detach();
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! What it calls may give a [`Deferred`](crate::Deferred), whose result is waited for. For a chain there are
//! [`sleep`](crate::Reactor::sleep) and [`defer_later`](crate::Reactor::defer_later), and for long computations
//! [`Cooperator`](crate::Cooperator), which has them take turns with everything else.
//!
//! A call can schedule itself too, when the next time depends on what it finds. Counted from when it was *due*, it does not drift:
//!
//! ```
//! use lariat::Reactor;
//! use std::cell::Cell;
//! use std::rc::Rc;
//! use std::time::{Duration, Instant};
//!
//! const PERIOD: Duration = Duration::from_millis(5);
//!
//! fn tick(reactor: &Reactor, due: Instant, count: Rc<Cell<u32>>) {
//!     count.set(count.get() + 1);
//!     if count.get() == 3 {
//!         return reactor.stop();
//!     }
//!     let next = due + PERIOD;
//!     let delay = next.saturating_duration_since(reactor.now());
//!     reactor.call_later(delay, move |reactor| tick(reactor, next, count));
//! }
//!
//! let reactor = Reactor::new()?;
//! let count = Rc::new(Cell::new(0));
//! tick(&reactor, reactor.now(), count.clone());
//! reactor.run()?;
//! assert_eq!(count.get(), 3);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! [`Reactor::now`](crate::Reactor::now) is the clock that the timers follow. Use it rather than `Instant::now()`, so that your code goes on
//! working where time is not the system's.
//!
//! # A timer of a protocol's
//!
//! A closure cannot hold `&mut self` until later. A [`Handle`](crate::Handle) to the protocol brings it back:
//! [`Handle::call_later`](crate::Handle::call_later) calls with the protocol, and calls nobody if the connection has ended by then. Here a
//! question is asked up to three times:
//!
//! ```
//! use lariat::{CloseReason, DelayedCall, Protocol, Transport};
//! # use lariat::{Once, Peer, Reactor};
//! # use std::cell::RefCell;
//! # use std::rc::Rc;
//! use std::time::Duration;
//!
//! struct Asks {
//!     patience: Duration,
//!     timeout: Option<DelayedCall>,
//!     tries: u32,
//! #   ended: Rc<RefCell<Option<String>>>,
//! }
//!
//! impl Asks {
//!     fn ask(&mut self, transport: &Transport) {
//!         transport.write(b"are you there?\r\n");
//!         self.timeout = Some(transport.handle(self).call_later(self.patience, Self::no_answer));
//!     }
//!
//!     fn no_answer(&mut self, transport: &Transport) {
//!         self.tries += 1;
//!         if self.tries < 3 { self.ask(transport) } else { transport.fail("three questions and no answer") }
//!     }
//! }
//!
//! impl Protocol for Asks {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         self.ask(transport);
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {
//!         if let Some(timeout) = self.timeout.take() {
//!             timeout.cancel();
//!         }
//!     }
//!
//!     fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
//!         if let Some(timeout) = self.timeout.take() {
//!             timeout.cancel();
//!         }
//! #       self.ended.replace(Some(reason.to_string()));
//! #       transport.reactor().stop();
//!     }
//! }
//! # struct Silent;
//! # impl Protocol for Silent {
//! #     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! # }
//! # let reactor = Reactor::new()?;
//! # let ended = Rc::new(RefCell::new(None));
//! # let patience = Duration::from_millis(5);
//! # let asks = Asks { patience, timeout: None, tries: 0, ended: ended.clone() };
//! # let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Silent)?;
//! # reactor.connect(&port.address().to_string(), Once::new(asks)).detach();
//! # reactor.call_later(Duration::from_secs(30), |reactor| reactor.stop());
//! # reactor.run()?;
//! # assert_eq!(ended.take().as_deref(), Some("failed: three questions and no answer"));
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! Cancelling in `connection_lost` is tidy, not necessary. It frees the closure sooner, which matters when delays are long and connections
//! short.
//!
//! # Idle timeouts
//!
//! A timer that is pushed back with every byte would cost something with every byte. The reactor has a cheaper one, since silence is the
//! most common thing to wait for: [`set_idle_timeout`](crate::Transport::set_idle_timeout) watches one connection, and a byte costs a store.
//!
//! | watch | for |
//! | --- | --- |
//! | [`Idle::Read`](crate::Idle::Read) | a peer that says nothing |
//! | [`Idle::Write`](crate::Idle::Write) | silence of our own, to be broken by a heartbeat; or a peer that takes nothing |
//! | [`Idle::All`](crate::Idle::All) | a connection on which nothing happens either way |
//!
//! The three are separate and may be set together. When one is over, [`timed_out`](crate::Protocol::timed_out) is called. By default that
//! ends the connection, with [`CloseReason::TimedOut`](crate::CloseReason::TimedOut). A protocol that overrides it and leaves the connection
//! open is told again after another such time:
//!
//! ```
//! use lariat::{Idle, Protocol, Transport};
//! # use lariat::{CloseReason, Once, Peer, Reactor};
//! # use std::cell::RefCell;
//! # use std::rc::Rc;
//! use std::time::Duration;
//!
//! /// Sends a heartbeat when it has been silent for a while, and gives up on a peer that is silent for long.
//! struct Heart {
//!     beat: Duration,
//!     patience: Duration,
//! #   ended: Rc<RefCell<Option<String>>>,
//! }
//!
//! impl Protocol for Heart {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.set_idle_timeout(Idle::Write, Some(self.beat));
//!         transport.set_idle_timeout(Idle::Read, Some(self.patience));
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//!
//!     fn timed_out(&mut self, transport: &Transport, idle: Idle) {
//!         match idle {
//!             Idle::Write => {
//!                 transport.write(b"beat\r\n");
//!             }
//!             _ => transport.fail("the peer is silent"),
//!         }
//!     }
//! #   fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
//! #       self.ended.replace(Some(reason.to_string()));
//! #       transport.reactor().stop();
//! #   }
//! }
//! # struct Silent(Rc<RefCell<Vec<u8>>>);
//! # impl Protocol for Silent {
//! #     fn data_received(&mut self, _: &Transport, data: &[u8]) {
//! #         self.0.borrow_mut().extend_from_slice(data);
//! #     }
//! # }
//! # let reactor = Reactor::new()?;
//! # let (ended, beats) = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(Vec::new())));
//! # let times = [Duration::from_millis(5), Duration::from_millis(100)];
//! # let heart = Heart { beat: times[0], patience: times[1], ended: ended.clone() };
//! # let heard = beats.clone();
//! # let port = reactor.listen("tcp:0:interface=127.0.0.1", move |_: &Peer| Silent(heard.clone()))?;
//! # reactor.connect(&port.address().to_string(), Once::new(heart)).detach();
//! # reactor.call_later(Duration::from_secs(30), |reactor| reactor.stop());
//! # reactor.run()?;
//! # assert!(beats.borrow().starts_with(b"beat\r\n"));
//! # assert_eq!(ended.take().as_deref(), Some("failed: the peer is silent"));
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! **A raw connection has no idle timeout.** A server on the internet wants one: peers vanish without a word, and what they leave behind
//! would stay forever. Closing, connecting and the wait for a peer's end after a close have deadlines of their own.
//!
//! # Timers and the end
//!
//! When the loop ends, calls that are still scheduled are dropped without being run. A loop with nothing but timers goes on until somebody
//! calls [`stop`](crate::Reactor::stop); it does not end because nothing is left to do.
//!
//! # The wheel
//!
//! Timers are kept in a [`TimerWheel`](crate::TimerWheel). It is public, knows neither clock nor reactor, and can be used on its own where many
//! deadlines have to be kept.
