//! What was thrown on this thread, kept for a test that fails because of it.

use crate::guarded::Guarded;

use super::thrown::{Thrown, drop_thrown, words};

/// Panics that are kept until somebody asks; of more than so many the first.
const KEPT: usize = 16;

struct Panic {
    /// Who panicked, and what it said.
    report: String,
    /// The words alone, for whoever panics with them in turn.
    thrown: Thrown,
}

thread_local! {
    static PANICS: Guarded<Vec<Panic>> = const { Guarded::new(Vec::new()) };
}

/// Keeps what `name` has thrown, if it is words. Another value is dropped, and words stand in for it.
pub(super) fn keep(name: &str, thrown: Thrown) {
    let report = format!("{name} panicked: {}", words(&*thrown));
    let thrown = if thrown.is::<&str>() || thrown.is::<String>() {
        thrown
    } else {
        let words = words(&*thrown).to_owned();
        drop_thrown(thrown);
        Box::new(words)
    };
    add(Panic { report, thrown });
}

/// Has a test fail for what is no panic.
pub(crate) fn fail_test(words: String) {
    add(Panic { report: words.clone(), thrown: Box::new(words) });
}

fn add(panic: Panic) {
    // At the very end of a thread there is nobody left to keep it for.
    let _ = PANICS.try_with(|panics| {
        panics.with(|panics| {
            if panics.len() < KEPT {
                panics.push(panic);
            }
        });
    });
}

fn exchange(panics: Vec<Panic>) -> Vec<Panic> {
    PANICS.try_with(|kept| kept.with(|kept| std::mem::replace(kept, panics))).unwrap_or_default()
}

/// Takes what was reported on this thread since somebody last asked: who panicked, and what it said.
pub(crate) fn take_panics() -> Vec<String> {
    exchange(Vec::new()).into_iter().map(|panic| panic.report).collect()
}

/// Does `work`. Returns also what the first call that was contained meanwhile has thrown, and nobody else took.
pub(crate) fn keep_panics<R>(work: impl FnOnce() -> R) -> (R, Option<Thrown>) {
    let before = exchange(Vec::new());
    let result = work();
    let first = exchange(before).into_iter().next();
    (result, first.map(|panic| panic.thrown))
}

#[cfg(test)]
mod tests {
    use super::super::contain;
    use super::*;

    #[test]
    fn the_first_of_what_is_thrown_is_kept() {
        let (result, thrown) = keep_panics(|| {
            assert!(contain(|| "one", || panic!("one")).is_err());
            assert!(contain(|| "two", || panic!("two")).is_err());
            7
        });
        assert_eq!(result, 7);
        assert_eq!(thrown.unwrap().downcast_ref::<&str>(), Some(&"one"));
    }

    #[test]
    fn what_is_thrown_outside_is_somebody_elses() {
        drop(take_panics());
        assert!(contain(|| "before", || panic!("before")).is_err());
        let ((), thrown) = keep_panics(|| {});
        assert!(thrown.is_none());
        assert_eq!(take_panics(), ["before panicked: before"]);
        assert!(take_panics().is_empty());
    }

    #[test]
    fn what_is_no_words_is_dropped_at_once() {
        let value = std::sync::Arc::new(7);
        let thrown = value.clone();
        let ((), kept) = keep_panics(|| {
            assert!(contain(|| "one", move || std::panic::panic_any(thrown)).is_err());
            assert_eq!(std::sync::Arc::strong_count(&value), 1);
        });
        assert_eq!(kept.unwrap().downcast_ref::<String>().unwrap(), "a value that is no string");
    }

    #[test]
    fn of_very_many_the_first_are_kept() {
        drop(take_panics());
        for number in 0..2 * KEPT {
            fail_test(number.to_string());
        }
        assert_eq!(take_panics(), (0..KEPT).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}
