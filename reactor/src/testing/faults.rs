//! What is to go wrong in a simulation.

use std::fmt;
use std::net::IpAddr;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use crate::names::Family;
use crate::simulated::Faults as Settings;

use super::stage::{Planned, Stage};

/// What goes wrong in a [`Simulation`](super::Simulation): see [`Simulation::faults`](super::Simulation::faults). Nothing does unless one of these methods says so, and what does is
/// drawn from the seed. They may be called at any time; a later call of the same method replaces an earlier one, except where noted.
///
/// Probabilities are from 0 (never) to 1 (always), latencies in milliseconds. Those that befall the network do so between hosts, and leave
/// connections of a host with itself alone.
#[derive(Copy, Clone)]
pub struct Faults<'a>(&'a Stage);

impl<'a> Faults<'a> {
    pub(super) fn new(stage: &'a Stage) -> Self {
        Self(stage)
    }

    pub(super) fn stage(&self) -> &Stage {
        self.0
    }

    /// What is sent takes so long to arrive, in milliseconds: drawn anew for each packet, though none overtakes another of its
    /// connection. Default: it arrives at once.
    pub fn latency(&self, milliseconds: RangeInclusive<u64>) -> &Self {
        let (start, end) = (*milliseconds.start(), *milliseconds.end());
        self.set(format_args!("latency({start}..={end})"), |faults| {
            faults.links.set_latency(None, start.saturating_mul(1000)..=end.saturating_mul(1000));
        })
    }

    /// Each direction of a connection carries so many bytes a second. Default: any number.
    pub fn bandwidth(&self, bytes_per_second: u64) -> &Self {
        self.set(format_args!("bandwidth({bytes_per_second})"), |faults| {
            faults.links.set_bandwidth(None, bytes_per_second);
        })
    }

    /// A read gives less than there is, often a single byte.
    pub fn short_reads(&self) -> &Self {
        self.set(format_args!("short_reads()"), Settings::set_short_reads)
    }

    /// A write takes less than there is room for, often a single byte.
    pub fn short_writes(&self) -> &Self {
        self.set(format_args!("short_writes()"), Settings::set_short_writes)
    }

    /// Events of one turn come in any order.
    pub fn reordered_readiness(&self) -> &Self {
        self.set(format_args!("reordered_readiness()"), Settings::set_reordered_events)
    }

    /// In a turn, with this probability, some socket is said to be ready that may not be.
    pub fn spurious_readiness(&self, probability: f64) -> &Self {
        self.set(format_args!("spurious_readiness({probability})"), |faults| faults.set_spurious_events(probability))
    }

    /// TCP connections between hosts that are made from now on hold a number of bytes from this range in each direction, written and not yet
    /// read. Each direction draws its own; each doubling of the size is equally likely. `SO_SNDBUF` and `SO_RCVBUF`, where a socket sets
    /// them, take the place of its half. Default: 4 KiB to 6 MiB, as Linux has it (`tcp_wmem`, `tcp_rmem` in `tcp(7)`).
    ///
    /// As on Linux the writer hears of room only once a third of the whole is free, and of what was read only when the reader's
    /// acknowledgement arrives.
    pub fn buffers(&self, bytes: RangeInclusive<usize>) -> &Self {
        let (start, end) = (*bytes.start(), *bytes.end());
        self.set(format_args!("buffers({start}..={end})"), |faults| faults.set_buffers(bytes))
    }

    /// Connections made from now on have room for so many bytes in each direction, written and not yet read, at the most: send buffers
    /// are full all the time.
    pub fn small_buffers(&self, bytes: usize) -> &Self {
        self.set(format_args!("small_buffers({bytes})"), |faults| faults.set_buffer(bytes))
    }

    /// Each packet is lost with this probability, and sent again by TCP: after 0.2 s and a round trip, then after twice that, and so on.
    /// A request for a connection is sent again after 1, 2, 3, 4, 5, 7, 11, 19, 35 and 67 s. A reset is lost for good. Default: 0.
    ///
    /// Every lost packet waits for its timer: fast retransmission is not simulated.
    pub fn loss(&self, probability: f64) -> &Self {
        self.set(format_args!("loss({probability})"), |faults| faults.links.set_loss(None, probability))
    }

    /// With this probability a write breaks its connection: both ends are reset, and what was under way is lost.
    pub fn resets(&self, probability: f64) -> &Self {
        self.set(format_args!("resets({probability})"), |faults| faults.set_resets(probability))
    }

    /// With this probability a connect is refused though somebody listens.
    pub fn refused_connects(&self, probability: f64) -> &Self {
        self.set(format_args!("refused_connects({probability})"), |faults| faults.set_refusals(probability))
    }

    /// With this probability a connect is never answered, so that it takes until its timeout.
    pub fn unanswered_connects(&self, probability: f64) -> &Self {
        self.set(format_args!("unanswered_connects({probability})"), |faults| faults.set_unanswered(probability))
    }

    /// With this probability a write is the last that the network carries for its connection, in either direction, and neither end is told:
    /// both are half-open. A writer is notified after a quarter of an hour (`ETIMEDOUT`), as on Linux, and an end with
    /// [keepalive](crate::Keepalive) after its probes. Others need a timeout of their own.
    pub fn half_open(&self, probability: f64) -> &Self {
        self.set(format_args!("half_open({probability})"), |faults| faults.set_silences(probability))
    }

    /// These hosts cannot reach each other from the first moment to the second, counted from the simulation's beginning. Packets that meet
    /// the partition are lost, and are sent again as on Linux: after 0.2 s, 0.6 s, 1.4 s and so on, at most 120 s apart. So what was
    /// written early in a long partition arrives long after its end, and a reset is lost for good. Several partitions add up.
    pub fn partition(&self, one: &str, other: &str, time: Range<Duration>) -> &Self {
        let hosts = [one, other].map(|name| self.0.id(self.0.place(name)));
        let label = format!("partition({one:?}, {other:?}, {:?}..{:?})", time.start, time.end);
        self.set(label, |faults| {
            let [one, other] = hosts.map(Some);
            faults.links.cut(one, other, time.clone());
            faults.links.cut(other, one, time);
        })
    }

    /// Nothing passes from one host to the other from the first moment to the second; the other way all does, but what is sent that way is
    /// not acknowledged. Several add up.
    pub fn partition_one_way(&self, from: &str, to: &str, time: Range<Duration>) -> &Self {
        let [from_id, to_id] = [from, to].map(|name| Some(self.0.id(self.0.place(name))));
        let label = format!("partition_one_way({from:?}, {to:?}, {:?}..{:?})", time.start, time.end);
        self.set(label, |faults| faults.links.cut(from_id, to_id, time))
    }

    /// No host of one set can reach one of the other, in either direction, from the first moment to the
    /// second, counted from the simulation's beginning. Several add up.
    pub fn partition_sets(&self, ones: &[&str], others: &[&str], time: Range<Duration>) -> &Self {
        let ids = |names: &[&str]| names.iter().map(|name| self.0.id(self.0.place(name))).collect::<Vec<_>>();
        let (one_ids, other_ids) = (ids(ones), ids(others));
        let label = format!("partition_sets({ones:?}, {others:?}, {:?}..{:?})", time.start, time.end);
        self.set(label, |faults| {
            for (one, other) in one_ids.iter().flat_map(|one| other_ids.iter().map(move |other| (*one, *other))) {
                faults.links.cut(Some(one), Some(other), time.clone());
                faults.links.cut(Some(other), Some(one), time.clone());
            }
        })
    }

    /// The host and all others cannot reach each other from the first moment to the second. Several add up.
    pub fn isolate(&self, host: &str, time: Range<Duration>) -> &Self {
        let id = Some(self.0.id(self.0.place(host)));
        self.set(format!("isolate({host:?}, {:?}..{:?})", time.start, time.end), |faults| {
            faults.links.cut(id, None, time.clone());
            faults.links.cut(None, id, time);
        })
    }

    /// What is sent from one host to the other takes so many milliseconds, instead of what [`latency`](Self::latency) says.
    pub fn latency_one_way(&self, from: &str, to: &str, milliseconds: RangeInclusive<u64>) -> &Self {
        let direction = Some([from, to].map(|name| self.0.id(self.0.place(name))));
        let (start, end) = (*milliseconds.start(), *milliseconds.end());
        self.set(format!("latency_one_way({from:?}, {to:?}, {start}..={end})"), |faults| {
            faults.links.set_latency(direction, start.saturating_mul(1000)..=end.saturating_mul(1000));
        })
    }

    /// One direction of the link between two hosts carries this many bytes a second on each connection,
    /// instead of what [`bandwidth`](Self::bandwidth) says.
    pub fn bandwidth_one_way(&self, from: &str, to: &str, bytes_per_second: u64) -> &Self {
        let direction = Some([from, to].map(|name| self.0.id(self.0.place(name))));
        self.set(format!("bandwidth_one_way({from:?}, {to:?}, {bytes_per_second})"), |faults| {
            faults.links.set_bandwidth(direction, bytes_per_second);
        })
    }

    /// Each packet from one host to the other is lost with this probability, instead of that of
    /// [`loss`](Self::loss).
    pub fn loss_one_way(&self, from: &str, to: &str, probability: f64) -> &Self {
        let direction = Some([from, to].map(|name| self.0.id(self.0.place(name))));
        self.set(format!("loss_one_way({from:?}, {to:?}, {probability})"), |faults| {
            faults.links.set_loss(direction, probability);
        })
    }

    /// Packets of more than so many bytes are lost without a word, and each time that they are sent again: a router that drops what is too
    /// large, and whose messages about it are filtered (RFC 2923, section 2.1). Default: none is too large.
    pub fn mtu_black_hole(&self, bytes: usize) -> &Self {
        self.set(format!("mtu_black_hole({bytes})"), |faults| faults.links.set_largest(None, bytes))
    }

    /// The host [crashes](super::Host::crash) at the first moment and [starts again](super::Host::restart) at the second, counted from the
    /// simulation's beginning. Several crashes add up.
    pub fn crash(&self, host: &str, time: Range<Duration>) -> &Self {
        if self.0.admits(format_args!("crash({host:?}, {:?}..{:?})", time.start, time.end)) {
            let place = self.0.place(host);
            self.0.plan(time.start, |_| Planned::Crash(place));
            self.0.plan(time.end, |_| Planned::Restart(place));
        }
        self
    }

    /// The process of the host is [killed](super::Host::kill) at the first moment, and the host [starts
    /// again](super::Host::restart) at the second, counted from the simulation's beginning. Several add
    /// up.
    pub fn kill(&self, host: &str, time: Range<Duration>) -> &Self {
        if self.0.admits(format_args!("kill({host:?}, {:?}..{:?})", time.start, time.end)) {
            let place = self.0.place(host);
            self.0.plan(time.start, |_| Planned::Kill(place));
            self.0.plan(time.end, |_| Planned::Restart(place));
        }
        self
    }

    /// With this probability a call that needs a descriptor or memory (to listen, to connect, to accept, to watch a socket) fails with `EMFILE`, `ENFILE`, `ENOBUFS`
    /// or `ENOMEM`.
    pub fn exhaustion(&self, probability: f64) -> &Self {
        self.set(format_args!("exhaustion({probability})"), |faults| faults.set_exhaustion(probability))
    }

    /// With this probability a call (to wait, to read, to write, to accept) is interrupted by a signal: `EINTR`.
    pub fn interrupts(&self, probability: f64) -> &Self {
        self.set(format_args!("interrupts({probability})"), |faults| faults.set_interrupts(probability))
    }

    /// The call of this number fails with this error (such as 24, `EMFILE`), if that is an error
    /// which Linux gives to such a call. Otherwise the call succeeds. Calls are numbered from 1
    /// over all hosts since the simulation's beginning: to wait, to read, to write, to end a
    /// direction, to accept, to listen, to connect, to watch a socket, and each operation on a
    /// [disk](crate::disk) (`EIO`, `ENOSPC`). [`Simulation::calls`](super::Simulation::calls)
    /// counts them, so that a test can have each call of a session fail once.
    pub fn failing_call(&self, number: u64, errno: i32) -> &Self {
        self.set(format_args!("failing_call({number}, {errno})"), |faults| faults.set_failing_call(number, errno))
    }

    /// With this probability a callback takes so many milliseconds, which pass for its host, while the others go on.
    pub fn slow_callbacks(&self, probability: f64, milliseconds: RangeInclusive<u64>) -> &Self {
        let (start, end) = (*milliseconds.start(), *milliseconds.end());
        self.set(format_args!("slow_callbacks({probability}, {start}..={end})"), |faults| {
            faults.set_slowness(probability, start.saturating_mul(1000)..=end.saturating_mul(1000));
        })
    }

    /// Work in [threads](super::Host::run_in_thread) takes so many milliseconds. Default: none, so that only its order is drawn.
    pub fn slow_threads(&self, milliseconds: RangeInclusive<u64>) -> &Self {
        let (start, end) = (*milliseconds.start(), *milliseconds.end());
        self.set(format_args!("slow_threads({start}..={end})"), |faults| {
            faults.set_thread_time(start.saturating_mul(1000)..=end.saturating_mul(1000));
        })
    }

    /// Answers about names take so many milliseconds, those about addresses of this family. Default: none.
    pub fn slow_names(&self, family: Family, milliseconds: RangeInclusive<u64>) -> &Self {
        let (start, end) = (*milliseconds.start(), *milliseconds.end());
        self.set(format_args!("slow_names({family:?}, {start}..={end})"), |faults| {
            faults.set_name_time(None, family, start.saturating_mul(1000)..=end.saturating_mul(1000));
        })
    }

    /// With this probability it is said of a name that there is none, when it is asked for addresses of this family.
    pub fn missing_names(&self, family: Family, probability: f64) -> &Self {
        self.set(format_args!("missing_names({family:?}, {probability})"), |faults| {
            faults.set_missing_names(None, family, probability);
        })
    }

    /// With this probability nobody can tell of a name what its addresses of this family are.
    pub fn unavailable_names(&self, family: Family, probability: f64) -> &Self {
        self.set(format_args!("unavailable_names({family:?}, {probability})"), |faults| {
            faults.set_unavailable_names(None, family, probability);
        })
    }

    /// What is sent to this address is lost: whoever connects to it gets no answer. Several black holes add up.
    pub fn black_hole(&self, address: IpAddr) -> &Self {
        self.set(format_args!("black_hole({address})"), |faults| faults.add_black_hole(address))
    }

    /// Draws from the seed a strategy by which hosts that have something to do at the same time
    /// take their turns: uniform (one seed in five), one host starved by all others (one in five),
    /// or priorities of hosts that change at most twice (PCT of depth 1 to 3, three in five).
    /// [`heal`](Self::heal) goes back to uniform. Default: uniform.
    ///
    /// With uniform draws one host almost never takes many turns before the first of another: of
    /// 500 seeds, at most five for twelve turns. With strategies a quarter of the seeds do.
    ///
    /// ```
    /// use lariat::testing::{Simulation, secs};
    ///
    /// Simulation::check(1..=20, |sim: &Simulation| {
    ///     sim.faults().schedules();
    ///     sim.host("one").reactor().call_later(secs(1), |_| ());
    ///     sim.host("other").reactor().call_later(secs(1), |_| ());
    ///     sim.run()
    /// });
    /// ```
    pub fn schedules(&self) -> &Self {
        let stage = self.stage();
        if stage.admits("schedules()") {
            stage.schedule.draw(stage.seed);
        }
        self
    }

    /// From now on nothing goes wrong any more: for the second half of a test, in which what was broken has to come right. What is under
    /// way arrives when it was going to, and crashes that were asked for still come.
    ///
    /// Faults that are aimed at calls do not strike any more, and [schedules](Self::schedules) are
    /// uniform again.
    pub fn heal(&self) -> &Self {
        self.0.sockets(|sockets| sockets.faults.clear());
        self.0.aimed.with(Vec::clear);
        self.0.schedule.make_uniform();
        self
    }

    /// Sets a fault, unless it is left out this time.
    pub(super) fn set(&self, label: impl fmt::Display, set: impl FnOnce(&mut Settings)) -> &Self {
        if self.0.admits(label) {
            self.0.sockets(|sockets| set(&mut sockets.faults));
        }
        self
    }
}

impl fmt::Debug for Faults<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.fault_labels()).finish()
    }
}
