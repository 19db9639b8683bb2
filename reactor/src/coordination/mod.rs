//! What makes chains wait for each other.

mod event;
mod line;
mod lock;
mod queue;
mod semaphore;
mod too_many_wait;

pub use self::event::Event;
pub use self::lock::{Lock, LockGuard};
pub use self::queue::Queue;
pub use self::semaphore::{Permit, Semaphore};
pub use self::too_many_wait::TooManyWait;
