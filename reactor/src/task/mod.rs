//! Work that is done later, again and again, or bit by bit.

mod cooperative_step;
mod cooperative_task;
mod cooperator;
mod crew;
mod grid;
mod looping_call;
mod sleep;

pub use self::cooperative_step::CooperativeStep;
pub use self::cooperative_task::CooperativeTask;
pub use self::cooperator::Cooperator;
pub use self::looping_call::LoopingCall;
