//! The first value.

use crate::deferred::Deferred;
use crate::failure::{Failure, FailureKind};
use crate::reactor::Reactor;

use super::all_failed::AllFailed;
use super::group::{Tally, combine, tell_lost};

struct Losers {
    failures: Vec<Option<Failure>>,
    running: usize,
}

impl<T: 'static> Tally<T> for Losers {
    type Total = T;

    fn count(&mut self, place: usize, result: Result<T, Failure>) -> Option<Result<T, Failure>> {
        match result {
            Ok(value) => Some(Ok(value)),
            Err(failure) if failure.kind() == FailureKind::Ended => Some(Err(failure)),
            Err(failure) => {
                self.failures[place] = Some(failure);
                self.running -= 1;
                (self.running == 0).then(|| {
                    let failures = std::mem::take(&mut self.failures);
                    Err(AllFailed::new(failures.into_iter().flatten().collect()).into())
                })
            }
        }
    }

    fn late(failure: Failure) -> Result<(), Failure> {
        tell_lost(&failure);
        Ok(())
    }
}

impl Drop for Losers {
    fn drop(&mut self) {
        self.failures.iter().flatten().for_each(tell_lost);
    }
}

impl<T: 'static> Deferred<T> {
    /// The first value that any of `parts` has; the others are cancelled then. If all of them fail, it fails with [`AllFailed`], which
    /// has every failure; and so does a race of nobody, with none.
    ///
    /// Cancelling it cancels every part that is still waited for. What losers fail with, be it before the winner has won or after, is
    /// made up for: it is logged for debugging only, but as an error if it is a panic. A value that comes second is dropped. If two are
    /// there at once, the first to have its result wins, whatever its place. When the reactor ends, so does the race.
    /// [`Reactor::dump_deferreds`] shows the parts below it.
    ///
    /// ```
    /// use lariat::{Deferred, Reactor};
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// let (_resolver, never) = Deferred::new(&reactor);
    /// let soon = reactor.sleep(Duration::from_millis(1)).map(|()| "soon");
    /// let stop = Reactor::clone(&reactor);
    /// Deferred::race(&reactor, [never, soon]).finish(move |result| {
    ///     assert_eq!(result.unwrap(), "soon");
    ///     stop.stop();
    /// });
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "fireOnOneCallback")]
    #[track_caller]
    pub fn race(reactor: &Reactor, parts: impl IntoIterator<Item = Self>) -> Self {
        let parts: Vec<_> = parts.into_iter().collect();
        if parts.is_empty() {
            return Self::fail(reactor, AllFailed::new(Vec::new()));
        }
        let losers = Losers { failures: parts.iter().map(|_| None).collect(), running: parts.len() };
        combine(reactor, parts, losers)
    }
}
