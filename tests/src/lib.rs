//! Shared helpers of the whole-system tests.

pub mod certificates;
pub mod child;
pub mod command;
pub mod conversation;
pub mod downstream;
pub mod examples;
pub mod faults;
pub mod harness;
pub mod proxy;
pub mod random_user;
pub mod restarts;
pub mod story;
