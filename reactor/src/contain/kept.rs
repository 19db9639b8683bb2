//! What was thrown, kept for a test that fails because of it.

use std::any::Any;
use std::cell::Cell;

pub(super) type Thrown = Box<dyn Any + Send>;

/// What becomes of what user code on this thread throws.
enum Fate {
    Dropped,
    /// The first is kept, if there has been one.
    Kept(Option<Thrown>),
}

thread_local! {
    static FATE: Cell<Fate> = const { Cell::new(Fate::Dropped) };
}

/// Sets what becomes of it until this is dropped.
struct Until(Option<Fate>);

impl Drop for Until {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            // At the very end of a thread there is nobody left to keep it for.
            let _ = FATE.try_with(|fate| fate.set(before));
        }
    }
}

/// Does `work`. Returns also what the first call that was contained meanwhile has thrown.
pub(crate) fn keep_panics<R>(work: impl FnOnce() -> R) -> (R, Option<Thrown>) {
    let mut until = Until(Some(FATE.replace(Fate::Kept(None))));
    let result = work();
    let before = until.0.take().unwrap_or(Fate::Dropped);
    match FATE.replace(before) {
        Fate::Kept(thrown) => (result, thrown),
        Fate::Dropped => (result, None),
    }
}

/// Keeps what was thrown, or gives it back if nobody wants it.
pub(super) fn keep(thrown: Thrown) -> Option<Thrown> {
    let fate = FATE.try_with(|fate| fate.replace(Fate::Dropped)).unwrap_or(Fate::Dropped);
    let (fate, unwanted) = match fate {
        Fate::Kept(None) => (Fate::Kept(Some(thrown)), None),
        fate => (fate, Some(thrown)),
    };
    // What was there is the plain mark that was left above: no user's value is dropped here.
    let _ = FATE.try_with(|cell| cell.set(fate));
    unwanted
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
    fn what_is_thrown_outside_is_not_kept() {
        assert!(contain(|| "before", || panic!("before")).is_err());
        let ((), thrown) = keep_panics(|| {});
        assert!(thrown.is_none());
    }
}
