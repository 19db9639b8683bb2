//! Chains: creation, further callbacks, cancelling and dropping.

use crate::journal::Story;
use std::collections::VecDeque;

use super::{
    Canceller, Chain, Handle, Link, Model, Queued, Settled, Source, SourceState, State, cancelled, ended, in_words,
};

impl Model {
    pub(super) fn root(&self, mut chain: usize) -> usize {
        while let Some(whole) = self.chains[chain].part_of {
            chain = whole;
        }
        chain
    }

    pub(super) fn add_chain(&mut self, state: State) -> usize {
        let chain = self.chains.len();
        let state = if self.has_ended { State::Dead } else { state };
        self.chains.push(Chain {
            is_entered: !self.has_ended,
            state,
            links: VecDeque::new(),
            cancelled: false,
            names: Vec::new(),
            part_of: None,
        });
        chain
    }

    pub(super) fn entered(&self) -> impl Iterator<Item = &Chain> {
        self.chains.iter().filter(|chain| chain.is_entered)
    }

    pub(super) fn make(&mut self, canceller: Option<Canceller>) -> (usize, Handle) {
        let source = self.sources.len();
        let chain = self.add_chain(State::WaitsFor(source));
        if self.has_ended {
            self.sources.push(Source { chain, state: SourceState::Done });
            self.drop_canceller(canceller);
        } else {
            self.sources.push(Source { chain, state: SourceState::Waits(canceller) });
        }
        (source, Handle::To(chain))
    }

    pub(super) fn make_settled(&mut self, result: Settled) -> Handle {
        Handle::To(self.add_chain(State::Has(result)))
    }

    pub(super) fn link(&mut self, handle: Handle, link: Link) {
        let Handle::To(chain) = handle else { return self.drop_link(link) };
        let chain = self.root(chain);
        if self.is_over {
            self.chains[chain].state = State::Dead;
        }
        let it = &mut self.chains[chain];
        match &mut it.state {
            State::Dead => self.drop_link(link),
            State::Has(_) if it.links.is_empty() => {
                it.links.push_back(link);
                self.queue.push_back(Queued::Deliver(chain));
            }
            _ => it.links.push_back(link),
        }
    }

    pub(super) fn is_settled(&self, handle: Handle) -> bool {
        let Handle::To(chain) = handle else { return false };
        let chain = &self.chains[self.root(chain)];
        match chain.state {
            State::Has(_) => chain.links.is_empty(),
            State::Dead => true,
            _ => false,
        }
    }

    pub(super) fn name(&mut self, handle: Handle, name: String) {
        if let Handle::To(chain) = handle {
            let chain = self.root(chain);
            if self.chains[chain].is_entered {
                self.chains[chain].names.insert(0, name);
            }
        }
        self.link(handle, Link::Name);
    }

    /// Nobody holds it any more. Returns whether there is something to cancel.
    pub(super) fn detach(&mut self, handle: Handle) -> bool {
        let Handle::To(chain) = handle else { return false };
        let chain = self.root(chain);
        if self.is_settled(handle) {
            if let State::Has(result) = std::mem::replace(&mut self.chains[chain].state, State::Over) {
                self.discard(chain, &result);
            }
            return false;
        }
        self.chains[chain].links.push_back(Link::Discard);
        true
    }

    pub(super) fn drop_handle(&mut self, handle: Handle) {
        if let Handle::To(chain) = handle
            && self.detach(handle)
        {
            self.cancel(chain);
        }
    }

    pub(super) fn discard(&mut self, chain: usize, result: &Settled) {
        if let Err(kind) = result
            && *result != cancelled()
            && *result != ended()
        {
            self.journal.tell(Story::Unhandled(kind.clone()));
        }
        self.chains[chain].is_entered = false;
    }

    pub(super) fn poll(&mut self, place: usize, waker: u32) {
        let Some(Handle::To(handle)) = self.kept[place].take() else { return };
        let chain = self.root(handle);
        let result = match &self.chains[chain].state {
            State::Has(result) if self.chains[chain].links.is_empty() => Some(result.clone()),
            State::Dead => Some(ended()),
            _ => None,
        };
        self.journal.tell(Story::Polled(result.as_ref().map(in_words)));
        if result.is_some() {
            self.chains[chain].is_entered = false;
            self.chains[chain].state = State::Over;
            self.kept[place] = Some(Handle::Awaited);
            return;
        }
        match self.chains[chain].links.back_mut() {
            Some(Link::Wake(former)) => *former = waker,
            _ => self.link(Handle::To(chain), Link::Wake(waker)),
        }
        self.kept[place] = Some(Handle::To(handle));
    }

    pub(super) fn cancel(&mut self, chain: usize) {
        let chain = self.root(chain);
        if self.is_settled(Handle::To(chain)) {
            return;
        }
        let State::WaitsFor(source) = self.chains[chain].state else {
            self.chains[chain].cancelled = true;
            return;
        };
        match std::mem::replace(&mut self.sources[source].state, SourceState::Cancelling) {
            SourceState::Waits(None) => drop(self.settle(source, cancelled())),
            SourceState::Waits(Some(canceller)) if self.has_ended => self.cancel_unheard(source, canceller),
            SourceState::Waits(Some(canceller)) => self.queue.push_back(Queued::Cancel { source, canceller }),
            SourceState::Cancelling | SourceState::Done => {}
        }
    }

    /// The canceller is not called any more.
    pub(super) fn cancel_unheard(&mut self, source: usize, canceller: Canceller) {
        self.drop_canceller(Some(canceller));
        self.settle(source, cancelled());
    }
}
