//! The loop: the order of a turn, the handle, timers and sources as users see them.

mod core;
mod delayed_call;
mod dispatch;
mod main_loop;
mod source;

pub use self::core::Reactor;
pub(crate) use self::core::{Dispatch, Turn};
pub use self::delayed_call::DelayedCall;
pub use self::main_loop::MainLoop;
pub use self::source::{Registration, Source};
