//! Parts of a resource.

use std::fmt::Write as _;
use std::ops::Range;

use super::fields::trim;

/// Which bytes of a resource a `Range` header asks for (RFC 9110, section 14). Ranges count from 0 and end before their `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// All of them, by 200: there is no range, or none that is understood, or there are too many.
    Whole,
    /// These, by 206. Never empty.
    One(Range<u64>),
    /// These, by 206 and `multipart/byteranges`: at least two, none empty, none that overlap or are next to each other, in the order in
    /// which they were asked for.
    Several(Vec<Range<u64>>),
    /// None of what is asked for is there: 416.
    Unsatisfiable,
}

/// More ranges than this in one request are not looked at, and the whole is sent: nobody who reads a file needs them, and each costs a part
/// with a head of its own.
const MOST_RANGES: usize = 16;

/// Ranges that are not further from each other than this become one, for the head of a part takes as much (RFC 9110, section 15.3.7.2).
const SMALL_GAP: u64 = 80;

impl Ranges {
    /// What the value of a `Range` header asks for, of a resource of `length` bytes.
    ///
    /// What is malformed, in another unit than bytes, or more than 16 ranges, asks for the whole; ranges that overlap, or lie within 80 bytes
    /// of each other, become one. So what is sent is never longer than the resource by more than the heads of 16 parts.
    ///
    /// ```
    /// use lariat_protocols::http::Ranges;
    ///
    /// assert_eq!(Ranges::parse(b"bytes=0-499", 10_000), Ranges::One(0..500));
    /// assert_eq!(Ranges::parse(b"bytes=-500", 10_000), Ranges::One(9_500..10_000));
    /// assert_eq!(Ranges::parse(b"bytes=0-0,-1", 10_000), Ranges::Several(vec![0..1, 9_999..10_000]));
    /// assert_eq!(Ranges::parse(b"bytes=10000-", 10_000), Ranges::Unsatisfiable);
    /// ```
    pub fn parse(value: &[u8], length: u64) -> Self {
        Self::parse_set(value, length).unwrap_or(Self::Whole)
    }

    fn parse_set(value: &[u8], length: u64) -> Option<Self> {
        let (unit, set) = value.split_at_checked(6)?;
        if !unit.eq_ignore_ascii_case(b"bytes=") {
            return None;
        }
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let mut first = None;
        let mut count = 0;
        for spec in set.split(|byte| *byte == b',').map(trim) {
            if spec.is_empty() {
                continue;
            }
            count += 1;
            if count > MOST_RANGES {
                return None;
            }
            match parse_spec(spec, length)? {
                Some(range) if first.is_none() => first = Some(range),
                Some(range) => {
                    if ranges.is_empty() {
                        ranges.extend(first.clone());
                    }
                    add(&mut ranges, range);
                }
                None => {}
            }
        }
        match (first, ranges.len()) {
            _ if count == 0 => None,
            (None, _) => Some(Self::Unsatisfiable),
            (Some(range), 0) => Some(Self::One(range)),
            (Some(_), 1) => ranges.pop().map(Self::One),
            (Some(_), _) => Some(Self::Several(ranges)),
        }
    }

    /// The value of `Content-Range` for one range.
    pub fn content_range(range: &Range<u64>, length: u64) -> String {
        format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1))
    }

    /// The value of `Content-Range` where nothing of what was asked for is there (416).
    pub fn unsatisfied_content_range(length: u64) -> String {
        format!("bytes */{length}")
    }
}

/// One range. `None` if it is malformed; `Some(None)` if nothing of it is there.
fn parse_spec(spec: &[u8], length: u64) -> Option<Option<Range<u64>>> {
    let dash = spec.iter().position(|byte| *byte == b'-')?;
    let (first, last) = (&spec[..dash], &spec[dash + 1..]);
    let range = match (first.is_empty(), last.is_empty()) {
        (true, true) => return None,
        // The end of nothing is there, and is nothing, which no Content-Range can tell: the whole says as much.
        (true, false) if length == 0 && parse_number(last)? > 0 => return None,
        (true, false) => length.saturating_sub(parse_number(last)?)..length,
        (false, true) => parse_number(first)?..length,
        (false, false) => {
            let (first, last) = (parse_number(first)?, parse_number(last)?);
            if first > last {
                return None;
            }
            first..last.saturating_add(1).min(length)
        }
    };
    Some((!range.is_empty()).then_some(range))
}

/// Digits and nothing else. A number that is too large is as good as the largest: no resource is as long.
fn parse_number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        Some(number.saturating_mul(10).saturating_add(digit.into()))
    })
}

/// Adds a range in its place: at the end, or to those that it touches.
fn add(ranges: &mut Vec<Range<u64>>, mut range: Range<u64>) {
    let touches = |one: &Range<u64>, other: &Range<u64>| {
        one.start <= other.end.saturating_add(SMALL_GAP) && other.start <= one.end.saturating_add(SMALL_GAP)
    };
    let mut place = ranges.len();
    // What it has grown by may touch others.
    while let Some(touched) = ranges.iter().position(|other| touches(&range, other)) {
        let other = ranges.remove(touched);
        range = range.start.min(other.start)..range.end.max(other.end);
        place = place.min(touched);
    }
    ranges.insert(place.min(ranges.len()), range);
}

/// The frame of a `multipart/byteranges` body (RFC 9110, section 14.6): what stands between the parts.
///
/// The body is, for each range, [`part_head`](Self::part_head) and its bytes, and then [`end`](Self::end).
///
/// ```
/// use lariat_protocols::http::ByteRangesFrame;
///
/// let frame = ByteRangesFrame::new("THIS_STRING_SEPARATES", "application/pdf", 8_000);
/// assert_eq!(frame.content_type(), "multipart/byteranges; boundary=THIS_STRING_SEPARATES");
/// assert_eq!(
///     frame.part_head(&(500..1_000)),
///     "\r\n--THIS_STRING_SEPARATES\r\nContent-Type: application/pdf\r\nContent-Range: bytes 500-999/8000\r\n\r\n"
/// );
/// assert_eq!(frame.end(), "\r\n--THIS_STRING_SEPARATES--\r\n");
/// ```
#[derive(Clone, Debug)]
pub struct ByteRangesFrame<'a> {
    boundary: &'a str,
    content_type: &'a str,
    length: u64,
}

impl<'a> ByteRangesFrame<'a> {
    /// A frame for parts of a resource of `length` bytes. `boundary` is not to occur in it: make it random. Control characters, which neither it
    /// nor the type can have, are left out.
    pub fn new(boundary: &'a str, content_type: &'a str, length: u64) -> Self {
        Self { boundary, content_type, length }
    }

    /// The response's `Content-Type`.
    pub fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", on_one_line(self.boundary))
    }

    /// What stands before the bytes of a part.
    pub fn part_head(&self, range: &Range<u64>) -> String {
        let (boundary, content_type) = (on_one_line(self.boundary), on_one_line(self.content_type));
        let mut head = format!("\r\n--{boundary}\r\nContent-Type: {content_type}\r\n");
        // Writing to a string does not fail.
        let _ = write!(head, "Content-Range: {}\r\n\r\n", Ranges::content_range(range, self.length));
        head
    }

    /// What stands after the last part.
    pub fn end(&self) -> String {
        format!("\r\n--{}--\r\n", on_one_line(self.boundary))
    }

    /// How many bytes the body has with these parts.
    pub fn content_length(&self, ranges: &[Range<u64>]) -> u64 {
        let part = |range: &Range<u64>| self.part_head(range).len() as u64 + (range.end - range.start);
        ranges.iter().map(part).sum::<u64>() + self.end().len() as u64
    }
}

fn on_one_line(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str, length: u64) -> Ranges {
        Ranges::parse(value.as_bytes(), length)
    }

    #[test]
    fn the_examples_of_the_rfc_are_understood() {
        // RFC 9110, section 14.1.2, of 10,000 bytes.
        assert_eq!(parse("bytes=0-499", 10_000), Ranges::One(0..500));
        assert_eq!(parse("bytes=500-999", 10_000), Ranges::One(500..1_000));
        assert_eq!(parse("bytes=-500", 10_000), Ranges::One(9_500..10_000));
        assert_eq!(parse("bytes=9500-", 10_000), Ranges::One(9_500..10_000));
        assert_eq!(parse("bytes=0-0,-1", 10_000), Ranges::Several(vec![0..1, 9_999..10_000]));
        let several = Ranges::Several(vec![0..1_000, 4_500..5_500, 9_000..10_000]);
        assert_eq!(parse("bytes= 0-999, 4500-5499, -1000", 10_000), several);
        assert_eq!(parse("bytes=500-600,601-999", 10_000), Ranges::One(500..1_000));
        assert_eq!(parse("bytes=500-700,601-999", 10_000), Ranges::One(500..1_000));
    }

    #[test]
    fn what_is_malformed_asks_for_the_whole() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=1",
            "bytes=2-1",
            "bytes=1-2-3",
            "bytes=+1-2",
            "bytes=1-2,x",
            "bytes=1 -2",
            "bytes:1-2",
            "lines=1-2",
            "bytes=0x1-2",
            "bytes 0-1",
        ] {
            assert_eq!(parse(value, 100), Ranges::Whole, "{value}");
        }
    }

    #[test]
    fn a_range_ends_with_the_resource() {
        assert_eq!(parse("bytes=90-200", 100), Ranges::One(90..100));
        assert_eq!(parse("bytes=-200", 100), Ranges::One(0..100));
        assert_eq!(parse("BYTES=0-", 100), Ranges::One(0..100));
        assert_eq!(parse("bytes=0-99999999999999999999999999", 100), Ranges::One(0..100));
        assert_eq!(parse("bytes=0-18446744073709551615", u64::MAX), Ranges::One(0..u64::MAX));
    }

    #[test]
    fn what_is_not_there_cannot_be_sent() {
        for value in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999999-", "bytes=100-,200-"]
        {
            assert_eq!(parse(value, 100), Ranges::Unsatisfiable, "{value}");
        }
        assert_eq!(parse("bytes=100-,5-6,-0", 100), Ranges::One(5..7));
        assert_eq!(parse("bytes=0-", 0), Ranges::Unsatisfiable);
        assert_eq!(parse("bytes=-0", 0), Ranges::Unsatisfiable);
        assert_eq!(parse("bytes=-5", 0), Ranges::Whole);
        assert_eq!(Ranges::unsatisfied_content_range(47_022), "bytes */47022");
    }

    #[test]
    fn ranges_that_lie_close_together_become_one() {
        assert_eq!(parse("bytes=0-9,90-99", 1_000), Ranges::One(0..100));
        assert_eq!(parse("bytes=0-9,91-99", 1_000), Ranges::Several(vec![0..10, 91..100]));
        assert_eq!(parse("bytes=500-599,0-9,20-29", 1_000), Ranges::Several(vec![500..600, 0..30]));
        // The last joins the two before it.
        assert_eq!(parse("bytes=0-9,200-209,800-809,5-203", 1_000), Ranges::Several(vec![0..210, 800..810]));
        assert_eq!(parse("bytes=0-,0-,0-,0-,0-", 1_000), Ranges::One(0..1_000));
    }

    #[test]
    fn many_ranges_ask_for_the_whole() {
        let ranges = |count: usize| (0..count).map(|at| format!("{0}-{0}", at * 100)).collect::<Vec<_>>().join(",");
        assert!(matches!(parse(&format!("bytes={}", ranges(16)), 10_000), Ranges::Several(list) if list.len() == 16));
        assert_eq!(parse(&format!("bytes={}", ranges(17)), 10_000), Ranges::Whole);
    }

    #[test]
    fn no_set_of_ranges_sends_more_than_the_resource_nor_overlaps() {
        let mut seed = 7_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for round in 0..20_000 {
            let length = 1 + random(2_000);
            let mut wanted = Vec::new();
            let mut specs = Vec::new();
            for _ in 0..1 + random(16) {
                let (first, last) = (random(2_100), random(2_100));
                if first <= last {
                    specs.push(format!("{first}-{last}"));
                    wanted.push(first..(last + 1).min(length));
                } else {
                    specs.push(format!("-{last}"));
                    wanted.push(length.saturating_sub(last)..length);
                }
            }
            wanted.retain(|range| !range.is_empty());
            let sent = match parse(&format!("bytes={}", specs.join(",")), length) {
                Ranges::One(range) => vec![range],
                Ranges::Several(ranges) => {
                    assert!(ranges.len() > 1);
                    ranges
                }
                Ranges::Unsatisfiable => Vec::new(),
                Ranges::Whole => panic!("round {round}: {specs:?}"),
            };
            let holds = |range: &Range<u64>| sent.iter().any(|sent| sent.start <= range.start && range.end <= sent.end);
            assert!(wanted.iter().all(holds), "round {round}: {specs:?} of {length} gave {sent:?}");
            let mut sorted = sent.clone();
            sorted.sort_by_key(|range| range.start);
            assert!(sorted.windows(2).all(|two| two[0].end + SMALL_GAP < two[1].start), "{specs:?} gave {sent:?}");
            assert!(sorted.iter().all(|range| !range.is_empty() && range.end <= length));
        }
    }

    #[test]
    fn the_length_of_a_body_in_parts_is_known_beforehand() {
        let frame = ByteRangesFrame::new("b", "text/plain", 100);
        let ranges = [1..5, 90..100];
        let body: u64 = ranges.iter().map(|range| frame.part_head(range).len() as u64 + range.end - range.start).sum();
        assert_eq!(frame.content_length(&ranges), body + "\r\n--b--\r\n".len() as u64);
        assert_eq!(Ranges::content_range(&(42..1_234), 1_234), "bytes 42-1233/1234");
    }

    #[test]
    fn a_type_that_came_from_elsewhere_adds_no_header_to_a_part() {
        let frame = ByteRangesFrame::new("b\r\n\r\n", "text/plain\r\nX: y\n", 100);
        assert_eq!(frame.content_type(), "multipart/byteranges; boundary=b");
        let head = "\r\n--b\r\nContent-Type: text/plainX: y\r\nContent-Range: bytes 1-4/100\r\n\r\n";
        assert_eq!(frame.part_head(&(1..5)), head);
        assert_eq!(frame.end(), "\r\n--b--\r\n");
    }
}
