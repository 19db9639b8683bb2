//! Keeps a panic in user code from spreading.

use std::panic::{AssertUnwindSafe, catch_unwind};

use log::Level;

use crate::escape::Escaped;
use crate::log_throttle::LogThrottle;

mod hook;
#[cfg(feature = "testing")]
mod kept;
mod thrown;

pub(crate) use hook::{flush as flush_panics, install_hook, mark_worker};
#[cfg(feature = "testing")]
pub(crate) use kept::{Owner, fail_test, keep_panics, take_failure_of, take_panics};
use thrown::{Thrown, drop_thrown, words};

/// A peer that has found how to make a protocol panic can do so again and again.
const PANICKED: LogThrottle = LogThrottle::new("lariat::contain");

/// Panics whose message becomes the failure of a Deferred.
const CAUGHT: LogThrottle = LogThrottle::new("lariat::contain::caught");

/// A call that was [contained](contain) has panicked, and that is logged.
#[derive(Debug, PartialEq, Eq)]
pub struct Panicked;

/// Calls `user_code` and keeps a panic in it from spreading: for a protocol that calls what its own users wrote, and has to go on after
/// that. The reactor calls protocols in the same way.
///
/// # Errors
///
/// [`Panicked`] if it panicked. That is logged as an error, with `name` for who did, and fails a test in which it is run on a virtual clock.
///
/// ```
/// use lariat::{Panicked, contain};
///
/// let shares = |people: u32| 12_u32.checked_div(people).expect("somebody is there");
/// assert_eq!(contain(|| "the division", || shares(4)), Ok(3));
/// assert_eq!(contain(|| "the division", || shares(0)), Err(Panicked));
/// ```
#[inline]
pub fn contain<R>(name: impl FnOnce() -> &'static str, user_code: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(user_code)).map_err(|thrown| {
        report(name(), thrown);
        Panicked
    })
}

/// Calls `user_code`. If it panics, returns the message, escaped and cut, for the caller's own report.
#[inline]
pub(crate) fn catch<R>(user_code: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(user_code)).map_err(message)
}

/// Drops a user's value, whose `Drop` may panic like any other user code.
#[inline]
pub(crate) fn contain_drop<T>(value: T) {
    if !std::mem::needs_drop::<T>() {
        return;
    }
    // The report is all that there is to do about it.
    let _ = contain(std::any::type_name::<T>, move || drop(value));
}

/// Drops users' values one after the other, so that no panic of one meets that of another: two at a time would end the process.
pub(crate) fn contain_drops<T>(values: impl IntoIterator<Item = T>) {
    let mut values = values.into_iter();
    // Whoever panics ends a round, and the next one goes on with the rest.
    while contain(std::any::type_name::<T>, || {
        for value in values.by_ref() {
            drop(value);
        }
    })
    .is_err()
    {}
}

#[cold]
fn report(name: &str, thrown: Thrown) {
    let admitted = PANICKED.admit(Level::Error);
    PANICKED.log_as(admitted, Level::Error, format_args!("{name} panicked: {}", words(&*thrown)));
    print(admitted, Some(name));
    #[cfg(feature = "testing")]
    kept::keep(name, thrown);
    #[cfg(not(feature = "testing"))]
    drop_thrown(thrown);
}

/// Prints what the panic hook has kept of a panic, if the line is admitted.
fn print(admitted: Option<u64>, name: Option<&str>) {
    if let Some(pending) = hook::take()
        && admitted.is_some()
    {
        pending.print(name);
    }
}

#[cold]
fn message(thrown: Thrown) -> String {
    let message = Escaped::display(&words(&*thrown)).to_string();
    print(CAUGHT.admit(Level::Error), None);
    drop_thrown(thrown);
    message
}
