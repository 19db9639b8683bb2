//! Signals to a process with a loop.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::Duration;

use lariat::{ErrorKind, Reactor, testing};
use lariat_tests::child::{Child, client};
use lariat_tests::command::command;
use rustix::process::Signal;

const INT: Signal = Signal::INT;
const TERM: Signal = Signal::TERM;

/// Starts the server in a mode, with a client that it has answered.
fn start(mode: &str) -> (Child, TcpStream) {
    let mut server = Child::start(env!("CARGO_BIN_EXE_signalled"), &[mode]);
    let client = connect(&mut server);
    (server, client)
}

fn connect(server: &mut Child) -> TcpStream {
    let mut client = client(server.address());
    is_served(&mut client);
    server.expect("connected");
    client
}

fn is_served(client: &mut TcpStream) {
    client.write_all(b"?").expect("the server takes it");
    let mut answer = [0];
    client.read_exact(&mut answer).expect("the server answers");
    assert_eq!(answer, *b"!");
}

/// Reads to the end of the stream, and fails on a reset.
fn ends_in_good_order(mut client: TcpStream) {
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).expect("the end is no reset");
    assert_eq!(rest, b"");
}

#[test]
fn sigint_and_sigterm_drain_and_the_process_ends_with_status_0_and_a_report() {
    for signal in [INT, TERM] {
        let (mut server, client) = start("");
        server.signal(signal);
        server.expect("draining");
        ends_in_good_order(client);
        let ended = server.end();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert_eq!(ended.output, ["done", "ended"]);
        assert!(ended.log.contains("stopped: 1 connection ended in good order"), "{}", ended.log);
    }
}

#[test]
fn a_second_signal_while_draining_ends_the_process_at_once() {
    for (first, second, status) in [(INT, INT, 130), (TERM, TERM, 143), (INT, TERM, 143), (TERM, INT, 130)] {
        let (mut server, _client) = start("stays");
        server.signal(first);
        server.expect("draining");
        server.signal(second);
        let ended = server.end();
        assert_eq!(ended.status.code(), Some(status), "{ended:?}");
        assert!(ended.output.is_empty(), "{ended:?}");
    }
}

#[test]
fn a_stop_that_no_signal_began_leaves_the_first_signal_without_effect() {
    let (mut server, mut client) = start("stays");
    client.write_all(b"s").expect("the server takes it");
    server.expect("draining");
    server.signal(TERM);
    is_served(&mut client);
    client.write_all(b"c").expect("the server takes it");
    assert_eq!(server.end().status.code(), Some(0));
}

#[test]
fn a_request_in_hand_is_finished_after_the_signal() {
    let (mut server, mut client) = start("stays");
    server.signal(TERM);
    server.expect("draining");
    is_served(&mut client);
    client.write_all(b"c").expect("the server takes it");
    ends_in_good_order(client);
    let ended = server.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(ended.output, ["done", "ended"]);
}

#[test]
fn who_does_not_end_in_time_is_cut_off_and_the_process_ends_well() {
    let (mut server, _client) = start("short");
    server.signal(TERM);
    server.expect("draining");
    let ended = server.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(ended.output, ["lost", "ended"]);
    assert!(ended.log.contains("0 connections ended in good order, 1 cut off at the deadline"), "{}", ended.log);
}

#[test]
fn a_signal_during_a_callback_that_blocks_is_obeyed_after_it() {
    let (mut server, mut client) = start("");
    client.write_all(b"b").expect("the server takes it");
    server.expect("busy");
    server.signal(TERM);
    server.tell("go on");
    server.expect("idle");
    server.expect("draining");
    ends_in_good_order(client);
    assert_eq!(server.end().status.code(), Some(0));
}

#[test]
fn a_second_signal_ends_a_process_whose_loop_is_blocked() {
    let (mut server, mut client) = start("");
    client.write_all(b"b").expect("the server takes it");
    server.expect("busy");
    // Two signals of one kind may become one while they are pending; two kinds stay distinct.
    server.signal(INT);
    server.signal(TERM);
    let status = server.end().status.code();
    assert!(matches!(status, Some(130 | 143)), "{status:?}");
}

#[test]
fn signals_that_are_left_alone_have_their_default_action() {
    for signal in [INT, TERM] {
        let (server, _client) = start("leave");
        server.signal(signal);
        assert_eq!(server.end().status.signal(), Some(signal.as_raw()));
    }
}

#[test]
fn children_do_not_inherit_ignored_signals_or_descriptors() {
    // As a script starts the tests in the background: with signals ignored, a descriptor more, and its own environment.
    let script = r#"trap "" INT QUIT HUP TERM USR1; exec 7</dev/null; umask 077; export LARIAT_SEED=7; exec "$@""#;
    let tests = std::env::current_exe().expect("a process knows its program");
    let output = command("bash")
        .args(["-c", script, "bash"])
        .arg(tests)
        .args(["--exact", "signals_that_are_left_alone_have_their_default_action", "children_start_in_a_defined_state"])
        .output()
        .expect("there is a shell");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("2 passed"), "{printed}");
}

#[test]
fn children_start_in_a_defined_state() {
    // The shell itself blocks all signals while it waits for a program, and has a descriptor more while it starts a pipeline.
    let script = r#"grep -E "^Sig(Ign|Blk)" /proc/self/status; ls /proc/$$/fd; umask; cat; env | sort"#;
    let output = command("sh").args(["-c", script]).output().expect("there is a shell");
    let printed = String::from_utf8_lossy(&output.stdout);
    let mut lines = printed.lines();
    for kind in ["SigBlk:\t", "SigIgn:\t"] {
        let signals = lines.next().and_then(|line| line.strip_prefix(kind)).unwrap_or_default();
        let signals = u64::from_str_radix(signals, 16).expect("the kernel prints a set of signals");
        // The C library keeps signals 32 and 33 for itself: no program can change their action.
        assert_eq!(signals & !(0b11 << 31), 0, "{kind}{signals:x}");
    }
    assert_eq!(lines.by_ref().take(4).collect::<Vec<_>>(), ["0", "1", "2", "0022"]);
    let known = ["HOME=", "LC_ALL=C.UTF-8", "PATH=", "TMPDIR=", "PWD=", "OLDPWD=", "SHLVL=", "_="];
    for line in lines {
        assert!(known.iter().any(|name| line.starts_with(name)), "{line} was inherited");
    }
    assert_eq!(command("no-such-program").output().expect("the shell starts").status.code(), Some(127));
}

#[test]
fn handlers_are_called_from_the_loop_each_time() {
    let (mut server, mut client) = start("");
    for _ in 0..3 {
        server.signal(Signal::HUP);
        server.expect("hung up");
        server.expect("soon after");
        server.signal(Signal::USR1);
        server.expect("user signal");
    }
    is_served(&mut client);
    server.signal(TERM);
    assert_eq!(server.end().status.code(), Some(0));
}

#[test]
fn a_handler_that_was_removed_is_not_called_and_the_signal_does_nothing() {
    let (mut server, mut client) = start("removed");
    server.signal(Signal::USR1);
    server.signal(Signal::HUP);
    server.expect("hung up");
    server.expect("soon after");
    is_served(&mut client);
    server.signal(TERM);
    server.expect("draining");
    assert_eq!(server.end().status.code(), Some(0));
}

#[test]
fn after_the_loop_has_ended_the_signals_have_their_default_action_again() {
    for signal in [INT, TERM] {
        let (mut server, mut client) = start("after");
        client.write_all(b"s").expect("the server takes it");
        ["draining", "done", "ended"].iter().for_each(|line| server.expect(line));
        server.signal(signal);
        assert_eq!(server.end().status.signal(), Some(signal.as_raw()));
    }
}

#[test]
fn a_loop_that_runs_after_one_that_a_signal_stopped_is_stopped_in_good_order_too() {
    let (mut server, _client) = start("twice");
    server.signal(TERM);
    ["draining", "done", "ended"].iter().for_each(|line| server.expect(line));
    let _client = connect(&mut server);
    server.signal(TERM);
    server.expect("draining");
    let ended = server.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(ended.output, ["done"]);
}

/// Starts a server on several cores, with clients that it has answered.
fn start_on_cores(mode: &str) -> (Child, Vec<TcpStream>) {
    let mut server = Child::start(env!("CARGO_BIN_EXE_signalled"), &[mode]);
    let address = server.address();
    let mut clients: Vec<_> = (0..12).map(|_| client(address)).collect();
    clients.iter_mut().for_each(is_served);
    (server, clients)
}

#[test]
fn one_signal_drains_every_core() {
    for signal in [INT, TERM] {
        let (mut server, clients) = start_on_cores("cores");
        server.signal(signal);
        clients.into_iter().for_each(ends_in_good_order);
        for _ in 0..24 {
            let line = server.line();
            assert!(line == "draining" || line == "done", "{line}");
        }
        let ended = server.end();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert_eq!(ended.output, ["12 of 12 done", "ended"]);
    }
}

#[test]
fn a_second_signal_ends_a_process_whose_cores_drain() {
    let (mut server, _clients) = start_on_cores("cores stay");
    server.signal(TERM);
    (0..12).for_each(|_| server.expect("draining"));
    server.signal(TERM);
    let ended = server.end();
    assert_eq!(ended.status.code(), Some(143), "{ended:?}");
    assert!(ended.output.is_empty(), "{ended:?}");
}

#[test]
fn signals_that_cannot_be_handled_are_errors() {
    let reactor = Reactor::new().expect("there are descriptors");
    // SIGILL, SIGFPE, SIGKILL, SIGSEGV, SIGSTOP, and numbers of no signal.
    for signal in [4, 8, 9, 11, 19, 0, -1, 65, 1000, i32::MIN, i32::MAX] {
        let error = reactor.on_signal(signal, |_| {}).expect_err("it cannot be handled");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{signal}: {error}");
    }
}

#[test]
fn a_simulated_loop_has_no_signals() {
    let error = testing::simulated().on_signal(1, |_| {}).expect_err("there are none");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_loop_that_has_ended_takes_no_handlers() {
    let main_loop = Reactor::new().expect("there are descriptors");
    let reactor = main_loop.clone();
    drop(main_loop);
    let error = reactor.on_signal(1, |_| {}).expect_err("it has ended");
    assert_eq!(error.kind(), ErrorKind::ReactorEnded);
}

/// Resets connections while the server sends them much, after having ended its own side of some.
fn is_reset_while_it_sends(mode: &str, what: &[u8]) {
    let (mut server, mut client_that_stays) = start(mode);
    let address = client_that_stays.peer_addr().expect("it is connected");
    for half_closed in [false, true] {
        let mut client = client(address);
        server.expect("connected");
        client.write_all(what).expect("the server takes it");
        let mut some = [0; 4096];
        client.read_exact(&mut some).expect("the server sends");
        if half_closed {
            // After this end, the kernel reports the reset as EPIPE, which comes with SIGPIPE.
            client.shutdown(Shutdown::Write).expect("it is connected");
            is_served(&mut client_that_stays);
        }
        // With input unread, this is a reset.
        drop(client);
        server.expect("lost");
        is_served(&mut client_that_stays);
    }
    server.signal(TERM);
    assert_eq!(server.end().status.code(), Some(0));
}

#[test]
fn a_peer_that_resets_while_a_file_is_sent_to_it_kills_no_process() {
    is_reset_while_it_sends("", b"f");
}

#[test]
fn a_peer_that_resets_while_memory_is_sent_to_it_kills_no_process_even_if_sigpipe_would() {
    is_reset_while_it_sends("pipe", b"v");
}

/// Waits until the process is in a state of `/proc/PID/stat`: `S` while it waits for events, `T` once it is stopped.
fn wait_for_state(server: &Child, expected: char) {
    let path = format!("/proc/{}/stat", server.id());
    // The state follows the name, which is in parentheses.
    let state = || fs::read_to_string(&path).ok()?.rsplit_once(") ")?.1.chars().next();
    while state() != Some(expected) {
        thread::yield_now();
    }
}

#[test]
fn input_of_a_stopped_process_is_served_before_it_times_out() {
    let (mut server, mut client) = start("");
    client.write_all(b"i").expect("the server takes it");
    server.expect("watches");
    // A process that is stopped before it waits is not interrupted in its wait.
    wait_for_state(&server, 'S');
    server.signal(Signal::STOP);
    wait_for_state(&server, 'T');
    client.write_all(b"?").expect("there is room");
    // The server's deadline passes while it is stopped in its wait for events.
    let reactor = Reactor::new().expect("there are descriptors");
    reactor.call_later(Duration::from_millis(1_200), Reactor::stop);
    reactor.run().expect("the loop runs");
    server.signal(Signal::CONT);
    let mut answer = [0];
    client.read_exact(&mut answer).expect("the server answers");
    assert_eq!(answer, *b"!");
}
