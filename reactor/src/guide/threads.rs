//! What runs where, calling into a loop from other threads, and bringing results back.
//!
//! # One loop, one thread
//!
//! A loop runs on the thread that calls [`run`](crate::MainLoop::run), and so does everything that it calls: protocols, factories, timers,
//! the `Drop` of a closure. That is why none of it needs a lock, and why nothing else may happen while a callback runs: one that
//! computes for a tenth of a second keeps every connection waiting for a tenth of a second. Work of that kind belongs on another thread.
//!
//! | value | may be used |
//! | --- | --- |
//! | [`Remote`](crate::Remote) | by any thread |
//! | [`Error`](crate::Error), [`CloseReason`](crate::CloseReason), [`Address`](crate::Address), [`ConnectionId`](crate::ConnectionId), `Bytes` | by any thread, being plain data |
//! | [`Reactor`](crate::Reactor), [`Transport`](crate::Transport), [`Handle`](crate::Handle), [`Port`](crate::Port), [`DelayedCall`](crate::DelayedCall) | by the loop's thread alone |
//!
//! The compiler sees to it. (Twisted cannot, and asks that nothing but `callFromThread` be called from other threads.)
//!
//! # Calling in
//!
//! [`Reactor::remote`](crate::Reactor::remote) gives a [`Remote`](crate::Remote), which goes to another thread. A closure given to its
//! [`call`](crate::Remote::call) runs on the loop, with the reactor in hand; there, everything may be used:
//!
//! ```
//! use lariat::Reactor;
//! use std::thread;
//!
//! let reactor = Reactor::new()?;
//! let remote = reactor.remote()?;
//! let input = thread::spawn(move || {
//!     // Something that blocks: a prompt, a queue, a library that knows no event loop.
//!     let commands = ["wait", "stop"];
//!     for command in commands {
//!         remote.call(move |reactor| if command == "stop" { reactor.stop() })?;
//!     }
//!     Ok::<(), lariat::RemoteError>(())
//! });
//! reactor.run()?;
//! input.join().unwrap()?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! - Calls of one thread run in the order in which it made them, among timers and whatever else is queued.
//! - `call` returns at once. It does not wait for the loop, nor for the call to have run.
//! - A call that panics ends alone, as one in a protocol ends one connection.
//! - It is cheap: a burst of a million calls wakes the loop a few times, not a million times.
//! - Nothing bounds the queue. A thread that can call faster than the loop runs should wait for an answer now and then.
//!
//! # Waiting for an answer
//!
//! A thread that is allowed to block has the loop answer with [`blocking_call`](crate::Remote::blocking_call), or where the answer is a Deferred's
//! with [`blocking_defer`](crate::Remote::blocking_defer). Twisted calls both `blockingCallFromThread`:
//!
//! ```
//! use lariat::{FailureKind, Reactor};
//! use std::thread;
//! use std::time::Duration;
//!
//! let reactor = Reactor::new()?;
//! let remote = reactor.remote()?;
//! let thread = thread::spawn(move || {
//!     assert_eq!(remote.blocking_call(|reactor| reactor.stats().connections).unwrap(), 0);
//!     remote.blocking_defer(|reactor| reactor.sleep(Duration::from_millis(1))).unwrap();
//!     let failure = remote.blocking_call(|_| -> u32 { panic!("on the loop") }).unwrap_err();
//!     assert_eq!(failure.kind(), FailureKind::Panicked);
//!     remote.blocking_call(|reactor| reactor.stop())
//! });
//! reactor.run()?;
//! thread.join().unwrap().unwrap();
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! As long as the loop turns, it does not hang: if the reactor ends first, that is an error, and on the loop's own thread it is refused at once.
//!
//! # Having threads do the work
//!
//! The other way round, the loop has work that would block it. [`Reactor::defer_to_thread`](crate::Reactor::defer_to_thread) gives it to a thread, and has
//! the value be that of a [`Deferred`](crate::Deferred); [`try_defer_to_thread`](crate::Reactor::try_defer_to_thread) is for work that can
//! fail. What crosses to the thread has to be `Send`; the callbacks need not be, for they run on the loop. So that is where a protocol's
//! [`Handle`](crate::Handle) goes:
//!
//! ```
//! use lariat::{Peer, Protocol, Reactor, Transport};
//!
//! /// Adds up the bytes that it receives, which takes long enough to have a thread do it.
//! struct Adder;
//!
//! impl Protocol for Adder {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         // One job at a time for each connection, so a fast peer cannot fill the queue with jobs.
//!         transport.pause_reading();
//!         let (handle, data) = (transport.handle(self), data.to_vec());
//!         let sum = transport.reactor().defer_to_thread(move || data.iter().copied().map(u64::from).sum());
//!         sum.finish(move |sum| {
//!             handle.call(move |adder, transport| match sum {
//!                 Ok(sum) => adder.answer(transport, sum),
//!                 Err(failure) => transport.fail(failure),
//!             });
//!         });
//!     }
//! }
//!
//! impl Adder {
//!     fn answer(&mut self, transport: &Transport, sum: u64) {
//!         write!(transport, "{sum}\r\n");
//!         transport.resume_reading();
//!     }
//! }
//! # struct Client(std::rc::Rc<std::cell::RefCell<String>>);
//! # impl Protocol for Client {
//! #     fn connection_made(&mut self, transport: &Transport) {
//! #         transport.write(&[20, 22]);
//! #     }
//! #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//! #         self.0.borrow_mut().push_str(&String::from_utf8_lossy(data));
//! #         transport.reactor().stop();
//! #     }
//! # }
//! # let heard = std::rc::Rc::new(std::cell::RefCell::new(String::new()));
//!
//! let reactor = Reactor::new()?;
//! let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Adder)?;
//! # reactor.connect(&port.address().to_string(), lariat::Once::new(Client(heard.clone()))).detach();
//! # reactor.call_later(std::time::Duration::from_secs(30), |reactor| reactor.stop());
//! reactor.run()?;
//! # assert_eq!(heard.borrow().as_str(), "42\r\n");
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! - There are at most [10 threads](crate::Reactor::set_thread_limit), made when they are needed and ended when they are not. That is for jobs which
//!   wait; more of those that compute than there are processors gain nothing.
//! - At most [10,000 jobs](crate::Reactor::set_thread_queue_limit) wait for a thread. Past that a job fails at once: say so to the peer, or read
//!   less, as above.
//! - A job that was cancelled before a thread has begun it is never begun; one that runs cannot be stopped.
//! - [`Stats`](crate::Stats) counts threads and jobs.
//! - When the reactor stops, jobs that run have until the drain timeout, and those that wait are given up: see
//!   [`defer_to_thread`](crate::Reactor::defer_to_thread).
//!
//! A thread that lives as long as the program, or that a library of yours starts, has a [`Remote`](crate::Remote) and nothing else to do
//! with the pool.
//!
//! # The end
//!
//! When a reactor ends, what threads had called before still runs, in order, once every connection has heard `connection_lost`. The
//! reactor that these last calls get [has ended](crate::Reactor::has_ended): what they do to it, or to a transport, does nothing. A call
//! made later is refused, and [the error gives the closure back](crate::RemoteError::into_call), with all that it owns:
//!
//! ```
//! let reactor = lariat::Reactor::new()?;
//! let remote = reactor.remote()?;
//! drop(reactor);
//!
//! assert!(remote.is_ended());
//! let precious = vec![1, 2, 3];
//! let refused = remote.call(move |_| drop(precious)).unwrap_err();
//! let _not_lost = refused.into_call();
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! So a thread that serves a loop needs no other sign to end than an error from `call`, or that nobody is left to give it work.
//!
//! # What not to do
//!
//! - **Do not block the loop**: no `sleep`, no blocking read, no long computation in a callback; and no waiting for a thread. A callback that
//!   joins a thread, while that thread waits for the loop to run its call, waits for ever.
//! - **Do not hold a lock for long** that the loop takes too: it waits as long.
//! - **Do not share state by locks** where a message will do. State that lives on the loop's thread, changed by calls, needs none.
//! - **Do not poll.** A thread that has something for the loop calls it; the loop never has to look.
//!
//! # More than one loop
//!
//! Each thread may have a reactor of its own, and each can have a `Remote` of the others. For a server that is to use several cores, let
//! every loop listen on the same port, with [`ListenOptions::reuse_port`](crate::ListenOptions::reuse_port): the kernel spreads the
//! connections among them, and they have nothing to say to each other.
//!
//! # In tests
//!
//! In a `Simulation`, jobs run in the order and take the time that come from the seed, and nothing else changes; but a job may not wait
//! there for the loop, with which it shares the one thread that there is.
//!
//! On a simulated reactor (`lariat::testing::simulated()`), calls from threads arrive as on any other. But its time does not wait for threads: it
//! jumps to the next timer as soon as nothing else is to be done, while a thread has hardly begun. So a test that has both timers and
//! threads had better call from its own thread, which needs no waiting. Where no timer is set, the loop waits for threads to call, as
//! long as one of them has a `Remote` or the waker of a task, for up to a minute.
