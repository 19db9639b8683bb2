//! A budget of steps.

/// How many steps may be taken before others have their turn, and how many before the stack is to be unwound.
pub(crate) struct Steps {
    turn: usize,
    stack: usize,
}

/// Steps that are taken inside each other: enough that the way back is hardly felt, and each takes some hundred bytes of stack, and what a
/// callback's value takes.
const NESTED: usize = 16;

impl Steps {
    pub(crate) const fn new(turn: usize) -> Self {
        Self { turn, stack: NESTED }
    }

    /// The stack is as deep as it was at first.
    #[inline]
    pub(crate) fn unwound(&mut self) {
        self.stack = NESTED;
    }

    /// May another step be taken right here? Then it is counted.
    #[inline]
    pub(crate) fn take(&mut self) -> bool {
        let more = self.stack > 0 && self.turn > 0;
        if more {
            self.stack -= 1;
            self.turn -= 1;
        }
        more
    }

    /// Counts steps that are taken in any case.
    #[inline]
    pub(crate) fn count(&mut self, steps: usize) {
        self.turn = self.turn.saturating_sub(steps);
    }

    #[inline]
    pub(crate) fn are_left(&self) -> bool {
        self.turn > 0
    }
}
