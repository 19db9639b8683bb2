//! Chains of owners.

use std::rc::Rc;

use crate::contain::contain_drop;

/// A link that owns the one after it.
pub(crate) trait Linked {
    /// Gives up the next link.
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
