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
//! A thread that is allowed to block sends the answer back to itself. Twisted calls it `blockingCallFromThread`:
//!
//! ```
//! use lariat::{Reactor, Remote};
//! use std::sync::mpsc;
//! use std::thread;
//!
//! /// What `question` finds out on the loop, or nothing if the reactor has ended or the question panicked.
//! fn ask<T: Send + 'static>(remote: &Remote, question: impl FnOnce(&Reactor) -> T + Send + 'static) -> Option<T> {
//!     let (sender, answer) = mpsc::channel();
//!     let asked = remote.call(move |reactor| {
//!         // Nobody listens if the thread has given up.
//!         let _ = sender.send(question(reactor));
//!     });
//!     asked.ok().and_then(|()| answer.recv().ok())
//! }
//!
//! let reactor = Reactor::new()?;
//! let remote = reactor.remote()?;
//! let thread = thread::spawn(move || {
//!     assert_eq!(ask(&remote, |reactor| reactor.has_ended()), Some(false));
//!     assert_eq!(ask(&remote, |_| -> u32 { panic!("on the loop") }), None);
//!     ask(&remote, |reactor| reactor.stop())
//! });
//! reactor.run()?;
//! assert_eq!(thread.join().unwrap(), Some(()));
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! As long as the loop turns, it does not hang: a call that was taken runs, even if the reactor ends first, and one that was not gives an error.
//!
//! # Bringing a result back to a protocol
//!
//! The other way round, a protocol has work for a thread and wants the result. A closure that crosses threads has to be `Send`, so it cannot
//! hold the protocol's [`Handle`](crate::Handle). It holds a name for it instead, and the handle waits on the loop's thread, in a
//! `thread_local!`, under that name: all calls run on that thread, so they find it there.
//!
//! ```
//! use lariat::{CloseReason, ConnectionId, Handle, Peer, Protocol, Reactor, Transport};
//! use std::cell::RefCell;
//! use std::collections::BTreeMap;
//! use std::sync::mpsc;
//! use std::thread;
//!
//! thread_local! {
//!     /// Who waits for a result.
//!     static WAITING: RefCell<BTreeMap<ConnectionId, Handle<Adder>>> = RefCell::default();
//! }
//!
//! type Job = (ConnectionId, Vec<u8>);
//!
//! /// Adds up the bytes that it receives, which takes long enough to have a thread do it.
//! struct Adder {
//!     jobs: mpsc::Sender<Job>,
//! }
//!
//! impl Protocol for Adder {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         // One job at a time for each connection, so a fast peer cannot fill the memory with jobs.
//!         transport.pause_reading();
//!         let handle = transport.handle(self);
//!         WAITING.with_borrow_mut(|waiting| waiting.insert(transport.id(), handle));
//!         if self.jobs.send((transport.id(), data.to_vec())).is_err() {
//!             transport.fail("nobody adds up any more");
//!         }
//!     }
//!
//!     fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
//!         WAITING.with_borrow_mut(|waiting| waiting.remove(&transport.id()));
//!     }
//! }
//!
//! impl Adder {
//!     fn answer(&mut self, transport: &Transport, sum: u64) {
//!         write!(transport, "{sum}\r\n");
//!         transport.resume_reading();
//!     }
//! }
//!
//! /// On the loop: hands a result to whoever waits for it still.
//! fn deliver(id: ConnectionId, sum: u64) {
//!     let handle = WAITING.with_borrow_mut(|waiting| waiting.remove(&id));
//!     if let Some(handle) = handle {
//!         handle.call(move |adder, transport| adder.answer(transport, sum));
//!     }
//! }
//!
//! let reactor = Reactor::new()?;
//! let remote = reactor.remote()?;
//! let (jobs, queue) = mpsc::channel::<Job>();
//! let worker = thread::spawn(move || {
//!     for (id, data) in queue {
//!         let sum = data.iter().copied().map(u64::from).sum();
//!         if remote.call(move |_| deliver(id, sum)).is_err() {
//!             break;
//!         }
//!     }
//! });
//! let port = reactor.listen("tcp:0:interface=127.0.0.1", move |_: &Peer| Adder { jobs: jobs.clone() })?;
//! # struct Client(std::rc::Rc<RefCell<String>>);
//! # impl Protocol for Client {
//! #     fn connection_made(&mut self, transport: &Transport) {
//! #         transport.write(&[20, 22]);
//! #     }
//! #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//! #         self.0.borrow_mut().push_str(&String::from_utf8_lossy(data));
//! #         transport.reactor().stop();
//! #     }
//! # }
//! # let heard = std::rc::Rc::new(RefCell::new(String::new()));
//! # reactor.connect(&port.address().to_string(), lariat::Once::new(Client(heard.clone()))).detach();
//! # reactor.call_later(std::time::Duration::from_secs(30), |reactor| reactor.stop());
//! reactor.run()?;
//! // With the reactor went its protocols, and with them the last sender of jobs: the worker ends.
//! worker.join().unwrap();
//! # assert_eq!(heard.borrow().as_str(), "42\r\n");
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! If only bytes are to be sent, the map may hold [`Transport`](crate::Transport)s.
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
//! On a simulated reactor (`lariat::testing::simulated()`), calls from threads arrive as on any other. But its time does not wait for threads: it
//! jumps to the next timer as soon as nothing else is to be done, while a thread has hardly begun. So a test that has both timers and
//! threads had better call from its own thread, which needs no waiting. Where no timer is set, the loop waits for threads to call, as
//! long as one of them has a `Remote`, for up to a minute.
