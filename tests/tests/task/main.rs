//! Work that is done later, again and again, or bit by bit.

mod cooperation;
mod looping;
mod sleeping;
mod tasks;
mod ticks;
