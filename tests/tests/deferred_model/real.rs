//! Runs a program on Lariat.

use std::array;
use std::cell::Cell;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Deferred, Failure, MainLoop, Reactor, Resolver};

use super::journal::{Journal, Story, words};
use super::program::{Cargo, Given, Kind, Outcome, PLACES, Script, Step};

/// What Deferreds give: a number, which is counted as long as it lives.
struct Value {
    number: u32,
    _alive: Rc<()>,
}

/// A Deferred that is kept.
struct Kept {
    deferred: Deferred<Value>,
    is_awaited: bool,
}

/// What a closure owns.
enum Owned {
    Resolver { _resolver: Resolver<Value> },
    Deferred { _kept: Kept },
}

struct World {
    reactor: Reactor,
    kept: [Cell<Option<Kept>>; PLACES],
    resolvers: [Cell<Option<Resolver<Value>>>; PLACES],
    journal: Journal,
    wakes: Arc<Mutex<Vec<u32>>>,
    /// As many as there are values and closures of this program.
    population: Rc<()>,
    /// Nobody may be called now: the program is inside a call of its own.
    is_inside: Cell<bool>,
}

/// A program that runs.
pub(crate) struct Real {
    main_loop: Option<MainLoop>,
    world: Rc<World>,
}

impl Real {
    pub(crate) fn new(journal: Journal) -> Self {
        let main_loop = simulated();
        let world = World {
            reactor: Reactor::clone(&main_loop),
            kept: array::from_fn(|_| Cell::new(None)),
            resolvers: array::from_fn(|_| Cell::new(None)),
            journal,
            wakes: Arc::default(),
            population: Rc::new(()),
            is_inside: Cell::new(false),
        };
        Self { main_loop: Some(main_loop), world: Rc::new(world) }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        match step {
            Step::Turn { millis } => self.turn(*millis),
            Step::Settle => {
                while self.main_loop.is_some() && self.world.reactor.stats().calls > 0 {
                    self.turn(0);
                }
            }
            Step::End => {
                self.main_loop = None;
                self.world.hear_wakes();
            }
            step => self.world.step(step),
        }
        let stats = self.world.reactor.stats();
        self.world.journal.tell(Story::Counts { deferreds: stats.deferreds, calls: stats.calls });
    }

    fn turn(&mut self, millis: u64) {
        if let Some(main_loop) = &mut self.main_loop {
            main_loop.turn(Some(Duration::from_millis(millis))).expect("a turn");
            self.world.hear_wakes();
        }
    }

    /// Drops every handle; what goes on then is told too.
    pub(crate) fn let_go(&mut self) {
        for place in 0..PLACES {
            drop(self.world.kept[place].take());
            drop(self.world.resolvers[place].take());
        }
    }

    /// How many values and closures are alive.
    pub(crate) fn population(&self) -> usize {
        Rc::strong_count(&self.world.population) - 1
    }

    pub(crate) fn timers(&self) -> u64 {
        self.world.reactor.stats().timers as u64
    }
}

impl World {
    fn value(&self, number: u32) -> Value {
        Value { number, _alive: self.population.clone() }
    }

    fn given(&self, given: Given) -> Result<Value, Failure> {
        match given {
            Given::Value(number) => Ok(self.value(number)),
            Given::Failure(number) => Err(Failure::new(format!("fail {number}"))),
        }
    }

    fn own(&self, script: &Script) -> Option<Owned> {
        Some(match script.cargo? {
            Cargo::Resolver(place) => Owned::Resolver { _resolver: self.resolvers[place].take()? },
            Cargo::Deferred(place) => Owned::Deferred { _kept: self.kept[place].take()? },
        })
    }

    fn step(self: &Rc<Self>, step: &Step) {
        self.is_inside.set(true);
        self.take_step(step);
        self.is_inside.set(false);
    }

    fn take_step(self: &Rc<Self>, step: &Step) {
        match step {
            Step::Make { place, canceller } => {
                let (resolver, deferred) = match canceller {
                    None => Deferred::new(&self.reactor),
                    Some(script) => {
                        let call = self.closure(script);
                        Deferred::with_canceller(&self.reactor, move |_| call(None))
                    }
                };
                self.keep(*place, deferred, false);
                drop(self.resolvers[*place].replace(Some(resolver)));
            }
            Step::MakeSettled { place, given } => {
                self.keep(*place, Deferred::settled(&self.reactor, self.given(*given)), false);
            }
            Step::Link { place, kind, script } => {
                self.with_kept(*place, |world, deferred| world.link(deferred, *kind, script));
            }
            Step::Name { place, name } => self.with_kept(*place, |_, deferred| deferred.named(format!("{name}"))),
            Step::Timeout { place, millis } => {
                self.with_kept(*place, |_, deferred| deferred.timeout(Duration::from_millis(*millis)));
            }
            Step::Finish { place, script } => {
                if let Some(Kept { deferred, .. }) = self.kept[*place].take() {
                    let call = self.closure(script);
                    deferred.finish(move |result| call(Some(&result)));
                }
            }
            Step::Detach { place } => {
                if let Some(Kept { deferred, .. }) = self.kept[*place].take() {
                    deferred.detach();
                }
            }
            Step::Cancel { place } => {
                self.with_kept(*place, |_, deferred| {
                    deferred.cancel();
                    deferred
                });
            }
            Step::DropDeferred { place } => drop(self.kept[*place].take()),
            Step::Move { from, to } => {
                let kept = self.kept[*from].take();
                drop(self.kept[*to].replace(kept));
            }
            Step::Poll { place, waker } => self.poll(*place, *waker),
            Step::Resolve { place, number } => {
                if let Some(resolver) = self.resolvers[*place].take() {
                    let taken = resolver.resolve(self.value(*number)).is_ok();
                    self.journal.tell(Story::Resolved(taken));
                }
            }
            Step::Reject { place, number } => {
                if let Some(resolver) = self.resolvers[*place].take() {
                    let taken = resolver.reject(Failure::new(format!("fail {number}"))).is_ok();
                    self.journal.tell(Story::Resolved(taken));
                }
            }
            Step::DropResolver { place } => drop(self.resolvers[*place].take()),
            Step::Ask { place } => {
                let kept = self.kept[*place].take();
                let resolver = self.resolvers[*place].take();
                let is_settled = kept.as_ref().map(|kept| kept.deferred.is_settled());
                let is_cancelled = resolver.as_ref().map(Resolver::is_cancelled);
                self.journal.tell(Story::Asked { is_settled, is_cancelled });
                self.kept[*place].set(kept);
                self.resolvers[*place].set(resolver);
            }
            Step::Dump => {
                let dump = self.reactor.dump_deferreds();
                let told = |pending: &lariat::PendingDeferred| {
                    (pending.names().collect::<Vec<_>>().join(" in "), pending.is_settled())
                };
                let mut all: Vec<_> = dump.iter().map(told).collect();
                all.sort();
                self.journal.tell(Story::Dump(all));
            }
            Step::Later { millis, script } => {
                // It owns nothing but what it is: a timer that is never due is dropped in no order.
                let (world, script, alive) = (self.clone(), script.clone(), self.population.clone());
                self.reactor.call_later(Duration::from_millis(*millis), move |_| {
                    world.enter(&script, None, None);
                    drop(alive);
                });
            }
            Step::Turn { .. } | Step::Settle | Step::End => unreachable!("they come at the top alone"),
        }
    }

    fn keep(&self, place: usize, deferred: Deferred<Value>, is_awaited: bool) {
        drop(self.kept[place].replace(Some(Kept { deferred, is_awaited })));
    }

    fn with_kept(self: &Rc<Self>, place: usize, change: impl FnOnce(&Rc<Self>, Deferred<Value>) -> Deferred<Value>) {
        if let Some(Kept { deferred, is_awaited }) = self.kept[place].take() {
            let deferred = change(self, deferred);
            // What the closure owns may be this place's own.
            self.keep(place, deferred, is_awaited);
        }
    }

    fn poll(&self, place: usize, waker: u32) {
        let Some(Kept { mut deferred, is_awaited: false }) = self.kept[place].take() else { return };
        let waker = Waker::from(Arc::new(Bell { wakes: self.wakes.clone(), id: waker }));
        let poll = Pin::new(&mut deferred).poll(&mut Context::from_waker(&waker));
        let result = match &poll {
            Poll::Ready(result) => Some(in_words(result)),
            Poll::Pending => None,
        };
        self.journal.tell(Story::Polled(result));
        self.keep(place, deferred, poll.is_ready());
    }

    /// A closure that follows `script`, told what it got.
    fn closure(self: &Rc<Self>, script: &Rc<Script>) -> impl FnOnce(Option<&Result<Value, Failure>>) + use<> {
        let (world, script, owned) = (self.clone(), script.clone(), self.own(script));
        let alive = self.population.clone();
        move |got| {
            world.enter(&script, got, owned);
            drop(alive);
        }
    }

    fn enter(self: &Rc<Self>, script: &Script, got: Option<&Result<Value, Failure>>, owned: Option<Owned>) {
        self.hear_wakes();
        self.journal.tell(Story::Called { id: script.id, got: got.map(in_words), inside: self.is_inside.get() });
        for step in &script.steps {
            self.step(step);
        }
        drop(owned);
        if let Outcome::Panic = script.outcome {
            // Not `panic!`, which would write to the standard error.
            resume_unwind(Box::new("as it was told to"));
        }
    }

    fn link(self: &Rc<Self>, deferred: Deferred<Value>, kind: Kind, script: &Rc<Script>) -> Deferred<Value> {
        let (world, outcome, call) = (self.clone(), script.outcome, self.closure(script));
        match kind {
            Kind::Map => deferred.map(move |value| {
                call(Some(&Ok(world.value(value.number))));
                world.plain(outcome)
            }),
            Kind::TryMap => deferred.try_map(move |value| {
                let got = Ok(value);
                call(Some(&got));
                world.result(outcome, got)
            }),
            Kind::AndThen => deferred.and_then(move |value| {
                let got = Ok(value);
                call(Some(&got));
                world.deferred(outcome, got)
            }),
            Kind::Recover => deferred.recover(move |failure| {
                call(Some(&Err(failure)));
                world.plain(outcome)
            }),
            Kind::TryRecover => deferred.try_recover(move |failure| {
                let got = Err(failure);
                call(Some(&got));
                world.result(outcome, got)
            }),
            Kind::OrElse => deferred.or_else(move |failure| {
                let got = Err(failure);
                call(Some(&got));
                world.deferred(outcome, got)
            }),
            Kind::MapResult => deferred.map_result(move |got| {
                call(Some(&got));
                world.result(outcome, got)
            }),
            Kind::Then => deferred.then(move |got| {
                call(Some(&got));
                world.deferred(outcome, got)
            }),
        }
    }

    fn plain(&self, outcome: Outcome) -> Value {
        match outcome {
            Outcome::Give(Given::Value(number)) => self.value(number),
            _ => self.value(0),
        }
    }

    fn result(&self, outcome: Outcome, got: Result<Value, Failure>) -> Result<Value, Failure> {
        match outcome {
            Outcome::Give(given) => self.given(given),
            Outcome::Pass => got,
            Outcome::GiveKept(_) | Outcome::Panic => Ok(self.value(0)),
        }
    }

    fn deferred(&self, outcome: Outcome, got: Result<Value, Failure>) -> Deferred<Value> {
        if let Outcome::GiveKept(place) = outcome
            && let Some(kept) = self.kept[place].take()
        {
            return kept.deferred;
        }
        Deferred::settled(&self.reactor, self.result(outcome, got))
    }

    /// Writes down what tasks were woken since.
    fn hear_wakes(&self) {
        let wakes = std::mem::take(&mut *self.wakes.lock().expect("nobody panics with it"));
        for id in wakes {
            self.journal.tell(Story::Woken(id));
        }
    }
}

fn in_words(result: &Result<Value, Failure>) -> String {
    match result {
        Ok(value) => value.number.to_string(),
        Err(failure) => words(&failure.to_string()),
    }
}

struct Bell {
    wakes: Arc<Mutex<Vec<u32>>>,
    id: u32,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wakes.lock().expect("nobody panics with it").push(self.id);
    }
}
