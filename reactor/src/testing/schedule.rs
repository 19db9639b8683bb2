//! The order in which ready hosts take their turns.

use std::collections::BTreeMap;

use crate::guarded::Guarded;
use crate::random::Random;

/// The logarithm to base 2 of the number of turns within which priorities change. The logarithm is
/// drawn, because short runs need early changes.
const CHANGES_WITHIN: u32 = 14;

/// Priorities that are drawn are at least this. A change of priority takes the numbers below it.
const LOWEST_DRAWN: u64 = 1 << 16;

/// The place of all threads together in a strategy: their numbers change from turn to turn.
const THREADS: usize = usize::MAX;

/// Who has something to do.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// The host at this place.
    Host(usize),
    /// This one of the threads that are done.
    Thread(usize),
}

/// Orders the ready hosts by the strategy of the seed.
pub(super) struct Schedule {
    uniform: Random,
    strategy: Guarded<Strategy>,
}

enum Strategy {
    /// Each turn is drawn from all that are ready.
    Uniform,
    /// The host with the highest priority goes first, as in PCT (Burckhardt et al., "A Randomized
    /// Scheduler with Probabilistic Guarantees of Finding Bugs", 2010).
    Priorities(Priorities),
    /// One host takes a turn only if no other has anything to do.
    Starvation { random: Random, victim: Option<usize> },
}

struct Priorities {
    random: Random,
    drawn: BTreeMap<usize, u64>,
    /// Turns at which the first host in order becomes the last.
    changes: Vec<u64>,
    turns: u64,
}

impl Schedule {
    pub(super) fn new(seed: u64) -> Self {
        Self { uniform: Random::named(seed, "order"), strategy: Guarded::new(Strategy::Uniform) }
    }

    /// Draws a strategy from the seed.
    pub(super) fn draw(&self, seed: u64) {
        let random = Random::named(seed, "schedule");
        let strategy = match random.below(5) {
            0 => Strategy::Uniform,
            1 => Strategy::Starvation { random, victim: None },
            depth => {
                let within = 1 << random.between(1..=u64::from(CHANGES_WITHIN));
                // Depths 2, 3 and 4 here are PCT's 1, 2 and 3: one less in changes of priority.
                let changes = (2..depth).map(|_| random.below(within)).collect();
                Strategy::Priorities(Priorities { random, drawn: BTreeMap::new(), changes, turns: 0 })
            }
        };
        self.strategy.with(|current| *current = strategy);
    }

    pub(super) fn make_uniform(&self) {
        self.strategy.with(|strategy| *strategy = Strategy::Uniform);
    }

    /// The one of `ready` that goes first.
    pub(super) fn choose(&self, ready: &[Actor]) -> Option<Actor> {
        if ready.len() < 2 {
            return ready.first().copied();
        }
        let places: Vec<usize> = ready.iter().copied().map(place).collect();
        let candidates: Vec<Actor> = self.strategy.with(|strategy| match strategy {
            Strategy::Uniform => Vec::new(),
            Strategy::Priorities(priorities) => {
                let first = priorities.first(&places);
                ready.iter().copied().filter(|actor| Some(place(*actor)) == first).collect()
            }
            Strategy::Starvation { random, victim } => {
                let victim = *victim.get_or_insert_with(|| random.pick(&places).copied().unwrap_or(THREADS));
                ready.iter().copied().filter(|actor| place(*actor) != victim).collect()
            }
        });
        self.uniform.pick(if candidates.is_empty() { ready } else { &candidates }).copied()
    }
}

impl Priorities {
    /// The place with the highest priority, after a change of priority if one is due.
    fn first(&mut self, places: &[usize]) -> Option<usize> {
        for place in places {
            let random = &self.random;
            self.drawn.entry(*place).or_insert_with(|| LOWEST_DRAWN + (random.next() >> 1));
        }
        let highest =
            |drawn: &BTreeMap<usize, u64>| places.iter().copied().max_by_key(|place| drawn.get(place).copied());
        let turn = self.turns;
        self.turns += 1;
        for (number, _) in self.changes.iter().enumerate().filter(|(_, change)| **change == turn) {
            if let Some(first) = highest(&self.drawn) {
                self.drawn.insert(first, LOWEST_DRAWN.saturating_sub(1 + number as u64));
            }
        }
        highest(&self.drawn)
    }
}

fn place(actor: Actor) -> usize {
    match actor {
        Actor::Host(place) => place,
        Actor::Thread(_) => THREADS,
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::time::Duration;

    use super::super::Simulation;
    use crate::guarded::Guarded;
    use crate::reactor::Reactor;

    /// Adds `name` to `log` once a turn, `left` times.
    fn take_turns(reactor: &Reactor, name: char, left: usize, log: Rc<Guarded<String>>) {
        reactor.call_later(Duration::ZERO, move |reactor| {
            log.with(|log| log.push(name));
            if left > 1 {
                take_turns(reactor, name, left - 1, log);
            }
        });
    }

    /// The order of the turns of two hosts that take 24 each at the same time.
    fn order(seed: u64, strategies: bool) -> String {
        let sim = Simulation::new(seed);
        if strategies {
            sim.faults().schedules();
        }
        let log = Rc::new(Guarded::new(String::new()));
        for (host, name) in [("one", 'a'), ("other", 'b')] {
            take_turns(&sim.host(host).reactor(), name, 24, log.clone());
        }
        sim.run().unwrap();
        sim.finish().unwrap();
        log.with(std::mem::take)
    }

    #[test]
    fn twelve_turns_of_one_host_before_another_are_found() {
        let found = (1..=500).filter(|seed| order(*seed, true).starts_with("aaaaaaaaaaaa")).count();
        let uniform = (1..=500).filter(|seed| order(*seed, false).starts_with("aaaaaaaaaaaa")).count();
        assert!(found >= 125, "{found} of 500 seeds");
        assert!(uniform <= 5, "{uniform} of 500 seeds without strategies");
    }

    #[test]
    fn a_host_that_led_falls_behind_at_a_change_of_priority() {
        let changed = |order: &str| {
            let led = order.bytes().take_while(|name| *name == b'a').count();
            (1..24).contains(&led) && order[led..].starts_with(&"b".repeat(24))
        };
        assert!((1..=500).any(|seed| changed(&order(seed, true))));
    }

    #[test]
    fn a_schedule_is_the_same_for_the_same_seed() {
        assert!((1..=50).all(|seed| order(seed, true) == order(seed, true)));
    }
}
