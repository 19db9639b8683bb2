//! Answers that are kept, and questions that are shared.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::clock::Time;
use crate::contain::{Panicked, contain};
use crate::deferred::{self, Deferred};
use crate::error::{Error, ErrorKind};
use crate::failure::{Failure, FailureKind};
use crate::guarded::Guarded;
use crate::reactor::{Cancel, Reactor};

use super::{Answer, Family, Resolver};

/// How long addresses are kept whose resolver does not say: `getaddrinfo` does not. A host that moves is found again after that.
const KEPT: Duration = Duration::from_secs(30);

/// The longest that addresses are kept, whatever is said of them.
const LONGEST_KEPT: Duration = Duration::from_secs(60);

/// How long it is kept that there is no such name, or no address of the family: not so long that a name which was just made known is
/// missed.
const ABSENCE_KEPT: Duration = Duration::from_secs(5);

/// How many answers are kept.
const MOST_KEPT: usize = 1000;

/// A resolver that keeps for a while what another one has answered, and asks it once for a name however many wait for that.
///
/// Addresses are kept for as long as the [answer](Answer::lifetime) says, at most 60 s; if it does not say, for 30 s. That there is no such
/// name, or no address of the family, is kept for 5 s, and other failures not at all. At most 1,000 answers are kept: for another one
/// the one goes that would have been the first to go.
///
/// The other one's Deferred is dropped when the last who waits for it has given up. Upper and lower case are the same.
pub struct Cache {
    inner: Box<dyn Resolver>,
    state: Rc<Guarded<State>>,
}

#[derive(Default)]
struct State {
    kept: Kept,
    asked: BTreeMap<Key, Question>,
    last: u64,
}

type Key = (Family, Box<str>);

/// Each with when it goes.
type Kept = BTreeMap<Key, (Time, Known)>;

/// What is known of a name: addresses, or in which words there is no such name.
type Known = Result<Answer, String>;

/// A question that has no answer yet.
struct Question {
    id: u64,
    waiters: BTreeMap<u64, deferred::Resolver<Answer>>,
    /// Missing until the other resolver has given it.
    lookup: Option<Deferred<()>>,
}

impl Cache {
    /// Keeps what `resolver` answers.
    pub fn new(resolver: impl Resolver + 'static) -> Self {
        Self { inner: Box::new(resolver), state: Rc::default() }
    }
}

impl Resolver for Cache {
    fn resolve(&self, reactor: &Reactor, name: &str, family: Family) -> Deferred<Answer> {
        let key = (family, lower(name).into());
        let now = reactor.core().now.get();
        let waiter = self.state.with(|state| {
            state.last += 1;
            state.last
        });
        if let Some(known) = self.state.with(|state| state.known(&key, now)) {
            return Deferred::settled(
                reactor,
                known.map_err(|words| Error::new(ErrorKind::NameNotFound, words).into()),
            );
        }
        let cancel = Leave { state: Rc::downgrade(&self.state), key: key.clone(), waiter };
        let (resolver, answer) = Deferred::with_cancel(reactor, cancel);
        if let Some(question) = self.state.with(|state| state.join(&key, waiter, resolver)) {
            self.ask(reactor, name, &key, question);
        }
        answer
    }
}

impl Cache {
    /// Asks the other resolver.
    fn ask(&self, reactor: &Reactor, name: &str, key: &Key, question: u64) {
        let (state, loop_then, its_key) = (Rc::downgrade(&self.state), reactor.clone(), key.clone());
        let hear = move |result| {
            if let Some(state) = state.upgrade() {
                hear(&state, &loop_then, &its_key, question, result);
            }
            Ok(())
        };
        match contain(|| "a resolver", || self.inner.resolve(reactor, name, key.0)) {
            Ok(lookup) => {
                let lookup = lookup.map_result(hear);
                // If everybody who waited has gone meanwhile, so it does.
                drop(self.state.with(|state| state.keep_lookup(key, question, lookup)));
            }
            Err(Panicked) => {
                let failure = Failure::of_kind(FailureKind::Panicked, "the resolver panicked");
                Deferred::<Answer>::fail(reactor, failure).map_result(hear).detach();
            }
        }
    }
}

/// Tells everybody who waits, and keeps what may be kept.
fn hear(state: &Guarded<State>, reactor: &Reactor, key: &Key, question: u64, result: Result<Answer, Failure>) {
    let Some(Question { waiters, lookup, .. }) = state.with(|state| state.close(key, question)) else { return };
    if let Some(lookup) = lookup {
        lookup.detach();
    }
    let now = reactor.core().now.get();
    if let Some((lifetime, known)) = worth_keeping(&result) {
        state.with(|state| state.keep(key.clone(), now, lifetime, known));
    }
    match result {
        Ok(answer) => {
            for waiter in waiters.into_values() {
                // Whoever is just being cancelled does not wait any more.
                drop(waiter.resolve(answer.clone()));
            }
        }
        Err(failure) => {
            for waiter in waiters.into_values() {
                drop(waiter.reject(copy(&failure)));
            }
        }
    }
}

/// What is kept of a result, and for how long.
fn worth_keeping(result: &Result<Answer, Failure>) -> Option<(Duration, Known)> {
    let (lifetime, known) = match result {
        Ok(answer) if answer.addresses.is_empty() => {
            (answer.lifetime.unwrap_or(ABSENCE_KEPT).min(ABSENCE_KEPT), Ok(answer.clone()))
        }
        Ok(answer) => (answer.lifetime.unwrap_or(KEPT).min(LONGEST_KEPT), Ok(answer.clone())),
        Err(failure) => {
            let error = failure.downcast_ref::<Error>().filter(|error| error.kind() == ErrorKind::NameNotFound)?;
            (ABSENCE_KEPT, Err(error.to_string()))
        }
    };
    (!lifetime.is_zero()).then_some((lifetime, known))
}

/// The same failure for another one who waits: an error of Lariat's keeps its kind.
fn copy(failure: &Failure) -> Failure {
    let words = failure.error().to_string();
    match failure.downcast_ref::<Error>() {
        Some(error) => Failure::of_kind(failure.kind(), Error::new(error.kind(), words)),
        None => Failure::of_kind(failure.kind(), words),
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

impl State {
    fn known(&self, key: &Key, now: Time) -> Option<Known> {
        self.kept.get(key).filter(|(until, _)| *until > now).map(|(_, known)| known.clone())
    }

    /// Adds somebody who waits. Returns the number of the question, if it is a new one.
    fn join(&mut self, key: &Key, waiter: u64, resolver: deferred::Resolver<Answer>) -> Option<u64> {
        if let Some(question) = self.asked.get_mut(key) {
            question.waiters.insert(waiter, resolver);
            return None;
        }
        let question = Question { id: waiter, waiters: BTreeMap::from([(waiter, resolver)]), lookup: None };
        self.asked.insert(key.clone(), question);
        Some(waiter)
    }

    /// Keeps what cancels a question; gives it back if nobody waits for that question any more.
    fn keep_lookup(&mut self, key: &Key, question: u64, lookup: Deferred<()>) -> Option<Deferred<()>> {
        match self.asked.get_mut(key) {
            Some(asked) if asked.id == question => asked.lookup.replace(lookup),
            _ => Some(lookup),
        }
    }

    /// Takes a question whose answer has come.
    fn close(&mut self, key: &Key, question: u64) -> Option<Question> {
        let is_open = self.asked.get(key).is_some_and(|asked| asked.id == question);
        if is_open { self.asked.remove(key) } else { None }
    }

    /// Takes somebody who waits no more, and the question if nobody else does.
    fn leave(&mut self, key: &Key, waiter: u64) -> (Option<deferred::Resolver<Answer>>, Option<Question>) {
        let Some(question) = self.asked.get_mut(key) else { return (None, None) };
        let resolver = question.waiters.remove(&waiter);
        let is_last = resolver.is_some() && question.waiters.is_empty();
        (resolver, if is_last { self.asked.remove(key) } else { None })
    }

    fn keep(&mut self, key: Key, now: Time, lifetime: Duration, known: Known) {
        if self.kept.len() >= MOST_KEPT && !self.kept.contains_key(&key) {
            self.kept.retain(|_, (until, _)| *until > now);
            if self.kept.len() >= MOST_KEPT
                && let Some(first) = self.kept.iter().min_by_key(|(_, (until, _))| *until).map(|(key, _)| key.clone())
            {
                self.kept.remove(&first);
            }
        }
        self.kept.insert(key, (now.after(lifetime), known));
    }
}

/// Cancels one who waits.
struct Leave {
    state: Weak<Guarded<State>>,
    key: Key,
    waiter: u64,
}

impl Cancel for Leave {
    fn cancel(self: Box<Self>, _: &Reactor) {
        if let Some(state) = self.state.upgrade() {
            // Dropping the question cancels it.
            drop(state.with(|state| state.leave(&self.key, self.waiter)));
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, asked) = self.state.with(|state| (state.kept.len(), state.asked.len()));
        f.debug_struct("Cache").field("kept", &kept).field("asked", &asked).finish()
    }
}
