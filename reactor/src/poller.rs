//! The real world: mio's poll and the operating system's sockets.

use std::cell::OnceCell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use log::error;
use mio::{Events as MioEvents, Poll, Registry};
use rustix::io::Errno;
use socket2::{Domain, SockRef, Type};

use crate::address::{Address, UnixAddress};
use crate::byte_stream::{Socket, apply_options};
use crate::clock::{Epoch, Time};
use crate::driver::{Acceptor, Driver, Events, Network};
use crate::hosts_file::HostsFile;
use crate::lookup::{Family, Told};
use crate::options::{ConnectOptions, ListenOptions};

/// The token of the waker. No source has it: their generations are never zero.
const NOBODY: mio::Token = mio::Token(0);

/// Events taken from the kernel in one wait. With so many the wait costs an event one instruction; more would only make turns longer,
/// and timers and calls wait for the end of a turn.
const EVENTS: usize = 256;

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
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        loop {
            match self.poll.poll(&mut self.events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    // A signal, and no end to the wait: whoever handles it has a descriptor that ends it.
                    if timeout.is_some() {
                        // Some of the time is over; a turn without events does no harm.
                        self.events.clear();
                        return Ok(());
                    }
                }
                result => return result,
            }
        }
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
        if tcp {
            socket.set_reuse_address(options.reuse_address)?;
            if options.reuse_port {
                socket.set_reuse_port(true)?;
            }
            if matches!(address, Address::Tcp(SocketAddr::V6(_))) {
                socket.set_only_v6(options.ipv6_only)?;
            }
        }
        apply_options(&SockRef::from(&socket), tcp, &options.stream)?;
        if let Some(hook) = &options.before_bind {
            hook(socket.as_fd())?;
        }
        bind(&socket, address, options.mode)?;
        socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
        Ok(if tcp {
            Acceptor::Tcp(mio::net::TcpListener::from_std(socket.into()))
        } else {
            Acceptor::Unix(mio::net::UnixListener::from_std(socket.into()))
        })
    }

    fn connect(&self, address: &Address, options: &ConnectOptions) -> io::Result<Socket> {
        let tcp = matches!(address, Address::Tcp(_));
        let socket = socket2::Socket::new(domain(address), Type::STREAM.nonblocking(), None)?;
        apply_options(&SockRef::from(&socket), tcp, &options.stream)?;
        if let Some(from) = options.bind_address {
            if !tcp {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a Unix socket connects from no IP address"));
            }
            socket.bind(&SocketAddr::new(from, 0).into())?;
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

fn bind(socket: &socket2::Socket, address: &Address, mode: u32) -> io::Result<()> {
    socket.bind(&address.to_sock_addr()?).map_err(|error| explain(error, address))?;
    match address {
        Address::Unix(UnixAddress::Pathname(path)) => {
            // Nobody can connect before `listen`, so the wider mode that the file has until here lets nobody in.
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).inspect_err(|_| {
                // The file is ours and nobody will use it; the error that counts is the one that is given.
                let _ = std::fs::remove_file(path);
            })
        }
        _ => Ok(()),
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
