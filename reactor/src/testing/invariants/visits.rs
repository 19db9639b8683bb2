//! Invariant 1: a visit is short, whatever is pipelined.

use super::claims::{Violations, claimed};
use super::subject::Subject;
use super::visitor::{Stage, contains, count};

const INVARIANT: &str = "1, a visit is short, whatever is pipelined";

/// Bytes of the flood.
const FLOOD: usize = 64 * 1024;

/// Turns within which the second visitor must be answered: its input is read in the turn in which
/// it arrives, and a budget may make it wait for the next ones.
const PATIENCE: usize = 4;

/// Turns that are looked at.
const TURNS: usize = 16;

/// Checks that one peer that pipelines 64 KiB of requests has no more of them served in a turn
/// than the page claims, and that a second visitor is answered meanwhile within four turns.
///
/// # Panics
///
/// With what does not hold; and if the second visitor is not answered at all.
#[track_caller]
pub fn check_visits(subject: &impl Subject) {
    let mut violations = Violations::default();
    let probe = subject.probe();
    let visit = claimed(subject.visit(), INVARIANT);
    let stage = Stage::new(subject);
    let (flood, second) = (stage.visitor(), stage.visitor_from([198, 51, 100, 2].into()));
    stage.clock.settle();
    let unit = match &visit {
        Some(visit) => {
            flood.send(&visit.enter);
            flood.forget_output();
            visit.unit.clone()
        }
        // What is known to be input will do.
        None => probe.input.clone(),
    };
    flood.send_only(&unit.repeat(FLOOD / unit.len().max(1)));
    second.forget_output();
    second.send_only(&probe.input);
    let (mut served, mut answered) = (0, None);
    let mut longest = 0;
    for turn in 1..=TURNS {
        stage.turn();
        if let Some(visit) = &visit {
            let now = count(&flood.output(), &visit.answer);
            longest = longest.max(now.saturating_sub(served));
            served = now;
        }
        if answered.is_none() && contains(&second.output(), &probe.answer) {
            answered = Some(turn);
        }
    }
    if let Some(visit) = visit {
        violations
            .require(served > 0, || "nothing of the flood was answered: the claim's unit or answer is wrong".into());
        violations.require(longest <= visit.most, || {
            format!("{longest} units were served in one turn, where at most {} are claimed", visit.most)
        });
    }
    match answered {
        Some(turn) => violations.require(turn <= PATIENCE, || {
            format!("a second visitor was answered after {turn} turns beside the flood, more than {PATIENCE}")
        }),
        None => violations.add(format!("a second visitor was not answered within {TURNS} turns beside the flood")),
    }
    violations.fail(INVARIANT);
}
