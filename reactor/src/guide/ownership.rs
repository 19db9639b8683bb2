//! Who owns what, how protocols share state, and what dropping a handle does.
//!
//! # One owner
//!
//! | value | is owned by | lives until |
//! | --- | --- | --- |
//! | the loop, [`MainLoop`](crate::MainLoop) | your `main` | `run` returns, or it is dropped |
//! | a factory | the reactor | its port is closed, or its attempt to connect is over |
//! | a protocol | the reactor | `connection_lost` has returned |
//! | a closure given to `call_later` | the reactor | it has run, or is cancelled |
//! | your state | you | as you like |
//!
//! Everything else is a *handle*: [`Reactor`](crate::Reactor), [`Transport`](crate::Transport), [`Port`](crate::Port),
//! [`DelayedCall`](crate::DelayedCall), [`Handle`](crate::Handle). Handles are cheap to clone, may be stored anywhere on the loop's thread,
//! and never keep what they name alive. So there are no cycles to break: a protocol may hold the transports of a thousand others.
//!
//! Since a protocol is owned, its callbacks get `&mut self`, and what belongs to one connection is a plain field: no `Rc`, no `RefCell`, no
//! lock.
//!
//! # Nothing is re-entrant
//!
//! Your code is only ever called from the loop, never from inside a call that your code made. `write`, `close`, `abort`, `call_later`,
//! `stop` and all the others return before any callback is called; what follows from them comes later, from the loop. So a callback
//! sees a world that only it is changing, and it is safe to use any transport in the middle of anything: while iterating over a map of
//! connections, closing one of them does not change the map under your feet.
//!
//! One exception proves the rule: dropping a value runs its `Drop`. [`DelayedCall::cancel`](crate::DelayedCall::cancel), for one, drops
//! the closure before it returns. It matters only if you put a `Drop` of your own into it.
//!
//! # Shared state
//!
//! What several connections change is shared between them by `Rc`: there is one thread. A number or a flag goes into a
//! [`Cell`](std::cell::Cell). For more, use a [`RefCell`](std::cell::RefCell), and keep its borrows short. A small type makes that a habit:
//! its content can be reached only inside a closure, so no borrow can outlive the place that needs it.
//!
//! ```
//! use lariat::{CloseReason, ConnectionId, Peer, Protocol, Reactor, Transport};
//! use std::cell::RefCell;
//! use std::collections::BTreeMap;
//! use std::rc::Rc;
//!
//! struct Shared<T>(Rc<RefCell<T>>);
//!
//! impl<T> Shared<T> {
//!     fn with<R>(&self, visit: impl FnOnce(&mut T) -> R) -> R {
//!         visit(&mut self.0.borrow_mut())
//!     }
//! }
//!
//! impl<T> Clone for Shared<T> {
//!     fn clone(&self) -> Self {
//!         Shared(self.0.clone())
//!     }
//! }
//!
//! /// Everybody hears what somebody says.
//! struct Member {
//!     members: Shared<BTreeMap<ConnectionId, Transport>>,
//! }
//!
//! impl Protocol for Member {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         self.members.with(|members| members.insert(transport.id(), transport.clone()));
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, data: &[u8]) {
//!         self.members.with(|members| {
//!             for member in members.values() {
//!                 member.write(data);
//!             }
//!         });
//!     }
//!
//!     fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
//!         self.members.with(|members| members.remove(&transport.id()));
//!     }
//! }
//!
//! let members = Shared(Rc::new(RefCell::new(BTreeMap::new())));
//! let reactor = Reactor::new()?;
//! reactor.listen("tcp:0:interface=127.0.0.1", move |_: &Peer| Member { members: members.clone() })?;
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! Writing inside `with` is fine, for the reason above. Calling *your own* code there that may come back to the same state is not: that is
//! a second borrow, and panics.
//!
//! # Transports in maps
//!
//! A [`Transport`](crate::Transport) may be kept for as long as you like. Once its connection has ended, every call is harmless:
//! [`write`](crate::Transport::write) says [`Closed`](crate::WriteStatus::Closed), [`is_open`](crate::Transport::is_open) says false. Take it out
//! of your map in `connection_lost` so that the map does not grow.
//!
//! As a key, take the [`ConnectionId`](crate::ConnectionId) that [`transport.id()`](crate::Transport::id) gives: no two connections of a
//! reactor have the same, and an earlier one is less than a later one. (In a map that is ordered, as above, everybody hears things in
//! the same order in every run; a `HashMap` would choose another each time.) Two transports are equal if they are of the same connection.
//!
//! # Reaching a protocol
//!
//! The reactor owns the protocols, so nobody else can hold a reference to one. A [`Handle`](crate::Handle) queues a closure for it instead.
//! So a result that comes later finds its way back to whoever waits for it:
//!
//! ```
//! use lariat::{Peer, Protocol, Reactor, Transport};
//! use std::rc::Rc;
//! use std::time::Duration;
//!
//! /// Knows names. It takes its time.
//! struct Directory {
//!     reactor: Reactor,
//! }
//!
//! impl Directory {
//!     fn look_up(&self, number: usize, answer: impl FnOnce(&str) + 'static) {
//!         let name = ["ann", "bob"].get(number).copied().unwrap_or("nobody");
//!         self.reactor.call_later(Duration::from_millis(1), move |_| answer(name));
//!     }
//! }
//!
//! /// Is asked by any byte, and answers with a name.
//! struct WhoIs {
//!     directory: Rc<Directory>,
//!     answered: usize,
//! }
//!
//! impl Protocol for WhoIs {
//!     fn data_received(&mut self, transport: &Transport, _: &[u8]) {
//!         let handle = transport.handle(self);
//!         self.directory.look_up(self.answered, move |name| {
//!             let line = format!("{name}\r\n");
//!             handle.call(move |who_is, transport| {
//!                 who_is.answered += 1;
//!                 transport.write(line.as_bytes());
//!             });
//!         });
//!     }
//! }
//!
//! let reactor = Reactor::new()?;
//! let directory = Rc::new(Directory { reactor: reactor.clone() });
//! let factory = move |_: &Peer| WhoIs { directory: directory.clone(), answered: 0 };
//! let port = reactor.listen("tcp:0:interface=127.0.0.1", factory)?;
//! # struct Asks(Rc<std::cell::RefCell<String>>);
//! # impl Protocol for Asks {
//! #     fn connection_made(&mut self, transport: &Transport) {
//! #         transport.write(b"?");
//! #     }
//! #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//! #         self.0.borrow_mut().push_str(&String::from_utf8_lossy(data));
//! #         if self.0.borrow().ends_with("bob\r\n") {
//! #             transport.reactor().stop();
//! #         } else if data.ends_with(b"\n") {
//! #             transport.write(b"?");
//! #         }
//! #     }
//! # }
//! # let heard = Rc::new(std::cell::RefCell::new(String::new()));
//! # reactor.connect(&port.address().to_string(), lariat::Once::new(Asks(heard.clone()))).detach();
//! # reactor.call_later(Duration::from_secs(30), |reactor| reactor.stop());
//! # reactor.run()?;
//! # assert_eq!(heard.borrow().as_str(), "ann\r\nbob\r\n");
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! - Calls run from the loop, in the order in which they were queued.
//! - If the connection has ended by the time that a call would run, the closure is dropped unrun. If somebody has to hear of that too, give
//!   it something whose `Drop` says so.
//! - A handle made for the protocol inside a [`Wrapper`](crate::Wrapper) reaches through it.
//!
//! What needs only the connection needs no handle: a `Transport` will do.
//!
//! # Getting results out
//!
//! [`run`](crate::MainLoop::run) gives nothing back but an error. What a protocol finds out, it puts into something shared
//! (`Rc<Cell<_>>`), to be read when `run` has returned; or it is given a closure to call.
//!
//! # What dropping does
//!
//! | dropping a … | does |
//! | --- | --- |
//! | [`Port`](crate::Port) | nothing: the port listens on; [`Port::close`](crate::Port::close) stops it |
//! | [`DelayedCall`](crate::DelayedCall) | nothing: the call stays scheduled; [`cancel`](crate::DelayedCall::cancel) calls it off |
//! | [`Transport`](crate::Transport), [`Handle`](crate::Handle), [`Peer`](crate::Peer) | nothing: the connection goes on |
//! | [`Registration`](crate::Registration) | nothing: the descriptor is watched on; [`deregister`](crate::Registration::deregister) stops it |
//! | [`Reactor`](crate::Reactor) | nothing: it is a handle to the loop |
//! | [`MainLoop`](crate::MainLoop) | ends everything, as below |
//!
//! Because of this, `reactor.listen(..)?;` as a statement of its own is right: nothing has to be kept for the server to go on.
//!
//! # The end
//!
//! When `run` returns, or the `MainLoop` is dropped: every connection hears `connection_lost` and is closed, ports are closed, and timers
//! and queued calls are dropped without being run. Handles that are left over are harmless, and a reactor that has ended takes nothing new:
//!
//! ```
//! use lariat::{ErrorKind, Peer, Protocol, Reactor, Transport};
//! # struct Echo;
//! # impl Protocol for Echo {
//! #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//! #         transport.write(data);
//! #     }
//! # }
//! use std::time::Duration;
//!
//! let main_loop = Reactor::new()?;
//! let reactor = main_loop.clone();
//! let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Echo)?;
//! drop(main_loop);
//!
//! assert!(reactor.has_ended());
//! assert!(!port.is_open());
//! assert!(!reactor.call_later(Duration::ZERO, |_| ()).is_active());
//! let refused = reactor.listen("tcp:0", |_: &Peer| Echo).map_err(|error| error.kind());
//! assert_eq!(refused.err(), Some(ErrorKind::ReactorEnded));
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! (`main_loop.clone()` gives a [`Reactor`](crate::Reactor): the loop itself cannot be cloned, so the handle that it derefs to is.)
//!
//! # Threads
//!
//! A reactor and everything made through it stay on one thread, and the compiler sees to it:
//!
//! ```compile_fail
//! let reactor = lariat::Reactor::new().unwrap();
//! let handle = reactor.clone();
//! std::thread::spawn(move || handle.stop());
//! ```
//!
//! Each thread may have a reactor of its own. What may go to other threads is a [`Remote`](crate::Remote), to call into the loop by: see
//! [`threads`](super::threads).
