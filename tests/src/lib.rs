//! What the whole-system tests share.

pub mod downstream;
pub mod faults;
pub mod harness;
