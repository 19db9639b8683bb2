//! The sockets of a world: its kernel, so to say.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::time::Duration;

use rustix::io::Errno;

use crate::address::{Address, UnixAddress};
use crate::byte_stream::Received;
use crate::clock::Time;
use crate::disk_operation::DiskOperation;
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
use super::wire::{Call, Packet, Segment};

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
    pub(crate) clock: Time,
    /// What the clock of the host shows that makes the call: the same or, while a callback takes its time, later.
    pub(super) now: Time,
    /// What should never have happened.
    pub(super) violations: Vec<String>,
}

/// The result of a wait for events.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Collected {
    All,
    /// A batch: more wait.
    Part,
    /// The wait failed or was interrupted, and leaves all of them.
    Nothing,
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
        let faults = &self.faults.names;
        let after = faults.delay(host, family);
        let addresses = match faults.fault(host, family) {
            Some(fault) => Err(fault),
            None => {
                let staleness = |name: &str, change| faults.staleness(host, name, change);
                let found = self.roster.resolve(host, name, family, self.now, staleness);
                let mut found = found.ok_or(Fault::NoSuchName);
                if let Ok(addresses) = &mut found {
                    faults.shuffle(addresses);
                }
                found
            }
        };
        Told { addresses, after }
    }

    /// A host begins an operation on its disk. Returns the error that it is going to fail with, if
    /// any, and its duration.
    pub(super) fn begin_on_disk(&mut self, host: HostId, operation: &DiskOperation) -> (Option<Errno>, Duration) {
        if self.trace.is_some() {
            let path = operation.path().map_or_else(String::new, |path| format!(" {}", path.display()));
            self.note(Some(host), None, What::Note(format!("disk: {}{path}", operation.verb()).into()));
        }
        let called = self.make(host, None, SystemCall::Disk);
        let errno = |error: io::Error| error.raw_os_error().map(Errno::from_raw_os_error);
        let fault = called.err().and_then(errno).or_else(|| self.faults.disks.fault());
        (fault, self.faults.disks.time())
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

    /// Takes the events that wait for `host`, or a part of them.
    pub(super) fn collect(&mut self, host: HostId, events: &mut Vec<(Token, Readiness)>) -> Collected {
        if self.make(host, None, SystemCall::Wait).is_err() {
            return Collected::Nothing;
        }
        if self.faults.interrupt().is_err() {
            self.note(Some(host), None, What::Fails(Errno::INTR.raw_os_error()));
            return Collected::Nothing;
        }
        let most = self.faults.event_batch(host);
        if let Some(random) = self.faults.spurious() {
            self.poll.list_spurious(host, random);
        }
        let Self { poll, connections, names, trace, now, .. } = self;
        let ready_for = |id: Id| match (names.listener(id), connections.get_mut(&id.connection())) {
            (Some(listener), _) => listener.mask(),
            (None, Some(connection)) => connection.mask(id.side()),
            (None, None) => Mask::NONE,
        };
        poll.collect(host, most, ready_for, events, |id, mask| {
            if let Some(trace) = trace {
                trace.push(*now, Some(host), Some(id), What::Ready(mask.bits()));
            }
        });
        self.faults.reorder(events);
        if events.is_empty() {
            self.note(Some(host), None, What::Turn);
        }
        let is_part = events.len() == most && self.has_events(host);
        self.faults.batch_ended(host, is_part);
        if is_part { Collected::Part } else { Collected::All }
    }

    /// Visits the connection that has the end `id`, then wakes who watches its ends. An end that exists has a connection.
    pub(super) fn visit<R>(
        &mut self,
        id: Id,
        visit: impl FnOnce(&mut Connection, usize) -> io::Result<R>,
    ) -> io::Result<R> {
        let Some(connection) = self.connections.get_mut(&id.connection()) else { return Err(Errno::BADF.into()) };
        let result = visit(connection, id.side());
        let [connecting, accepted] = connection.take_edges();
        self.poll.wake(id.connection(), connecting);
        self.poll.wake(id.connection().other(), accepted);
        result
    }

    /// Does to a connection what cannot fail. One that is gone has nothing done to it.
    pub(super) fn settle<R>(&mut self, id: Id, settle: impl FnOnce(&mut Connection, usize) -> R) -> Option<R> {
        self.visit(id, |connection, side| Ok(settle(connection, side))).ok()
    }

    /// When something is next to happen on the network.
    pub(crate) fn next_arrival(&mut self) -> Option<Time> {
        self.agenda.next(|end| self.connections.contains_key(&end.connection()))
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
        if received.count > 0 && self.is_remote(id) {
            self.tell_of_room(id, received.count);
        }
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
        let slow = self.is_remote(id);
        if slow && self.faults.resets() && !self.is_silent(id) {
            self.break_up(id);
        }
        if slow && self.faults.silences() {
            self.settle(id, |connection, _| connection.silent = true);
            self.note_end(id, What::Note("the network forgets the connection".into()));
            self.probe_window(id);
            self.probe_window(id.other());
        }
        let offered = slices.iter().map(|slice| slice.len()).sum();
        let part = self.faults.part_of_write(offered);
        let slices = beginning(slices, part);
        let taken = if slow {
            self.take_updates(id.other());
            let bytes = self.visit(id, |connection, side| connection.take(side, &slices));
            // Of a buffer that is full, or nearly, the sender is told when there is room.
            self.watch_updates(id.other());
            self.probe_window(id);
            let bytes = bytes?;
            let taken = bytes.len();
            self.note_written(id, [&*bytes].into_iter());
            self.send(id, Packet::Data(bytes));
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

    fn is_silent(&self, id: Id) -> bool {
        self.connections.get(&id.connection()).is_some_and(|connection| connection.silent)
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
            self.send(end.other(), Packet::Reset);
        }
        // Whatever follows is not what the peer expects.
        self.settle(id, |connection, _| connection.silent = true);
        self.probe_window(id);
        self.probe_window(id.other());
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
        let gives_up = connection.is_remote() && connection.end(id.side()).state == State::Connecting;
        if gives_up {
            // It sends no more, and answers nothing that comes.
            connection.listener = None;
            connection.end(1).gone = true;
        }
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
        if let Some(from) = destination.tcp().and_then(|to| options.bind_to(to))
            && self.roster.locate(host, &Address::Tcp(from)) != Some(host)
        {
            return Err(options.bind_failed(from, Errno::ADDRNOTAVAIL.into()));
        }
        let client = self.names.client(host, source, &destination, options)?;
        if matches!(address, Address::Unix(_)) {
            let found = self.names.find(host, &client, &destination);
            self.unix_answers(address, found)?;
        }
        let is_own = client == destination && self.names.find(host, &client, &destination).is_none();
        let id = self.last.next();
        self.last = id;
        let call = Call {
            client: client.clone(),
            destination: destination.clone(),
            host: located,
            options: options.stream.clone(),
        };
        let incoming = || Pipe::new(None, None);
        let mut connecting = End::new(client, State::Connecting, incoming());
        connecting.owned = true;
        connecting.user_timeout = options.stream.user_timeout;
        connecting.keepalive = options.stream.keepalive;
        let accepted = End::new(destination, State::Connected, incoming());
        let hosts = [host, located.unwrap_or(HostId::NOBODY)];
        self.connections.insert(id, Connection::new(connecting, accepted, hosts));
        self.note_end(id, What::Connects);
        if is_own {
            // Its call reaches itself: a simultaneous open (RFC 9293, section 3.5).
            self.settle(id, |connection, _| connection.end(1).gone = true);
            self.send(id.other(), Packet::SynAck);
            return Ok(id);
        }
        let fate = if abroad { self.faults.fate(address) } else { Fate::Heard };
        match fate {
            Fate::Heard => {
                self.send(id, Packet::Syn(Box::new(call)));
            }
            Fate::Refused => {
                self.refuse(id);
            }
            Fate::Unanswered => {
                // The other end is nobody's.
                self.settle(id, |connection, _| {
                    connection.end(1).gone = true;
                    connection.silent = true;
                });
                self.send(id, Packet::Syn(Box::new(call)));
            }
        }
        Ok(id)
    }

    /// The request of a client reaches the host that it is for.
    pub(super) fn syn_arrives(&mut self, to: Id, segment: Segment) {
        let Packet::Syn(call) = &segment.packet else { return };
        let (id, remote) = (to.connection(), self.is_remote(to));
        let Some(host) = call.host else {
            self.settle(id, |connection, _| {
                connection.end(1).gone = true;
                connection.break_off(0, Errno::HOSTUNREACH);
            });
            return;
        };
        let found = self.names.find(host, &call.client, &call.destination);
        let listener = found.and_then(|found| Some((found, self.names.listener(found)?)));
        let Some((found, backlog)) = listener else {
            if !self.refuse(id) {
                // The client asks again.
                self.drop_packet(to, segment);
            }
            return;
        };
        if remote && backlog.is_full() {
            return self.drop_packet(to, segment);
        }
        let (theirs, ours) = (&backlog.options.stream, &call.options);
        let pipe = |send, receive| match remote {
            true => Pipe::between_hosts(send, receive, self.faults.buffer_size()),
            false => Pipe::new(send, receive),
        };
        let to_server = pipe(ours.send_buffer, theirs.receive_buffer).limited(self.faults.buffer);
        let to_client = pipe(theirs.send_buffer, ours.receive_buffer).limited(self.faults.buffer);
        let shown = shown_to(&backlog.address, &call.destination);
        let (user_timeout, keepalive) = (theirs.user_timeout, theirs.keepalive);
        if !remote {
            backlog.waiting.push_back(id);
        }
        self.settle(id, |connection, _| {
            connection.meet(shown, [to_client, to_server]);
            connection.end(1).user_timeout = user_timeout;
            connection.end(1).keepalive = keepalive;
            connection.listener = remote.then_some(found);
        });
        if remote {
            self.send(to, Packet::SynAck);
        } else {
            self.admit(found);
        }
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
            self.send(id.other(), Packet::SynAck);
        }
    }

    /// Nothing listens for the client. Returns whether the answer was not lost.
    fn refuse(&mut self, id: Id) -> bool {
        let answer = self.settle(id, |connection, _| connection.refuse()).flatten();
        let is_told = answer.is_none_or(|answer| self.send(id.other(), answer));
        self.remove_if_gone(id);
        is_told
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
