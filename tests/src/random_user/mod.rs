//! A user who does anything at any time, and a model of what may come of it.
//!
//! [`run`] has users on three simulated hosts connect, write, pause, close, abort, switch, set timers, drop handles and so on, in an order
//! and under faults that the simulation's seed chooses. Whatever they are told goes through a [`Book`], which knows what each end has
//! done and so what it may hear: callbacks in their order, the bytes of the other end, an end with a reason that has a cause. Once they have rested and the
//! network is well again, everything that was sent must have arrived where both ends are still there; and once the hosts have stopped,
//! nothing may be left.

mod book;
mod clockwork;
mod course;
mod producers;
mod story;
mod user;
mod weather;

pub use book::{Book, Totals};
pub use course::run;
