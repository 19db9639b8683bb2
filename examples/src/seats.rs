//! How many clients may be there at a time.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// So many seats; clones share them.
///
/// ```
/// use lariat_examples::seats::Seats;
///
/// let seats = Seats::new(1);
/// let seat = seats.take();
/// assert!(seat.is_some() && seats.take().is_none());
/// drop(seat);
/// assert_eq!(seats.taken(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Seats {
    taken: Rc<Cell<usize>>,
    most: usize,
}

/// A seat, until it is dropped.
pub struct Seat(Rc<Cell<usize>>);

impl Seats {
    /// Seats for so many.
    pub fn new(most: usize) -> Self {
        Self { taken: Rc::default(), most }
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.taken.get()
    }

    /// Takes one, if any is left.
    pub fn take(&self) -> Option<Seat> {
        let taken = self.taken();
        (taken < self.most).then(|| {
            self.taken.set(taken + 1);
            Seat(self.taken.clone())
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seat")
    }
}
