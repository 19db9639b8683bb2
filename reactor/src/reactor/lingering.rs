//! The connections that have been closed and wait for their peers' ends.

use std::collections::BTreeSet;

use crate::clock::Time;
use crate::token::Token;

/// The most connections that linger at the same time unless it is set otherwise. Clients that never end their side then hold a bounded
/// number of descriptors, and a burst of refused requests still fits.
const LINGER_LIMIT: usize = 1024;

/// The connections that linger, the oldest first.
#[derive(Debug)]
pub(crate) struct Lingering {
    connections: BTreeSet<(Time, u64)>,
    limit: usize,
}

impl Lingering {
    pub(crate) fn new() -> Self {
        Self { connections: BTreeSet::new(), limit: LINGER_LIMIT }
    }

    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    pub(crate) fn has(&self, since: Time, connection: Token) -> bool {
        self.connections.contains(&(since, connection.to_bits()))
    }

    /// Adds a connection. Returns the oldest if there is one too many, which is to end.
    pub(crate) fn add(&mut self, since: Time, connection: Token) -> Option<Token> {
        self.connections.insert((since, connection.to_bits()));
        self.pop_excess()
    }

    pub(crate) fn remove(&mut self, since: Time, connection: Token) {
        self.connections.remove(&(since, connection.to_bits()));
    }

    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Takes the oldest if there is one too many.
    pub(crate) fn pop_excess(&mut self) -> Option<Token> {
        if self.connections.len() <= self.limit {
            return None;
        }
        self.connections.pop_first().and_then(|(_, bits)| Token::from_bits(bits))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_goes_when_there_is_one_too_many() {
        let token = |key| Token::new(key, NonZeroU32::MIN);
        let at = |seconds| Time::default().after(Duration::from_secs(seconds));
        let mut lingering = Lingering::new();
        lingering.set_limit(2);
        assert_eq!(lingering.add(at(3), token(1)), None);
        assert_eq!(lingering.add(at(1), token(2)), None);
        assert_eq!(lingering.add(at(2), token(3)), Some(token(2)));
        assert!(!lingering.has(at(1), token(2)));
        lingering.remove(at(3), token(1));
        assert_eq!(lingering.len(), 1);
        lingering.set_limit(0);
        assert_eq!((lingering.pop_excess(), lingering.pop_excess()), (Some(token(3)), None));
    }
}
