//! The tasks of a loop.

use std::fmt;
use std::mem;
use std::num::NonZeroU32;
use std::pin::Pin;

use slab::Slab;

use super::task_id::TaskId;

/// A slab of tasks that rejects the ids of those which have ended. A task is taken out while it is polled.
pub(crate) struct TaskTable<T: ?Sized> {
    slots: Slab<Slot<T>>,
    next_generation: NonZeroU32,
}

struct Slot<T: ?Sized> {
    /// Never zero, which also lets the slab tell a vacant entry without a tag.
    generation: NonZeroU32,
    /// None while it is polled.
    task: Option<Pin<Box<T>>>,
}

impl<T: ?Sized> TaskTable<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Slab::new(), next_generation: NonZeroU32::MIN }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The id that the next task gets.
    pub(crate) fn next_id(&self) -> TaskId {
        // Memory ends long before there are four thousand million tasks.
        let index = u32::try_from(self.slots.vacant_key()).unwrap_or(u32::MAX);
        TaskId { index, generation: self.next_generation.get() }
    }

    /// Takes in a task, as [`next_id`](Self::next_id).
    pub(crate) fn insert(&mut self, task: Pin<Box<T>>) {
        let generation = self.next_generation;
        self.next_generation = generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.slots.insert(Slot { generation, task: Some(task) });
    }

    #[inline]
    fn slot(&mut self, id: TaskId) -> Option<&mut Slot<T>> {
        self.slots.get_mut(id.index as usize).filter(|slot| slot.generation.get() == id.generation)
    }

    /// Takes a task out to be polled, if it has not ended.
    #[inline]
    pub(crate) fn take(&mut self, id: TaskId) -> Option<Pin<Box<T>>> {
        self.slot(id)?.task.take()
    }

    /// Puts a task back. If it was removed meanwhile, it is given back.
    #[inline]
    pub(crate) fn put(&mut self, id: TaskId, task: Pin<Box<T>>) -> Option<Pin<Box<T>>> {
        match self.slot(id) {
            Some(slot) => {
                // It is out, so there is nothing to drop.
                mem::forget(slot.task.replace(task));
                None
            }
            None => Some(task),
        }
    }

    /// Removes a task, wherever it is. What is there of it is dropped by the caller.
    pub(crate) fn remove(&mut self, id: TaskId) -> Option<Pin<Box<T>>> {
        self.slot(id)?;
        self.slots.remove(id.index as usize).task
    }

    /// All that are not being polled.
    #[cfg(feature = "testing")]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|(_, slot)| slot.task.as_deref())
    }

    /// Removes all of them.
    pub(crate) fn remove_all(&mut self) -> impl Iterator<Item = Pin<Box<T>>> + use<T> {
        mem::take(&mut self.slots).into_iter().filter_map(|(_, slot)| slot.task)
    }
}

impl<T: ?Sized> fmt::Debug for TaskTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskTable").field(&self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_good_for_one_task_only() {
        let mut table = TaskTable::new();
        let first = table.next_id();
        table.insert(Box::pin(1));
        assert!(table.remove(first).is_some());
        let second = table.next_id();
        table.insert(Box::pin(2));
        assert_eq!(first.index, second.index);
        assert!(table.take(first).is_none() && table.remove(first).is_none());
        assert_eq!(table.take(second).as_deref(), Some(&2));
        assert!(table.take(TaskId::NONE).is_none());
    }

    #[test]
    fn a_task_that_is_removed_while_it_is_out_does_not_come_back() {
        let mut table = TaskTable::new();
        let id = table.next_id();
        table.insert(Box::pin(1));
        let task = table.take(id).unwrap();
        assert!(table.take(id).is_none(), "it is out");
        assert!(table.remove(id).is_none());
        assert_eq!(table.put(id, task).as_deref(), Some(&1));
        assert_eq!(table.len(), 0);
    }
}
