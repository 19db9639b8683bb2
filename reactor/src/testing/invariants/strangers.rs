//! Invariants 4, 5 and 6: strangers are cheap, no address has more than its share, and destinations
//! pass a policy.

use std::net::IpAddr;
use std::time::Duration;

use super::claims::{Violations, claimed};
use super::leftovers::census;
use super::logs::captured;
use super::subject::{Claim, Subject};
use super::visitor::{Stage, contains};

/// Strangers that come together.
const STRANGERS: u8 = 32;

/// Checks the cost of 32 unknown peers: memory, threads, look-ups, connections elsewhere, log lines, and
/// files and descriptors in the folder that the page names. Each has sent the most expensive input that the page knows of.
///
/// # Panics
///
/// With what does not hold.
#[track_caller]
pub fn check_strangers(subject: &impl Subject, allocated: impl Fn() -> usize) {
    const INVARIANT: &str = "4, strangers are cheap before they are known";
    let Some(stranger) = claimed(subject.stranger(), INVARIANT) else { return };
    let mut violations = Violations::default();
    let (_, lines) = captured(|| {
        let stage = Stage::new(subject);
        let folder = match subject.files() {
            Claim::Holds(folder) => Some(folder),
            Claim::Exempt(_) => None,
        };
        let files = || folder.as_deref().map_or(0, |folder| census(folder).len());
        let (before, stats, files_before) = (allocated(), stage.stats(), files());
        let strangers: Vec<_> =
            (0..STRANGERS).map(|number| stage.visitor_from([198, 51, 100, number].into())).collect();
        stage.clock.settle();
        for visitor in &strangers {
            // In pieces, so that the simulated socket, which is the kernel's memory, stays small.
            stranger.input.chunks(512).for_each(|piece| visitor.send(piece));
            visitor.forget_output();
        }
        let each = allocated().saturating_sub(before) / usize::from(STRANGERS);
        violations.require(each <= stranger.memory, || {
            format!("a stranger has {each} bytes, where {} are claimed", stranger.memory)
        });
        let now = stage.stats();
        for (what, before, now) in [
            ("threads", stats.threads as u64, now.threads as u64),
            ("look-ups", stats.look_ups, now.look_ups),
            ("jobs for threads", stats.queued_jobs as u64 + stats.done_jobs, now.queued_jobs as u64 + now.done_jobs),
        ] {
            violations.require(now == before, || format!("strangers cost {} {what}", now - before));
        }
        let more_files = files().saturating_sub(files_before);
        violations.require(more_files == 0, || format!("strangers cost {more_files} files or descriptors"));
        let made = now.opened - stats.opened;
        violations.require(made <= u64::from(STRANGERS), || {
            format!("the server made {} connections for strangers", made - u64::from(STRANGERS))
        });
        for visitor in &strangers {
            visitor.reset();
        }
    });
    let lines: Vec<_> = lines.into_iter().filter(|(level, _)| *level <= log::Level::Info).collect();
    violations.require(lines.len() <= stranger.log_lines, || {
        let (count, first) = (lines.len(), lines.first().map_or("", |(_, line)| line));
        format!(
            "{STRANGERS} strangers had {count} lines logged, where {} are claimed; the first: {first}",
            stranger.log_lines
        )
    });
    violations.fail(INVARIANT);
}

/// Checks that of more connections than one address may have, the server serves no more than the
/// share, and that a visitor from another address is answered meanwhile.
///
/// # Panics
///
/// With what does not hold.
#[track_caller]
pub fn check_shares(subject: &impl Subject) {
    const INVARIANT: &str = "5, no address has more than its share";
    let Some(most) = claimed(subject.share(), INVARIANT) else { return };
    let mut violations = Violations::default();
    let stage = Stage::new(subject);
    let crowd: Vec<_> = (0..most + 8).map(|_| stage.visitor()).collect();
    stage.clock.settle();
    let served = crowd.iter().filter(|visitor| !visitor.is_over()).count();
    violations
        .require(served <= most, || format!("one address has {served} connections, where at most {most} are claimed"));
    let (probe, other) = (subject.probe(), stage.visitor_from([198, 51, 100, 2].into()));
    stage.clock.settle();
    other.send(&probe.input);
    violations
        .require(contains(&other.output(), &probe.answer), || "a visitor from another address is not answered".into());
    violations.fail(INVARIANT);
}

/// Checks that a port with few places, all of them taken, serves one more visitor, and that the most idle connection makes room
/// for it, and no other one.
///
/// # Panics
///
/// With what does not hold.
#[track_caller]
pub fn check_full_port(subject: &impl Subject) {
    const INVARIANT: &str = "5, when all places are taken, the most idle goes";
    let Some(places) = claimed(subject.places(), INVARIANT) else { return };
    let mut violations = Violations::default();
    let (stage, probe) = (Stage::new(subject), subject.probe());
    let mut crowd = Vec::new();
    for number in (0..=u16::MAX).take(places) {
        // One network each, and one after the other.
        let [high, low] = number.to_be_bytes();
        crowd.push(stage.visitor_from([10, high, low, 1].into()));
        stage.clock.advance(Duration::from_millis(10));
    }
    let Some(first) = crowd.first() else { return };
    first.send(&probe.input);
    let newcomer = stage.visitor_from([198, 51, 100, 2].into());
    stage.clock.settle();
    newcomer.send(&probe.input);
    violations.require(contains(&newcomer.output(), &probe.answer), || "one visitor more is not answered".into());
    let gone: Vec<_> = (0..).zip(&crowd).filter(|(_, visitor)| visitor.is_over()).map(|(number, _)| number).collect();
    violations.require(gone == [1], || {
        format!("of {places} connections, of which number 1 is the most idle, those numbered {gone:?} made room")
    });
    violations.fail(INVARIANT);
}

/// Addresses that no stranger may have the server connect to unless the operator allows it.
const PRIVATE: [&str; 12] = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "fd00::1",
    "fe80::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
];

/// Checks that a destination that a peer names is refused if it is private, and that no datagram is
/// answered by more bytes than it has.
///
/// # Panics
///
/// With what does not hold.
#[track_caller]
pub fn check_destinations(subject: &impl Subject) {
    const INVARIANT: &str = "6, destinations pass a policy, and replies do not grow";
    let mut violations = Violations::default();
    if let Some(destination) = claimed(subject.destination(), INVARIANT) {
        for address in PRIVATE {
            let Ok(address) = address.parse::<IpAddr>() else { continue };
            let stage = Stage::new(subject);
            let visitor = stage.visitor();
            stage.clock.settle();
            visitor.send(&(destination.input)(address));
            let (output, opened) = (visitor.output(), stage.stats().opened);
            violations.require(contains(&output, &destination.refusal), || {
                format!("a peer that asks for {address} is not refused")
            });
            violations.require(opened <= 1, || format!("the server connected to {address}"));
        }
    }
    if let Some(datagram) = claimed(subject.datagram(), INVARIANT) {
        for length in 0..512 {
            for byte in [0, 1, b'a', 0xff] {
                let request = vec![byte; length];
                let replies: usize = datagram(&request).iter().map(Vec::len).sum();
                violations
                    .require(replies <= length, || format!("{length} bytes of {byte:#x} are answered by {replies}"));
            }
        }
    }
    violations.fail(INVARIANT);
}
