//! Callbacks or `async`: which of the two a piece of a program is better written in, and how they work together.
//!
//! Both run on the same loop and the same connections, with the same back-pressure, deadlines and ends. [`first_protocol`](super::first_protocol) shows
//! the one, [`async_await`](super::async_await) the other.
//!
//! # What each is good at
//!
//! | | a [`Protocol`](crate::Protocol) | a task |
//! | --- | --- | --- |
//! | is good at | reacting: whatever comes next, from the peer, a timer, another connection | a conversation: first this, then that, with loops and early ends |
//! | its state is | a struct, with a name for every state | where in the code it waits |
//! | two things at once | another method | another task, or a crate that joins futures |
//! | an idle connection takes | some 200 bytes | some 800, and what the future holds across its `await`s |
//! | a short message costs | a call | a call, a queued poll and two copies: some four times the instructions |
//! | bytes arrive | in a slice of the loop's buffer, uncopied | in a buffer |
//! | runs what others wrote for | Lariat | `futures-io` |
//! | is tested | with a `MemoryTransport`, without any reactor | in a simulation |
//!
//! A server with many connections that mostly wait, a broadcast, a proxy at full speed, a parser fed as bytes come: callbacks. A client that
//! logs in, asks, and asks again depending on the answer; a script that tries things one after the other; whatever a crate for `futures-io`
//! does already: `async`.
//!
//! When in doubt, ask what the code would have to remember between two callbacks. If that is some fields which mean something by themselves, a
//! protocol is shorter and cheaper; if it is mostly how far it has come, `async` keeps it for you.
//!
//! # Both together
//!
//! It is no choice for ever, and not one for the whole of a program. A protocol hands the long story of one request to a task, and the answer comes back through its
//! [`Handle`](crate::Handle):
//!
//! ```
//! use lariat::{Failure, Protocol, Reactor, Transport};
//! use std::time::Duration;
//!
//! /// Asks here, asks there.
//! async fn answer(reactor: Reactor, question: Vec<u8>) -> Result<usize, Failure> {
//!     for _ in 0..2 {
//!         reactor.sleep(Duration::from_millis(1)).await?;
//!     }
//!     Ok(question.len())
//! }
//!
//! struct Desk;
//!
//! impl Protocol for Desk {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         let (desk, reactor) = (transport.handle(self), transport.reactor());
//!         reactor.spawn(answer(reactor.clone(), data.to_vec())).finish(move |answer| {
//!             desk.call(move |_, transport| match answer {
//!                 Ok(length) => {
//!                     write!(transport, "{length}\r\n");
//!                 }
//!                 Err(failure) => transport.fail(failure.into_error()),
//!             });
//!         });
//!     }
//! }
//! # #[cfg(feature = "testing")]
//! # {
//! # use lariat::testing::MemoryTransport;
//! # let mut desk = MemoryTransport::new(Desk);
//! # desk.feed(b"what?");
//! # desk.advance(Duration::from_millis(1));
//! # desk.advance(Duration::from_millis(1));
//! # assert_eq!(desk.written(), b"5\r\n");
//! # }
//! ```
