//! Calls from other threads: what runs, in which order, how often the loop is woken for it, and what becomes of it at the end.

mod calls;
mod ending;
mod simulation;
mod wake_ups;

use std::sync::mpsc;

use lariat::{Reactor, Remote};

/// What `question` finds out on the loop; nothing if the reactor has ended or the question panicked.
fn ask<T: Send + 'static>(remote: &Remote, question: impl FnOnce(&Reactor) -> T + Send + 'static) -> Option<T> {
    let (sender, answer) = mpsc::channel();
    let asked = remote.call(move |reactor| {
        // Whoever asks waits for the answer.
        let _ = sender.send(question(reactor));
    });
    asked.ok().and_then(|()| answer.recv().ok())
}
