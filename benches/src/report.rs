//! The lines that tell a bound from what was seen.

use std::fmt;

/// How far past a bound of 1.00 a ratio may be and still count as met, since no tuning is worth less than the noise.
pub const NOISE: f64 = 0.03;

/// A ratio's bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The ratio may be at most this: a cost.
    AtMost(f64),
    /// The ratio must be at least this: a yield.
    AtLeast(f64),
}

impl Bound {
    /// Whether `ratio` meets the bound; a bound of 1.00 is met within [`NOISE`].
    ///
    /// ```
    /// # use lariat_benches::report::Bound;
    /// assert!(Bound::AtMost(1.0).is_met(1.02));
    /// assert!(!Bound::AtMost(1.05).is_met(1.06));
    /// assert!(Bound::AtLeast(1.0).is_met(0.98));
    /// ```
    #[must_use]
    pub fn is_met(self, ratio: f64) -> bool {
        let noise = |bound: f64| if bound == 1.0 { NOISE } else { 0.0 };
        match self {
            Bound::AtMost(bound) => ratio <= bound + noise(bound),
            Bound::AtLeast(bound) => ratio >= bound - noise(bound),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::AtMost(bound) => write!(out, "bound {bound:.2}"),
            Bound::AtLeast(bound) => write!(out, "bound at least {bound:.2}"),
        }
    }
}

/// Prints lines, and remembers whether any bound was missed.
#[derive(Debug, Default)]
pub struct Report {
    missed: usize,
}

impl Report {
    /// A report with no line yet.
    #[must_use]
    pub fn new() -> Self {
        Report::default()
    }

    /// Prints a line that holds nothing to a bound.
    pub fn note(&mut self, line: impl fmt::Display) {
        println!("{line}");
    }

    /// Prints whether `ratio` to `peer` meets `bound`, in the form `PASS echo: CPU per message 1.02 of tokio (bound 1.00)`.
    pub fn hold(&mut self, what: impl fmt::Display, ratio: f64, peer: &str, bound: Bound) {
        let met = bound.is_met(ratio);
        println!("{} {what} {ratio:.3} of {peer} ({bound})", if met { "PASS" } else { "FAIL" });
        self.missed += usize::from(!met);
    }

    /// Prints whether `value`, in `unit`, is at most `bound`, in the form `PASS chat: delivery 41.2 ms (bound 100)`.
    pub fn hold_value(&mut self, what: impl fmt::Display, value: f64, unit: &str, bound: f64) {
        let met = value <= bound;
        println!("{} {what} {value:.1} {unit} (bound {bound})", if met { "PASS" } else { "FAIL" });
        self.missed += usize::from(!met);
    }

    /// Counts bounds that another program found missed and has printed itself.
    pub fn add_missed(&mut self, missed: usize) {
        self.missed += missed;
    }

    /// How many bounds were missed so far.
    #[must_use]
    pub fn missed(&self) -> usize {
        self.missed
    }
}
