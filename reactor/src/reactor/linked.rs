//! What is linked into chains.

use std::rc::Rc;

use crate::contain::contain_drop;

/// Something that owns what comes after it.
pub(crate) trait Linked {
    /// Gives that up.
    fn take_next(&self) -> Option<Rc<dyn Linked>>;
}

/// Drops a chain link by link, however long it is.
pub(crate) fn unlink(first: Rc<dyn Linked>) {
    let mut next = Some(first);
    while let Some(linked) = next {
        next = if Rc::strong_count(&linked) == 1 { linked.take_next() } else { None };
        contain_drop(linked);
    }
}

/// What comes last in every chain that nobody listens to: one for all of a reactor.
#[derive(Debug)]
pub(crate) struct Discard;

impl Linked for Discard {
    fn take_next(&self) -> Option<Rc<dyn Linked>> {
        None
    }
}
