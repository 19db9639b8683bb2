//! What makes chains wait for each other.

mod event;
#[cfg(feature = "testing")]
mod lengths;
mod line;
mod lock;
mod queue;
mod semaphore;
mod too_many_wait;

pub use self::event::Event;
#[cfg(feature = "testing")]
pub(crate) use self::lengths::QueueLengths;
pub use self::lock::{Lock, LockGuard};
pub use self::queue::Queue;
pub use self::semaphore::{Permit, Semaphore};
pub use self::too_many_wait::TooManyWait;
