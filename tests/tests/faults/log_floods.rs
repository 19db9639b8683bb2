//! Log lines and printed panics that peers cause: escaped, cut, and bounded in number.

use std::env;
use std::panic;
use std::process::Command;
use std::thread;
use std::time::Duration;

use lariat::{ConnectionLimits, Deferred, Failure, ListenOptions, LogThrottle, Peer, Transport, WriteStatus};
use lariat_tests::command::command;
use lariat_tests::faults::Records;
use lariat_tests::harness::{Ground, Log, World};
use log::Level;

/// Bytes that would command a terminal and forge a log line, and their escaped form.
const NASTY: &[u8] = b"\x1b[2J\x1b]0;owned\x07\r\nERROR root: all is well \xe2\x80\xae";
const ESCAPED: &str = r"\u{1b}[2J\u{1b}]0;owned\u{7}\r\nERROR root: all is well \u{202e}";

/// The lines so far, without those at level debug.
fn lines(records: &Records) -> Vec<String> {
    records.lines().into_iter().filter(|line| !line.starts_with("DEBUG")).collect()
}

#[test]
fn a_full_port_is_logged_once_a_second() {
    let (mut world, records) = (World::new(Ground::SimulatedTcp), Records::begin());
    let mut options = ListenOptions::default();
    options.connections = Some(ConnectionLimits::total(4));
    let port = world.listen_with(options, |_: &Peer| Log::new().probe());
    let crowd: Vec<_> = (0..100).map(|_| Log::new()).collect();
    for log in &crowd {
        world.connect(&port, log.probe());
        world.settle();
    }
    let [line] = &lines(&records)[..] else { panic!("{:?}", lines(&records)) };
    assert!(
        line.starts_with("WARN ") && line.contains(" is full: ending the most idle connections (1), such as that of ")
    );
    assert_eq!(world.reactor.stats().evicted, 96);
    world.pass(Duration::from_secs(2));
    world.connect(&port, Log::new().probe());
    world.settle();
    let lines = lines(&records);
    assert!(lines.len() == 2 && lines[1].ends_with("(and 95 more like it were left out)"), "{lines:?}");
}

#[test]
fn a_refused_connection_costs_no_other_one_its_place() {
    let mut world = World::new(Ground::SimulatedTcp);
    let mut options = ListenOptions::default();
    options.connections = Some(ConnectionLimits::total(1));
    let (kept, mut first) = (Log::new(), true);
    let server = kept.clone();
    let factory = move |_: &Peer| std::mem::take(&mut first).then(|| server.probe());
    let port = world.listen_with(options, factory);
    world.connect(&port, Log::new().probe());
    world.until("the first is served", || kept.is_made());
    let refused = Log::new();
    world.connect(&port, refused.probe());
    world.until_lost(&[&refused]);
    assert_eq!((kept.lost(), world.reactor.stats().evicted), (None, 0));
}

#[test]
fn connections_that_are_closing_count_towards_the_limit() {
    let mut world = World::new(Ground::SimulatedTcp);
    let mut options = ListenOptions::default();
    options.connections = Some(ConnectionLimits::total(10));
    let port = world.listen_with(options, |_: &Peer| Log::new().probe().made(Transport::close));
    for _ in 0..100 {
        // A peer that is paused does not read the end of the stream, and so does not close either.
        world.connect(&port, Log::new().probe().made(Transport::pause_reading));
        world.settle();
    }
    let stats = world.reactor.stats();
    assert_eq!((stats.evicted, world.reactor.connections().len()), (90, 110));
}

#[test]
fn of_many_stalled_connections_ten_are_logged() {
    let (mut world, records) = (World::new(Ground::SimulatedTcp), Records::begin());
    let write = |transport: &Transport| assert_eq!(transport.write(&vec![0; 1 << 20]), WriteStatus::Paused);
    let port = world.listen(move |_: &Peer| Log::new().probe().made(write));
    for _ in 0..50 {
        world.connect(&port, Log::new().probe().made(Transport::pause_reading));
    }
    world.settle();
    world.pass(Duration::from_secs(61));
    let stalled = lines(&records).iter().filter(|line| line.contains(" has stalled: ")).count();
    assert_eq!(stalled, 10);
    assert_eq!(records.with(" has stalled: ").len(), 50, "the others are there at level debug");
}

/// Has a client send `input` to a server that does `act` with it.
fn send(world: &mut World, input: &[u8], act: impl FnMut(&Transport, &[u8]) + 'static) {
    let (server, client, input) = (Log::new(), Log::new(), input.to_vec());
    let greet = move |transport: &Transport| {
        transport.write(&input);
        transport.close_write();
    };
    let port = world.pair(server.probe().data(act), client.probe().made(greet));
    world.until_lost(&[&server, &client]);
    port.close();
}

/// Leaves a failure unhandled, with the peer's bytes in it.
fn fail(transport: &Transport, data: &[u8]) {
    let words = format!("no such command: {}", String::from_utf8_lossy(data));
    Deferred::<()>::fail(transport.reactor(), Failure::new(words)).detach();
    transport.close();
}

/// Panics with the peer's bytes.
fn oh_no(_: &Transport, data: &[u8]) {
    panic!("no such command: {}", String::from_utf8_lossy(data));
}

fn assert_harmless(line: &str) {
    assert!(line.contains(ESCAPED), "{line}");
    assert!(!line.chars().any(|character| character.is_control() || character == '\u{202e}'), "{line}");
}

#[test]
fn an_unhandled_failure_is_logged_escaped_and_cut() {
    let (mut world, records) = (World::new(Ground::SimulatedTcp), Records::begin());
    send(&mut world, NASTY, fail);
    send(&mut world, &[b'x'; 10_000], fail);
    let [nasty, long] = &lines(&records)[..] else { panic!("{:?}", records.lines()) };
    assert!(nasty.starts_with("ERROR unhandled failure in the Deferred"), "{nasty}");
    assert_harmless(nasty);
    assert!(long.len() < 1200 && long.contains(" bytes left out)"), "{} bytes: {long:.99}", long.len());
}

#[test]
fn a_panic_is_logged_escaped_and_cut() {
    let (mut world, records) = (World::new(Ground::SimulatedTcp), Records::begin());
    send(&mut world, NASTY, oh_no);
    send(&mut world, &[b'x'; 10_000], oh_no);
    let [nasty, long] = &lines(&records)[..] else { panic!("{:?}", records.lines()) };
    assert!(nasty.contains("Probe panicked: no such command: "), "{nasty}");
    assert_harmless(nasty);
    assert!(long.len() < 1200 && long.contains(" bytes left out)"), "{} bytes: {long:.99}", long.len());
}

#[test]
fn of_a_flood_of_failures_the_log_has_ten_lines_and_a_count() {
    let (mut world, records) = (World::new(Ground::SimulatedTcp), Records::begin());
    let fail = |world: &mut World| {
        world.reactor.call_later(Duration::ZERO, |reactor| {
            (0..300).for_each(|_| Deferred::<()>::fail(reactor, Failure::new("again")).detach());
        });
        world.settle();
    };
    fail(&mut world);
    assert_eq!(lines(&records).len(), 10);
    world.pass(Duration::from_secs(1));
    fail(&mut world);
    let then = lines(&records);
    assert_eq!(then.len(), 11);
    assert!(then[10].ends_with("(and 290 more like it were left out)"), "{}", then[10]);
    // After a minute without lines, there is a burst of ten again.
    world.pass(Duration::from_secs(60));
    fail(&mut world);
    let then = lines(&records);
    assert_eq!(then.len(), 21);
    assert!(then[11].ends_with("(and 299 more like it were left out)"), "{}", then[11]);
    drop(world);
    assert_eq!(lines(&records).pop().as_deref(), Some("ERROR 290 more lines of this kind were left out"));
}

#[test]
fn one_kind_of_lines_does_not_use_up_those_of_another() {
    const ONE: LogThrottle = LogThrottle::new("test::one").with_burst(1);
    const OTHER: LogThrottle = LogThrottle::new("test::other").with_burst(1);
    let (mut world, records) = (World::new(Ground::SimulatedTcp), Records::begin());
    world.reactor.call_later(Duration::ZERO, |_| {
        (0..5).for_each(|_| ONE.log(Level::Warn, format_args!("one\n")));
        (0..5).for_each(|_| OTHER.log(Level::Info, format_args!("other")));
    });
    world.settle();
    assert_eq!(lines(&records), [r"WARN one\n", "INFO other"]);
    assert_eq!(records.lines().len(), 10, "the others are there at level debug");
}

const CASE: &str = "LARIAT_TEST_PANICS";

/// A process that runs `case` of the test below, without a logger.
fn process_that_runs(case: &str) -> Command {
    let test = env::current_exe().expect("a test has a file");
    let arguments = ["--exact", "log_floods::a_process_of_its_own_panics", "--nocapture"];
    let mut process = command(test);
    process.args(arguments).env(CASE, case).env("RUST_BACKTRACE", "0");
    process
}

/// The standard error of that process.
fn printed_by(case: &str) -> String {
    let output = process_that_runs(case).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).expect("it is text")
}

fn elsewhere() {
    panic!("elsewhere\x1b");
}

fn job() {
    panic!("{}", String::from_utf8_lossy(NASTY));
}

#[test]
fn a_process_of_its_own_panics() {
    // Run by itself it has nothing to do.
    let Ok(case) = env::var(CASE) else { return };
    if case == "a hook of the program's" {
        panic::set_hook(Box::new(|_| eprintln!("the program's own hook")));
    }
    // Only the real one has threads of its own.
    let mut world = World::new(if case == "a job" { Ground::RealTcp } else { Ground::SimulatedTcp });
    let count = if case == "flood" { 300 } else { 1 };
    (0..count).for_each(|_| send(&mut world, NASTY, oh_no));
    if case == "another thread" {
        assert!(thread::spawn(elsewhere).join().is_err());
    }
    if case == "a job" {
        let job = world.reactor.defer_to_thread(job);
        world.reactor.block_on(job).expect("it turns").expect_err("it panics");
    }
}

#[test]
fn a_panic_is_printed_as_one_harmless_line_with_the_type() {
    let printed = printed_by("one");
    let [line] = &printed.lines().collect::<Vec<_>>()[..] else { panic!("{printed}") };
    assert_harmless(line);
    assert!(line.contains("panicked at tests/tests/faults/log_floods.rs:"), "{line}");
    assert!(line.contains(" in lariat_tests::harness::probe::Probe: no such command: "), "{line}");
}

#[test]
fn a_panic_ends_nothing_if_standard_error_is_a_broken_pipe() {
    let (reader, writer) = std::io::pipe().expect("there is a pipe");
    let mut process = process_that_runs("one");
    process.stderr(writer);
    drop(reader);
    let output = process.output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn of_a_flood_of_panics_ten_lines_are_printed() {
    assert_eq!(printed_by("flood").lines().count(), 10);
}

#[test]
fn a_panic_in_a_pool_thread_is_printed_as_a_harmless_line() {
    let printed = printed_by("a job");
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 2, "{printed}");
    lines.into_iter().for_each(assert_harmless);
}

#[test]
fn a_panic_of_another_thread_is_printed_as_ever() {
    let printed = printed_by("another thread");
    assert!(printed.contains("log_floods.rs:") && printed.contains(":\nelsewhere\x1b\n"), "{printed}");
}

#[test]
fn a_hook_that_the_program_has_set_stays() {
    assert_eq!(printed_by("a hook of the program's"), "the program's own hook\n");
}
