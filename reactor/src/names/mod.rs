//! What the names of hosts lead to: resolvers, of which every reactor has one.
//!
//! [`Reactor::connect`](crate::Reactor::connect) asks it when the host of a description is a name, and
//! [`Reactor::look_up`](crate::Reactor::look_up) on behalf of a program. The chapter [`names`](crate::guide::names) of the guide tells
//! what is then done with the addresses.
//!
//! The one that a reactor begins with is a [`SystemResolver`] within a [`Cache`]. Another one is given by
//! [`Builder::resolver`](crate::Builder::resolver) or [`Reactor::set_resolver`](crate::Reactor::set_resolver): one of a service directory, say,
//! or one of a test.
//!
//! ```
//! use lariat::names::{Answer, Family, Resolver};
//! use lariat::{Deferred, Error, ErrorKind, Reactor};
//! use std::net::IpAddr;
//!
//! /// Knows one name.
//! struct Directory;
//!
//! impl Resolver for Directory {
//!     fn resolve(&self, reactor: &Reactor, name: &str, family: Family) -> Deferred<Answer> {
//!         match (name, family) {
//!             ("db.test", Family::V4) => Deferred::succeed(reactor, Answer::new([IpAddr::from([127, 0, 0, 1])])),
//!             ("db.test", Family::V6) => Deferred::succeed(reactor, Answer::default()),
//!             _ => Deferred::fail(reactor, Error::name_not_found(name)),
//!         }
//!     }
//! }
//!
//! let mut reactor = Reactor::builder().resolver(Directory).build()?;
//! let found = reactor.look_up("db.test", Family::V4);
//! assert_eq!(reactor.block_on(found)?.unwrap().addresses, ["127.0.0.1:0".parse().unwrap()]);
//! let missing = reactor.look_up("elsewhere.test", Family::V4);
//! let failure = reactor.block_on(missing)?.unwrap_err();
//! assert_eq!(failure.downcast_ref::<Error>().unwrap().kind(), ErrorKind::NameNotFound);
//! # Ok::<(), lariat::Error>(())
//! ```

mod answer;
mod cache;
mod chosen;
mod desk;
mod host_name;
mod system;

pub use self::answer::Answer;
pub use self::cache::Cache;
pub(crate) use self::chosen::chosen;
pub(crate) use self::host_name::{check, is_localhost, known, unbracketed};
pub use self::system::SystemResolver;
pub use crate::lookup::Family;

use crate::deferred::Deferred;
use crate::reactor::Reactor;

/// Knows, or finds out, what the names of hosts lead to.
///
/// It is called from the loop, and must not block it: what takes time is for a [`Deferred`], such as
/// [`defer_to_thread`](Reactor::defer_to_thread) gives.
#[doc(alias = "IHostnameResolver")]
#[doc(alias = "IResolverSimple")]
#[doc(alias = "IResolver")]
pub trait Resolver {
    /// Asks for the addresses of `name` that are of `family`. Whoever wants both families asks twice.
    ///
    /// A name is made of labels with dots between them, in ASCII and of at most 253 characters; it is neither an address nor
    /// `localhost`, which need no resolver. A name that exists and has no address of this family has an answer without addresses.
    ///
    /// The Deferred is dropped when nobody waits for the answer any more. A failure with an [`Error`](crate::Error) keeps its kind:
    /// [`NameNotFound`](crate::ErrorKind::NameNotFound) for a name that does not exist, as [`Error::name_not_found`](crate::Error::name_not_found)
    /// makes one, [`NameUnavailable`](crate::ErrorKind::NameUnavailable) for what may be otherwise in a while.
    #[doc(alias = "resolveHostName")]
    #[doc(alias = "getHostByName")]
    fn resolve(&self, reactor: &Reactor, name: &str, family: Family) -> Deferred<Answer>;
}
