//! A protocol whose output depends on how its input is cut is found, and one whose work grows faster than its input.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lariat::testing::{check_chunking, check_linear, check_linear_cost, check_splits};
use lariat::{Protocol, Transport, check_chunking};

/// Returns the check's report about a protocol that fails it, with single spaces.
fn report_of(check: impl FnOnce()) -> String {
    let thrown = catch_unwind(AssertUnwindSafe(check)).expect_err("the check fails");
    let message = thrown.downcast_ref::<&str>().map(ToString::to_string).or_else(|| thrown.downcast_ref().cloned());
    let lines = message.unwrap_or_default();
    let words = lines.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    words.collect::<Vec<_>>().join("\n")
}

/// Calls a closure with all that it gets.
struct With<F>(F);

/// A protocol that does only this.
fn with<F: FnMut(&Transport, &[u8]) + 'static>(data_received: F) -> With<F> {
    With(data_received)
}

impl<F: FnMut(&Transport, &[u8]) + 'static> Protocol for With<F> {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        (self.0)(transport, data);
    }
}

#[test]
fn the_one_cut_that_matters_is_shown() {
    let report = report_of(|| {
        check_chunking!(
            with(|transport, data| {
                if data.windows(2).any(|two| two == b"\r\n") {
                    transport.write(b"a line");
                }
            }),
            "some more words than can be cut in every way\r\n"
        );
    });
    assert!(report.contains(r#"input: "some more words than can be cut in every way\r" | "\n""#), "{report}");
    assert!(report.contains(r#""a line" ≠ """#), "{report}");
}

#[test]
fn a_protocol_that_needs_three_pieces_to_go_wrong_is_found() {
    let wrong = || {
        let mut pieces = 0;
        with(move |transport, data| {
            pieces += 1;
            if pieces >= 3 && data == b"!" {
                transport.write(b"wrong");
            }
        })
    };
    for input in ["short!!", "an input that is too long for all of its cuts!!"] {
        let report = report_of(|| check_chunking(wrong, input));
        assert_eq!(
            report.lines().find(|line| line.starts_with("input:")).unwrap().matches(" | ").count(),
            2,
            "{report}"
        );
    }
}

#[test]
fn another_end_of_the_connection_is_a_difference() {
    let report = report_of(|| {
        check_chunking!(
            with(|transport, data| if data.len() < 5 {
                transport.fail("cut");
            }),
            "whole"
        );
    });
    assert!(report.contains("ended: failed: cut"), "{report}");
    let report = report_of(|| {
        check_chunking!(
            with(|transport, data| if data.len() < 5 {
                transport.abort();
            }),
            "whole"
        );
    });
    assert!(report.contains("reset: aborted on this side"), "{report}");
}

#[test]
fn a_panic_in_one_of_the_runs_is_a_difference() {
    let report = report_of(|| check_chunking!(with(|_, data| assert!(data.len() == 5, "not five")), "whole"));
    assert!(report.contains(r#"input: "w" | "hole""#) && report.contains("not five"), "{report}");
}

#[test]
fn a_panic_whatever_the_cut_is_a_panic() {
    assert_eq!(report_of(|| check_chunking!(with(|_, _| panic!("always")), "whole")), "always");
}

#[test]
fn what_a_protocol_notes_may_be_the_difference() {
    let report = report_of(|| {
        check_chunking!(
            |notes| {
                let notes = notes.clone();
                with(move |_, data| notes.note(format!("{} bytes", data.len())))
            },
            "whole"
        );
    });
    assert!(report.contains("noted") && report.contains("5 bytes ≠ 1 bytes"), "{report}");
}

#[test]
fn an_output_that_comes_only_with_the_end_of_input_is_a_difference() {
    struct Late(Vec<u8>);
    impl Protocol for Late {
        fn data_received(&mut self, transport: &Transport, data: &[u8]) {
            match data.len() {
                1 => self.0.extend_from_slice(data),
                _ => drop(transport.write(data)),
            }
        }
        fn read_closed(&mut self, transport: &Transport) {
            transport.write(&self.0);
            transport.close();
        }
    }
    let report = report_of(|| check_chunking!(Late(Vec::new()), "ab"));
    assert!(report.contains("written at the end"), "{report}");
}

#[test]
fn several_inputs_are_checked_one_after_the_other() {
    let picky = || {
        with(|transport: &Transport, data: &[u8]| {
            if data == b"bad" {
                let _ = transport.write(b"!");
            }
        })
    };
    check_chunking(picky, "good");
    let report = report_of(|| check_chunking!(picky(), "good", b"bad", "worse"));
    assert!(report.contains(r#""b" | "ad""#), "{report}");
}

#[test]
fn an_input_that_cannot_be_cut_is_no_test() {
    assert_eq!(report_of(|| check_chunking!(with(|_, _| {}), "x")), "an input of 1 bytes cannot be cut");
}

#[test]
fn what_is_no_protocol_can_be_checked_too() {
    check_splits("any bytes", |pieces| pieces.concat());
    let report = report_of(|| check_splits("any bytes", |pieces| pieces.len().min(2)));
    assert!(report.contains("1 ≠ 2"), "{report}");
}

#[test]
fn a_place_in_the_middle_of_a_long_input_is_found() {
    let mut input = vec![b'x'; 3000];
    input[1999..2001].copy_from_slice(b"\r\n");
    let report = report_of(|| {
        check_chunking!(
            with(|transport, data| if data.starts_with(b"\n") {
                transport.close();
            }),
            &input
        );
    });
    assert!(report.contains(r#"x\r" | "\nx"#), "{report}");
}

#[test]
fn work_that_looks_at_everything_again_for_each_piece_is_found() {
    let rescan = || {
        let mut collected = Vec::new();
        with(move |transport, data| {
            collected.extend_from_slice(data);
            if collected.contains(&b'\n') {
                transport.close();
            }
        })
    };
    let report = report_of(|| check_linear(rescan, 16 * 1024, |size| vec![b'x'; size]));
    assert!(report.starts_with("this takes more than linear time"), "{report}");
}

#[test]
fn work_that_moves_the_rest_after_each_message_is_found() {
    let shift = || {
        let mut collected = Vec::new();
        with(move |_, data| {
            collected.extend_from_slice(data);
            while !collected.is_empty() {
                collected.remove(0);
            }
        })
    };
    let report = report_of(|| check_linear(shift, 4 * 1024, |size| vec![b'x'; size]));
    assert!(report.starts_with("this takes more than linear time"), "{report}");
}

#[test]
fn work_on_the_new_bytes_alone_is_linear() {
    let scan = || {
        let mut collected = Vec::new();
        with(move |transport, data| {
            collected.extend_from_slice(data);
            if data.contains(&b'\n') {
                transport.close();
            }
        })
    };
    check_linear(scan, 16 * 1024, |size| vec![b'x'; size]);
}

#[test]
fn a_protocol_that_takes_only_the_beginning_was_not_measured() {
    let quitter = || with(|transport: &Transport, _: &[u8]| transport.close());
    assert!(report_of(|| check_linear(quitter, 1024, |size| vec![b'x'; size])).contains("before the input is over"));
}

#[test]
fn work_that_grows_with_the_square_is_found() {
    let square = |size: usize| {
        for _ in 0..size {
            (0..size).for_each(|number| assert!(std::hint::black_box(number) < size));
        }
    };
    assert!(report_of(|| check_linear_cost(200, square)).starts_with("this takes more than linear time"));
}

#[test]
fn draining_the_front_of_a_vec_for_each_message_is_found() {
    let drain = || {
        let mut collected = Vec::new();
        with(move |_, data| {
            collected.extend_from_slice(data);
            while collected.len() >= 4 {
                collected.drain(..4);
            }
        })
    };
    let report = report_of(|| check_linear(drain, 4 * 1024, |size| vec![b'x'; size]));
    assert!(report.starts_with("this takes more than linear time"), "{report}");
}

#[test]
fn a_quadratic_part_of_one_two_hundredth_is_found() {
    const SIZE: usize = 128;
    let work = |size: usize| {
        let steps = size + size * size / (200 * SIZE);
        (0..steps).for_each(|number| assert!(std::hint::black_box(number) < steps));
    };
    assert!(report_of(|| check_linear_cost(SIZE, work)).starts_with("this takes more than linear time"));
}

#[test]
fn a_small_quadratic_part_of_a_protocol_is_found() {
    // A hash of each byte is dear; the copy for each piece is cheap, until there is much to copy.
    let copy = || {
        let (mut collected, mut hash) = (Vec::new(), 0_u64);
        with(move |_, data| {
            for byte in data {
                hash = hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(*byte);
            }
            collected.extend_from_slice(data);
            std::hint::black_box((hash, collected.clone()));
        })
    };
    let report = report_of(|| check_linear(copy, 512, |size| vec![b'x'; size]));
    assert!(report.starts_with("this takes more than linear time"), "{report}");
}

#[test]
fn work_of_a_protocol_that_pauses_reading_is_measured_too() {
    let pauses = |grows: bool| {
        move || {
            let mut collected = Vec::new();
            with(move |transport: &Transport, data| {
                collected.extend_from_slice(data);
                if grows {
                    std::hint::black_box(collected.iter().filter(|byte| **byte == b'\n').count());
                }
                let hold = transport.clone();
                transport.pause_reading();
                transport.reactor().call_later(std::time::Duration::ZERO, move |_| hold.resume_reading());
            })
        }
    };
    check_linear(pauses(false), 256, |size| vec![b'x'; size]);
    let report = report_of(|| check_linear(pauses(true), 2 * 1024, |size| vec![b'x'; size]));
    assert!(report.starts_with("this takes more than linear time"), "{report}");
}
