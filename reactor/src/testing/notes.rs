//! What a protocol under test has to say for itself.

use std::fmt;
use std::rc::Rc;

use crate::guarded::Guarded;

/// Notes of what happened, in order: written by a protocol made for a test, read by the test. Cheap to clone; the clones share
/// the notes.
///
/// ```
/// use lariat::testing::{MemoryTransport, Notes};
/// use lariat::{CloseReason, Protocol, Transport};
///
/// struct Listener(Notes);
///
/// impl Protocol for Listener {
///     fn data_received(&mut self, _: &Transport, data: &[u8]) {
///         self.0.note(format!("{} bytes", data.len()));
///     }
///
///     fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
///         self.0.note(reason.to_string());
///     }
/// }
///
/// let notes = Notes::new();
/// let mut wire = MemoryTransport::new(Listener(notes.clone()));
/// wire.feed(b"hello");
/// wire.end_of_input();
/// assert_eq!(notes.take(), ["5 bytes", "closed cleanly"]);
/// ```
#[derive(Clone)]
pub struct Notes(Rc<Guarded<Vec<String>>>);

impl Notes {
    /// No notes yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Rc::new(Guarded::new(Vec::new())))
    }

    /// Writes down what happened.
    pub fn note(&self, what: impl Into<String>) {
        let what = what.into();
        self.0.with(|notes| notes.push(what));
    }

    /// Takes everything written so far.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        self.0.with(std::mem::take)
    }
}

impl Default for Notes {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.with(|notes| f.debug_list().entries(notes.iter()).finish())
    }
}
