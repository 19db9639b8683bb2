//! Turns of the loop, timers, and the end.

use super::{Canceller, Closure, Due, Model, Queued, SourceState, Timer, cancelled, ended};

impl Model {
    /// One pass over what is queued as it begins.
    pub(super) fn turn(&mut self, millis: u64) {
        if self.has_ended {
            return;
        }
        if self.queue.is_empty() {
            let next = self.pending_timers().map(|timer| self.timers[timer].due).min();
            let until = next.map_or(millis, |due| millis.min(due.saturating_sub(self.now)));
            self.now += until;
        }
        let mut due: Vec<usize> = self.pending_timers().filter(|timer| self.timers[*timer].due <= self.now).collect();
        due.sort_by_key(|timer| self.timers[*timer].due);
        for timer in due {
            self.timers[timer].is_queued = true;
            self.queue.push_back(Queued::Timer(timer));
        }
        for _ in 0..self.queue.len() {
            match self.queue.pop_front() {
                Some(Queued::Deliver(chain)) => self.deliver(chain),
                Some(Queued::Cancel { source, canceller }) => {
                    match canceller {
                        Canceller::Users(closure) => self.enter_contained(closure),
                        Canceller::Limits(limit) => self.drop_limited(limit),
                    }
                    self.settle(source, cancelled());
                }
                Some(Queued::Timer(timer)) => match self.timers[timer].what.take() {
                    Some(Due::Script(script)) => self.enter_contained(Closure { script, owned: None }),
                    Some(Due::Limit(limit)) => {
                        self.limits[limit].is_over = true;
                        self.drop_limited(limit);
                    }
                    None => {}
                },
                None => {}
            }
        }
        self.hear_wakes();
    }

    pub(super) fn pending_timers(&self) -> impl Iterator<Item = usize> {
        let waits = |timer: &usize| self.timers[*timer].what.is_some() && !self.timers[*timer].is_queued;
        (0..self.timers.len()).filter(waits)
    }

    pub(super) fn later(&mut self, millis: u64, what: Due) -> usize {
        let what = (!self.has_ended).then_some(what);
        self.timers.push(Timer { due: self.now + millis, what, is_queued: false });
        self.timers.len() - 1
    }

    /// Sources fail in the order in which they were made.
    pub(super) fn end(&mut self) {
        if self.has_ended {
            return;
        }
        self.has_ended = true;
        for timer in &mut self.timers {
            timer.what = None;
        }
        self.empty_queue();
        for source in 0..self.sources.len() {
            let result = match self.sources[source].state {
                SourceState::Waits(_) => ended(),
                SourceState::Cancelling => cancelled(),
                SourceState::Done => continue,
            };
            self.give(source, result);
            let chain = self.root(self.sources[source].chain);
            self.deliver(chain);
            self.empty_queue();
        }
        self.is_over = true;
        self.chains.iter_mut().for_each(|chain| chain.is_entered = false);
        self.hear_wakes();
    }

    pub(super) fn empty_queue(&mut self) {
        while let Some(queued) = self.queue.pop_front() {
            match queued {
                Queued::Deliver(chain) => self.deliver(chain),
                Queued::Cancel { source, canceller } => self.cancel_unheard(source, canceller),
                Queued::Timer(_) => {}
            }
        }
    }
}
