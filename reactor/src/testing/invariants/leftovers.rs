//! Invariant 10: nothing is left after chaos.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::random::Random;

use super::claims::{Violations, claimed};
use super::subject::Subject;
use super::visitor::{Stage, Visitor};

/// Seeds of chaos.
const SEEDS: u64 = 20;

/// Steps of each seed.
const STEPS: usize = 120;

/// Checks that visitors that come, send a part of the input of any state, end, reset and vanish in
/// any order leave nothing: no connection, timer, task, Deferred or queued byte, and no file or
/// open descriptor in the folder that the page names. That is looked at ten minutes, in virtual
/// time, after the last of them has gone.
///
/// # Panics
///
/// With what does not hold, and the seed.
#[track_caller]
pub fn check_leftovers(subject: &impl Subject) {
    const INVARIANT: &str = "10, nothing is left after chaos";
    let mut violations = Violations::default();
    let folder = claimed(subject.files(), INVARIANT);
    let states = subject.states();
    for seed in 1..=SEEDS {
        let random = Random::new(seed);
        let stage = Stage::new(subject);
        // A server may keep its folder open.
        let before = folder.as_deref().map(census).unwrap_or_default();
        let quiet = stage.stats();
        let mut visitors: Vec<Visitor> = Vec::new();
        for _ in 0..STEPS {
            match random.below(6) {
                0 | 1 => {
                    let address = [198, 51, 100, u8::try_from(random.below(200)).unwrap_or(1)];
                    visitors.push(stage.visitor_from(address.into()));
                }
                2 | 3 => {
                    if let (Some(visitor), Some(state)) = (random.pick(&visitors), random.pick(&states)) {
                        let all: Vec<u8> =
                            state.input.iter().chain(state.more.iter().cycle().take(64)).copied().collect();
                        let until = random.index(all.len() + 1);
                        visitor.send(&all[..until]);
                        visitor.forget_output();
                    }
                }
                4 => stage.clock.advance(Duration::from_millis(random.below(5_000))),
                _ if visitors.is_empty() => {}
                _ => {
                    let visitor = visitors.swap_remove(random.index(visitors.len()));
                    match random.below(3) {
                        0 => visitor.reset(),
                        1 => visitor.end(),
                        _ => {}
                    }
                }
            }
            stage.clock.settle();
        }
        drop(visitors);
        stage.clock.advance(Duration::from_secs(600));
        let left = stage.stats();
        for (what, quiet, left) in [
            ("connections", quiet.connections, left.connections),
            ("handshakes under way", quiet.handshaking, left.handshaking),
            ("timers", quiet.timers, left.timers),
            ("tasks", quiet.tasks, left.tasks),
            ("Deferreds", quiet.deferreds, left.deferreds),
            ("jobs for threads", quiet.queued_jobs, left.queued_jobs),
            ("threads at work", quiet.threads - quiet.idle_threads, left.threads - left.idle_threads),
            ("queued bytes", quiet.queued_bytes, left.queued_bytes),
        ] {
            violations
                .require(left <= quiet, || format!("seed {seed}: {left} {what} are left, where {quiet} were before"));
        }
        let after = folder.as_deref().map(census).unwrap_or_default();
        violations.require(after == before, || format!("seed {seed}: files were {before:?} and are {after:?}"));
        if violations.len() > 0 {
            break;
        }
    }
    violations.fail(INVARIANT);
}

/// The files in a folder, and the descriptors of this process that lead to files in it or once in
/// it.
pub(super) fn census(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    let descriptors = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let targets = descriptors.filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
    found.extend(targets.filter(|target| target.starts_with(folder)));
    found.sort();
    found
}
