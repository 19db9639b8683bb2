//! A world in memory: a clock that jumps, sockets without an operating system. As seen from a connection it behaves like Linux,
//! so the same connection machine and the same protocols run on it, in no time and the same way each time.
//!
//! A [`World`] is shared: each reactor that lives in it is a [`Host`], and a connection may lead from one to another.
//!
//! ```text
//!   Stream, Listener   what a reactor holds                 Simulated   what its loop waits on
//!         \                                                     /
//!          Sockets     the system of all hosts: Names, Backlog, Poll, and for each connection two Ends with a Pipe each
//!         /       \
//!    Faults        Wire, Agenda     the packets from one end to the other, and when they arrive
//!    Links                          how long a packet takes, and whether it is lost
//! ```
//!
//! Within a host what one end does is done to the other at once. Between hosts it is a packet on a wire, which may take time or be lost:
//! `network.rs` has TCP's answers.

mod agenda;
mod backlog;
mod bell;
mod clock;
#[cfg(test)]
mod conformance;
mod connection;
mod disk;
mod disk_faults;
mod disk_file;
mod driver;
mod end;
mod faults;
mod host;
mod link;
mod listener;
mod loose_end;
mod name_faults;
mod names;
mod network;
mod pipe;
mod poll;
mod power;
mod roster;
mod sockets;
mod stream;
mod tally;
mod trace;
mod wall_clocks;
mod wire;
mod witness;
mod world;

pub(crate) use driver::{PATIENCE, Simulated};
pub(crate) use faults::Faults;
pub(crate) use loose_end::LooseEnd;
pub(crate) use poll::HostId;
pub(crate) use sockets::Sockets;
pub(crate) use trace::What;
pub(crate) use world::World;
