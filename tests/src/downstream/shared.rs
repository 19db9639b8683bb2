//! State that several protocols of one reactor share.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// A value with many owners on one thread, reached only through a closure: so a borrow never outlives the place that needs it.
pub struct Shared<T>(Rc<RefCell<T>>);

impl<T> Shared<T> {
    /// Shares `value`.
    pub fn new(value: T) -> Self {
        Self(Rc::new(RefCell::new(value)))
    }

    /// Visits the value. `visit` must not come back here.
    #[expect(clippy::disallowed_methods, reason = "the one place that may borrow: the guard cannot leave it")]
    pub fn with<R>(&self, visit: impl FnOnce(&mut T) -> R) -> R {
        visit(&mut self.0.borrow_mut())
    }
}

impl<T: Default> Shared<T> {
    /// Leaves the default in the value's place.
    pub fn take(&self) -> T {
        self.with(std::mem::take)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}
