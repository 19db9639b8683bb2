//! Threads for work that would block the loop, and threads that wait for the loop.

mod blocking;
mod crew;
mod defer;
mod job;
mod pool;

pub(crate) use self::pool::close;
