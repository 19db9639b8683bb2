//! Many hosts in one process and one time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use crate::clock::Time;
use crate::contain::{contain, contain_drops};
use crate::error::Result;
use crate::guarded::Guarded;
use crate::random::Random;
use crate::simulated::What;

use super::faults::Faults;
use super::host::Host;
use super::stage::{Planned, Stage};

/// Events of a trace that [`Simulation::trace`] shows.
const SHOWN: usize = 200;

type Action = Box<dyn FnOnce(&Simulation)>;

/// Many hosts, each with a reactor of its own, in one process, on one thread and in one virtual time, with a network between them whose
/// every fault comes from a seed.
///
/// ```
/// use lariat::testing::{Simulation, secs};
/// use lariat::{Once, Peer, Protocol, Transport};
///
/// struct Echo;
///
/// impl Protocol for Echo {
///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
///         transport.write(data);
///     }
/// }
///
/// struct Guest;
///
/// impl Protocol for Guest {
///     fn connection_made(&mut self, transport: &Transport) {
///         transport.write(b"hello");
///     }
///
///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
///         assert_eq!(data, b"hello");
///         transport.close();
///     }
/// }
///
/// Simulation::check(1..=20, |sim: &Simulation| {
///     sim.host("server").reactor().listen("tcp:7000", |_: &Peer| Echo)?;
///     sim.host("client").reactor().connect("tcp:server:7000", Once::new(Guest)).detach();
///     sim.faults().latency(1..=80).partition("client", "server", secs(0)..secs(5));
///     sim.run_until(secs(60))
/// });
/// ```
///
/// # Hosts
///
/// A host is made when it is first [asked for](Self::host). Its name is known to all: `tcp:server:7000` leads to it. Its addresses are
/// `10.0.0.1`, to which its name resolves, and `fd00::1` for the first host, and so on, besides the loopback ones. Further names are
/// [given](Self::name). It reaches itself on all of them, the others on those
/// of the network; a Unix socket is its own alone. Everything that serves connections behaves as it does on Linux; what is missing is
/// what only descriptors have, as with [`simulated`](super::simulated).
///
/// Each host has a [wall clock](crate::Reactor::wall_clock), [random
/// numbers](crate::Reactor::random) and a [disk](crate::disk) of its own. The disk is kept over
/// restarts.
///
/// # Differences from Linux
///
/// Nagle's algorithm has no effect. Keepalive and window probes are sent only while the peer's host is down or the network has forgotten
/// the connection, not in a partition. There is no fast retransmission, and the receive window does not grow. Within a host a client waits for room in a full
/// backlog without asking again. Closed connections leave no `TIME_WAIT`, ports are unique over all hosts, and a crash removes the files of
/// Unix sockets, which have no credentials.
///
/// # Time
///
/// Time stands still while any host has something to do, then jumps to whatever comes first: a timer of some host, or the arrival of
/// what is under way. Hosts that have something to do at the same time take their turns in an order drawn from the seed, and so do
/// [threads](Host::run_in_thread) that are done at the same time.
///
/// # The same seed, the same course
///
/// Every event is traced. [`check`](Self::check) runs its first seed twice and fails if the traces differ. (Of what TLS sends, only how much: its
/// random numbers are the system's. Certificates with Ed25519 keys keep that the same, for their signatures are all of one length.) What a test itself brings in
/// may make them: the order of a `HashMap`, an address in memory, `Instant::now`, other threads, state that outlives one run.
///
/// # What fails
///
/// Besides what the test asserts: a panic in any callback (unless [allowed](Self::allow_panics)); a quarter of a million turns
/// taken while time stands still; a protocol that hears of its connection's end twice, or not at all; a stream that ends with bytes missing;
/// a failure that nobody handled; a connection, timer, call, deferred or socket that is left when a reactor has ended. On request, a
/// Deferred that [never fired](Self::fail_on_pending_deferreds) and a queue that [only grew](Self::fail_on_growing_queues).
#[doc(alias = "Clock")]
#[doc(alias = "MemoryReactor")]
pub struct Simulation {
    seed: u64,
    random: Random,
    pub(super) stage: Stage,
    /// Calls that are planned, by their numbers.
    calls: Guarded<BTreeMap<u64, Action>>,
}

/// So many seconds.
///
/// ```
/// assert_eq!(lariat::testing::secs(2), std::time::Duration::from_millis(2000));
/// ```
#[must_use]
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Simulation {
    /// A simulation without hosts. Most tests have [`check`](Self::check) make one for each seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::without(seed, BTreeSet::new())
    }

    /// A simulation in which some faults are not to be, of those that will be asked for.
    pub(super) fn without(seed: u64, left_out: BTreeSet<usize>) -> Self {
        let random = Random::named(seed, "user");
        Self { seed, random, stage: Stage::new(seed, left_out), calls: Guarded::new(BTreeMap::new()) }
    }

    /// Where everything random comes from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Random numbers from the seed, for the test's own use: always the same sequence, whatever faults there are.
    #[must_use]
    pub fn random(&self) -> Random {
        self.random.clone()
    }

    /// The host of this name, which is made if there is none. Upper and lower case are the same. To be of use in endpoint descriptions
    /// it has to look like a host's name.
    pub fn host(&self, name: &str) -> Host<'_> {
        Host::new(&self.stage, self.stage.place(name))
    }

    /// Gives a name these addresses, best first, whether or not a host has it: for hosts with several addresses, and names that lead to
    /// several hosts. A later call replaces an earlier one.
    ///
    /// ```
    /// use lariat::testing::Simulation;
    /// use lariat::{Once, Peer, Protocol, Transport};
    ///
    /// struct Silent;
    ///
    /// impl Protocol for Silent {
    ///     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
    /// }
    ///
    /// Simulation::check(1..=10, |sim: &Simulation| {
    ///     sim.host("server").reactor().listen("tcp:80", |_: &Peer| Silent)?;
    ///     sim.name("www.test", ["fd00::1".parse().unwrap(), "10.0.0.1".parse().unwrap()]);
    ///     sim.host("client").reactor().connect("tcp:www.test:80", Once::new(Silent)).detach();
    ///     sim.run()
    /// });
    /// ```
    pub fn name(&self, name: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        let addresses = addresses.into_iter().collect();
        self.stage.sockets(|sockets| sockets.roster.name(name, addresses, sockets.clock));
    }

    /// Gives a name these addresses as one host sees it, as a file `hosts(5)` or a split view of
    /// the DNS does. The host `host` is made if there is none. A later call replaces an earlier
    /// one, and [`name`](Self::name) does not change it. It is never stale.
    ///
    /// ```
    /// use lariat::testing::Simulation;
    ///
    /// Simulation::check(1..=3, |sim: &Simulation| {
    ///     sim.name("db.test", ["10.0.0.1".parse().unwrap()]);
    ///     sim.name_on("standby", "db.test", ["10.0.0.2".parse().unwrap()]);
    ///     sim.run()
    /// });
    /// ```
    pub fn name_on(&self, host: &str, name: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        let (addresses, host) = (addresses.into_iter().collect(), self.stage.id(self.stage.place(host)));
        self.stage.sockets(|sockets| sockets.roster.name_on(host, name, addresses));
    }

    /// Gives the names of all hosts their IPv6 addresses besides the IPv4 ones, so that clients
    /// choose between the families (RFC 8305). Default: IPv4 alone.
    pub fn name_hosts_in_both_families(&self) {
        self.stage.sockets(|sockets| sockets.roster.has_both_families = true);
    }

    /// What is to go wrong.
    pub fn faults(&self) -> Faults<'_> {
        Faults::new(&self.stage)
    }

    /// How much time has passed since the beginning.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.stage.world.now().since(Time::default())
    }

    /// Sets the time of day at the present moment: that of every host but for its
    /// [skew](Faults::clock_skew). Default: a start drawn from the seed, from 2024 to 2033.
    /// Monotonic time and timers do not move.
    ///
    /// ```
    /// use lariat::testing::{Simulation, secs};
    /// use std::time::SystemTime;
    ///
    /// Simulation::check(1..=3, |sim: &Simulation| {
    ///     let reactor = sim.host("server").reactor();
    ///     sim.set_wall_clock(SystemTime::UNIX_EPOCH + secs(946_684_799));
    ///     sim.run_until(secs(1))?;
    ///     assert_eq!(reactor.wall_clock(), SystemTime::UNIX_EPOCH + secs(946_684_800));
    ///     Ok(())
    /// });
    /// ```
    pub fn set_wall_clock(&self, time: SystemTime) {
        self.stage.world.set_wall_clock(time);
    }

    /// Calls `action` when so much time has passed since the beginning, between turns: to crash a host, to look at what has come
    /// about, to change what goes wrong. A time that has passed already is now.
    pub fn at(&self, time: Duration, action: impl FnOnce(&Self) + 'static) {
        let number = self.stage.plan(time, Planned::Call);
        self.calls.with(|calls| calls.insert(number, Box::new(action)));
    }

    /// How many calls all hosts have made of their systems so far: those that [`failing_call`](Faults::failing_call) counts.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.stage.sockets(|sockets| sockets.faults.calls)
    }

    /// Writes `text` into the trace.
    pub fn note(&self, text: &str) {
        self.stage.sockets(|sockets| sockets.note(None, None, What::Note(text.into())));
    }

    /// The end of the trace, one event a line: when, where, on which connection, what.
    #[must_use]
    pub fn trace(&self) -> String {
        self.tail(SHOWN)
    }

    pub(super) fn tail(&self, count: usize) -> String {
        self.stage.sockets(|sockets| sockets.trace.as_ref().map_or(String::new(), |trace| trace.tail(count)))
    }

    /// The whole trace in short: equal for equal courses, on every machine and in every build.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.stage.sockets(|sockets| sockets.fingerprint())
    }

    /// Keeps all of the trace, for a comparison.
    pub(super) fn keep_all(&self) {
        self.stage.sockets(|sockets| {
            if let Some(trace) = &mut sockets.trace {
                trace.keep_all();
            }
        });
    }

    /// Where the traces of two simulations begin to differ, if both have kept all.
    pub(super) fn difference(&self, other: &Self) -> Option<(usize, String, String)> {
        let (ours, theirs) = (&self.stage, &other.stage);
        ours.sockets(|ours| theirs.sockets(|theirs| ours.trace.as_ref()?.difference(theirs.trace.as_ref()?)))
    }

    /// Panics in callbacks, which the reactor contains, are not to count as failures: for tests of just that.
    pub fn allow_panics(&self) {
        self.stage.allows_panics.set(true);
    }

    /// One host takes one turn; before that, if none has anything to do, time moves on. Returns whether one did: not, if nothing is left
    /// to happen.
    ///
    /// # Errors
    ///
    /// When something has gone wrong that always counts as wrong: see [above](Self#what-fails). Each later call gives the same error.
    pub fn turn(&self) -> Result<bool> {
        self.step(None)
    }

    /// Takes turns until nothing is left to happen. It waits, in real time and at most a minute, for other threads that can still
    /// [call](crate::Remote::call) into a host or wake a task of one.
    ///
    /// # Errors
    ///
    /// As for [`turn`](Self::turn).
    pub fn run(&self) -> Result<()> {
        loop {
            while self.step(None)? {}
            if !self.stage.wait_for_threads() {
                return Ok(());
            }
        }
    }

    /// Takes turns until so much time has passed since the beginning. What is due at that moment still happens.
    ///
    /// # Errors
    ///
    /// As for [`turn`](Self::turn).
    pub fn run_until(&self, time: Duration) -> Result<()> {
        let end = Time::default().after(time);
        while self.step(Some(end))? {}
        self.stage.advance(end);
        Ok(())
    }

    /// Ends every reactor and looks whether anything is left. [`check`](Self::check) does so by itself.
    ///
    /// # Errors
    ///
    /// As for [`turn`](Self::turn); besides, when something is left.
    pub fn finish(self) -> Result<()> {
        self.stage.judge();
        self.end();
        self.stage.look()?;
        self.stage.look_for_leftovers()
    }

    pub(super) fn end(&self) {
        self.stage.end();
        contain_drops(self.calls.with(std::mem::take).into_values());
    }

    /// A turn, if there is one to take by `end`.
    fn step(&self, end: Option<Time>) -> Result<bool> {
        self.stage.look()?;
        loop {
            let now = self.stage.world.now();
            self.stage.deliver(now);
            if let Some(planned) = self.stage.due(now) {
                self.perform(planned);
                self.stage.look()?;
                continue;
            }
            match self.stage.survey() {
                (Some(actor), _) => {
                    self.stage.serve(actor)?;
                    return Ok(true);
                }
                (None, Some(next)) if end.is_none_or(|end| next <= end) => match self.stage.advance_to_timer(next) {
                    Some(actor) => {
                        self.stage.serve(actor)?;
                        return Ok(true);
                    }
                    None => self.stage.advance(next),
                },
                _ => return Ok(false),
            }
        }
    }

    fn perform(&self, planned: Planned) {
        match planned {
            Planned::Crash(place) => self.stage.crash(place),
            Planned::Kill(place) => self.stage.kill(place),
            Planned::Pause(place, until) => {
                let id = self.stage.id(place);
                self.stage.world.pause(id, until);
            }
            Planned::Boot(place) => self.stage.boot(place),
            Planned::Restart(place) => self.stage.restart(place),
            Planned::Call(number) => {
                if let Some(action) = self.calls.with(|calls| calls.remove(&number)) {
                    // A panic is looked for after each.
                    let _ = contain(|| "an action of the simulation", || action(self));
                }
            }
        }
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("seed", &self.seed)
            .field("now", &self.now())
            .field("hosts", &self.stage.names())
            .finish()
    }
}
