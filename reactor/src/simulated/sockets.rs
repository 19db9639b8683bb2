//! The sockets of a world: its kernel, so to say.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::time::Duration;

use rustix::io::Errno;

use crate::address::{Address, UnixAddress};
use crate::byte_stream::Received;
use crate::clock::Time;
use crate::lookup::{Family, Fault, Told};
use crate::options::{ConnectOptions, ListenOptions};
use crate::readiness::Readiness;
use crate::token::Token;

use super::agenda::Agenda;
use super::connection::Connection;
use super::end::{End, State};
use super::faults::{Fate, Faults, SystemCall};
use super::names::{Names, destination, shown_to};
use super::pipe::Pipe;
use super::poll::{HostId, Id, Mask, Poll};
use super::roster::Roster;
use super::trace::{Trace, What};
use super::wire::{Call, Parcel};

/// How long a TCP socket goes on sending what nobody acknowledges: what `tcp_retries2` comes to by default, 924.6 s (`tcp(7)`).
const GIVES_UP_AFTER: Duration = Duration::from_millis(924_600);

#[derive(Debug)]
pub(crate) struct Sockets {
    pub(super) poll: Poll,
    pub(super) connections: BTreeMap<Id, Connection>,
    pub(super) names: Names,
    last: Id,
    pub(super) agenda: Agenda,
    pub(crate) roster: Roster,
    pub(crate) faults: Faults,
    /// Nothing is traced in a world that nobody directs.
    pub(crate) trace: Option<Trace>,
    /// What the world's clock shows.
    pub(super) clock: Time,
    /// What the clock of the host shows that makes the call: the same or, while a callback takes its time, later.
    pub(super) now: Time,
    /// What should never have happened.
    pub(super) violations: Vec<String>,
}

impl Sockets {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            poll: Poll::default(),
            connections: BTreeMap::new(),
            names: Names::default(),
            last: Id::default(),
            agenda: Agenda::default(),
            roster: Roster::default(),
            faults: Faults::new(seed),
            trace: None,
            clock: Time::default(),
            now: Time::default(),
            violations: Vec::new(),
        }
    }

    /// The address of a host on the network.
    pub(crate) fn address(&self, host: HostId) -> IpAddr {
        self.roster.address(host)
    }

    /// What a host is told of a name, and when.
    pub(super) fn look_up(&mut self, host: HostId, name: &str, family: Family) -> Told {
        if self.trace.is_some() {
            self.note(Some(host), None, What::LooksUp(name.into(), family == Family::V6));
        }
        let after = self.faults.name_delay(family);
        let addresses = match self.faults.name_fault(family) {
            Some(fault) => Err(fault),
            None => self.roster.resolve(name, family).ok_or(Fault::NoSuchName),
        };
        Told { addresses, after }
    }

    /// Is the end there to be used? Not if its host has crashed.
    fn is_owned(&mut self, id: Id) -> io::Result<()> {
        if self.end(id).is_some_and(|end| !end.gone) { Ok(()) } else { Err(Errno::BADF.into()) }
    }

    /// Begins to watch a socket.
    pub(super) fn register(&mut self, id: Id, host: HostId, token: Token, interest: Mask) -> io::Result<()> {
        self.faults.descriptor()?;
        self.watch(id, host, token, interest)
    }

    /// Watches a socket, or changes what for.
    pub(super) fn watch(&mut self, id: Id, host: HostId, token: Token, interest: Mask) -> io::Result<()> {
        self.make(host, Some(id), SystemCall::Watch)?;
        self.poll.watch(id, host, token, interest);
        Ok(())
    }

    /// A host makes a call, which may fail.
    fn make(&mut self, host: HostId, socket: Option<Id>, call: SystemCall) -> io::Result<()> {
        self.faults.call(call).inspect_err(|error| {
            self.note(Some(host), socket, What::Fails(error.raw_os_error().unwrap_or(0)));
        })
    }

    /// The owner of an end makes a call. Where there is nothing yet to read or no room to write, an event tells once that has changed, and
    /// so it is where that was only pretended.
    fn make_on(&mut self, id: Id, call: SystemCall) -> io::Result<()> {
        let host =
            self.connections.get(&id.connection()).map_or(HostId::NOBODY, |connection| connection.hosts[id.side()]);
        self.make(host, Some(id), call).inspect_err(|error| {
            if error.kind() == io::ErrorKind::WouldBlock {
                self.settle(id, |connection, side| connection.nudge(side, Mask::IN | Mask::OUT));
            }
        })
    }

    /// Does an event wait for `host`, or something that may be one?
    pub(crate) fn has_events(&self, host: HostId) -> bool {
        self.poll.has_listed(host)
    }

    /// Takes the events that wait for `host`.
    pub(super) fn collect(&mut self, host: HostId, events: &mut Vec<(Token, Readiness)>) {
        if self.make(host, None, SystemCall::Wait).is_err() {
            return;
        }
        if self.faults.interrupt().is_err() {
            return self.note(Some(host), None, What::Fails(Errno::INTR.raw_os_error()));
        }
        if let Some(random) = self.faults.spurious() {
            self.poll.list_spurious(host, random);
        }
        let Self { poll, connections, names, trace, now, .. } = self;
        let ready_for = |id: Id| match (names.listener(id), connections.get_mut(&id.connection())) {
            (Some(listener), _) => listener.mask(),
            (None, Some(connection)) => connection.mask(id.side()),
            (None, None) => Mask::NONE,
        };
        poll.collect(host, ready_for, events, |id, mask| {
            if let Some(trace) = trace {
                trace.push(*now, Some(host), Some(id), What::Ready(mask.bits()));
            }
        });
        self.faults.reorder(events);
        if events.is_empty() {
            self.note(Some(host), None, What::Turn);
        }
    }

    /// Visits the connection that has the end `id`, then wakes who watches its ends. An end that exists has a connection.
    fn visit<R>(&mut self, id: Id, visit: impl FnOnce(&mut Connection, usize) -> io::Result<R>) -> io::Result<R> {
        let Some(connection) = self.connections.get_mut(&id.connection()) else { return Err(Errno::BADF.into()) };
        let result = visit(connection, id.side());
        let [connecting, accepted] = connection.take_edges();
        self.poll.wake(id.connection(), connecting);
        self.poll.wake(id.connection().other(), accepted);
        result
    }

    /// Does to a connection what cannot fail. One that is gone has nothing done to it.
    fn settle<R>(&mut self, id: Id, settle: impl FnOnce(&mut Connection, usize) -> R) -> Option<R> {
        self.visit(id, |connection, side| Ok(settle(connection, side))).ok()
    }

    /// Does the network take its time with what the end `id` sends, or lose it?
    fn is_slow(&self, id: Id) -> bool {
        let Some(connection) = self.connections.get(&id.connection()) else { return false };
        let [own, peer] = connection.hosts;
        own != peer
    }

    /// Sends `parcel` from the end `from` to the other.
    fn send(&mut self, from: Id, parcel: Parcel) {
        if !self.is_slow(from) {
            return self.deliver(from.other(), parcel);
        }
        let Some(connection) = self.connections.get_mut(&from.connection()) else { return };
        if connection.silent {
            return self.give_up_later(from);
        }
        let length = if let Parcel::Bytes(bytes) = &parcel { bytes.len() } else { 0 };
        let (hosts, wire) = (connection.hosts, &mut connection.wires[from.other().side()]);
        let sent = wire.send_off(self.now, self.faults.sending(length));
        let at = self.faults.arrival(hosts, sent);
        if at > sent.after(GIVES_UP_AFTER) && !matches!(parcel, Parcel::Call(_)) {
            return self.give_up_later(from);
        }
        if at <= self.clock && wire.is_empty() && !self.roster.is_down(hosts[from.other().side()]) {
            return self.deliver(from.other(), parcel);
        }
        let at = wire.push(at, parcel);
        self.agenda.push(at, from.other());
    }

    /// Nothing of what the end `from` sends arrives any more.
    fn give_up_later(&mut self, from: Id) {
        let Some(connection) = self.connections.get_mut(&from.connection()) else { return };
        let at = connection.wires[from.side()].push(self.now.after(GIVES_UP_AFTER), Parcel::TimedOut);
        self.agenda.push(at, from);
    }

    /// When the next parcel arrives.
    pub(crate) fn next_arrival(&mut self) -> Option<Time> {
        self.agenda.next(|end| self.connections.contains_key(&end.connection()))
    }

    /// Delivers what has arrived by now.
    pub(super) fn arrive(&mut self) {
        while let Some(to) = self.agenda.pop(self.clock) {
            let Some(connection) = self.connections.get_mut(&to.connection()) else { continue };
            if self.roster.is_down(connection.hosts[to.side()]) {
                // It is sent again when the host is back.
                continue;
            }
            if let Some(parcel) = connection.wires[to.side()].pop(self.clock) {
                self.deliver(to, parcel);
            }
        }
    }

    /// `parcel` is at its end.
    fn deliver(&mut self, to: Id, parcel: Parcel) {
        match parcel {
            Parcel::Call(call) => self.call_arrives(to.connection(), &call),
            Parcel::Welcome => {
                if self.settle(to, |connection, _| connection.establish()) == Some(false) {
                    return self.send(to, Parcel::Reset);
                }
                self.note_end(to, What::Established);
            }
            Parcel::Bytes(bytes) => {
                let landed = self.settle(to, |connection, side| connection.land(side, &bytes));
                if landed == Some(false) {
                    self.send(to, Parcel::Reset);
                }
            }
            Parcel::End => {
                self.settle(to, Connection::hear_end);
            }
            Parcel::TimedOut => {
                self.note_end(to, What::TimesOut);
                self.settle(to, |connection, side| connection.break_off(side, Errno::TIMEDOUT));
            }
            Parcel::Reset => {
                let refused = self.end(to).is_some_and(|end| end.state == State::Connecting);
                self.note_end(to, if refused { What::Refused } else { What::Resets });
                self.settle(to, Connection::hear_reset);
            }
        }
    }

    pub(super) fn read(&mut self, id: Id, buffer: &mut [u8]) -> io::Result<Received> {
        self.is_owned(id)?;
        self.make_on(id, SystemCall::Read)?;
        self.faults.interrupt()?;
        let there = self.end(id).map_or(0, |end| end.incoming.len());
        let part = self.faults.part_of_read(there.min(buffer.len()));
        // With nothing there the buffer makes no difference, but it must not be empty.
        let buffer = if there > 0 { &mut buffer[..part] } else { buffer };
        let received = self.visit(id, |connection, side| connection.read(side, buffer))?;
        if self.trace.is_some() {
            if received.count > 0 {
                self.note_bytes(id, [&buffer[..received.count]].into_iter(), What::Reads);
            } else {
                self.note_end(id, What::ReadsEnd);
            }
            self.compare(id, &buffer[..received.count]);
        }
        Ok(received)
    }

    pub(super) fn write(&mut self, id: Id, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.is_owned(id)?;
        self.make_on(id, SystemCall::Write)?;
        self.faults.interrupt()?;
        let slow = self.is_slow(id);
        if slow && self.faults.resets() {
            self.break_up(id);
        }
        if slow && self.faults.silences() {
            self.settle(id, |connection, _| connection.silent = true);
            self.note_end(id, What::Note("the network forgets the connection".into()));
        }
        let offered = slices.iter().map(|slice| slice.len()).sum();
        let part = self.faults.part_of_write(offered);
        let slices = beginning(slices, part);
        let taken = if slow {
            let bytes = self.visit(id, |connection, side| connection.take(side, &slices))?;
            let taken = bytes.len();
            self.note_written(id, [&*bytes].into_iter());
            self.send(id, Parcel::Bytes(bytes));
            taken
        } else {
            let taken = self.visit(id, |connection, side| connection.write(side, &slices))?;
            let written = beginning(&slices, taken);
            self.note_written(id, written.iter().map(|slice| &**slice));
            taken
        };
        if taken == part && part < offered {
            // Whoever writes in part waits to be told of room.
            self.settle(id, |connection, side| connection.nudge(side, Mask::OUT));
        }
        Ok(taken)
    }

    /// Something between the hosts breaks the connection: both ends are reset, and what is under way is lost.
    fn break_up(&mut self, id: Id) {
        self.settle(id, |connection, _| {
            for side in 0..2 {
                let lost = connection.wires[side].lose();
                connection.end(side).incoming.forget_expected(lost);
            }
        });
        for end in [id, id.other()] {
            if self.end(end).is_some_and(|end| !end.gone) {
                self.deliver(end, Parcel::Reset);
            }
        }
    }

    pub(super) fn close_write(&mut self, id: Id) -> io::Result<()> {
        self.make_on(id, SystemCall::Shutdown)?;
        self.note_end(id, What::ClosesWriting);
        if let Some(parcel) = self.visit(id, Connection::close_write)? {
            self.send(id, parcel);
        }
        Ok(())
    }

    pub(super) fn set_capacity(&mut self, id: Id, bytes: usize) {
        self.settle(id, |connection, side| connection.set_capacity(side, bytes));
    }

    pub(super) fn end(&mut self, id: Id) -> Option<&mut End> {
        Some(self.connections.get_mut(&id.connection())?.end(id.side()))
    }

    pub(super) fn drop_end(&mut self, id: Id) {
        // A host that has crashed has dropped it before.
        if self.is_owned(id).is_err() {
            return;
        }
        self.poll.forget(id);
        self.note_end(id, What::Closes);
        let Some(connection) = self.connections.get_mut(&id.connection()) else { return };
        let end = connection.end(id.side());
        let untold = end.made && !end.lost;
        if id.side() == 0 {
            let (host, address) = (connection.hosts[0], connection.end(0).local.clone());
            self.names.forget_client(host, &address);
        }
        if untold {
            self.violate(id, "its protocol has not heard connection_lost");
        }
        if let Some(parcel) = self.settle(id, Connection::drop_end).flatten() {
            self.send(id, parcel);
        }
        self.remove_if_gone(id);
    }

    pub(super) fn remove_if_gone(&mut self, id: Id) {
        if self.connections.get(&id.connection()).is_some_and(Connection::is_gone) {
            self.connections.remove(&id.connection());
        }
    }

    pub(super) fn listen(
        &mut self,
        host: HostId,
        address: &Address,
        options: &ListenOptions,
    ) -> io::Result<(Id, Address)> {
        // What the kernel would say of the address itself, such as that a path is too long.
        address.to_sock_addr()?;
        self.make(host, None, SystemCall::Listen)?;
        self.faults.descriptor()?;
        if self.roster.locate(host, address) != Some(host) {
            return Err(Errno::ADDRNOTAVAIL.into());
        }
        let id = self.last.next();
        let address = self.names.listen(id, host, address, options)?;
        self.last = id;
        self.note(Some(host), Some(id), What::Listens);
        Ok((id, address))
    }

    /// Begins a connection from `host` to `address`. Over TCP it always begins, and the client's events tell what becomes of it; a
    /// Unix socket says at once.
    pub(super) fn connect(&mut self, host: HostId, address: &Address, options: &ConnectOptions) -> io::Result<Id> {
        address.to_sock_addr()?;
        self.make(host, None, SystemCall::Connect)?;
        self.faults.descriptor()?;
        let destination = destination(address);
        let located = self.roster.locate(host, &destination);
        let abroad = located != Some(host);
        let source = |to: IpAddr| self.roster.source(host, to);
        let source = destination.tcp().filter(|_| abroad).map(|to| source(to.ip()));
        let client = self.names.client(host, source, &destination, options)?;
        if matches!(address, Address::Unix(_)) {
            let found = self.names.find(host, &client, &destination);
            self.unix_answers(address, found)?;
        }
        let id = self.last.next();
        self.last = id;
        let call = Call {
            client: client.clone(),
            destination: destination.clone(),
            host: located,
            send_buffer: options.stream.send_buffer,
            receive_buffer: options.stream.receive_buffer,
        };
        let incoming = || Pipe::new(None, None);
        let mut connecting = End::new(client, State::Connecting, incoming());
        connecting.owned = true;
        let accepted = End::new(destination, State::Connected, incoming());
        let hosts = [host, located.unwrap_or(HostId::NOBODY)];
        self.connections.insert(id, Connection::new(connecting, accepted, hosts));
        self.note_end(id, What::Connects);
        let fate = if abroad { self.faults.fate(address) } else { Fate::Heard };
        match fate {
            Fate::Heard => self.send(id, Parcel::Call(Box::new(call))),
            Fate::Refused => self.refuse(id),
            // The other end is nobody's.
            Fate::Unanswered => {
                self.settle(id, |connection, _| connection.end(1).gone = true);
            }
        }
        Ok(id)
    }

    /// A client's call reaches the host that it is for.
    fn call_arrives(&mut self, id: Id, call: &Call) {
        let Some(host) = call.host else {
            self.settle(id, |connection, _| {
                connection.end(1).gone = true;
                connection.break_off(0, Errno::HOSTUNREACH);
            });
            return;
        };
        let found = self.names.find(host, &call.client, &call.destination);
        let listener = found.and_then(|found| Some((found, self.names.listener(found)?)));
        let Some((found, backlog)) = listener else { return self.refuse(id) };
        let theirs = &backlog.options.stream;
        let to_server = Pipe::new(call.send_buffer, theirs.receive_buffer).limited(self.faults.buffer);
        let to_client = Pipe::new(theirs.send_buffer, call.receive_buffer).limited(self.faults.buffer);
        let shown = shown_to(&backlog.address, &call.destination);
        backlog.waiting.push_back(id);
        self.settle(id, |connection, _| connection.meet(shown, [to_client, to_server]));
        self.admit(found);
    }

    fn unix_answers(&mut self, address: &Address, found: Option<Id>) -> io::Result<()> {
        match found.and_then(|found| self.names.listener(found)) {
            Some(backlog) if backlog.is_full() => Err(Errno::AGAIN.into()),
            Some(_) => Ok(()),
            None if address.path().is_some() => Err(Errno::NOENT.into()),
            None => Err(Errno::CONNREFUSED.into()),
        }
    }

    /// Lets clients that wait into the listener's queue, as far as it has room.
    fn admit(&mut self, listener: Id) {
        while let Some(backlog) = self.names.listener(listener)
            && !backlog.is_full()
            && let Some(id) = backlog.waiting.pop_front()
        {
            backlog.queue.push_back(id.other());
            self.poll.wake(listener, Mask::IN);
            self.send(id.other(), Parcel::Welcome);
        }
    }

    fn refuse(&mut self, id: Id) {
        if let Some(parcel) = self.settle(id, |connection, _| connection.refuse()).flatten() {
            self.send(id.other(), parcel);
        }
        self.remove_if_gone(id);
    }

    pub(super) fn accept(&mut self, listener: Id) -> io::Result<(Id, Address)> {
        let backlog = self.names.listener(listener).ok_or(Errno::BADF)?;
        let (host, is_empty) = (backlog.host, backlog.queue.is_empty());
        self.make(host, Some(listener), SystemCall::Accept).inspect_err(|error| {
            if error.kind() == io::ErrorKind::WouldBlock {
                self.poll.wake(listener, Mask::IN);
            }
        })?;
        if is_empty {
            return Err(Errno::AGAIN.into());
        }
        self.faults.interrupt()?;
        self.faults.descriptor()?;
        let backlog = self.names.listener(listener).ok_or(Errno::BADF)?;
        let id = backlog.queue.pop_front().ok_or(Errno::AGAIN)?;
        let own = backlog.address.clone();
        if let Some(end) = self.end(id) {
            end.owned = true;
        }
        let client = self.end(id.other()).map_or(Address::Unix(UnixAddress::Unnamed), |end| end.local.clone());
        self.note_end(id, What::Accepts);
        self.admit(listener);
        Ok((id, shown_to(&own, &client)))
    }

    pub(super) fn stop_listening(&mut self, listener: Id) {
        self.poll.forget(listener);
        let Some(backlog) = self.names.stop_listening(listener) else { return };
        self.note(Some(backlog.host), Some(listener), What::Closes);
        for id in backlog.waiting {
            self.refuse(id);
        }
        for id in backlog.queue {
            self.refuse(id.connection());
        }
    }
}

/// The first `length` bytes of `slices`.
fn beginning<'a>(slices: &'a [IoSlice<'_>], length: usize) -> Vec<IoSlice<'a>> {
    let mut left = length;
    let cut = slices.iter().map_while(|slice| {
        let taken = slice.len().min(left);
        left -= taken;
        (taken > 0).then(|| IoSlice::new(&slice[..taken]))
    });
    cut.collect()
}
