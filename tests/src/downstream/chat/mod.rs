//! A chat room: what one member says, all the others hear.

mod room;
mod session;

pub use room::{Delivery, Member, Room};
pub use session::{Chat, Session};
