//! The loop: the order of a turn, the handle, timers and sources as users see them.

mod core;
mod delayed_call;
mod description;
mod dispatch;
mod inspection;
mod main_loop;
mod observation;
mod remote;
mod source;
mod watch;

pub use self::core::Reactor;
pub(crate) use self::core::{Dispatch, Turn};
pub use self::delayed_call::DelayedCall;
pub(crate) use self::description::{Description, Inspect};
pub(crate) use self::dispatch::serve;
pub use self::inspection::Watchdog;
pub use self::main_loop::MainLoop;
pub use self::remote::{Remote, RemoteError};
pub use self::source::{Registration, Source};
