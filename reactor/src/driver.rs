//! The seam between the loop and the world: a real one, or a simulated one.

use std::fmt;
use std::fs::File;
use std::io;
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime};

use mio::Interest;

use crate::address::Address;
use crate::byte_stream::Socket;
use crate::clock::Time;
#[cfg(feature = "testing")]
use crate::disk_operation::Storage;
use crate::lookup::{Family, LookedUp, Told};
use crate::options::{ConnectOptions, ListenOptions};
use crate::readiness::Readiness;
use crate::socket_file::SocketFile;
use crate::token::Token;

/// What the loop waits on. Called once a turn, so a trait object costs nothing per event.
pub(crate) trait Driver {
    /// Sleeps until something is ready or `timeout` has passed (`None`: for as long as it takes). `since` is a time before the wait.
    ///
    /// Returns the time until which everything that has arrived is among the events, `since` at the earliest: a timer that is due
    /// by then overtakes no input. `None` if the wait returned as many events as it can, so that more may be ready.
    fn wait(&mut self, since: Time, timeout: Option<Duration>) -> io::Result<Option<Time>>;
    /// What the last wait found.
    fn events(&self) -> Events<'_>;
    /// Where sockets come from.
    fn network(&self) -> Rc<dyn Network>;
}

/// The events of one wait, iterated where they lie.
pub(crate) enum Events<'a> {
    Polled(&'a mio::Events),
    Listed(&'a [(Token, Readiness)]),
}

/// What another thread is to do.
#[cfg(feature = "testing")]
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// What another thread has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Call,
    LookedUp(LookedUp),
    /// The word that this task is to be polled.
    Wake {
        index: u32,
        generation: u32,
    },
}

/// Where sockets and the time come from.
pub(crate) trait Network {
    fn now(&self) -> Time;
    fn instant(&self, time: Time) -> Instant;
    /// The time of day, which may jump.
    fn wall_clock(&self) -> SystemTime;
    /// The seed of a reactor's random numbers. Asked for once at most.
    fn random_seed(&self) -> u64;
    fn listen(&self, address: &Address, options: &ListenOptions) -> io::Result<Acceptor>;
    /// Starts to connect: writability tells that it is over, the socket's error how it went.
    fn connect(&self, address: &Address, options: &ConnectOptions) -> io::Result<Socket>;
    /// What is known of a host's name without asking in a thread; nothing if that is what has to be done.
    fn look_up(&self, _name: &str, _family: Family) -> Option<Told> {
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
    /// The simulated disk, if there is one.
    #[cfg(feature = "testing")]
    fn disk(&self) -> Option<Rc<dyn Storage>> {
        None
    }
    /// What ends a wait from another thread, once for however often it is used during one. It may outlive the driver, and does
    /// nothing then.
    fn waker(&self) -> io::Result<Waker>;
    /// The same for wakers of tasks, most of which never leave the loop's thread: that there are some is no reason to wait for other
    /// threads where nothing else can happen.
    fn task_waker(&self) -> io::Result<Waker> {
        self.waker()
    }
    /// The kernel's registry, if there is a kernel.
    fn registry(&self) -> Option<&mio::Registry>;
    /// Takes a socket in that was opened elsewhere, with the address of its other end.
    fn adopt_stream(&self, socket: Socket, peer: Address) -> (Socket, Address) {
        (socket, peer)
    }
    /// Takes a socket in that was opened elsewhere and listens.
    fn adopt_port(&self, acceptor: Acceptor) -> Acceptor {
        acceptor
    }
    /// A descriptor to be given up when there are no others. Without one a client that is too many waits in the backlog; nothing else
    /// depends on it.
    fn reserve(&self) -> Option<Reserve> {
        Reserve::open()
    }
    /// The source `token` has a descriptor that is none of this network's.
    fn source_added(&self, _token: Token) {}
    /// Has a signal come, where its pipe says so?
    fn has_signal(&self, any: bool) -> bool {
        any
    }
    /// Is it of interest what other threads send?
    fn is_recorded(&self) -> bool {
        false
    }
    /// So much of what other threads have sent gets its place in the queue.
    fn remote_calls(&self, _count: usize) {}
    /// Something that another thread has sent has its turn.
    fn received(&self, _what: Sent) {}
    /// The loop begins to run, until it is told to stop.
    fn runs(&self) {}
    /// The loop begins to end.
    fn ends(&self) {}
    /// Is everything here as it was recorded? Then other threads, signals and descriptors have no say.
    #[cfg(feature = "testing")]
    fn replays(&self) -> bool {
        false
    }
    /// How much comes from other threads now, in a replay.
    #[cfg(feature = "testing")]
    fn replayed_calls(&self) -> usize {
        0
    }
    /// What of that has its turn now, and how many calls that makes so far.
    #[cfg(feature = "testing")]
    fn replayed(&self) -> Option<(u64, Sent)> {
        None
    }
}

/// A descriptor that is there to be given up.
#[derive(Debug)]
pub(crate) struct Reserve(#[expect(dead_code, reason = "it is held open")] Option<File>);

impl Reserve {
    /// One of the system's, if there are any left.
    fn open() -> Option<Self> {
        File::open("/dev/null").ok().map(|file| Self(Some(file)))
    }

    /// One where no other is one of the system's either.
    #[cfg(feature = "testing")]
    pub(crate) fn pretended() -> Self {
        Self(None)
    }
}

/// A socket that listens.
pub(crate) enum Acceptor {
    Tcp(mio::net::TcpListener),
    /// With the file that it was bound to, if that is this reactor's to remove.
    Unix(mio::net::UnixListener, Option<SocketFile>),
    Boxed(Box<dyn Accept>),
}

/// A socket that listens, and is simulated or looked on at.
pub(crate) trait Accept {
    fn accept(&mut self) -> io::Result<(Socket, Address)>;
    fn local_address(&self) -> io::Result<Address>;
    fn register(&mut self, token: Token) -> io::Result<()>;
    /// Takes a descriptor out of the kernel's set, where closing it would not.
    fn deregister(&mut self) {}
    /// Takes the file that goes when the socket is closed.
    fn take_file(&mut self) -> Option<SocketFile> {
        None
    }
}

impl Acceptor {
    pub(crate) fn accept(&mut self) -> io::Result<(Socket, Address)> {
        match self {
            Self::Tcp(listener) => listener.accept().map(|(stream, peer)| (Socket::Tcp(stream), Address::Tcp(peer))),
            Self::Unix(listener, _) => {
                listener.accept().map(|(stream, peer)| (Socket::Unix(stream), Address::from_unix(&peer)))
            }
            Self::Boxed(listener) => listener.accept(),
        }
    }

    pub(crate) fn local_address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(listener, _) => listener.local_addr().map(|address| Address::from_unix(&address)),
            Self::Boxed(listener) => listener.local_address(),
        }
    }

    /// Takes the file that goes when the socket is closed. A simulated port has none.
    pub(crate) fn take_file(&mut self) -> Option<SocketFile> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(_, file) => file.take(),
            Self::Boxed(listener) => listener.take_file(),
        }
    }

    /// Takes the descriptor out of the kernel's set, where closing it would not. An error means that it was not in there.
    pub(crate) fn deregister(&mut self, registry: Option<&mio::Registry>) {
        use mio::event::Source;
        let _ = match (self, registry) {
            (Self::Boxed(listener), _) => {
                listener.deregister();
                Ok(())
            }
            (Self::Tcp(listener), Some(registry)) => listener.deregister(registry),
            (Self::Unix(listener, _), Some(registry)) => listener.deregister(registry),
            _ => Ok(()),
        };
    }

    pub(crate) fn register(&mut self, registry: Option<&mio::Registry>, token: Token) -> io::Result<()> {
        use mio::event::Source;
        match (self, registry) {
            (Self::Tcp(listener), Some(registry)) => listener.register(registry, token.into(), Interest::READABLE),
            (Self::Unix(listener, _), Some(registry)) => listener.register(registry, token.into(), Interest::READABLE),
            (Self::Boxed(listener), _) => listener.register(token),
            (Self::Tcp(_) | Self::Unix(..), None) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::Unix(..) => "Unix",
            Self::Boxed(_) => "Boxed",
        })
    }
}
