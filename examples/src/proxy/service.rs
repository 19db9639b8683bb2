//! The pool on the network.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use lariat::endpoint::ClientEndpoint;
use lariat::{Error, ErrorKind, Factory, Failure, LogThrottle, Peer, Port, Reactor, Result};
use lariat_protocols::{Relay, RelayOptions, Traffic};
use log::Level;

use super::checks::Checks;
use super::client::Client;
use super::pool::{Pick, Policy, Pool, Report};
use super::statistics::{Statistics, StatisticsPage};
use crate::seats::Seats;
use crate::server::listen_options;

/// How long what a backend has left may take to get to a slow client, and the other way round: as long as either may be idle, within
/// these bounds. The first is what any connection has; the second, for connections that may be idle for ever, what idle ones have by
/// default.
const SHORT_CLOSE: Duration = Duration::from_secs(30);
const LONG_CLOSE: Duration = Duration::from_secs(600);

/// Attempts to reach a backend that failed: each client can cause some.
const FAILED: LogThrottle = LogThrottle::new("lariat_examples::proxy::service");

/// What a proxy may be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the next backend is chosen. Default: each in its turn.
    pub policy: Policy,
    /// How long a backend may take to answer. A description that has a timeout of its own keeps it. Default: 5 s.
    pub connect_timeout: Duration,
    /// After how long without a byte either way a client is given up. Default: 10 minutes.
    pub idle_timeout: Option<Duration>,
    /// How often every backend is checked; never, if none. Default: 5 s.
    pub check_period: Option<Duration>,
    /// How many clients may be connected. Those above are closed at once. Default: 10,000.
    pub max_connections: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Some(Duration::from_secs(600)),
            check_period: Some(Duration::from_secs(5)),
            max_connections: 10_000,
        }
    }
}

/// A proxy, whatever ports it listens on: clones share it.
#[derive(Clone)]
pub struct Proxy(Rc<Shared>);

struct Shared {
    pool: RefCell<Pool>,
    /// Where the backends are, with the timeout, in the pool's order.
    targets: Vec<ClientEndpoint>,
    settings: Settings,
    traffic: Rc<Traffic>,
    begun: Instant,
    seats: Seats,
    accepted: Cell<u64>,
    refused: Cell<u64>,
    unserved: Cell<u64>,
}

impl Proxy {
    /// Starts a proxy for `backends`, endpoint descriptions, and checks them. Clients come through [`listen`](Self::listen).
    ///
    /// # Errors
    ///
    /// A wrong description.
    pub fn begin(reactor: &Reactor, backends: &[String], settings: Settings) -> Result<Self> {
        let target = |backend: &String| {
            ClientEndpoint::parse(backend).map(|target| target.with_default_timeout(settings.connect_timeout))
        };
        let targets = backends.iter().map(target).collect::<Result<Vec<_>>>()?;
        let proxy = Self(Rc::new(Shared {
            pool: RefCell::new(Pool::new(backends.iter().cloned(), settings.policy)),
            targets,
            traffic: Rc::default(),
            begun: reactor.now(),
            seats: Seats::new(settings.max_connections),
            accepted: Cell::new(0),
            refused: Cell::new(0),
            unserved: Cell::new(0),
            settings,
        }));
        if let Some(period) = proxy.0.settings.check_period {
            Checks::begin(reactor, proxy.clone(), period);
        }
        Ok(proxy)
    }

    /// Takes clients where an endpoint description says.
    ///
    /// # Errors
    ///
    /// As for [`Reactor::listen`].
    pub fn listen(&self, reactor: &Reactor, endpoint: &str) -> Result<Port> {
        reactor.listen_with(endpoint, listen_options(), self.clone())
    }

    /// Serves the statistics as text where an endpoint description says.
    ///
    /// # Errors
    ///
    /// As for [`Reactor::listen`].
    pub fn serve_statistics(&self, reactor: &Reactor, endpoint: &str) -> Result<()> {
        let page = self.clone();
        let port = reactor.listen(endpoint, move |_: &Peer| StatisticsPage(page.clone()))?;
        log::info!("the statistics are on {}", port.address());
        Ok(())
    }

    /// What was counted until `now`.
    #[must_use]
    pub fn statistics(&self, now: Instant) -> Statistics {
        let shared = &*self.0;
        Statistics {
            uptime: now.saturating_duration_since(shared.begun),
            clients: shared.seats.taken(),
            max_connections: shared.settings.max_connections,
            accepted: shared.accepted.get(),
            refused: shared.refused.get(),
            unserved: shared.unserved.get(),
            bytes_from_clients: shared.traffic.from_first(),
            bytes_from_backends: shared.traffic.from_second(),
            backends: self.visit(|pool| pool.backends().to_vec()),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the only borrow, and a pool calls nobody")]
    fn visit<T>(&self, visit: impl FnOnce(&mut Pool) -> T) -> T {
        visit(&mut self.0.pool.borrow_mut())
    }

    pub(super) fn targets(&self) -> &[ClientEndpoint] {
        &self.0.targets
    }

    /// Picks a backend for a client that has `tried` others.
    pub(super) fn pick(&self, reactor: &Reactor, tried: &[usize]) -> Option<Lease> {
        let pick = self.visit(|pool| pool.pick(reactor.now(), tried));
        if pick.is_none() {
            add_one(&self.0.unserved);
        }
        pick.map(|pick| Lease { proxy: self.clone(), reactor: reactor.clone(), pick, judged: false })
    }

    /// A check found a backend there.
    pub(super) fn is_there(&self, backend: usize) {
        if self.visit(|pool| pool.is_there(backend)) {
            self.is_back(backend);
        }
    }

    /// A check or an attempt failed.
    pub(super) fn has_failed(&self, backend: usize, failure: &Failure, now: Instant) {
        if failure.is_cancelled() {
            // The client has left, or the reactor has ended.
            return;
        }
        let kind = failure.downcast_ref::<Error>().map(Error::kind);
        let (target, reason) = (self.name(backend), failure.to_string());
        if matches!(
            kind,
            Some(ErrorKind::ResourcesExhausted | ErrorKind::ReactorEnded | ErrorKind::AddressNotAvailable)
        ) {
            // That says nothing of the backend.
            FAILED.log(Level::Warn, format_args!("cannot connect to {target}: {reason}"));
            return;
        }
        match self.visit(|pool| pool.failed(backend, &reason, now)) {
            Report::Down => FAILED.log(Level::Warn, format_args!("{target} is down: {reason}")),
            Report::AnotherReason => {
                FAILED.log(Level::Warn, format_args!("{target} is still down, now because: {reason}"));
            }
            Report::Nothing => log::debug!("{target} is still down: {reason}"),
        }
    }

    fn is_back(&self, backend: usize) {
        log::info!("{} is back", self.name(backend));
    }

    /// A backend as it was given.
    fn name(&self, backend: usize) -> String {
        self.visit(|pool| pool.backends().get(backend).map(|backend| backend.target.clone())).unwrap_or_default()
    }
}

impl Factory for Proxy {
    type Protocol = Client;

    fn build_protocol(&mut self, _: &Peer) -> Option<Client> {
        let Shared { seats, settings, traffic, accepted, refused, .. } = &*self.0;
        let seat = seats.take();
        add_one(if seat.is_some() { accepted } else { refused });
        let idle_timeout = settings.idle_timeout;
        let close_timeout = Some(idle_timeout.map_or(LONG_CLOSE, |idle| idle.max(SHORT_CLOSE)));
        let relay = Relay::new(RelayOptions { idle_timeout, close_timeout, traffic: traffic.clone() });
        Some(Client::new(relay, self.clone(), seat))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("targets", &self.0.targets).finish_non_exhaustive()
    }
}

/// A backend that was picked, until the connection to it is over.
#[derive(Debug)]
pub(super) struct Lease {
    proxy: Proxy,
    reactor: Reactor,
    pick: Pick,
    judged: bool,
}

impl Lease {
    pub(super) fn backend(&self) -> usize {
        self.pick.backend
    }

    /// The backend has answered.
    pub(super) fn succeeded(&mut self) {
        self.judged = true;
        if self.proxy.visit(|pool| pool.succeeded(self.pick.backend)) {
            self.proxy.is_back(self.pick.backend);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.proxy.visit(|pool| pool.released(self.pick, self.judged, self.reactor.now()));
    }
}

fn add_one(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}
