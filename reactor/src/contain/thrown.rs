//! What a panic throws.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) type Thrown = Box<dyn Any + Send>;

/// What it says.
pub(super) fn words(thrown: &(dyn Any + Send)) -> &str {
    let text = thrown.downcast_ref::<&str>().copied();
    text.or_else(|| thrown.downcast_ref::<String>().map(String::as_str)).unwrap_or("a value that is no string")
}

/// What was thrown is a user's value too, with a `Drop` of its own.
pub(super) fn drop_thrown(thrown: Thrown) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(thrown))) {
        std::mem::forget(second);
    }
}
