//! All values, or the first failure.

use crate::deferred::Deferred;
use crate::failure::Failure;
use crate::reactor::Reactor;

use super::group::{Tally, combine};

struct Values<T> {
    values: Vec<Option<T>>,
    missing: usize,
}

impl<T: 'static> Tally<T> for Values<T> {
    type Total = Vec<T>;

    fn count(&mut self, place: usize, result: Result<T, Failure>) -> Option<Result<Vec<T>, Failure>> {
        match result {
            Ok(value) => {
                self.values[place] = Some(value);
                self.missing -= 1;
                (self.missing == 0).then(|| Ok(std::mem::take(&mut self.values).into_iter().flatten().collect()))
            }
            Err(failure) => Some(Err(failure)),
        }
    }
}

impl<T: 'static> Deferred<T> {
    /// The values of all `parts`, in their order; or the first failure among them, upon which the rest are cancelled. Of no parts it is
    /// an empty `Vec`.
    ///
    /// Cancelling it cancels every part that is still waited for. A part that fails after the first, and not because it was
    /// cancelled, is logged as a failure that nobody has handled; values that come too late are dropped.
    /// [`Reactor::dump_deferreds`] shows the parts below it.
    ///
    /// ```
    /// use lariat::{Deferred, Reactor};
    ///
    /// let reactor = Reactor::new()?;
    /// let parts = ["1", "2", "3"].map(|text| Deferred::maybe(&reactor, || text.parse::<u32>()));
    /// let stop = Reactor::clone(&reactor);
    /// Deferred::gather(&reactor, parts).finish(move |result| {
    ///     assert_eq!(result.unwrap(), [1, 2, 3]);
    ///     stop.stop();
    /// });
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "gatherResults")]
    #[track_caller]
    pub fn gather(reactor: &Reactor, parts: impl IntoIterator<Item = Self>) -> Deferred<Vec<T>> {
        let parts: Vec<_> = parts.into_iter().collect();
        if parts.is_empty() {
            return Deferred::succeed(reactor, Vec::new());
        }
        let values = Values { values: parts.iter().map(|_| None).collect(), missing: parts.len() };
        combine(reactor, parts, values)
    }
}
