//! Deferreds: what is called back, when, and what becomes of them however they end.

mod asking;
mod cancelling;
mod chains;
mod ending;
mod faults;
mod waiting;

use lariat::MainLoop;
use lariat::testing::simulated;
use lariat_tests::story::{Population, Story, in_words, settle};

fn reactor() -> (MainLoop, Story) {
    (simulated(), Story::default())
}
