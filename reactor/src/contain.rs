//! Keeps a panic in user code from spreading.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use log::error;

#[cfg(feature = "testing")]
mod kept;
#[cfg(feature = "testing")]
use crate::guarded::Guarded;
#[cfg(feature = "testing")]
pub(crate) use kept::keep_panics;

/// The call that was contained has panicked; it is logged.
#[derive(Debug)]
pub(crate) struct Panicked;

/// Calls `user_code`. A panic in it is logged with `name` and ends here.
#[inline]
pub(crate) fn contain<R>(name: impl FnOnce() -> &'static str, user_code: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(user_code)).map_err(|payload| {
        report(name(), payload);
        Panicked
    })
}

/// Calls `user_code`. If it panics, gives the message, escaped, for somebody who will tell it.
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

/// Has a test fail for what is no panic: see [`keep_panics`] and [`take_panics`].
#[cfg(feature = "testing")]
pub(crate) fn fail_test(words: String) {
    remember(words.clone());
    drop(kept::keep(Box::new(words)));
}

#[cold]
fn report(name: &str, payload: Box<dyn Any + Send>) {
    error!("{name} panicked: {}", words(&*payload).escape_debug());
    #[cfg(feature = "testing")]
    remember(format!("{name} panicked: {}", words(&*payload)));
    #[cfg(feature = "testing")]
    let Some(payload) = kept::keep(payload) else { return };
    drop_payload(payload);
}

#[cold]
fn message(payload: Box<dyn Any + Send>) -> String {
    let message = words(&*payload).escape_debug().to_string();
    drop_payload(payload);
    message
}

fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a value that is no string")
}

/// What was thrown is a user's value too, with a `Drop` of its own.
fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        std::mem::forget(second);
    }
}

/// Panics that are remembered; of the others only this many are known to have been.
#[cfg(feature = "testing")]
const REMEMBERED: usize = 16;

#[cfg(feature = "testing")]
thread_local! {
    static PANICS: Guarded<Vec<String>> = const { Guarded::new(Vec::new()) };
}

#[cfg(feature = "testing")]
fn remember(words: String) {
    // At the very end of a thread there is nobody left to remember it for.
    let _ = PANICS.try_with(|panics| {
        panics.with(|panics| {
            if panics.len() < REMEMBERED {
                panics.push(words);
            }
        });
    });
}

/// Takes what was reported on this thread since somebody last asked: who panicked, and what it said.
#[cfg(feature = "testing")]
pub(crate) fn take_panics() -> Vec<String> {
    PANICS.with(|panics| panics.with(std::mem::take))
}
