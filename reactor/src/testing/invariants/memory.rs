//! Invariant 2: memory is counted with its overhead, in any cutting.

use std::{iter, slice};

use super::claims::Violations;
use super::subject::Subject;
use super::visitor::Stage;

/// The most that is sent in one-byte pieces, before whole units.
const MOST: usize = 32 * 1024;

/// Bytes in the socket from which on the server is taken to read no more.
const UNREAD: usize = 4 * 1024;

/// Pieces between two readings of the allocations.
const EVERY: usize = 64;

/// Bytes that the peers and the clock of the test itself may allocate meanwhile.
const OWN: usize = 4096;

/// Checks that a connection has at most twice the memory that the page claims for its state, while
/// the state's input and then twice the claimed memory of what keeps it in the state arrive: at most
/// 32 KiB in one-byte pieces, and then whole units, such as one chunk each, until the server reads no
/// more.
///
/// `allocated` reads how many bytes this thread has allocated and not freed.
///
/// # Panics
///
/// With what does not hold.
#[track_caller]
pub fn check_memory(subject: &impl Subject, allocated: impl Fn() -> usize) {
    let mut violations = Violations::default();
    let before = allocated();
    let probe = vec![0_u8; 65_536];
    assert!(allocated() >= before + probe.len(), "`allocated` does not count what this thread allocates");
    drop(probe);
    for state in subject.states() {
        let stage = Stage::new(subject);
        let visitor = stage.visitor();
        stage.clock.settle();
        visitor.forget_output();
        let (idle, received, sent_before) = (allocated(), stage.stats().bytes_received, visitor.sent());
        let (mut sent, mut most) = (0, 0);
        let fill = (2 * state.holds).min(MOST).next_multiple_of(state.more.len().max(1));
        let bytes = state.input.iter().chain(state.more.iter().cycle().take(fill)).map(slice::from_ref);
        // A unit has at least one byte of the payload.
        let units = iter::repeat_n(&state.more[..], if state.more.len() > 1 { 2 * state.holds } else { 0 });
        for (number, piece) in (1..).zip(bytes.chain(units)) {
            visitor.send(piece);
            sent += piece.len();
            if number % EVERY == 0 || number == state.input.len() {
                visitor.forget_output();
                let (sent, received) = (visitor.sent() - sent_before, stage.stats().bytes_received - received);
                let unread = sent.saturating_sub(received);
                let unread = usize::try_from(unread).unwrap_or(usize::MAX);
                // What waits in the simulated socket is the kernel's, in a buffer of up to twice
                // its length.
                most = most.max(allocated().saturating_sub(idle).saturating_sub(unread.saturating_mul(2)));
                if unread > UNREAD {
                    break;
                }
            }
            if visitor.is_over() {
                break;
            }
        }
        violations.require(most <= 2 * state.holds + OWN, || {
            format!(
                "in state `{}` a connection had {most} bytes after {sent}, where {} are claimed",
                state.name, state.holds
            )
        });
    }
    violations.fail("2, memory is counted with its overhead, in any cutting");
}
