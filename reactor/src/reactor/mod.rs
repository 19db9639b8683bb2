//! The loop: the order of a turn, the handle, timers and sources as users see them.

mod builder;
mod core;
mod delayed_call;
mod description;
mod dispatch;
mod inspection;
mod job;
mod ledger;
mod lingering;
mod linked;
mod main_loop;
mod observation;
mod remote;
mod source;
mod steps;
mod task_id;
mod task_table;
mod task_waker;
mod tasks;
mod wall_clock;
mod watch;

pub use self::builder::Builder;
pub use self::core::Reactor;
pub(crate) use self::core::{
    Alarm, Backlog, Cancel, Canceller, Dispatch, Job, Lookups, Message, Spawned, ThreadCounts, Turn,
};
pub use self::delayed_call::DelayedCall;
pub(crate) use self::description::{Description, Inspect};
pub(crate) use self::dispatch::serve;
pub use self::inspection::Watchdog;
pub(crate) use self::ledger::{ChainId, ChainInfo, ChainName, Origin, Settled, SourceId};
pub(crate) use self::linked::{Linked, unlink};
pub use self::main_loop::MainLoop;
pub use self::remote::{Remote, RemoteError};
pub use self::source::{Registration, Source};
pub(crate) use self::steps::Steps;
pub(crate) use self::task_id::TaskId;
