//! Invariant 9: what peers chose is escaped and cut in logs, and secrets never appear there.

use std::mem;
use std::sync::Once;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::guarded::Guarded;

use super::claims::{Violations, claimed};
use super::subject::Subject;
use super::visitor::Stage;

/// Bytes that a log line has at most: those that `Escaped` lets through, and its note of what was left out.
const LONGEST: usize = 1024 + 64;

thread_local! {
    /// The lines of this thread, while they are captured.
    static LINES: Guarded<Option<Vec<(Level, String)>>> = const { Guarded::new(None) };
}

/// Captures what the threads of tests log, each its own.
struct Capture;

impl Log for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Bytes of peers are logged as they are at trace.
        metadata.level() <= Level::Debug
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = record.args().to_string();
            let _ = LINES.try_with(|lines| {
                lines.with(|lines| lines.iter_mut().for_each(|lines| lines.push((record.level(), line.clone()))));
            });
        }
    }

    fn flush(&self) {}
}

/// Does `work`. Returns also what this thread has logged meanwhile, debug and above.
#[track_caller]
pub(super) fn captured<R>(work: impl FnOnce() -> R) -> (R, Vec<(Level, String)>) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        if log::set_logger(&Capture).is_ok() {
            log::set_max_level(LevelFilter::Debug);
        }
    });
    LINES.with(|lines| lines.with(|lines| *lines = Some(Vec::new())));
    log::debug!("the log is captured");
    let result = work();
    let mut lines = LINES.with(|lines| lines.with(mem::take)).unwrap_or_default();
    assert!(!lines.is_empty(), "another logger is installed in this process: the harness needs its own");
    lines.remove(0);
    (result, lines)
}

fn is_bare(character: char) -> bool {
    // Controls, and what turns the direction of writing or is not seen.
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Checks that no line that is logged, while peers send what the page plants, has a control
/// character or a bidirectional control in it, is longer than 1,024 bytes, or has a secret in it:
/// at debug and above, for bytes are logged at trace.
///
/// # Panics
///
/// With what does not hold; and if the process has another logger.
#[track_caller]
pub fn check_logs(subject: &impl Subject) {
    const INVARIANT: &str = "9, what peers chose is escaped and cut in logs, and secrets never appear";
    let Some(planted) = claimed(subject.planted(), INVARIANT) else { return };
    let mut violations = Violations::default();
    let hostile = planted.hostile.iter().map(|input| (input, None));
    let secrets = planted.secrets.iter().map(|(input, secret)| (input, Some(secret)));
    for (input, secret) in hostile.chain(secrets) {
        let ((), lines) = captured(|| {
            let stage = Stage::new(subject);
            let visitor = stage.visitor();
            stage.clock.settle();
            visitor.send(input);
            visitor.end();
            visitor.reset();
        });
        for (level, line) in lines {
            let shown: String = line.escape_debug().take(200).collect();
            violations.require(!line.contains(is_bare), || format!("a line at {level} is not escaped: {shown}"));
            violations
                .require(line.len() <= LONGEST, || format!("a line at {level} has {} bytes: {shown}", line.len()));
            violations.require(secret.is_none_or(|secret| !line.contains(secret)), || {
                format!("a line at {level} has a secret in it: {shown}")
            });
        }
    }
    violations.fail(INVARIANT);
}
