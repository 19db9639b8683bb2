//! The world that simulated reactors live in.

use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::clock::{Epoch, Time};
use crate::disk_operation::{DiskAnswer, DiskOperation};
use crate::driver::Work;
use crate::guarded::Guarded;
use crate::random::Random;

use super::bell::Bell;
use super::clock::Clock;
use super::disk::Disk;
use super::poll::HostId;
use super::sockets::Sockets;
use super::trace::Trace;

/// The time of day at which a world without a seed begins: 2024-01-01 00:00:00 UTC.
const START: Duration = Duration::from_secs(1_704_067_200);

/// The latest start of a world with a seed, in seconds after that: ten years.
const LATEST_START: u64 = 10 * 365 * 24 * 60 * 60;

/// A clock, sockets, and what connects them, shared by all that live in it.
///
/// Nothing in it depends on the order of a hash, on an address in memory or on the real time: the same calls get the same answers.
#[derive(Debug)]
pub(crate) struct World {
    /// What the standard library's clock showed at the beginning. Only differences to it can be seen.
    epoch: Epoch,
    clock: Guarded<Clock>,
    /// The time of day at the beginning.
    start: Guarded<SystemTime>,
    seed: u64,
    sockets: Guarded<Sockets>,
    hosts: Guarded<Vec<Pace>>,
    /// The disks of hosts that have used theirs.
    disks: Guarded<BTreeMap<HostId, Disk>>,
    /// What threads are at work on, with the time when it is done.
    works: Guarded<Vec<(Time, HostId, Work)>>,
    /// Somebody moves the clock and has the hosts take their turns; else the one host does.
    pub(super) is_directed: bool,
    /// What threads ring.
    pub(crate) bell: Bell,
}

/// How a host keeps up with the world's clock.
#[derive(Debug)]
struct Pace {
    /// When the callback that runs, or ran last, is over: later than the world's time while it takes time.
    busy_until: Time,
    /// Between its turns a host's clock stands where its last turn ended: a loop that sleeps is not busy.
    resting_since: Option<Time>,
    /// How long the callbacks take that come once the loop has looked at the clock.
    work: Duration,
    /// The seeds of its reactors' random numbers, one for each that asks.
    seeds: Random,
}

impl World {
    /// A world for one host that moves the clock itself, and has every address.
    pub(crate) fn new() -> Rc<Self> {
        Self::open(Clock::default())
    }

    /// The same, but time passes only for those who wait for it.
    pub(crate) fn still() -> Rc<Self> {
        Self::open(Clock::still())
    }

    fn open(clock: Clock) -> Rc<Self> {
        let world = Self::with(clock, 0, false);
        world.sockets.with(|sockets| sockets.roster.is_open = true);
        Rc::new(world)
    }

    /// A world for many hosts, whose clock moves when it is told to.
    pub(crate) fn directed(seed: u64) -> Rc<Self> {
        let world = Self::with(Clock::default(), seed, true);
        world.sockets.with(|sockets| sockets.trace = Some(Trace::default()));
        Rc::new(world)
    }

    fn with(clock: Clock, seed: u64, is_directed: bool) -> Self {
        let start = UNIX_EPOCH + if is_directed { drawn_start(seed) } else { START };
        Self {
            epoch: Epoch::new(),
            clock: Guarded::new(clock),
            start: Guarded::new(start),
            seed,
            sockets: Guarded::new(Sockets::new(seed)),
            hosts: Guarded::new(Vec::new()),
            disks: Guarded::new(BTreeMap::new()),
            works: Guarded::new(Vec::new()),
            is_directed,
            bell: Bell::new(),
        }
    }

    pub(super) fn new_host(&self, name: &str) -> HostId {
        let seeds = Random::named(self.seed, &format!("random numbers of {}", name.to_ascii_lowercase()));
        self.hosts.with(|hosts| {
            hosts.push(Pace { busy_until: Time::default(), resting_since: None, work: Duration::ZERO, seeds });
        });
        self.sockets.with(|sockets| {
            if let Some(trace) = &mut sockets.trace {
                trace.name_host(name);
            }
            sockets.roster.add(name)
        })
    }

    /// What the world's clock shows.
    pub(crate) fn now(&self) -> Time {
        self.clock.with(|clock| clock.now())
    }

    /// What the clock of `host` shows.
    pub(crate) fn now_on(&self, host: HostId) -> Time {
        let time = self.now();
        self.pace(host, |pace| pace.resting_since.unwrap_or(time.max(pace.busy_until))).unwrap_or(time)
    }

    pub(super) fn instant(&self, time: Time) -> Instant {
        self.epoch.instant(time)
    }

    /// The time of day on `host`.
    pub(super) fn wall_clock(&self, host: HostId) -> SystemTime {
        let now = self.now_on(host);
        let right = self.start.with(|start| *start) + now.since(Time::default());
        self.sockets.with(|sockets| sockets.faults.wall_clocks.shown(host, now, right))
    }

    /// Sets the time of day at the present moment.
    pub(crate) fn set_wall_clock(&self, time: SystemTime) {
        let passed = self.now().since(Time::default());
        self.start.with(|start| *start = time.checked_sub(passed).unwrap_or(time));
    }

    /// A seed for the random numbers of a reactor on `host`.
    pub(super) fn random_seed(&self, host: HostId) -> u64 {
        self.pace(host, |pace| pace.seeds.next()).unwrap_or_default()
    }

    /// Visits the disk of `host`.
    pub(super) fn with_disk<R>(&self, host: HostId, visit: impl FnOnce(&mut Disk) -> R) -> R {
        let new = || Disk::new(Random::named(self.seed, &format!("disk of host {}", host.index())));
        self.disks.with(|disks| visit(disks.entry(host).or_insert_with(new)))
    }

    /// Begins an operation on the disk of `host`. Returns its number, and how long it takes.
    pub(super) fn begin_on_disk(&self, host: HostId, operation: DiskOperation) -> (u64, Duration) {
        let (fault, time) = self.on(host, |sockets| sockets.begin_on_disk(host, &operation));
        // A `VirtualClock` moves time only when the test does.
        let time = if self.is_directed { time } else { Duration::ZERO };
        (self.with_disk(host, |disk| disk.begin(operation, fault)), time)
    }

    pub(super) fn end_on_disk(&self, host: HostId, number: u64) -> io::Result<DiskAnswer> {
        let space = self.sockets.with(|sockets| sockets.faults.disks.space(host));
        self.with_disk(host, |disk| disk.end(number, space))
    }

    /// The process of `host` is gone.
    pub(crate) fn abandon_disk(&self, host: HostId) {
        self.disks.with(|disks| disks.get_mut(&host).map(Disk::process_gone));
    }

    /// The power of `host` goes off.
    pub(crate) fn power_off_disk(&self, host: HostId) {
        self.disks.with(|disks| disks.get_mut(&host).map(Disk::power_off));
    }

    pub(crate) fn sleep(&self, delay: Duration) {
        self.clock.with(|clock| clock.sleep(delay));
    }

    /// Moves the clock on, and delivers what arrives by then.
    pub(crate) fn advance(&self, time: Time) {
        self.move_clock(time);
        self.sockets.with(Sockets::arrive);
    }

    /// Moves the clock on, and delivers nothing yet.
    pub(crate) fn move_clock(&self, time: Time) {
        self.clock.with(|clock| clock.advance(time));
        let now = self.now();
        self.sockets.with(|sockets| (sockets.clock, sockets.now) = (now, now));
    }

    fn pace<R>(&self, host: HostId, visit: impl FnOnce(&mut Pace) -> R) -> Option<R> {
        self.hosts.with(|hosts| hosts.get_mut(host.index()).map(visit))
    }

    /// `host` is about to take a turn, after one that ended at `since`.
    pub(crate) fn rest(&self, host: HostId, since: Time) {
        self.pace(host, |pace| pace.resting_since = Some(since));
    }

    /// `host` has slept enough.
    pub(super) fn begin_turn(&self, host: HostId) {
        self.pace(host, |pace| pace.resting_since = None);
    }

    /// `host` takes no turn before `time`. Its system goes on.
    pub(crate) fn pause(&self, host: HostId, time: Time) {
        self.pace(host, |pace| pace.busy_until = pace.busy_until.max(time));
    }

    /// `host` may take its turn now.
    pub(crate) fn end_pause(&self, host: HostId) {
        self.pace(host, |pace| pace.busy_until = Time::default());
    }

    /// Until when the callbacks of `host` that ran so far take.
    pub(crate) fn busy_until(&self, host: HostId) -> Time {
        self.pace(host, |pace| pace.busy_until).unwrap_or_default()
    }

    /// A loop looks at its clock. Whatever it does after that may take time.
    pub(super) fn look_at_clock(&self, host: HostId) -> Time {
        let now = self.now_on(host);
        self.pace(host, |pace| {
            let work = std::mem::take(&mut pace.work);
            if !work.is_zero() {
                pace.busy_until = now.after(work);
            }
        });
        now
    }

    /// The loop of `host` is going to be at work without having read anything.
    pub(super) fn work_later(&self, host: HostId) {
        let slowness = self.sockets.with(|sockets| sockets.faults.slowness());
        self.pace(host, |pace| pace.work = slowness);
    }

    /// A callback of `host` is about to be called, which may take its time.
    pub(super) fn work(&self, host: HostId) {
        self.work_later(host);
        self.look_at_clock(host);
    }

    /// Has a thread of `host` begin with `work`.
    pub(super) fn add_work(&self, host: HostId, work: Work) -> Result<(), Work> {
        let done = self.now_on(host).after(self.sockets.with(|sockets| sockets.faults.thread_time()));
        self.works.with(|works| works.push((done, host, work)));
        Ok(())
    }

    /// How many threads are done by now, and when the next one will be.
    pub(crate) fn works(&self) -> (usize, Option<Time>) {
        let now = self.now();
        self.works.with(|works| {
            let done = works.iter().filter(|(done, ..)| *done <= now).count();
            (done, works.iter().map(|(done, ..)| *done).min())
        })
    }

    /// Takes the work of one of the threads that are done, by its number among them.
    pub(crate) fn take_work(&self, number: usize) -> Option<(HostId, Work)> {
        let now = self.now();
        self.works.with(|works| {
            let mut done = works.iter().enumerate().filter(|(_, (done, ..))| *done <= now);
            let (place, _) = done.nth(number)?;
            let (_, host, work) = works.remove(place);
            Some((host, work))
        })
    }

    /// Takes all work of `host`, or of all, which will never be done.
    pub(crate) fn take_all_work(&self, host: Option<HostId>) -> Vec<Work> {
        let is_taken = |at: HostId| host.is_none_or(|host| host == at);
        let (taken, left) =
            self.works.with(std::mem::take).into_iter().partition::<Vec<_>, _>(|(_, at, _)| is_taken(*at));
        self.works.with(|works| *works = left);
        taken.into_iter().map(|(.., work)| work).collect()
    }

    /// Visits the sockets on behalf of `host`.
    pub(super) fn on<R>(&self, host: HostId, visit: impl FnOnce(&mut Sockets) -> R) -> R {
        let (clock, now) = (self.now(), self.now_on(host));
        self.sockets.with(|sockets| {
            (sockets.clock, sockets.now) = (clock, now);
            visit(sockets)
        })
    }

    /// Visits the sockets on nobody's behalf.
    pub(crate) fn direct<R>(&self, visit: impl FnOnce(&mut Sockets) -> R) -> R {
        let now = self.now();
        self.sockets.with(|sockets| {
            (sockets.clock, sockets.now) = (now, now);
            visit(sockets)
        })
    }
}

/// The time of day at which the world of this seed begins, since 1970.
fn drawn_start(seed: u64) -> Duration {
    let random = Random::named(seed, "start of the wall clock");
    START + Duration::from_secs(random.below(LATEST_START)) + Duration::from_nanos(random.below(1_000_000_000))
}
