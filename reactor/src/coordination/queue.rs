//! Items that wait for somebody, or somebody who waits for items.

use std::collections::VecDeque;
use std::fmt;
use std::rc::{Rc, Weak};

use crate::contain::{contain_drop, contain_drops};
use crate::deferred::{Deferred, Parcel, unpacked};
use crate::guarded::Guarded;
use crate::reactor::Reactor;

use super::line::Line;
use super::too_many_wait::TooManyWait;

/// A queue between chains: [`get`](Self::get) waits while it is empty, [`put`](Self::put) while it is full. First in, first out, and whoever waits
/// is served in the order in which they came.
///
/// Nothing is lost: an item on its way to a `get` that is dropped before it arrives goes to the next one who waits, or back to the
/// front; the queue may then hold more for a while than it should. An item has arrived when it was handed to a callback, or to a task that awaits
/// the `get`.
///
/// Nothing is called back from inside its methods. Cloning it gives another handle to the same. When the last one is dropped, whoever
/// still waits fails with [`FailureKind::Abandoned`](crate::FailureKind::Abandoned), and the items are dropped; when the reactor ends,
/// whoever waits fails with [`Ended`](crate::FailureKind::Ended), and the items stay.
///
/// ```
/// use lariat::{Queue, Reactor};
///
/// let reactor = Reactor::new()?;
/// let queue = Queue::new(&reactor, 16);
/// let stop = Reactor::clone(&reactor);
/// queue.get().finish(move |item| {
///     assert_eq!(item.unwrap(), "a job");
///     stop.stop();
/// });
/// queue.put("a job").detach();
/// reactor.run()?;
/// # Ok::<(), lariat::Error>(())
/// ```
#[doc(alias = "DeferredQueue")]
pub struct Queue<T: 'static>(Rc<Inner<T>>);

struct Inner<T: 'static> {
    reactor: Reactor,
    capacity: usize,
    most_getters: usize,
    most_putters: usize,
    items: Guarded<VecDeque<T>>,
    /// While there are items, or others who would put some, nobody waits here.
    getters: Line<InTransit<T>>,
    /// While there is room, nobody waits here.
    putters: Line<(), T>,
}

impl<T: 'static> Queue<T> {
    /// A queue with room for `capacity` items. With none, each `put` waits for a `get`.
    #[track_caller]
    #[doc(alias = "size")]
    pub fn new(reactor: &Reactor, capacity: usize) -> Self {
        Self::with_limits(reactor, capacity, usize::MAX, usize::MAX)
    }

    /// A queue with room for any number of items.
    #[track_caller]
    pub fn unbounded(reactor: &Reactor) -> Self {
        Self::new(reactor, usize::MAX)
    }

    /// A queue with room for `capacity` items, where at most `getters` may wait for an item and `putters` for room: whoever would be one more
    /// fails with [`TooManyWait`].
    #[doc(alias = "backlog")]
    #[track_caller]
    pub fn with_limits(reactor: &Reactor, capacity: usize, getters: usize, putters: usize) -> Self {
        let inner = Rc::new(Inner {
            reactor: reactor.clone(),
            capacity,
            most_getters: getters,
            most_putters: putters,
            items: Guarded::new(VecDeque::new()),
            getters: Line::new(),
            putters: Line::new(),
        });
        #[cfg(feature = "testing")]
        super::lengths::enter(reactor, &inner, std::panic::Location::caller());
        Self(inner)
    }

    /// Appends an item, and waits until there is room for it. Cancelling it drops the item, if it still waits then.
    ///
    /// # Errors
    ///
    /// The Deferred fails with [`TooManyWait`], and the item is dropped, when there is no room and nobody else may wait for some.
    #[track_caller]
    pub fn put(&self, item: T) -> Deferred<()> {
        let Inner { reactor, putters, most_putters, .. } = &*self.0;
        if reactor.has_ended() {
            return putters.join(reactor, item);
        }
        match self.try_put(item) {
            Ok(()) => Deferred::succeed(reactor, ()),
            Err(item) if putters.is_full(*most_putters) => {
                contain_drop(item);
                Deferred::fail(reactor, TooManyWait::new(*most_putters))
            }
            Err(item) => putters.join(reactor, item),
        }
    }

    /// Appends an item, if there is room for it now.
    ///
    /// # Errors
    ///
    /// When there is none: the item.
    pub fn try_put(&self, item: T) -> Result<(), T> {
        let Inner { getters, putters, .. } = &*self.0;
        if let Some((getter, ())) = getters.next() {
            // It waits still; should it not, the item comes back.
            drop(getter.resolve(self.0.pack(item)));
            return Ok(());
        }
        if self.0.is_full() || !putters.is_empty() {
            return Err(item);
        }
        self.0.items.with(|items| items.push_back(item));
        Ok(())
    }

    /// Takes the first item, and waits for one while there is none. Cancelling it leaves no trace.
    ///
    /// # Errors
    ///
    /// The Deferred fails with [`TooManyWait`] when there is no item and nobody else may wait for one.
    #[track_caller]
    pub fn get(&self) -> Deferred<T> {
        let Inner { reactor, getters, most_getters, .. } = &*self.0;
        if reactor.has_ended() {
            return unpacked(getters.join(reactor, ()));
        }
        match self.try_get() {
            Some(item) => unpacked(Deferred::succeed(reactor, self.0.pack(item))),
            None if getters.is_full(*most_getters) => Deferred::fail(reactor, TooManyWait::new(*most_getters)),
            None => unpacked(getters.join(reactor, ())),
        }
    }

    /// Takes the first item, if there is one now.
    pub fn try_get(&self) -> Option<T> {
        match self.0.items.with(VecDeque::pop_front) {
            Some(item) => {
                self.0.refill();
                Some(item)
            }
            None => {
                let (putter, item) = self.0.putters.next()?;
                // It waits still.
                let _ = putter.resolve(());
                Some(item)
            }
        }
    }

    /// How many items there are, without those whose `put` waits.
    #[doc(alias = "pending")]
    pub fn len(&self) -> usize {
        self.0.items.with(|items| items.len())
    }

    /// Are there no items?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Does a `put` have to wait?
    pub fn is_full(&self) -> bool {
        self.0.is_full() && self.0.getters.is_empty()
    }

    /// How many items there is room for.
    pub fn capacity(&self) -> usize {
        self.0.capacity
    }

    /// How many wait for an item.
    #[doc(alias = "waiting")]
    pub fn waiting_getters(&self) -> usize {
        self.0.getters.len()
    }

    /// How many wait for room.
    pub fn waiting_putters(&self) -> usize {
        self.0.putters.len()
    }
}

impl<T: 'static> Inner<T> {
    fn is_full(&self) -> bool {
        self.items.with(|items| items.len()) >= self.capacity
    }

    /// Lets those in who wait for room, as far as there is some.
    fn refill(&self) {
        while !self.is_full()
            && let Some((putter, item)) = self.putters.next()
        {
            self.items.with(|items| items.push_back(item));
            // It waits still.
            let _ = putter.resolve(());
        }
    }

    fn pack(self: &Rc<Self>, item: T) -> InTransit<T> {
        InTransit { item: Some(item), queue: Rc::downgrade(self) }
    }

    fn take_back(self: &Rc<Self>, item: T) {
        match self.getters.next() {
            // It waits still; should it not, the item comes back again.
            Some((getter, ())) => drop(getter.resolve(self.pack(item))),
            None => self.items.with(|items| items.push_front(item)),
        }
    }
}

#[cfg(feature = "testing")]
impl<T: 'static> super::lengths::Measured for Inner<T> {
    fn length(&self) -> usize {
        self.items.with(|items| items.len()) + self.putters.len()
    }
}

impl<T: 'static> Drop for Inner<T> {
    fn drop(&mut self) {
        contain_drops(self.items.with(std::mem::take));
    }
}

/// An item on its way to somebody who gets it.
struct InTransit<T: 'static> {
    /// Gone once it has arrived.
    item: Option<T>,
    queue: Weak<Inner<T>>,
}

impl<T: 'static> Parcel for InTransit<T> {
    type Content = T;

    fn open(mut self) -> T {
        self.item.take().expect("it is opened only once, for that consumes it")
    }
}

impl<T: 'static> Drop for InTransit<T> {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            match self.queue.upgrade() {
                Some(queue) => queue.take_back(item),
                None => contain_drop(item),
            }
        }
    }
}

impl<T: 'static> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: 'static> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("waiting_getters", &self.waiting_getters())
            .field("waiting_putters", &self.waiting_putters())
            .finish()
    }
}
