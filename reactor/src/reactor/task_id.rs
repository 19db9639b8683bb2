//! Which task is meant.

/// A task, as long as it goes on; ids are not used again for others.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskId {
    pub(super) index: u32,
    pub(super) generation: u32,
}

impl TaskId {
    /// No task: waking it has the loop take another turn.
    pub(crate) const NONE: Self = Self { index: u32::MAX, generation: 0 };
}
