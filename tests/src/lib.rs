//! What the whole-system tests share.

pub mod child;
pub mod downstream;
pub mod faults;
pub mod harness;
