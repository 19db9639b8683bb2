//! What the parts of a recording share.

use std::fmt;
use std::rc::Rc;

use crate::driver::Network;
use crate::guarded::Guarded;
use crate::token::Token;

use super::tape::Tape;

/// What the parts of a recording share.
pub(super) struct Studio {
    pub(super) inner: Rc<dyn Network>,
    pub(super) tape: Tape,
    /// Who is served in each slot of the loop's table, by the number that they have in the recording.
    places: Guarded<Vec<Option<(Token, u64)>>>,
    /// The number that was given out last.
    last: Guarded<u64>,
}

impl Studio {
    pub(super) fn new(inner: Rc<dyn Network>, tape: Tape) -> Self {
        Self { inner, tape, places: Guarded::new(Vec::new()), last: Guarded::new(0) }
    }

    /// Visits what tells the number of who is served by a token. What is served in nobody's slot is the waker, or somebody who is gone.
    pub(super) fn with_places(&self, visit: impl FnOnce(&dyn Fn(Token) -> Option<u64>)) {
        self.places.with(|places| {
            visit(&|token: Token| {
                let (at, number) = (*places.get(token.key())?)?;
                (at == token).then_some(number)
            });
        });
    }

    /// The number of something new.
    pub(super) fn number(&self) -> u64 {
        self.last.with(|last| {
            *last += 1;
            *last
        })
    }

    /// What happens to `token` happens to what has this number.
    pub(super) fn place(&self, token: Token, number: u64) {
        self.places.with(|places| {
            if places.len() <= token.key() {
                places.resize(token.key() + 1, None);
            }
            places[token.key()] = Some((token, number));
        });
    }
}

impl fmt::Debug for Studio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Studio").field(&self.tape).finish()
    }
}
