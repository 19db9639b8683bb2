//! The ways to cut an input into pieces, and the search for one that makes a difference.

use crate::random::Random;

/// Up to so many bytes an input is cut in every possible way: in 2048 ways then.
const EXHAUSTIVE: usize = 12;

/// Up to so many bytes an input is cut in two at every place; of a longer one, at so many places.
const MOST_PLACES: usize = 4096;

/// How often an input is cut at random places.
const RANDOM: u32 = 64;

/// An input that is cut: the places, in ascending order, each inside the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cuts(Vec<usize>);

impl Cuts {
    pub(super) fn pieces<'a>(&self, input: &'a [u8]) -> Vec<&'a [u8]> {
        let (mut pieces, mut rest, mut from) = (Vec::with_capacity(self.0.len() + 1), input, 0);
        for at in &self.0 {
            let (piece, others) = rest.split_at(at - from);
            pieces.push(piece);
            (rest, from) = (others, *at);
        }
        pieces.push(rest);
        pieces
    }
}

/// What the ways to cut an input of `length` bytes are, those with the fewest pieces first.
fn ways(length: usize) -> Box<dyn Iterator<Item = Cuts>> {
    let places = length.saturating_sub(1);
    if length <= EXHAUSTIVE {
        let cuts =
            |mask: u32, places| Cuts((0..places).filter(|bit| mask >> bit & 1 == 1).map(|bit| bit + 1).collect());
        let mut masks: Vec<u32> = (1..1 << places).collect();
        masks.sort_by_key(|mask| mask.count_ones());
        return Box::new(masks.into_iter().map(move |mask| cuts(mask, places)));
    }
    let shown = places.min(MOST_PLACES);
    let in_two = (0..shown).map(move |number| Cuts(vec![1 + number * places / shown]));
    let all = Cuts((1..length).collect());
    let random = (0..RANDOM).map(move |seed| {
        let random = Random::new(seed.into());
        // A seed's pieces have about 2, 4, 8, … bytes.
        let often = 1 + seed % 8;
        Cuts((1..length).filter(|_| random.next().trailing_zeros() >= often).collect())
    });
    Box::new(in_two.chain([all]).chain(random.filter(|cuts| !cuts.0.is_empty())))
}

/// A way to cut the input that gives another result than the whole does.
pub(super) struct Difference<T> {
    pub(super) cuts: Cuts,
    pub(super) whole: T,
    pub(super) cut: T,
}

/// Runs all of the input at once, then cut in each of the ways. Gives the fewest cuts that were found to make a difference.
pub(super) fn find_difference<T: PartialEq>(input: &[u8], mut run: impl FnMut(&[&[u8]]) -> T) -> Option<Difference<T>> {
    let whole = run(&[input]);
    for cuts in ways(input.len()) {
        let cut = run(&cuts.pieces(input));
        if cut != whole {
            let (cuts, cut) = reduce(cuts, cut, |cuts| Some(run(&cuts.pieces(input))).filter(|cut| *cut != whole));
            return Some(Difference { cuts, whole, cut });
        }
    }
    None
}

/// Leaves out cuts, many at a time and then fewer, as long as what is left still makes a difference.
fn reduce<T>(mut cuts: Cuts, mut result: T, mut differs: impl FnMut(&Cuts) -> Option<T>) -> (Cuts, T) {
    let mut size = cuts.0.len();
    while size > 0 {
        let (mut from, before) = (0, cuts.0.len());
        while from < cuts.0.len() && cuts.0.len() > 1 {
            let mut fewer = cuts.clone();
            fewer.0.drain(from..(from + size).min(cuts.0.len()));
            match (!fewer.0.is_empty()).then(|| differs(&fewer)).flatten() {
                Some(other) => (cuts, result) = (fewer, other),
                None => from += size,
            }
        }
        // One cut at a time, until none can be left out.
        if size > 1 || cuts.0.len() == before {
            size /= 2;
        }
    }
    (cuts, result)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_short_input_is_cut_in_every_way() {
        let ways: BTreeSet<_> = ways(5).map(|cuts| cuts.0).collect();
        assert_eq!(ways.len(), 15);
        assert!(ways.contains(&vec![1, 3, 4]));
    }

    #[test]
    fn a_long_input_is_cut_in_two_at_every_place_and_byte_by_byte() {
        let ways: Vec<_> = ways(100).map(|cuts| cuts.0).collect();
        assert!((1..100).all(|at| ways.contains(&vec![at])));
        assert!(ways.contains(&(1..100).collect()));
        assert!(ways.len() > 99 + 1 + 32);
    }

    #[test]
    fn a_very_long_input_is_cut_in_two_at_places_all_over_it() {
        let ways: Vec<_> = ways(100_000).map(|cuts| cuts.0).filter(|cuts| cuts.len() == 1).collect();
        assert_eq!(ways.len(), MOST_PLACES);
        assert_eq!(ways[0], [1]);
        assert!(ways.windows(2).all(|two| two[0] < two[1]) && ways.last().unwrap()[0] > 99_000);
    }

    #[test]
    fn pieces_make_up_the_input() {
        assert_eq!(Cuts(vec![1, 3]).pieces(b"abcd"), [&b"a"[..], b"bc", b"d"]);
    }

    #[test]
    fn the_fewest_cuts_that_matter_are_found() {
        let input: Vec<u8> = (0..100).collect();
        // Three pieces of three bytes or less, anywhere.
        let run = |pieces: &[&[u8]]| pieces.iter().filter(|piece| piece.len() <= 3).count() >= 3;
        let found = find_difference(&input, run).unwrap();
        assert!(found.cut && !found.whole);
        assert_eq!(found.cuts.0.len(), 3, "{:?}", found.cuts);
    }

    #[test]
    fn what_makes_no_difference_is_not_found() {
        assert!(find_difference(b"abcdefghijklmnopqrstuvwxyz", |pieces| pieces.concat()).is_none());
    }
}
