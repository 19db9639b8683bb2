//! What happens when a peer does not read, and what is bounded by what.
//!
//! A connection has two ends, and either may be slower than the other. Bytes that the kernel does not take wait in the connection's
//! queue. Without a limit, one slow reader would fill the memory of a server. So everything here is about one number, how much is
//! [`queued`](crate::Transport::queued), and what happens at three values of it.
//!
//! | at | default | happens |
//! | --- | --- | --- |
//! | the low mark | 16 KiB | [`write_resumed`](crate::Protocol::write_resumed), once the queue has come down to it |
//! | the high mark | 64 KiB | [`write_paused`](crate::Protocol::write_paused), once the queue has risen above it; reading stops |
//! | the limit | 16 MiB | the connection is aborted with [`CloseReason::Overflow`](crate::CloseReason::Overflow) |
//!
//! Marks and limit are set for a port ([`StreamOptions`](crate::StreamOptions)) or for one connection
//! ([`set_water_marks`](crate::Transport::set_water_marks), [`set_queue_limit`](crate::Transport::set_queue_limit)).
//!
//! # Request and response: nothing to do
//!
//! While its queue is above the high mark, the reactor also stops *reading* from a connection. A server that answers what it reads
//! is therefore bounded without a line of code: a peer that does not take its answers cannot send further questions, for they
//! are left in the kernel, and then with the peer. That is why the echo server is one call to `write`, and its result is ignored.
//!
//! Here a peer sends for ever and never reads. The server's queue stays near the high mark:
//!
//! ```
//! use lariat::{Once, Peer, Protocol, PullProducer, Reactor, Transport};
//! use std::cell::Cell;
//! use std::rc::Rc;
//! use std::time::Duration;
//!
//! struct Echo {
//!     most: Rc<Cell<u64>>,
//! }
//!
//! impl Protocol for Echo {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         transport.write(data);
//!         self.most.set(self.most.get().max(transport.queued()));
//!     }
//!
//!     fn write_paused(&mut self, transport: &Transport) {
//!         // Enough is seen. (Reading has stopped: nothing more will come.)
//!         transport.reactor().call_later(Duration::from_millis(10), |reactor| reactor.stop());
//!     }
//! }
//!
//! /// Sends for ever, and never reads.
//! struct Flood;
//!
//! impl Protocol for Flood {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.pause_reading();
//!         transport.register_pull_producer(Zeros);
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! }
//!
//! struct Zeros;
//!
//! impl PullProducer for Zeros {
//!     fn produce(&mut self, transport: &Transport) {
//!         transport.write(&[0; 16 * 1024]);
//!     }
//! }
//!
//! let most = Rc::new(Cell::new(0));
//! let seen = most.clone();
//! let reactor = Reactor::new()?;
//! let port = reactor.listen("tcp:0:interface=127.0.0.1", move |_: &Peer| Echo { most: seen.clone() })?;
//! reactor.connect(&port.address().to_string(), Once::new(Flood)).detach();
//! # reactor.call_later(Duration::from_secs(30), |reactor| reactor.stop());
//! reactor.run()?;
//!
//! // The mark, and at most what one read brought on top of it: a read brings at most 64 KiB.
//! assert!(most.get() > 0 && most.get() <= 2 * 64 * 1024);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! Two cases want it switched off, by [`set_backpressure(false)`](crate::Transport::set_backpressure): two peers that both send much before
//! they read, for each would wait for the other; and a relay, whose output is another connection's input (below).
//!
//! # Stalls
//!
//! A connection on which both sides wait for each other makes no error and no event. So a connection that is above its high mark while no
//! byte moves in either direction for 30 s is logged as a warning, once, with the cause:
//!
//! ```text
//! connection #7.1 with tcp:192.0.2.7:40112 has stalled: 11842560 bytes are queued, and for 30s the peer has taken none;
//! reading from it is paused until it does (back-pressure): if the peer, too, reads only once its output is taken, neither
//! side goes on, and one needs Transport::set_backpressure(false) or a lower mark
//! ```
//!
//! Here two peers write 12 MiB to each other before either reads, in virtual time. Both ends are above their marks for good:
//!
//! ```
//! # #[cfg(feature = "testing")] {
//! use lariat::testing::simulated;
//! use lariat::{Once, Peer, Protocol, Transport};
//! use std::time::Duration;
//!
//! struct Talker;
//!
//! impl Protocol for Talker {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.write(&vec![b'x'; 12 << 20]);
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! }
//!
//! let reactor = simulated();
//! let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Talker)?;
//! reactor.connect(&port.address().to_string(), Once::new(Talker)).detach();
//! reactor.call_later(Duration::from_secs(60), |reactor| {
//!     // After 30 s both connections were logged. With `transport.set_backpressure(false)` on one of them, all would have arrived.
//!     assert!(reactor.connections().iter().all(|connection| connection.queued > 64 * 1024));
//!     reactor.stop();
//! });
//! reactor.run()?;
//! # }
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! The time is [`StreamOptions::stall_warning`](crate::StreamOptions::stall_warning), or
//! [`set_stall_warning`](crate::Transport::set_stall_warning) for one connection. The warning ends nothing: what ends a connection is an
//! [idle timeout](super::timers) of [`Idle::Write`](crate::Idle::Write). A connection below its mark is not watched and costs nothing.
//!
//! # Sending much: a producer
//!
//! Who sends more than it was asked for, a long listing or a generated file, should send it at the pace of the peer. A
//! [`PullProducer`](crate::PullProducer) is asked for more whenever nothing is queued:
//!
//! ```
//! use lariat::{Once, Peer, Protocol, PullProducer, Reactor, Transport};
//! # use std::cell::Cell;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//!
//! /// Sends a million lines.
//! struct Listing;
//!
//! impl Protocol for Listing {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.register_pull_producer(Lines { next: 0 });
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! }
//!
//! struct Lines {
//!     next: u32,
//! }
//!
//! impl PullProducer for Lines {
//!     fn produce(&mut self, transport: &Transport) {
//!         for _ in 0..1000 {
//!             write!(transport, "line {:07}\r\n", self.next);
//!             self.next += 1;
//!         }
//!         if self.next == 1_000_000 {
//!             transport.unregister_producer();
//!             transport.close();
//!         }
//!     }
//! }
//! # struct Reader(Rc<Cell<usize>>);
//! # impl Protocol for Reader {
//! #     fn data_received(&mut self, _: &Transport, data: &[u8]) {
//! #         self.0.set(self.0.get() + data.len());
//! #     }
//! #     fn read_closed(&mut self, transport: &Transport) {
//! #         transport.reactor().stop();
//! #     }
//! # }
//! # let reactor = Reactor::new()?;
//! # let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Listing)?;
//! # let received = Rc::new(Cell::new(0));
//! # reactor.connect(&port.address().to_string(), Once::new(Reader(received.clone()))).detach();
//! # reactor.call_later(Duration::from_secs(60), |reactor| reactor.stop());
//! # reactor.run()?;
//! # assert_eq!(received.get(), 14 * 1_000_000);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! What cannot wait to be asked, because it produces on its own account, is a [`PushProducer`](crate::PushProducer): it is told to pause and
//! to resume at the marks. A file needs neither: [`write_file`](crate::Transport::write_file) queues a range of it, and takes no memory
//! however long it is.
//!
//! A protocol can do the same by itself in [`write_paused`](crate::Protocol::write_paused) and
//! [`write_resumed`](crate::Protocol::write_resumed). They are called on the edges only: once above the high mark, once down at the low one.
//! Every write tells the same by its status: after [`WriteStatus::Paused`](crate::WriteStatus::Paused), `write_resumed` is sure to come. So
//! a loop may go on for as long as it is not told to pause:
//!
//! ```
//! use lariat::{Bytes, Once, Peer, Protocol, Reactor, Transport, WriteStatus};
//! # use std::cell::Cell;
//! # use std::rc::Rc;
//! # use std::time::Duration;
//!
//! /// Sends a page many times.
//! struct Pages {
//!     page: Bytes,
//!     left: u32,
//! }
//!
//! impl Pages {
//!     fn send(&mut self, transport: &Transport) {
//!         while self.left > 0 {
//!             self.left -= 1;
//!             if transport.write_chunk(self.page.clone()) == WriteStatus::Paused {
//!                 return;
//!             }
//!         }
//!         transport.close();
//!     }
//! }
//!
//! impl Protocol for Pages {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         self.send(transport);
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//!
//!     fn write_resumed(&mut self, transport: &Transport) {
//!         self.send(transport);
//!     }
//! }
//! # struct Reader(Rc<Cell<usize>>);
//! # impl Protocol for Reader {
//! #     fn data_received(&mut self, _: &Transport, data: &[u8]) {
//! #         self.0.set(self.0.get() + data.len());
//! #     }
//! #     fn read_closed(&mut self, transport: &Transport) {
//! #         transport.reactor().stop();
//! #     }
//! # }
//! # let reactor = Reactor::new()?;
//! # let factory = |_: &Peer| Pages { page: Bytes::from(vec![b'p'; 30_000]), left: 300 };
//! # let port = reactor.listen("tcp:0:interface=127.0.0.1", factory)?;
//! # let received = Rc::new(Cell::new(0));
//! # reactor.connect(&port.address().to_string(), Once::new(Reader(received.clone()))).detach();
//! # reactor.call_later(Duration::from_secs(30), |reactor| reactor.stop());
//! # reactor.run()?;
//! # assert_eq!(received.get(), 300 * 30_000);
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! # Reading at one's own pace
//!
//! [`pause_reading`](crate::Transport::pause_reading) stops input, [`resume_reading`](crate::Transport::resume_reading) lets it come again.
//! Nothing is lost meanwhile: it stays in the kernel, and then with the peer. Use it when something has to be finished before the next
//! request can be looked at. What the protocol was given already is its own: if it keeps some, it goes on with it in
//! [`read_resumed`](crate::Protocol::read_resumed).
//!
//! This pause and that of the queue are separate reasons: input comes again when neither is left. A peer that resets the connection is
//! noticed during a pause; one that only ends its side is not, until reading goes on.
//!
//! # A relay
//!
//! What arrives on one connection leaves by another. Each direction has to be paced by its own receiver: when the queue of one
//! connection rises, *the other* must not read. That is two callbacks, and the built-in rule switched off:
//!
//! ```
//! use lariat::{CloseReason, Protocol, Transport};
//!
//! /// One of two connections that are relayed into each other.
//! struct Side {
//!     other: Transport,
//! }
//!
//! impl Protocol for Side {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.set_backpressure(false);
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, data: &[u8]) {
//!         self.other.write(data);
//!     }
//!
//!     fn write_paused(&mut self, _: &Transport) {
//!         self.other.pause_reading();
//!     }
//!
//!     fn write_resumed(&mut self, _: &Transport) {
//!         self.other.resume_reading();
//!     }
//!
//!     fn read_closed(&mut self, _: &Transport) {
//!         self.other.close_write();
//!     }
//!
//!     fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
//!         if !reason.is_done() {
//!             self.other.abort();
//!         }
//!     }
//! }
//! ```
//!
//! `read_closed` passes an end on in one direction and leaves the other open, so that an answer still comes back. Without it, a
//! connection is closed as a whole when its peer has sent everything.
//!
//! # Many receivers
//!
//! Who sends one thing to many cannot wait for the slowest. [`write_chunk`](crate::Transport::write_chunk) queues a
//! [`Bytes`](crate::Bytes) without copying it, so that a message to a thousand members is in memory once; and whoever reads too slowly reaches
//! its limit and is dropped, while the others go on:
//!
//! ```
//! use lariat::{Bytes, CloseReason, Once, Peer, Protocol, Reactor, Transport, WriteStatus};
//! use std::cell::Cell;
//! use std::rc::Rc;
//! # use std::time::Duration;
//!
//! /// Is sent news, and may not fall behind by more than 256 KiB.
//! struct Subscriber {
//!     overflowed: Rc<Cell<bool>>,
//! }
//!
//! impl Protocol for Subscriber {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         transport.set_queue_limit(256 * 1024);
//!         let news = Bytes::from(vec![b'n'; 32 * 1024]);
//!         while transport.write_chunk(news.clone()) != WriteStatus::Overflow {}
//!     }
//!
//!     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//!
//!     fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
//!         self.overflowed.set(matches!(reason, CloseReason::Overflow));
//!         transport.reactor().stop();
//!     }
//! }
//! # struct Idler;
//! # impl Protocol for Idler {
//! #     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
//! # }
//!
//! let overflowed = Rc::new(Cell::new(false));
//! let reactor = Reactor::new()?;
//! let subscriber = Subscriber { overflowed: overflowed.clone() };
//! let port = reactor.listen("tcp:0:interface=127.0.0.1", Once::new(subscriber))?;
//! # reactor.connect(&port.address().to_string(), |_: &Peer| Idler).detach();
//! # reactor.call_later(Duration::from_secs(30), |reactor| reactor.stop());
//! reactor.run()?;
//! assert!(overflowed.get());
//! # Ok::<(), lariat::Error>(())
//! ```
//!
//! The limit counts the memory that a queue keeps alive. A chunk that is shared counts in full for each connection that holds it.
//!
//! # What is bounded by what
//!
//! | what | is bounded by |
//! | --- | --- |
//! | bytes queued for a peer | the marks, if you heed them; else the limit |
//! | bytes read for one connection before the others have their turn | 256 KiB a turn |
//! | bytes sent for one connection before the others have their turn | 1 MiB a turn |
//! | connections accepted on one port before the others have their turn | 64 a turn |
//! | calls run before connections have their turn again | 1,024 a turn |
//! | how long a close may take | 30 s, [`Transport::set_close_timeout`](crate::Transport::set_close_timeout) |
//! | how long a closed connection discards input | 5 s without any, [`Transport::set_linger`](crate::Transport::set_linger) |
//! | closed connections that discard input | 1,024, [`Reactor::set_linger_limit`](crate::Reactor::set_linger_limit) |
//! | how long an attempt to connect may take | 30 s, `timeout=` in its description |
//! | how long a connection may be idle | nothing, unless you say so: see [`timers`](super::timers) |
//! | what a protocol keeps of its input | the protocol |
