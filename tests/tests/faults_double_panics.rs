//! Two destructors that panic where both values are dropped together: Rust ends a process in which one panic meets another.

use lariat_tests::child::Child;

/// Has two values dropped there, and counts the panics.
fn assert_survives(place: &str, panics: usize) {
    let mut process = Child::start(env!("CARGO_BIN_EXE_panicking_drops"), &[place]);
    process.expect("it is still there");
    let ended = process.end();
    assert!(ended.status.success(), "{place}: {}", ended.log);
    assert_eq!(ended.log.matches(": oh no\n").count(), panics, "{place}: {}", ended.log);
}

#[test]
fn two_chunks_that_are_sent_may_panic_in_their_drops() {
    assert_survives("sent", 2);
}

#[test]
fn two_chunks_that_are_discarded_may_panic_in_their_drops() {
    assert_survives("discarded", 2);
    assert_survives("at the end", 2);
}

#[test]
fn chunks_and_a_successor_may_panic_in_their_drops() {
    assert_survives("left to a successor", 3);
}

#[test]
fn a_producer_may_panic_both_where_it_acts_and_in_its_drop() {
    assert_survives("a producer's", 2);
}

#[test]
fn calls_and_triggers_that_never_run_may_panic_in_their_drops() {
    assert_survives("calls", 2);
    assert_survives("triggers", 2);
}

#[test]
fn a_loop_that_has_taken_no_turn_is_dropped_by_a_panic() {
    let mut process = Child::start(env!("CARGO_BIN_EXE_panicking_drops"), &["before the first turn"]);
    process.expect("it is still there");
    let ended = process.end();
    assert!(ended.status.success(), "{}", ended.log);
}
