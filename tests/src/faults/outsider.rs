//! A client that is no reactor's.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::time::Duration;

use lariat::mio::Interest;
use lariat::mio::unix::SourceFd;
use lariat::{Address, Reactor, Registration, UnixAddress};
use socket2::{Domain, SockAddr, Socket, Type};

/// A bare socket that does what a test tells it to, and nothing by itself: it does not even read.
///
/// None of its methods blocks. The reactor that it was made with watches its descriptor, so that a test that waits for something to
/// arrive here is woken by it.
#[derive(Debug)]
pub struct Outsider {
    socket: Socket,
    registration: Registration,
    received: Vec<u8>,
    end: Option<End>,
}

/// How the other side has ended a connection.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// In good order: the end of the stream was read.
    Orderly,
    /// With a reset.
    Reset,
}

impl Outsider {
    /// Connects to `address`. On the loopback a connection stands as soon as the backlog has room for it, accepted or not.
    ///
    /// # Panics
    ///
    /// When the operating system refuses.
    #[must_use]
    pub fn connect(reactor: &Reactor, address: &Address) -> Self {
        Self::connect_with(reactor, address, |_| Ok(()))
    }

    /// Connects from a socket that `prepare` has seen.
    ///
    /// # Panics
    ///
    /// When the operating system refuses.
    pub fn connect_with(reactor: &Reactor, address: &Address, prepare: impl FnOnce(&Socket) -> io::Result<()>) -> Self {
        let connected = open(address).and_then(|(socket, address)| {
            prepare(&socket)?;
            match socket.connect(&address) {
                Err(error) if error.kind() != ErrorKind::WouldBlock && error.raw_os_error() != Some(EINPROGRESS) => {
                    Err(error)
                }
                _ => Ok(socket),
            }
        });
        let socket = connected.unwrap_or_else(|error| panic!("could not connect to {address}: {error}"));
        let descriptor = socket.as_raw_fd();
        let watch = |_: &Registration, _| ();
        let registration = reactor
            .register(&mut SourceFd(&descriptor), Interest::READABLE | Interest::WRITABLE, watch)
            .expect("a socket can be watched");
        Self { socket, registration, received: Vec::new(), end: None }
    }

    /// Sends as much of `data` as the kernel takes, and returns how much that is.
    pub fn send(&mut self, data: &[u8]) -> usize {
        let mut sent = 0;
        while sent < data.len() {
            match self.socket.write(&data[sent..]) {
                Ok(count) => sent += count,
                Err(_) => break,
            }
        }
        sent
    }

    /// Reads whatever is there, and returns all that was received so far.
    pub fn receive(&mut self) -> &[u8] {
        let mut buffer = [0; 16 * 1024];
        while self.end.is_none() {
            match self.socket.read(&mut buffer) {
                Ok(0) => self.end = Some(End::Orderly),
                Ok(count) => self.received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.end = Some(End::Reset),
            }
        }
        &self.received
    }

    /// Reads whatever is there, and tells how the other side has ended the connection, if it has.
    pub fn end(&mut self) -> Option<End> {
        self.receive();
        self.end
    }

    /// Sends nothing more.
    pub fn close_write(&self) {
        // It may be reset already, which is as good.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Is gone, in a way that resets the connection: on TCP by asking for that, on a Unix socket by what is left unread, if anything.
    pub fn reset(self) {
        // A Unix socket does not know the option.
        let _ = self.socket.set_linger(Some(Duration::ZERO));
    }

    /// The socket itself.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl Drop for Outsider {
    fn drop(&mut self) {
        let descriptor = self.socket.as_raw_fd();
        // The reactor may be gone, which has ended the registration.
        let _ = self.registration.deregister(&mut SourceFd(&descriptor));
    }
}

const EINPROGRESS: i32 = 115;

fn open(address: &Address) -> io::Result<(Socket, SockAddr)> {
    let (domain, address) = match address {
        Address::Tcp(address) => (Domain::for_address(*address), SockAddr::from(*address)),
        Address::Unix(UnixAddress::Pathname(path)) => (Domain::UNIX, SockAddr::unix(path)?),
        other => return Err(io::Error::other(format!("{other} is nowhere to connect to"))),
    };
    Ok((Socket::new(domain, Type::STREAM.nonblocking(), None)?, address))
}
