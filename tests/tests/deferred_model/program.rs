//! Programs, drawn from a seed.

use std::rc::Rc;

use lariat::testing::Random;

/// Places where a program keeps a Deferred and a resolver each.
pub(crate) const PLACES: usize = 6;

/// Scripts inside scripts, at most so deep.
const DEPTH: usize = 3;

/// What a program does, at the top or from within a callback. A step that finds its place empty does nothing.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Makes a Deferred, with a canceller or without.
    Make {
        place: usize,
        canceller: Option<Rc<Script>>,
    },
    /// Makes one that has its result.
    MakeSettled {
        place: usize,
        given: Given,
    },
    /// Adds a callback.
    Link {
        place: usize,
        kind: Kind,
        script: Rc<Script>,
    },
    Name {
        place: usize,
        name: u32,
    },
    Timeout {
        place: usize,
        millis: u64,
    },
    Finish {
        place: usize,
        script: Rc<Script>,
    },
    Detach {
        place: usize,
    },
    Cancel {
        place: usize,
    },
    DropDeferred {
        place: usize,
    },
    Move {
        from: usize,
        to: usize,
    },
    Poll {
        place: usize,
        waker: u32,
    },
    Resolve {
        place: usize,
        number: u32,
    },
    Reject {
        place: usize,
        number: u32,
    },
    DropResolver {
        place: usize,
    },
    /// Writes down what the handles of a place say of themselves.
    Ask {
        place: usize,
    },
    /// Writes down who waits.
    Dump,
    /// Calls a script later.
    Later {
        millis: u64,
        script: Rc<Script>,
    },
    /// A turn of the loop, in which so much time may pass. At the top only, like the next two.
    Turn {
        millis: u64,
    },
    /// Turns until nothing is queued.
    Settle,
    End,
}

/// What a user's closure does.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) id: u32,
    /// What it owns from the moment at which it is made, and drops as it returns, or with itself.
    pub(crate) cargo: Option<Cargo>,
    pub(crate) steps: Vec<Step>,
    pub(crate) outcome: Outcome,
}

#[derive(Copy, Clone, Debug)]
pub(crate) enum Cargo {
    Resolver(usize),
    Deferred(usize),
}

/// How it ends; a kind of callback that cannot end so gives a value.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Outcome {
    Give(Given),
    /// The Deferred that is kept there, where one may be given; a value, if there is none.
    GiveKept(usize),
    /// What it has got, where that is possible.
    Pass,
    Panic,
}

#[derive(Copy, Clone, Debug)]
pub(crate) enum Given {
    Value(u32),
    Failure(u32),
}

#[derive(Copy, Clone, Debug)]
pub(crate) enum Kind {
    Map,
    TryMap,
    AndThen,
    Recover,
    TryRecover,
    OrElse,
    MapResult,
    Then,
}

const KINDS: [Kind; 8] = [
    Kind::Map,
    Kind::TryMap,
    Kind::AndThen,
    Kind::Recover,
    Kind::TryRecover,
    Kind::OrElse,
    Kind::MapResult,
    Kind::Then,
];

/// The program of a seed.
pub(crate) fn draw(seed: u64) -> Vec<Step> {
    let mut author = Author { random: Random::new(seed), last_id: 0 };
    let length = author.random.between(4..=48);
    let mut steps = Vec::new();
    for _ in 0..length {
        match author.random.below(12) {
            0..3 => steps.push(Step::Turn { millis: author.random.below(6) }),
            3 => steps.push(Step::Settle),
            4 if author.random.chance(0.05) => steps.push(Step::End),
            _ => author.write(&mut steps, 0),
        }
    }
    steps
}

struct Author {
    random: Random,
    last_id: u32,
}

impl Author {
    fn place(&self) -> usize {
        self.random.index(PLACES)
    }

    fn id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    /// Writes a step; or a few, which make a chain.
    fn write(&mut self, steps: &mut Vec<Step>, depth: usize) {
        let place = self.place();
        steps.push(match self.random.below(32) {
            0..5 => {
                let with_canceller = self.random.chance(0.4);
                Step::Make { place, canceller: with_canceller.then(|| self.canceller(place, depth)) }
            }
            5 => Step::MakeSettled { place, given: self.given() },
            6..11 => self.link(place, depth),
            11 => Step::Name { place, name: self.id() },
            12 => Step::Timeout { place, millis: self.random.below(6) },
            13 => Step::Finish { place, script: self.script(depth) },
            14 => Step::Detach { place },
            15..17 => Step::Cancel { place },
            17 => Step::DropDeferred { place },
            18 => Step::Move { from: place, to: self.place() },
            19 => Step::Poll { place, waker: self.id() },
            20..26 => Step::Resolve { place, number: self.id() },
            26..28 => Step::Reject { place, number: self.id() },
            28 => Step::DropResolver { place },
            29 => Step::Ask { place },
            30 => Step::Dump,
            _ => Step::Later { millis: self.random.below(6), script: self.script(depth) },
        });
        if let Some(Step::Make { .. } | Step::MakeSettled { .. }) = steps.last() {
            for _ in 0..self.random.below(4) {
                let link = self.link(place, depth);
                steps.push(link);
            }
        }
    }

    fn link(&mut self, place: usize, depth: usize) -> Step {
        let kind = *self.random.pick(&KINDS).expect("there are some");
        match self.random.below(10) {
            0 => Step::Timeout { place, millis: self.random.below(6) },
            1 => Step::Name { place, name: self.id() },
            _ => Step::Link { place, kind, script: self.script(depth) },
        }
    }

    fn script(&mut self, depth: usize) -> Rc<Script> {
        let id = self.id();
        let cargo = match self.random.below(8) {
            0 => Some(Cargo::Resolver(self.place())),
            1 => Some(Cargo::Deferred(self.place())),
            _ => None,
        };
        let length = if depth < DEPTH { self.random.below(3) } else { 0 };
        let mut steps = Vec::new();
        for _ in 0..length {
            self.write(&mut steps, depth + 1);
        }
        let outcome = match self.random.below(8) {
            0..2 => Outcome::Give(self.given()),
            2..6 => Outcome::GiveKept(self.place()),
            6 => Outcome::Pass,
            _ => Outcome::Panic,
        };
        Rc::new(Script { id, cargo, steps, outcome })
    }

    /// A script that may resolve what it cancels.
    fn canceller(&mut self, place: usize, depth: usize) -> Rc<Script> {
        let id = self.id();
        let cargo = self.random.chance(0.2).then(|| Cargo::Resolver(self.place()));
        let mut steps = Vec::new();
        if depth < DEPTH && self.random.chance(0.5) {
            self.write(&mut steps, depth + 1);
        }
        match self.random.below(4) {
            0 => steps.push(Step::Resolve { place, number: id }),
            1 => steps.push(Step::DropResolver { place }),
            _ => {}
        }
        let outcome = if self.random.chance(0.2) { Outcome::Panic } else { Outcome::Pass };
        Rc::new(Script { id, cargo, steps, outcome })
    }

    fn given(&mut self) -> Given {
        let number = self.id();
        if self.random.chance(0.7) { Given::Value(number) } else { Given::Failure(number) }
    }
}

/// Every program that is shorter than this one by a single step.
pub(crate) fn shorter(steps: &[Step]) -> Vec<Vec<Step>> {
    let mut all = Vec::new();
    for at in 0..steps.len() {
        let mut without = steps.to_vec();
        without.remove(at);
        all.push(without);
        for step in steps[at].shorter() {
            let mut with = steps.to_vec();
            with[at] = step;
            all.push(with);
        }
    }
    all
}

impl Step {
    fn shorter(&self) -> Vec<Self> {
        let scripts =
            |script: &Rc<Script>| shorter(&script.steps).into_iter().map(|steps| script.with(steps)).collect();
        let with = |script: &Rc<Script>, step: &dyn Fn(Rc<Script>) -> Self| {
            let scripts: Vec<Rc<Script>> = scripts(script);
            scripts.into_iter().map(step).collect()
        };
        match self.clone() {
            Self::Make { place, canceller: Some(script) } => {
                with(&script, &|script| Self::Make { place, canceller: Some(script) })
            }
            Self::Link { place, kind, script } => with(&script, &|script| Self::Link { place, kind, script }),
            Self::Finish { place, script } => with(&script, &|script| Self::Finish { place, script }),
            Self::Later { millis, script } => with(&script, &|script| Self::Later { millis, script }),
            _ => Vec::new(),
        }
    }
}

impl Script {
    fn with(&self, steps: Vec<Step>) -> Rc<Self> {
        Rc::new(Self { id: self.id, cargo: self.cargo, steps, outcome: self.outcome })
    }
}
