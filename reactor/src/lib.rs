//! placeholder docs
//!
//! # Floors
//!
//! A module imports only from the floors below its own, from its own floor where that makes no circle, or downward inside its own
//! folder. A test holds the code to this table.
//!
//! | floor | modules |
//! | --- | --- |
//! | F7 learning and testing | `guide`, `testing` |
//! | F6 composition | `endpoint` |
//! | F5 transports | `stream` |
//! | F4 contracts | `factory`, `handle`, `producer`, `protocol`, `transport`, `wrapper` |
//! | F3 loop | `reactor` |
//! | F2 edges | `byte_stream`, `driver`, `poller`, `simulated` |
//! | F1 containers | `call_queue`, `source_table`, `timer` |
//! | F0 leaves | `address`, `backoff`, `budget`, `buffer`, `clock`, `close_reason`, `contain`, `error`, `guarded`, `options`, `readiness`, `token` |

#![deny(missing_docs)]

mod address;
mod backoff;
mod budget;
mod buffer;
mod byte_stream;
mod call_queue;
mod clock;
mod close_reason;
mod contain;
mod driver;
pub mod endpoint;
mod error;
mod factory;
mod guarded;
pub mod guide;
mod handle;
mod options;
mod poller;
mod producer;
mod protocol;
mod reactor;
mod readiness;
#[cfg(feature = "testing")]
mod simulated;
mod source_table;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
mod timer;
mod token;
mod transport;
mod wrapper;

pub use address::{Address, UnixAddress};
pub use buffer::{Flush, FlushOutcome, Sink, Spent, WriteQueue, send_file_by_copy};
pub use byte_stream::Credentials;
pub use bytes::Bytes;
pub use close_reason::{CloseReason, Idle, Phase};
pub use endpoint::quote;
pub use error::{Error, ErrorKind, Result};
pub use factory::{Factory, IntoProtocol, Once};
pub use handle::Handle;
pub use mio;
pub use options::{ConnectOptions, Keepalive, ListenOptions, StreamOptions};
pub use producer::{PullProducer, PushProducer};
pub use protocol::{Protocol, Successor};
pub use reactor::{DelayedCall, MainLoop, Reactor, Registration, Source};
pub use readiness::Readiness;
pub use stream::Port;
pub use timer::{TimerKey, TimerWheel};
pub use transport::{ConnectionId, Peer, Transport, WriteStatus};
pub use wrapper::Wrapper;
