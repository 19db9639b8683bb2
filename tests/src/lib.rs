//! What the whole-system tests share.

pub mod downstream;
pub mod harness;
