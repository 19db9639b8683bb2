//! A connection: two ends, and what each does to the other.

use std::io::{self, IoSlice};

use rustix::io::Errno;

use crate::address::Address;
use crate::byte_stream::Received;

use super::end::{End, State};
use super::pipe::Pipe;
use super::poll::{HostId, Id, Mask};
use super::wire::{Packet, Wire};

/// Both ends of a connection, by the number of their side. What Linux does is in `tcp_input.c`, `tcp.c` and `af_unix.c`, and in
/// short in `tcp(7)` and `unix(7)`:
///
/// | one end | the other, over TCP | the other, over a Unix socket |
/// | --- | --- | --- |
/// | closes | reads to the end; what it still writes is answered by a reset | reads to the end, writes nothing |
/// | closes with input unread | is reset | reads what is there, then `ECONNRESET` |
/// | resets | is reset | cannot be told from a close |
/// | is reset | reads what is there, then `ECONNRESET`; after an orderly end, `EPIPE` and only to writes | |
#[derive(Debug)]
pub(super) struct Connection {
    ends: [End; 2],
    /// What happened to the ends since the edges were last taken.
    edges: [Mask; 2],
    /// Where the ends are.
    pub(super) hosts: [HostId; 2],
    /// What is under way to each end.
    pub(super) wires: [Wire; 2],
    /// Whatever is sent is lost, and nobody is told.
    pub(super) silent: bool,
    /// The listener that gets the server's end once the handshake between two hosts is complete.
    pub(super) listener: Option<Id>,
}

impl Connection {
    pub(super) fn new(connecting: End, accepted: End, hosts: [HostId; 2]) -> Self {
        let (ends, edges) = ([connecting, accepted], [Mask::NONE; 2]);
        Self { ends, edges, hosts, wires: Default::default(), silent: false, listener: None }
    }

    pub(super) fn is_remote(&self) -> bool {
        self.hosts[0] != self.hosts[1]
    }

    /// The way that packets from `side` take.
    pub(super) fn direction(&self, side: usize) -> [HostId; 2] {
        [self.hosts[side], self.hosts[1 - side]]
    }

    pub(super) fn is_in_handshake(&self) -> bool {
        self.listener.is_some()
    }

    /// How many more bytes may leave for the end of this side.
    pub(super) fn window(&self, side: usize) -> usize {
        self.ends[side].incoming.window_for(self.wires[side].unsent_bytes())
    }

    /// Does whoever writes to this side wait for room?
    pub(super) fn is_short_of_room(&self, side: usize) -> bool {
        let writer = &self.ends[1 - side];
        writer.wants_room || self.wires[side].is_blocked() || !writer.has_room(&self.ends[side].incoming)
    }

    /// Whoever writes to this side hears that so many bytes were read.
    pub(super) fn return_room(&mut self, side: usize, bytes: usize) {
        let (own, peer) = self.own_and_peer(side);
        own.incoming.forget_expected(bytes);
        if peer.wants_room && peer.has_room(&own.incoming) {
            peer.wants_room = false;
            self.edge(1 - side, Mask::OUT);
        }
    }

    pub(super) fn end(&mut self, side: usize) -> &mut End {
        &mut self.ends[side]
    }

    /// Have both owners dropped their ends?
    pub(super) fn is_gone(&self) -> bool {
        self.ends.iter().all(|end| end.gone)
    }

    /// Has anybody one of its ends?
    pub(super) fn is_held(&self) -> bool {
        self.ends.iter().any(|end| end.owned && !end.gone)
    }

    pub(super) fn take_edges(&mut self) -> [Mask; 2] {
        std::mem::replace(&mut self.edges, [Mask::NONE; 2])
    }

    fn own_and_peer(&mut self, side: usize) -> (&mut End, &mut End) {
        let [first, second] = &mut self.ends;
        if side == 0 { (first, second) } else { (second, first) }
    }

    fn edge(&mut self, side: usize, edge: Mask) {
        self.edges[side] = self.edges[side] | edge;
    }

    pub(super) fn mask(&mut self, side: usize) -> Mask {
        let (own, peer) = self.own_and_peer(side);
        own.mask(&peer.incoming)
    }

    pub(super) fn read(&mut self, side: usize, buffer: &mut [u8]) -> io::Result<Received> {
        let is_remote = self.is_remote();
        let (own, peer) = self.own_and_peer(side);
        let (received, freed) = own.read(buffer)?;
        if is_remote {
            own.incoming.keep_room(received.count);
            return Ok(received);
        }
        // A Unix socket tells of all room, a TCP socket only who has asked for it.
        let tells = peer.wants_room || !peer.is_tcp();
        if freed && tells && peer.has_room(&own.incoming) {
            peer.wants_room = false;
            self.edge(1 - side, Mask::OUT);
        }
        Ok(received)
    }

    pub(super) fn write(&mut self, side: usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let (own, peer) = self.own_and_peer(side);
        own.may_write()?;
        let offered = slices.iter().map(|slice| slice.len()).sum();
        if peer.gone {
            own.hear_reset();
            self.edge(side, Mask::ANY);
            return Ok(offered);
        }
        let taken = slices.iter().map(|slice| peer.incoming.push(slice)).sum();
        own.wants_room |= taken < offered;
        if taken == 0 {
            return Err(Errno::AGAIN.into());
        }
        self.edge(1 - side, Mask::IN);
        Ok(taken)
    }

    /// Sets how many bytes wait for the reader of this side at the most.
    pub(super) fn set_capacity(&mut self, side: usize, bytes: usize) {
        let (own, peer) = self.own_and_peer(side);
        own.incoming.set_capacity(bytes);
        if peer.wants_room && peer.has_room(&own.incoming) {
            peer.wants_room = false;
            self.edge(1 - side, Mask::OUT);
        }
    }

    /// Takes what `side` writes, which is to arrive later: so much as the other end has room for.
    pub(super) fn take(&mut self, side: usize, slices: &[IoSlice<'_>]) -> io::Result<Vec<u8>> {
        let (own, peer) = self.own_and_peer(side);
        own.may_write()?;
        let mut taken = Vec::new();
        for slice in slices {
            let room = peer.incoming.expect(slice.len());
            taken.extend_from_slice(&slice[..room]);
        }
        own.wants_room |= taken.len() < slices.iter().map(|slice| slice.len()).sum();
        if taken.is_empty() { Err(Errno::AGAIN.into()) } else { Ok(taken) }
    }

    /// What was taken arrives. Returns whether anybody is there to have it.
    pub(super) fn land(&mut self, side: usize, bytes: &[u8]) -> bool {
        let end = &mut self.ends[side];
        end.incoming.forget_expected(bytes.len());
        if end.gone {
            return false;
        }
        if !end.read_shut {
            end.incoming.push(bytes);
            self.edge(side, Mask::IN);
        }
        true
    }

    /// Ends one direction. Returns what the peer is to be told.
    pub(super) fn close_write(&mut self, side: usize) -> io::Result<Option<Packet>> {
        let own = &mut self.ends[side];
        if !own.is_tcp() || (own.state == State::Connected && !own.write_shut) {
            own.end();
            self.edge(side, Mask::ANY);
            return Ok(Some(Packet::Fin));
        }
        let connected = own.state == State::Connected;
        // Nothing is new, but the kernel wakes whoever watches.
        self.edge(side, Mask::ANY);
        if connected { Ok(None) } else { Err(Errno::NOTCONN.into()) }
    }

    pub(super) fn hear_end(&mut self, side: usize) {
        let end = &mut self.ends[side];
        if end.state != State::Closed {
            end.hear_end();
        }
        self.edge(side, Mask::ANY);
    }

    pub(super) fn hear_reset(&mut self, side: usize) {
        self.ends[side].hear_reset();
        self.edge(side, Mask::ANY);
    }

    /// The network gives the connection up, as far as `side` can tell.
    pub(super) fn break_off(&mut self, side: usize, error: Errno) {
        if self.ends[side].state != State::Closed {
            self.ends[side].break_off(error);
            self.edge(side, Mask::ANY);
        }
    }

    /// Tells the owner of an end that it may be ready, whether or not it is.
    pub(super) fn nudge(&mut self, side: usize, edge: Mask) {
        self.edge(side, edge);
    }

    /// The owner of an end drops it. Returns what the peer is to be told.
    pub(super) fn drop_end(&mut self, side: usize) -> Option<Packet> {
        let (own, peer) = self.own_and_peer(side);
        own.gone = true;
        let unread = !own.incoming.is_empty();
        own.incoming.clear();
        let connected = own.state == State::Connected;
        if !own.is_tcp() {
            if unread {
                peer.break_off(Errno::CONNRESET);
            }
            peer.hang_up();
            self.edge(1 - side, Mask::ANY);
        } else if connected && (unread || own.resets) {
            own.hang_up();
            return Some(Packet::Reset);
        } else if connected && !own.write_shut {
            own.end();
            return Some(Packet::Fin);
        }
        None
    }

    /// The listener has room for the client that waited. Returns whether that has not given up meanwhile.
    pub(super) fn establish(&mut self) -> bool {
        if self.ends[0].state == State::Connecting {
            self.ends[0].state = State::Connected;
        }
        self.edge(0, Mask::ANY);
        !self.ends[0].gone
    }

    /// Nobody is there for the client, or not any more. Returns what it is to be told.
    pub(super) fn refuse(&mut self) -> Option<Packet> {
        self.ends[1].hang_up();
        self.ends[1].gone = true;
        if self.ends[0].is_tcp() {
            return Some(Packet::Reset);
        }
        self.break_off(0, Errno::CONNRESET);
        None
    }

    /// A listener was found: the ends get the buffers that go with both sockets.
    pub(super) fn meet(&mut self, shown: Address, incoming: [Pipe; 2]) {
        let [to_client, to_server] = incoming;
        self.ends[0].incoming = to_client;
        // An earlier attempt may have been refused, and the reset lost: only now is there an end.
        self.ends[1] = End::new(shown, State::Connected, to_server);
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::address::UnixAddress;

    fn connection(address: &Address) -> Connection {
        let end = || End::new(address.clone(), State::Connected, Pipe::new(None, None));
        Connection::new(end(), end(), [HostId(1); 2])
    }

    /// Has what an end sends arrive.
    fn told(connection: &mut Connection, side: usize, parcel: Option<&Packet>) {
        match parcel {
            Some(Packet::Fin) => connection.hear_end(1 - side),
            Some(Packet::Reset) => connection.hear_reset(1 - side),
            _ => {}
        }
    }

    fn drop_end(connection: &mut Connection, side: usize) {
        let parcel = connection.drop_end(side);
        told(connection, side, parcel.as_ref());
    }

    fn close_write(connection: &mut Connection, side: usize) {
        let parcel = connection.close_write(side).unwrap();
        told(connection, side, parcel.as_ref());
    }

    fn tcp() -> Connection {
        connection(&Address::Tcp("127.0.0.1:1".parse().unwrap()))
    }

    fn unix() -> Connection {
        connection(&Address::Unix(UnixAddress::Unnamed))
    }

    fn write(connection: &mut Connection, side: usize, data: &[u8]) -> io::Result<usize> {
        connection.write(side, &[IoSlice::new(data)])
    }

    fn read(connection: &mut Connection, side: usize) -> Result<usize, ErrorKind> {
        let received = connection.read(side, &mut [0; 1024]);
        received.map(|received| received.count).map_err(|error| error.kind())
    }

    #[test]
    fn what_was_sent_before_a_reset_is_read_before_the_error() {
        let mut connection = tcp();
        write(&mut connection, 0, b"last words").unwrap();
        connection.end(0).resets = true;
        drop_end(&mut connection, 0);
        let mask = connection.mask(1);
        assert_eq!(mask, Mask::IN | Mask::OUT | Mask::RDHUP | Mask::HUP | Mask::ERR);
        assert_eq!(read(&mut connection, 1), Ok(10));
        assert_eq!(read(&mut connection, 1), Err(ErrorKind::ConnectionReset));
        assert_eq!(read(&mut connection, 1), Ok(0));
    }

    #[test]
    fn a_close_with_unread_input_resets_the_peer() {
        for mut connection in [tcp(), unix()] {
            write(&mut connection, 1, b"unread").unwrap();
            drop_end(&mut connection, 0);
            assert_eq!(read(&mut connection, 1), Err(ErrorKind::ConnectionReset));
        }
    }

    #[test]
    fn writing_to_a_closed_tcp_peer_fails_the_second_time_and_to_a_unix_peer_the_first() {
        let mut connection = tcp();
        drop_end(&mut connection, 0);
        assert_eq!(read(&mut connection, 1), Ok(0));
        assert_eq!(write(&mut connection, 1, b"lost").unwrap(), 4);
        assert_eq!(read(&mut connection, 1), Ok(0));
        assert_eq!(write(&mut connection, 1, b"lost").unwrap_err().kind(), ErrorKind::BrokenPipe);

        let mut connection = unix();
        drop_end(&mut connection, 0);
        assert_eq!(write(&mut connection, 1, b"lost").unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_half_closed_connection_goes_on_the_other_way() {
        for mut connection in [tcp(), unix()] {
            close_write(&mut connection, 0);
            assert_eq!(read(&mut connection, 1), Ok(0));
            assert_eq!(write(&mut connection, 1, b"answer").unwrap(), 6);
            assert_eq!(read(&mut connection, 0), Ok(6));
            assert_eq!(write(&mut connection, 0, b"more").unwrap_err().kind(), ErrorKind::BrokenPipe);
            close_write(&mut connection, 1);
            assert_eq!(read(&mut connection, 0), Ok(0));
        }
    }

    #[test]
    fn a_full_pipe_tells_its_writer_once_there_is_room_again() {
        for mut connection in [tcp(), unix()] {
            let much = vec![0; 1 << 20];
            let taken = write(&mut connection, 0, &much).unwrap();
            assert!(taken < much.len());
            assert_eq!(write(&mut connection, 0, &much).unwrap_err().kind(), ErrorKind::WouldBlock);
            assert_eq!(connection.take_edges(), [Mask::NONE, Mask::IN]);
            let mut buffer = vec![0; taken];
            connection.read(1, &mut buffer[..1]).unwrap();
            assert_eq!(connection.take_edges()[0], Mask::NONE);
            connection.read(1, &mut buffer).unwrap();
            assert_eq!(connection.take_edges()[0], Mask::OUT);
        }
    }

    #[test]
    fn a_pipe_that_grows_tells_its_writer() {
        for mut connection in [tcp(), unix()] {
            connection.set_capacity(1, 0);
            assert_eq!(write(&mut connection, 0, b"abc").unwrap_err().kind(), ErrorKind::WouldBlock);
            connection.take_edges();
            connection.set_capacity(1, 2);
            assert_eq!(connection.take_edges()[0], Mask::OUT);
            assert_eq!(write(&mut connection, 0, b"abc").unwrap(), 2);
        }
    }

    #[test]
    fn a_read_that_leaves_an_end_to_be_read_is_not_the_last() {
        let mut connection = tcp();
        write(&mut connection, 0, b"abc").unwrap();
        assert!(connection.read(1, &mut [0; 8]).unwrap().drained);
        write(&mut connection, 0, b"def").unwrap();
        close_write(&mut connection, 0);
        assert!(!connection.read(1, &mut [0; 8]).unwrap().drained);
    }
}
