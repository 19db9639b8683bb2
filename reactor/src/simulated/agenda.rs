//! What is going to arrive, and when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::clock::Time;

use super::poll::Id;

/// What is to happen to the packets on their way to an end.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Arrival,
    /// Those that were lost are sent again.
    Retry,
    /// Their sender hears of room.
    Update,
    /// The end probes a peer that cannot answer.
    Keepalive,
}

/// For each packet under way, when which end gets it.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Reverse<(Time, u64, Id, Due)>>,
    /// Entries so far: those of equal times are in the order in which they were made.
    made: u64,
}

impl Agenda {
    pub(super) fn push(&mut self, at: Time, end: Id, due: Due) {
        self.made += 1;
        self.entries.push(Reverse((at, self.made, end, due)));
    }

    /// When the first entry is due, of those whose end `is_there`; the ones before it are forgotten.
    pub(super) fn next(&mut self, is_there: impl Fn(Id) -> bool) -> Option<Time> {
        while let Some(Reverse((at, _, end, _))) = self.entries.peek() {
            if is_there(*end) {
                return Some(*at);
            }
            self.entries.pop();
        }
        None
    }

    /// Takes the first entry, if it is due at `now`.
    pub(super) fn pop(&mut self, now: Time) -> Option<(Id, Due)> {
        if self.entries.peek()?.0.0 > now {
            return None;
        }
        self.entries.pop().map(|Reverse((.., end, due))| (end, due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrives_at_one_time_arrives_in_the_order_in_which_it_was_sent() {
        let mut agenda = Agenda::default();
        let ends: Vec<Id> = std::iter::successors(Some(Id::default()), |id| Some(id.next())).take(4).collect();
        for (end, tick) in [(3, 2), (1, 1), (2, 1), (0, 1)] {
            agenda.push(Time::from_tick(tick), ends[end], Due::Arrival);
        }
        let due: Vec<_> = std::iter::from_fn(|| agenda.pop(Time::from_tick(1))).map(|(end, _)| end).collect();
        assert_eq!(due, [ends[1], ends[2], ends[0]]);
        agenda.push(Time::from_tick(3), ends[0], Due::Arrival);
        assert_eq!(agenda.next(|_| true), Some(Time::from_tick(2)));
        assert_eq!(agenda.next(|end| end != ends[3]), Some(Time::from_tick(3)));
    }
}
