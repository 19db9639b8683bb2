//! What becomes of attempts to connect.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use lariat::{Deferred, Error};

/// The error with which `attempt` has failed already.
///
/// # Panics
///
/// When it has not.
pub fn refusal<T>(attempt: Deferred<T>) -> Error {
    let polled = pin!(attempt).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(failure)) = polled else { panic!("it was not refused") };
    failure.downcast().unwrap_or_else(|failure| panic!("{failure:?} is no error of the reactor"))
}

/// Where it will be told how `attempt` ends: nothing if it succeeds, else its error.
pub fn outcome<T>(attempt: Deferred<T>) -> Rc<Cell<Option<Result<(), Error>>>> {
    let told = Rc::new(Cell::new(None));
    let tell = told.clone();
    attempt.finish(move |result| {
        let error = |failure: lariat::Failure| {
            failure.downcast().unwrap_or_else(|failure| panic!("{failure:?} is no error of the reactor"))
        };
        tell.set(Some(result.map(drop).map_err(error)));
    });
    told
}
