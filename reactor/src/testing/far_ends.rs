//! The peers of all connections on a clock.

use std::rc::{Rc, Weak};

use crate::readiness::Readiness;
use crate::simulated::{LooseEnd, World};
use crate::source_table::SourceTable;
use crate::token::Token;

use super::far_end::FarEnd;

/// The peers of all connections on a clock. They are told of what happens to them as a reactor is, so that a turn costs what happens in it,
/// however many there are.
#[derive(Debug)]
pub(super) struct FarEnds {
    table: SourceTable<Weak<FarEnd>>,
    /// Those that see no more of their connection than its end, and wait for their protocol to close what is left. No event tells of that.
    waiting: Vec<Token>,
    events: Vec<(Token, Readiness)>,
    /// How often any of them has been looked at.
    #[cfg(test)]
    looks: u64,
}

impl FarEnds {
    pub(super) fn new() -> Self {
        Self {
            table: SourceTable::new(),
            waiting: Vec::new(),
            events: Vec::new(),
            #[cfg(test)]
            looks: 0,
        }
    }

    /// The token for a peer that is to be added, unless there are too many.
    pub(super) fn reserve(&mut self) -> Option<Token> {
        self.table.reserve()
    }

    pub(super) fn add(&mut self, token: Token, peer: &Rc<FarEnd>) {
        // The token has just been reserved.
        let _ = self.table.put(token, Rc::downgrade(peer));
    }

    pub(super) fn remove(&mut self, token: Token) {
        self.table.release(token);
        self.table.free_released();
    }

    /// Has those act to which something has happened. Returns whether any of them did anything, and whether one has been given so much that
    /// nobody can mean it.
    pub(super) fn act(&mut self, world: &Rc<World>) -> (bool, bool) {
        self.events.clear();
        LooseEnd::collect(world, &mut self.events);
        let mut tokens = std::mem::take(&mut self.waiting);
        tokens.extend(self.events.iter().map(|(token, _)| *token));
        let (mut moved, mut flooded) = (false, false);
        for token in tokens {
            let Some(known) = self.table.take(token) else { continue };
            if let Some(peer) = known.upgrade() {
                #[cfg(test)]
                {
                    self.looks += 1;
                }
                moved |= peer.act();
                flooded |= peer.is_flooded();
                if peer.waits_for_close() {
                    self.waiting.push(token);
                }
            }
            // It was taken from there.
            let _ = self.table.put(token, known);
        }
        self.waiting.sort_unstable_by_key(|token| token.to_bits());
        self.waiting.dedup();
        (moved, flooded)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::options::StreamOptions;
    use crate::protocol::Protocol;
    use crate::testing::{MemoryTransport, VirtualClock};
    use crate::transport::{Peer, Transport};

    struct Echo;

    impl Protocol for Echo {
        fn data_received(&mut self, transport: &Transport, data: &[u8]) {
            transport.write(data);
        }
    }

    fn looks(clock: &VirtualClock) -> u64 {
        clock.with_peers(|peers| peers.looks)
    }

    #[test]
    fn thousands_of_connections_on_a_clock_cost_what_happens_on_them() {
        const MANY: u64 = 2_000;
        let clock = VirtualClock::new();
        let serve = |_| MemoryTransport::serve(&clock, |_: &Peer| Echo, StreamOptions::default());
        let mut wires: Vec<_> = (0..MANY).map(serve).collect();
        let made = looks(&clock);
        assert!(made < 4 * MANY, "{made} looks at {MANY} peers while they were made");
        for wire in wires.iter_mut().take(100) {
            wire.feed(b"hello");
            assert_eq!(wire.take_written(), b"hello");
            clock.advance(Duration::from_secs(1));
        }
        let used = looks(&clock) - made;
        assert!(used < 400, "{used} looks at peers for a hundred messages");
        drop(wires);
        clock.settle();
        let ended = looks(&clock) - made - used;
        assert_eq!(ended, 0, "peers that are gone were looked at");
    }
}
