//! What the connection machine reads from and writes to.

#[cfg(feature = "tls")]
use std::any::Any;
use std::fmt;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::rc::Rc;
use std::time::Duration;

use mio::Interest;
use mio::event::Source as _;
use mio::net::{TcpStream, UnixStream};
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use rustix::net::{RecvFlags, SendFlags};
use socket2::SockRef;

use crate::address::Address;
use crate::buffer::{Sink, send_file_by_copy};
use crate::close_reason::CloseReason;
use crate::options::Keepalive;
use crate::socket_options::{set_keepalive, set_nodelay};
use crate::token::Token;

/// What one read gave.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Bytes read; 0 is the end of the stream.
    pub(crate) count: usize,
    /// Nothing more is there until the next event. Only the stream itself knows: a short read says so on TCP and nowhere else.
    pub(crate) drained: bool,
}

/// How far a stream is with what it does before it carries a protocol's bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// It carries them from now on; there may be some to be read, of which no event will tell.
    Ready,
    /// The other end has to send something.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "only TLS has a handshake"))]
    WaitsForInput,
    /// The other end has to take something, too.
    Blocked,
}

/// A reliable stream of bytes that never blocks: a layer over another stream, or a simulated one. What only sockets of the system's have
/// is nothing here, unless the stream says otherwise.
///
/// `read` and `write` give `WouldBlock` when the other end has to act first; a readiness event follows then.
pub(crate) trait ByteStream: Sink {
    /// What the last event said of short reads is for layers over plain sockets: see [`Socket::read`].
    fn read(&mut self, buffer: &mut [u8], short_is_drained: bool) -> io::Result<Received>;
    /// Reads input that is not wanted. `buffer` may be overwritten, or only say how much to discard at most.
    fn discard(&mut self, buffer: &mut [u8], short_is_drained: bool) -> io::Result<Received> {
        self.read(buffer, short_is_drained)
    }
    /// Tells the peer that nothing more will be written. `WouldBlock` when there is no room for the words that say so: to be called again
    /// when there is.
    fn close_write(&mut self) -> io::Result<()>;
    /// Goes on with what comes before a protocol's bytes, a handshake: to be called upon every event until it is ready. Nothing is read or
    /// written before.
    fn prepare(&mut self) -> io::Result<Prepared> {
        Ok(Prepared::Ready)
    }
    /// What is written from now on is encrypted: whoever looks on is to expect no bytes in particular.
    #[cfg(feature = "tls")]
    fn opaque(&mut self) {}
    /// Does it say good-bye itself? Then closing the descriptor is not enough.
    fn has_farewell(&self) -> bool {
        false
    }
    /// What a layer knows of the other end.
    #[cfg(feature = "tls")]
    fn facts(&self) -> Option<Box<dyn Any>> {
        None
    }
    /// The name of the server, as the client gave it.
    fn server_name(&self) -> Option<Rc<str>> {
        None
    }
    /// Makes the coming drop tell the peer that the stream broke.
    fn reset(&mut self);
    /// The error that an event announced, if there is one.
    fn take_error(&mut self) -> io::Result<Option<io::Error>>;
    fn local_address(&self) -> io::Result<Address>;
    /// Has the other end taken the connection?
    fn is_connected(&self) -> io::Result<bool>;
    fn register(&mut self, registry: Option<&mio::Registry>, token: Token, interest: Interest) -> io::Result<()>;
    fn reregister(&mut self, registry: Option<&mio::Registry>, token: Token, interest: Interest) -> io::Result<()>;
    /// Takes the descriptor out of the kernel's set, where closing it would not.
    fn deregister(&mut self, _registry: Option<&mio::Registry>) {}
    fn set_nodelay(&self, _nodelay: bool) -> io::Result<()> {
        // It sends at once anyway.
        Ok(())
    }
    fn set_keepalive(&self, _keepalive: Option<Keepalive>) -> io::Result<()> {
        Ok(())
    }
    fn credentials(&self) -> Option<Credentials> {
        None
    }
    /// The descriptor of the socket below. A recorded stream has none to show: what its user does
    /// with it could not be replayed.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    /// The protocol is about to hear of the connection; for those who look on.
    fn made(&mut self) {}
    /// The protocol is about to hear of the connection's end, and why.
    fn lost(&mut self, _reason: &CloseReason) {}
}

/// A connection's stream. Plain sockets are inline, so that reading one costs no indirect call.
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    Boxed(Box<dyn ByteStream>),
    /// The connection is over, its descriptor closed.
    Closed,
}

/// Interrupted calls are tried again, so no caller sees `EINTR`.
#[inline]
fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(value) => return Ok(value),
        }
    }
}

/// The same for streams that are not the kernel's.
fn persist<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn closed() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl Socket {
    /// Reads what is there. `short_is_drained` is what the caller knows of the event: false once urgent data was seen or
    /// the peer has closed, for then more may follow a short read and no event will tell.
    #[inline]
    pub(crate) fn read(&mut self, buffer: &mut [u8], short_is_drained: bool) -> io::Result<Received> {
        if let Self::Tcp(stream) = self {
            let (_, count) = retry(|| rustix::net::recv(&*stream, &mut *buffer, RecvFlags::empty()))?;
            return Ok(Received { count, drained: short_is_drained && count < buffer.len() });
        }
        self.read_other(buffer, short_is_drained)
    }

    /// Out of the straight line, which is TCP's.
    #[inline(never)]
    fn read_other(&mut self, buffer: &mut [u8], short_is_drained: bool) -> io::Result<Received> {
        match self {
            Self::Unix(stream) => {
                let (_, count) = retry(|| rustix::net::recv(&*stream, &mut *buffer, RecvFlags::empty()))?;
                Ok(Received { count, drained: false })
            }
            Self::Boxed(stream) => persist(|| stream.read(buffer, short_is_drained)),
            Self::Tcp(_) | Self::Closed => Err(closed()),
        }
    }

    /// See [`ByteStream::discard`].
    pub(crate) fn discard(&mut self, buffer: &mut [u8], short_is_drained: bool) -> io::Result<Received> {
        match self {
            // On TCP the kernel then drops the bytes and copies nothing (`tcp(7)`).
            #[cfg(target_os = "linux")]
            Self::Tcp(stream) => {
                let (_, count) = retry(|| rustix::net::recv(&*stream, &mut *buffer, RecvFlags::TRUNC))?;
                Ok(Received { count, drained: short_is_drained && count < buffer.len() })
            }
            Self::Boxed(stream) => persist(|| stream.discard(buffer, short_is_drained)),
            _ => self.read(buffer, short_is_drained),
        }
    }

    #[inline(never)]
    fn write_other(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => retry(|| rustix::net::send(&*stream, data, SendFlags::NOSIGNAL)),
            Self::Boxed(stream) => persist(|| stream.write(data)),
            Self::Tcp(_) | Self::Closed => Err(closed()),
        }
    }

    pub(crate) fn close_write(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(std::net::Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(std::net::Shutdown::Write),
            Self::Boxed(stream) => stream.close_write(),
            Self::Closed => Err(closed()),
        }
    }

    /// See [`ByteStream::prepare`].
    pub(crate) fn prepare(&mut self) -> io::Result<Prepared> {
        match self {
            Self::Boxed(stream) => stream.prepare(),
            Self::Tcp(_) | Self::Unix(_) => Ok(Prepared::Ready),
            Self::Closed => Err(closed()),
        }
    }

    /// See [`ByteStream::opaque`].
    #[cfg(feature = "tls")]
    pub(crate) fn opaque(&mut self) {
        if let Self::Boxed(stream) = self {
            stream.opaque();
        }
    }

    /// See [`ByteStream::has_farewell`].
    pub(crate) fn has_farewell(&self) -> bool {
        matches!(self, Self::Boxed(stream) if stream.has_farewell())
    }

    /// See [`ByteStream::facts`].
    #[cfg(feature = "tls")]
    pub(crate) fn facts(&self) -> Option<Box<dyn Any>> {
        if let Self::Boxed(stream) = self { stream.facts() } else { None }
    }

    /// See [`ByteStream::server_name`].
    pub(crate) fn server_name(&self) -> Option<Rc<str>> {
        if let Self::Boxed(stream) = self { stream.server_name() } else { None }
    }

    /// Drops the stream so that a TCP peer gets a reset rather than an orderly end.
    pub(crate) fn reset(&mut self) {
        match self {
            // Without it the kernel would go on sending what it holds; there is nobody left to tell of a failure.
            Self::Tcp(stream) => drop(SockRef::from(&*stream).set_linger(Some(Duration::ZERO))),
            Self::Boxed(stream) => stream.reset(),
            Self::Unix(_) | Self::Closed => {}
        }
        *self = Self::Closed;
    }

    /// See [`ByteStream::made`].
    pub(crate) fn made(&mut self) {
        if let Self::Boxed(stream) = self {
            stream.made();
        }
    }

    /// See [`ByteStream::lost`].
    pub(crate) fn lost(&mut self, reason: &CloseReason) {
        if let Self::Boxed(stream) = self {
            stream.lost(reason);
        }
    }

    pub(crate) fn take_error(&mut self) -> io::Result<Option<io::Error>> {
        match self {
            Self::Tcp(stream) => stream.take_error(),
            Self::Unix(stream) => stream.take_error(),
            Self::Boxed(stream) => stream.take_error(),
            Self::Closed => Ok(None),
        }
    }

    pub(crate) fn local_address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(stream) => stream.local_addr().map(|address| Address::Tcp(address).canonical()),
            Self::Unix(stream) => SockRef::from(stream).local_addr().map(|address| Address::from_sock_addr(&address)),
            Self::Boxed(stream) => stream.local_address(),
            Self::Closed => Err(closed()),
        }
    }

    /// The address of the other end, for a descriptor that came from elsewhere.
    pub(crate) fn peer_address(&self) -> io::Result<Address> {
        match self.descriptor() {
            Some(descriptor) => SockRef::from(&descriptor).peer_addr().map(|address| Address::from_sock_addr(&address)),
            None => Err(closed()),
        }
    }

    /// Has the connection been made? An error is why it could not be.
    pub(crate) fn is_connected(&mut self) -> io::Result<bool> {
        if let Some(error) = self.take_error()? {
            return Err(error);
        }
        self.knows_its_peer()
    }

    /// The same, once it is known that there is no error.
    pub(crate) fn knows_its_peer(&self) -> io::Result<bool> {
        match self {
            Self::Boxed(stream) => stream.is_connected(),
            // Readiness may be spurious; only a connected socket knows its peer.
            _ => match self.peer_address() {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
                Err(error) => Err(error),
            },
        }
    }

    /// The descriptor, if a socket of the system's is below.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Tcp(stream) => Some(stream.as_fd()),
            Self::Unix(stream) => Some(stream.as_fd()),
            Self::Boxed(stream) => stream.descriptor(),
            Self::Closed => None,
        }
    }

    /// Another descriptor of the same socket.
    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        match (self, self.descriptor()) {
            (Self::Closed, _) => Err(closed()),
            (_, None) => Err(unsupported()),
            (_, Some(descriptor)) => descriptor.try_clone_to_owned(),
        }
    }

    pub(crate) fn register(
        &mut self,
        registry: Option<&mio::Registry>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        match (self, registry) {
            // Urgent data makes reads stop short at its mark; only this interest tells us that there is any.
            (Self::Tcp(stream), Some(registry)) => {
                stream.register(registry, token.into(), interest | Interest::PRIORITY)
            }
            (Self::Unix(stream), Some(registry)) => stream.register(registry, token.into(), interest),
            (Self::Boxed(stream), registry) => stream.register(registry, token, interest),
            (Self::Closed, _) => Err(closed()),
            (Self::Tcp(_) | Self::Unix(_), None) => Err(unsupported()),
        }
    }

    pub(crate) fn reregister(
        &mut self,
        registry: Option<&mio::Registry>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        match (self, registry) {
            (Self::Tcp(stream), Some(registry)) => {
                stream.reregister(registry, token.into(), interest | Interest::PRIORITY)
            }
            (Self::Unix(stream), Some(registry)) => stream.reregister(registry, token.into(), interest),
            (Self::Boxed(stream), registry) => stream.reregister(registry, token, interest),
            (Self::Closed, _) => Err(closed()),
            (Self::Tcp(_) | Self::Unix(_), None) => Err(unsupported()),
        }
    }

    /// Takes the descriptor out of the kernel's set, where closing it would not. An error means that it was not in there.
    pub(crate) fn deregister(&mut self, registry: Option<&mio::Registry>) {
        let _ = match (self, registry) {
            (Self::Tcp(stream), Some(registry)) => stream.deregister(registry),
            (Self::Unix(stream), Some(registry)) => stream.deregister(registry),
            (Self::Boxed(stream), registry) => {
                stream.deregister(registry);
                Ok(())
            }
            _ => Ok(()),
        };
    }

    pub(crate) fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => set_nodelay(&SockRef::from(stream), nodelay),
            Self::Boxed(stream) => stream.set_nodelay(nodelay),
            Self::Closed => Err(closed()),
            // It sends at once anyway.
            Self::Unix(_) => Ok(()),
        }
    }

    pub(crate) fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => set_keepalive(&SockRef::from(stream), keepalive),
            Self::Boxed(stream) => stream.set_keepalive(keepalive),
            Self::Closed => Err(closed()),
            Self::Unix(_) => Ok(()),
        }
    }
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "a simulated or recorded connection has no descriptor")
}

impl Sink for Socket {
    #[inline]
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if let Self::Tcp(stream) = self {
            return retry(|| rustix::net::send(&*stream, data, SendFlags::NOSIGNAL));
        }
        self.write_other(data)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let flags = SendFlags::NOSIGNAL;
        let mut none = rustix::net::SendAncillaryBuffer::default();
        match self {
            Self::Tcp(stream) => retry(|| rustix::net::sendmsg(&*stream, slices, &mut none, flags)),
            Self::Unix(stream) => retry(|| rustix::net::sendmsg(&*stream, slices, &mut none, flags)),
            Self::Boxed(stream) => persist(|| stream.write_vectored(slices)),
            Self::Closed => Err(closed()),
        }
    }

    fn write_before_file(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => retry(|| rustix::net::send(&*stream, data, SendFlags::NOSIGNAL | SendFlags::MORE)),
            Self::Boxed(stream) => persist(|| stream.write_before_file(data)),
            Self::Unix(_) | Self::Closed => self.write_other(data),
        }
    }

    fn send_file(&mut self, file: &File, offset: u64, count: usize) -> io::Result<usize> {
        let sent = match self {
            Self::Tcp(stream) => sendfile(stream.as_fd(), file, offset, count),
            Self::Unix(stream) => sendfile(stream.as_fd(), file, offset, count),
            Self::Boxed(stream) => return persist(|| stream.send_file(file, offset, count)),
            Self::Closed => return Err(closed()),
        };
        match sent {
            // The file system cannot give its pages to a socket: copy them.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
                send_file_by_copy(self, file, offset, count)
            }
            sent => sent,
        }
    }
}

fn sendfile(socket: BorrowedFd<'_>, file: &File, offset: u64, count: usize) -> io::Result<usize> {
    retry(|| rustix::fs::sendfile(socket, file, Some(&mut { offset }), count))
}

/// The process on the other end of a Unix connection, as the kernel vouches for it (`SO_PEERCRED`, `unix(7)`): the
/// process that connected or listened, at the time of that call.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The process id in the PID namespace of this process. `None` if the peer has no id there, which is so for a
    /// process of the host that connects to a server in a container (`pid_namespaces(7)`).
    ///
    /// The process may have ended since, and another may have its id: decide by `uid` and `gid`.
    pub pid: Option<i32>,
    /// The effective user id; 65534 if the user namespace of this process has no id for it (`user_namespaces(7)`).
    pub uid: u32,
    /// The effective group id, with the same exception.
    pub gid: u32,
}

impl Credentials {
    /// Credentials as the kernel has them, where a process id of 0 stands for none.
    pub(crate) fn new(pid: i32, uid: u32, gid: u32) -> Self {
        Self { pid: Some(pid).filter(|pid| *pid != 0), uid, gid }
    }
}

impl Socket {
    pub(crate) fn credentials(&self) -> Option<Credentials> {
        let stream = match self {
            Self::Unix(stream) => stream,
            Self::Boxed(stream) => return stream.credentials(),
            Self::Tcp(_) | Self::Closed => return None,
        };
        // Not rustix's `socket_peercred`: its process id is a `NonZero`, and the kernel gives 0 for a peer of a foreign
        // PID namespace, which would be undefined behaviour.
        let found = getsockopt(stream, PeerCredentials).ok()?;
        Some(Credentials::new(found.pid(), found.uid(), found.gid()))
    }
}

impl From<StdUnixStream> for Socket {
    fn from(stream: StdUnixStream) -> Self {
        Self::Unix(UnixStream::from_std(stream))
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::Unix(_) => "Unix",
            Self::Boxed(_) => "Boxed",
            Self::Closed => "Closed",
        })
    }
}
