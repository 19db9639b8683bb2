//! All results, whatever they are.

use crate::deferred::Deferred;
use crate::failure::Failure;
use crate::reactor::Reactor;

use super::group::{Tally, combine, tell_lost};

struct Results<T> {
    results: Vec<Option<Result<T, Failure>>>,
    missing: usize,
}

impl<T: 'static> Tally<T> for Results<T> {
    type Total = Vec<Result<T, Failure>>;

    fn count(&mut self, place: usize, result: Result<T, Failure>) -> Option<Result<Self::Total, Failure>> {
        self.results[place] = Some(result);
        self.missing -= 1;
        (self.missing == 0).then(|| Ok(std::mem::take(&mut self.results).into_iter().flatten().collect()))
    }
}

impl<T> Drop for Results<T> {
    fn drop(&mut self) {
        let failures = self.results.iter().flatten().filter_map(|result| result.as_ref().err());
        failures.for_each(tell_lost);
    }
}

impl<T: 'static> Deferred<T> {
    /// The results of all `parts`, in their order, once the last is there: it does not fail because a part does. Of no parts it is an
    /// empty `Vec`.
    ///
    /// Cancelling it cancels every part that is still waited for, and it fails itself; what had come by then is dropped, and
    /// failures among it are logged, for debugging, or as errors if they are panics. A part that fails later, and not because it was cancelled, is logged as a
    /// failure that nobody has handled. [`Reactor::dump_deferreds`] shows the parts below it.
    ///
    /// ```
    /// use lariat::{Deferred, Reactor};
    ///
    /// let reactor = Reactor::new()?;
    /// let parts = ["1", "two"].map(|text| Deferred::maybe(&reactor, || text.parse::<u32>()));
    /// let stop = Reactor::clone(&reactor);
    /// Deferred::settle(&reactor, parts).map(|results| results.iter().filter(|result| result.is_ok()).count()).finish(move |count| {
    ///     assert_eq!(count.unwrap(), 1);
    ///     stop.stop();
    /// });
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "DeferredList")]
    #[track_caller]
    pub fn settle(reactor: &Reactor, parts: impl IntoIterator<Item = Self>) -> Deferred<Vec<Result<T, Failure>>> {
        let parts: Vec<_> = parts.into_iter().collect();
        if parts.is_empty() {
            return Deferred::succeed(reactor, Vec::new());
        }
        let results = Results { results: parts.iter().map(|_| None).collect(), missing: parts.len() };
        combine(reactor, parts, results)
    }
}
