//! The resolver that a reactor has.

use std::rc::Rc;

use crate::contain::contain_drop;
use crate::deferred::Deferred;
use crate::error::{Error, ErrorKind};
use crate::escape::Escaped;
use crate::guarded::Guarded;
use crate::reactor::{Builder, Reactor};
use crate::stats::count;

use super::host_name::{check, known};
use super::{Answer, Cache, Family, Resolver, SystemResolver};

struct Chosen(Guarded<Rc<dyn Resolver>>);

impl Default for Chosen {
    fn default() -> Self {
        Self(Guarded::new(Rc::new(Cache::new(SystemResolver::new()))))
    }
}

/// The resolver of this reactor. It is to be asked from the loop alone, for it may be a user's.
pub(crate) fn chosen(reactor: &Reactor) -> Rc<dyn Resolver> {
    reactor.extension::<Chosen>().0.with(|resolver| resolver.clone())
}

impl Builder {
    /// Has the loop ask this resolver for names, and not the system's.
    pub fn resolver(self, resolver: impl Resolver + 'static) -> Self {
        self.set_up(move |reactor| reactor.set_resolver(resolver))
    }
}

impl Reactor {
    /// Has `resolver` be asked for names from now on, and not the one that was before. What that has been asked for, it may still answer.
    #[doc(alias = "installNameResolver")]
    #[doc(alias = "installResolver")]
    pub fn set_resolver(&self, resolver: impl Resolver + 'static) {
        if self.has_ended() {
            return contain_drop(resolver);
        }
        let former = self.extension::<Chosen>().0.with(|slot| std::mem::replace(slot, Rc::new(resolver)));
        contain_drop(former);
    }

    /// Asks for the addresses of a host's name that are of one family, best first. What is an address itself, and `localhost`, is answered
    /// without asking anybody; for other names it is the reactor's [resolver](crate::names).
    ///
    /// To connect to a host, [`connect`](Self::connect) is given its name.
    ///
    /// ```
    /// use lariat::Reactor;
    /// use lariat::names::Family;
    ///
    /// let mut reactor = Reactor::new()?;
    /// let answer = reactor.look_up("localhost", Family::V6);
    /// assert_eq!(reactor.block_on(answer)?.unwrap().addresses, ["[::1]:0".parse().unwrap()]);
    /// # Ok::<(), lariat::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The Deferred fails with an [`Error`] of kind [`ErrorKind::InvalidInput`] if `name` cannot be a host's name,
    /// [`ErrorKind::NameNotFound`] if there is no such host, [`ErrorKind::NameUnavailable`] if that cannot be told at the moment,
    /// [`ErrorKind::ResourcesExhausted`] if too many names are waited for, and with whatever another resolver fails with.
    #[doc(alias = "resolve")]
    #[doc(alias = "nameResolver")]
    #[doc(alias = "getHostByName")]
    #[doc(alias = "getaddrinfo")]
    #[track_caller]
    pub fn look_up(&self, name: &str, family: Family) -> Deferred<Answer> {
        if let Some(addresses) = known(name, family) {
            return Deferred::succeed(self, addresses.into());
        }
        if let Err(words) = check(name) {
            let error = Error::new(ErrorKind::InvalidInput, format!("{words}: `{}`", Escaped::bytes(name)));
            return Deferred::fail(self, error);
        }
        count(&self.core().counters.look_ups, 1);
        let (reactor, name) = (self.clone(), name.to_owned());
        // The resolver is a user's, so it is called from the loop.
        Deferred::succeed(self, ()).and_then(move |()| chosen(&reactor).resolve(&reactor, &name, family))
    }
}
