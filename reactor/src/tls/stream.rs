//! A byte stream that is encrypted, over any other.

use std::any::Any;
use std::fs::File;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

use mio::{Interest, Registry};
use rustls::AlertDescription;

use crate::address::Address;
use crate::buffer::Sink;
use crate::byte_stream::{ByteStream, Credentials, Prepared, Received, Socket};
use crate::close_reason::CloseReason;
use crate::options::Keepalive;
use crate::token::Token;

use super::alerts::{self, SearchedRecords};
use super::info::TlsInfo;
use super::notes;
use super::outgoing::{BATCH, Pieces};
use super::problem::{TlsError, TlsErrorKind, is_too_little};
use super::scratch::{SCRATCH, Scratch};
use super::session::{Outgoing, Session, Yield};

/// The most ciphertext that is kept while a record or a message is not complete. A message of the handshake has 64 KiB at the most; one
/// that comes in so many fragments that it does not fit with their headers is nobody's who means well.
const LONGEST_PARTIAL: usize = 96 * 1024;

/// The step in which memory for it grows.
const PARTIAL_STEP: usize = 1024;

/// The least that is read at a time.
const LEAST_READ: usize = 4 * 1024;

/// How much a peer may send at once, without a byte of data in it, before it is taken for one that only wants to keep us busy.
const LONGEST_CHATTER: usize = 512 * 1024;

/// One end of a TLS connection over `socket`.
///
/// It owns memory only for what is incomplete: part of a record that was read, plaintext that nobody has asked for, and ciphertext that was
/// not taken. Otherwise it works in memory that all streams of the thread share.
pub(super) struct TlsStream {
    socket: Socket,
    session: Session,
    /// Ciphertext that was read, and is not complete.
    partial: Vec<u8>,
    /// Plaintext from `read` on waits to be read.
    surplus: Vec<u8>,
    read: usize,
    /// Bytes for `socket` from `sent` on wait to be taken.
    output: Vec<u8>,
    sent: usize,
    /// So much of what comes to be written next is in `output` already, or has left: it was not reported as taken, so that whoever writes
    /// still counts it as queued, and asks again. While application data is in `output`, it is at least 1.
    held: usize,
    phase: Phase,
    /// The peer has said good-bye: it sends no more.
    peer_closed: bool,
    goodbye: Goodbye,
    /// The session has failed, and whoever reads is still to hear of it.
    failure: Option<io::Error>,
    /// What a client calls the server by.
    server_name: Option<Rc<str>>,
    /// For whom messages are worded.
    is_server: bool,
    /// Those of `partial`, during the handshake.
    records: SearchedRecords,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    Open,
    Failed,
}

/// How far our own good-bye has come.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Goodbye {
    Unsaid,
    /// It is in the output.
    Said,
    /// The stream below is told, too.
    Over,
}

impl TlsStream {
    /// An end over `socket`, to which `unsent` goes first, as it is.
    pub(super) fn new(mut socket: Socket, session: Session, unsent: Vec<u8>, server_name: Option<Rc<str>>) -> Self {
        socket.opaque();
        let is_server = matches!(session, Session::Server(_));
        Self {
            socket,
            session,
            partial: Vec::new(),
            surplus: Vec::new(),
            read: 0,
            output: unsent,
            sent: 0,
            held: 0,
            phase: Phase::Handshake,
            peer_closed: false,
            goodbye: Goodbye::Unsaid,
            failure: None,
            server_name,
            is_server,
            records: SearchedRecords::default(),
        }
    }

    /// Sends what waits in the output. Returns whether all of it was taken.
    fn flush_output(&mut self) -> io::Result<bool> {
        if self.sent < self.output.len() {
            match self.socket.write(&self.output[self.sent..]) {
                Ok(taken) => self.sent += taken,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        let flushed = self.sent == self.output.len();
        if flushed && self.sent > 0 {
            self.output = Vec::new();
            self.sent = 0;
        }
        Ok(flushed)
    }

    /// Has the session work through the first `filled` bytes of `scratch`. Returns how many bytes of plaintext came to `buffer`.
    fn process(&mut self, scratch: &mut [u8], buffer: &mut [u8]) -> Result<usize, io::Error> {
        if self.phase == Phase::Handshake {
            if is_too_little(scratch, self.is_server) {
                self.keep(scratch);
                return Ok(0);
            }
            if self.records.find_close_notify(scratch) {
                let peer = if self.is_server { "client" } else { "server" };
                let words = format!("the {peer} ended the TLS handshake (close_notify) before it was complete");
                self.fail(TlsError::new(TlsErrorKind::Truncated, words));
                return Ok(0);
            }
        }
        let (used, result, filled) = {
            let mut yields = Yield {
                buffer,
                filled: 0,
                surplus: &mut self.surplus,
                output: &mut self.output,
                closed: self.peer_closed,
            };
            let (used, result) = self.session.process(scratch, &mut yields);
            self.peer_closed = yields.closed;
            (used, result, yields.filled)
        };
        let rest = &scratch[used.min(scratch.len())..];
        self.records.discard(used);
        self.keep(if self.peer_closed || result.is_err() { &[] } else { rest });
        if let Err(error) = result {
            let error = self.explain(&error, rest);
            self.fail(error);
        } else if self.partial.len() > LONGEST_PARTIAL {
            let words = "the peer sent a message that is too long or in too many fragments";
            if self.phase == Phase::Handshake {
                // rustls has not seen the whole of it, so it has no alert to send. Its keys are not ours to use, hence in clear.
                self.output.extend_from_slice(&alerts::fatal(AlertDescription::RecordOverflow));
            }
            self.fail(TlsError::new(TlsErrorKind::RecordOverflow, words));
        }
        Ok(filled)
    }

    /// Keeps ciphertext for when more of it is there.
    fn keep(&mut self, rest: &[u8]) {
        if rest.is_empty() {
            if self.partial.capacity() > 0 {
                self.partial = Vec::new();
            }
        } else {
            self.partial.clear();
            // To double the memory each time would take up to twice the limit.
            self.partial.reserve_exact(rest.len().next_multiple_of(PARTIAL_STEP));
            self.partial.extend_from_slice(rest);
        }
    }

    fn explain(&self, error: &rustls::Error, input: &[u8]) -> TlsError {
        let notes = notes::take();
        notes
            .verdict
            .unwrap_or_else(|| TlsError::of_session(error, input, self.is_server, self.phase == Phase::Handshake))
    }

    fn fail(&mut self, error: TlsError) {
        self.phase = Phase::Failed;
        if error.kind() == TlsErrorKind::UnknownName
            && let Some(alert) = self.output.last_mut()
        {
            // For a server without a certificate, rustls says `access_denied`. The last byte of an alert is its description, and at this
            // point of the handshake it is not encrypted; this one means `unrecognized_name` (RFC 6066, section 3).
            *alert = 112;
        }
        self.partial = Vec::new();
        self.failure = Some(error.into());
        // It says what is wrong, if there is room; the peer finds out anyway.
        let _ = self.flush_output();
    }

    /// Reads ciphertext and has the session work through it, together with what was kept. Returns how many bytes of plaintext came to
    /// `buffer`, and what reading gave.
    fn receive(&mut self, buffer: &mut [u8], short_is_drained: bool) -> io::Result<(usize, Received)> {
        let mut scratch = Scratch::take();
        let scratch = scratch.bytes();
        let kept = self.partial.len();
        // No more than what is sure to have room in the buffer.
        let end = kept + buffer.len().saturating_sub(kept).max(LEAST_READ);
        let end = end.min(SCRATCH);
        let received = self.socket.read(&mut scratch[kept..end], short_is_drained)?;
        if received.count == 0 {
            return Ok((0, received));
        }
        scratch[..kept].copy_from_slice(&self.partial);
        let filled = self.process(&mut scratch[..kept + received.count], buffer)?;
        Ok((filled, received))
    }

    /// Reads what a peer still sends to a session that has failed, so that it gets to read why. An error is the end of it.
    fn see_off(&mut self) -> io::Result<Prepared> {
        let mut scratch = Scratch::take();
        let mut left = LONGEST_CHATTER;
        loop {
            match self.socket.read(scratch.bytes(), false) {
                Ok(Received { count, .. }) if count > 0 && count < left => left -= count,
                Ok(_) => return Err(self.truncated()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Prepared::WaitsForInput),
                Err(error) => return Err(error),
            }
        }
    }

    fn truncated(&self) -> io::Error {
        let words = match self.phase {
            Phase::Handshake => "the peer closed the connection during the TLS handshake",
            _ => {
                "the peer closed the connection without saying so (no close_notify): what was received may be cut short"
            }
        };
        TlsError::new(TlsErrorKind::Truncated, words).into()
    }

    /// Says of a reset during the handshake what it usually means: the system's words alone name no cause.
    fn explain_reset(&self, error: io::Error) -> io::Error {
        if !matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) {
            return error;
        }
        let why = if self.is_server {
            "the client gave up, or something between closed the connection"
        } else {
            "the server may speak no TLS on this port, refuse this client or its name for the server, or a firewall may be between"
        };
        TlsError::new(
            TlsErrorKind::Reset,
            format!("the connection was reset during the TLS handshake ({error}): {why}"),
        )
        .into()
    }

    /// Takes what waits to be read.
    fn take_surplus(&mut self, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.surplus.len() - self.read);
        buffer[..count].copy_from_slice(&self.surplus[self.read..self.read + count]);
        self.read += count;
        if self.read == self.surplus.len() {
            self.surplus = Vec::new();
            self.read = 0;
        }
        count
    }

    /// Is there anything to be read, data or an end, of which no event will tell?
    fn has_more(&self) -> bool {
        self.read < self.surplus.len() || self.peer_closed || self.failure.is_some()
    }

    /// Encrypts into `scratch`, and returns how much of it that takes.
    fn encrypt(&mut self, outgoing: &Outgoing<'_>, scratch: &mut [u8]) -> io::Result<usize> {
        let mut incoming = std::mem::take(&mut self.partial);
        let mut yields = Yield {
            buffer: &mut [],
            filled: 0,
            surplus: &mut self.surplus,
            output: &mut self.output,
            closed: self.peer_closed,
        };
        let (used, written) = self.session.encrypt(&mut incoming, &mut yields, outgoing, scratch);
        self.peer_closed = yields.closed;
        incoming.drain(..used.min(incoming.len()));
        self.partial = incoming;
        written.map_err(|error| {
            let error = self.explain(&error, &[]);
            self.phase = Phase::Failed;
            error.into()
        })
    }

    /// Sends `ciphertext`, after whatever waits; what is not taken waits as well. Returns how many bytes wait then.
    fn send(&mut self, ciphertext: &[u8]) -> io::Result<usize> {
        let taken = if self.output.is_empty() {
            match self.socket.write(ciphertext) {
                Ok(taken) => taken,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            }
        } else {
            0
        };
        if taken < ciphertext.len() {
            let first = self.output.is_empty();
            self.output.extend_from_slice(&ciphertext[taken..]);
            if !first {
                self.flush_output()?;
            }
        }
        Ok(self.output.len() - self.sent)
    }

    /// Writes `slices` one after the other, and returns how much of them was taken. What was encrypted and not sent yet is kept, but not
    /// reported: it is asked for again, and skipped then. So whoever writes sees a stream that takes as much as the one below does.
    fn write_slices(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.phase {
            Phase::Open if self.goodbye == Goodbye::Unsaid => {}
            Phase::Handshake => return Err(ErrorKind::WouldBlock.into()),
            _ => return Err(ErrorKind::BrokenPipe.into()),
        }
        let mut pieces = Pieces::new(slices);
        if !self.flush_output()? {
            let unsent = self.output.len() - self.sent;
            let taken = pieces.skip(self.held - self.held.min(unsent));
            self.held -= taken;
            return if taken == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(taken) };
        }
        let mut taken = pieces.skip(self.held);
        self.held -= taken;
        if !pieces.is_empty() {
            let mut scratch = Scratch::take();
            while let Some(piece) = pieces.next() {
                let written = self.encrypt(&Outgoing::Data(piece), scratch.bytes())?;
                let unsent = self.send(&scratch.bytes()[..written])?;
                self.held = unsent.min(piece.len());
                taken += piece.len() - self.held;
                if unsent > 0 {
                    break;
                }
            }
        }
        if taken == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    fn say_goodbye(&mut self) -> io::Result<()> {
        if self.goodbye == Goodbye::Unsaid {
            let mut words = [0; 256];
            let written = self.encrypt(&Outgoing::CloseNotify, &mut words)?;
            self.output.extend_from_slice(&words[..written]);
            self.goodbye = Goodbye::Said;
        }
        if self.flush_output()? { Ok(()) } else { Err(ErrorKind::WouldBlock.into()) }
    }
}

impl Sink for TlsStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write_slices(&[IoSlice::new(data)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_slices(slices)
    }

    fn send_file(&mut self, file: &File, offset: u64, count: usize) -> io::Result<usize> {
        let mut scratch = Scratch::take();
        let mut taken = 0;
        while taken < count {
            let wanted = BATCH.min(count - taken);
            let piece = &mut scratch.bytes()[..wanted];
            let read = file.read_at(piece, offset.saturating_add(taken as u64))?;
            if read == 0 {
                break;
            }
            match self.write(&piece[..read]) {
                Ok(written) => {
                    taken += written;
                    if written < read {
                        break;
                    }
                }
                Err(error) if taken > 0 && error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }
}

impl ByteStream for TlsStream {
    fn prepare(&mut self) -> io::Result<Prepared> {
        match self.socket.prepare()? {
            Prepared::Ready => {}
            waits => return Ok(waits),
        }
        if self.phase == Phase::Handshake && self.partial.is_empty() {
            // A client speaks first.
            self.process(&mut [], &mut [])?;
        }
        loop {
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.phase == Phase::Failed {
                return self.see_off();
            }
            let flushed = self.flush_output().map_err(|error| self.explain_reset(error))?;
            if self.phase == Phase::Handshake && !self.session.is_handshaking() {
                self.phase = Phase::Open;
            }
            match (self.phase, flushed) {
                (Phase::Open, true) => return Ok(Prepared::Ready),
                (Phase::Open, false) => return Ok(Prepared::Blocked),
                _ => {}
            }
            if self.peer_closed && self.phase == Phase::Handshake {
                // The peer may keep its socket open, but nothing more will come.
                return Err(self.truncated());
            }
            match self.receive(&mut [], false) {
                Ok((_, Received { count: 0, .. })) => return Err(self.truncated()),
                Ok(_) => {
                    let notes = notes::take();
                    if self.is_server && notes.server_name.is_some() {
                        self.server_name = notes.server_name;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(if flushed { Prepared::WaitsForInput } else { Prepared::Blocked });
                }
                Err(error) => return Err(self.explain_reset(error)),
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8], short_is_drained: bool) -> io::Result<Received> {
        if self.read < self.surplus.len() {
            let count = self.take_surplus(buffer);
            return Ok(Received { count, drained: false });
        }
        let mut chatter = 0;
        loop {
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.peer_closed {
                return Ok(Received { count: 0, drained: true });
            }
            if self.phase != Phase::Open {
                return Err(ErrorKind::WouldBlock.into());
            }
            let (filled, Received { count, drained }) = self.receive(buffer, short_is_drained)?;
            if count == 0 {
                return Err(self.truncated());
            }
            if self.sent < self.output.len() {
                // An answer to what was read. Should it not go now, it goes before what is written next.
                let _ = self.flush_output();
            }
            if filled > 0 {
                return Ok(Received { count: filled, drained: drained && !self.has_more() });
            }
            if drained && !self.has_more() {
                return Err(ErrorKind::WouldBlock.into());
            }
            chatter += count;
            if chatter > LONGEST_CHATTER {
                let words = "the peer sends nothing but messages of the handshake";
                self.fail(TlsError::new(TlsErrorKind::PeerMisbehaved, words));
            }
        }
    }

    fn close_write(&mut self) -> io::Result<()> {
        if self.phase == Phase::Open && self.goodbye != Goodbye::Over {
            match self.say_goodbye() {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(error),
                // It has said good-bye and gone: there is nobody left to answer.
                Err(_) if self.peer_closed => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        if self.goodbye != Goodbye::Over {
            match self.socket.close_write() {
                Err(_) if self.peer_closed => {}
                closed => closed?,
            }
            self.goodbye = Goodbye::Over;
        }
        Ok(())
    }

    fn has_farewell(&self) -> bool {
        self.phase == Phase::Open
    }

    fn opaque(&mut self) {
        self.socket.opaque();
    }

    fn facts(&self) -> Option<Box<dyn Any>> {
        if self.phase == Phase::Handshake {
            return None;
        }
        Some(Box::new(TlsInfo::of(self.session.common(), self.server_name.as_deref())))
    }

    fn server_name(&self) -> Option<Rc<str>> {
        self.server_name.clone()
    }

    fn reset(&mut self) {
        self.socket.reset();
    }

    fn take_error(&mut self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }

    fn local_address(&self) -> io::Result<Address> {
        self.socket.local_address()
    }

    fn is_connected(&self) -> io::Result<bool> {
        self.socket.knows_its_peer()
    }

    fn register(&mut self, registry: Option<&Registry>, token: Token, interest: Interest) -> io::Result<()> {
        self.socket.register(registry, token, interest)
    }

    fn reregister(&mut self, registry: Option<&Registry>, token: Token, interest: Interest) -> io::Result<()> {
        self.socket.reregister(registry, token, interest)
    }

    fn deregister(&mut self, registry: Option<&Registry>) {
        self.socket.deregister(registry);
    }

    fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket.set_nodelay(nodelay)
    }

    fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
        self.socket.set_keepalive(keepalive)
    }

    fn credentials(&self) -> Option<Credentials> {
        self.socket.credentials()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.socket.descriptor()
    }

    fn made(&mut self) {
        self.socket.made();
    }

    fn lost(&mut self, reason: &CloseReason) {
        self.socket.lost(reason);
    }
}
