//! A protocol in memory behaves as on a socket, and the test at its other end sees everything.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, set_hook, take_hook};
use std::rc::Rc;
use std::sync;
use std::time::Duration;

use lariat::testing::{MemoryTransport, Notes, VirtualClock, check_chunking};
use lariat::{
    CloseReason, Deferred, Failure, Idle, Once, Peer, Phase, Protocol, PullProducer, Reactor, StreamOptions, Transport,
    WriteStatus,
};

const SECOND: Duration = Duration::from_secs(1);

/// Carries out the letters that it receives, and notes its callbacks.
struct Script(Notes);

impl Protocol for Script {
    fn connection_made(&mut self, _: &Transport) {
        self.0.note("made");
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.0.note(format!("got {}", data.escape_ascii()));
        match data {
            b"kilobyte" => drop(transport.write(&[b'k'; 1024])),
            b"pause" => {
                transport.pause_reading();
                transport.handle(self).call_later(SECOND, |_, transport| transport.resume_reading());
            }
            b"close" => transport.close(),
            b"close write" => transport.close_write(),
            b"abort" => transport.abort(),
            b"fail" => transport.fail("on purpose"),
            b"assert" => panic!("not what was expected"),
            b"later" => {
                transport.reactor().call_later(SECOND, |_| panic!("later"));
            }
            b"switch" => drop(transport.switch_to(Echo, b"left over")),
            _ => drop(transport.write(data)),
        }
    }

    fn read_closed(&mut self, transport: &Transport) {
        self.0.note("read closed");
        transport.write(b"bye");
        transport.close();
    }

    fn write_paused(&mut self, _: &Transport) {
        self.0.note("write paused");
    }

    fn write_resumed(&mut self, _: &Transport) {
        self.0.note("write resumed");
    }

    fn drain(&mut self, transport: &Transport) {
        self.0.note("drain");
        transport.close();
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        self.0.note(format!("({reason})"));
    }
}

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

fn script() -> (MemoryTransport<Script>, Notes) {
    let journal = Notes::new();
    let wire = MemoryTransport::new(Script(journal.clone()));
    assert_eq!(journal.take(), ["made"]);
    (wire, journal)
}

/// Returns the message of a panic.
fn panic_in(work: impl FnOnce()) -> String {
    let thrown = catch_unwind(AssertUnwindSafe(work)).expect_err("it panics");
    thrown
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| thrown.downcast_ref().cloned())
        .unwrap_or_default()
}

#[test]
fn what_is_fed_arrives_and_what_is_written_is_seen() {
    let (mut wire, journal) = script();
    wire.feed(b"hello");
    wire.feed(b" world");
    assert_eq!(journal.take(), ["got hello", "got  world"]);
    assert_eq!(wire.written(), b"hello world");
    assert_eq!(wire.take_written(), b"hello world");
    assert_eq!(wire.written(), b"");
    assert!(wire.is_open() && !wire.is_closed() && wire.close_reason().is_none());
}

#[test]
fn nothing_fed_is_nothing_heard() {
    let (mut wire, journal) = script();
    wire.feed(b"");
    assert_eq!(journal.take(), [""; 0]);
}

#[test]
fn more_than_the_buffers_hold_arrives_in_order() {
    let mut wire = MemoryTransport::new(Echo);
    let much: Vec<u8> = (0..3_000_000_u32).map(|at| at.to_le_bytes()[1]).collect();
    wire.feed(&much);
    assert!(wire.take_written() == much);
}

#[test]
fn a_close_is_answered_so_that_it_is_over_at_once() {
    let (mut wire, journal) = script();
    wire.feed(b"close");
    assert!(matches!(wire.close_reason(), Some(CloseReason::Done)));
    assert!(wire.is_closed() && wire.is_write_closed() && !wire.was_reset());
    assert_eq!(wire.clock().elapsed(), Duration::ZERO);
    assert_eq!(journal.take(), ["got close", "(closed cleanly)"]);
    wire.feed(b"too late");
    assert_eq!(journal.take(), [""; 0]);
    assert_eq!(wire.transport().write(b"too late"), WriteStatus::Closed);
}

#[test]
fn an_end_of_the_writing_side_alone_is_not_answered() {
    let (mut wire, _) = script();
    wire.feed(b"close write");
    assert!(wire.is_write_closed() && wire.is_open() && !wire.is_closed());
    wire.end_of_input();
    assert!(matches!(wire.close_reason(), Some(CloseReason::Done)));
}

#[test]
fn a_close_after_the_end_of_the_writing_side_is_answered() {
    let (mut wire, _) = script();
    wire.feed(b"close write");
    wire.feed(b"close");
    assert!(matches!(wire.close_reason(), Some(CloseReason::Done)), "{wire:?}");
}

#[test]
fn an_abort_resets_the_peer() {
    let (mut wire, _) = script();
    wire.feed(b"abort");
    assert!(wire.was_reset() && wire.is_closed());
    assert!(matches!(wire.close_reason(), Some(CloseReason::Aborted)));
}

#[test]
fn the_error_that_a_protocol_fails_with_can_be_read() {
    let (mut wire, _) = script();
    wire.feed(b"fail");
    assert_eq!(wire.close_reason().unwrap().to_string(), "failed: on purpose");
}

#[test]
fn a_reset_by_the_peer_is_heard() {
    let (mut wire, journal) = script();
    wire.reset();
    let Some(CloseReason::Lost(error)) = wire.close_reason() else { panic!("it was lost") };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(journal.take()[0].starts_with("(lost: "));
}

#[test]
fn after_the_end_of_input_a_reply_still_arrives() {
    let (mut wire, journal) = script();
    wire.feed(b"x");
    wire.end_of_input();
    assert_eq!(journal.take(), ["got x", "read closed", "(closed cleanly)"]);
    assert_eq!(wire.take_written(), b"xbye");
}

#[test]
fn what_a_protocol_that_has_paused_does_not_read_follows_when_it_does() {
    let (mut wire, journal) = script();
    wire.feed(b"pause");
    assert!(wire.is_reading_paused());
    wire.feed(&[b'z'; 1_000_000]);
    wire.end_of_input();
    assert_eq!(journal.take(), ["got pause"]);
    wire.advance(SECOND);
    assert!(!wire.is_reading_paused());
    assert_eq!(wire.take_written().len(), 1_000_003);
}

#[test]
fn a_peer_takes_exactly_what_it_is_told_to() {
    let journal = Notes::new();
    let mut options = StreamOptions::default();
    (options.high_water_mark, options.low_water_mark) = (1000, 500);
    let mut wire = MemoryTransport::with_options(Script(journal.clone()), options);
    wire.peer_takes(24);
    wire.feed(b"kilobyte");
    assert_eq!((wire.written().len(), wire.queued()), (24, 1000));
    assert!(!wire.is_write_paused());
    wire.peer_takes(0);
    wire.transport().write(b"over the mark");
    wire.clock().settle();
    assert!(wire.is_write_paused() && wire.is_reading_paused());
    assert_eq!(wire.queued(), 1013);
    wire.peer_takes(512);
    assert_eq!((wire.written().len(), wire.queued()), (24 + 512, 501));
    assert!(wire.is_write_paused());
    wire.peer_takes(1);
    assert!(!wire.is_write_paused() && !wire.is_reading_paused());
    wire.peer_takes_all();
    assert_eq!((wire.written().len(), wire.queued()), (24 + 1013, 0));
    assert_eq!(journal.take(), ["made", "got kilobyte", "write paused", "write resumed"]);
}

#[test]
fn a_close_with_a_queue_that_the_peer_does_not_take_ends_by_its_timeout() {
    let (mut wire, _) = script();
    wire.peer_takes(1);
    wire.feed(b"kilobyte");
    wire.feed(b"close");
    assert!(!wire.is_open() && !wire.is_closed());
    wire.advance(29 * SECOND);
    assert!(!wire.is_closed());
    wire.advance(SECOND);
    assert!(matches!(wire.close_reason(), Some(CloseReason::TimedOut(Phase::Close))));
    assert_eq!(wire.written(), b"k");
}

#[test]
fn a_peer_that_takes_too_little_overflows_the_queue() {
    let options = |limit| {
        let mut options = StreamOptions::default();
        options.queue_limit = limit;
        options
    };
    let mut wire = MemoryTransport::with_options(Script(Notes::new()), options(8 * 1024));
    wire.peer_takes(0);
    while wire.is_open() {
        wire.feed(b"kilobyte");
    }
    assert!(matches!(wire.close_reason(), Some(CloseReason::Overflow)));
    assert!(wire.was_reset());
}

#[test]
fn time_passes_as_it_is_told_to_and_no_further() {
    let (mut wire, _) = script();
    for _ in 0..3000 {
        wire.feed(b"x");
    }
    assert_eq!(wire.clock().elapsed(), Duration::ZERO);
    wire.advance(Duration::from_micros(1500));
    assert_eq!(wire.clock().elapsed(), Duration::from_millis(2));
}

#[test]
fn timers_run_at_their_own_times_during_an_advance() {
    let (clock, journal) = (VirtualClock::new(), Notes::new());
    let note = |what: &str| {
        let (what, journal, beginning) = (what.to_owned(), journal.clone(), clock.now());
        move |reactor: &Reactor| {
            let at = reactor.now() - beginning;
            journal.note(format!("{what} at {} s", at.as_secs()));
        }
    };
    let (first, then) = (note("first"), note("then"));
    clock.call_later(5 * SECOND, note("second"));
    clock.call_later(SECOND, move |reactor| {
        first(reactor);
        reactor.call_later(3 * SECOND, then);
    });
    clock.call_later(6 * SECOND, note("too late"));
    clock.advance(5 * SECOND);
    assert_eq!(journal.take(), ["first at 1 s", "then at 4 s", "second at 5 s"]);
    assert_eq!(clock.elapsed(), 5 * SECOND);
}

#[test]
fn an_idle_timeout_counts_from_the_last_byte() {
    struct Impatient;
    impl Protocol for Impatient {
        fn connection_made(&mut self, transport: &Transport) {
            transport.set_idle_timeout(Idle::Read, Some(60 * SECOND));
        }
        fn data_received(&mut self, _: &Transport, _: &[u8]) {}
    }
    let mut wire = MemoryTransport::new(Impatient);
    wire.advance(59 * SECOND);
    wire.feed(b"x");
    wire.advance(59 * SECOND);
    assert!(wire.is_open());
    wire.advance(SECOND);
    assert!(matches!(wire.close_reason(), Some(CloseReason::TimedOut(Phase::Idle(Idle::Read)))));
}

#[test]
fn a_panic_in_a_callback_fails_the_test() {
    let (mut wire, _) = script();
    assert_eq!(panic_in(|| wire.feed(b"assert")), "not what was expected");
    assert!(matches!(wire.close_reason(), Some(CloseReason::Panicked)));
}

#[test]
fn a_panic_in_a_timer_fails_the_test() {
    let (mut wire, _) = script();
    wire.feed(b"later");
    assert_eq!(panic_in(|| wire.advance(SECOND)), "later");
}

#[test]
fn a_panic_in_connection_made_fails_the_test() {
    struct Broken;
    impl Protocol for Broken {
        fn connection_made(&mut self, _: &Transport) {
            panic!("made broken");
        }
        fn data_received(&mut self, _: &Transport, _: &[u8]) {}
    }
    assert_eq!(panic_in(|| drop(MemoryTransport::new(Broken))), "made broken");
}

#[test]
fn a_panic_in_the_last_callback_fails_the_test_too() {
    struct Tenacious;
    impl Protocol for Tenacious {
        fn data_received(&mut self, _: &Transport, _: &[u8]) {}
        fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
            panic!("it was {reason}");
        }
    }
    let wire = MemoryTransport::new(Tenacious);
    assert!(panic_in(|| drop(wire)).starts_with("it was aborted on this side"));
}

#[test]
fn a_test_that_fails_already_is_not_ended_by_a_second_panic() {
    let (wire, _) = script();
    let message = panic_in(move || {
        wire.transport().reactor().call_later(SECOND, |_| {});
        struct Loud;
        impl Protocol for Loud {
            fn data_received(&mut self, _: &Transport, _: &[u8]) {}
            fn connection_lost(&mut self, _: &Transport, _: CloseReason) {
                panic!("the second");
            }
        }
        let _loud = MemoryTransport::new(Loud);
        panic!("the first");
    });
    assert_eq!(message, "the first");
}

#[test]
fn the_protocol_can_be_visited_and_what_it_writes_is_sent() {
    struct Counter(u32);
    impl Protocol for Counter {
        fn data_received(&mut self, _: &Transport, data: &[u8]) {
            self.0 += u32::try_from(data.len()).unwrap();
        }
    }
    let mut wire = MemoryTransport::new(Counter(0));
    wire.feed(b"abc");
    let borrowed = String::from("count");
    let count = wire.with_protocol(|counter, transport| {
        write!(transport, "{borrowed} {}", counter.0);
        counter.0
    });
    assert_eq!(count, 3);
    assert_eq!(wire.take_written(), b"count 3");
    assert_eq!(panic_in(|| wire.with_protocol(|_, _| panic!("visited"))), "visited");
    wire.clock().settle();
    assert!(panic_in(|| wire.with_protocol(|_, _| {})).starts_with("no "));
}

#[test]
fn a_protocol_may_be_switched_and_its_successor_is_served() {
    let (mut wire, journal) = script();
    wire.feed(b"switch");
    wire.feed(b"!");
    assert_eq!(wire.take_written(), b"left over!");
    assert_eq!(journal.take(), ["got switch"]);
    wire.end_of_input();
    assert!(matches!(wire.close_reason(), Some(CloseReason::Done)));
}

#[test]
fn a_protocol_hears_that_the_server_is_stopping() {
    let (mut wire, journal) = script();
    wire.drain();
    assert_eq!(journal.take(), ["drain", "(closed cleanly)"]);
}

#[test]
fn the_end_of_the_transport_is_the_end_of_the_connection() {
    let (wire, journal) = script();
    drop(wire);
    assert_eq!(journal.take(), ["(aborted on this side)"]);
}

#[test]
fn on_a_shared_clock_a_dropped_transport_is_a_peer_that_has_gone() {
    let (clock, journal) = (VirtualClock::new(), Notes::new());
    let wire = MemoryTransport::serve(&clock, Once::new(Script(journal.clone())), StreamOptions::default());
    let mut other = MemoryTransport::serve(&clock, Once::new(Echo), StreamOptions::default());
    drop(wire);
    clock.settle();
    assert_eq!(journal.take(), ["made", "read closed", "(closed cleanly)"]);
    other.feed(b"still here");
    assert_eq!(other.take_written(), b"still here");
}

#[test]
fn a_factory_that_refuses_fails_the_test() {
    let refuse = |_: &Peer| -> Option<Echo> { None };
    let message = panic_in(|| drop(MemoryTransport::serve(&VirtualClock::new(), refuse, StreamOptions::default())));
    assert_eq!(message, "the factory refused the connection");
}

#[test]
fn a_callback_cannot_move_the_time() {
    let clock = VirtualClock::new();
    let inner = clock.clone();
    clock.call_later(Duration::ZERO, move |_| inner.advance(SECOND));
    assert!(panic_in(|| clock.settle()).starts_with("a callback cannot move the time"));
}

#[test]
fn a_producer_with_nothing_to_produce_holds_no_time_up() {
    struct Idler(Rc<Cell<bool>>);
    impl PullProducer for Idler {
        fn produce(&mut self, transport: &Transport) {
            if self.0.take() {
                transport.write(b"at last");
            }
        }
    }
    struct Idle(Rc<Cell<bool>>);
    impl Protocol for Idle {
        fn connection_made(&mut self, transport: &Transport) {
            transport.register_pull_producer(Idler(self.0.clone()));
        }
        fn data_received(&mut self, _: &Transport, _: &[u8]) {}
    }
    let ready = Rc::new(Cell::new(false));
    let mut wire = MemoryTransport::new(Idle(ready.clone()));
    wire.advance(3600 * SECOND);
    assert_eq!(wire.written(), b"");
    ready.set(true);
    wire.advance(SECOND);
    assert_eq!(wire.written(), b"at last");
    assert_eq!(wire.clock().elapsed(), 3601 * SECOND);
}

#[test]
fn calls_that_queue_calls_without_end_fail_the_test() {
    fn again(reactor: &Reactor) {
        reactor.call_later(Duration::ZERO, again);
    }
    let clock = VirtualClock::new();
    again(&clock);
    assert!(panic_in(|| clock.settle()).starts_with("there is no end"));
}

/// Everything that the panic hook is given by this thread during `work`, which panics: the message and the line.
fn printed_by(work: impl FnOnce()) -> Vec<(String, u32)> {
    thread_local! {
        static PRINTED: Cell<Option<Vec<(String, u32)>>> = const { Cell::new(None) };
    }
    static HOOK: sync::Once = sync::Once::new();
    HOOK.call_once(|| {
        let former = take_hook();
        set_hook(Box::new(move |info| match PRINTED.take() {
            Some(mut printed) => {
                let line = info.location().filter(|place| place.file() == file!()).map_or(0, Location::line);
                let message = info.payload().downcast_ref::<&str>().map(ToString::to_string);
                printed.push((message.or_else(|| info.payload().downcast_ref().cloned()).unwrap_or_default(), line));
                PRINTED.set(Some(printed));
            }
            None => former(info),
        }));
    });
    PRINTED.set(Some(Vec::new()));
    panic_in(work);
    PRINTED.take().expect("it was set")
}

/// Fails a dropped Deferred, from the loop. Returns the line where the failure is made.
fn fail_soon(reactor: &Reactor) -> u32 {
    let (resolver, deferred) = Deferred::<()>::new(reactor);
    deferred.detach();
    reactor.call_later(Duration::from_secs(1), move |_| {
        resolver.reject(Failure::new("the oven is cold")).expect("it waits");
    });
    line!() - 2
}

#[test]
fn an_unhandled_failure_is_printed_with_the_line_of_the_test() {
    let made = Cell::new(0);
    let clock = VirtualClock::new();
    let (printed, line) = (
        printed_by(|| {
            made.set(fail_soon(&clock));
            clock.advance(Duration::from_secs(1));
        }),
        line!() - 2,
    );
    let [(message, at)] = &printed[..] else { panic!("{printed:?}") };
    assert!(message.contains("unhandled failure in the Deferred made at"), "{message}");
    assert!(message.contains(&format!("the oven is cold (at {}:{}:", file!(), made.get())), "{message}");
    assert_eq!(*at, line);
}

#[test]
fn every_method_of_a_wire_prints_a_failure_with_its_own_line() {
    let late = |wire: &MemoryTransport<Echo>| {
        let (resolver, deferred) = Deferred::<()>::new(wire.clock());
        deferred.detach();
        resolver.reject(Failure::new("the oven is cold")).expect("it waits");
    };
    let mut wire = MemoryTransport::new(Echo);
    let mut lines = Vec::new();
    for method in 0..5 {
        late(&wire);
        let printed = printed_by(|| match method {
            0 => wire.feed(b"hello"),
            1 => wire.advance(Duration::ZERO),
            2 => wire.drain(),
            3 => wire.end_of_input(),
            _ => wire.reset(),
        });
        assert!(printed[0].0.contains("the oven is cold"), "{printed:?}");
        lines.push(printed[0].1);
    }
    assert!(lines[0] > 0 && lines.windows(2).all(|two| two[1] == two[0] + 1), "{lines:?}");
}

#[test]
fn a_panic_of_a_callback_is_printed_with_both_lines() {
    struct Fragile;

    impl Protocol for Fragile {
        fn data_received(&mut self, _: &Transport, data: &[u8]) {
            assert!(data.is_empty(), "this one takes nothing");
        }
    }

    let mut wire = MemoryTransport::new(Fragile);
    let (printed, line) = (printed_by(|| wire.feed(b"hello")), line!());
    let [(first, _), (second, at)] = &printed[..] else { panic!("{printed:?}") };
    assert_eq!(first, "this one takes nothing");
    assert_eq!(second, first);
    assert_eq!(*at, line);
    // The chunking check too names the line of the test, not its own.
    let (printed, line) = (printed_by(|| check_chunking(|| Fragile, "hello")), line!());
    assert_eq!(printed.last().map(|(_, line)| *line), Some(line), "{printed:?}");
}

#[test]
fn a_failure_that_the_body_of_a_test_lets_go_is_noticed() {
    let clock = VirtualClock::new();
    Deferred::<()>::fail(&clock, Failure::new("the oven is cold")).detach();
    assert!(panic_in(|| clock.settle()).contains("the oven is cold"));
    // The drop of the clock is the last chance, and a dropped Deferred counts too.
    let clock = VirtualClock::new();
    drop(Deferred::<()>::fail(&clock, Failure::new("the oven is warm")));
    let (message, file) = (panic_in(|| drop(clock)), file!());
    assert!(
        message.contains("the oven is warm") && message.contains(&format!("the clock made at {file}:")),
        "{message}"
    );
}

#[test]
fn a_failure_of_another_reactor_is_not_noticed() {
    let (clock, other) = (VirtualClock::new(), lariat::testing::simulated());
    Deferred::<()>::fail(&other, Failure::new("the oven is cold")).detach();
    clock.settle();
    Deferred::<()>::fail(&clock, Failure::cancelled()).detach();
    clock.settle();
}
