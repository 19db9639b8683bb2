//! Medians, percentiles, and pairs of runs.

/// The median of `values`: the mean of the middle two when their number is even.
///
/// `None` if there are no values. What is not a number sorts last.
///
/// ```
/// # use lariat_benches::ratio::median;
/// assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
/// assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
/// assert_eq!(median(&[]), None);
/// ```
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let above = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(above);
    }
    let below = *sorted.get(sorted.len() / 2 - 1)?;
    Some(f64::midpoint(below, above))
}

/// The value that `part` of `values` do not exceed, such as the 99th percentile for 0.99.
///
/// `None` if there are no values. What is not a number sorts last.
///
/// ```
/// # use lariat_benches::ratio::percentile;
/// let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
/// assert_eq!(percentile(&hundred, 0.99), Some(99.0));
/// assert_eq!(percentile(&hundred, 1.0), Some(100.0));
/// assert_eq!(percentile(&[], 0.5), None);
/// ```
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a rank is no larger than the number of values")]
pub fn percentile(values: &[f64], part: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// The median of the ratios of what was seen in the same round: `ours[i] / theirs[i]`.
///
/// `None` if there are no rounds. Rounds that only one side ran do not count.
///
/// ```
/// # use lariat_benches::ratio::median_ratio;
/// assert_eq!(median_ratio(&[2.0, 9.0, 4.0], &[1.0, 3.0, 4.0]), Some(2.0));
/// ```
#[must_use]
pub fn median_ratio(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    median(&ratios(ours, theirs))
}

/// The lower and the upper quartile of the ratios of which [`median_ratio`] is the median: half of the rounds lie between them.
///
/// `None` if there are no rounds.
///
/// ```
/// # use lariat_benches::ratio::quartile_ratios;
/// let ones = [1.0; 8];
/// assert_eq!(quartile_ratios(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], &ones), Some([2.0, 6.0]));
/// assert_eq!(quartile_ratios(&[], &[]), None);
/// ```
#[must_use]
pub fn quartile_ratios(ours: &[f64], theirs: &[f64]) -> Option<[f64; 2]> {
    let ratios = ratios(ours, theirs);
    Some([percentile(&ratios, 0.25)?, percentile(&ratios, 0.75)?])
}

fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}
