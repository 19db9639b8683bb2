//! How often threads wake a loop: counted by the kernel, for a wake-up is the one thing that these threads write.

use std::fs;
use std::sync::mpsc;
use std::thread;

use lariat::{Reactor, Remote};

const BURST: usize = 1_000_000;

/// System calls of this thread that wrote something (`proc_pid_io(5)`).
fn writes() -> usize {
    let io = fs::read_to_string("/proc/thread-self/io").expect("the kernel counts");
    io.lines().find_map(|line| line.strip_prefix("syscw: ")?.parse().ok()).expect("the kernel counts them")
}

/// Makes `count` calls. Returns how often that woke the loop.
fn burst(remote: &Remote, count: usize) -> usize {
    let before = writes();
    (0..count).for_each(|_| remote.call(|_| ()).expect("it runs"));
    writes() - before
}

#[test]
fn a_burst_of_a_million_calls_wakes_the_loop_less_than_a_thousand_times() {
    for threads in [1, 4] {
        let reactor = Reactor::new().unwrap();
        let remote = reactor.remote().unwrap();
        let callers: Vec<_> = (0..threads)
            .map(|_| {
                let remote = remote.clone();
                thread::spawn(move || burst(&remote, BURST / threads))
            })
            .collect();
        let last = thread::spawn(move || {
            let wake_ups: usize = callers.into_iter().map(|caller| caller.join().unwrap()).sum();
            remote.call(Reactor::stop).unwrap();
            wake_ups
        });
        reactor.run().unwrap();
        let wake_ups = last.join().unwrap();
        assert!(wake_ups < 1000, "{wake_ups} wake-ups by {threads} threads");
    }
}

#[test]
fn a_loop_that_is_busy_is_not_woken() {
    let reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    let (begin, begun) = mpsc::channel();
    let (sender, wake_ups) = mpsc::channel();
    let theirs = remote.clone();
    let thread = thread::spawn(move || {
        begun.recv().unwrap();
        burst(&theirs, 10_000)
    });
    let busy = move |reactor: &Reactor| {
        begin.send(()).unwrap();
        sender.send(thread.join().unwrap()).unwrap();
        reactor.stop();
    };
    remote.call(busy).unwrap();
    reactor.run().unwrap();
    assert_eq!(wake_ups.recv().unwrap(), 0);
}

#[test]
fn a_loop_that_has_not_begun_to_wait_is_not_woken() {
    let reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    assert_eq!(burst(&remote, 10_000), 0);
    remote.call(Reactor::stop).unwrap();
    reactor.run().unwrap();
}
