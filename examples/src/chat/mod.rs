//! Rooms in which people talk.
//!
//! | part | is |
//! | --- | --- |
//! | [`name`] | which names people and rooms may have |
//! | [`command`] | what a line asks for, and what of it others may see |
//! | [`hall`] | who is in which room and hears what, without input or output |
//! | [`telnet`] | what telnet sends besides text |
//! | [`Chat`], [`Session`] | the hall on the network: a protocol and its factory |

pub mod command;
pub mod hall;
pub mod name;
mod session;
pub mod telnet;

pub use session::{Chat, Session};
