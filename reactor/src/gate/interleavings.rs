//! Every order in which senders and a sleeper can take their steps, tried out on the real gate.
//!
//! A step is what happens at once: one access to the gate's word, to the queue, or to the bell that wakes the sleeper. From each state
//! that can be reached, every step that is possible there is taken. (What processors add by not agreeing on the order of different
//! words, `model` looks into.)

use std::collections::{HashSet, VecDeque};

use super::*;

/// Each sends two messages, 0 and 1.
const SENDERS: usize = 2;
const MESSAGES: usize = 2;

/// What a sender does next.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
enum Sending {
    StepIn,
    Push,
    StepOut,
    Claim,
    Ring,
    /// It was not let in: it steps out again.
    TurnBack,
    Done,
}

/// What the sleeper does next.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
enum Sleeping {
    Take,
    Announce,
    LookAgain,
    Sleep,
    Awake,
    Shut,
    AwaitVacancy,
    TakeTheRest,
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    word: usize,
    /// Senders and their messages.
    queue: VecDeque<(usize, usize)>,
    rung: bool,
    senders: [Sending; SENDERS],
    /// How many messages of each sender were let in, taken, refused.
    accepted: [usize; SENDERS],
    taken: [usize; SENDERS],
    refused: [usize; SENDERS],
    sleeper: Sleeping,
    /// Wake-ups that the sleeper has asked for by its announcements, less those that it got.
    owed: usize,
    /// How often the sleeper will still wake by itself, as for a timer.
    timers: usize,
}

impl State {
    fn start() -> Self {
        Self {
            word: 0,
            queue: VecDeque::new(),
            rung: false,
            senders: [Sending::StepIn; SENDERS],
            accepted: [0; SENDERS],
            taken: [0; SENDERS],
            refused: [0; SENDERS],
            sleeper: Sleeping::Take,
            owed: 0,
            timers: 1,
        }
    }

    fn on_gate<R>(&mut self, visit: impl FnOnce(&Gate) -> R) -> R {
        let gate = Gate(AtomicUsize::new(self.word));
        let result = visit(&gate);
        self.word = gate.0.into_inner();
        result
    }

    fn sent(&self, sender: usize) -> usize {
        self.accepted[sender] + self.refused[sender]
    }

    fn after_a_message(&self, sender: usize) -> Sending {
        if self.sent(sender) < MESSAGES { Sending::StepIn } else { Sending::Done }
    }

    /// The state after a sender's next step, if it has one.
    fn sender_steps(&self, sender: usize) -> Option<Self> {
        let mut next = self.clone();
        next.senders[sender] = match self.senders[sender] {
            Sending::StepIn if next.on_gate(Gate::step_in) => Sending::Push,
            Sending::StepIn => Sending::TurnBack,
            Sending::TurnBack => {
                next.on_gate(Gate::step_out);
                next.refused[sender] += 1;
                next.after_a_message(sender)
            }
            Sending::Push => {
                next.queue.push_back((sender, next.sent(sender)));
                next.accepted[sender] += 1;
                Sending::StepOut
            }
            Sending::StepOut if next.on_gate(Gate::step_out) => Sending::Claim,
            Sending::Claim if next.on_gate(Gate::claim) => Sending::Ring,
            Sending::StepOut | Sending::Claim => next.after_a_message(sender),
            Sending::Ring => {
                assert!(next.owed > 0, "a superfluous wake-up: {self:?}");
                next.owed -= 1;
                next.rung = true;
                next.after_a_message(sender)
            }
            Sending::Done => return None,
        };
        Some(next)
    }

    fn take(&mut self) -> bool {
        let Some((sender, message)) = self.queue.pop_front() else { return false };
        assert_eq!(message, self.taken[sender], "out of order");
        self.taken[sender] += 1;
        true
    }

    /// The states after the sleeper's next step, or what it may choose as that.
    fn sleeper_steps(&self) -> Vec<Self> {
        let mut next = self.clone();
        let mut choices = Vec::new();
        next.sleeper = match self.sleeper {
            Sleeping::Take => {
                choices.push(Self { sleeper: Sleeping::Shut, ..self.clone() });
                if next.take() { Sleeping::Take } else { Sleeping::Announce }
            }
            Sleeping::Announce => {
                next.on_gate(Gate::announce);
                next.owed += 1;
                Sleeping::LookAgain
            }
            Sleeping::LookAgain if self.queue.is_empty() => Sleeping::Sleep,
            Sleeping::LookAgain => Sleeping::Awake,
            Sleeping::Sleep if self.rung => {
                next.rung = false;
                Sleeping::Awake
            }
            Sleeping::Sleep if self.timers > 0 => {
                next.timers -= 1;
                Sleeping::Awake
            }
            Sleeping::Sleep => return choices,
            Sleeping::Awake => {
                next.on_gate(Gate::awake);
                Sleeping::Take
            }
            Sleeping::Shut => {
                next.on_gate(Gate::shut);
                Sleeping::AwaitVacancy
            }
            Sleeping::AwaitVacancy if next.on_gate(Gate::is_vacant) => Sleeping::TakeTheRest,
            Sleeping::AwaitVacancy => return choices,
            Sleeping::TakeTheRest => {
                if next.take() {
                    Sleeping::TakeTheRest
                } else {
                    Sleeping::Done
                }
            }
            Sleeping::Done => return choices,
        };
        choices.push(next);
        choices
    }

    /// Nobody can take a step any more.
    fn check_end(&self) {
        assert_eq!(self.senders, [Sending::Done; SENDERS], "a sender hangs: {self:?}");
        assert!(self.queue.is_empty(), "a message is left, and nobody wakes the sleeper: {self:?}");
        assert_eq!(self.taken, self.accepted);
        let never_closed = self.sleeper == Sleeping::Sleep && self.refused == [0; SENDERS];
        assert!(never_closed || self.sleeper == Sleeping::Done, "the sleeper hangs: {self:?}");
    }
}

#[test]
fn in_no_order_of_steps_is_a_wake_up_lost_or_superfluous_or_a_message_lost_in_closing() {
    let mut seen = HashSet::from([State::start()]);
    let mut open = vec![State::start()];
    let mut ends = 0;
    while let Some(state) = open.pop() {
        let mut next = state.sleeper_steps();
        next.extend((0..SENDERS).filter_map(|sender| state.sender_steps(sender)));
        if next.is_empty() {
            state.check_end();
            ends += 1;
        }
        for state in next {
            if seen.insert(state.clone()) {
                open.push(state);
            }
        }
    }
    assert!(seen.len() > 10_000 && ends > 10, "{} states with {ends} ends are too few to be all", seen.len());
}
