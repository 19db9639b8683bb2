//! The lengths of a reactor's queues, for a simulation that looks whether one only grows.

use std::panic::Location;
use std::rc::{Rc, Weak};

use crate::guarded::Guarded;
use crate::reactor::Reactor;

/// A queue that can tell its length.
pub(super) trait Measured {
    fn length(&self) -> usize;
}

/// A queue and the place where it was made.
type Entry = (Weak<dyn Measured>, &'static Location<'static>);

/// The queues of a reactor. They are entered only if a simulation watches them.
#[derive(Default)]
pub(crate) struct QueueLengths(Guarded<Option<Vec<Entry>>>);

impl QueueLengths {
    /// From now on, new queues are entered.
    pub(crate) fn watch(&self) {
        self.0.with(|entries| {
            entries.get_or_insert_default();
        });
    }

    /// The length of each queue that there still is, and where it was made.
    pub(crate) fn all(&self) -> Vec<(usize, &'static Location<'static>)> {
        let queues: Vec<_> = self
            .0
            .with(|entries| {
                let entries = entries.as_mut()?;
                entries.retain(|(queue, _)| queue.strong_count() > 0);
                Some(entries.iter().filter_map(|(queue, made)| Some((queue.upgrade()?, *made))).collect())
            })
            .unwrap_or_default();
        queues.into_iter().map(|(queue, made): (Rc<dyn Measured>, _)| (queue.length(), made)).collect()
    }
}

/// Enters a queue of `reactor`'s.
pub(super) fn enter<Q: Measured + 'static>(reactor: &Reactor, queue: &Rc<Q>, made: &'static Location<'static>) {
    reactor.extension::<QueueLengths>().0.with(|entries| {
        if let Some(entries) = entries {
            let queue: Weak<Q> = Rc::downgrade(queue);
            entries.push((queue, made));
        }
    });
}
