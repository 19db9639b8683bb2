//! How packets travel between hosts: windows, retransmission, acknowledgements, and the end of a sender's patience.

use std::time::Duration;

use rustix::io::Errno;

use crate::clock::Time;
use crate::options::Keepalive;

use super::agenda::Due;
use super::connection::Connection;
use super::end::State;
use super::poll::{Id, Mask};
use super::sockets::Sockets;
use super::trace::What;
use super::wire::{Packet, Segment, Wire, retransmission};

/// How long a client waits for the answer of a neighbour that is down (`arp(7)`: three requests, a second apart).
const NEIGHBOUR_FAILS_AFTER: Duration = Duration::from_secs(3);

/// What became of the handshake of a server's end.
enum Handshake {
    Complete,
    /// The backlog is full: the packet is dropped.
    Full,
    /// The listener is gone.
    Refused,
}

impl Sockets {
    /// Whether the ends of a connection are on two hosts.
    pub(super) fn is_remote(&self, id: Id) -> bool {
        self.connections.get(&id.connection()).is_some_and(Connection::is_remote)
    }

    fn wire(&mut self, to: Id) -> Option<&mut Wire> {
        Some(&mut self.connections.get_mut(&to.connection())?.wires[to.side()])
    }

    /// Sends a packet from the end `from` to the other. Within a host it is there at once. Returns whether it was sent off and
    /// not lost.
    pub(super) fn send(&mut self, from: Id, packet: Packet) -> bool {
        let to = from.other();
        if !self.is_remote(from) {
            let (sent, arrival) = (self.now, Some(self.now));
            self.deliver(to, Segment { packet, sent, departure: sent, arrival });
            return true;
        }
        let now = self.now;
        let Some(wire) = self.wire(to) else { return false };
        if matches!(packet, Packet::Reset) {
            // A reset leaves now. What the socket still held is dropped with the socket.
            wire.cut(now);
            return self.depart(from, packet);
        }
        wire.hold_back(packet);
        self.pump(from);
        true
    }

    /// Sends what the receiver's window has room for.
    pub(super) fn pump(&mut self, from: Id) {
        let to = from.other();
        loop {
            let Some(connection) = self.connections.get_mut(&from.connection()) else { return };
            let piece = self.faults.links.piece(connection.direction(from.side()));
            let window = connection.window(to.side());
            let Some(packet) = connection.wires[to.side()].take_unsent(window, piece) else { break };
            self.depart(from, packet);
        }
        // The update for which they wait may be under way already.
        self.watch_updates(to);
        self.probe_window(from);
    }

    /// Has a sender whose peer's window is closed probe it (RFC 9293, section 3.8.6.1), if the peer cannot answer any more: then nothing else
    /// notices that. A peer that can answer keeps such a connection for ever, so its probes are left out.
    pub(super) fn probe_window(&mut self, from: Id) {
        let (to, now) = (from.other(), self.now.max(self.clock));
        let Some(connection) = self.connections.get_mut(&from.connection()) else { return };
        let is_mute = connection.silent || self.roster.is_down(connection.hosts[to.side()]);
        // A writer without room waits for updates too: the model has one buffer for both hosts.
        let waits = connection.is_short_of_room(to.side()) && !connection.end(from.side()).gone;
        let wire = &mut connection.wires[to.side()];
        if is_mute && waits && wire.is_idle() {
            wire.ask_again(now);
            self.retry_later(to);
        }
        if is_mute {
            self.begin_keepalive(from);
        }
    }

    pub(super) fn set_keepalive(&mut self, id: Id, keepalive: Option<Keepalive>) {
        if let Some(end) = self.end(id) {
            end.keepalive = keepalive;
        }
        self.probe_window(id);
    }

    /// The peer of an end cannot answer any more: its keepalive probes begin after the idle time (`tcp(7)`). A peer that can answer keeps the
    /// connection, so its probes are left out.
    fn begin_keepalive(&mut self, id: Id) {
        let now = self.now.max(self.clock);
        if let Some(end) = self.end(id)
            && let Some(keepalive) = end.keepalive.filter(|_| !end.gone && end.unanswered == 0)
        {
            end.unanswered = 1;
            self.agenda.push(now.after(keepalive.idle), id, Due::Keepalive);
        }
    }

    /// A keepalive probe is sent, and the one before was not answered.
    fn keepalive_probe(&mut self, id: Id) {
        let (peer, clock) = (id.other(), self.clock);
        let Some(connection) = self.connections.get_mut(&id.connection()) else { return };
        let is_down = self.roster.is_down(connection.hosts[peer.side()]);
        let (is_mute, peer_is_gone) = (connection.silent || is_down, connection.end(peer.side()).gone);
        // Bytes in flight have a timer of their own.
        let is_idle = connection.wires[peer.side()].is_idle();
        let end = connection.end(id.side());
        let Some(keepalive) = end.keepalive.filter(|_| !end.gone && end.state == State::Connected) else { return };
        if !is_mute {
            end.unanswered = 0;
            if peer_is_gone {
                self.send(peer, Packet::Reset);
            }
            return;
        }
        if end.unanswered > keepalive.probes && is_idle {
            return self.give_up(id, if is_down { Errno::HOSTUNREACH } else { Errno::TIMEDOUT });
        }
        end.unanswered += 1;
        self.agenda.push(clock.after(keepalive.interval), id, Due::Keepalive);
    }

    /// A packet leaves its host. Returns whether it will arrive by itself.
    fn depart(&mut self, from: Id, packet: Packet) -> bool {
        let (to, now) = (from.other(), self.now);
        let Some(connection) = self.connections.get_mut(&from.connection()) else { return false };
        let (direction, silent) = (connection.direction(from.side()), connection.silent);
        let wire = &mut connection.wires[to.side()];
        let departure = wire.free.max(now).after(self.faults.links.sending(direction, packet.size()));
        wire.free = departure;
        let arrival = if silent { None } else { self.faults.links.transit(direction, departure, packet.size()) };
        let is_reset = matches!(packet, Packet::Reset);
        let segment = Segment { packet, sent: departure, departure, arrival };
        if arrival.is_some_and(|at| at <= self.clock) && wire.is_idle() && !self.roster.is_down(direction[1]) {
            self.deliver(to, segment);
            return true;
        }
        if arrival.is_none() && is_reset {
            // A reset is never sent again.
            return false;
        }
        match wire.push(segment) {
            Some(at) => self.agenda.push(at, to, Due::Arrival),
            None => self.retry_later(to),
        }
        arrival.is_some()
    }

    /// Delivers what has arrived by now, and sends again what was lost.
    pub(super) fn arrive(&mut self) {
        while let Some((id, due)) = self.agenda.pop(self.clock) {
            match due {
                Due::Arrival => self.take_in(id),
                Due::Retry => self.retry(id),
                Due::Update => self.look_for_update(id),
                Due::Keepalive => self.keepalive_probe(id),
            }
        }
    }

    fn take_in(&mut self, to: Id) {
        let clock = self.clock;
        loop {
            let Some(connection) = self.connections.get_mut(&to.connection()) else { return };
            let wire = &mut connection.wires[to.side()];
            if self.roster.is_down(connection.hosts[to.side()]) {
                wire.lose_arrived(clock);
                return self.retry_later(to);
            }
            let Some(segment) = wire.pop(clock) else { return };
            self.deliver(to, segment);
        }
    }

    /// Sets the timer after which lost packets on the way to `to` are sent again, unless it is set.
    fn retry_later(&mut self, to: Id) {
        let clock = self.now.max(self.clock);
        let Some(connection) = self.connections.get_mut(&to.connection()) else { return };
        let round_trip = self.faults.links.round_trip(connection.direction(to.other().side()));
        let limit = connection.end(to.other().side()).user_timeout;
        let wire = &mut connection.wires[to.side()];
        let (None, Some(lost)) = (wire.retry, wire.first_lost()) else { return };
        let (delay, most) = retransmission(&lost.packet, wire.tries, round_trip);
        let at = lost.departure.max(clock).after(delay).min(lost.sent.after(limit.unwrap_or(most)).max(clock));
        wire.retry = Some(at);
        self.agenda.push(at, to, Due::Retry);
    }

    /// The retransmission timer has expired.
    fn retry(&mut self, to: Id) {
        let clock = self.clock;
        let Some(connection) = self.connections.get_mut(&to.connection()) else { return };
        let (direction, silent) = (connection.direction(to.other().side()), connection.silent);
        let user_timeout = connection.end(to.other().side()).user_timeout;
        let is_down = self.roster.is_down(direction[1]);
        let wire = &mut connection.wires[to.side()];
        if wire.retry != Some(clock) {
            return;
        }
        wire.retry = None;
        let Some(lost) = wire.first_lost() else { return };
        let limit = user_timeout.unwrap_or(retransmission(&lost.packet, 0, Duration::ZERO).1);
        let waited = clock.since(lost.sent);
        let has_no_neighbour = is_down && matches!(lost.packet, Packet::Syn(_)) && waited >= NEIGHBOUR_FAILS_AFTER;
        if waited >= limit || has_no_neighbour {
            // The last failure of the network is the error of the connection (`tcp_write_err`).
            return self.give_up(to.other(), if is_down { Errno::HOSTUNREACH } else { Errno::TIMEDOUT });
        }
        wire.tries += 1;
        let mut free = wire.free.max(clock);
        for segment in wire.lost() {
            let size = segment.packet.size();
            free = free.after(self.faults.links.sending(direction, size));
            segment.departure = free;
            segment.arrival = if silent { None } else { self.faults.links.transit(direction, free, size) };
            if let Some(at) = segment.arrival {
                self.agenda.push(at, to, Due::Arrival);
            }
        }
        wire.free = free;
        self.retry_later(to);
    }

    /// The system of the end `from` gives the connection up.
    fn give_up(&mut self, from: Id, error: Errno) {
        if let Some(wire) = self.wire(from.other()) {
            wire.lose();
        }
        let Some(end) = self.end(from) else { return };
        let (is_gone, connecting) = (end.gone, end.state == State::Connecting);
        if from.side() == 1 && self.connections.get(&from.connection()).is_some_and(Connection::is_in_handshake) {
            // A client that never answered is forgotten.
            self.forget_handshake(from);
        } else if !is_gone {
            self.note_end(from, What::TimesOut);
            if connecting {
                self.settle(from, |connection, side| connection.end(1 - side).gone = true);
            }
            self.settle(from, |connection, side| connection.break_off(side, error));
        }
    }

    /// A packet is at its end.
    pub(super) fn deliver(&mut self, to: Id, segment: Segment) {
        let remote = self.is_remote(to);
        if remote && let Some(wire) = self.wire(to) {
            wire.tries = 0;
        }
        let is_handshake = matches!(segment.packet, Packet::Syn(_) | Packet::SynAck | Packet::Reset);
        if remote && !is_handshake {
            match self.complete_handshake(to) {
                Handshake::Complete => {}
                Handshake::Full => return self.drop_packet(to, segment),
                Handshake::Refused => {
                    self.forget_handshake(to);
                    self.send(to, Packet::Reset);
                    return;
                }
            }
        }
        let sent = segment.sent;
        match segment.packet {
            Packet::Syn(_) => return self.syn_arrives(to, segment),
            Packet::SynAck => self.client_hears(to, remote),
            Packet::Ack => {}
            Packet::Data(bytes) => {
                if self.settle(to, |connection, side| connection.land(side, &bytes)) == Some(false) {
                    self.send(to, Packet::Reset);
                    return;
                }
            }
            Packet::Probe => {
                if self.end(to).is_some_and(|end| end.gone) {
                    self.send(to, Packet::Reset);
                    return;
                }
            }
            Packet::Fin => {
                self.settle(to, Connection::hear_end);
            }
            Packet::Reset => return self.reset_arrives(to),
        }
        if remote {
            self.acknowledge(to, sent);
            self.probe_window(to.other());
        }
    }

    /// A packet that was sent first at `sent` is acknowledged. If that is lost, the sender asks again.
    fn acknowledge(&mut self, id: Id, sent: Time) {
        let clock = self.clock;
        let Some(connection) = self.connections.get_mut(&id.connection()) else { return };
        let back = connection.direction(id.side());
        if self.faults.links.is_cut(back, clock, clock) {
            connection.wires[id.side()].ask_again(sent);
            self.retry_later(id);
        }
    }

    /// The receiver has no use for the packet, and does not acknowledge it.
    pub(super) fn drop_packet(&mut self, to: Id, segment: Segment) {
        if let Some(wire) = self.wire(to) {
            wire.put_back(segment);
            self.retry_later(to);
        }
    }

    fn client_hears(&mut self, to: Id, remote: bool) {
        let answers = self.settle(to, |connection, _| connection.establish());
        match answers {
            Some(true) => {
                self.note_end(to, What::Established);
                if remote {
                    self.send(to, Packet::Ack);
                }
            }
            Some(false) => {
                self.send(to, Packet::Reset);
            }
            None => {}
        }
    }

    fn reset_arrives(&mut self, to: Id) {
        if to.side() == 1 && self.connections.get(&to.connection()).is_some_and(Connection::is_in_handshake) {
            return self.forget_handshake(to);
        }
        let refused = self.end(to).is_some_and(|end| end.state == State::Connecting);
        if self.end(to).is_some_and(|end| !end.gone) {
            self.note_end(to, if refused { What::Refused } else { What::Resets });
        }
        // The socket drops what it has not sent.
        let clock = self.clock;
        if let Some(wire) = self.wire(to.other()) {
            wire.cut(clock);
        }
        self.settle(to, Connection::hear_reset);
    }

    /// The first packet after the answer completes the handshake of a server's end.
    fn complete_handshake(&mut self, to: Id) -> Handshake {
        let Some(connection) = self.connections.get_mut(&to.connection()) else { return Handshake::Complete };
        let Some(listener) = connection.listener.filter(|_| to.side() == 1) else { return Handshake::Complete };
        match self.names.listener(listener) {
            None => Handshake::Refused,
            Some(backlog) if backlog.is_full() => Handshake::Full,
            Some(backlog) => {
                backlog.queue.push_back(to);
                connection.listener = None;
                self.poll.wake(listener, Mask::IN);
                Handshake::Complete
            }
        }
    }

    /// A server's end that no listener has got goes away.
    pub(super) fn forget_handshake(&mut self, id: Id) {
        if let Some(connection) = self.connections.get_mut(&id.connection()) {
            connection.listener = None;
            connection.end(1).gone = true;
        }
        self.remove_if_gone(id);
    }

    /// Bytes were read by the end `id`: the sender hears of the room in its own time.
    pub(super) fn tell_of_room(&mut self, id: Id, bytes: usize) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&id.connection()) else { return };
        let direction = connection.direction(id.side());
        let at = if connection.silent { None } else { self.faults.links.update(direction, now) };
        let Some(at) = at else { return };
        connection.wires[id.side()].update(at, bytes);
        if at <= self.clock {
            self.take_updates(id);
        } else {
            self.watch_updates(id);
        }
    }

    /// Has the sender look for window updates, if it waits for room. `to` is the end that it sends to.
    pub(super) fn watch_updates(&mut self, to: Id) {
        let Some(connection) = self.connections.get_mut(&to.connection()) else { return };
        if !connection.is_short_of_room(to.side()) {
            return;
        }
        let wire = &mut connection.wires[to.side()];
        if let Some(at) = wire.next_update()
            && wire.update_due.is_none_or(|due| due > at)
        {
            wire.update_due = Some(at);
            self.agenda.push(at, to, Due::Update);
        }
    }

    fn look_for_update(&mut self, to: Id) {
        if let Some(wire) = self.wire(to) {
            wire.update_due = None;
        }
        self.take_updates(to);
    }

    /// Takes the window updates that have arrived for what was sent to `to`.
    pub(super) fn take_updates(&mut self, to: Id) {
        let now = self.now;
        let Some(wire) = self.wire(to) else { return };
        let bytes = wire.take_updates(now);
        let is_blocked = wire.is_blocked();
        if bytes > 0 {
            self.settle(to, |connection, side| connection.return_room(side, bytes));
            if is_blocked {
                self.pump(to.other());
            }
        }
        self.watch_updates(to);
    }
}
