//! What places and closures own, and what dropping it does.

use std::rc::Rc;

use crate::program::{Cargo, Script};

use super::{Canceller, Closure, Handle, Link, Model, Owned};

impl Model {
    pub(super) fn keep(&mut self, place: usize, handle: Handle) {
        if let Some(former) = self.kept[place].replace(handle) {
            self.drop_handle(former);
        }
    }

    pub(super) fn drop_kept(&mut self, place: usize) {
        if let Some(handle) = self.kept[place].take() {
            self.drop_handle(handle);
        }
    }

    pub(super) fn drop_resolver(&mut self, place: usize) {
        if let Some(source) = self.resolvers[place].take() {
            self.abandon(source);
        }
    }

    pub(super) fn closure(&mut self, script: &Rc<Script>) -> Closure {
        let owned = match script.cargo {
            Some(Cargo::Resolver(place)) => self.resolvers[place].take().map(Owned::Resolver),
            Some(Cargo::Deferred(place)) => self.kept[place].take().map(Owned::Deferred),
            None => None,
        };
        Closure { script: script.clone(), owned }
    }

    #[expect(clippy::needless_pass_by_value, reason = "there is none afterwards")]
    pub(super) fn drop_closure(&mut self, closure: Closure) {
        match closure.owned {
            Some(Owned::Resolver(source)) => self.abandon(source),
            Some(Owned::Deferred(handle)) => self.drop_handle(handle),
            None => {}
        }
    }

    pub(super) fn drop_canceller(&mut self, canceller: Option<Canceller>) {
        if let Some(Canceller::Users(closure)) = canceller {
            self.drop_closure(closure);
        }
    }

    pub(super) fn drop_link(&mut self, link: Link) {
        match link {
            Link::Callback { closure, .. } | Link::Finish(closure) => self.drop_closure(closure),
            _ => {}
        }
    }
}
