//! The resolver of the operating system.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::deferred::Deferred;
use crate::error::Error;
use crate::lookup::Told;
use crate::reactor::{DelayedCall, Reactor};

use super::answer::answer;
use super::desk::Desk;
use super::{Answer, Family, Resolver};

/// Asks the operating system, by `getaddrinfo(3)`: whatever its `nsswitch.conf(5)` says, such as the DNS.
///
/// What is in the file `/etc/hosts` is answered at once. That is read when a name is looked for and the file has changed, up to 16 MiB of it;
/// a name in it has the addresses given there and no others. All else blocks, and is done by threads: at most 4, which are not those of
/// [`defer_to_thread`](Reactor::defer_to_thread) and end when there has been nothing to do for 10 s. Up to 256 names wait for one; a further one fails
/// with [`ErrorKind::ResourcesExhausted`](crate::ErrorKind::ResourcesExhausted). An answer that nobody waits for any more is taken out of the queue or, if a thread has begun with
/// it, not heard. When the reactor ends, it does not wait for them.
///
/// It keeps no answers: that is for a [`Cache`](super::Cache) around it. In a simulation, it asks the simulation.
#[derive(Copy, Clone, Debug, Default)]
pub struct SystemResolver {
    // Whatever may be set one day.
    _private: (),
}

impl SystemResolver {
    /// The system's resolver.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Resolver for SystemResolver {
    fn resolve(&self, reactor: &Reactor, name: &str, family: Family) -> Deferred<Answer> {
        let Some(Told { addresses, after }) = reactor.core().network.look_up(name, family) else {
            return Desk::ask(reactor, name, family);
        };
        // Whoever told it is asked again each time.
        let result = answer(name, addresses).map(|answer| answer.with_lifetime(Duration::ZERO));
        if after.is_zero() {
            return Deferred::settled(reactor, result.map_err(Into::into));
        }
        settle_later(reactor, after, result)
    }
}

/// A Deferred that has its result `delay` from now.
fn settle_later(reactor: &Reactor, delay: Duration, result: Result<Answer, Error>) -> Deferred<Answer> {
    let timer = Rc::new(Cell::new(None::<DelayedCall>));
    let ours = timer.clone();
    let (resolver, settled) = Deferred::with_canceller(reactor, move |_| {
        if let Some(timer) = ours.take() {
            timer.cancel();
        }
    });
    timer.set(Some(reactor.call_later(delay, move |_| {
        // If it is just being cancelled, nobody waits.
        drop(resolver.settle(result.map_err(Into::into)));
    })));
    settled
}
