//! The test kit finds each mistake of the board's, and nothing wrong with a board that makes none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use lariat::testing::{MemoryTransport, VirtualClock, check_linear};
use lariat::{StreamOptions, check_chunking};
use lariat_tests::downstream::board::{Board, Flaw, Member};

const SECOND: Duration = Duration::from_secs(1);

/// Runs a test of a board that is right, which must pass, then of each board with a mistake: the test must fail for the one that it
/// looks for, and for none else.
fn finds(wanted: Flaw, test: impl Fn(Board)) {
    test(Board::new());
    let flaws = [
        Flaw::ForgetsHalfADelimiter,
        Flaw::TimerOutlivesConnection,
        Flaw::DropsReplyAtHalfClose,
        Flaw::WaitsForTheSlowest,
    ];
    for flaw in flaws {
        let passes = catch_unwind(AssertUnwindSafe(|| test(Board::with_flaw(flaw)))).is_ok();
        assert_eq!(passes, flaw != wanted, "{flaw:?}");
    }
}

fn join(clock: &VirtualClock, board: &Board) -> MemoryTransport<Member> {
    MemoryTransport::serve(clock, board.clone(), StreamOptions::default())
}

#[test]
fn a_delimiter_that_comes_in_two_pieces_ends_a_line() {
    finds(Flaw::ForgetsHalfADelimiter, |board| {
        check_chunking!(board.member(), "say hello\r\nnonsense\r\n\r\nask ab\r\n", "\r\r\n\n\r\n");
    });
}

#[test]
fn somebody_who_has_gone_takes_the_minute_along() {
    finds(Flaw::TimerOutlivesConnection, |board| {
        let clock = VirtualClock::new();
        let mut first = join(&clock, &board);
        clock.advance(30 * SECOND);
        first.reset();
        let mut second = join(&clock, &board);
        clock.advance(59 * SECOND);
        assert!(second.is_open());
        assert_eq!(second.written(), b"");
        clock.advance(SECOND);
        assert_eq!(second.take_written(), b"too quiet\r\n");
        assert!(second.is_closed());
    });
}

#[test]
fn who_asks_and_ends_gets_the_answer() {
    finds(Flaw::DropsReplyAtHalfClose, |board| {
        let mut wire = MemoryTransport::new(board.member());
        wire.feed(b"ask live\r\nask on\r\n");
        wire.end_of_input();
        assert!(wire.is_open());
        wire.advance(SECOND);
        assert_eq!(wire.take_written(), b"evil\r\nno\r\n");
        assert!(wire.close_reason().is_some_and(lariat::CloseReason::is_done));
    });
}

#[test]
fn somebody_who_does_not_listen_keeps_nobody_from_hearing() {
    finds(Flaw::WaitsForTheSlowest, |board| {
        let clock = VirtualClock::new();
        let mut speaker = join(&clock, &board);
        let mut deaf = join(&clock, &board);
        let mut listener = join(&clock, &board);
        deaf.peer_takes(0);
        let word = [&b"say "[..], &[b'x'; 50_000], b"\r\n"].concat();
        for _ in 0..10 {
            speaker.feed(&word);
        }
        assert_eq!(listener.take_written().len(), 10 * 50_002);
        assert_eq!(deaf.queued(), 10 * 50_002);
        assert!(deaf.is_write_paused() && !listener.is_write_paused());
        deaf.peer_takes_all();
        assert_eq!(deaf.take_written().len(), 10 * 50_002);
    });
}

#[test]
fn lines_take_linear_time() {
    check_linear(
        || Board::new().member(),
        4 * 1024,
        |size| b"what now\r\n".iter().copied().cycle().take(size).collect(),
    );
    check_linear(|| Board::new().member(), 4 * 1024 - 1, |size| vec![b'\r'; size]);
}
