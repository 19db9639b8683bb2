//! Faults of wall clocks and of names.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::clock::Time;
use crate::names::Family;
use crate::simulated::HostId;

use super::faults::Faults;

/// Faults of wall clocks. The [wall clock](crate::Reactor::wall_clock) of a host deviates by the
/// sum of them. Monotonic time, timers and the other hosts do not move.
impl Faults<'_> {
    /// The wall clock of `host` is ahead by this number of milliseconds, or behind if the number
    /// is negative. Default: 0.
    ///
    /// ```
    /// use lariat::testing::Simulation;
    /// use std::time::Duration;
    ///
    /// Simulation::check(1..=3, |sim: &Simulation| {
    ///     let (one, other) = (sim.host("one").reactor(), sim.host("other").reactor());
    ///     sim.faults().clock_skew("one", -2_500);
    ///     assert_eq!(one.wall_clock() + Duration::from_millis(2_500), other.wall_clock());
    ///     Ok(())
    /// });
    /// ```
    pub fn clock_skew(&self, host: &str, milliseconds: i64) -> &Self {
        let id = self.host_id(host);
        self.set(format!("clock_skew({host:?}, {milliseconds})"), |faults| {
            faults.wall_clocks.set_skew(id, milliseconds);
        })
    }

    /// The wall clock of every host is ahead by a number of milliseconds that is drawn for it from
    /// this range, or behind if that is negative. Default: 0.
    pub fn clock_skews(&self, milliseconds: RangeInclusive<i64>) -> &Self {
        let label = format!("clock_skews({}..={})", milliseconds.start(), milliseconds.end());
        self.set(label, |faults| faults.draw_clock_skews(milliseconds))
    }

    /// The wall clock of `host` jumps ahead by this number of milliseconds at the time `at` since
    /// the beginning, or back if the number is negative. Several jumps add up.
    ///
    /// ```
    /// use lariat::testing::{Simulation, secs};
    ///
    /// Simulation::check(1..=3, |sim: &Simulation| {
    ///     let reactor = sim.host("server").reactor();
    ///     sim.faults().clock_jump("server", secs(10), 86_400_000);
    ///     let before = reactor.wall_clock();
    ///     sim.run_until(secs(10))?;
    ///     assert_eq!(reactor.wall_clock(), before + secs(10 + 86_400));
    ///     Ok(())
    /// });
    /// ```
    pub fn clock_jump(&self, host: &str, at: Duration, milliseconds: i64) -> &Self {
        let (id, time) = (self.host_id(host), Time::default().after(at));
        self.set(format!("clock_jump({host:?}, {at:?}, {milliseconds})"), |faults| {
            faults.wall_clocks.add_jump(id, time, milliseconds);
        })
    }

    /// The wall clock of `host` gains `ppm` microseconds each second from now on, or loses them if
    /// `ppm` is negative: parts per million. Quartz oscillators are within about 100. Default: 0.
    pub fn clock_drift(&self, host: &str, ppm: i32) -> &Self {
        let (id, now) = (self.host_id(host), Time::default().after(self.stage().since_beginning()));
        self.set(format!("clock_drift({host:?}, {ppm})"), |faults| faults.wall_clocks.set_drift(id, ppm, now))
    }
}

/// Faults of names. Those of one host come in addition to those of all.
impl Faults<'_> {
    /// After a name was given [other addresses](super::Simulation::name), each host still gets the
    /// former answer for a number of milliseconds in this range, drawn for each host and change.
    /// Caches between a client and the name servers do so (RFC 1034, section 5.3.3). The former
    /// answer about a new name is that it does not exist. Default: every host gets the new answer
    /// immediately.
    ///
    /// ```
    /// use lariat::names::Family;
    /// use lariat::testing::{Simulation, secs};
    ///
    /// Simulation::check(1..=3, |sim: &Simulation| {
    ///     sim.faults().stale_names(0..=60_000);
    ///     sim.name("www.test", ["10.0.0.1".parse().unwrap()]);
    ///     sim.at(secs(10), |sim| sim.name("www.test", ["10.0.0.2".parse().unwrap()]));
    ///     sim.run()
    /// });
    /// ```
    pub fn stale_names(&self, milliseconds: RangeInclusive<u64>) -> &Self {
        let (start, end) = (*milliseconds.start(), *milliseconds.end());
        self.set(format!("stale_names({start}..={end})"), |faults| {
            faults.set_stale_names(start.saturating_mul(1000)..=end.saturating_mul(1000));
        })
    }

    /// Each answer has its addresses in an order of its own, as name servers rotate them
    /// (RFC 1794). Default: the order that was given.
    pub fn shuffled_names(&self) -> &Self {
        self.set("shuffled_names()", crate::simulated::Faults::set_shuffled_names)
    }

    /// Answers to `host` about addresses of this family take a number of milliseconds in this
    /// range. See [`slow_names`](Self::slow_names). Default: none.
    pub fn slow_names_on(&self, host: &str, family: Family, milliseconds: RangeInclusive<u64>) -> &Self {
        let (id, start, end) = (self.host_id(host), *milliseconds.start(), *milliseconds.end());
        self.set(format!("slow_names_on({host:?}, {family:?}, {start}..={end})"), |faults| {
            faults.set_name_time(Some(id), family, start.saturating_mul(1000)..=end.saturating_mul(1000));
        })
    }

    /// With this probability the answer to `host` is that a name does not exist, when it asks for
    /// addresses of this family. See [`missing_names`](Self::missing_names). Default: 0.
    pub fn missing_names_on(&self, host: &str, family: Family, probability: f64) -> &Self {
        let id = self.host_id(host);
        self.set(format!("missing_names_on({host:?}, {family:?}, {probability})"), |faults| {
            faults.set_missing_names(Some(id), family, probability);
        })
    }

    /// With this probability `host` gets no answer about a name but a temporary failure, when it
    /// asks for addresses of this family. See [`unavailable_names`](Self::unavailable_names).
    /// Default: 0.
    pub fn unavailable_names_on(&self, host: &str, family: Family, probability: f64) -> &Self {
        let id = self.host_id(host);
        self.set(format!("unavailable_names_on({host:?}, {family:?}, {probability})"), |faults| {
            faults.set_unavailable_names(Some(id), family, probability);
        })
    }
}

/// Faults of [disks](crate::disk).
impl Faults<'_> {
    /// Each operation on a disk takes a number of milliseconds in this range. Default: from 0.1 to
    /// 1 ms.
    pub fn slow_disk(&self, milliseconds: RangeInclusive<u64>) -> &Self {
        let (start, end) = (*milliseconds.start(), *milliseconds.end());
        self.set(format!("slow_disk({start}..={end})"), |faults| {
            faults.disks.set_time(start.saturating_mul(1000)..=end.saturating_mul(1000));
        })
    }

    /// With this probability an operation on a disk fails (`EIO`). After a sync that fails, what
    /// was to be written is lost at the next power failure, even if a later sync succeeds, as on
    /// Linux. Default: 0.
    pub fn disk_errors(&self, probability: f64) -> &Self {
        self.set(format!("disk_errors({probability})"), |faults| faults.set_disk_errors(probability))
    }

    /// The files on the disk of `host` have `bytes` bytes at most, all together. A write beyond
    /// that limit writes what fits and fails (`ENOSPC`). Default: any number.
    ///
    /// ```
    /// use lariat::disk::OpenMode;
    /// use lariat::testing::Simulation;
    ///
    /// Simulation::check(1..=3, |sim: &Simulation| {
    ///     sim.faults().full_disk("server", 4);
    ///     let disk = sim.host("server").reactor().disk();
    ///     disk.open("/log", OpenMode::Write).and_then(|file| file.append("hello")).finish(|result| {
    ///         let failure = result.unwrap_err();
    ///         assert!(failure.to_string().starts_with("could not append to /log: No space left"));
    ///     });
    ///     sim.run()
    /// });
    /// ```
    pub fn full_disk(&self, host: &str, bytes: u64) -> &Self {
        let id = self.host_id(host);
        self.set(format!("full_disk({host:?}, {bytes})"), |faults| faults.disks.set_space(id, bytes))
    }

    /// Returns the host of this name, and makes it if it does not exist.
    fn host_id(&self, host: &str) -> HostId {
        self.stage().id(self.stage().place(host))
    }
}
