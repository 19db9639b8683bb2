//! What tests of protocols and servers need: connections in memory, and a reactor whose clock and network are simulated.
//!
//! | to test … | take |
//! | --- | --- |
//! | one protocol, or a few | [`MemoryTransport`] |
//! | what has timers and no connection | [`VirtualClock`] |
//! | that it does not matter how input is cut | [`check_chunking!`](crate::check_chunking), [`check_splits`] |
//! | that work grows no faster than input | [`check_linear`] |
//! | that a stranger cannot do harm | [`invariants`] |
//! | servers and clients | [`simulated`] |
//! | servers and clients under a network's faults | [`Simulation`] |
//! | what happened in production, once more | [`Simulation::replay`] |
//!
//! [`guide::testing`](crate::guide::testing) shows each of them.
//!
//! ```
//! use lariat::{Once, Peer, Protocol, Transport};
//! use std::time::Duration;
//!
//! struct Echo;
//!
//! impl Protocol for Echo {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         transport.write(data);
//!     }
//! }
//!
//! struct Hello;
//!
//! impl Protocol for Hello {
//!     fn connection_made(&mut self, transport: &Transport) {
//!         // An hour, which takes no time.
//!         let hello = transport.clone();
//!         transport.reactor().call_later(Duration::from_secs(3600), move |_| {
//!             hello.write(b"hello");
//!         });
//!     }
//!
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         assert_eq!(data, b"hello");
//!         transport.reactor().stop();
//!     }
//! }
//!
//! let reactor = lariat::testing::simulated();
//! reactor.listen("tcp:7000", |_: &Peer| Echo)?;
//! reactor.connect("tcp:127.0.0.1:7000", Once::new(Hello)).detach();
//! reactor.run()?;
//! # Ok::<(), lariat::Error>(())
//! ```

mod chunking;
mod difference;
mod far_end;
mod far_ends;
mod linear;
mod memory_transport;
mod notes;
mod splits;
mod virtual_clock;
mod witness;

pub use chunking::{check_chunking, check_chunking_noting, check_splits};
pub use linear::{check_linear, check_linear_cost};
pub use memory_transport::MemoryTransport;
pub use notes::Notes;
pub use virtual_clock::VirtualClock;
mod aiming;
mod backlog;
mod check;
mod driver_faults;
mod faults;
mod host;
pub mod invariants;
mod member;
mod queues;
mod replay;
mod schedule;
mod simulation;
mod simulation_checks;
mod stage;
mod storm;
mod world_faults;

pub use crate::random::Random;
pub use faults::Faults;
pub use host::Host;
pub use replay::{Replay, Replayed};
pub use simulation::{Simulation, secs};

use crate::reactor::MainLoop;
use crate::simulated::{Simulated, World};

/// A loop in a world of its own, where the clock is virtual and connections are in memory.
///
/// Everything that serves connections behaves as it does on Linux, down to half-closes, resets and full buffers; what is missing is
/// what only descriptors have: [`Reactor::register`](crate::Reactor::register) and the `adopt` functions, which fail with
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported). Any address can be listened on. Nobody else reaches it.
///
/// Time stands still while anything is to be done, then jumps to the next deadline; so a test never waits, and takes the same
/// course each time. When nothing is left to happen, [`MainLoop::run`] and [`MainLoop::turn`] fail rather than wait for ever.
/// (A loop that is busy without end sees time pass too, a millisecond every thousand turns.)
#[doc(alias = "Clock")]
#[doc(alias = "MemoryReactor")]
#[doc(alias = "MemoryReactorClock")]
#[must_use]
pub fn simulated() -> MainLoop {
    MainLoop::from_driver(Box::new(Simulated::new(&World::new())))
}
