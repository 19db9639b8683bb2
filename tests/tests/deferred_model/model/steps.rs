//! The steps of a program.

use crate::journal::{Journal, Story};
use crate::program::{PLACES, Step};
use std::collections::VecDeque;

use super::{Canceller, Chain, Due, Handle, Link, Model, SourceState, State, given};

impl Model {
    pub(crate) fn new(journal: Journal) -> Self {
        Self {
            journal,
            chains: Vec::new(),
            sources: Vec::new(),
            limits: Vec::new(),
            queue: VecDeque::new(),
            timers: Vec::new(),
            now: 0,
            kept: [None; PLACES],
            resolvers: [None; PLACES],
            wakes: Vec::new(),
            has_ended: false,
            is_over: false,
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        match step {
            Step::Turn { millis } => self.turn(*millis),
            Step::Settle => {
                while !self.queue.is_empty() {
                    self.turn(0);
                }
            }
            Step::End => self.end(),
            step => self.take_step(step),
        }
        let deferreds = self.entered().count();
        self.journal.tell(Story::Counts { deferreds, calls: self.queue.len() });
    }

    pub(crate) fn let_go(&mut self) {
        for place in 0..PLACES {
            self.drop_kept(place);
            self.drop_resolver(place);
        }
    }

    pub(super) fn take_step(&mut self, step: &Step) {
        match step {
            Step::Make { place, canceller } => {
                let canceller = canceller.as_ref().map(|script| Canceller::Users(self.closure(script)));
                let (source, handle) = self.make(canceller);
                self.keep(*place, handle);
                if let Some(former) = self.resolvers[*place].replace(source) {
                    self.abandon(former);
                }
            }
            Step::MakeSettled { place, given: result } => {
                let handle = self.make_settled(given(*result));
                self.keep(*place, handle);
            }
            Step::Link { place, kind, script } => {
                if let Some(handle) = self.kept[*place].take() {
                    let closure = self.closure(script);
                    self.link(handle, Link::Callback { kind: *kind, closure });
                    self.keep(*place, handle);
                }
            }
            Step::Name { place, name } => {
                if let Some(handle) = self.kept[*place] {
                    self.name(handle, name.to_string());
                }
            }
            Step::Timeout { place, millis } => {
                if let Some(handle) = self.kept[*place].take() {
                    let limited = self.limit(handle, *millis);
                    self.keep(*place, limited);
                }
            }
            Step::Finish { place, script } => {
                if let Some(handle) = self.kept[*place].take() {
                    let closure = self.closure(script);
                    self.link(handle, Link::Finish(closure));
                    self.detach(handle);
                }
            }
            Step::Detach { place } => {
                if let Some(handle) = self.kept[*place].take() {
                    self.detach(handle);
                }
            }
            Step::Cancel { place } => {
                if let Some(Handle::To(chain)) = self.kept[*place] {
                    self.cancel(chain);
                }
            }
            Step::DropDeferred { place } => self.drop_kept(*place),
            Step::Move { from, to } => {
                let moved = self.kept[*from].take();
                self.drop_kept(*to);
                self.kept[*to] = moved;
            }
            Step::Poll { place, waker } => self.poll(*place, *waker),
            Step::Resolve { place, number } => self.resolve(*place, Ok(*number)),
            Step::Reject { place, number } => self.resolve(*place, Err(format!("fail {number}"))),
            Step::DropResolver { place } => self.drop_resolver(*place),
            Step::Ask { place } => {
                let is_settled = self.kept[*place].map(|handle| self.is_settled(handle));
                let is_cancelled =
                    self.resolvers[*place].map(|source| !matches!(self.sources[source].state, SourceState::Waits(_)));
                self.journal.tell(Story::Asked { is_settled, is_cancelled });
            }
            Step::Dump => {
                let waiting = self.entered();
                let told = |chain: &Chain| (chain.names.join(" in "), !matches!(chain.state, State::WaitsFor(_)));
                let mut all: Vec<_> = waiting.map(told).collect();
                all.sort();
                self.journal.tell(Story::Dump(all));
            }
            Step::Later { millis, script } => {
                self.later(*millis, Due::Script(script.clone()));
            }
            Step::Turn { .. } | Step::Settle | Step::End => unreachable!("they come at the top alone"),
        }
    }
}
