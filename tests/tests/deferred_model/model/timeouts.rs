//! Timeouts.

use super::{Canceller, Due, Handle, Limit, Link, Model, Settled, cancelled, fails};

impl Model {
    /// A limited Deferred ends in another one, to which its result is brought.
    pub(super) fn limit(&mut self, handle: Handle, millis: u64) -> Handle {
        if matches!(handle, Handle::Awaited) || self.has_ended {
            return handle;
        }
        let limit = self.limits.len();
        let (source, new) = self.make(Some(Canceller::Limits(limit)));
        let timer = self.later(millis, Due::Limit(limit));
        self.limits.push(Limit { limited: None, source: Some(source), timer: Some(timer), is_over: false });
        self.link(handle, Link::Limit(limit));
        self.limits[limit].limited = Some(handle);
        new
    }

    pub(super) fn arrive(&mut self, limit: usize, result: Settled) {
        if let Some(timer) = self.limits[limit].timer.take() {
            self.timers[timer].what = None;
        }
        let timed_out = self.limits[limit].is_over && result == cancelled();
        let result = if timed_out { fails("no result within") } else { result };
        if let Some(source) = self.limits[limit].source.take() {
            self.settle(source, result);
        }
        if let Some(limited) = self.limits[limit].limited.take() {
            self.detach(limited);
        }
    }

    pub(super) fn drop_limited(&mut self, limit: usize) {
        if let Some(limited) = self.limits[limit].limited.take() {
            self.drop_handle(limited);
        }
    }
}
