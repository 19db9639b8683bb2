//! The connection machine: what a byte stream does between two callbacks. It is compiled once; only the loop that calls the
//! user's protocol, in `connection.rs`, is generic.
//!
//! ```text
//!            write fails, nothing left to read
//!   open -------------------------------------------------------------------+
//!    |   close            queue empty, FIN sent          peer's end,         |
//!    +--------> closing --------------------> lingering ------------------> ended
//!    |             |                             30 s, 5 s without input,    ^
//!    |             | close timeout               too many others linger      |
//!    |             +-------------------------------------------------------> +
//!    |   abort, overflow, panic, end of loop: from every state               |
//!    +---------------------------------------------------------------------> +
//! ```

use std::io::{self, ErrorKind};
use std::time::Duration;

use crate::budget;
use crate::buffer::WriteQueue;
use crate::byte_stream::{Prepared, Received, Socket};
use crate::clock::Time;
use crate::close_reason::{CloseReason, Idle, Phase};
use crate::contain::{contain_drop, contain_drops};
use crate::reactor::Turn;
use crate::readiness::Readiness;
use crate::stats::count;
use crate::transport::{Flags, Shared};

/// How long a stream's own last words, TLS's `close_notify`, may take once everything else is sent.
const FAREWELL: Duration = Duration::from_secs(5);

/// What is to be done next for a connection: a callback to call, or nothing for now.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wait,
    /// So many bytes are in the read buffer.
    Data(usize),
    Made,
    ReadClosed,
    ReadResumed,
    Paused,
    Resumed,
    TimedOut(Idle),
    /// A TLS layer was put around the stream since the last step.
    LayerBegun,
    /// The handshake that `start_tls` began is done.
    HandshakeCompleted,
    Leftover,
    Produce,
    Drain,
    Switch,
    /// For the reason that the pass holds.
    Lost,
}

/// What the straight line has done about reading when it leaves the rest to a pass.
pub(super) enum Input {
    /// Nothing.
    Unread,
    /// A read that is still to be acted on.
    Received(io::Result<Received>),
    /// All of it: nothing is left to be read.
    Drained,
}

/// One visit of the loop to a connection.
pub(super) struct Pass {
    /// There may be something to read.
    may_read: bool,
    /// The event, the timer or the loop's end wants looking at beyond reading.
    attention: bool,
    readiness: Readiness,
    /// A read that is still to be acted on.
    received: Option<io::Result<Received>>,
    read_left: usize,
    write_left: usize,
    produces_left: usize,
    resumes_left: usize,
    sent_before_produce: Option<u64>,
    pub(super) reason: Option<CloseReason>,
}

impl Pass {
    /// Begins a visit; `input` is what was done about reading already.
    pub(super) fn begin(shared: &Shared, readiness: Readiness, input: Input) -> Self {
        let mut pass = Self {
            may_read: matches!(input, Input::Unread),
            attention: false,
            readiness,
            received: if let Input::Received(received) = input { Some(received) } else { None },
            read_left: budget::READ_BYTES,
            write_left: budget::WRITE_BYTES,
            produces_left: budget::PRODUCES,
            resumes_left: budget::RESUMES,
            sent_before_produce: None,
            reason: None,
        };
        if readiness != Readiness::READABLE {
            pass.look_at_readiness(shared);
        }
        pass
    }

    fn look_at_readiness(&mut self, shared: &Shared) {
        let Shared { flags, .. } = shared;
        let readiness = self.readiness;
        let hung_up = Readiness::READ_CLOSED | Readiness::WRITE_CLOSED | Readiness::ERROR;
        if readiness.has(Readiness::WRITABLE | hung_up) {
            flags.clear(Flags::BLOCKED);
        }
        if readiness.has(hung_up) {
            flags.set(Flags::PEER_CLOSED);
        }
        if readiness.has(Readiness::PRIORITY) {
            flags.set(Flags::URGENT);
        }
        if readiness.has(Readiness::AGAIN) {
            flags.clear(Flags::AGAIN);
            if flags.take(Flags::YIELDED) {
                flags.set(Flags::RESUMED);
            }
        }
        if readiness.has(Readiness::FLUSH) {
            flags.clear(Flags::TOUCHED);
        }
        if readiness.has(Readiness::MADE) {
            flags.set(Flags::MADE);
        }
        if readiness.has(Readiness::DRAIN) {
            flags.set(Flags::DRAINING);
        }
        if readiness.has(Readiness::OVERFLOW) {
            shared.end(CloseReason::Overflow);
        }
        if readiness.has(Readiness::TIMER) {
            // It has fired; whatever is armed from here on is another one.
            shared.state.with(|state| state.deadlines().timer = None);
        }
        self.may_read = readiness.has(Readiness::READABLE | Readiness::AGAIN | hung_up);
        self.attention = readiness.has(Readiness::TIMER | Readiness::END | hung_up);
    }
}

/// The straight line, first half: reads once, if reading is all that there is to do.
#[inline]
pub(super) fn receive(shared: &Shared, turn: &mut Turn<'_>) -> Option<io::Result<Received>> {
    let flags = shared.flags.get();
    if flags & (Flags::ATTENTION | Flags::NO_INPUT | Flags::BLOCKED) != 0 {
        return None;
    }
    let short_is_drained = flags & (Flags::PEER_CLOSED | Flags::URGENT) == 0;
    Some(shared.state.with(|state| state.socket.read(turn.buffer, short_is_drained)))
}

/// Bytes were read: the protocol is about to get them.
#[inline]
pub(super) fn deliver(shared: &Shared, turn: &Turn<'_>, received: usize) {
    let core = turn.reactor.core();
    shared.last_read.set(core.now.get());
    count(&core.counters.bytes_received, received as u64);
    shared.flags.set(Flags::GATHERING);
}

/// The straight line, second half: sends what the callback wrote. Returns whether nothing else is to be done.
#[inline(always)]
pub(super) fn settle(shared: &Shared) -> bool {
    shared.send_gathered();
    shared.flags.clear(Flags::GATHERING);
    !shared.flags.has(Flags::ATTENTION)
}

/// The same, where it is not worth the room of being inlined.
#[inline(never)]
fn settle_slowly(shared: &Shared) {
    settle(shared);
}

/// Goes on after the last callback, up to the next one.
pub(super) fn step(shared: &Shared, turn: &mut Turn<'_>, pass: &mut Pass) -> Step {
    let flags = &shared.flags;
    if flags.has(Flags::GATHERING) {
        settle_slowly(shared);
    }
    loop {
        if (flags.has(Flags::ATTENTION) || pass.attention)
            && let Some(step) = attend(shared, turn, pass)
        {
            return step;
        }
        let received = match pass.received.take() {
            Some(received) => received,
            None if !pass.may_read || flags.has(Flags::NO_INPUT) => return Step::Wait,
            None => {
                let short_is_drained = !flags.has(Flags::PEER_CLOSED | Flags::URGENT);
                shared.state.with(|state| state.socket.read(turn.buffer, short_is_drained))
            }
        };
        match received {
            // A write has used up the error that a read would have met: the connection broke, and this is no end of the stream.
            Ok(Received { count: 0, .. }) if flags.has(Flags::WRITE_FAILED) && was_broken(shared) => {
                return finish(shared, pass, CloseReason::Aborted);
            }
            Ok(Received { count: 0, .. }) => {
                pass.may_read = false;
                flags.set(Flags::READ_CLOSED | Flags::GATHERING);
                return Step::ReadClosed;
            }
            Ok(Received { count, drained }) => {
                deliver(shared, turn, count);
                pass.may_read = !drained && shared.spend(&mut pass.read_left, count);
                return Step::Data(count);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => pass.may_read = false,
            Err(error) => return finish(shared, pass, CloseReason::Lost(error)),
        }
    }
}

/// Did a write find that the connection is broken, by a reset or because nothing is acknowledged any more? A pipe that is said to be broken
/// is none: so the kernel tells of a reset that came after the peer's orderly end.
fn was_broken(shared: &Shared) -> bool {
    let is_broken =
        |reason: &CloseReason| matches!(reason, CloseReason::Lost(error) if error.kind() != ErrorKind::BrokenPipe);
    shared.state.with(|state| state.rare.as_ref().and_then(|rare| rare.reason.as_ref()).is_some_and(is_broken))
}

/// Everything that is rarer than reading, in the order in which it matters.
#[inline(never)]
fn attend(shared: &Shared, turn: &mut Turn<'_>, pass: &mut Pass) -> Option<Step> {
    let flags = &shared.flags;
    if flags.has(Flags::ENDED) {
        return Some(Step::Wait);
    }
    // Even if it is ending already: who hears of the end has to have heard of the beginning.
    if flags.take(Flags::MADE) {
        shared.state.with(|state| state.socket.made());
        return Some(callback(shared, Step::Made));
    }
    if pass.readiness.has(Readiness::END) || flags.has(Flags::ENDING) {
        return Some(finish(shared, pass, CloseReason::Aborted));
    }
    if flags.has(Flags::SWITCHING) {
        // The successor's visit will not see this event.
        let lost = if flags.has(Flags::PAUSED_BY_USER) { lost_unread(shared, pass) } else { None };
        return Some(lost.unwrap_or(Step::Switch));
    }
    if flags.has(Flags::PREPARING) {
        if shared.state.with(|state| std::mem::take(&mut state.rare().layer_begun)) {
            return Some(Step::LayerBegun);
        }
        if let Some(step) = prepare(shared, pass) {
            return Some(step);
        }
    }
    if pass.readiness.has(Readiness::TIMER) && flags.has(Flags::BLOCKED) && awaits_output(shared) {
        // Linux reports room only once a third of the send buffer is free. A write finds what the peer has acknowledged before that.
        flags.clear(Flags::BLOCKED);
    }
    if flags.has(Flags::QUEUED) && !flags.has(Flags::BLOCKED | Flags::PREPARING) && pass.write_left > 0 {
        // The event for what arrived meanwhile was spent on a connection that did not want it.
        pass.may_read |= shared.flush(&mut pass.write_left);
        // Flushing may have found that the connection is at its end.
        if flags.has(Flags::ENDING) {
            return Some(finish(shared, pass, CloseReason::Aborted));
        }
    }
    if flags.has(Flags::MARKED) && !flags.has(Flags::QUEUED | Flags::WRITE_FAILED) {
        shared.pass_all_marks();
    }
    if flags.has(Flags::WRITE_FAILED) {
        // There may have been no event for what is still to be read.
        pass.may_read |= !flags.has(Flags::PEER_CLOSED);
        flags.set(Flags::PEER_CLOSED);
        let more_to_read = pass.may_read || flags.has(Flags::AGAIN);
        if !more_to_read || flags.has(Flags::NO_INPUT & !Flags::YIELDED) {
            return Some(finish(shared, pass, CloseReason::Aborted));
        }
    }
    // A protocol that has yielded gets what has arrived in the next turn, and then hears of the reset by a read.
    if flags.has(Flags::NO_INPUT & !Flags::YIELDED)
        && let Some(step) = lost_unread(shared, pass)
    {
        return Some(step);
    }
    if pass.readiness.has(Readiness::TIMER)
        && let Some(step) = check_deadlines(shared, pass)
    {
        return Some(step);
    }
    if !flags.has(Flags::CLOSING)
        && let Some(step) = tell(shared, pass)
    {
        return Some(step);
    }
    pass.attention = false;
    close(shared, turn, pass)
}

/// Goes on with what comes before the protocol's bytes; nothing is read or flushed meanwhile.
#[cold]
fn prepare(shared: &Shared, pass: &mut Pass) -> Option<Step> {
    let counters = &shared.reactor.core().counters;
    match shared.state.with(|state| state.socket.prepare()) {
        Ok(Prepared::Ready) => {
            shared.flags.clear(Flags::PREPARING | Flags::BLOCKED);
            count(&counters.handshakes, 1);
            shared.state.with(|state| state.rare().prepare_by = None);
            shared.arm_timer();
            // The beginning of what follows may have been read.
            pass.may_read = true;
            let is_open = !shared.flags.has(Flags::CLOSING | Flags::ENDING);
            is_open.then(|| callback(shared, Step::HandshakeCompleted))
        }
        Ok(waits) => {
            if waits == Prepared::Blocked {
                shared.blocked();
            }
            None
        }
        Err(error) => {
            count(&counters.failed_handshakes, 1);
            // To close with input unread would reset the connection and destroy the alert.
            shared.state.with(|state| state.socket.close_write().and_then(|()| state.socket.prepare()).ok());
            Some(finish(shared, pass, CloseReason::Lost(error)))
        }
    }
}

/// Ends a connection that broke while nothing is read from it: no read will tell.
fn lost_unread(shared: &Shared, pass: &mut Pass) -> Option<Step> {
    if !pass.readiness.has(Readiness::ERROR) {
        return None;
    }
    let error = shared.state.with(|state| state.socket.take_error()).ok().flatten()?;
    Some(finish(shared, pass, CloseReason::Lost(error)))
}

/// Callbacks that are due to a connection that is not closing.
fn tell(shared: &Shared, pass: &mut Pass) -> Option<Step> {
    let flags = &shared.flags;
    // A failed write discards the queue; a protocol that went on writing then would write into nothing.
    if flags.has(Flags::TOLD_PAUSED) && !flags.has(Flags::ABOVE_MARK | Flags::WRITE_FAILED) {
        flags.clear(Flags::TOLD_PAUSED);
        return Some(callback(shared, Step::Resumed));
    }
    if flags.take(Flags::PASSED_MARK) && !flags.has(Flags::TOLD_PAUSED | Flags::WRITE_FAILED) {
        flags.set(Flags::TOLD_PAUSED);
        return Some(callback(shared, Step::Paused));
    }
    if flags.take(Flags::DRAINING) {
        return Some(callback(shared, Step::Drain));
    }
    if flags.has(Flags::RESUMED) && !flags.has(Flags::PAUSED_BY_USER | Flags::PAUSED_BY_QUEUE) {
        // A protocol that pauses and resumes in `read_resumed` itself would be called without end.
        if pass.resumes_left > 0 {
            pass.resumes_left -= 1;
            flags.clear(Flags::RESUMED);
            return Some(callback(shared, Step::ReadResumed));
        }
        shared.serve_again();
    }
    if flags.has(Flags::LEFTOVER) && !flags.has(Flags::NO_INPUT) {
        flags.clear(Flags::LEFTOVER);
        return Some(callback(shared, Step::Leftover));
    }
    if flags.has(Flags::PULLING) && !flags.has(Flags::QUEUED | Flags::NO_OUTPUT) {
        let sent = shared.reactor.core().counters.bytes_sent.get();
        // One that had nothing to write last time is not asked again before the next turn.
        if pass.produces_left > 0 && pass.sent_before_produce != Some(sent) {
            pass.produces_left -= 1;
            pass.sent_before_produce = Some(sent);
            return Some(callback(shared, Step::Produce));
        }
        shared.serve_again();
    }
    None
}

fn callback(shared: &Shared, step: Step) -> Step {
    shared.flags.set(Flags::GATHERING);
    step
}

/// What the connection's timer is for.
fn check_deadlines(shared: &Shared, pass: &mut Pass) -> Option<Step> {
    let (now, complete) = (shared.reactor.core().now.get(), shared.reactor.core().complete.get());
    let (last_read, last_write) = (shared.last_read.get(), shared.last_write.get());
    // What is due later than that may still be met by input that has not been looked for.
    let over = |deadline: Option<Time>| deadline.is_some_and(|deadline| deadline <= complete);
    let end = shared.state.with(|state| {
        if state.has_lingered(complete, last_read) {
            return Some(CloseReason::Done);
        }
        let rare = state.rare.as_deref()?;
        let closed = over(rare.close_by).then_some(CloseReason::TimedOut(Phase::Close));
        closed.or_else(|| over(rare.prepare_by).then_some(CloseReason::TimedOut(Phase::Handshake)))
    });
    if let Some(reason) = end {
        return Some(finish(shared, pass, reason));
    }
    // The event for its input came while reading was paused or had yielded; the next turn reads it, unless reading is paused again by then.
    let has_unread = shared.flags.has(Flags::RESUMED | Flags::YIELDED)
        && !shared.flags.has(Flags::PAUSED_BY_USER | Flags::PAUSED_BY_QUEUE);
    let idle = shared.state.with(|state| {
        if shared.flags.has(Flags::CLOSING) {
            // Perhaps because of another kind of idleness, of which the protocol was told just now.
            return None;
        }
        let deadlines = state.deadlines();
        let mut kinds = [Idle::Read, Idle::Write, Idle::All].into_iter();
        let idle = kinds.find(|idle| {
            (*idle == Idle::Write || !has_unread) && deadlines.idle_deadline(*idle, last_read, last_write) <= complete
        })?;
        deadlines.restart_idle(idle, now);
        Some(idle)
    });
    if let Some(idle) = idle {
        return Some(callback(shared, Step::TimedOut(idle)));
    }
    pass.readiness = pass.readiness.without(Readiness::TIMER);
    shared.check_for_stall(complete);
    shared.arm_timer();
    None
}

/// Returns whether a deadline has passed that output would push back.
fn awaits_output(shared: &Shared) -> bool {
    let complete = shared.reactor.core().complete.get();
    shared.state.with(|state| state.awaits_output(complete, shared.last_read.get(), shared.last_write.get()))
}

/// The way to an orderly end.
fn close(shared: &Shared, turn: &mut Turn<'_>, pass: &mut Pass) -> Option<Step> {
    let flags = &shared.flags;
    if !flags.has(Flags::WRITE_CLOSING) {
        return None;
    }
    // What is queued has a deadline, whether all of the connection is closing or only its writing side.
    if (flags.has(Flags::CLOSING) || flags.has(Flags::QUEUED)) && begin_closing(shared) {
        // What arrived while reading was paused had its event then.
        pass.may_read |= flags.has(Flags::CLOSING);
    }
    if flags.has(Flags::PREPARING) {
        // What is queued can go only then.
        return None;
    }
    if flags.has(Flags::CLOSING)
        && let Some(step) = discard_input(shared, turn, pass)
    {
        return Some(step);
    }
    if !flags.has(Flags::QUEUED | Flags::WRITE_CLOSED) {
        // The peer has told us its end already: closing the descriptor tells it ours.
        if flags.has(Flags::CLOSING)
            && flags.has(Flags::READ_CLOSED)
            && !flags.has(Flags::ADOPTED)
            && !shared.state.with(|state| state.socket.has_farewell())
        {
            return Some(finish(shared, pass, CloseReason::Done));
        }
        match shared.state.with(|state| state.socket.close_write()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                begin_farewell(shared);
                shared.blocked();
                return flags.has(Flags::ENDING).then(|| finish(shared, pass, CloseReason::Aborted));
            }
            Err(error) => {
                // ENOTCONN says only that the connection has ended: what has ended it is the error that the socket holds.
                let cause = shared.state.with(|state| state.socket.take_error()).ok().flatten();
                return Some(finish(shared, pass, CloseReason::Lost(cause.unwrap_or(error))));
            }
        }
        flags.set(Flags::WRITE_CLOSED);
        if !flags.has(Flags::CLOSING) && shared.state.with(|state| state.rare().close_by.take()).is_some() {
            shared.arm_timer();
        }
    }
    let over = flags.has(Flags::WRITE_CLOSED)
        && (flags.has(Flags::READ_CLOSED) || (flags.has(Flags::CLOSING) && !lingers(shared)));
    over.then(|| finish(shared, pass, CloseReason::Done))
}

/// Sets the deadline by which closing must be over. Returns whether it was not set before.
fn begin_closing(shared: &Shared) -> bool {
    let begins = shared.state.with(|state| {
        let close_timeout = state.options.close_timeout;
        let close_by = &mut state.rare().close_by;
        let begins = close_by.is_none();
        if begins {
            *close_by = Some(shared.reactor.deadline(close_timeout));
        }
        if let Some(deadlines) = &mut state.deadlines
            && shared.flags.has(Flags::CLOSING)
        {
            deadlines.clear_idle();
        }
        begins
    });
    if begins {
        shared.arm_timer();
    }
    begins
}

/// Sets by when the last words must be sent, of a stream that has some. Once the peer is slow to take them, it is the only thing left.
fn begin_farewell(shared: &Shared) {
    let begins = shared.state.with(|state| {
        let rare = state.rare();
        let begins = !std::mem::replace(&mut rare.says_farewell, true);
        if begins {
            let by = shared.reactor.deadline(FAREWELL);
            rare.close_by = Some(rare.close_by.map_or(by, |close_by| close_by.min(by)));
        }
        begins
    });
    if begins {
        shared.arm_timer();
    }
}

/// Since when the peer's end alone is waited for.
fn lingers_since(shared: &Shared) -> Option<Time> {
    shared.state.with(|state| state.rare.as_deref().and_then(|rare| rare.lingers_since))
}

/// Waits for the peer's end, after `close` was called and the FIN was sent, and returns whether it is still worth it: not once
/// too many connections have begun to wait later.
fn lingers(shared: &Shared) -> bool {
    let core = shared.reactor.core();
    if let Some(since) = lingers_since(shared) {
        return core.lingering.with(|lingering| lingering.has(since, shared.token));
    }
    let since = shared.reactor.deadline(Duration::ZERO);
    shared.state.with(|state| state.rare().lingers_since = Some(since));
    if let Some(oldest) = core.lingering.with(|lingering| lingering.add(since, shared.token)) {
        count(&core.counters.lingering_evicted, 1);
        if oldest == shared.token {
            return false;
        }
        shared.reactor.touch(oldest);
    }
    shared.arm_timer();
    true
}

/// Discards what the peer still sends to a connection that is closing. Two that close with much queued for each other would
/// otherwise wait for each other.
fn discard_input(shared: &Shared, turn: &mut Turn<'_>, pass: &mut Pass) -> Option<Step> {
    let flags = &shared.flags;
    while pass.may_read && !flags.has(Flags::READ_CLOSED) {
        let short_is_drained = !flags.has(Flags::PEER_CLOSED | Flags::URGENT);
        match shared.state.with(|state| state.socket.discard(turn.buffer, short_is_drained)) {
            Ok(Received { count: 0, .. }) => flags.set(Flags::READ_CLOSED),
            Ok(Received { count: discarded, drained }) => {
                let core = turn.reactor.core();
                shared.last_read.set(core.now.get());
                count(&core.counters.bytes_discarded, discarded as u64);
                let is_enough = shared.state.with(|state| {
                    // Before our end the close timeout is the limit.
                    state.rare().discarded += if flags.has(Flags::WRITE_CLOSED) { discarded as u64 } else { 0 };
                    state.has_discarded_enough()
                });
                if is_enough {
                    return Some(finish(shared, pass, CloseReason::Done));
                }
                pass.may_read = !drained && shared.spend(&mut pass.read_left, discarded);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => pass.may_read = false,
            // A layer misses the peer's good-bye; who listens no more misses nothing.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => flags.set(Flags::READ_CLOSED),
            Err(error) => return Some(finish(shared, pass, CloseReason::Lost(error))),
        }
    }
    None
}

/// Ends the connection: closes its descriptor and lets go of everything but what the last callback needs.
pub(super) fn finish(shared: &Shared, pass: &mut Pass, reason: CloseReason) -> Step {
    // What could not be written was promised all the same: the peer must not take what it has for all there is.
    let unsent = shared.flags.has(Flags::QUEUED | Flags::WRITE_FAILED);
    shared.flags.set(Flags::ENDED);
    shared.flags.clear(Flags::GATHERING);
    let queue = shared.take_queue();
    if let Some(since) = lingers_since(shared) {
        shared.reactor.core().lingering.with(|lingering| lingering.remove(since, shared.token));
    }
    let registry = shared.reactor.core().network.registry();
    let lost = queue.as_deref().map_or(0, WriteQueue::len);
    let (decided, successor, deadlines) = shared.state.with(|state| {
        if lost > 0 {
            state.rare().unsent += lost;
        }
        if shared.flags.has(Flags::ADOPTED) {
            // Whoever else holds the descriptor keeps it in the kernel's set.
            state.socket.deregister(registry);
        }
        let (decided, successor) =
            state.rare.as_mut().map_or((None, None), |rare| (rare.reason.take(), rare.successor.take()));
        let end = decided.as_ref().unwrap_or(&reason);
        state.socket.lost(end);
        let broken = match end {
            CloseReason::Overflow | CloseReason::Panicked => true,
            // An abort that was asked for is a reset. The reactor's end aborts what it must, and that is also who was to come to an end
            // by now and has not; it says a polite good-bye otherwise.
            CloseReason::Aborted if decided.is_none() && pass.readiness.has(Readiness::END) => {
                let told = !shared.reactor.core().draining.get() || shared.flags.has(Flags::WRITE_CLOSED);
                unsent || !told
            }
            CloseReason::Aborted => true,
            _ => unsent,
        };
        if broken {
            state.socket.reset();
        } else {
            state.socket = Socket::Closed;
        }
        (decided, successor, state.deadlines.take())
    });
    if let Some(key) = deadlines.and_then(|deadlines| deadlines.timer) {
        shared.reactor.disarm(key);
    }
    shared.reactor.descriptor_freed();
    let reason = match decided {
        Some(decided) => {
            contain_drop(reason);
            decided
        }
        None => reason,
    };
    contain_drops(queue.into_iter().flat_map(|queue| queue.into_chunks()));
    contain_drop(successor);
    shared.abandon_marks();
    shared.reactor.core().counters.count_closed(&reason);
    pass.reason = Some(reason);
    Step::Lost
}

/// Ends the connection as `finish` does, but nobody is told.
#[cfg(feature = "testing")]
pub(super) fn vanish(shared: &Shared) {
    shared.flags.set(Flags::ENDED);
    let queue = shared.take_queue();
    if let Some(since) = lingers_since(shared) {
        shared.reactor.core().lingering.with(|lingering| lingering.remove(since, shared.token));
    }
    let (rare, deadlines) = shared.state.with(|state| {
        state.socket = Socket::Closed;
        (state.rare.take(), state.deadlines.take())
    });
    if let Some(key) = deadlines.and_then(|deadlines| deadlines.timer) {
        shared.reactor.disarm(key);
    }
    contain_drops(queue.into_iter().flat_map(|queue| queue.into_chunks()));
    contain_drop(rare);
}
