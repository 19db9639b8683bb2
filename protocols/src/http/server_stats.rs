//! What a server counts.

use std::cell::Cell;

use super::status::Status;

/// What a server has counted since it was made.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Requests whose head has arrived.
    pub requests: u64,
    /// Responses that were begun, by the first digit of their status: 2xx at place 2.
    pub responses: [u64; 6],
    /// Requests that were none, or took more than the limits allow.
    pub refused: u64,
}

/// The counters behind it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) requests: Cell<u64>,
    pub(super) refused: Cell<u64>,
    responses: [Cell<u64>; 6],
}

impl Counters {
    #[inline]
    pub(super) fn count_response(&self, status: Status) {
        if let Some(class) = self.responses.get(usize::from(status.code() / 100)) {
            add_one(class);
        }
    }

    pub(super) fn stats(&self) -> ServerStats {
        ServerStats {
            requests: self.requests.get(),
            responses: self.responses.each_ref().map(Cell::get),
            refused: self.refused.get(),
        }
    }
}

#[inline]
pub(super) fn add_one(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}
