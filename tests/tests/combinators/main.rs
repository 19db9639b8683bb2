//! Several Deferreds made into one.

mod cancelling;
mod gather;
mod race;
mod settle;
