//! What goes wrong in a world: all of it drawn from the seed, none of it unless asked for.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use rustix::io::Errno;

use crate::address::Address;
use crate::lookup::Family;
use crate::random::Random;
use crate::readiness::Readiness;
use crate::token::Token;

use super::disk_faults::DiskFaults;
use super::link::Links;
use super::name_faults::NameFaults;
use super::poll::HostId;
use super::wall_clocks::WallClocks;

/// The errors of a system that has run out of something (`accept(2)`, `socket(2)`).
const EXHAUSTION: [Errno; 4] = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];

/// What a TCP connection holds of one direction unless a test says otherwise, written and not read yet: from the least that Linux gives
/// under pressure to what its defaults let it grow to (`net.ipv4.tcp_wmem`, `net.ipv4.tcp_rmem`).
const DEFAULT_BUFFERS: RangeInclusive<usize> = 4 << 10..=6 << 20;

/// Events that a wait gives at most, as in the reactor's own loop.
const LARGEST_BATCH: usize = 256;

/// Each fault has a sequence of random numbers of its own, so that leaving one out changes nothing in the others' draws.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    pub(crate) links: Links,
    pub(crate) wall_clocks: WallClocks,
    pub(super) names: NameFaults,
    pub(crate) disks: DiskFaults,
    /// What a connection holds of one direction, in bytes.
    buffers: (RangeInclusive<usize>, Random),
    short_reads: Option<Random>,
    short_writes: Option<Random>,
    reordered_events: Option<Random>,
    spurious_events: Option<(f64, Random)>,
    pub(super) buffer: Option<usize>,
    resets: Option<(f64, Random)>,
    refusals: Option<(f64, Random)>,
    unanswered: Option<(f64, Random)>,
    silences: Option<(f64, Random)>,
    exhaustion: Option<(f64, Random)>,
    interrupts: Option<(f64, Random)>,
    /// The number of a call, and how it is to fail.
    failing_call: Option<(u64, Errno)>,
    /// Calls made so far.
    pub(crate) calls: u64,
    /// How often callbacks are slow, and for how many microseconds.
    slowness: Option<(f64, RangeInclusive<u64>, Random)>,
    /// In microseconds.
    thread_time: Option<(RangeInclusive<u64>, Random)>,
    /// Addresses that swallow what is sent to them.
    black_holes: Vec<IpAddr>,
    event_batches: Option<Random>,
    /// Hosts whose last batch of events was a part of them.
    in_batches: BTreeSet<HostId>,
    timer_order: Option<Random>,
    /// In microseconds.
    boot_time: Option<(RangeInclusive<u64>, Random)>,
}

/// What a loop asks of its system.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum SystemCall {
    Wait,
    Read,
    Write,
    Shutdown,
    Accept,
    Listen,
    Connect,
    Watch,
    Disk,
}

impl SystemCall {
    /// Is this among the errors that Linux gives? They are those of the manual pages `epoll_wait(2)`, `recv(2)`, `send(2)`, `shutdown(2)`,
    /// `accept(2)`, `socket(2)`, `connect(2)` and `epoll_ctl(2)`, of which the ones about wrong arguments are left out.
    fn may_give(self, errno: Errno) -> bool {
        let errors: &[Errno] = match self {
            Self::Wait => &[Errno::INTR],
            Self::Read => &[
                Errno::INTR,
                Errno::AGAIN,
                Errno::CONNRESET,
                Errno::NOMEM,
                Errno::NOBUFS,
                Errno::TIMEDOUT,
                Errno::HOSTUNREACH,
            ],
            Self::Write => &[
                Errno::INTR,
                Errno::AGAIN,
                Errno::CONNRESET,
                Errno::PIPE,
                Errno::NOMEM,
                Errno::NOBUFS,
                Errno::TIMEDOUT,
                Errno::HOSTUNREACH,
            ],
            Self::Shutdown => &[Errno::NOTCONN, Errno::NOBUFS],
            Self::Accept => &[
                Errno::INTR,
                Errno::AGAIN,
                Errno::CONNABORTED,
                Errno::MFILE,
                Errno::NFILE,
                Errno::NOBUFS,
                Errno::NOMEM,
                Errno::TIMEDOUT,
                Errno::PERM,
            ],
            Self::Listen => &[Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM],
            Self::Connect => &[Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::AGAIN, Errno::TIMEDOUT],
            Self::Watch => &[Errno::NOMEM, Errno::NOSPC],
            Self::Disk => &[Errno::IO, Errno::NOSPC],
        };
        errors.contains(&errno)
    }
}

/// What becomes of a client's wish to be connected.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Heard,
    Refused,
    Unanswered,
}

fn hits(fault: Option<&(f64, Random)>) -> bool {
    fault.is_some_and(|(probability, random)| random.chance(*probability))
}

fn draw(microseconds: Option<&(RangeInclusive<u64>, Random)>) -> Duration {
    microseconds.map_or(Duration::ZERO, |(range, random)| Duration::from_micros(random.between(range.clone())))
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            links: Links::new(seed),
            wall_clocks: WallClocks::default(),
            names: NameFaults::default(),
            disks: DiskFaults::new(seed),
            buffers: (DEFAULT_BUFFERS, Random::named(seed, "buffers")),
            short_reads: None,
            short_writes: None,
            reordered_events: None,
            spurious_events: None,
            buffer: None,
            resets: None,
            refusals: None,
            unanswered: None,
            silences: None,
            exhaustion: None,
            interrupts: None,
            failing_call: None,
            calls: 0,
            slowness: None,
            thread_time: None,
            black_holes: Vec::new(),
            event_batches: None,
            in_batches: BTreeSet::new(),
            timer_order: None,
            boot_time: None,
        }
    }

    fn random(&self, name: &str) -> Random {
        Random::named(self.seed, name)
    }

    pub(crate) fn set_buffers(&mut self, bytes: RangeInclusive<usize>) {
        self.buffers.0 = bytes;
    }

    /// Draws what a connection holds of one direction: each doubling of the size is equally likely.
    pub(super) fn buffer_size(&self) -> usize {
        let (range, random) = &self.buffers;
        let (least, most) = ((*range.start()).max(1), *range.end());
        let (low, high) = (u64::from(least.ilog2()), u64::from(most.max(least).ilog2()));
        let power = 1u64 << random.between(low..=high);
        let drawn = power + random.below(power);
        usize::try_from(drawn).unwrap_or(usize::MAX).min(most).max(least)
    }

    pub(crate) fn set_short_reads(&mut self) {
        self.short_reads = Some(self.random("short reads"));
    }

    pub(crate) fn set_short_writes(&mut self) {
        self.short_writes = Some(self.random("short writes"));
    }

    pub(crate) fn set_reordered_events(&mut self) {
        self.reordered_events = Some(self.random("reordered events"));
    }

    pub(crate) fn set_spurious_events(&mut self, probability: f64) {
        self.spurious_events = Some((probability, self.random("spurious events")));
    }

    pub(crate) fn set_buffer(&mut self, bytes: usize) {
        self.buffer = Some(bytes);
    }

    pub(crate) fn set_resets(&mut self, probability: f64) {
        self.resets = Some((probability, self.random("resets")));
    }

    pub(crate) fn set_refusals(&mut self, probability: f64) {
        self.refusals = Some((probability, self.random("refusals")));
    }

    pub(crate) fn set_unanswered(&mut self, probability: f64) {
        self.unanswered = Some((probability, self.random("unanswered")));
    }

    pub(crate) fn set_silences(&mut self, probability: f64) {
        self.silences = Some((probability, self.random("silences")));
    }

    pub(crate) fn set_exhaustion(&mut self, probability: f64) {
        self.exhaustion = Some((probability, self.random("exhaustion")));
    }

    pub(crate) fn set_interrupts(&mut self, probability: f64) {
        self.interrupts = Some((probability, self.random("interrupts")));
    }

    pub(crate) fn set_failing_call(&mut self, number: u64, errno: i32) {
        self.failing_call = Some((number, Errno::from_raw_os_error(errno)));
    }

    pub(crate) fn set_slowness(&mut self, probability: f64, microseconds: RangeInclusive<u64>) {
        self.slowness = Some((probability, microseconds, self.random("slowness")));
    }

    pub(crate) fn set_thread_time(&mut self, microseconds: RangeInclusive<u64>) {
        self.thread_time = Some((microseconds, self.random("thread time")));
    }

    pub(crate) fn set_name_time(&mut self, host: Option<HostId>, family: Family, microseconds: RangeInclusive<u64>) {
        self.names.set_time(self.seed, host, family, microseconds);
    }

    pub(crate) fn set_missing_names(&mut self, host: Option<HostId>, family: Family, probability: f64) {
        self.names.set_missing(self.seed, host, family, probability);
    }

    pub(crate) fn set_unavailable_names(&mut self, host: Option<HostId>, family: Family, probability: f64) {
        self.names.set_unavailable(self.seed, host, family, probability);
    }

    pub(crate) fn set_shuffled_names(&mut self) {
        self.names.set_shuffled(self.seed);
    }

    pub(crate) fn set_stale_names(&mut self, microseconds: RangeInclusive<u64>) {
        self.names.set_stale(self.seed, microseconds);
    }

    pub(crate) fn set_disk_errors(&mut self, probability: f64) {
        self.disks.set_errors(probability, self.seed);
    }

    pub(crate) fn draw_clock_skews(&mut self, milliseconds: RangeInclusive<i64>) {
        self.wall_clocks.draw(milliseconds, self.seed);
    }

    pub(crate) fn set_event_batches(&mut self) {
        self.event_batches = Some(self.random("event batches"));
    }

    /// Draws how many events the next wait of `host` gives at most. After a part of the events comes all of the rest: a turn that polls
    /// again before its timers expire sees everything that had arrived.
    pub(super) fn event_batch(&self, host: HostId) -> usize {
        match &self.event_batches {
            Some(random) if !self.in_batches.contains(&host) => 1 + random.index(LARGEST_BATCH),
            _ => usize::MAX,
        }
    }

    /// Notes whether a batch of `host` was a part of its events.
    pub(super) fn batch_ended(&mut self, host: HostId, is_part: bool) {
        if is_part {
            self.in_batches.insert(host);
        } else if !self.in_batches.is_empty() {
            self.in_batches.remove(&host);
        }
    }

    pub(crate) fn set_boot_time(&mut self, microseconds: RangeInclusive<u64>) {
        self.boot_time = Some((microseconds, self.random("boot time")));
    }

    /// Draws the time from the start of a system to that of its process.
    pub(crate) fn boot_time(&self) -> Duration {
        draw(self.boot_time.as_ref())
    }

    pub(crate) fn set_timer_order(&mut self) {
        self.timer_order = Some(self.random("timer order"));
    }

    pub(crate) fn draws_timer_order(&self) -> bool {
        self.timer_order.is_some()
    }

    /// Draws whether a timer expires before what arrives at the same instant.
    pub(crate) fn timer_goes_first(&self) -> bool {
        self.timer_order.as_ref().is_some_and(|random| random.below(2) == 0)
    }

    pub(crate) fn add_black_hole(&mut self, address: IpAddr) {
        self.black_holes.push(address);
    }

    /// Nothing goes wrong any more from now on, but for what is under way.
    pub(crate) fn clear(&mut self) {
        let buffers = (DEFAULT_BUFFERS, self.buffers.1.clone());
        let disks = self.disks.healed(self.seed);
        *self = Self { calls: self.calls, buffers, disks, ..Self::new(self.seed) };
    }

    /// How long the work of a thread takes.
    pub(super) fn thread_time(&self) -> Duration {
        draw(self.thread_time.as_ref())
    }

    /// How much of `length` a read or a write gets to do, from 1 on.
    fn part(fault: Option<&Random>, length: usize) -> usize {
        match fault {
            Some(random) if length > 1 => match random.below(4) {
                // A single byte is what most parsers get wrong.
                0 => 1,
                1 => 1 + random.index(length),
                2 => length.min(1 + random.index(16)),
                _ => length,
            },
            _ => length,
        }
    }

    pub(super) fn part_of_read(&self, length: usize) -> usize {
        Self::part(self.short_reads.as_ref(), length)
    }

    pub(super) fn part_of_write(&self, length: usize) -> usize {
        Self::part(self.short_writes.as_ref(), length)
    }

    pub(super) fn resets(&self) -> bool {
        hits(self.resets.as_ref())
    }

    pub(super) fn silences(&self) -> bool {
        hits(self.silences.as_ref())
    }

    pub(super) fn fate(&self, to: &Address) -> Fate {
        if to.tcp().is_some_and(|to| self.black_holes.contains(&to.ip())) {
            Fate::Unanswered
        } else if hits(self.refusals.as_ref()) {
            Fate::Refused
        } else if hits(self.unanswered.as_ref()) {
            Fate::Unanswered
        } else {
            Fate::Heard
        }
    }

    /// A call of this kind is made: may it succeed?
    pub(super) fn call(&mut self, call: SystemCall) -> io::Result<()> {
        self.calls += 1;
        match self.failing_call {
            Some((number, errno)) if number == self.calls && call.may_give(errno) => Err(errno.into()),
            _ => Ok(()),
        }
    }

    /// May a call be made that needs a descriptor?
    pub(super) fn descriptor(&self) -> io::Result<()> {
        match &self.exhaustion {
            Some((probability, random)) if random.chance(*probability) => {
                Err(random.pick(&EXHAUSTION).copied().unwrap_or(Errno::MFILE).into())
            }
            _ => Ok(()),
        }
    }

    /// May a call be made, or does a signal come first?
    pub(super) fn interrupt(&self) -> io::Result<()> {
        if hits(self.interrupts.as_ref()) { Err(Errno::INTR.into()) } else { Ok(()) }
    }

    /// For how long the callback that is going to be called keeps its loop busy.
    pub(super) fn slowness(&self) -> Duration {
        match &self.slowness {
            Some((probability, range, random)) if random.chance(*probability) => {
                Duration::from_micros(random.between(range.clone()))
            }
            _ => Duration::ZERO,
        }
    }

    pub(super) fn reorder(&self, events: &mut [(Token, Readiness)]) {
        if let Some(random) = &self.reordered_events {
            random.shuffle(events);
        }
    }

    /// What chooses who is woken for nothing, if somebody is.
    pub(super) fn spurious(&self) -> Option<&Random> {
        self.spurious_events
            .as_ref()
            .filter(|(probability, random)| random.chance(*probability))
            .map(|(_, random)| random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_faults_nothing_takes_time_and_nothing_fails() {
        let faults = Faults::new(1);
        assert_eq!((faults.part_of_read(100), faults.part_of_write(100)), (100, 100));
        assert!(!faults.resets() && !faults.silences() && faults.spurious().is_none());
        assert!(faults.interrupt().is_ok() && faults.descriptor().is_ok());
        assert_eq!(
            (faults.fate(&Address::Tcp(([10, 0, 0, 1], 1).into())), faults.slowness()),
            (Fate::Heard, Duration::ZERO)
        );
    }

    #[test]
    fn parts_are_at_least_a_byte_and_often_one() {
        let mut faults = Faults::new(1);
        faults.set_short_reads();
        let parts: Vec<_> = (0..200).map(|_| faults.part_of_read(100)).collect();
        assert!(parts.iter().all(|part| (1..=100).contains(part)));
        assert!(parts.contains(&1) && parts.contains(&100));
        assert_eq!(faults.part_of_read(1), 1);
    }

    #[test]
    fn leaving_out_one_fault_changes_nothing_in_another() {
        let mut both = Faults::new(9);
        both.set_short_reads();
        both.set_short_writes();
        let mut alone = Faults::new(9);
        alone.set_short_writes();
        for _ in 0..100 {
            let _ = both.part_of_read(1_000);
            assert_eq!(both.part_of_write(1_000), alone.part_of_write(1_000));
        }
    }

    #[test]
    fn small_and_large_buffers_are_equally_likely() {
        let faults = Faults::new(1);
        let sizes: Vec<_> = (0..1_000).map(|_| faults.buffer_size()).collect();
        assert!(sizes.iter().all(|size| DEFAULT_BUFFERS.contains(size)));
        let small = sizes.iter().filter(|size| **size < 128 << 10).count();
        assert!((400..600).contains(&small), "{small}");
        let mut one = Faults::new(1);
        one.set_buffers(100..=100);
        assert_eq!(one.buffer_size(), 100);
    }
}
