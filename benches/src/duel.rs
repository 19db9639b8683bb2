//! Two servers, loaded in turn.

use std::fmt;

use crate::{
    Result,
    ratio::{median, median_ratio, quartile_ratios},
    report::{Bound, Report},
    server::{Contestant, Server},
};

/// The number of restarts of both: a restart draws a new memory layout, which affects speed.
const FRESH_STARTS: usize = 3;

/// Ours, and a peer that it is held beside.
#[derive(Clone, Copy, Debug)]
pub struct Duel<'a> {
    /// Ours.
    pub ours: &'a Contestant,
    /// The peer.
    pub theirs: &'a Contestant,
    /// The number of slices for each in each of three sets of fresh processes, after one that warms it up.
    pub rounds: usize,
}

/// The results of both in every round.
#[derive(Clone, Debug)]
pub struct Outcome {
    names: [String; 2],
    figures: [Vec<f64>; 2],
}

impl Duel<'_> {
    /// Starts both, has `begin` set up a load for each, and then has `slice` load them in turn, each first as often as the other. Returns
    /// the values seen.
    ///
    /// # Errors
    ///
    /// The first that either gives, or when a server does not start.
    pub fn run<Load>(
        &self,
        mut begin: impl FnMut(&Server) -> Result<Load>,
        mut slice: impl FnMut(&Server, &mut Load) -> Result<f64>,
    ) -> Result<Outcome> {
        let names = [self.ours.name.clone(), self.theirs.name.clone()];
        let mut outcome = Outcome { names, figures: [Vec::new(), Vec::new()] };
        for _ in 0..FRESH_STARTS {
            let servers = [self.ours.start()?, self.theirs.start()?];
            let mut loads = [begin(&servers[0])?, begin(&servers[1])?];
            for round in 0..=self.rounds {
                for turn in 0..2 {
                    let side = (round + turn) % 2;
                    let figure = slice(&servers[side], &mut loads[side])?;
                    if round > 0 {
                        outcome.figures[side].push(figure);
                    }
                }
            }
        }
        Ok(outcome)
    }
}

impl Outcome {
    /// Returns the results of `names`, ours first, in every round.
    #[must_use]
    pub fn new(names: [String; 2], figures: [Vec<f64>; 2]) -> Self {
        Self { names, figures }
    }

    /// The median ratio of our figure to theirs, round by round.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        let [ours, theirs] = &self.figures;
        median_ratio(ours, theirs).unwrap_or(f64::NAN)
    }

    /// Prints both medians, in `unit`.
    pub fn show(&self, report: &mut Report, unit: impl fmt::Display) {
        let [ours, theirs] = self.figures.each_ref().map(|figures| median(figures).unwrap_or(f64::NAN));
        let [our_name, their_name] = &self.names;
        report.note(format_args!("SEEN {unit}: {our_name} {ours:.2}, {their_name} {theirs:.2}"));
    }

    /// Prints both medians, in `unit`, the quartiles of the ratio, and whether its median meets `bound`.
    pub fn hold(&self, report: &mut Report, what: impl fmt::Display, unit: impl fmt::Display, bound: Bound) {
        self.show(report, unit);
        let [ours, theirs] = &self.figures;
        if let Some([lower, upper]) = quartile_ratios(ours, theirs) {
            let pairs = ours.len().min(theirs.len());
            report.note(format_args!("SEEN {what}: quartiles of {pairs} ratios {lower:.3} and {upper:.3}"));
        }
        report.hold(what, self.ratio(), &self.names[1], bound);
    }
}
