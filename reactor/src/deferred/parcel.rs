//! Values that are not lost when nobody takes them.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Waker;

use crate::contain::contain_drop;
use crate::failure::Failure;
use crate::parked::Parked;
use crate::reactor::{ChainId, Discard, Job, Linked, Reactor, Steps};

use super::callbacks::Wake;
use super::deferred::Deferred;
use super::link::{Link, Open, Tail};
use super::node::Node;

/// A value on its way to somebody. Dropped unopened, it sees to it that the content is not lost.
pub(crate) trait Parcel: 'static {
    type Content: 'static;

    fn open(self) -> Self::Content;
}

/// The Deferred of the content. Unlike with [`Deferred::map`], the parcel is opened only for a callback, or for a task that takes the
/// result; if the Deferred is dropped before, so is the parcel.
pub(crate) fn unpacked<P: Parcel>(parcels: Deferred<P>) -> Deferred<P::Content> {
    parcels.convert(|Open { reactor, tail, chain }| {
        let tail = Rc::new(Opened { reactor: reactor.clone(), chain, parcel: Cell::new(Some(tail)) });
        Open { reactor, tail, chain }
    })
}

/// The end of a chain of parcels, seen as one of their contents.
struct Opened<P: 'static> {
    reactor: Reactor,
    chain: ChainId,
    /// Gone once the result goes on elsewhere.
    parcel: Cell<Option<Rc<dyn Tail<P>>>>,
}

impl<P: Parcel> Opened<P> {
    fn look<R>(&self, look: impl FnOnce(&dyn Tail<P>) -> R) -> Option<R> {
        let parcel = self.parcel.take()?;
        let seen = look(&*parcel);
        self.parcel.set(Some(parcel));
        Some(seen)
    }
}

impl<P: Parcel> Tail<P::Content> for Opened<P> {
    fn is_settled(&self) -> bool {
        self.look(|parcel| parcel.is_settled()).unwrap_or(false)
    }

    fn take(&self) -> Option<Result<P::Content, Failure>> {
        self.look(|parcel| parcel.take()).flatten().map(|result| result.map(P::open))
    }

    fn attach(self: Rc<Self>, reactor: &Reactor, link: Rc<dyn Link<P::Content>>) {
        if let Some(parcel) = self.parcel.take() {
            parcel.attach(reactor, Rc::new(Opens(link)));
        }
    }

    fn let_go(&self, discard: Rc<Discard>) -> Option<Result<P::Content, Failure>> {
        match self.look(|parcel| parcel.let_go(discard)).flatten()? {
            Ok(parcel) => {
                contain_drop(parcel);
                Some(Err(Failure::cancelled()))
            }
            Err(failure) => Some(Err(failure)),
        }
    }

    fn watch(&self, waker: &Waker) -> bool {
        let Some(parcel) = self.parcel.take() else { return false };
        if parcel.watch(waker) {
            self.parcel.set(Some(parcel));
        } else {
            // The task waits for the parcel, and opens it when it looks: it may be gone by then.
            let place = Rc::new(Node::waiting(self.chain, Wake(Parked::new(waker))));
            parcel.attach(&self.reactor, place.clone());
            self.parcel.set(Some(place));
        }
        true
    }
}

/// Opens a parcel for what comes after it.
struct Opens<T: 'static>(Rc<dyn Link<T>>);

impl<P: Parcel> Link<P> for Opens<P::Content> {
    fn accept(
        self: Rc<Self>,
        reactor: &Reactor,
        steps: &mut Steps,
        chain: ChainId,
        input: Result<P, Failure>,
    ) -> Option<Rc<dyn Job>> {
        self.0.clone().accept(reactor, steps, chain, input.map(P::open))
    }
}

impl<T: 'static> Linked for Opens<T> {
    fn take_next(&self) -> Option<Rc<dyn Linked>> {
        Some(self.0.clone())
    }
}
