//! A destructor that does what a test tells it to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use lariat::Bytes;

type Act = Box<dyn FnOnce()>;

/// A value that calls a closure when it is dropped.
pub struct OnDrop(Option<Act>);

impl OnDrop {
    /// A value whose drop is `act`.
    #[must_use]
    pub fn new(act: impl FnOnce() + 'static) -> Self {
        Self(Some(Box::new(act)))
    }

    /// A chunk of `bytes` whose last reference calls `act` when it goes.
    #[must_use]
    pub fn chunk(bytes: impl Into<Vec<u8>>, act: impl FnOnce() + 'static) -> Bytes {
        Bytes::from_owner(Owner { bytes: bytes.into(), act: ACTS.with(|acts| acts.keep(Box::new(act))) })
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(act) = self.0.take() {
            act();
        }
    }
}

impl fmt::Debug for OnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnDrop")
    }
}

/// The owner of a chunk may go to another thread, and what the act holds may not: so it stays behind, under a number.
struct Owner {
    bytes: Vec<u8>,
    act: usize,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(act) = ACTS.with(|acts| acts.take(self.act)) {
            act();
        }
    }
}

thread_local! {
    static ACTS: Acts = Acts::default();
}

/// Acts of chunks, by number.
#[derive(Default)]
struct Acts(RefCell<(usize, HashMap<usize, Act>)>);

impl Acts {
    fn keep(&self, act: Act) -> usize {
        self.with(|(last, acts)| {
            *last += 1;
            acts.insert(*last, act);
            *last
        })
    }

    fn take(&self, number: usize) -> Option<Act> {
        self.with(|(_, acts)| acts.remove(&number))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that may borrow: the guard cannot leave it")]
    fn with<R>(&self, visit: impl FnOnce(&mut (usize, HashMap<usize, Act>)) -> R) -> R {
        visit(&mut self.0.borrow_mut())
    }
}
