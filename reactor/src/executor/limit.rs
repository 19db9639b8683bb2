//! Futures that are not waited for for ever.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::deferred::Deferred;
use crate::failure::Failure;
use crate::reactor::Reactor;

/// A future with a time limit: what [`Reactor::timeout`] gives.
#[must_use = "a future does nothing until it is awaited"]
pub struct Limit<F> {
    future: Pin<Box<F>>,
    over: Deferred<()>,
    limit: Duration,
}

impl Reactor {
    /// Waits for `future` for so long. What it gives is the value, or after that time a [`Failure`] of kind
    /// [`TimedOut`](crate::FailureKind::TimedOut). The time counts from now. (For a Deferred, there is [`Deferred::timeout`].)
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::future::pending;
    /// use std::time::Duration;
    ///
    /// let mut reactor = Reactor::new()?;
    /// let limit = reactor.timeout(Duration::from_millis(1), pending::<()>());
    /// let result = reactor.block_on(limit)?;
    /// assert!(result.unwrap_err().is_timed_out());
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[track_caller]
    pub fn timeout<F: Future>(&self, limit: Duration, future: F) -> Limit<F> {
        Limit { future: Box::pin(future), over: self.sleep(limit), limit }
    }
}

impl<F: Future> Future for Limit<F> {
    type Output = Result<F::Output, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(output) = self.future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        let limit = self.limit;
        Pin::new(&mut self.over).poll(context).map(|over| {
            over?;
            Err(Failure::timed_out_after(limit))
        })
    }
}

impl<F> fmt::Debug for Limit<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Limit").field(&self.limit).finish()
    }
}
