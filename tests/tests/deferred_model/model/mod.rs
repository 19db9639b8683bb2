//! Says what has to happen when a program runs: an interpreter with one list of everything and no ownership to speak of.

mod chains;
mod loops;
mod owned;
mod results;
mod steps;
mod timeouts;

use std::collections::VecDeque;
use std::rc::Rc;

use crate::journal::Journal;
use crate::program::{Given, Kind, PLACES, Script};

type Settled = Result<u32, String>;

/// A chain of callbacks: what one Deferred is a handle to.
struct Chain {
    /// The loop knows it: it has not ended, and is no part of another.
    is_entered: bool,
    state: State,
    links: VecDeque<Link>,
    /// It was cancelled when it waited for nothing.
    cancelled: bool,
    /// The outermost first.
    names: Vec<String>,
    /// The chain that it has become a part of.
    part_of: Option<usize>,
}

enum State {
    WaitsFor(usize),
    Has(Settled),
    /// Its result is with a callback.
    Running,
    Over,
    /// It was made, or given a callback, when nothing is called any more.
    Dead,
}

enum Link {
    Callback {
        kind: Kind,
        closure: Closure,
    },
    Finish(Closure),
    Name,
    Wake(u32),
    Limit(usize),
    /// Nothing: where another chain was joined.
    Join,
    Discard,
}

struct Closure {
    script: Rc<Script>,
    owned: Option<Owned>,
}

enum Owned {
    Resolver(usize),
    Deferred(Handle),
}

/// The source of a result, to which a resolver is a handle.
struct Source {
    chain: usize,
    state: SourceState,
}

enum SourceState {
    Waits(Option<Canceller>),
    Cancelling,
    Done,
}

enum Canceller {
    Users(Closure),
    Limits(usize),
}

#[derive(Copy, Clone)]
enum Handle {
    To(usize),
    Awaited,
}

struct Limit {
    limited: Option<Handle>,
    source: Option<usize>,
    timer: Option<usize>,
    is_over: bool,
}

enum Queued {
    Deliver(usize),
    Cancel { source: usize, canceller: Canceller },
    Timer(usize),
}

struct Timer {
    due: u64,
    what: Option<Due>,
    is_queued: bool,
}

enum Due {
    Script(Rc<Script>),
    Limit(usize),
}

/// The result of a callback.
enum Gives {
    Result(Settled),
    Deferred(Handle),
}

pub(crate) struct Model {
    journal: Journal,
    chains: Vec<Chain>,
    sources: Vec<Source>,
    limits: Vec<Limit>,
    queue: VecDeque<Queued>,
    /// In the order in which they were set.
    timers: Vec<Timer>,
    now: u64,
    kept: [Option<Handle>; PLACES],
    resolvers: [Option<usize>; PLACES],
    wakes: Vec<u32>,
    has_ended: bool,
    is_over: bool,
}

fn fails(kind: &str) -> Settled {
    Err(kind.to_owned())
}

fn ended() -> Settled {
    fails("the reactor has ended")
}

fn cancelled() -> Settled {
    fails("cancelled")
}

fn given(given: Given) -> Settled {
    match given {
        Given::Value(number) => Ok(number),
        Given::Failure(number) => Err(format!("fail {number}")),
    }
}

fn in_words(result: &Settled) -> String {
    match result {
        Ok(number) => number.to_string(),
        Err(kind) => kind.clone(),
    }
}
