//! Work to be counted: a given number of Deferreds that are made, resolved and delivered.
//!
//! ```text
//! deferred_cost WORK TURNS EACH
//! ```
//!
//! In each of TURNS turns of the loop, EACH Deferreds are made, resolved and delivered: with one callback for `one`, with ten for `ten`.
//! Those of `pending` have one callback too; when all of them exist, the program ends without dropping any. Those of `task` belong to
//! tasks that are ready immediately.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use lariat::{Deferred, Reactor};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [work, turns, each] = &arguments[..] else { return usage() };
    let (Ok(turns), Ok(each)) = (turns.parse(), each.parse()) else { return usage() };
    let done = match &**work {
        "one" => deliver(turns, each, one),
        "ten" => deliver(turns, each, ten),
        "task" => deliver(turns, each, task),
        "pending" => pending(turns * each),
        _ => return usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("deferred_cost: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: deferred_cost one|ten|task|pending TURNS EACH");
    ExitCode::from(2)
}

fn deliver(turns: u64, each: u64, make: impl Fn(&Reactor, u64)) -> lariat::Result<()> {
    let mut reactor = Reactor::new()?;
    // A turn that a busy machine makes slow would have the next thousand turns timed, and counted with that.
    reactor.set_slow_callback_limit(None);
    for turn in 0..turns {
        (0..each).for_each(|number| make(&reactor, turn ^ number));
        reactor.turn(Some(Duration::ZERO))?;
    }
    Ok(())
}

fn one(reactor: &Reactor, number: u64) {
    let (resolver, deferred) = Deferred::new(reactor);
    deferred
        .map(|number: u64| {
            black_box(number + 1);
        })
        .detach();
    // Somebody listens.
    let _ = resolver.resolve(black_box(number));
}

fn ten(reactor: &Reactor, number: u64) {
    let (resolver, deferred) = Deferred::new(reactor);
    let five = deferred.map(|n: u64| n + 1).map(|n| n ^ 2).map(|n| n + 3).map(|n| n ^ 4).map(|n| n + 5);
    five.map(|n| n ^ 6)
        .map(|n| n + 7)
        .map(|n| n ^ 8)
        .map(|n| n + 9)
        .map(|n| {
            black_box(n);
        })
        .detach();
    // Somebody listens.
    let _ = resolver.resolve(black_box(number));
}

fn task(reactor: &Reactor, number: u64) {
    let ready = async move {
        black_box(number + 1);
    };
    reactor.spawn(ready).detach();
}

fn pending(count: u64) -> lariat::Result<()> {
    let reactor = Reactor::new()?;
    let make = |number: u64| {
        let (resolver, deferred) = Deferred::new(&reactor);
        deferred
            .map(move |other: u64| {
                black_box(number + other);
            })
            .detach();
        resolver
    };
    let resolvers: Vec<_> = (0..count).map(make).collect();
    black_box(&resolvers);
    std::process::exit(0);
}
