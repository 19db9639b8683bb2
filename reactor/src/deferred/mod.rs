//! Results that arrive later.

mod callbacks;
#[expect(clippy::module_inception, reason = "the folder is named after its main type")]
mod deferred;
mod discard;
mod dump;
mod held;
mod into_deferred;
mod link;
mod node;
mod parcel;
mod resolver;
mod timeout;

pub use self::deferred::Deferred;
pub use self::dump::{DeferredDump, PendingDeferred};
pub use self::into_deferred::IntoDeferred;
pub(crate) use self::parcel::{Parcel, unpacked};
pub(crate) use self::resolver::Promise;
pub use self::resolver::Resolver;
