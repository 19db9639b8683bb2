//! Who looks on at the sockets of a world: what is traced of them, and what should never happen to them.

use std::fmt;

use super::poll::{HostId, Id};
use super::sockets::Sockets;
use super::trace::{Trace, What, digest};

impl Sockets {
    /// The whole trace in short.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.trace.as_ref().map_or(0, Trace::hash)
    }

    /// Something happens.
    pub(crate) fn note(&mut self, host: Option<HostId>, socket: Option<Id>, what: What) {
        if let Some(trace) = &mut self.trace {
            trace.push(self.now, host, socket, what);
        }
    }

    /// Something happens to an end of a connection.
    pub(super) fn note_end(&mut self, id: Id, what: What) {
        if self.trace.is_some() {
            let host = self.connections.get(&id.connection()).map(|connection| connection.hosts[id.side()]);
            self.note(host, Some(id), what);
        }
    }

    pub(super) fn note_bytes<'a>(
        &mut self,
        id: Id,
        slices: impl Iterator<Item = &'a [u8]>,
        what: fn(usize, u64) -> What,
    ) {
        let (mut length, mut short) = (0, 0);
        for slice in slices {
            length += slice.len();
            short = digest(slice) ^ u64::rotate_left(short, 7);
        }
        let either = [id, id.other()];
        if either.into_iter().any(|id| self.end(id).is_some_and(|end| end.opaque)) {
            short = 0;
        }
        self.note_end(id, what(length, short));
    }

    /// Bytes are written by the end `id`.
    pub(super) fn note_written<'a>(&mut self, id: Id, slices: impl Iterator<Item = &'a [u8]> + Clone) {
        if self.trace.is_some() {
            self.note_bytes(id, slices.clone(), What::Writes);
            if let Some(end) = self.end(id) {
                slices.for_each(|slice| end.sent.add(slice));
            }
        }
    }

    /// Holds what the end `id` has read beside what the other has written: once it reads the end, that is all of it.
    pub(super) fn compare(&mut self, id: Id, read: &[u8]) {
        let Some(connection) = self.connections.get_mut(&id.connection()) else { return };
        let sent = connection.end(id.other().side()).sent;
        let end = connection.end(id.side());
        end.received.add(read);
        let received = end.received;
        if read.is_empty() && end.finished && received != sent {
            let (received, sent) = (received.count, sent.count);
            self.violate(
                id,
                format_args!("read to the end {received} bytes that are not the {sent} that were written"),
            );
        }
    }

    /// What should not have happened has, to the end `id`.
    pub(super) fn violate(&mut self, id: Id, what: impl fmt::Display) {
        self.violations.push(format!("connection {id}, end {}: {what}", id.side()));
    }

    /// Takes what should not have happened and has.
    pub(crate) fn take_violations(&mut self) -> Vec<String> {
        std::mem::take(&mut self.violations)
    }

    /// The protocol of an end is about to hear of it; more than once, if another has taken its place.
    pub(super) fn made(&mut self, id: Id) {
        let Some(end) = self.end(id) else { return };
        end.made = true;
        if end.lost {
            self.violate(id, "connection_made came after connection_lost");
        }
        self.note_end(id, What::Made);
    }

    /// The protocol of an end is about to hear of its end.
    pub(super) fn lost(&mut self, id: Id, reason: &str) {
        let Some(end) = self.end(id) else { return };
        let (made, lost) = (end.made, std::mem::replace(&mut end.lost, true));
        if lost || !made {
            let what = if lost { "came twice" } else { "came before connection_made" };
            self.violate(id, format_args!("connection_lost {what}"));
        }
        self.note_end(id, What::Lost(reason.into()));
    }

    /// What the sockets of a world still are that nobody should hold any more.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let held = self.connections.values().filter(|connection| connection.is_held()).count();
        let left = [
            (held, "open sockets of connections"),
            (self.names.listeners(), "listening sockets"),
            (self.poll.watched(), "sockets that are watched"),
        ];
        left.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;
    use std::net::SocketAddr;

    use super::*;
    use crate::address::Address;
    use crate::options::{ConnectOptions, ListenOptions};

    /// A connection whose protocols have heard of it.
    fn connected() -> (Sockets, [Id; 2]) {
        let mut sockets = Sockets::new(0);
        sockets.roster.is_open = true;
        sockets.trace = Some(Trace::default());
        let address = Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 7000)));
        let (listener, _) = sockets.listen(HostId::ONLY, &address, &ListenOptions::default()).unwrap();
        let client = sockets.connect(HostId::ONLY, &address, &ConnectOptions::default()).unwrap();
        let (server, _) = sockets.accept(listener).unwrap();
        sockets.stop_listening(listener);
        [client, server].into_iter().for_each(|end| sockets.made(end));
        (sockets, [client, server])
    }

    fn write(sockets: &mut Sockets, end: Id, bytes: &[u8]) {
        assert_eq!(sockets.write(end, &[IoSlice::new(bytes)]).unwrap(), bytes.len());
    }

    #[test]
    fn what_goes_well_is_no_violation_and_leaves_nothing() {
        let (mut sockets, [client, server]) = connected();
        write(&mut sockets, client, b"hello");
        sockets.close_write(client).unwrap();
        for count in [5, 0] {
            assert_eq!(sockets.read(server, &mut [0; 9]).unwrap().count, count);
        }
        assert_eq!(sockets.leftovers(), ["1 open sockets of connections"]);
        for end in [server, client] {
            sockets.lost(end, "closed cleanly");
            sockets.drop_end(end);
        }
        assert!(sockets.take_violations().is_empty() && sockets.leftovers().is_empty());
    }

    #[test]
    fn an_end_whose_protocol_was_not_told_is_a_violation() {
        let (mut sockets, [client, _]) = connected();
        sockets.drop_end(client);
        assert_eq!(sockets.take_violations(), ["connection #2, end 0: its protocol has not heard connection_lost"]);
    }

    #[test]
    fn an_end_whose_protocol_was_told_twice_or_again_is_a_violation() {
        let (mut sockets, [client, server]) = connected();
        sockets.lost(client, "aborted");
        sockets.lost(client, "aborted");
        sockets.lost(server, "aborted");
        sockets.made(server);
        let violations = sockets.take_violations();
        assert!(violations[0].ends_with("connection_lost came twice"), "{violations:?}");
        assert!(violations[1].ends_with("connection_made came after connection_lost"), "{violations:?}");
    }

    #[test]
    fn a_stream_that_ends_otherwise_than_it_was_written_is_a_violation() {
        for wrong in [&b"hell"[..], b"hello!", b"olleh"] {
            let (mut sockets, [client, server]) = connected();
            write(&mut sockets, client, b"hello");
            let incoming = &mut sockets.end(server).unwrap().incoming;
            incoming.clear();
            incoming.push(wrong);
            sockets.close_write(client).unwrap();
            while sockets.read(server, &mut [0; 9]).unwrap().count > 0 {}
            let violations = sockets.take_violations();
            assert_eq!(violations.len(), 1, "{wrong:?}: {violations:?}");
            assert!(violations[0].contains("that are not the 5 that were written"), "{violations:?}");
        }
    }
}
