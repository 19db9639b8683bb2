//! Threads that work for the loop: how many, in which order, and what ends their jobs; and threads that wait for the loop.

mod blocking;
mod cancelling;
mod ending;
mod jobs;
mod simulation;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use lariat::{Deferred, Failure, MainLoop, Reactor};

/// A job that a thread has begun, and that goes on until this is dropped.
struct Held {
    _hold: Sender<()>,
}

/// Has a thread begin a job that gives `value` when it is let go.
fn hold<T: Send + 'static>(reactor: &Reactor, value: T) -> (Held, Deferred<T>) {
    let (begin, begun) = channel();
    let (hold, let_go) = channel::<()>();
    let result = reactor.defer_to_thread(move || {
        begin.send(()).expect("somebody waits");
        assert!(let_go.recv().is_err());
        value
    });
    begun.recv().expect("a thread begins");
    (Held { _hold: hold }, result)
}

/// Something whose end can be waited for.
fn guard() -> (Sender<()>, Receiver<()>) {
    channel()
}

fn is_gone(guard: &Receiver<()>) -> bool {
    guard.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected)
}

/// Runs the loop until the result is there.
fn wait<T>(reactor: &mut MainLoop, result: Deferred<T>) -> Result<T, Failure> {
    reactor.block_on(result).expect("the loop goes on")
}

/// Runs what is queued on the loop.
fn settle(reactor: &mut MainLoop) {
    while reactor.stats().calls > 0 {
        reactor.turn(Some(Duration::ZERO)).expect("a turn");
    }
}
