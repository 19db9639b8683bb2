//! Connections as their users see them: a handle, and what it shares with the machine that serves it.

mod flags;
mod inspect;
mod output;
mod peer;
mod sent_marks;
mod shared;
#[expect(clippy::module_inception, reason = "the folder is named after its main noun")]
mod transport;
mod visit_budget;
mod when_sent;

pub(crate) use self::flags::Flags;
pub use self::peer::Peer;
pub(crate) use self::shared::Shared;
pub use self::transport::{Transport, WriteStatus};
pub use self::visit_budget::VisitBudget;
