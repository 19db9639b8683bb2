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

/// Asks the operating system, by `getaddrinfo(3)`, which follows its `nsswitch.conf(5)`: usually the DNS.
///
/// Names in the file `/etc/hosts` are answered immediately. The file is read when a name is looked for and the file has
/// changed, up to 16 MiB of it; a name in it has the addresses given there and no others.
///
/// Other names are asked for by threads, because `getaddrinfo` blocks. They are not those of
/// [`defer_to_thread`](Reactor::defer_to_thread), are started as they are needed, and end after 10 s without work.
///
/// | bound | value | beyond it |
/// | --- | --- | --- |
/// | threads | 32 | names wait in a queue |
/// | names in the queue | 256 | [`ResourcesExhausted`](crate::ErrorKind::ResourcesExhausted) |
/// | time in the queue | 10 s | [`NameUnavailable`](crate::ErrorKind::NameUnavailable) |
/// | share of a domain, the last two labels of a name | a thread, or a place in the queue, only while more are free than it has | names of the domain wait, or are refused |
///
/// So names of one domain, whose servers may be silent, have 16 threads at the most, and those of another domain are
/// answered meanwhile. Both errors name the cause: which names the threads are waiting for.
///
/// `getaddrinfo` cannot be interrupted. A look-up that is cancelled in the queue leaves it; one that a thread has begun
/// keeps its thread until the system answers, and another look-up of the same name shares that answer. The end of the
/// reactor waits for none of them.
///
/// Answers are not kept: that is for a [`Cache`](super::Cache) around it. In a simulation, the simulation is asked.
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
