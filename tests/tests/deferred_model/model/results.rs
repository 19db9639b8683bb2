//! Results, and their way through callbacks.

use crate::journal::Story;
use crate::program::{Given, Kind, Outcome};

use super::{Closure, Gives, Handle, Link, Model, Queued, Settled, SourceState, State, ended, fails, given, in_words};

impl Model {
    /// Gives a source its result. Returns whether it takes one still.
    pub(super) fn settle(&mut self, source: usize, result: Settled) -> bool {
        if let SourceState::Done = self.sources[source].state {
            return false;
        }
        self.give(source, result);
        let chain = self.root(self.sources[source].chain);
        if !self.chains[chain].links.is_empty() {
            self.queue.push_back(Queued::Deliver(chain));
        }
        true
    }

    pub(super) fn give(&mut self, source: usize, result: Settled) {
        let chain = self.root(self.sources[source].chain);
        // Nothing waits for it while what the canceller owns is dropped.
        self.chains[chain].state = State::Running;
        if let SourceState::Waits(canceller) = std::mem::replace(&mut self.sources[source].state, SourceState::Done) {
            self.drop_canceller(canceller);
        }
        self.chains[chain].state = State::Has(result);
    }

    pub(super) fn resolve(&mut self, place: usize, result: Settled) {
        if let Some(source) = self.resolvers[place].take() {
            let taken = self.settle(source, result);
            self.journal.tell(Story::Resolved(taken));
        }
    }

    pub(super) fn abandon(&mut self, source: usize) {
        if let SourceState::Waits(_) = self.sources[source].state {
            let result = if self.has_ended { ended() } else { fails("nobody can give a result") };
            self.settle(source, result);
        }
    }

    /// Has a result go through the callbacks.
    pub(super) fn deliver(&mut self, chain: usize) {
        let chain = self.root(chain);
        while let State::Has(_) = self.chains[chain].state {
            let Some(link) = self.chains[chain].links.pop_front() else { return };
            let State::Has(result) = std::mem::replace(&mut self.chains[chain].state, State::Running) else { return };
            let gives = match link {
                Link::Discard => {
                    self.discard(chain, &result);
                    self.chains[chain].state = State::Over;
                    return;
                }
                Link::Join => Gives::Result(result),
                Link::Name => {
                    self.chains[chain].names.pop();
                    Gives::Result(result)
                }
                Link::Wake(waker) => {
                    self.wakes.push(waker);
                    Gives::Result(result)
                }
                Link::Limit(limit) => {
                    self.arrive(limit, result);
                    Gives::Result(Ok(0))
                }
                Link::Finish(closure) => {
                    let panicked = self.enter(closure, Some(&result));
                    Gives::Result(if panicked { fails("panicked") } else { Ok(0) })
                }
                Link::Callback { kind, closure } => self.call(kind, closure, result),
            };
            let result = match gives {
                Gives::Result(result) => result,
                Gives::Deferred(handle) => match self.wait_for(chain, handle) {
                    Some(result) => result,
                    None => return,
                },
            };
            self.chains[chain].state = State::Has(result);
        }
    }

    pub(super) fn call(&mut self, kind: Kind, closure: Closure, result: Settled) -> Gives {
        let takes = match kind {
            Kind::Map | Kind::TryMap | Kind::AndThen => result.is_ok(),
            Kind::Recover | Kind::TryRecover | Kind::OrElse => result.is_err(),
            Kind::MapResult | Kind::Then => true,
        };
        if !takes {
            self.drop_closure(closure);
            return Gives::Result(result);
        }
        let outcome = closure.script.outcome;
        if self.enter(closure, Some(&result)) {
            return Gives::Result(fails("panicked"));
        }
        let result = match (kind, outcome) {
            (Kind::Map | Kind::Recover, Outcome::Give(Given::Value(number))) => Ok(number),
            (Kind::Map | Kind::Recover, _) => Ok(0),
            (_, Outcome::Give(result)) => given(result),
            (_, Outcome::Pass) => result,
            (_, Outcome::GiveKept(_) | Outcome::Panic) => Ok(0),
        };
        if let (Kind::AndThen | Kind::OrElse | Kind::Then, Outcome::GiveKept(place)) = (kind, outcome)
            && let Some(handle) = self.kept[place].take()
        {
            return Gives::Deferred(handle);
        }
        Gives::Result(if let (true, Kind::AndThen | Kind::OrElse | Kind::Then) = (self.has_ended, kind) {
            // The Deferred that it made has failed.
            ended()
        } else {
            result
        })
    }

    /// Follows a script. Returns whether it panicked.
    pub(super) fn enter(&mut self, closure: Closure, got: Option<&Settled>) -> bool {
        let script = closure.script.clone();
        self.hear_wakes();
        self.journal.tell(Story::Called { id: script.id, got: got.map(in_words), inside: false });
        for step in &script.steps {
            self.take_step(step);
        }
        self.drop_closure(closure);
        matches!(script.outcome, Outcome::Panic)
    }

    /// The same for a closure without a waiter: a panic is only logged.
    pub(super) fn enter_contained(&mut self, closure: Closure) {
        if self.enter(closure, None) {
            self.journal.tell(Story::Panicked);
        }
    }

    /// The result of a Deferred that a callback gave, if it is there; else its chain becomes a part of this one.
    pub(super) fn wait_for(&mut self, outer: usize, handle: Handle) -> Option<Settled> {
        let Handle::To(inner) = handle else { return Some(fails("awaited already")) };
        let inner = self.root(inner);
        if inner == outer {
            self.chains[outer].links.push_back(Link::Discard);
            return Some(fails("would wait for itself"));
        }
        if let State::Dead = self.chains[inner].state {
            return Some(ended());
        }
        self.chains[inner].is_entered = false;
        if self.is_settled(handle)
            && let State::Has(result) = std::mem::replace(&mut self.chains[inner].state, State::Over)
        {
            return Some(result);
        }
        let given = &mut self.chains[inner];
        given.part_of = Some(outer);
        // What has its result is queued already, as a part of this chain now.
        let state = std::mem::replace(&mut given.state, State::Over);
        let (mut links, names) = (std::mem::take(&mut given.links), std::mem::take(&mut given.names));
        let given_was_cancelled = given.cancelled;
        let chain = &mut self.chains[outer];
        if chain.links.is_empty() {
            links.push_back(Link::Join);
        }
        links.append(&mut chain.links);
        chain.links = links;
        chain.names.extend(names);
        chain.state = state;
        if std::mem::take(&mut chain.cancelled) || given_was_cancelled {
            self.cancel(outer);
        }
        None
    }

    pub(super) fn hear_wakes(&mut self) {
        for id in std::mem::take(&mut self.wakes) {
            self.journal.tell(Story::Woken(id));
        }
    }
}
