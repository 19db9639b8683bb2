//! Whatever the body, and however it is cut: the decoder gives the same form, or the same error, and stays within its limits. What was well made
//! is what comes out.
#![no_main]

use lariat_protocols::http::{FormError, FormLimits, MultipartDecoder, MultipartEvent};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Case {
    /// Any bytes, in pieces, after the beginning of a form or not.
    Bytes { begin: bool, limits: Limits, pieces: Vec<Vec<u8>> },
    /// The contents of fields, and how long the pieces are in which they come.
    Form { contents: Vec<Vec<u8>>, piece: u8 },
}

#[derive(Arbitrary, Debug)]
struct Limits {
    fields: u8,
    files: u8,
    head: u8,
    text: u8,
    file: u8,
    total: u16,
}

#[derive(Debug, PartialEq)]
enum Seen {
    Part(String, Option<String>, Option<String>),
    Data(Vec<u8>),
    PartEnd,
    End,
}

/// What came out, and what was wrong.
type Outcome = (Vec<Seen>, Option<String>);

const BEGIN: &[u8] = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n";

fn decoder(limits: FormLimits) -> MultipartDecoder {
    MultipartDecoder::new(b"multipart/form-data; boundary=b", limits).expect("the boundary is one")
}

fn decode<'a>(limits: FormLimits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut seen = Vec::new();
    let outcome = collect(limits, pieces, &mut seen);
    (seen, outcome.err().map(|error| format!("{error:?}")))
}

fn collect<'a>(
    limits: FormLimits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    seen: &mut Vec<Seen>,
) -> Result<(), FormError> {
    let mut decoder = decoder(limits);
    for mut piece in pieces {
        while let Some(event) = decoder.next(&mut piece)? {
            match (event, seen.last_mut()) {
                (MultipartEvent::Data(data), Some(Seen::Data(before))) => before.extend_from_slice(data),
                (MultipartEvent::Data(data), _) => seen.push(Seen::Data(data.to_vec())),
                (MultipartEvent::Part(head), _) => {
                    assert!(head.name.len() <= limits.head);
                    seen.push(Seen::Part(head.name, head.file_name, head.content_type));
                }
                (MultipartEvent::PartEnd, _) => seen.push(Seen::PartEnd),
                (MultipartEvent::End, _) => seen.push(Seen::End),
            }
        }
        assert!(piece.is_empty());
    }
    decoder.finish()
}

/// Data that goes beyond a limit may be given up to the limit, or up to the last piece before it.
fn without_last_data(mut seen: Vec<Seen>) -> Vec<Seen> {
    if let Some(Seen::Data(_)) = seen.last() {
        seen.pop();
    }
    seen
}

fuzz_target!(|case: Case| match case {
    Case::Bytes { begin, limits, mut pieces } => {
        if begin {
            pieces.insert(0, BEGIN.to_vec());
        }
        let limits = FormLimits {
            fields: limits.fields.into(),
            files: limits.files.into(),
            head: limits.head.into(),
            text: limits.text.into(),
            file: limits.file.into(),
            total: limits.total.into(),
            in_memory: 0,
        };
        let whole = pieces.concat();
        let (at_once, error) = decode(limits, [&whole[..]]);
        let text: usize = at_once.iter().map(|seen| if let Seen::Data(data) = seen { data.len() } else { 0 }).sum();
        assert!(text <= limits.text + usize::try_from(limits.file).unwrap_or(0) * limits.files);
        let at_once = if error.is_some() { without_last_data(at_once) } else { at_once };
        for cut in [decode(limits, pieces.iter().map(Vec::as_slice)), decode(limits, whole.chunks(1))] {
            let seen = if cut.1.is_some() { without_last_data(cut.0) } else { cut.0 };
            assert_eq!((&seen, &cut.1), (&at_once, &error));
        }
    }
    Case::Form { contents, piece } => {
        let (mut body, mut expected) = (Vec::new(), Vec::new());
        for content in contents {
            if content.windows(5).any(|window| window == b"\r\n--b")
                || [&content[..], b"\r\n--"].concat().windows(5).any(|window| window == b"\r\n--b")
            {
                return;
            }
            body.extend_from_slice(BEGIN);
            body.extend_from_slice(&content);
            body.extend_from_slice(b"\r\n");
            expected.push(Seen::Part("a".into(), None, None));
            if !content.is_empty() {
                expected.push(Seen::Data(content));
            }
            expected.push(Seen::PartEnd);
        }
        body.extend_from_slice(b"--b--\r\n");
        expected.push(Seen::End);
        let limits = FormLimits { fields: usize::MAX, text: usize::MAX, ..FormLimits::default() };
        assert_eq!(decode(limits, body.chunks(usize::from(piece).max(1))), (expected, None));
    }
});
