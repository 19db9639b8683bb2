//! Nobody has won.

use std::error::Error as StdError;
use std::fmt;

use crate::failure::Failure;

/// The error of a [race](crate::Deferred::race) in which everybody failed.
///
/// ```
/// use lariat::{AllFailed, Deferred, Failure, Reactor};
///
/// let reactor = Reactor::new()?;
/// let parts = ["no bread", "no wine"].map(|words| Deferred::<()>::fail(&reactor, Failure::new(words)));
/// let stop = Reactor::clone(&reactor);
/// Deferred::race(&reactor, parts).finish(move |result| {
///     let failure = result.unwrap_err();
///     assert_eq!(failure.downcast_ref::<AllFailed>().unwrap().failures().len(), 2);
///     assert_eq!(failure.to_string(), "all 2 failed: no bread; no wine");
///     stop.stop();
/// });
/// reactor.run()?;
/// # Ok::<(), lariat::Error>(())
/// ```
#[derive(Debug)]
pub struct AllFailed {
    failures: Vec<Failure>,
}

impl AllFailed {
    pub(super) fn new(failures: Vec<Failure>) -> Self {
        Self { failures }
    }

    /// What each of them failed with, in their order; none if there was nobody.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// The same, to keep.
    pub fn into_failures(self) -> Vec<Failure> {
        self.failures
    }
}

impl fmt::Display for AllFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures.is_empty() {
            return f.write_str("there was nobody who could have won");
        }
        write!(f, "all {} failed", self.failures.len())?;
        let mut separator = ": ";
        for failure in &self.failures {
            write!(f, "{separator}{failure}")?;
            separator = "; ";
        }
        Ok(())
    }
}

impl StdError for AllFailed {}
