//! Two outputs beside each other.

use std::fmt::{self, Write as _};

/// The widest that a column gets, in characters. Longer texts are shown from where they begin to differ.
const WIDTH: usize = 48;

/// How much is shown of what comes before a difference.
const CONTEXT: usize = 12;

/// The most pieces that are shown.
const PIECES: usize = 16;

/// What came out, by lines, each with a name.
pub(super) type Lines = Vec<(String, String)>;

/// The lines of a value's own `Debug`.
pub(super) fn debug_lines(value: &dyn fmt::Debug) -> Lines {
    format!("{value:#?}").lines().map(|line| (String::new(), line.to_owned())).collect()
}

/// Tells how the input was cut, and what came out of the whole of it and of the pieces.
pub(super) fn report(pieces: &[&[u8]], whole: &Lines, cut: &Lines) -> String {
    let mut text = String::from("what comes out depends on how the input was cut\n\n  input: ");
    for (number, piece) in pieces.iter().take(PIECES).enumerate() {
        text.push_str(if number > 0 { " | " } else { "" });
        text.push_str(&ends(piece));
    }
    if let Some(more @ 1..) = pieces.len().checked_sub(PIECES) {
        let _ = write!(text, " | and {more} more");
    }
    text.push_str("\n\n");
    let none = (String::new(), String::new());
    let count = whole.len().max(cut.len());
    let rows = (0..count).map(|row| (whole.get(row).unwrap_or(&none), cut.get(row).unwrap_or(&none)));
    let rows: Vec<_> = rows
        .map(|(whole, cut)| {
            let (left, right) = excerpts(&whole.1, &cut.1);
            (if whole.0.is_empty() { &cut.0 } else { &whole.0 }, left, whole.1 != cut.1, right)
        })
        .collect();
    let name = rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
    let width = rows.iter().map(|(_, left, ..)| left.chars().count()).max().unwrap_or(0).max(5);
    let _ = writeln!(text, "  {:name$}  {:width$}     cut", "", "whole");
    for (label, left, differs, right) in rows {
        let sign = if differs { "≠" } else { "=" };
        let _ = writeln!(text, "  {label:name$}  {left:width$}  {sign}  {right}");
    }
    text
}

/// A piece, or its beginning and its end.
fn ends(piece: &[u8]) -> String {
    if piece.len() <= WIDTH {
        return format!("\"{}\"", piece.escape_ascii());
    }
    let (head, tail) = (&piece[..WIDTH / 2], &piece[piece.len() - WIDTH / 2..]);
    let left_out = piece.len() - head.len() - tail.len();
    format!("\"{}\" ({left_out} bytes) \"{}\"", head.escape_ascii(), tail.escape_ascii())
}

/// Both texts, or what they are around the first difference.
fn excerpts(left: &str, right: &str) -> (String, String) {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let common = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    let from = if left.len().max(right.len()) <= WIDTH { 0 } else { common.saturating_sub(CONTEXT) };
    let excerpt = |text: &[char]| {
        let shown: String = text.iter().skip(from).take(WIDTH).collect();
        let before = if from > 0 { "…" } else { "" };
        let after = if text.len() > from + WIDTH { "…" } else { "" };
        format!("{before}{shown}{after}")
    };
    (excerpt(&left), excerpt(&right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[(&str, &str)]) -> Lines {
        texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_differs_is_marked() {
        let whole = lines(&[("written", "\"hello\\r\\n\""), ("connection", "open")]);
        let cut = lines(&[("written", "\"\""), ("connection", "open")]);
        let expected = "what comes out depends on how the input was cut\n\n  input: \"a\\r\" | \"\\n\"\n\n\
                        \x20             whole           cut\n\
                        \x20 written     \"hello\\r\\n\"  ≠  \"\"\n\
                        \x20 connection  open         =  open\n";
        assert_eq!(report(&[b"a\r", b"\n"], &whole, &cut), expected);
    }

    #[test]
    fn of_long_texts_the_difference_is_shown() {
        let (left, right) = excerpts(&format!("{}left", "x".repeat(1000)), &format!("{}right", "x".repeat(1000)));
        assert_eq!(left, "…xxxxxxxxxxxxleft");
        assert_eq!(right, "…xxxxxxxxxxxxright");
    }

    #[test]
    fn of_long_pieces_both_ends_are_shown() {
        let mut piece = vec![b'x'; 1000];
        piece.push(b'\r');
        assert!(ends(&piece).ends_with("x\\r\"") && ends(&piece).contains("(953 bytes)"));
    }
}
