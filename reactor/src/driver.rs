//! The seam between the loop and the world: a real one, or a simulated one.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

use mio::Interest;

use crate::address::Address;
use crate::byte_stream::Socket;
use crate::clock::Time;
use crate::options::{ConnectOptions, ListenOptions};
use crate::readiness::Readiness;
use crate::token::Token;

/// What the loop waits on. Called once a turn, so a trait object costs nothing per event.
pub(crate) trait Driver {
    /// Sleeps until something is ready or `timeout` is over (`None`: for as long as it takes).
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()>;
    /// What the last wait found.
    fn events(&self) -> Events<'_>;
    /// Where sockets come from.
    fn network(&self) -> Rc<dyn Network>;
}

/// The events of one wait, iterated where they lie.
pub(crate) enum Events<'a> {
    Polled(&'a mio::Events),
    #[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "only simulated events are listed"))]
    Listed(&'a [(Token, Readiness)]),
}

/// What another thread is to do.
#[cfg(feature = "testing")]
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// Where sockets and the time come from.
pub(crate) trait Network {
    fn now(&self) -> Time;
    fn instant(&self, time: Time) -> Instant;
    fn listen(&self, address: &Address, options: &ListenOptions) -> io::Result<Acceptor>;
    /// Starts to connect: writability tells that it is over, the socket's error how it went.
    fn connect(&self, address: &Address, options: &ConnectOptions) -> io::Result<Socket>;
    /// The addresses that a host's name has, where that can be told at once; nothing if the name is not known, or would have to be asked for.
    fn resolve(&self, _name: &str) -> Option<Vec<IpAddr>> {
        None
    }
    /// Are threads simulated?
    #[cfg(feature = "testing")]
    fn runs_aside(&self) -> bool {
        false
    }
    /// Runs `work` beside the loop, as a thread would, if threads are simulated too; else gives it back, for a thread of the system's.
    #[cfg(feature = "testing")]
    fn run_aside(&self, work: Work) -> Result<(), Work> {
        Err(work)
    }
    /// What ends a wait from another thread, once for however often it is used during one. It may outlive the driver, and does
    /// nothing then.
    fn waker(&self) -> io::Result<Waker>;
    /// The kernel's registry, if there is a kernel.
    fn registry(&self) -> Option<&mio::Registry>;
}

/// A socket that listens.
pub(crate) enum Acceptor {
    Tcp(mio::net::TcpListener),
    Unix(mio::net::UnixListener),
    #[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "only simulated sockets are boxed"))]
    Boxed(Box<dyn Accept>),
}

/// A simulated socket that listens.
pub(crate) trait Accept {
    fn accept(&mut self) -> io::Result<(Socket, Address)>;
    fn local_address(&self) -> io::Result<Address>;
    fn register(&mut self, token: Token) -> io::Result<()>;
}

impl Acceptor {
    pub(crate) fn accept(&mut self) -> io::Result<(Socket, Address)> {
        match self {
            Self::Tcp(listener) => listener.accept().map(|(stream, peer)| (Socket::Tcp(stream), Address::Tcp(peer))),
            Self::Unix(listener) => {
                listener.accept().map(|(stream, peer)| (Socket::Unix(stream), Address::from_unix(&peer)))
            }
            Self::Boxed(listener) => listener.accept(),
        }
    }

    pub(crate) fn local_address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(listener) => listener.local_addr().map(|address| Address::from_unix(&address)),
            Self::Boxed(listener) => listener.local_address(),
        }
    }

    /// Takes the descriptor out of the kernel's set, where closing it would not. An error means that it was not in there.
    pub(crate) fn deregister(&mut self, registry: Option<&mio::Registry>) {
        use mio::event::Source;
        let _ = match (self, registry) {
            (Self::Tcp(listener), Some(registry)) => listener.deregister(registry),
            (Self::Unix(listener), Some(registry)) => listener.deregister(registry),
            _ => Ok(()),
        };
    }

    pub(crate) fn register(&mut self, registry: Option<&mio::Registry>, token: Token) -> io::Result<()> {
        use mio::event::Source;
        match (self, registry) {
            (Self::Tcp(listener), Some(registry)) => listener.register(registry, token.into(), Interest::READABLE),
            (Self::Unix(listener), Some(registry)) => listener.register(registry, token.into(), Interest::READABLE),
            (Self::Boxed(listener), _) => listener.register(token),
            (Self::Tcp(_) | Self::Unix(_), None) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::Unix(_) => "Unix",
            Self::Boxed(_) => "Boxed",
        })
    }
}
