//! Interior state that can only be reached through a closure.

use std::cell::RefCell;
use std::fmt;

/// A cell whose content is visible only inside [`Guarded::with`], so that no borrow can be alive while user code runs.
///
/// The closure handed to `with` is always this crate's own code: it must neither call into user code nor drop a user's
/// value. Breaking that rule shows at once, as a panic on the second borrow.
#[derive(Default)]
pub(crate) struct Guarded<T>(RefCell<T>);

impl<T> Guarded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    /// Always inlined: it is a flag's test around the closure, and calling it would cost more than it does.
    #[inline(always)]
    #[expect(clippy::disallowed_methods, reason = "the one place that may borrow: the guard cannot leave it")]
    pub(crate) fn with<R>(&self, visit: impl FnOnce(&mut T) -> R) -> R {
        visit(&mut self.0.borrow_mut())
    }
}

impl<T> fmt::Debug for Guarded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guarded")
    }
}
