//! A signal that stays on.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use crate::deferred::Deferred;
use crate::reactor::Reactor;

use super::line::Line;

/// Something that has happened or has not, and that anybody can wait for. It can be undone; what Python's `asyncio.Event` is.
///
/// Cloning it gives another handle to the same. When the last one is dropped, whoever still waits fails with
/// [`FailureKind::Abandoned`](crate::FailureKind::Abandoned); when the reactor ends, with [`Ended`](crate::FailureKind::Ended).
///
/// ```
/// use lariat::{Event, Reactor};
/// use std::time::Duration;
///
/// let reactor = Reactor::new()?;
/// let ready = Event::new(&reactor);
/// let stop = Reactor::clone(&reactor);
/// ready.wait().finish(move |_| stop.stop());
/// reactor.call_later(Duration::from_millis(1), move |_| ready.set());
/// reactor.run()?;
/// # Ok::<(), lariat::Error>(())
/// ```
#[derive(Clone)]
pub struct Event(Rc<Inner>);

struct Inner {
    reactor: Reactor,
    is_set: Cell<bool>,
    line: Line<()>,
}

impl Event {
    /// One that has not happened yet.
    pub fn new(reactor: &Reactor) -> Self {
        Self(Rc::new(Inner { reactor: reactor.clone(), is_set: Cell::new(false), line: Line::new() }))
    }

    /// It has happened: everybody who waits is told, from the loop, in the order in which they came; also if it is undone before they
    /// hear of it.
    pub fn set(&self) {
        self.0.is_set.set(true);
        while let Some((resolver, ())) = self.0.line.next() {
            // It waits still.
            let _ = resolver.resolve(());
        }
    }

    /// Undoes it: whoever waits from now on waits for the next time.
    pub fn clear(&self) {
        self.0.is_set.set(false);
    }

    /// Has it happened?
    pub fn is_set(&self) -> bool {
        self.0.is_set.get()
    }

    /// Waits until it happens; not at all if it has. Cancelling it leaves no trace.
    #[track_caller]
    pub fn wait(&self) -> Deferred<()> {
        if self.is_set() { Deferred::succeed(&self.0.reactor, ()) } else { self.0.line.join(&self.0.reactor, ()) }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.0.line.len()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).field("waiting", &self.waiting()).finish()
    }
}
