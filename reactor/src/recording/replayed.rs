//! Sockets that are replayed. Once the replay has stopped, what is written goes nowhere and nothing comes any more: the turn goes on to its
//! end, and the loop no further.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice};
use std::rc::Rc;

use mio::{Interest, Registry};

use crate::address::{Address, UnixAddress};
use crate::buffer::Sink;
use crate::byte_stream::{ByteStream, Credentials, Received, Socket};
use crate::driver::Accept;
use crate::options::Keepalive;
use crate::token::Token;

use super::format::Op;
use super::reader::{Flaw, Reader};
use super::script::{Script, stopped};

/// What stands for bytes of which no more than their number was recorded.
const FILLER: u8 = b'.';

#[derive(Debug)]
pub(super) struct ReplayedStream {
    script: Rc<Script>,
    number: u64,
}

#[derive(Debug)]
pub(super) struct ReplayedPort {
    pub(super) script: Rc<Script>,
    pub(super) number: u64,
}

impl ReplayedStream {
    pub(super) fn new(script: &Rc<Script>) -> Self {
        Self { number: script.number(), script: script.clone() }
    }

    fn answer<R>(&self, op: Op, value: impl FnOnce(&mut Reader) -> Result<R, Flaw>) -> Option<io::Result<R>> {
        self.script.answer(op, self.number, |reader| reader.answer(value))
    }

    fn plain(&self, op: Op) -> io::Result<()> {
        self.answer(op, |_| Ok(())).unwrap_or(Ok(()))
    }
}

impl Sink for ReplayedStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(data)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let all = || Ok(slices.iter().map(|slice| slice.len()).sum());
        self.script.write(self.number, slices).unwrap_or_else(all)
    }

    fn send_file(&mut self, _: &File, offset: u64, count: usize) -> io::Result<usize> {
        let asked = (offset, count);
        let show = |(offset, count): &(u64, usize)| format!("({count} bytes from {offset} on)");
        let range = |reader: &mut Reader| Ok((reader.integer()?, reader.size()?));
        let sent = self.script.answer_to(Op::SendFile, self.number, &asked, show, range, |reader| {
            reader.answer(|reader| {
                let sent = reader.size()?;
                if sent > count { Err(reader.damaged("more was sent than there was")) } else { Ok(sent) }
            })
        });
        sent.unwrap_or(Ok(count))
    }
}

impl ByteStream for ReplayedStream {
    fn read(&mut self, buffer: &mut [u8], _: bool) -> io::Result<Received> {
        let received = self.answer(Op::Read, |reader| {
            let found = reader.size()?;
            let received = Received { count: found >> 1, drained: found & 1 == 1 };
            let Some(bytes) = buffer.get_mut(..received.count) else {
                return Err(reader.damaged("more was read than there is room for"));
            };
            if reader.sizes_only {
                bytes.fill(FILLER);
            } else {
                reader.fill(bytes)?;
            }
            Ok(received)
        });
        received.unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))
    }

    fn close_write(&mut self) -> io::Result<()> {
        self.plain(Op::CloseWrite)
    }

    fn reset(&mut self) {
        self.script.answer(Op::Reset, self.number, |_| Ok(()));
    }

    fn take_error(&mut self) -> io::Result<Option<io::Error>> {
        let error = self.answer(Op::TakeError, |reader| {
            let any = reader.flag()?;
            if any { reader.error().map(Some) } else { Ok(None) }
        });
        error.unwrap_or(Ok(None))
    }

    fn local_address(&self) -> io::Result<Address> {
        self.answer(Op::LocalAddress, Reader::address).unwrap_or_else(|| Err(stopped()))
    }

    fn is_connected(&self) -> io::Result<bool> {
        self.answer(Op::IsConnected, Reader::flag).unwrap_or(Ok(false))
    }

    fn register(&mut self, _: Option<&Registry>, token: Token, _: Interest) -> io::Result<()> {
        self.script.place(self.number, token);
        self.plain(Op::Register)
    }

    fn reregister(&mut self, _: Option<&Registry>, _: Token, _: Interest) -> io::Result<()> {
        self.plain(Op::Reregister)
    }

    fn set_nodelay(&self, _: bool) -> io::Result<()> {
        self.plain(Op::SetNodelay)
    }

    fn set_keepalive(&self, _: Option<Keepalive>) -> io::Result<()> {
        self.plain(Op::SetKeepalive)
    }

    fn credentials(&self) -> Option<Credentials> {
        self.script.answer(Op::Credentials, self.number, |reader| {
            if !reader.flag()? {
                return Ok(None);
            }
            let [pid, uid, gid] = [reader.id()?, reader.id()?, reader.id()?];
            Ok(Some(Credentials::new(pid.cast_signed(), uid, gid)))
        })?
    }
}

impl Drop for ReplayedStream {
    fn drop(&mut self) {
        self.script.answer(Op::Close, self.number, |_| Ok(()));
        self.script.displace(self.number);
    }
}

impl Accept for ReplayedPort {
    fn accept(&mut self) -> io::Result<(Socket, Address)> {
        let accepted = self.script.answer(Op::Accept, self.number, |reader| reader.answer(Reader::address));
        let peer = accepted.unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))?;
        Ok((Socket::Boxed(Box::new(ReplayedStream::new(&self.script))), peer))
    }

    fn local_address(&self) -> io::Result<Address> {
        let address = self.script.answer(Op::LocalAddress, self.number, |reader| reader.answer(Reader::address));
        address.unwrap_or(Ok(Address::Unix(UnixAddress::Unnamed)))
    }

    fn register(&mut self, token: Token) -> io::Result<()> {
        self.script.place(self.number, token);
        self.script.answer(Op::Register, self.number, |reader| reader.answer(|_| Ok(()))).unwrap_or(Ok(()))
    }
}

impl Drop for ReplayedPort {
    fn drop(&mut self) {
        self.script.answer(Op::Close, self.number, |_| Ok(()));
        self.script.displace(self.number);
    }
}
