//! Timers and Deferreds that somebody sets, moves, cancels, drops and resolves at any time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use lariat::testing::Random;
use lariat::{Deferred, DelayedCall, FailureKind, Reactor, Resolver};

use super::book::Book;

/// The longest that a delayed call may be late when no callback takes any time: a tick of the wheel.
const TICK: Duration = Duration::from_millis(1);

/// Sets so many timers and makes so many Deferreds on `reactor`.
pub(super) fn wind_up(book: &Book, reactor: &Reactor, random: &Random, count: u64) {
    let keeper = Keeper { book: book.clone(), random: random.clone() };
    for _ in 0..count {
        let keeper = keeper.clone();
        let delay = Duration::from_millis(random.below(20_000));
        reactor.call_later(delay, move |reactor| {
            if keeper.random.chance(0.5) { keeper.set_timer(reactor) } else { keeper.defer(reactor) }
        });
    }
}

#[derive(Clone)]
struct Keeper {
    book: Book,
    random: Random,
}

/// What is known of a timer.
#[derive(Default)]
struct Timer {
    due: Cell<Option<Instant>>,
    is_over: Cell<bool>,
}

impl Keeper {
    fn delay(&self) -> Duration {
        Duration::from_micros([0, self.random.below(3_000), self.random.below(5_000_000)][self.random.index(3)])
    }

    fn set_timer(&self, reactor: &Reactor) {
        let timer = Rc::new(Timer::default());
        let delay = self.delay();
        timer.due.set(Some(reactor.now() + delay));
        let (keeper, noted) = (self.clone(), timer.clone());
        let call = reactor.call_later(delay, move |reactor| keeper.ring(&noted, reactor));
        if self.random.chance(0.6) {
            let (keeper, reactor) = (self.clone(), reactor.clone());
            let after = self.delay();
            reactor.call_later(after, move |reactor| keeper.meddle(&timer, &call, reactor));
        }
    }

    /// Moves a timer, or calls it off.
    fn meddle(&self, timer: &Timer, call: &DelayedCall, reactor: &Reactor) {
        let was_over = timer.is_over.get();
        let delay = self.delay();
        let done = match self.random.below(3) {
            0 => {
                timer.is_over.set(true);
                call.cancel()
            }
            1 => {
                let due = reactor.now() + delay;
                timer.due.set(timer.due.get().filter(|_| was_over).or(Some(due)));
                call.reset(delay)
            }
            _ => {
                timer.due.set(timer.due.get().map(|due| due + delay));
                call.delay(delay)
            }
        };
        if done == was_over {
            self.book.violate(format!("a timer that was over ({was_over}) says {done}"));
        }
    }

    fn ring(&self, timer: &Timer, reactor: &Reactor) {
        self.book.count_call();
        let now = reactor.now();
        if timer.is_over.replace(true) {
            self.book.violate("a timer rang that was cancelled, or twice");
        }
        let Some(due) = timer.due.get() else { return };
        if now < due {
            self.book.violate(format!("a timer rang {:?} early", due - now));
        }
        // Moving it by `delay` counts from the tick that it was rounded up to.
        if self.book.is_exact() && now > due + 2 * TICK {
            self.book.violate(format!("a timer rang {:?} late", now - due));
        }
    }

    fn defer(&self, reactor: &Reactor) {
        let value = self.random.below(1_000_000);
        let (resolver, deferred) = Deferred::<u64>::new(reactor);
        let expected = Rc::new(Expected::default());
        let cancels = self.random.chance(0.4);
        expected.cancels.set(cancels);
        let (inner_reactor, keeper) = (reactor.clone(), self.clone());
        let waits = self.random.chance(0.3);
        let chain = deferred.map(|value| value + 1).and_then(move |value| {
            if waits { keeper.later(&inner_reactor, value) } else { Deferred::succeed(&inner_reactor, value) }
        });
        let outcome = Outcome { book: self.book.clone(), expected: expected.clone() };
        let told = chain.map_result(move |result| {
            outcome.tell(result.map_err(|failure| failure.kind()), value + 1);
            Ok(())
        });
        self.settle(reactor, resolver, value, expected);
        if cancels {
            let delay = self.delay();
            let drops = self.random.chance(0.5);
            reactor.call_later(delay, move |_| {
                if !drops {
                    told.cancel();
                    told.detach();
                }
            });
        } else {
            told.detach();
        }
    }

    /// A Deferred of `value` that fires after a while.
    fn later(&self, reactor: &Reactor, value: u64) -> Deferred<u64> {
        let (resolver, deferred) = Deferred::new(reactor);
        reactor.call_later(self.delay(), move |_| {
            // Nobody may be waiting any more.
            let _ = resolver.resolve(value);
        });
        deferred
    }

    /// Gives the result now or later, or never.
    fn settle(&self, reactor: &Reactor, resolver: Resolver<u64>, value: u64, expected: Rc<Expected>) {
        let act = move |random: &Random| {
            expected.is_inside.set(true);
            match random.below(4) {
                0 => {
                    expected.fails.set(true);
                    drop(resolver);
                }
                1 => {
                    expected.fails.set(true);
                    drop(resolver.reject(std::io::Error::other("in vain")));
                }
                _ => {
                    let _ = resolver.resolve(value);
                }
            }
            expected.is_inside.set(false);
        };
        if self.random.chance(0.3) {
            return act(&self.random);
        }
        let random = self.random.clone();
        reactor.call_later(self.delay(), move |_| act(&random));
    }
}

/// What may come of a Deferred.
#[derive(Default)]
struct Expected {
    cancels: Cell<bool>,
    fails: Cell<bool>,
    /// Its result is being given at this moment.
    is_inside: Cell<bool>,
    told: Cell<bool>,
}

/// Whoever is told. If it is dropped untold, that is noted too.
struct Outcome {
    book: Book,
    expected: Rc<Expected>,
}

impl Outcome {
    fn tell(&self, result: Result<u64, FailureKind>, value: u64) {
        let Expected { cancels, fails, is_inside, told } = &*self.expected;
        self.book.count_call();
        if is_inside.get() || told.replace(true) {
            self.book.violate("a callback was called inline, or twice");
        }
        let is_fit = match result {
            Ok(given) => given == value && !fails.get(),
            Err(FailureKind::Cancelled) => cancels.get(),
            Err(FailureKind::Error | FailureKind::Abandoned) => fails.get(),
            Err(FailureKind::Ended) => true,
            Err(_) => false,
        };
        if !is_fit {
            self.book.violate(format!("a Deferred of {value} came to {result:?}"));
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if !self.expected.told.get() && !self.expected.cancels.get() && !self.book.may_vanish() {
            self.book.violate("a callback was dropped uncalled, though nobody had cancelled");
        }
    }
}
