//! Results that arrive later, and callbacks that say what becomes of them.
//!
//! # A function that answers later
//!
//! A function whose result needs time returns a [`Deferred`](crate::Deferred): a handle to a result that is not there yet. It keeps the
//! other end, the [`Resolver`](crate::Resolver), until it knows the result. Whoever calls it says with callbacks what is to be done then.
//!
//! ```
//! use lariat::{Deferred, Reactor};
//! use std::time::Duration;
//!
//! /// Doubles a number, slowly.
//! fn double(reactor: &Reactor, number: u32) -> Deferred<u32> {
//!     let (resolver, answer) = Deferred::new(reactor);
//!     reactor.call_later(Duration::from_millis(5), move |_| {
//!         // An error would tell that nobody waits any more.
//!         let _ = resolver.resolve(2 * number);
//!     });
//!     answer
//! }
//!
//! let reactor = Reactor::new()?;
//! let stop = Reactor::clone(&reactor);
//! double(&reactor, 20).map(|number| number + 2).finish(move |result| {
//!     assert_eq!(result.unwrap(), 42);
//!     stop.stop();
//! });
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! If the answer is there at once, [`Deferred::succeed`](crate::Deferred::succeed), [`fail`](crate::Deferred::fail) or
//! [`settled`](crate::Deferred::settled) make a Deferred of it, so a function can answer now in one case and later in another. Its caller sees
//! no difference: callbacks are called from the loop in either case, never before the call that added them returns.
//!
//! # The chain
//!
//! Each callback makes the next result, and what it does not take goes past it:
//!
//! | the callback takes | and gives a value | a `Result` | another Deferred |
//! | --- | --- | --- | --- |
//! | the value | [`map`](crate::Deferred::map) | [`try_map`](crate::Deferred::try_map) | [`and_then`](crate::Deferred::and_then) |
//! | the failure | [`recover`](crate::Deferred::recover) | [`try_recover`](crate::Deferred::try_recover) | [`or_else`](crate::Deferred::or_else) |
//! | either | | [`map_result`](crate::Deferred::map_result) | [`then`](crate::Deferred::then) |
//!
//! So a chain reads like the code that it stands for, with the failures of everything above a `recover` ending in it, as in a `try` block:
//!
//! ```
//! use lariat::{Deferred, Reactor};
//!
//! /// What somebody has sent, as if it came from the network.
//! fn receive(reactor: &Reactor, text: &'static str) -> Deferred<&'static str> {
//!     Deferred::succeed(reactor, text)
//! }
//!
//! fn price(reactor: &Reactor, text: &'static str) -> Deferred<u32> {
//!     receive(reactor, text)
//!         .try_map(|text| Ok(text.trim().parse::<u32>()?))
//!         .map(|net| net + net / 5)
//!         .recover(|failure| {
//!             assert!(failure.is::<std::num::ParseIntError>());
//!             0
//!         })
//! }
//!
//! let reactor = Reactor::new()?;
//! let stop = Reactor::clone(&reactor);
//! Deferred::gather(&reactor, [price(&reactor, " 100 "), price(&reactor, "a lot")]).finish(move |prices| {
//!     assert_eq!(prices.unwrap(), [120, 0]);
//!     stop.stop();
//! });
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! # One after the other
//!
//! `and_then`, `or_else` and `then` take callbacks that give Deferreds, and the chain goes on when those have their results. A loop is a
//! function that calls itself from there. It takes no stack, however often it goes round:
//!
//! ```
//! use lariat::{Deferred, Failure, Reactor};
//! use std::time::Duration;
//!
//! /// Fails twice, then works.
//! fn attempt(reactor: &Reactor, number: u32) -> Deferred<u32> {
//!     match number {
//!         3 => Deferred::succeed(reactor, number),
//!         _ => Deferred::fail(reactor, Failure::new("not this time")),
//!     }
//! }
//!
//! /// Tries again after a pause, until it works.
//! fn insist(reactor: &Reactor, number: u32) -> Deferred<u32> {
//!     let again = reactor.clone();
//!     attempt(reactor, number).or_else(move |failure| {
//!         if failure.is_cancelled() {
//!             return Deferred::fail(&again, failure);
//!         }
//!         let pause = again.sleep(Duration::from_millis(1));
//!         pause.and_then(move |()| insist(&again, number + 1))
//!     })
//! }
//!
//! let reactor = Reactor::new()?;
//! let stop = Reactor::clone(&reactor);
//! insist(&reactor, 1).finish(move |result| {
//!     assert_eq!(result.unwrap(), 3);
//!     stop.stop();
//! });
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! Being cancelled is a failure too, which such a loop must not take for a reason to try again: see [`cancellation`](super::cancellation).
//!
//! # Several at once
//!
//! | all of them are wanted | [`Deferred::gather`](crate::Deferred::gather): their values in order, or the first failure |
//! | --- | --- |
//! | whatever each gives | [`Deferred::settle`](crate::Deferred::settle): a `Result` for each |
//! | any of them | [`Deferred::race`](crate::Deferred::race): the first value; the others are cancelled |
//! | one at a time, or so many | [`Lock`](crate::Lock), [`Semaphore`](crate::Semaphore) |
//! | as they come | [`Queue`](crate::Queue), [`Event`](crate::Event) |
//!
//! # The end of a chain
//!
//! | ending | for |
//! | --- | --- |
//! | [`finish(callback)`](crate::Deferred::finish) | the last callback: it gets the `Result` and gives nothing |
//! | [`detach()`](crate::Deferred::detach) | what is to go on although nobody cares how it ends |
//! | `return` it | who may go on with the chain |
//! | keep it in a field | what is to end with its owner: dropping it [cancels](super::cancellation) |
//! | `.await` it | `async` code, which [`Reactor::spawn`](crate::Reactor::spawn) runs: a Deferred is a `Future` |
//!
//! # Failures
//!
//! A [`Failure`](crate::Failure) holds any error. `?` makes one of whatever error a function returns, and remembers in which line.
//! [`Failure::new`](crate::Failure::new) makes one of a message. Which it is, is asked in two ways:
//!
//! ```
//! use lariat::{Failure, FailureKind};
//!
//! fn advice(failure: &Failure) -> &'static str {
//!     if failure.is::<std::num::ParseIntError>() {
//!         return "that was no number";
//!     }
//!     match failure.kind() {
//!         FailureKind::TimedOut => "ask again",
//!         FailureKind::Cancelled | FailureKind::Ended => "never mind",
//!         _ => "see the log",
//!     }
//! }
//!
//! let error = "x".parse::<u32>().unwrap_err();
//! assert_eq!(advice(&error.into()), "that was no number");
//! assert_eq!(advice(&Failure::timed_out()), "ask again");
//! ```
//!
//! A callback that panics fails, with [`FailureKind::Panicked`](crate::FailureKind::Panicked), and the next one may recover.
//!
//! **No failure is lost.** If one reaches the end of a chain where nobody takes it (after `detach`, say), it is logged as an error with the
//! place where its Deferred was made, and a test with a `MemoryTransport` or a `Simulation` fails. Only that something was cancelled, or
//! that the reactor has ended, is no news.
//!
//! # In a protocol
//!
//! A callback may come long after the method that added it has returned, so it cannot hold `&mut self`. It holds a
//! [`Handle`](crate::Handle), which brings it to the protocol, or drops it if the connection has ended meanwhile:
//!
//! ```
//! use lariat::{Deferred, Protocol, Reactor, Transport};
//! use std::time::Duration;
//!
//! /// What a clerk knows, after some thinking.
//! fn ask_the_clerk(reactor: &Reactor, question: &[u8]) -> Deferred<usize> {
//!     let length = question.len();
//!     reactor.sleep(Duration::from_millis(1)).map(move |()| length)
//! }
//!
//! /// Has the clerk answer whatever it gets.
//! #[derive(Default)]
//! struct Desk {
//!     answered: u32,
//! }
//!
//! impl Protocol for Desk {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         let desk = transport.handle(self);
//!         ask_the_clerk(transport.reactor(), data).finish(move |answer| {
//!             desk.call(move |desk, transport| match answer {
//!                 Ok(answer) => {
//!                     desk.answered += 1;
//!                     write!(transport, "{answer}\r\n");
//!                 }
//!                 Err(failure) => transport.fail(failure.into_error()),
//!             });
//!         });
//!     }
//! }
//! # #[cfg(feature = "testing")]
//! # {
//! # use lariat::testing::MemoryTransport;
//! # let mut desk = MemoryTransport::new(Desk::default());
//! # desk.feed(b"what?");
//! # desk.advance(Duration::from_millis(1));
//! # assert_eq!(desk.written(), b"5\r\n");
//! # }
//! ```
//!
//! The other way round, [`Handle::ask`](crate::Handle::ask) asks a protocol, and gives a Deferred of its answer.
//!
//! If all that the callback needs is the transport, a clone of it will do, without a handle.
//!
//! # Why does nothing happen?
//!
//! [`named`](crate::Deferred::named) gives a chain a name, and [`Reactor::dump_deferreds`](crate::Reactor::dump_deferreds) tells who waits, since
//! when, made where, and for what. A dump from a [signal handler](super::production) or a timer answers most such questions:
//!
//! ```
//! use lariat::{Deferred, Reactor};
//!
//! let reactor = Reactor::new()?;
//! let (_resolver, reply) = Deferred::<u32>::new(&reactor);
//! let request = reply.named("reply").map(|number| number + 1).named("request 7");
//! let dump = reactor.dump_deferreds().to_string();
//! assert!(dump.starts_with(r#"the Deferred "request 7" in "reply", made at"#));
//! # drop(request);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! A Deferred that waited for itself in a circle would wait for ever; it fails with
//! [`FailureKind::Circular`](crate::FailureKind::Circular) instead.
//!
//! # What is promised
//!
//! - **From the loop.** Nothing is called inside `resolve`, `cancel` or any other call. Results are delivered in the order in which they came.
//! - **Once.** A resolver is used up by being used, so there is no `AlreadyCalledError`. One that is dropped fails its Deferred.
//! - **Fair.** A turn of the loop takes so many steps through chains, then connections have their turn.
//! - **Bounded stack.** Chains of any length, and waiting of any depth, take the stack of a few callbacks.
//! - **An end.** When the reactor ends, whoever waits still is told so, with [`FailureKind::Ended`](crate::FailureKind::Ended).
