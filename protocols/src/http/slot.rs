//! State that handles share.

use std::cell::Cell;

/// A value that is taken out while it is looked at, so that nothing is ever borrowed while user code runs.
#[derive(Default)]
pub(super) struct Slot<T>(Cell<T>);

impl<T: Default> Slot<T> {
    /// The closure must not call user code, which might come here again and would find an empty value.
    pub(super) fn with<R>(&self, visit: impl FnOnce(&mut T) -> R) -> R {
        let mut value = self.0.take();
        let result = visit(&mut value);
        self.0.set(value);
        result
    }
}
