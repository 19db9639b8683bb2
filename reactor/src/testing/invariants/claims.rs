//! Claims that are checked, and what violates them.

use std::fmt::Write as _;

use super::subject::Claim;

/// The violations that one check has found.
#[derive(Default)]
pub(super) struct Violations(Vec<String>);

impl Violations {
    pub(super) fn add(&mut self, violation: String) {
        self.0.push(violation);
    }

    pub(super) fn require(&mut self, holds: bool, violation: impl FnOnce() -> String) {
        if !holds {
            self.add(violation());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Fails the test if there are any.
    #[track_caller]
    pub(super) fn fail(self, invariant: &str) {
        if self.0.is_empty() {
            return;
        }
        let mut text = format!("the invariant does not hold: {invariant}");
        for violation in &self.0 {
            let _ = write!(text, "\n  {violation}");
        }
        panic!("{text}");
    }
}

/// The bound that is claimed. A reason for an exemption is printed, so that it is seen in a test's
/// output.
#[track_caller]
pub(super) fn claimed<T>(claim: Claim<T>, invariant: &str) -> Option<T> {
    match claim {
        Claim::Holds(bound) => Some(bound),
        Claim::Exempt(reason) => {
            assert!(!reason.trim().is_empty(), "an exemption needs a reason: {invariant}");
            println!("exempt: {invariant}: {reason}");
            None
        }
    }
}
