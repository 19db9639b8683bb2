//! Why a result never came.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::error::Error;
use crate::escape::Escaped;

/// Why a [`Deferred`](crate::Deferred) has no value: any error, with the place where it became a failure.
///
/// Every error that is `Send` turns into one by `?` or `into`, and [`downcast_ref`](Self::downcast_ref) finds it again. What has no
/// error of its own (a cancellation, a timeout, a panic, …) is told apart by [`kind`](Self::kind). Like other types that hold any
/// error, it is not an [`Error`](StdError) itself; [`into_error`](Self::into_error) gives one that is.
///
/// ```
/// use lariat::{Failure, FailureKind};
///
/// fn port(text: &str) -> Result<u16, Failure> {
///     Ok(text.parse()?)
/// }
///
/// let failure = port("seven").unwrap_err();
/// assert_eq!(failure.kind(), FailureKind::Error);
/// assert!(failure.is::<std::num::ParseIntError>());
/// assert_eq!(failure.to_string(), "invalid digit found in string");
/// ```
#[doc(alias = "twisted.python.failure.Failure")]
pub struct Failure(Box<Inner>);

struct Inner {
    kind: FailureKind,
    error: Box<dyn StdError + Send + Sync>,
    made: &'static Location<'static>,
    /// The names of what it has gone through, the innermost first.
    within: Vec<Cow<'static, str>>,
}

/// The kinds of [`Failure`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// An error that somebody gave.
    Error,
    /// It was cancelled, or nobody listened any more.
    #[doc(alias = "CancelledError")]
    Cancelled,
    /// It took too long.
    #[doc(alias = "TimeoutError")]
    TimedOut,
    /// A callback panicked.
    Panicked,
    /// Its [`Resolver`](crate::Resolver) was dropped, so nobody could give a result any more.
    Abandoned,
    /// The reactor ended before there was a result.
    Ended,
    /// A callback gave the Deferred that it is itself a part of, so it would have waited for itself.
    Circular,
}

impl Failure {
    /// A failure that `error` caused; an error may be a message too.
    ///
    /// ```
    /// let failure = lariat::Failure::new("the oven is cold");
    /// assert_eq!(failure.to_string(), "the oven is cold");
    /// ```
    #[track_caller]
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::of_kind(FailureKind::Error, error)
    }

    #[track_caller]
    pub(crate) fn of_kind(kind: FailureKind, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Box::new(Inner { kind, error: error.into(), made: Location::caller(), within: Vec::new() }))
    }

    /// As if the Deferred had been cancelled: for operations that notice it themselves.
    #[track_caller]
    pub fn cancelled() -> Self {
        Self::of_kind(FailureKind::Cancelled, "cancelled")
    }

    /// As if it had taken too long.
    #[track_caller]
    pub fn timed_out() -> Self {
        Self::of_kind(FailureKind::TimedOut, "timed out")
    }

    #[track_caller]
    pub(crate) fn timed_out_after(limit: Duration) -> Self {
        Self::of_kind(FailureKind::TimedOut, format!("no result within {limit:?}"))
    }

    #[track_caller]
    pub(crate) fn ended() -> Self {
        Self::of_kind(FailureKind::Ended, Error::ended())
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// Was it cancelled?
    pub fn is_cancelled(&self) -> bool {
        self.kind() == FailureKind::Cancelled
    }

    /// Did it take too long?
    pub fn is_timed_out(&self) -> bool {
        self.kind() == FailureKind::TimedOut
    }

    /// Did a callback panic?
    pub fn is_panicked(&self) -> bool {
        self.kind() == FailureKind::Panicked
    }

    /// Is its error an `E`?
    #[doc(alias = "check")]
    pub fn is<E: StdError + 'static>(&self) -> bool {
        self.0.error.is::<E>()
    }

    /// Its error, if that is an `E`.
    #[doc(alias = "trap")]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.0.error.downcast_ref()
    }

    /// Its error, if that is an `E`; else the failure itself.
    ///
    /// # Errors
    ///
    /// When the error is of another type, the failure as it was.
    pub fn downcast<E: StdError + 'static>(self) -> Result<E, Self> {
        let Inner { kind, error, made, within } = *self.0;
        match error.downcast() {
            Ok(error) => Ok(*error),
            Err(error) => Err(Self(Box::new(Inner { kind, error, made, within }))),
        }
    }

    /// Its error, with the [sources](StdError::source) behind it.
    #[doc(alias = "value")]
    pub fn error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0.error
    }

    /// Its error, to hand on to who takes any error.
    pub fn into_error(self) -> Box<dyn StdError + Send + Sync> {
        self.0.error
    }

    /// The [names](crate::Deferred::named) of the Deferreds that it has gone through, the innermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.within.iter().map(|name| &**name)
    }

    pub(crate) fn add_name(&mut self, name: Cow<'static, str>) {
        self.0.within.push(name);
    }

    /// Where it was made: where an error was turned into it, for instance by `?`.
    #[doc(alias = "getTraceback")]
    pub fn location(&self) -> &'static Location<'static> {
        self.0.made
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

impl From<Failure> for Box<dyn StdError + Send + Sync> {
    fn from(failure: Failure) -> Self {
        failure.into_error()
    }
}

/// The error's own words, then those of its sources unless they are said already; in the alternate form, where it was made too, and the
/// names of what it has gone through.
///
/// The words are [escaped and cut](Escaped::display), for a peer may have chosen some; those of an [`Error`] are written as they are,
/// for it does so itself. [`error`](Failure::error) gives the error as it was made.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.error.to_string();
        if self.is::<Error>() {
            f.write_str(&said)?;
        } else {
            Escaped::display(&said).fmt(f)?;
        }
        let mut source = self.0.error.source();
        while let Some(error) = source {
            let words = error.to_string();
            if !said.contains(&words) {
                write!(f, ": {}", Escaped::display(&words))?;
                said = words;
            }
            source = error.source();
        }
        if f.alternate() {
            write!(f, " (at {}", self.0.made)?;
            self.names().try_for_each(|name| write!(f, ", in {name:?}"))?;
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({:?}: {self:#})", self.0.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<u16, Failure> {
        Ok(text.parse()?)
    }

    #[test]
    fn a_question_mark_tells_where_it_stood() {
        let failure = parse("x").unwrap_err();
        assert!(failure.location().file().ends_with("failure.rs"), "{failure:?}");
    }

    #[test]
    fn an_error_of_another_type_leaves_the_failure_as_it_was() {
        let failure = parse("x").unwrap_err();
        let location = failure.location();
        let failure = failure.downcast::<fmt::Error>().unwrap_err();
        assert_eq!(failure.location(), location);
        assert!(failure.downcast::<std::num::ParseIntError>().is_ok());
    }

    #[test]
    fn sources_are_told_once() {
        #[derive(Debug)]
        struct Outer(fmt::Error);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("outer")
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        assert_eq!(Failure::new(Outer(fmt::Error)).to_string(), format!("outer: {}", fmt::Error));
        assert_eq!(Failure::cancelled().to_string(), "cancelled");
    }
}
