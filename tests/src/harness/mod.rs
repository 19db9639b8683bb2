//! One test body, run on every driver and every kind of stream.
//!
//! A test gets a [`World`]: a loop, and ways to listen and connect in it. Its protocols are [`Probe`]s, which do what the test tells
//! them to and write down in a [`Log`] what they hear. It waits with [`World::until`], which fails the test if what it waits for
//! does not come.

mod attempt;
mod log;
mod probe;
mod scratch;
mod world;

pub use attempt::{outcome, refusal};
pub use log::{Log, ending};
pub use probe::Probe;
pub use scratch::Scratch;
pub use world::{Ground, World, everywhere, in_clear, over_tcp, over_tls, really, simulated, unused_port};
