//! What a simulation is made of: its world, its hosts, what is planned and what has gone wrong.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Time;
use crate::contain::{contain, contain_drop, contain_drops, take_panics};
use crate::error::{Error, ErrorKind, Result};
use crate::guarded::Guarded;
use crate::parked::parked;
use crate::reactor::Reactor;
use crate::simulated::{HostId, PATIENCE, Sockets, What, World};

use super::member::{Boot, Member, Next};
use super::queues::Watch;
use super::schedule::{Actor, Schedule};

/// Turns in a row that may be taken while time stands still: far more than any work takes that comes to an end, and soon over.
const MOST_TURNS: u64 = 250_000;

/// What is to be done at some time.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Planned {
    /// The call of this number.
    Call(u64),
    /// The host at this place crashes, or starts again.
    Crash(usize),
    /// Its process is killed.
    Kill(usize),
    /// Its process is stopped until that time.
    Pause(usize, Time),
    /// Its process starts, on a system that runs.
    Boot(usize),
    Restart(usize),
}

/// A fault that waits for a call.
pub(super) struct Aimed {
    /// The number of the call, counted from 1 over all hosts.
    pub(super) call: u64,
    pub(super) strikes: Strike,
}

pub(super) enum Strike {
    /// The host that makes the call crashes for so long.
    Crash(Duration),
    /// Its process is killed, and starts again after so long.
    Kill(Duration),
    /// These hosts are separated for so long.
    Partition([String; 2], Duration),
}

pub(super) struct Stage {
    pub(super) world: Rc<World>,
    members: Guarded<Vec<Member>>,
    /// By the time, and by the order in which it was planned.
    plan: Guarded<BTreeMap<(Time, u64), Planned>>,
    planned: Cell<u64>,
    pub(super) seed: u64,
    pub(super) schedule: Schedule,
    /// Faults that wait for a call.
    pub(super) aimed: Guarded<Vec<Aimed>>,
    /// Turns since time last moved.
    turns_standing: Cell<u64>,
    pub(super) allows_panics: Cell<bool>,
    /// What went wrong first.
    failure: Guarded<Option<String>>,
    /// Faults that were asked for, in order.
    faults: Guarded<Vec<String>>,
    /// Which of them are not to be.
    left_out: BTreeSet<usize>,
    pub(super) watch: Watch,
    /// Conditions that are to be true in some seed, and whether they were in this one.
    pub(super) sometimes: Guarded<BTreeMap<String, bool>>,
}

impl Stage {
    pub(super) fn new(seed: u64, left_out: BTreeSet<usize>) -> Self {
        // Those of an earlier test on this thread are none of ours.
        drop(take_panics());
        Self {
            world: World::directed(seed),
            members: Guarded::new(Vec::new()),
            plan: Guarded::new(BTreeMap::new()),
            planned: Cell::new(0),
            seed,
            schedule: Schedule::new(seed),
            aimed: Guarded::new(Vec::new()),
            turns_standing: Cell::new(0),
            allows_panics: Cell::new(false),
            failure: Guarded::new(None),
            faults: Guarded::new(Vec::new()),
            left_out,
            watch: Watch::new(),
            sometimes: Guarded::new(BTreeMap::new()),
        }
    }

    pub(super) fn sockets<R>(&self, visit: impl FnOnce(&mut Sockets) -> R) -> R {
        self.world.direct(visit)
    }

    /// The place of the host of this name, which is made if there is none.
    pub(super) fn place(&self, name: &str) -> usize {
        let same = |members: &mut Vec<Member>| members.iter().position(|member| member.name.eq_ignore_ascii_case(name));
        self.members.with(same).unwrap_or_else(|| {
            let member = Member::new(&self.world, name);
            self.watch.prepare(&member.reactor);
            self.members.with(|members| {
                members.push(member);
                members.len() - 1
            })
        })
    }

    /// Visits a host. Hosts are never taken away, so whoever knows a place finds one there.
    pub(super) fn member<R>(&self, place: usize, visit: impl FnOnce(&mut Member) -> R) -> R {
        self.members.with(|members| visit(&mut members[place]))
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.members.with(|members| members.iter().map(|member| member.name.to_string()).collect())
    }

    pub(super) fn id(&self, place: usize) -> HostId {
        self.member(place, |member| member.id)
    }

    pub(super) fn address(&self, place: usize) -> IpAddr {
        let id = self.id(place);
        self.sockets(|sockets| sockets.address(id))
    }

    /// Plans something for when so much time has passed since the beginning. Returns its number.
    pub(super) fn plan(&self, time: Duration, planned: impl FnOnce(u64) -> Planned) -> u64 {
        self.planned.set(self.planned.get() + 1);
        let number = self.planned.get();
        self.plan.with(|plan| plan.insert((Time::default().after(time), number), planned(number)));
        number
    }

    /// Takes what is planned for now or before.
    pub(super) fn due(&self, now: Time) -> Option<Planned> {
        self.plan.with(|plan| {
            let first = plan.first_entry()?;
            (first.key().0 <= now).then(|| first.remove())
        })
    }

    pub(super) fn since_beginning(&self) -> Duration {
        self.world.now().since(Time::default())
    }

    pub(super) fn advance(&self, time: Time) {
        self.time_moves(time);
        self.world.advance(time);
    }

    fn time_moves(&self, to: Time) {
        if to > self.world.now() {
            self.turns_standing.set(0);
            if self.watch.limit.get().is_some() {
                self.sample();
            }
        }
    }

    /// Moves the clock to `time`. Returns a host with a timer that expires then, if it takes its turn before what arrives at the same
    /// instant.
    pub(super) fn advance_to_timer(&self, time: Time) -> Option<Actor> {
        let ties = self.sockets(|sockets| sockets.faults.draws_timer_order() && sockets.next_arrival() == Some(time));
        if !ties
            || !self.members.with(|members| members.iter().any(|member| member.next(&self.world) == Next::At(time)))
        {
            return None;
        }
        if !self.sockets(|sockets| sockets.faults.timer_goes_first()) {
            return None;
        }
        self.time_moves(time);
        self.world.move_clock(time);
        self.survey().0
    }

    /// Delivers what has arrived.
    pub(super) fn deliver(&self, now: Time) {
        if self.sockets(Sockets::next_arrival).is_some_and(|next| next <= now) {
            self.advance(now);
        }
    }

    /// Who has something to do now, drawn from all that have; or, if there is none, when something is to happen.
    pub(super) fn survey(&self) -> (Option<Actor>, Option<Time>) {
        let (threads, mut next) = self.world.works();
        let mut ready: Vec<_> = (0..threads).map(Actor::Thread).collect();
        self.members.with(|members| {
            for (place, member) in members.iter().enumerate() {
                match member.next(&self.world) {
                    Next::Now => ready.push(Actor::Host(place)),
                    Next::At(time) => next = Some(next.map_or(time, |next| next.min(time))),
                    Next::Never => {}
                }
            }
        });
        if !ready.is_empty() {
            return (self.schedule.choose(&ready), None);
        }
        let arrival = self.sockets(Sockets::next_arrival);
        let planned = self.plan.with(|plan| plan.first_key_value().map(|((time, _), _)| *time));
        (None, [next, arrival, planned].into_iter().flatten().min())
    }

    /// Has somebody do what they have to do.
    pub(super) fn serve(&self, actor: Actor) -> Result<()> {
        match actor {
            Actor::Host(place) => self.take_turn(place),
            Actor::Thread(number) => {
                if let Some((host, work)) = self.world.take_work(number) {
                    self.sockets(|sockets| sockets.note(Some(host), None, What::Work));
                    // The panic is looked for.
                    let _ = contain(|| "the work of a thread", work);
                }
                self.look()
            }
        }
    }

    fn take_turn(&self, place: usize) -> Result<()> {
        let (engine, id) = self.member(place, |member| (member.take_engine(), member.id));
        if let Some(engine) = engine {
            let engine = engine.turn(&self.world, id)?;
            self.member(place, |member| member.put_engine(engine));
        }
        self.strike(place);
        let turns = self.turns_standing.get() + 1;
        self.turns_standing.set(turns);
        if turns > MOST_TURNS {
            let name = self.member(place, |member| member.name.clone());
            let now = self.since_beginning();
            self.fail(format!(
                "time stands still: {MOST_TURNS} turns were taken at {now:?}, the last by {name:?}. Something there is done over and \
                 over, such as a call_later of no delay that sets itself again"
            ));
        }
        self.look()
    }

    /// Looks whether anything has gone wrong.
    pub(super) fn look(&self) -> Result<()> {
        let panics = take_panics();
        let panics = panics.into_iter().filter(|_| !self.allows_panics.get());
        if let Some(first) = panics.chain(self.sockets(Sockets::take_violations)).next() {
            self.fail(first);
        }
        match self.failure.with(|failure| failure.clone()) {
            Some(failure) => Err(Error::new(ErrorKind::Violated, failure)),
            None => Ok(()),
        }
    }

    /// Something has gone wrong. What went wrong first is what counts.
    pub(super) fn fail(&self, why: String) {
        self.failure.with(|failure| {
            failure.get_or_insert(why);
        });
    }

    pub(super) fn crash(&self, place: usize) {
        let (engine, id) = self.member(place, |member| (member.take_engine(), member.id));
        if let Some(engine) = engine {
            self.sockets(|sockets| sockets.power_off(id));
            contain_drops(self.world.take_all_work(Some(id)));
            engine.end(true);
            self.world.power_off_disk(id);
        }
    }

    pub(super) fn kill(&self, place: usize) {
        let (engine, id) = self.member(place, |member| (member.take_engine(), member.id));
        if let Some(engine) = engine {
            self.sockets(|sockets| sockets.kill(id));
            contain_drops(self.world.take_all_work(Some(id)));
            engine.end(true);
            self.world.abandon_disk(id);
        }
    }

    pub(super) fn restart(&self, place: usize) {
        self.crash(place);
        let id = self.id(place);
        self.sockets(|sockets| sockets.power_on(id));
        match self.sockets(|sockets| sockets.faults.boot_time()) {
            Duration::ZERO => self.boot(place),
            delay => drop(self.plan(self.since_beginning() + delay, |_| Planned::Boot(place))),
        }
    }

    /// Starts the process of a host whose system runs.
    pub(super) fn boot(&self, place: usize) {
        if self.member(place, |member| member.is_running()) {
            return;
        }
        let id = self.id(place);
        // The process that was busy or stopped is gone.
        self.world.end_pause(id);
        let boot = self.member(place, |member| {
            member.start_again(&self.world);
            self.watch.prepare(&member.reactor);
            member.boot.clone()
        });
        // A reactor that has ended in good order has left what was under way.
        self.world.abandon_disk(id);
        let (reactor, name) = self.member(place, |member| (member.reactor.clone(), member.name.clone()));
        if let Some(boot) = boot
            && let Ok(Err(error)) = contain(|| "what starts a host", || boot(&reactor))
        {
            self.fail(format!("{name:?} could not start again: {error}"));
        }
    }

    pub(super) fn set_boot(&self, place: usize, boot: Boot) {
        let former = self.member(place, |member| member.boot.replace(boot));
        contain_drop(former);
    }

    /// Is a fault to be that is asked for now?
    pub(super) fn admits(&self, label: impl fmt::Display) -> bool {
        let place = self.faults.with(|faults| {
            faults.push(label.to_string());
            faults.len() - 1
        });
        !self.left_out.contains(&place)
    }

    pub(super) fn fault_labels(&self) -> Vec<String> {
        self.faults.with(|faults| faults.clone())
    }

    fn reactors(&self) -> Vec<(Rc<str>, Reactor)> {
        self.members
            .with(|members| members.iter().map(|member| (member.name.clone(), member.reactor.clone())).collect())
    }

    /// Has every reactor enter its queues.
    pub(super) fn prepare_all(&self) {
        self.reactors().iter().for_each(|(_, reactor)| self.watch.prepare(reactor));
    }

    fn sample(&self) {
        let reactors = self.reactors();
        self.watch.sample(reactors.iter().map(|(name, reactor)| (&**name, reactor)));
    }

    /// Looks for what a test asked to be looked for at its end.
    pub(super) fn judge(&self) {
        if self.watch.limit.get().is_some() {
            self.sample();
        }
        let reactors = self.reactors();
        if let Some(report) = self.watch.report(reactors.iter().map(|(name, reactor)| (&**name, reactor))) {
            self.fail(report);
        }
    }

    /// Nothing is left to happen by itself: waits for calls of other threads. Returns whether one may have come.
    pub(super) fn wait_for_threads(&self) -> bool {
        let reactors = self.reactors();
        let sleeping = reactors.iter().filter(|(_, reactor)| reactor.core().announce_wait(None).is_none()).count();
        // A waker that nothing of the loops' own keeps may be another thread's.
        let about: usize = reactors.iter().map(|(_, reactor)| reactor.core().wakers_about()).sum();
        let _reason = (about > parked()).then(|| self.world.bell.waker());
        let rung = sleeping == reactors.len() && self.world.bell.wait(PATIENCE);
        reactors.iter().for_each(|(_, reactor)| reactor.core().end_wait());
        rung || sleeping < reactors.len()
    }

    /// Ends every reactor.
    pub(super) fn end(&self) {
        contain_drops(self.world.take_all_work(None));
        let members = self.members.with(|members| members.len());
        for place in 0..members {
            if let Some(engine) = self.member(place, Member::take_engine) {
                engine.end(false);
            }
        }
    }

    /// Looks whether reactors that have ended left anything.
    pub(super) fn look_for_leftovers(&self) -> Result<()> {
        for (name, reactor) in self.reactors() {
            let left = leftovers(&reactor);
            if !left.is_empty() {
                self.fail(format!("the reactor of {name:?} has ended and left {}", left.join(", ")));
            }
        }
        let left = self.sockets(|sockets| sockets.leftovers());
        if !left.is_empty() {
            self.fail(format!("every reactor has ended, but left {}", left.join(", ")));
        }
        self.look()
    }
}

/// What a reactor that has ended still holds. Whatever it gets to own must be found here.
fn leftovers(reactor: &Reactor) -> Vec<String> {
    let stats = reactor.stats();
    let left = [
        (stats.connections, "connections"),
        (stats.timers, "timers"),
        (stats.calls, "calls"),
        (stats.deferreds, "deferreds"),
        (stats.tasks, "tasks"),
        (stats.queued_jobs, "jobs for threads"),
        (stats.queued_bytes, "bytes queued"),
    ];
    left.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
}
