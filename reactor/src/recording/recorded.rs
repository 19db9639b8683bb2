//! Sockets that are recorded.

use std::fs::File;
use std::io::{self, IoSlice};
use std::rc::Rc;

use mio::{Interest, Registry};

use crate::address::Address;
use crate::buffer::Sink;
use crate::byte_stream::{ByteStream, Credentials, Received, Socket};
use crate::close_reason::CloseReason;
use crate::driver::{Accept, Acceptor};
use crate::options::Keepalive;
use crate::socket_file::SocketFile;
use crate::token::Token;

use super::format::{Op, put, put_address, put_answer, put_error};
use super::studio::Studio;

/// A stream around another, which records all that passes.
pub(super) struct RecordedStream {
    studio: Rc<Studio>,
    number: u64,
    socket: Socket,
}

/// The same of a socket that listens.
pub(super) struct RecordedPort {
    studio: Rc<Studio>,
    number: u64,
    acceptor: Acceptor,
}

impl RecordedStream {
    pub(super) fn around(studio: &Rc<Studio>, socket: Socket) -> Socket {
        Socket::Boxed(Box::new(Self { studio: studio.clone(), number: studio.number(), socket }))
    }

    fn note(&self, op: Op, detail: impl FnOnce(&mut Vec<u8>)) {
        self.studio.tape.note(op, self.number, detail);
    }

    fn note_plain(&self, op: Op, answer: io::Result<()>) -> io::Result<()> {
        self.note(op, |out| put_answer(out, &answer, |_, ()| {}));
        answer
    }
}

impl Sink for RecordedStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let taken = self.socket.write(data);
        self.studio.tape.note_write(self.number, &[IoSlice::new(data)], &taken);
        taken
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let taken = self.socket.write_vectored(slices);
        self.studio.tape.note_write(self.number, slices, &taken);
        taken
    }

    fn send_file(&mut self, file: &File, offset: u64, count: usize) -> io::Result<usize> {
        let sent = self.socket.send_file(file, offset, count);
        self.note(Op::SendFile, |out| {
            put(out, offset);
            put(out, count as u64);
            put_answer(out, &sent, |out, sent| put(out, *sent as u64));
        });
        sent
    }
}

impl ByteStream for RecordedStream {
    fn read(&mut self, buffer: &mut [u8], short_is_drained: bool) -> io::Result<Received> {
        let received = self.socket.read(buffer, short_is_drained);
        self.studio.tape.note_read(self.number, buffer, &received);
        received
    }

    fn close_write(&mut self) -> io::Result<()> {
        let closed = self.socket.close_write();
        self.note_plain(Op::CloseWrite, closed)
    }

    fn has_farewell(&self) -> bool {
        self.socket.has_farewell()
    }

    fn reset(&mut self) {
        self.socket.reset();
        self.note(Op::Reset, |_| {});
    }

    fn take_error(&mut self) -> io::Result<Option<io::Error>> {
        let error = self.socket.take_error();
        self.note(Op::TakeError, |out| {
            put_answer(out, &error, |out, error| {
                out.push(u8::from(error.is_some()));
                error.iter().for_each(|error| put_error(out, error));
            });
        });
        error
    }

    fn local_address(&self) -> io::Result<Address> {
        let address = self.socket.local_address();
        self.note(Op::LocalAddress, |out| put_answer(out, &address, put_address));
        address
    }

    fn is_connected(&self) -> io::Result<bool> {
        let connected = self.socket.knows_its_peer();
        self.note(Op::IsConnected, |out| put_answer(out, &connected, |out, connected| out.push(u8::from(*connected))));
        connected
    }

    fn register(&mut self, registry: Option<&Registry>, token: Token, interest: Interest) -> io::Result<()> {
        let registered = self.socket.register(registry, token, interest);
        self.studio.place(token, self.number);
        self.note_plain(Op::Register, registered)
    }

    fn reregister(&mut self, registry: Option<&Registry>, token: Token, interest: Interest) -> io::Result<()> {
        let registered = self.socket.reregister(registry, token, interest);
        self.note_plain(Op::Reregister, registered)
    }

    fn deregister(&mut self, registry: Option<&Registry>) {
        self.socket.deregister(registry);
    }

    fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        let set = self.socket.set_nodelay(nodelay);
        self.note_plain(Op::SetNodelay, set)
    }

    fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
        let set = self.socket.set_keepalive(keepalive);
        self.note_plain(Op::SetKeepalive, set)
    }

    fn credentials(&self) -> Option<Credentials> {
        let credentials = self.socket.credentials();
        self.note(Op::Credentials, |out| {
            out.push(u8::from(credentials.is_some()));
            if let Some(Credentials { pid, uid, gid }) = credentials {
                [pid.unwrap_or(0).cast_unsigned(), uid, gid].iter().for_each(|id| put(out, u64::from(*id)));
            }
        });
        credentials
    }

    fn made(&mut self) {
        self.socket.made();
    }

    fn lost(&mut self, reason: &CloseReason) {
        self.socket.lost(reason);
    }
}

impl Drop for RecordedStream {
    fn drop(&mut self) {
        self.note(Op::Close, |_| {});
    }
}

impl RecordedPort {
    pub(super) fn around(studio: &Rc<Studio>, acceptor: Acceptor) -> Acceptor {
        Acceptor::Boxed(Box::new(Self { studio: studio.clone(), number: studio.number(), acceptor }))
    }

    fn note(&self, op: Op, detail: impl FnOnce(&mut Vec<u8>)) {
        self.studio.tape.note(op, self.number, detail);
    }
}

impl Accept for RecordedPort {
    fn accept(&mut self) -> io::Result<(Socket, Address)> {
        let accepted = self.acceptor.accept();
        self.note(Op::Accept, |out| put_answer(out, &accepted, |out, (_, peer)| put_address(out, peer)));
        let (socket, peer) = accepted?;
        Ok((RecordedStream::around(&self.studio, socket), peer))
    }

    fn local_address(&self) -> io::Result<Address> {
        let address = self.acceptor.local_address();
        self.note(Op::LocalAddress, |out| put_answer(out, &address, put_address));
        address
    }

    fn register(&mut self, token: Token) -> io::Result<()> {
        let registered = self.acceptor.register(self.studio.inner.registry(), token);
        self.studio.place(token, self.number);
        self.note(Op::Register, |out| put_answer(out, &registered, |_, ()| {}));
        registered
    }

    fn deregister(&mut self) {
        self.acceptor.deregister(self.studio.inner.registry());
    }

    fn take_file(&mut self) -> Option<SocketFile> {
        self.acceptor.take_file()
    }
}

impl Drop for RecordedPort {
    fn drop(&mut self) {
        self.note(Op::Close, |_| {});
    }
}
