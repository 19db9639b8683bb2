//! The real world: mio's poll and the operating system's sockets.

use std::cell::OnceCell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

use log::{error, warn};
use mio::{Events as MioEvents, Poll, Registry};
use rustix::io::Errno;
use socket2::{Domain, SockRef, Type};

use crate::address::{Address, UnixAddress};
use crate::byte_stream::Socket;
use crate::clock::{Epoch, Time, system_wall_clock};
use crate::driver::{Acceptor, Driver, Events, Network};
use crate::hosts_file::HostsFile;
use crate::lookup::{Family, Told};
use crate::options::{ConnectOptions, ListenOptions};
use crate::random::system_seed;
use crate::socket_file::{self, SocketFile};
use crate::socket_options::{apply_listen_options, apply_options, backlog_failed, hook_failed};

/// The token of the waker. No source has it: their generations are never zero.
const NOBODY: mio::Token = mio::Token(0);

/// Events taken from the kernel in one wait. With so many the wait costs an event one instruction; more would only make turns longer,
/// and timers and calls wait for the end of a turn.
pub(crate) const EVENTS: usize = 256;

/// Where the system keeps names of its own (`hosts(5)`).
const HOSTS_FILE: &str = "/etc/hosts";

#[derive(Debug)]
pub(crate) struct Poller {
    poll: Poll,
    events: MioEvents,
    network: Rc<Sockets>,
}

#[derive(Debug)]
struct Sockets {
    epoch: Epoch,
    registry: Registry,
    /// Made when somebody first asks for it.
    waker: OnceCell<Arc<mio::Waker>>,
    hosts_file: HostsFile,
}

/// What other threads have of the waker: a reactor that is gone leaves no descriptor behind with them.
struct Bell(Weak<mio::Waker>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(waker) = self.0.upgrade()
            && let Err(error) = waker.wake()
        {
            error!("could not wake a reactor's thread: {error}");
        }
    }
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        Ok(Self {
            poll,
            events: MioEvents::with_capacity(EVENTS),
            network: Rc::new(Sockets {
                epoch: Epoch::new(),
                registry,
                waker: OnceCell::new(),
                hosts_file: HostsFile::new(HOSTS_FILE),
            }),
        })
    }
}

impl Driver for Poller {
    fn wait(&mut self, since: Time, mut timeout: Option<Duration>) -> io::Result<Option<Time>> {
        let mut waited = timeout;
        while let Err(error) = self.poll.poll(&mut self.events, timeout) {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
            // A signal does not end the wait; its handler has a descriptor that does. How much of the timeout has passed is not
            // known, and a stopped process may have slept past it with input waiting. So look again, without waiting.
            if timeout.is_some() {
                (timeout, waited) = (Some(Duration::ZERO), None);
            }
        }
        Ok(match self.events.iter().count() {
            EVENTS.. => None,
            // The kernel looks for events a last time when the timeout has passed.
            0 => Some(waited.map_or(since, |waited| since.after(waited))),
            _ => Some(since),
        })
    }

    fn events(&self) -> Events<'_> {
        Events::Polled(&self.events)
    }

    fn network(&self) -> Rc<dyn Network> {
        self.network.clone()
    }
}

impl Network for Sockets {
    fn now(&self) -> Time {
        self.epoch.now()
    }

    fn instant(&self, time: Time) -> Instant {
        self.epoch.instant(time)
    }

    fn wall_clock(&self) -> SystemTime {
        system_wall_clock()
    }

    fn random_seed(&self) -> u64 {
        system_seed()
    }

    fn registry(&self) -> Option<&Registry> {
        Some(&self.registry)
    }

    fn waker(&self) -> io::Result<Waker> {
        if self.waker.get().is_none() {
            // A registry takes one waker, and one whose making failed counts. So look first whether a descriptor is to be had.
            drop(self.registry.try_clone()?);
            let waker = Arc::new(mio::Waker::new(&self.registry, NOBODY)?);
            // There was none, and nobody else is on this thread.
            let _ = self.waker.set(waker);
        }
        let waker = self.waker.get().map(Arc::downgrade).unwrap_or_default();
        Ok(Arc::new(Bell(waker)).into())
    }

    fn look_up(&self, name: &str, family: Family) -> Option<Told> {
        let addresses = self.hosts_file.look_up(name, family)?;
        Some(Told { addresses: Ok(addresses), after: Duration::ZERO })
    }

    fn listen(&self, address: &Address, options: &ListenOptions) -> io::Result<Acceptor> {
        let tcp = matches!(address, Address::Tcp(_));
        let socket = socket2::Socket::new(domain(address), Type::STREAM.nonblocking(), None)?;
        let options_of = SockRef::from(&socket);
        if let Address::Tcp(address) = address {
            apply_listen_options(&options_of, address.is_ipv6(), options)?;
        }
        apply_options(&options_of, tcp, &options.stream)?;
        if let Some(hook) = &options.before_bind {
            hook(socket.as_fd()).map_err(hook_failed)?;
        }
        let sock_addr = address.to_sock_addr()?;
        let path = address.path();
        match path {
            Some(_) => socket_file::bind(&socket, &sock_addr, options.mode),
            None => socket.bind(&sock_addr),
        }
        .map_err(|error| explain(error, address))?;
        let file = path.and_then(|path| SocketFile::find(&socket, path));
        if let Err(error) = socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX)) {
            // The error that counts is the one that is given.
            drop(file.map(|file| file.remove()));
            return Err(backlog_failed(options.backlog, error));
        }
        if let Address::Unix(UnixAddress::Abstract(_)) = address {
            warn!(
                "{address} has no permissions: every process of this network namespace can connect to it. Listen on a \
                 file, or decide by the credentials of the peer"
            );
        }
        Ok(if tcp {
            Acceptor::Tcp(mio::net::TcpListener::from_std(socket.into()))
        } else {
            Acceptor::Unix(mio::net::UnixListener::from_std(socket.into()), file)
        })
    }

    fn connect(&self, address: &Address, options: &ConnectOptions) -> io::Result<Socket> {
        let tcp = matches!(address, Address::Tcp(_));
        let socket = socket2::Socket::new(domain(address), Type::STREAM.nonblocking(), None)?;
        apply_options(&SockRef::from(&socket), tcp, &options.stream)?;
        if let Some(from) = address.tcp().and_then(|to| options.bind_to(to)) {
            if options.bind_port != 0 {
                // Several attempts, and connections to several peers, may leave from one port.
                socket.set_reuse_address(true)?;
            }
            socket.bind(&from.into()).map_err(|error| options.bind_failed(from, error))?;
        }
        match socket.connect(&address.to_sock_addr()?) {
            Err(error) if error.raw_os_error() != Some(Errno::INPROGRESS.raw_os_error()) => return Err(error),
            _ => {}
        }
        Ok(if tcp {
            Socket::Tcp(mio::net::TcpStream::from_std(socket.into()))
        } else {
            Socket::Unix(mio::net::UnixStream::from_std(socket.into()))
        })
    }
}

fn domain(address: &Address) -> Domain {
    match address {
        Address::Tcp(SocketAddr::V4(_)) => Domain::IPV4,
        Address::Tcp(SocketAddr::V6(_)) => Domain::IPV6,
        Address::Unix(_) => Domain::UNIX,
    }
}

/// Says what is in the way of a Unix socket's file, rather than leave the operator with the kernel's word for it. The file outlives
/// a server that was killed, but not every file in the way is such a one.
fn explain(error: io::Error, address: &Address) -> io::Error {
    let Address::Unix(UnixAddress::Pathname(path)) = address else { return error };
    match error.kind() {
        // The kind alone would say that nobody listens, which is what it means to who connects.
        io::ErrorKind::NotFound => io::Error::new(io::ErrorKind::InvalidInput, "its directory does not exist"),
        io::ErrorKind::AddrInUse => io::Error::new(io::ErrorKind::AddrInUse, obstacle(path, address)),
        _ => error,
    }
}

fn obstacle(path: &Path, address: &Address) -> &'static str {
    if !std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
        return "a file that is no socket is in the way";
    }
    // Without blocking: a server that is there but busy would keep us waiting.
    let probe = socket2::Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)
        .and_then(|probe| probe.connect(&address.to_sock_addr()?));
    if probe.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        "a stale socket file is in the way: no process listens on it, so it can be removed"
    } else {
        "the file exists and is in use"
    }
}
