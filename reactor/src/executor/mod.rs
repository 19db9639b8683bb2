//! Running futures on the loop.

mod block_on;
mod interval;
mod limit;
mod spawn;

pub use self::interval::Interval;
pub use self::limit::Limit;
