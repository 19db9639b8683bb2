//! Invariant 3: every state ends, and progress does not renew it without limit.

use std::time::Duration;

use super::claims::{Violations, claimed};
use super::subject::Subject;
use super::visitor::Stage;

/// The time between two bytes of a peer that makes as little progress as it can.
const DRIBBLE: Duration = Duration::from_secs(1);

/// The time after the claimed one until the connection must be gone: the closing of a
/// connection whose peer does not answer.
const CLOSING: Duration = Duration::from_secs(60);

/// Checks that a connection ends within the time that the page claims for each state, both if its
/// peer falls silent and if it sends a byte each second of what keeps it in the state.
///
/// # Panics
///
/// With what does not hold.
#[track_caller]
pub fn check_deadlines(subject: &impl Subject) {
    let mut violations = Violations::default();
    for state in subject.states() {
        let invariant = format!("3, every state ends: `{}`", state.name);
        let Some(longest) = claimed(state.ends.clone(), &invariant) else { continue };
        for dribbles in [false, true] {
            let mut bytes = state.more.iter().cycle();
            if dribbles && state.more.is_empty() {
                continue;
            }
            let stage = Stage::new(subject);
            let visitor = stage.visitor();
            stage.clock.settle();
            visitor.send(&state.input);
            let begun = stage.clock.elapsed();
            let how = if dribbles { "a peer that sends a byte each second" } else { "a silent peer" };
            while !visitor.is_over() && stage.clock.elapsed() - begun <= longest {
                if dribbles && let Some(byte) = bytes.next() {
                    visitor.send(&[*byte]);
                    visitor.forget_output();
                }
                stage.clock.advance(DRIBBLE);
            }
            violations.require(visitor.is_over(), || {
                format!("{how} stays in state `{}` for more than the claimed {longest:?}", state.name)
            });
            if visitor.is_over() {
                stage.clock.advance(CLOSING);
                let left = stage.stats().connections;
                violations.require(left == 0, || {
                    format!(
                        "the connection of {how} in state `{}` was still there {CLOSING:?} after its end",
                        state.name
                    )
                });
            }
        }
    }
    violations.fail("3, every state ends, and progress does not renew it without limit");
}
