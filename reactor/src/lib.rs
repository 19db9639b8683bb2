//! An event loop in the manner of [Twisted](https://twisted.org): a single-threaded reactor, built on mio, that calls protocols.
//!
//! A *protocol* is a value that serves one connection: the reactor calls its methods when bytes arrive, when they can be sent again, when
//! the connection ends. A *factory* makes a protocol for each. Nothing blocks, nothing is called back from inside a call, one
//! thread serves all connections, and no `async` is needed.
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
//!     reactor.listen("tcp:7000", |_: &Peer| Echo)?;
//!     reactor.run()
//! }
//! ```
//!
//! This server takes as many connections as the process may have descriptors. A peer that never reads costs it one bounded queue, and a
//! panic in a callback ends one connection.
//!
//! # Where to go
//!
//! | to … | see |
//! | --- | --- |
//! | begin | [`guide::first_protocol`], or [`guide::twisted`] if you come from there |
//! | serve connections | [`Protocol`], [`Factory`], [`Transport`] |
//! | listen and connect | [`Reactor::listen`], [`Reactor::connect`], and [`endpoint`] for the strings that they take |
//! | know what a host's name leads to | [`names`], [`guide::names`] |
//! | encrypt connections | `lariat::tls` and `guide::tls`, with the feature `tls`; `ssl:` in [`endpoint`]s |
//! | read and write files without blocking the loop | [`disk`] |
//! | do in a thread what would block the loop | [`Reactor::defer_to_thread`] |
//! | call into the loop from another thread | [`Reactor::remote`], [`guide::threads`] |
//! | wait for a result | [`Deferred`], [`guide::deferreds`] |
//! | give up on one | [`guide::cancellation`] |
//! | combine results | [`Deferred::gather`], [`Deferred::settle`], [`Deferred::race`] |
//! | wait for each other | [`Lock`], [`Semaphore`], [`Queue`], [`Event`] |
//! | write `async` code | [`Reactor::spawn`], [`MainLoop::block_on`], [`guide::async_await`], [`guide::choosing`] |
//! | read and write connections in it | [`Reactor::connect_stream`], [`Reactor::listen_stream`], [`AsyncStream`] |
//! | do something again and again, or bit by bit | [`LoopingCall`], [`Cooperator`] |
//! | do something later | [`Reactor::call_later`], [`Transport::set_idle_timeout`], [`guide::timers`] |
//! | send much, or to many | [`guide::back_pressure`] |
//! | share state between connections | [`guide::ownership`], [`Handle`] |
//! | put a policy around any protocol | [`Wrapper`] |
//! | speak TLS | `lariat::tls`, with the feature `tls` |
//! | serve a descriptor that is no connection | [`Reactor::register`] |
//! | use every core | [`run_on_cores`] |
//! | log or print what a peer sent | [`Escaped`], [`LogThrottle`] |
//! | record what a loop sees | [`Reactor::builder`] |
//! | test a protocol | `lariat::testing` and `guide::testing`, with the feature `testing` |
//! | end in good order, and run in production | [`Reactor::stop`], [`guide::production`] |
//! | keep deadlines or queue bytes without a reactor | [`TimerWheel`], [`WriteQueue`] |
//!
//! Linux is what it is written for and tested on.
//!
//! # Floors
//!
//! A module imports only from the floors below its own, from its own floor where that makes no circle, or downward inside its own
//! folder. A test holds the code to this table.
//!
//! | floor | modules |
//! | --- | --- |
//! | F7 learning and testing | `guide`, `testing` |
//! | F6 composition | `async_io`, `combinators`, `coordination`, `cores`, `disk`, `endpoint`, `executor`, `shutdown`, `task`, `trigger` |
//! | F5 transports | `names`, `signal`, `stream`, `thread_pool`, `tls` |
//! | F4 contracts | `deferred`, `factory`, `handle`, `producer`, `protocol`, `transport`, `wrapper` |
//! | F3 loop | `reactor` |
//! | F2 edges | `byte_stream`, `driver`, `layer`, `poller`, `recording`, `simulated` |
//! | F1 containers | `call_queue`, `inbox`, `source_table`, `timer` |
//! | F0 leaves | `address`, `address_policy`, `backoff`, `budget`, `buffer`, `clock`, `close_reason`, `connection_info`, `contain`, `disk_operation`, `error`, `escape`, `failure`, `gate`, `guarded`, `hosts_file`, `log_throttle`, `lookup`, `options`, `parked`, `random`, `readiness`, `services_file`, `socket_file`, `socket_options`, `stats`, `tcp_info`, `token`, `zone` |

#![deny(missing_docs)]

mod address;
mod address_policy;
mod async_io;
mod backoff;
mod budget;
mod buffer;
mod byte_stream;
mod call_queue;
mod clock;
mod close_reason;
mod combinators;
mod connection_info;
mod contain;
mod coordination;
mod cores;
mod deferred;
pub mod disk;
mod disk_operation;
mod driver;
pub mod endpoint;
mod error;
mod escape;
mod executor;
mod factory;
mod failure;
mod gate;
mod guarded;
pub mod guide;
mod handle;
mod hosts_file;
mod inbox;
mod layer;
mod log_throttle;
mod lookup;
pub mod names;
mod options;
mod parked;
mod poller;
mod producer;
mod protocol;
mod random;
mod reactor;
mod readiness;
mod recording;
mod services_file;
mod shutdown;
mod signal;
#[cfg(feature = "testing")]
mod simulated;
mod socket_file;
mod socket_options;
mod source_table;
mod stats;
mod stream;
mod task;
mod tcp_info;
#[cfg(feature = "testing")]
pub mod testing;
mod thread_pool;
mod timer;
#[cfg(feature = "tls")]
pub mod tls;
mod token;
mod transport;
mod trigger;
mod wrapper;
mod zone;

pub use address::{Address, UnixAddress};
pub use address_policy::{AddressPolicy, IpNetwork};
pub use async_io::{AsyncListener, AsyncReader, AsyncStream, AsyncWriter, copy, copy_bidirectional};
pub use backoff::Backoff;
pub use buffer::{Flush, FlushOutcome, Sink, Spent, WriteQueue, send_file_by_copy};
pub use byte_stream::Credentials;
pub use bytes::Bytes;
pub use close_reason::{CloseReason, Idle, Phase};
pub use combinators::AllFailed;
pub use connection_info::{ConnectionId, ConnectionInfo, ConnectionState};
pub use contain::{Panicked, contain};
pub use coordination::{Event, Lock, LockGuard, Permit, Queue, Semaphore, TooManyWait};
pub use cores::{Cores, run_on_cores};
pub use deferred::{Deferred, DeferredDump, IntoDeferred, PendingDeferred, Resolver};
pub use endpoint::quote;
pub use error::{Error, ErrorKind, Result};
pub use escape::Escaped;
pub use executor::{Interval, Limit};
pub use factory::{Factory, IntoProtocol, Once};
pub use failure::{Failure, FailureKind};
pub use handle::Handle;
pub use log_throttle::LogThrottle;
pub use mio;
pub use options::{ConnectOptions, ConnectionLimits, Keepalive, Linger, ListenOptions, StreamOptions};
pub use producer::{PullProducer, PushProducer};
pub use protocol::{Protocol, Successor};
pub use random::Random;
pub use reactor::{Builder, DelayedCall, MainLoop, Reactor, Registration, Remote, RemoteError, Source, Watchdog};
pub use readiness::Readiness;
pub use shutdown::Drained;
pub use signal::{OnTermination, SignalHandler};
pub use socket2::SockRef;
pub use stats::{Closed, Stats};
pub use stream::Port;
pub use task::{CooperativeStep, CooperativeTask, Cooperator, LoopingCall};
pub use tcp_info::TcpInfo;
pub use timer::{TimerKey, TimerWheel};
pub use transport::{Peer, Transport, VisitBudget, WriteStatus};
pub use trigger::{SystemEvent, Trigger, TriggerPhase};
pub use wrapper::Wrapper;
