//! Where a test runs.

use std::cell::Cell;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lariat::{
    Address, ConnectOptions, Factory, ListenOptions, MainLoop, Once, Port, Protocol, Reactor, UnixAddress, testing,
};

use super::{Log, Probe, Scratch};
use crate::certificates::TlsPair;

/// How long [`World::until`] waits in the reactor's time: far longer than any test takes on any machine, and longer than every
/// timeout that Lariat has by default.
const DEADLINE: Duration = Duration::from_secs(90);

/// A driver and a kind of stream.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Ground {
    RealTcp,
    RealUnix,
    SimulatedTcp,
    SimulatedUnix,
    /// TLS over TCP.
    RealTls,
    /// TLS over simulated TCP.
    SimulatedTls,
}

impl Ground {
    /// Are the clock and the network simulated?
    #[must_use]
    pub fn is_simulated(self) -> bool {
        matches!(self, Self::SimulatedTcp | Self::SimulatedUnix | Self::SimulatedTls)
    }

    /// Is it TCP, bare or below TLS?
    #[must_use]
    pub fn is_tcp(self) -> bool {
        matches!(self, Self::RealTcp | Self::SimulatedTcp) || self.is_tls()
    }

    /// Is it TLS?
    #[must_use]
    pub fn is_tls(self) -> bool {
        matches!(self, Self::RealTls | Self::SimulatedTls)
    }
}

/// Runs `test` on every driver, over every kind of stream, in clear and by TLS.
pub fn everywhere(test: impl Fn(World)) {
    in_clear(&test);
    over_tls(&test);
}

/// Runs `test` on every driver, over every kind of stream that is not encrypted: it connects by itself, or counts on what TLS does
/// otherwise.
pub fn in_clear(test: impl Fn(World)) {
    run(&[Ground::SimulatedTcp, Ground::SimulatedUnix, Ground::RealTcp, Ground::RealUnix], test);
}

/// Runs `test` on every driver, over TCP.
pub fn over_tcp(test: impl Fn(World)) {
    run(&[Ground::SimulatedTcp, Ground::RealTcp], test);
}

/// Runs `test` on every driver, over TLS over TCP.
pub fn over_tls(test: impl Fn(World)) {
    run(&[Ground::SimulatedTls, Ground::RealTls], test);
}

/// Runs `test` in simulated worlds alone: it takes long in their time, or counts on what comes when.
pub fn simulated(test: impl Fn(World)) {
    run(&[Ground::SimulatedTcp, Ground::SimulatedUnix], test);
}

/// Runs `test` in the real world alone: it needs descriptors.
pub fn really(test: impl Fn(World)) {
    run(&[Ground::RealTcp, Ground::RealUnix], test);
}

fn run(grounds: &[Ground], test: impl Fn(World)) {
    for ground in grounds.iter().copied() {
        let on = Where(ground);
        test(World::new(ground));
        std::mem::forget(on);
    }
}

/// Says where a test failed, if it does.
struct Where(Ground);

impl Drop for Where {
    fn drop(&mut self) {
        eprintln!("this was on {:?}", self.0);
    }
}

/// A loop, and a network that it lives in.
#[derive(Debug)]
pub struct World {
    /// The loop.
    pub reactor: MainLoop,
    /// What it is made of.
    pub ground: Ground,
    /// Where its socket files are.
    pub scratch: Option<Scratch>,
    /// Who speaks TLS, if anybody does.
    pub tls: Option<TlsPair>,
    sockets: Cell<u32>,
    turns: Cell<usize>,
}

impl World {
    /// A new one.
    ///
    /// # Panics
    ///
    /// When the operating system has no descriptors left.
    #[must_use]
    pub fn new(ground: Ground) -> Self {
        let reactor =
            if ground.is_simulated() { testing::simulated() } else { Reactor::new().expect("a loop is made") };
        let scratch = (ground == Ground::RealUnix).then(Scratch::new);
        let tls = ground.is_tls().then(TlsPair::new);
        Self { reactor, ground, scratch, tls, sockets: Cell::new(0), turns: Cell::new(0) }
    }

    /// An address to listen on that nobody has.
    #[must_use]
    pub fn address(&self) -> Address {
        if self.ground.is_tcp() {
            return Address::Tcp(([127, 0, 0, 1], 0).into());
        }
        self.sockets.set(self.sockets.get() + 1);
        let name = format!("{}.sock", self.sockets.get());
        Address::Unix(UnixAddress::Pathname(match &self.scratch {
            Some(scratch) => scratch.path(name),
            None => name.into(),
        }))
    }

    /// Listens somewhere.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn listen(&self, factory: impl Factory) -> Port {
        self.listen_with(ListenOptions::default(), factory)
    }

    /// Listens somewhere, with options.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn listen_with(&self, mut options: ListenOptions, factory: impl Factory) -> Port {
        if let Some(tls) = &self.tls {
            options = options.tls(&tls.acceptor);
        }
        self.reactor.listen_at(&self.address(), options, factory).expect("the address is free")
    }

    /// Connects to a port of this world.
    ///
    /// # Panics
    ///
    /// When the loop has ended.
    pub fn connect(&self, port: &Port, protocol: impl Protocol) {
        let mut options = ConnectOptions::default();
        if let Some(tls) = &self.tls {
            options = options.tls(tls.to_server());
        }
        self.reactor.connect_at(port.address(), options, Once::new(protocol)).detach();
    }

    /// Makes a connection between a server and a client, and waits until both have heard of it.
    pub fn pair(&mut self, server: Probe, client: Probe) -> Port {
        self.pair_with(ListenOptions::default(), server, client)
    }

    /// Makes a connection as [`pair`](Self::pair) does, with options for the server's end.
    pub fn pair_with(&mut self, options: ListenOptions, server: Probe, client: Probe) -> Port {
        let (server_log, client_log) = (server.log().clone(), client.log().clone());
        let port = self.listen_with(options, Once::new(server));
        self.connect(&port, client);
        self.until("the connection is made", || server_log.is_made() && client_log.is_made());
        port
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.reactor.now()
    }

    /// Turns taken so far.
    #[must_use]
    pub fn turns(&self) -> usize {
        self.turns.get()
    }

    /// Takes one turn, waiting at most so long for events.
    ///
    /// # Panics
    ///
    /// When the loop fails.
    pub fn turn(&mut self, longest: Option<Duration>) {
        self.turns.set(self.turns.get() + 1);
        if let Err(error) = self.reactor.turn(longest) {
            panic!("the loop failed: {error}");
        }
    }

    /// Takes turns until `happened`.
    ///
    /// # Panics
    ///
    /// When it has not within a minute and a half of the reactor's time, or when nothing can happen any more.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut happened: impl FnMut() -> bool) {
        let late = Rc::new(Cell::new(false));
        let watchdog = late.clone();
        let deadline = self.reactor.call_later(DEADLINE, move |_| watchdog.set(true));
        while !happened() {
            assert!(!late.get(), "it never came to this: {what}");
            self.turn(None);
        }
        deadline.cancel();
    }

    /// Takes turns until the connections of all these logs have ended.
    #[track_caller]
    pub fn until_lost(&mut self, logs: &[&Log]) {
        self.until("the connections have ended", || logs.iter().all(|log| log.has("dropped")));
    }

    /// Takes turns while `time` passes, to see what does not happen.
    pub fn pass(&mut self, time: Duration) {
        let over = Rc::new(Cell::new(false));
        let set = over.clone();
        self.reactor.call_later(time, move |_| set.set(true));
        while !over.get() {
            self.turn(None);
        }
    }

    /// Lets everything happen that is going to at once.
    pub fn settle(&mut self) {
        // The loopback delivers within the call that sends, so no time has to pass even in the real world; it is a matter of a few
        // turns. What a test sees after this is what it asserts did *not* happen, so being too quick here never fails a sound one.
        for _ in 0..20 {
            self.turn(Some(Duration::ZERO));
        }
    }
}

/// Returns a TCP port of the loopback address on which nothing listens, from below those that the kernel gives to clients (32768 and up, in
/// `net.ipv4.ip_local_port_range`): no other connection takes it meanwhile. Each call in a process returns another one.
///
/// # Panics
///
/// If 10,000 ports are taken.
#[must_use]
pub fn unused_port() -> u16 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let ports = (0..10_000).map(|_| {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        u16::try_from(20_000 + (std::process::id().wrapping_mul(100).wrapping_add(call)) % 10_000).unwrap_or(20_000)
    });
    let mut free = ports.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().expect("a port below 30,000 is free")
}
