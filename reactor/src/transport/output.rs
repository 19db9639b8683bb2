//! The way from a connection's users to the kernel.

use std::io::{self, ErrorKind};

use mio::Interest;

use crate::buffer::{FlushOutcome, Sink, WriteQueue};
use crate::close_reason::CloseReason;
use crate::contain::contain_drops;
use crate::stats::count;

use super::flags::Flags;
use super::shared::Shared;

impl Shared {
    /// Sends what a callback wrote to its own connection; what the kernel does not take goes to the queue.
    #[inline(always)]
    pub(crate) fn send_gathered(&self) {
        let core = self.reactor.core();
        let sent = core.gathered.with(|gathered| {
            if gathered.is_empty() {
                return Ok(None);
            }
            let sent = self.state.with(|state| state.socket.write(gathered));
            match sent {
                Ok(sent) if sent == gathered.len() => {
                    self.has_sent(sent as u64);
                    gathered.clear();
                    Ok(None)
                }
                sent => sent.map(Some),
            }
        });
        match sent {
            Ok(None) => {}
            Ok(Some(sent)) => self.queue_unsent_gathered(Ok(sent)),
            Err(error) => self.queue_unsent_gathered(Err(error)),
        }
    }

    #[cold]
    #[inline(never)]
    fn queue_unsent_gathered(&self, sent: io::Result<usize>) {
        let gathered = &self.reactor.core().gathered;
        if let Some(sent) = self.was_cut_short(sent) {
            // Slices leave nothing to drop.
            let _ = gathered.with(|gathered| self.push(|queue| queue.push_slice(&gathered[sent..])));
            gathered.with(Vec::clear);
            self.queue_has_grown();
            self.pass_marks(sent as u64);
        } else {
            let lost = gathered.with(|gathered| gathered.drain(..).len() as u64);
            self.state.with(|state| state.rare().unsent += lost);
        }
    }

    /// Sends `data` at once, if it is the first that is written in this turn and nothing waits before it. Whoever has a chunk for many
    /// connections, a line to a room, spares each of them the way through its queue; what follows in the same turn is gathered there
    /// and leaves together. Gives how much of it the kernel took, or nothing if it is to be queued whole or cannot be sent.
    #[inline]
    pub(crate) fn send_first(&self, data: &[u8]) -> Option<usize> {
        if self.last_write.get() == self.reactor.core().now.get() { None } else { self.send_now(data) }
    }

    /// The same, first in this turn or not.
    #[inline]
    pub(crate) fn send_now(&self, data: &[u8]) -> Option<usize> {
        const NOT_NOW: u32 = Flags::GATHERING | Flags::QUEUED | Flags::NO_OUTPUT;
        if self.flags.has(NOT_NOW) {
            return None;
        }
        match self.state.with(|state| state.socket.write(data)) {
            Ok(sent) if sent == data.len() => {
                self.has_sent(sent as u64);
                Some(sent)
            }
            sent => {
                let sent = self.was_cut_short(sent);
                // It may have something to say: that the mark is passed, or that nothing can be written.
                self.touch();
                sent
            }
        }
    }

    /// A write took less than it was offered. Gives how much, or nothing if it failed.
    #[cold]
    fn was_cut_short(&self, sent: io::Result<usize>) -> Option<usize> {
        let sent = match sent {
            Ok(sent) => {
                self.has_sent(sent as u64);
                sent
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => {
                self.write_failed(error);
                return None;
            }
        };
        self.flags.set(Flags::QUEUED);
        self.blocked();
        Some(sent)
    }

    #[inline]
    fn has_sent(&self, bytes: u64) {
        let core = self.reactor.core();
        self.last_write.set(core.now.get());
        count(&core.counters.bytes_sent, bytes);
    }

    /// The kernel takes no more for now: have it tell when it does. Most connections never come here, so they are watched for writing
    /// only from the first time on.
    pub(crate) fn blocked(&self) {
        self.flags.set(Flags::BLOCKED);
        if self.flags.has(Flags::WATCHES_WRITABLE) {
            return;
        }
        let registry = self.reactor.core().network.registry();
        let both = Interest::READABLE | Interest::WRITABLE;
        match self.state.with(|state| state.socket.reregister(registry, self.token, both)) {
            Ok(()) => self.flags.set(Flags::WATCHES_WRITABLE),
            Err(error) => self.end(CloseReason::Lost(error)),
        }
    }

    /// Nothing can be written any more. What the peer sent before it went is still delivered, so the connection does not end here.
    fn write_failed(&self, error: io::Error) {
        self.flags.set(Flags::WRITE_FAILED);
        self.flags.clear(Flags::ABOVE_MARK);
        self.release_reading();
        self.state.with(|state| {
            state.rare().reason.get_or_insert(CloseReason::Lost(error));
        });
        let queue = self.take_queue();
        let lost = queue.as_deref().map_or(0, WriteQueue::len);
        self.state.with(|state| state.rare().unsent += lost);
        contain_drops(queue.into_iter().flat_map(|queue| queue.into_chunks()));
    }

    /// Takes `amount` from a visit's budget. Once that is used up the connection is served again next turn: edge-triggered events would
    /// not tell that something is left.
    #[inline]
    pub(crate) fn spend(&self, left: &mut usize, amount: usize) -> bool {
        *left = left.saturating_sub(amount);
        if *left == 0 {
            self.serve_again();
        }
        *left > 0
    }

    /// Sends what is queued, at most as much as `budget` has left. Returns whether reading, which had been held, may go on.
    pub(crate) fn flush(&self, budget: &mut usize) -> bool {
        let (result, spent, done) = self.state.with(|state| {
            let Some(queue) = state.queue.as_deref_mut() else { return (None, Default::default(), None) };
            let before = queue.own_footprint();
            let result = queue.flush(&mut state.socket, *budget);
            let spent = queue.take_spent();
            self.reactor.core().meter.with(|meter| {
                meter.change(before, queue.own_footprint());
                meter.release_spent(&spent);
            });
            // An idle connection owns no queue.
            let done = if queue.is_empty() { state.queue.take() } else { None };
            (Some(result), spent, done)
        });
        // Before anything of a user's is dropped, for that may write again.
        if done.is_some() || result.is_none() {
            self.flags.clear(Flags::QUEUED);
            drop(done);
        }
        if !spent.is_empty() {
            contain_drops(spent.into_chunks());
        }
        match result {
            None => {}
            Some(Err(error)) => {
                self.write_failed(error);
                return false;
            }
            Some(Ok(flushed)) => {
                if flushed.written > 0 {
                    self.has_sent(flushed.written);
                    self.spend(budget, usize::try_from(flushed.written).unwrap_or(usize::MAX));
                    self.pass_marks(flushed.written);
                }
                match flushed.outcome {
                    FlushOutcome::Drained => {}
                    FlushOutcome::Blocked => self.blocked(),
                    FlushOutcome::Budget => {
                        // A rest that is too small for a piece of a file is not offered a second time in this turn.
                        *budget = 0;
                        self.serve_again();
                    }
                }
            }
        }
        self.queue_has_shrunk()
    }
}
