//! How the loop serves what is in the reactor.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::budget;
use crate::call_queue::{CallQueue, Next};
use crate::contain::{contain, contain_drop};
use crate::log_throttle::log_left_out;
use crate::readiness::Readiness;
use crate::source_table::SourceTable;
use crate::timer::TimerWheel;
use crate::token::Token;

#[cfg(feature = "testing")]
use super::core::Reactor;
use super::core::{Backlog, Core, Dispatch, Queued, Task, Turn};
use super::description::Description;
use super::steps::Steps;

/// What a call in the queue is called that has no better name.
const NAME: &str = "a queued call";

/// Serves one source. Inlined into the loop over the kernel's events, which is where it is hot.
#[inline(always)]
pub(crate) fn dispatch(turn: &mut Turn<'_>, token: Token, readiness: Readiness) {
    let core: &Core = turn.reactor.core();
    let Some(source) = core.sources.with(|sources| sources.take(token)) else { return };
    match serve(source, turn, readiness) {
        Some(source) => {
            if let Err(stale) = core.sources.with(|sources| sources.put(token, source)) {
                contain_drop(stale);
            }
        }
        None => core.sources.with(|sources| sources.release(token)),
    }
}

/// Serves a source that is out of the table; whoever looks on sees which.
#[inline(always)]
pub(crate) fn serve<D: Dispatch + ?Sized>(
    source: Box<D>,
    turn: &mut Turn<'_>,
    readiness: Readiness,
) -> Option<Box<dyn Dispatch>> {
    let core: &Core = turn.reactor.core();
    if core.observation.is_on() {
        let description = source.describe();
        core.observation.observe(&*core.network, description, || source.ready(turn, readiness))
    } else {
        source.ready(turn, readiness)
    }
}

/// Runs one pass of the call queue.
pub(crate) fn run_calls(turn: &mut Turn<'_>) {
    let core: &Core = turn.reactor.core();
    // One step a call; a result that goes through many callbacks takes many.
    let mut steps = Steps::new(budget::CALLS);
    core.calls.with(|calls| calls.begin_pass(budget::CALLS));
    while steps.are_left()
        && let Some(next) = core.calls.with(CallQueue::next)
    {
        steps.count(1);
        let queued = match next {
            Next::Item(task) => {
                core.poll_task(turn.reactor, task);
                continue;
            }
            Next::Call(queued) => queued,
        };
        let call = match queued {
            Queued::Call(call) => call,
            Queued::Job(job) => {
                core.run_job(turn.reactor, job, &mut steps);
                continue;
            }
            Queued::Remote(count) => {
                steps.count(count);
                core.run_remote_calls(turn.reactor, count);
                continue;
            }
            Queued::Timer(key) => match core.timers.with(|timers| timers.take_expired(key)) {
                Some(Task::Call(call)) => call,
                Some(Task::Source(token)) => {
                    dispatch(turn, token, Readiness::TIMER);
                    continue;
                }
                None => continue,
            },
        };
        let reactor = turn.reactor;
        // The panic is logged; nobody waits for the call.
        reactor.observe(|| Description::named(NAME), || drop(contain(|| NAME, || call(reactor))));
    }
}

/// Gives up queues until all together are within their budget: each time one of the address that holds most, and of
/// those the one that has made no progress for longest. Equal ones go by address and by age, so that a simulation takes
/// the same course each time.
#[cold]
pub(crate) fn shed_queues(turn: &mut Turn<'_>) {
    let core: &Core = turn.reactor.core();
    core.over_budget.set(false);
    let mut by_peer = BTreeMap::<_, Vec<_>>::new();
    core.sources.with(|sources| {
        for (token, source) in sources.iter() {
            if let Some(Backlog { footprint, progress, peer }) = source.backlog() {
                by_peer.entry(peer).or_default().push((Reverse(progress), Reverse(token.to_bits()), footprint, token));
            }
        }
    });
    let mut peers = BinaryHeap::new();
    for (peer, queues) in &mut by_peer {
        // The last is the first to go.
        queues.sort_unstable_by_key(|(progress, bits, ..)| (*progress, *bits));
        let held = queues.iter().fold(0_usize, |sum, (.., footprint, _)| sum.saturating_add(*footprint));
        peers.push((held, Reverse(*peer)));
    }
    while core.meter.with(|meter| meter.total()) > core.queue_budget.get() {
        let Some((held, Reverse(peer))) = peers.pop() else { return };
        let Some((.., footprint, token)) = by_peer.get_mut(&peer).and_then(Vec::pop) else { continue };
        dispatch(turn, token, Readiness::OVERFLOW);
        peers.push((held.saturating_sub(footprint), Reverse(peer)));
    }
}

/// Ends everything: sources hear of it, then what waits is dropped. User code that runs meanwhile finds a reactor that
/// takes nothing new.
pub(crate) fn end(turn: &mut Turn<'_>) {
    let core: &Core = turn.reactor.core();
    core.network.ends();
    core.ended.set(true);
    for token in core.sources.with(|sources| sources.tokens()) {
        dispatch(turn, token, Readiness::END);
    }
    core.sources.with(SourceTable::free_released);
    while let Some(task) = core.timers.with(TimerWheel::pop_any) {
        contain_drop(task);
    }
    core.end_tasks(turn.reactor);
    core.end_jobs(turn.reactor);
    contain_drop(turn.reactor.take_extensions());
    core.run_last_remote_calls(turn.reactor);
    core.end_jobs(turn.reactor);
    core.close_jobs();
    core.again.with(Vec::clear);
    core.touched.with(Vec::clear);
    core.starved.with(Vec::clear);
    core.observation.end();
    log_left_out(&core.log_lines);
}

/// Ends everything without a word to anybody: what there is is dropped, and the end that follows finds nothing.
#[cfg(feature = "testing")]
pub(crate) fn vanish(reactor: &Reactor) {
    let core = reactor.core();
    core.ended.set(true);
    core.close_jobs();
    // Whoever waits for them is not told any more.
    core.end_tasks(reactor);
    for token in core.sources.with(|sources| sources.tokens()) {
        if let Some(mut source) = core.sources.with(|sources| sources.take(token)) {
            source.vanish();
            contain_drop(source);
        }
        core.sources.with(|sources| sources.release(token));
    }
    while let Some(task) = core.timers.with(TimerWheel::pop_any) {
        contain_drop(task);
    }
    while let Some(queued) = core.calls.with(CallQueue::pop) {
        contain_drop(queued);
    }
    core.drop_remote_calls();
    core.counters.forget_connections();
}
