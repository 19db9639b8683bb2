//! Several results made into one.

mod all_failed;
mod gather;
mod group;
mod race;
mod settle;

pub use self::all_failed::AllFailed;
