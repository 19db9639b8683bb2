//! Panics and unhandled failures of this thread, kept for the test that fails because of them.

use std::ptr;

use crate::guarded::Guarded;

use super::thrown::{Thrown, drop_thrown, words};

/// Reports kept at most. The first ones are kept, since the others usually follow from them.
const KEPT: usize = 16;

/// The reactor that a failure belongs to, by the address of its state.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner(usize);

impl Owner {
    pub(crate) fn of<T>(state: &T) -> Self {
        Self(ptr::from_ref(state).addr())
    }
}

struct Kept {
    /// The name of the code that panicked, and the message.
    report: String,
    /// The message alone.
    message: String,
    /// None for a panic, which is contained without a reactor.
    owner: Option<Owner>,
}

thread_local! {
    static REPORTS: Guarded<Vec<Kept>> = const { Guarded::new(Vec::new()) };
}

/// Keeps the report of a panic of `name` that was contained. The panic hook has printed it already.
pub(super) fn keep(name: &str, thrown: Thrown) {
    let message = words(&*thrown).to_owned();
    add(Kept { report: format!("{name} panicked: {message}"), message, owner: None });
    drop_thrown(thrown);
}

/// Makes a test on the reactor `owner` fail for a reason that is no panic.
pub(crate) fn fail_test(owner: Owner, report: String) {
    add(Kept { message: report.clone(), report, owner: Some(owner) });
}

fn add(kept: Kept) {
    // The thread may be ending, and its thread-local values with it.
    let _ = REPORTS.try_with(|reports| {
        reports.with(|reports| {
            if reports.len() < KEPT {
                reports.push(kept);
            }
        });
    });
}

fn exchange(reports: Vec<Kept>) -> Vec<Kept> {
    REPORTS.try_with(|kept| kept.with(|kept| std::mem::replace(kept, reports))).unwrap_or_default()
}

/// Takes everything reported on this thread since the last call.
pub(crate) fn take_panics() -> Vec<String> {
    exchange(Vec::new()).into_iter().map(|kept| kept.report).collect()
}

/// Takes the failures of `owner` that were reported outside [`keep_panics`]: by the body of a test.
/// Returns the first.
pub(crate) fn take_failure_of(owner: Owner) -> Option<String> {
    let (ours, others): (Vec<_>, Vec<_>) = exchange(Vec::new()).into_iter().partition(|kept| kept.owner == Some(owner));
    exchange(others);
    ours.into_iter().next().map(|kept| kept.message)
}

/// Does `work`. Returns also the message of the first panic or failure that was kept meanwhile and
/// not taken.
pub(crate) fn keep_panics<R>(work: impl FnOnce() -> R) -> (R, Option<String>) {
    let before = exchange(Vec::new());
    let result = work();
    let first = exchange(before).into_iter().next();
    (result, first.map(|kept| kept.message))
}

#[cfg(test)]
mod tests {
    use super::super::contain;
    use super::*;

    #[test]
    fn the_first_panic_is_kept() {
        let (result, report) = keep_panics(|| {
            assert!(contain(|| "one", || panic!("oh")).is_err());
            assert!(contain(|| "two", || panic!("dear")).is_err());
            7
        });
        assert_eq!(result, 7);
        assert_eq!(report.unwrap(), "oh");
    }

    #[test]
    fn a_panic_before_the_work_is_not_among_its_reports() {
        drop(take_panics());
        assert!(contain(|| "before", || panic!("before")).is_err());
        let ((), report) = keep_panics(|| {});
        assert!(report.is_none());
        assert_eq!(take_panics(), ["before panicked: before"]);
        assert!(take_panics().is_empty());
    }

    #[test]
    fn a_payload_without_text_is_dropped_at_once() {
        let value = std::sync::Arc::new(7);
        let thrown = value.clone();
        let ((), report) = keep_panics(|| {
            assert!(contain(|| "one", move || std::panic::panic_any(thrown)).is_err());
            assert_eq!(std::sync::Arc::strong_count(&value), 1);
        });
        assert_eq!(report.unwrap(), "a value that is no string");
    }

    #[test]
    fn a_failure_is_taken_by_its_own_reactor_alone() {
        drop(take_panics());
        let states = [1, 2];
        let [one, two] = [Owner::of(&states[0]), Owner::of(&states[1])];
        fail_test(one, "of one".to_owned());
        assert_eq!(take_failure_of(two), None);
        assert_eq!(take_failure_of(one).as_deref(), Some("of one"));
        assert_eq!(take_failure_of(one), None);
    }

    #[test]
    fn the_first_of_many_reports_are_kept() {
        drop(take_panics());
        let state = 7;
        for number in 0..2 * KEPT {
            fail_test(Owner::of(&state), number.to_string());
        }
        assert_eq!(take_panics(), (0..KEPT).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}
