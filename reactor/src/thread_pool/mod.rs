//! Threads for work that would block the loop, and threads that wait for the loop.

mod blocking;
mod crew;
mod defer;
mod job;
mod pool;

pub(crate) use self::crew::Crew;
pub(crate) use self::job::{Job, JobId};
pub(crate) use self::pool::close;
#[cfg(feature = "testing")]
pub(crate) use self::pool::has_jobs;
