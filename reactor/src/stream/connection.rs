//! A connection and its protocol: the thin generic part of the machine.

use std::any::{Any, TypeId, type_name};

use crate::address::Address;
use crate::address_policy::IpNetwork;
use crate::buffer::WriteQueue;
use crate::byte_stream::Received;
use crate::close_reason::CloseReason;
use crate::contain::{Panicked, contain, contain_drop};
use crate::producer::Producer;
use crate::protocol::{Protocol, Succeed, Successor};
use crate::reactor::{Backlog, Description, Dispatch, Turn};
use crate::readiness::Readiness;
use crate::stats::count;
use crate::transport::{Flags, Shared, Transport};

use super::machine::{Input, Pass, Step, deliver, finish, receive, settle, step};

pub(crate) struct Connection<P> {
    transport: Transport,
    protocol: P,
}

/// A successor that waits for the current callback to return.
struct Pending {
    successor: Successor,
    /// What it was left: so many bytes at the front of the leftover.
    brought: usize,
}

/// What becomes of a connection after a visit.
enum After {
    Keep,
    Switch,
    Lost,
}

impl<P: Protocol> Connection<P> {
    /// A connection that has just been opened.
    pub(crate) fn open(transport: Transport, protocol: P) -> Box<Self> {
        let core = transport.reactor().core();
        count(&core.counters.opened, 1);
        if core.draining.get() {
            transport.shared.flags.set(Flags::DRAINING);
        }
        Self::new(transport, protocol)
    }

    fn new(transport: Transport, protocol: P) -> Box<Self> {
        Box::new(Self { transport, protocol })
    }

    /// The straight line: one read, one callback, one write. Whatever is unusual is left to `visit`.
    #[inline(always)]
    fn straight(mut self: Box<Self>, turn: &mut Turn<'_>, count: usize) -> Option<Box<dyn Dispatch>> {
        let Self { transport, protocol } = &mut *self;
        deliver(&transport.shared, turn, count);
        let called = contain(type_name::<P>, || protocol.data_received(transport, &turn.buffer[..count]));
        if called.is_err() {
            panicked(&transport.shared);
        } else if settle(&transport.shared) {
            return Some(self);
        }
        self.visit(turn, Readiness::READABLE, Input::Drained)
    }

    /// One visit, with everything that may happen in it.
    #[inline(never)]
    fn visit(
        mut self: Box<Self>,
        turn: &mut Turn<'_>,
        readiness: Readiness,
        input: Input,
    ) -> Option<Box<dyn Dispatch>> {
        let mut pass = Pass::begin(&self.transport.shared, readiness, input);
        loop {
            match contain(type_name::<P>, || self.tell(turn, &mut pass)) {
                Ok(After::Keep) => return Some(self),
                Ok(After::Switch) => {
                    let transport = self.transport.clone();
                    let successor = self.switch();
                    if successor.is_none() {
                        // Neither protocol is left to be told; the panic, if another comes, is logged.
                        let _ = contain(type_name::<P>, || stop_producer(&transport));
                        finish(&transport.shared, &mut pass, CloseReason::Panicked);
                    }
                    return successor;
                }
                Ok(After::Lost) => break,
                // In the last callback already?
                Err(Panicked) if self.transport.shared.flags.has(Flags::ENDED) => break,
                Err(Panicked) => panicked(&self.transport.shared),
            }
        }
        contain_drop(self);
        None
    }

    /// Calls the protocol for as long as there is something to tell it.
    fn tell(&mut self, turn: &mut Turn<'_>, pass: &mut Pass) -> After {
        let Self { transport, protocol } = self;
        loop {
            match step(&transport.shared, turn, pass) {
                Step::Data(count) => protocol.data_received(transport, &turn.buffer[..count]),
                Step::Wait => return After::Keep,
                Step::Made => protocol.connection_made(transport),
                Step::ReadClosed => protocol.read_closed(transport),
                Step::ReadResumed => protocol.read_resumed(transport),
                Step::Paused => {
                    protocol.write_paused(transport);
                    transport.with_producer(Producer::pause);
                }
                Step::Resumed => {
                    protocol.write_resumed(transport);
                    transport.with_producer(Producer::resume);
                }
                Step::TimedOut(idle) => protocol.timed_out(transport, idle),
                Step::LayerBegun => {
                    refuse_held_input(protocol, transport);
                }
                // The protocol may have put bytes aside since the layer began.
                Step::HandshakeCompleted if refuse_held_input(protocol, transport) => {}
                Step::HandshakeCompleted => protocol.handshake_completed(transport),
                Step::Leftover => protocol.data_received(transport, &take_leftover(transport)),
                Step::Drain => protocol.drain(transport),
                Step::Produce => transport.with_producer(Producer::produce),
                Step::Switch => return After::Switch,
                Step::Lost => {
                    stop_producer(transport);
                    protocol.connection_lost(transport, pass.reason.take().unwrap_or(CloseReason::Aborted));
                    return After::Lost;
                }
            }
        }
    }

    /// Puts the successor in this protocol's place. It is served next turn, so that protocols which hand over to each other for
    /// ever leave the others their turn.
    fn switch(self) -> Option<Box<dyn Dispatch>> {
        let Self { transport, protocol } = self;
        let shared = transport.shared.clone();
        shared.flags.clear(Flags::SWITCHING);
        if !shared.flags.has(Flags::CLOSING) {
            // The end of the stream can be read again: the successor has to hear of it too.
            shared.flags.clear(Flags::READ_CLOSED);
        }
        shared.flags.set(Flags::MADE);
        if shared.flags.take(Flags::TOLD_PAUSED) && shared.flags.has(Flags::ABOVE_MARK) {
            shared.flags.set(Flags::PASSED_MARK);
        }
        // The visit may have been the timer's, which is still to be set anew: the idle timeouts outlive the protocol.
        shared.arm_timer();
        if shared.reactor.core().draining.get() {
            // Its predecessor was told, and left it at that.
            shared.flags.set(Flags::DRAINING);
        }
        shared.serve_again();
        let successor = shared.state.with(|state| state.rare().successor.take());
        contain(type_name::<P>, move || match successor.and_then(|pending| pending.downcast::<Pending>().ok()) {
            Some(pending) => Box::new(protocol).replace(pending.successor).0.into_source(transport),
            None => Self::new(transport, protocol) as Box<dyn Dispatch>,
        })
        .ok()
    }
}

/// The protocol's last callback did not return: what it has written meanwhile is void.
#[cold]
fn panicked(shared: &Shared) {
    shared.flags.clear(Flags::GATHERING);
    shared.reactor.core().gathered.with(Vec::clear);
    shared.end(CloseReason::Panicked);
}

fn take_leftover(transport: &Transport) -> Vec<u8> {
    transport.shared.state.with(|state| std::mem::take(&mut state.rare().leftover))
}

/// Ends a connection that keeps input from before its TLS layer, in the protocol or as another protocol's leftover. Returns
/// whether it does.
#[cold]
fn refuse_held_input<P: Protocol>(protocol: &mut P, transport: &Transport) -> bool {
    let holds_input = protocol.holds_input() || transport.shared.flags.has(Flags::LEFTOVER);
    #[cfg(feature = "tls")]
    if holds_input {
        transport.refuse_start_tls();
    }
    holds_input
}

/// A producer hears that its connection has ended before the protocol does, as in Twisted.
fn stop_producer(transport: &Transport) {
    if transport.shared.flags.take(Flags::PULLING | Flags::PUSHING) {
        // With the flag gone it is dropped afterwards.
        transport.with_producer(|producer, _| producer.stop());
    }
}

impl<P: Protocol> Dispatch for Connection<P> {
    #[inline]
    fn ready(self: Box<Self>, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>> {
        // A connection that is watched for writing, as every one that was connected is, hears with each event that it may write: that is
        // news only to one that could not.
        let usual = readiness.without(Readiness::WRITABLE) == Readiness::READABLE;
        if usual && let Some(received) = receive(&self.transport.shared, turn) {
            // Taken apart and put together again, so that the usual one needs no place in memory.
            return match received {
                Ok(Received { count, drained }) if drained && count > 0 => self.straight(turn, count),
                Ok(Received { count, drained }) => {
                    self.visit(turn, readiness, Input::Received(Ok(Received { count, drained })))
                }
                Err(error) => self.visit(turn, readiness, Input::Received(Err(error))),
            };
        }
        self.visit(turn, readiness, Input::Unread)
    }

    fn backlog(&self) -> Option<Backlog> {
        let shared = &self.transport.shared;
        let footprint = shared.state.with(|state| state.queue.as_deref().map(WriteQueue::footprint))?;
        let peer = Address::from(&shared.peer).tcp().map(|address| IpNetwork::of_peer(address.ip()));
        Some(Backlog { footprint, progress: shared.last_write.get(), peer })
    }

    #[cfg(feature = "tls")]
    fn holds_input(&mut self) -> bool {
        self.protocol.holds_input()
    }

    fn layer(&mut self, type_id: TypeId) -> Option<&mut dyn Any> {
        if type_id == TypeId::of::<P>() { Some(&mut self.protocol) } else { self.protocol.layer(type_id) }
    }

    #[cfg(feature = "testing")]
    fn vanish(&mut self) {
        super::machine::vanish(&self.transport.shared);
    }

    fn describe(&self) -> Description {
        Description { name: type_name::<P>(), connection: Some(self.transport.shared.clone()) }
    }
}

impl<P: Protocol> Succeed for P {
    fn into_protocol(self: Box<Self>) -> Box<dyn Protocol> {
        self
    }

    fn into_source(self: Box<Self>, transport: Transport) -> Box<dyn Dispatch> {
        Connection::new(transport, *self)
    }
}

impl Transport {
    /// Replaces the protocol that serves this connection: after an upgrade, a CONNECT, a STARTTLS. Once the current callback has
    /// returned, the old protocol is dropped (it hears nothing more), and the new one gets `connection_made`, then `leftover`, then
    /// what the peer sends next. `leftover` is what the old protocol was given but has not used.
    ///
    /// Idle timeouts stay as they are set. Of a protocol inside [wrappers](crate::Wrapper), the innermost is replaced, and the wrappers stay. A second call before the
    /// first took effect wins. Returns whether the connection is still open; if not, `protocol` is dropped.
    pub fn switch_to(&self, protocol: impl Protocol, leftover: &[u8]) -> bool {
        if !self.is_open() {
            contain_drop(protocol);
            return false;
        }
        let shared = &*self.shared;
        let pending: Box<dyn Any> = Box::new(Pending { successor: Successor::new(protocol), brought: leftover.len() });
        let (former, empty) = shared.state.with(|state| {
            let rare = state.rare();
            let former = rare.successor.replace(pending);
            // What a successor was left that never took over is void. What an earlier protocol left and nobody has got yet comes
            // after what the one that runs now leaves.
            let void =
                former.as_ref().and_then(|former| former.downcast_ref::<Pending>()).map_or(0, |former| former.brought);
            rare.leftover.splice(..void, leftover.iter().copied());
            (former, rare.leftover.is_empty())
        });
        contain_drop(former);
        shared.flags.set(Flags::SWITCHING);
        shared.flags.clear(Flags::LEFTOVER);
        if !empty {
            shared.flags.set(Flags::LEFTOVER);
        }
        shared.touch();
        true
    }
}
