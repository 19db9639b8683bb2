//! The panic hook of the threads that are Lariat's.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::io::{Write, stderr};
use std::panic::{self, PanicHookInfo};
use std::ptr;
use std::sync::Once;
use std::thread;

use crate::escape::Escaped;
use crate::guarded::Guarded;
use crate::log_throttle::running;

use super::thrown::words;

thread_local! {
    /// The thread does jobs for a loop, and all that it calls is contained.
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
    /// A panic that is on its way to where it is contained.
    static PENDING: Guarded<Option<Pending>> = const { Guarded::new(None) };
}

/// A panic that has not been printed yet, because only `contain` knows the type that panicked.
pub(super) struct Pending {
    thread: String,
    place: String,
    message: String,
    /// If the environment asks for one.
    backtrace: Option<String>,
}

/// Has panics on the threads of loops and of their pools be printed as one line each, escaped and cut, with the type that
/// panicked. The standard library's own hook would print the message as it is, and a peer may have chosen words of it.
///
/// A hook that the program has set already stays, and one that it sets later takes the place of this one. Panics of other
/// threads are printed as before.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    if thread::panicking() {
        // A hook cannot be changed now: a loop is dropped that has taken no turn.
        return;
    }
    INSTALLED.call_once(|| {
        let former = panic::take_hook();
        // That left the standard library's in its place.
        let default = panic::take_hook();
        if !is_same(&*former, &*default) {
            return panic::set_hook(former);
        }
        panic::set_hook(Box::new(move |info| {
            if is_ours() {
                keep(info);
            } else {
                default(info);
            }
        }));
    });
}

type Hook = dyn Fn(&PanicHookInfo<'_>) + Sync + Send;

/// Returns whether both are the same function. A hook without data has the address 1, so their tables are compared. A
/// wrong `false` is harmless: the former hook stays.
fn is_same(one: &Hook, other: &Hook) -> bool {
    ptr::eq(one, other)
}

/// From now on this thread does jobs for a loop.
pub(crate) fn mark_worker() {
    install_hook();
    // This fails at the very end of a thread, where no user code is called.
    let _ = IS_WORKER.try_with(|is_worker| is_worker.set(true));
}

fn is_ours() -> bool {
    running().is_some() || IS_WORKER.try_with(Cell::get).unwrap_or(false)
}

/// Keeps a panic on a thread of Lariat's until it is contained.
fn keep(info: &PanicHookInfo<'_>) {
    let pending = Pending::new(info.location().map(ToString::to_string), info.payload());
    let earlier = PENDING.try_with(|slot| slot.with(|slot| slot.replace(pending))).ok().flatten();
    if let Some(earlier) = earlier {
        // A panic inside another one may end the process before anything is contained.
        earlier.print(None);
        flush();
    }
}

/// Takes what the hook has kept.
pub(super) fn take() -> Option<Pending> {
    PENDING.try_with(|slot| slot.with(Option::take)).ok().flatten()
}

/// Prints a panic that was not contained here: it unwinds to the caller of the loop, or the program has caught it itself.
pub(crate) fn flush() {
    if let Some(pending) = take() {
        pending.print(None);
    }
}

impl Pending {
    fn new(place: Option<String>, payload: &(dyn Any + Send)) -> Self {
        let backtrace = Backtrace::capture();
        Self {
            thread: thread::current().name().unwrap_or("<unnamed>").to_owned(),
            place: place.unwrap_or_default(),
            message: Escaped::display(&words(payload)).to_string(),
            backtrace: (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string()),
        }
    }

    /// Prints the line, with the name of the type that panicked if there is one.
    pub(super) fn print(self, name: Option<&str>) {
        let Self { thread, place, message, backtrace } = self;
        let name = name.map(|name| format!(" in {name}")).unwrap_or_default();
        let trace = backtrace.map(|backtrace| format!("stack backtrace:\n{backtrace}\n")).unwrap_or_default();
        let line = format!("thread '{}' panicked at {place}{name}: {message}\n{trace}", Escaped::bytes(&thread));
        // `eprintln` panics if standard error cannot be written to, such as a pipe without a reader.
        let _ = stderr().write_all(line.as_bytes());
    }
}
