//! Giving up on results: who cancels, what happens then, and not waiting for ever.
//!
//! # Who cancels
//!
//! | by | when |
//! | --- | --- |
//! | dropping the [`Deferred`](crate::Deferred) | whoever held it is gone, so nobody is there to hear the result |
//! | [`cancel`](crate::Deferred::cancel) | it is not wanted any more, and its callbacks are to be told |
//! | [`timeout`](crate::Deferred::timeout) | it takes too long |
//! | [`race`](crate::Deferred::race), [`gather`](crate::Deferred::gather) | another was faster, or has failed |
//!
//! What nobody may cancel is told to [`detach`](crate::Deferred::detach), or ends with [`finish`](crate::Deferred::finish): they take the handle.
//!
//! # What happens then
//!
//! Cancelling ends whatever the chain waits for just now, however deep inside its callbacks that was made. The *canceller* that it was
//! [made with](crate::Deferred::with_canceller) is called from the loop, and stops the work. Then the Deferred fails with
//! [`FailureKind::Cancelled`](crate::FailureKind::Cancelled), which goes through the callbacks like any failure:
//!
//! ```
//! use lariat::{Deferred, Reactor};
//! use std::cell::RefCell;
//! use std::collections::BTreeMap;
//! use std::rc::Rc;
//!
//! /// Requests that are not answered yet.
//! type Table = Rc<RefCell<BTreeMap<u32, lariat::Resolver<String>>>>;
//!
//! fn ask(reactor: &Reactor, table: &Table, id: u32) -> Deferred<String> {
//!     let ours = table.clone();
//!     let (resolver, answer) = Deferred::with_canceller(reactor, move |_| {
//!         // It is dropped when nothing is borrowed.
//!         let resolver = ours.borrow_mut().remove(&id);
//!         drop(resolver);
//!     });
//!     table.borrow_mut().insert(id, resolver);
//!     answer
//! }
//!
//! let reactor = Reactor::new()?;
//! let (table, stop) = (Table::default(), Reactor::clone(&reactor));
//! let answer = ask(&reactor, &table, 7);
//! answer.cancel();
//! // It comes from the loop: nothing has happened yet.
//! assert_eq!(table.borrow().len(), 1);
//! answer.finish(move |result| {
//!     assert!(result.unwrap_err().is_cancelled());
//!     stop.stop();
//! });
//! reactor.run()?;
//! assert!(table.borrow().is_empty());
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! A canceller is optional. Without one the Deferred just fails; work on it may look at [`Resolver::is_cancelled`](crate::Resolver::is_cancelled)
//! now and then. A result that comes too late is refused and given back by [`resolve`](crate::Resolver::resolve), so that what is of
//! value, a connection for instance, is not lost.
//!
//! | cancelled while it … | so |
//! | --- | --- |
//! | waits for a result | the canceller is called, then it fails |
//! | waits for what a callback gave | the same, with the canceller of that |
//! | is being cancelled | nothing more happens |
//! | has its result, which is on its way through the callbacks | they are called, and the next thing that they would wait for is cancelled |
//! | has come to its end | nothing happens |
//!
//! A canceller has the last word: if it resolves the Deferred, that is the result. If it panics, the Deferred is cancelled all the same.
//!
//! # What a callback does about it
//!
//! Mostly nothing: `map` and `and_then` do not see failures. One that recovers from failures lets this one pass, unless it is meant to
//! give an answer even then:
//!
//! ```
//! use lariat::{Deferred, Failure, Reactor};
//!
//! /// Zero, if there is no answer for whatever reason, unless it is that nobody wants one.
//! fn or_zero(answer: Deferred<u32>) -> Deferred<u32> {
//!     answer.try_recover(|failure| if failure.is_cancelled() { Err(failure) } else { Ok(0) })
//! }
//!
//! let reactor = Reactor::new()?;
//! let stop = Reactor::clone(&reactor);
//! or_zero(Deferred::fail(&reactor, Failure::new("the line is busy"))).finish(move |result| {
//!     assert_eq!(result.unwrap(), 0);
//!     stop.stop();
//! });
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! # Not waiting for ever
//!
//! [`timeout`](crate::Deferred::timeout) cancels when the time is over, and the failure is one of kind
//! [`TimedOut`](crate::FailureKind::TimedOut). It limits the chain above it, counted from the moment at which it is called. So where it stands
//! says what it limits: each attempt, or all of them:
//!
//! ```
//! use lariat::{Deferred, Reactor};
//! use std::time::Duration;
//!
//! fn attempt(reactor: &Reactor, takes: Duration) -> Deferred<&'static str> {
//!     reactor.sleep(takes).map(|()| "here I am")
//! }
//!
//! let reactor = Reactor::new()?;
//! let (again, stop) = (Reactor::clone(&reactor), Reactor::clone(&reactor));
//! attempt(&reactor, Duration::from_secs(60))
//!     .timeout(Duration::from_millis(5))
//!     .or_else(move |failure| {
//!         assert!(failure.is_timed_out());
//!         attempt(&again, Duration::from_millis(1))
//!     })
//!     .timeout(Duration::from_secs(30))
//!     .finish(move |result| {
//!         assert_eq!(result.unwrap(), "here I am");
//!         stop.stop();
//!     });
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! Results and timeouts that fall into the same tick are taken in the order in which they come: a result that is there first counts.
//!
//! # Work that ends with its connection
//!
//! Since dropping cancels, a Deferred that a protocol keeps in a field goes with the protocol, and nobody has to remember to stop it:
//!
//! ```
//! use lariat::{Deferred, Protocol, Transport};
//! use std::time::Duration;
//!
//! /// Answers each request a minute later. A new one takes the place of the old.
//! #[derive(Default)]
//! struct Slow {
//!     reply: Option<Deferred<()>>,
//! }
//!
//! impl Protocol for Slow {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         let (data, ours) = (data.to_vec(), transport.clone());
//!         let reply = transport.reactor().sleep(Duration::from_secs(60)).map(move |()| {
//!             ours.write(&data);
//!         });
//!         self.reply = Some(reply);
//!     }
//! }
//! # #[cfg(feature = "testing")]
//! # {
//! # use lariat::testing::MemoryTransport;
//! # let mut slow = MemoryTransport::new(Slow::default());
//! # slow.feed(b"one");
//! # slow.advance(Duration::from_secs(30));
//! # slow.feed(b"two");
//! # slow.advance(Duration::from_secs(60));
//! # assert_eq!(slow.written(), b"two");
//! # slow.feed(b"three");
//! # slow.end_of_input();
//! # slow.advance(Duration::from_secs(1));
//! # let stats = slow.clock().stats();
//! # assert_eq!((stats.timers, stats.deferreds), (0, 0));
//! # }
//! ```
//!
//! # The end of the reactor
//!
//! It is not a cancellation: cancellers are not called any more, and whoever waits fails with
//! [`FailureKind::Ended`](crate::FailureKind::Ended). What was cancelled before fails with `Cancelled` still. A Deferred that is made afterwards has
//! failed already, so that nothing waits in vain, and calls nothing back.
