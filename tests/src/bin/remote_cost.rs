//! Work to be counted: calls into a loop that is awake, sent through a `Remote` and run.
//!
//! ```text
//! remote_cost TURNS EACH
//! ```
//!
//! Before each of TURNS turns of the loop, its own thread sends EACH calls, which that turn runs. One thread sends and runs them, so the
//! count of instructions is the same in every run.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use lariat::Reactor;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [turns, each] = &arguments[..] else { return usage() };
    let (Ok(turns), Ok(each)) = (turns.parse(), each.parse()) else { return usage() };
    match send(turns, each) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("remote_cost: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: remote_cost TURNS EACH");
    ExitCode::from(2)
}

fn send(turns: u64, each: u64) -> lariat::Result<()> {
    let mut reactor = Reactor::new()?;
    // A turn that a busy machine makes slow would have the next thousand turns timed, and counted with that.
    reactor.set_slow_callback_limit(None);
    let remote = reactor.remote()?;
    for turn in 0..turns {
        for number in 0..each {
            remote.call(move |_| {
                black_box(turn ^ number);
            })?;
        }
        reactor.turn(Some(Duration::ZERO))?;
    }
    Ok(())
}
