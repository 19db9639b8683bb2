//! Whatever stands in a request: ranges lie in the file and do not overlap, paths lead nowhere but down, and nothing panics.
#![no_main]

use lariat_protocols::http::{
    AcceptedCodings, ContentCoding, EntityTag, Fields, FilePath, Form, FormLimits, ListingOrder, Ranges, Validators,
    evaluate_conditions, range_applies,
};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Case<'a> {
    Range(&'a [u8], u64),
    Path(&'a str),
    Headers(Vec<(u8, &'a [u8])>),
    Query(&'a str),
}

const NAMES: [&str; 6] =
    ["Accept-Encoding", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"];

fuzz_target!(|case: Case<'_>| match case {
    Case::Range(value, length) => match Ranges::parse(value, length) {
        Ranges::Whole | Ranges::Unsatisfiable => {}
        Ranges::One(range) => assert!(range.start < range.end && range.end <= length),
        Ranges::Several(mut ranges) => {
            assert!((2..=16).contains(&ranges.len()));
            assert!(ranges.iter().all(|range| range.start < range.end && range.end <= length));
            ranges.sort_by_key(|range| range.start);
            assert!(ranges.windows(2).all(|two| two[0].end < two[1].start));
        }
    },
    Case::Path(path) => {
        if let Ok(path) = FilePath::parse(path) {
            let mut segments = path.as_bytes().split(|byte| *byte == b'/');
            let first = segments.next().unwrap_or_default();
            assert!(!first.starts_with(b".") || first == b".well-known");
            assert!(segments.all(|segment| !segment.is_empty() && !segment.starts_with(b".")));
            assert!(!path.as_bytes().contains(&0));
        }
    }
    Case::Headers(headers) => {
        let mut fields = Fields::new();
        for (name, value) in headers {
            let _ = fields.append(NAMES[usize::from(name) % NAMES.len()], value);
        }
        let headers = fields.headers();
        let accepted = AcceptedCodings::read(headers);
        assert_eq!(
            accepted.best_of(&ContentCoding::ALL).is_some(),
            accepted.best_of(&ContentCoding::ALL).is_some_and(|best| accepted.best_of(&[best]) == Some(best))
        );
        let validators = Validators { tag: EntityTag::parse(b"\"a\""), ..Validators::default() };
        for is_read in [false, true] {
            evaluate_conditions(headers, is_read, Some(&validators));
            evaluate_conditions(headers, is_read, None);
        }
        range_applies(headers, &validators);
    }
    Case::Query(query) => {
        ListingOrder::from_query(Some(query));
        let limits = FormLimits { fields: 10, text: 100, ..FormLimits::default() };
        if let Ok(form) = Form::parse_urlencoded(query.as_bytes(), &limits) {
            assert!(form.fields().count() <= 10);
            assert!(form.fields().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= 100);
        }
    }
});
