//! Results that arrive later.

mod callbacks;
mod canceller;
#[expect(clippy::module_inception, reason = "the folder is named after its main type")]
mod deferred;
mod discard;
mod dump;
mod into_deferred;
mod link;
mod node;
mod resolver;
mod timeout;

pub use self::deferred::Deferred;
pub use self::dump::{DeferredDump, PendingDeferred};
pub use self::into_deferred::IntoDeferred;
pub use self::resolver::Resolver;
