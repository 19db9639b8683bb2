//! Invariants 7 and 8: layers change on a clean line, and everything has one meaning.

use crate::testing::splits::find_difference;

use super::claims::{Violations, claimed};
use super::subject::Subject;
use super::visitor::{Stage, contains};

/// Bytes of a state's input that are cut.
const CUT: usize = 256;

/// Texts that would begin a second command or header, or end a text early.
const INJECTIONS: [&str; 5] = ["a\r\nX-Injected: 1", "a\nX-Injected", "a\rX-Injected", "a\0b", "\r\n\r\n"];

/// Checks that a command that was sent in clear behind the request for a change of layers is never
/// carried out, and that the connection ends: for the two in one piece, and for every way to cut
/// them in two.
///
/// # Panics
///
/// With what does not hold.
#[track_caller]
pub fn check_layers(subject: &impl Subject) {
    const INVARIANT: &str = "7, layers change on a clean line";
    let Some(change) = claimed(subject.layer_change(), INVARIANT) else { return };
    let mut violations = Violations::default();
    for cut in 0..change.input.len() {
        let (first, second) = change.input.split_at(cut);
        let stage = Stage::new(subject);
        let visitor = stage.visitor();
        stage.clock.settle();
        visitor.send(first);
        visitor.send(second);
        let output = visitor.output();
        violations.require(!contains(&output, &change.forbidden), || {
            format!("cut at {cut}: a command sent in clear was carried out: \"{}\"", output.escape_ascii())
        });
        violations.require(visitor.is_over(), || format!("cut at {cut}: the connection goes on"));
        if violations.len() >= 4 {
            break;
        }
    }
    violations.fail(INVARIANT);
}

/// Checks that what the server does with the input of each state does not depend on how the input
/// is cut, and that no encoder lets a value begin a second command: CR, LF and NUL in it are
/// refused, or encoded otherwise.
///
/// # Panics
///
/// With what does not hold.
#[track_caller]
pub fn check_meaning(subject: &impl Subject) {
    const INVARIANT: &str = "8, one meaning in and out";
    let mut violations = Violations::default();
    let probe = subject.probe().input;
    let states = subject.states();
    let inputs = states.iter().map(|state| {
        let more = state.more.iter().cycle().take(CUT.saturating_sub(state.input.len()).min(64));
        (state.name, state.input.iter().chain(more).copied().collect::<Vec<_>>())
    });
    for (name, input) in inputs.chain([("probe", probe)]) {
        if input.len() < 2 {
            continue;
        }
        let difference = find_difference(&input, |pieces| {
            let stage = Stage::new(subject);
            let visitor = stage.visitor();
            stage.clock.settle();
            pieces.iter().for_each(|piece| visitor.send(piece));
            visitor.end();
            (visitor.output(), visitor.sees())
        });
        if let Some(difference) = difference {
            let pieces: Vec<_> =
                difference.cuts.pieces(&input).iter().map(|piece| piece.escape_ascii().to_string()).collect();
            let show = |(output, sees): &(Vec<u8>, &str)| format!("\"{}\", {sees}", output.escape_ascii());
            violations.add(format!(
                "the input of `{name}` is answered otherwise if it is cut as \"{}\":\n    whole {}\n    cut   {}",
                pieces.join(" | "),
                show(&difference.whole),
                show(&difference.cut)
            ));
        }
    }
    if let Some(encoders) = claimed(subject.encoders(), INVARIANT) {
        let controls = |bytes: &[u8]| bytes.iter().filter(|byte| matches!(byte, b'\r' | b'\n' | 0)).count();
        for encoder in encoders {
            let Some(plain) = (encoder.encode)("plain") else {
                violations.add(format!("{} refuses a plain value", encoder.name));
                continue;
            };
            for injection in INJECTIONS {
                let Some(encoded) = (encoder.encode)(injection) else { continue };
                violations.require(controls(&encoded) == controls(&plain), || {
                    format!("{} encodes {injection:?} as \"{}\"", encoder.name, encoded.escape_ascii())
                });
            }
        }
    }
    violations.fail(INVARIANT);
}
