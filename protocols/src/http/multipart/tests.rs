use lariat::testing::check_linear_cost;

use super::*;

/// A form in full: what it is made of, with the pieces of data put together.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Part(String, Option<String>, Option<String>),
    Data(Vec<u8>),
    PartEnd,
    End,
}

fn decoder(limits: FormLimits) -> MultipartDecoder {
    MultipartDecoder::new(b"multipart/form-data; boundary=xyz", limits).unwrap()
}

fn decode<'a>(
    mut decoder: MultipartDecoder,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Seen>, FormError> {
    let mut seen = Vec::new();
    for mut piece in pieces {
        while let Some(event) = decoder.next(&mut piece)? {
            match (event, seen.last_mut()) {
                (MultipartEvent::Data(data), Some(Seen::Data(before))) => before.extend_from_slice(data),
                (MultipartEvent::Data(data), _) => {
                    assert!(!data.is_empty());
                    seen.push(Seen::Data(data.to_vec()));
                }
                (MultipartEvent::Part(head), _) => seen.push(Seen::Part(head.name, head.file_name, head.content_type)),
                (MultipartEvent::PartEnd, _) => seen.push(Seen::PartEnd),
                (MultipartEvent::End, _) => seen.push(Seen::End),
            }
        }
        assert!(piece.is_empty());
    }
    decoder.finish().map(|()| seen)
}

fn whole(body: &str) -> Result<Vec<Seen>, FormError> {
    decode(decoder(FormLimits::uploads()), [body.as_bytes()])
}

fn field(name: &str, data: &str) -> Vec<Seen> {
    let data = (!data.is_empty()).then(|| Seen::Data(data.into()));
    [Some(Seen::Part(name.into(), None, None)), data, Some(Seen::PartEnd)].into_iter().flatten().collect()
}

const FIELD: &str = "Content-Disposition: form-data; name=\"a\"\r\n\r\n";

#[test]
fn fields_and_files_come_in_order() {
    let body = "--xyz\r\n\
        Content-Disposition: form-data; name=\"text\"\r\n\r\n\
        value\r\n\
        --xyz\r\n\
        content-disposition: FORM-DATA; filename=\"a \\\"b\\\".txt\"; name=up\r\n\
        Content-Type: text/plain; charset=utf-8\r\n\
        X-Other: whatever\r\n\r\n\
        line\r\nline\r\n\r\n\
        --xyz--\r\n";
    let file = Seen::Part("up".into(), Some("a \"b\".txt".into()), Some("text/plain; charset=utf-8".into()));
    let data = Seen::Data(b"line\r\nline\r\n".to_vec());
    assert_eq!(whole(body).unwrap(), [field("text", "value"), vec![file, data, Seen::PartEnd, Seen::End]].concat());
}

#[test]
fn a_form_without_fields_and_a_field_without_content_are_understood() {
    assert_eq!(whole("--xyz--").unwrap(), [Seen::End]);
    assert_eq!(whole("\r\n--xyz--\r\n").unwrap(), [Seen::End]);
    assert_eq!(whole("a preamble\r\n--xyz--an epilogue\r\n--xyz\r\n").unwrap(), [Seen::End]);
    let empty = format!("--xyz\r\n{FIELD}\r\n--xyz--");
    assert_eq!(whole(&empty).unwrap(), [field("a", ""), vec![Seen::End]].concat());
    let padded = format!("--xyz \t\r\n{FIELD}v\r\n--xyz--");
    assert_eq!(whole(&padded).unwrap(), [field("a", "v"), vec![Seen::End]].concat());
}

#[test]
fn what_looks_like_a_boundary_and_is_none_is_content() {
    for content in [
        "\r",
        "\r\n",
        "\r\n-",
        "\r\n--",
        "\r\n--xy",
        "\r\r\n--xy\r\n--x",
        "--xyz",
        "\n--xyz--",
        "\r\r",
        "-",
        "\r\n--XYZ",
    ] {
        for (before, after) in [("", ""), ("a", ""), ("", "b"), ("\r\n--x", "\r\n--xy")] {
            let content = [before, content, after].concat();
            let body = format!("--xyz\r\n{FIELD}{content}\r\n--xyz--");
            let expected = [field("a", &content), vec![Seen::End]].concat();
            assert_eq!(whole(&body).unwrap(), expected, "{content:?}");
            let pieces = body.as_bytes().chunks(1);
            assert_eq!(decode(decoder(FormLimits::uploads()), pieces).unwrap(), expected, "{content:?}");
        }
    }
}

#[test]
fn every_cut_gives_the_same_form() {
    let body = format!("pre\r\n--xyz\r\n{FIELD}\r\r\n--xy\r\n--x\r\r\n--xyz \r\n{FIELD}v\r\n--xyz--\r\nepilogue");
    let expected = whole(&body).unwrap();
    let body = body.as_bytes();
    for first in 0..=body.len() {
        for second in first..=body.len() {
            let pieces = [&body[..first], &body[first..second], &body[second..]];
            assert_eq!(decode(decoder(FormLimits::uploads()), pieces).unwrap(), expected, "at {first} and {second}");
        }
    }
}

#[test]
fn what_is_malformed_is_refused_however_it_is_cut() {
    let disposition = "Content-Disposition: form-data; name=\"a\"";
    for (body, error) in [
        (format!("--xyz\r\n{FIELD}v"), "UnexpectedEnd"),
        (format!("--xyz\r\n{FIELD}v\r\n--xyz"), "UnexpectedEnd"),
        (format!("--xyz\r\n{FIELD}v\r\n--xyz-"), "UnexpectedEnd"),
        (String::new(), "UnexpectedEnd"),
        ("no boundary at all".into(), "UnexpectedEnd"),
        ("--xyz".into(), "UnexpectedEnd"),
        ("--xyzz\r\n".into(), "MalformedDelimiter"),
        ("--xyz\n".into(), "MalformedDelimiter"),
        ("--xyz\r\r".into(), "MalformedDelimiter"),
        ("--xyz-x".into(), "MalformedDelimiter"),
        ("--xyz\r\n\r\nv\r\n--xyz--".into(), "Unnamed"),
        ("--xyz\r\nContent-Type: text/plain\r\n\r\n".into(), "Unnamed"),
        ("--xyz\r\nContent-Disposition: form-data\r\n\r\n".into(), "Unnamed"),
        ("--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\n".into(), "Unnamed"),
        ("--xyz\r\nno colon\r\n\r\n".into(), "MalformedHead"),
        (format!("--xyz\r\n{disposition} \r\n folded\r\n\r\n"), "MalformedHead"),
        (format!("--xyz\r\n{disposition}\n\r\n\r\n"), "MalformedHead"),
        (format!("--xyz\r\n{disposition}; name=b\r\n\r\n"), "MalformedHead"),
        (format!("--xyz\r\n{disposition}\r\n{disposition}\r\n\r\n"), "MalformedHead"),
        (format!("--xyz\r\n{disposition}\r\nX-A : b\r\n\r\n"), "MalformedHead"),
        (format!("--xyz\r\n{disposition}; x=\"\u{1}\"\r\n\r\n"), "MalformedHead"),
    ] {
        let body = body.as_bytes();
        for size in [1, 2, 3, 7, 1000] {
            let result = decode(decoder(FormLimits::uploads()), body.chunks(size));
            assert_eq!(format!("{:?}", result.unwrap_err()), error, "{}", body.escape_ascii());
        }
    }
    let not_text = [b"--xyz\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n".as_slice()];
    assert!(matches!(decode(decoder(FormLimits::uploads()), not_text), Err(FormError::NotText)));
}

#[test]
fn only_a_form_with_a_boundary_is_taken() {
    let new = |content_type: &str| MultipartDecoder::new(content_type.as_bytes(), FormLimits::uploads());
    for content_type in ["", "text/plain", "multipart/mixed; boundary=x", "application/x-www-form-urlencoded"] {
        assert!(matches!(new(content_type), Err(FormError::WrongContentType)), "{content_type}");
    }
    let long = "x".repeat(71);
    for boundary in
        ["", "; boundary=", "; boundary=\"\"", "; boundary=\"a \"", "; boundary=a;boundary=b", "; boundary=\"a\u{1}\""]
    {
        assert!(
            matches!(new(&format!("multipart/form-data{boundary}")), Err(FormError::MalformedBoundary)),
            "{boundary}"
        );
    }
    assert!(matches!(new(&format!("multipart/form-data; boundary={long}")), Err(FormError::MalformedBoundary)));
    assert!(new(&format!("multipart/form-data; boundary={}", &long[1..])).is_ok());
    assert!(new("Multipart/Form-Data; charset=utf-8; BOUNDARY=\"a b'()+_,-./:=?c\"").is_ok());
}

#[test]
fn every_limit_is_exact_however_the_body_is_cut() {
    let part = |name: &str, content: &str| {
        format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
    };
    let file = |content: &str| {
        format!("--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\n\r\n{content}\r\n")
    };
    let end = "--xyz--";
    let all = FormLimits::uploads();
    let head = part("ab", "").len() - "--xyz\r\n\r\n".len();
    let cases = [
        (FormLimits { fields: 2, ..all }, [part("a", ""), part("b", "")].concat(), part("c", ""), "TooManyFields"),
        (FormLimits { files: 1, ..all }, [file(""), part("b", "")].concat(), file(""), "TooManyFiles"),
        (FormLimits { head, ..all }, part("ab", ""), part("abc", ""), "HeadTooLarge"),
        (
            FormLimits { text: 10, ..all },
            [part("abc", "de"), part("f", "g\r\nx")].concat(),
            part("h", ""),
            "TextTooLarge",
        ),
        (FormLimits { text: 10, ..all }, part("abc", "defghij"), part("", "h"), "TextTooLarge"),
        (FormLimits { file: 5, ..all }, file("\r\n--x"), file("123456"), "FileTooLarge"),
        (FormLimits { file: 5, ..all }, file("12345"), file("\r\n--xy"), "FileTooLarge"),
        (
            FormLimits { total: (file("12345").len() + end.len()) as u64, ..all },
            file("12345"),
            "x".into(),
            "FormTooLarge",
        ),
    ];
    for (limits, fits, beyond, error) in cases {
        for size in [1, 2, 3, 5, 1000] {
            let body = [fits.as_bytes(), end.as_bytes()].concat();
            assert!(decode(decoder(limits), body.chunks(size)).is_ok(), "{error}: {limits:?} {}", body.escape_ascii());
            let body = [fits.as_bytes(), beyond.as_bytes(), end.as_bytes()].concat();
            let result = decode(decoder(limits), body.chunks(size));
            assert_eq!(format!("{:?}", result.unwrap_err()), error, "{}", body.escape_ascii());
        }
    }
}

#[test]
fn random_bodies_give_the_same_form_however_they_are_cut() {
    let tokens = [
        "\r",
        "\n",
        "\r\n",
        "-",
        "--",
        "--xyz",
        "\r\n--xyz",
        "\r\n--xyz\r\n",
        "--xyz--",
        " ",
        "x",
        FIELD,
        "Content-Disposition: form-data; name=f; filename=g\r\n\r\n",
        "\r\n\r\n",
    ];
    let mut seed = 11_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let outcome = |pieces: &mut dyn Iterator<Item = &[u8]>, limits| {
        decode(decoder(limits), pieces).map_err(|error| format!("{error:?}"))
    };
    let mut forms = 0;
    for round in 0..100_000 {
        let mut body = if random(4) > 0 { format!("--xyz\r\n{FIELD}") } else { String::new() };
        body.extend((0..random(12)).map(|_| tokens[random(tokens.len())]));
        body.push_str(if random(2) > 0 { "\r\n--xyz--" } else { "" });
        let limits = FormLimits { text: random(60), file: 5, head: 120, ..FormLimits::uploads() };
        let body = body.as_bytes();
        let whole = outcome(&mut [body].into_iter(), limits);
        let size = 1 + random(9);
        let cut = outcome(&mut body.chunks(size), limits);
        assert_eq!(cut, whole, "round {round}: {} in pieces of {size}, {limits:?}", body.escape_ascii());
        forms += usize::from(whole.is_ok());
    }
    assert!(forms > 10_000, "{forms}");
}

#[test]
fn time_is_linear_in_the_body_however_it_comes() {
    let begin = format!("--xyz\r\n{FIELD}");
    for content in ["\r", "\r\n--xy", "x", "-", "\r\n--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n"] {
        for size in [1, 16, usize::MAX] {
            let limits = FormLimits { fields: usize::MAX, text: usize::MAX, ..FormLimits::uploads() };
            check_linear_cost(8 * 1024, |length| {
                let body = [begin.as_bytes(), &content.as_bytes().repeat(length / content.len())].concat();
                let _ = decode(decoder(limits), body.chunks(size));
            });
        }
    }
}

/// The names in the head of a part with these parameters.
fn names(parameters: &str) -> Result<(String, Option<String>), FormError> {
    let head = format!("Content-Disposition: form-data; {parameters}\r\n\r\n");
    PartHead::parse(head.as_bytes()).map(|head| (head.name, head.file_name))
}

#[test]
fn extended_parameters_name_fields_and_files() {
    let file = |name: &str, file: &str| (name.to_owned(), Some(file.to_owned()));
    assert_eq!(names("name=a; filename*=utf-8''x.txt").unwrap(), file("a", "x.txt"));
    assert_eq!(names("name=a; filename*=UTF-8'de'gr%C3%BC%C3%9Fe.txt").unwrap(), file("a", "gr\u{fc}\u{df}e.txt"));
    assert_eq!(names("name*=utf-8''%61%20b; filename=x").unwrap(), file("a b", "x"));
    assert_eq!(names("name*=utf-8''a").unwrap(), ("a".to_owned(), None));
    assert_eq!(
        names("name=a; filename=\"x\"; filename*=utf-8''y").unwrap(),
        file("a", "y"),
        "the extended form counts"
    );
    assert_eq!(names("name=a; filename=x; filename*=utf-8''%y").unwrap(), file("a", "x"), "unless it is malformed");
}

#[test]
fn a_malformed_extended_parameter_is_refused() {
    for value in ["x.txt", "utf-8'x", "utf-8''%", "utf-8''%f", "utf-8''%ff", "utf-8''%0a", "utf-8''%00", "koi8-r''x"] {
        for parameters in [format!("name=a; filename*={value}"), format!("name*={value}")] {
            assert!(matches!(names(&parameters), Err(FormError::MalformedHead)), "{parameters}");
        }
    }
    assert!(matches!(names("name=a; filename*=utf-8''x; filename*=utf-8''x"), Err(FormError::MalformedHead)));
}

#[test]
fn a_quotation_mark_is_escaped_as_browsers_do_it() {
    let expected = ("say \"a\"".to_owned(), Some("\"x\" 100%.txt".to_owned()));
    assert_eq!(names("name=\"say %22a%22\"; filename=\"%22x%22 100%.txt\"").unwrap(), expected);
    assert_eq!(names("name=\"a%0D%0Ab\"").unwrap(), ("a%0D%0Ab".to_owned(), None), "no line end comes out of it");
}
