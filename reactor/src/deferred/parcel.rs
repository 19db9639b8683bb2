//! Values that are not lost when nothing takes them.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Waker;

use crate::contain::contain_drop;
use crate::failure::Failure;
use crate::reactor::{ChainId, Job, Linked, Reactor, Steps};

use super::callbacks::Wake;
use super::deferred::Deferred;
use super::link::{Link, Open, Pass, Passing, Tail};
use super::node::Node;

/// A value on its way to a callback or a task. Its `Drop` recovers the content of a parcel that was not opened.
pub(crate) trait Parcel: 'static {
    type Content: 'static;

    fn open(self) -> Self::Content;
}

/// The Deferred of the content. Unlike with [`Deferred::map`], the parcel is opened only for a callback, or for a task that takes the
/// result; if the Deferred is dropped before, so is the parcel.
pub(crate) fn unpacked<P: Parcel>(parcels: Deferred<P>) -> Deferred<P::Content> {
    parcels.convert(|parcel| {
        let (reactor, chain) = (parcel.reactor.clone(), parcel.chain);
        let tail: Rc<dyn Tail<_>> = Rc::new(Opened { parcel: Cell::new(Some(parcel)) });
        Open { reactor, tail: Some(tail), chain }
    })
}

/// The end of a chain of parcels, seen as one of their contents.
struct Opened<P: 'static> {
    /// Gone once the result goes on elsewhere.
    parcel: Cell<Option<Open<P>>>,
}

impl<P: Parcel> Opened<P> {
    fn look<R>(&self, look: impl FnOnce(&Open<P>) -> R) -> Option<R> {
        let parcel = self.parcel.take()?;
        let seen = look(&parcel);
        self.parcel.set(Some(parcel));
        Some(seen)
    }
}

impl<P: Parcel> Tail<P::Content> for Opened<P> {
    fn is_settled(&self) -> bool {
        self.look(Open::is_settled).unwrap_or(false)
    }

    fn take(&self) -> Option<Result<P::Content, Failure>> {
        self.look(Open::take).flatten().map(|result| result.map(P::open))
    }

    fn attach(self: Rc<Self>, _: &Reactor, link: Rc<dyn Link<P::Content>>) {
        if let Some(parcel) = self.parcel.take() {
            parcel.attach(Rc::new(Passing::new(Opens(link))));
        }
    }

    fn let_go(&self) -> bool {
        let Some(parcel) = self.parcel.take() else { return false };
        match parcel.take() {
            // Dropped unopened, the parcel recovers its content.
            Some(Ok(unopened)) => contain_drop(unopened),
            Some(Err(failure)) => parcel.reactor.report_unhandled(parcel.chain, failure),
            None => return parcel.let_go().is_some(),
        }
        false
    }

    fn watch(&self, waker: &Waker) -> bool {
        let Some(mut parcel) = self.parcel.take() else { return false };
        if !parcel.tail.as_ref().is_some_and(|tail| tail.watch(waker)) {
            // The task waits for the parcel, and opens it when it looks: it may be gone by then.
            let place = Rc::new(Node::new(Wake::new(waker)));
            let chain = parcel.chain;
            let reactor = parcel.attach(place.clone());
            parcel = Open { reactor, tail: Some(place), chain };
        }
        self.parcel.set(Some(parcel));
        true
    }
}

/// Opens a parcel for what comes after it.
struct Opens<P: Parcel>(Rc<dyn Link<P::Content>>);

impl<P: Parcel> Pass for Opens<P> {
    type Input = P;

    fn pass(
        &self,
        reactor: &Reactor,
        steps: &mut Steps,
        chain: ChainId,
        input: Result<P, Failure>,
    ) -> Option<Rc<dyn Job>> {
        self.0.clone().accept(reactor, steps, chain, input.map(P::open))
    }

    fn next(&self) -> Rc<dyn Linked> {
        self.0.clone()
    }
}
