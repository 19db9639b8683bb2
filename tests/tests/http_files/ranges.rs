//! Parts of files.

use crate::site::{Client, MODIFIED, Site, TAG, modified};

const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz";

fn site() -> Site {
    Site::new().with("a.txt", ALPHABET).with("large", ALPHABET.repeat(10_000))
}

#[test]
fn one_range_is_sent_alone() {
    let mut client = site().client();
    for (range, content, told) in [
        ("bytes=0-2", "abc", "bytes 0-2/26"),
        ("bytes=23-", "xyz", "bytes 23-25/26"),
        ("bytes=-3", "xyz", "bytes 23-25/26"),
        ("bytes=20-99", "uvwxyz", "bytes 20-25/26"),
        ("bytes=0-", ALPHABET, "bytes 0-25/26"),
        ("bytes=0-1,1-3", "abcd", "bytes 0-3/26"),
    ] {
        let answer = client.get_with("/a.txt", &[("Range", range)]);
        assert_eq!((answer.status, answer.text()), (206, content), "{range}");
        assert_eq!(answer.header("Content-Range"), Some(told));
        assert_eq!(answer.header("Content-Type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.header("ETag"), Some(&*format!("\"{TAG}-1a\"")));
    }
    let answer = client.get_with("/large", &[("Range", "bytes=100000-199999")]);
    assert_eq!(answer.header("Content-Range"), Some("bytes 100000-199999/260000"));
    assert!(answer.text() == &ALPHABET.repeat(10_000)[100_000..200_000]);
}

#[test]
fn several_ranges_are_sent_in_parts() {
    let answer = site().client().get_with("/large", &[("Range", "bytes=-2, 0-1, 52000-52002, 999999-")]);
    assert_eq!(answer.status, 206);
    let content_type = answer.header("Content-Type").expect("it has one");
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").expect("it has parts");
    assert_eq!(answer.header("Content-Range"), None);
    let part = |range, content| {
        format!(
            "\r\n--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes {range}/260000\r\n\r\n{content}"
        )
    };
    let parts = [part("259998-259999", "yz"), part("0-1", "ab"), part("52000-52002", "abc")].concat();
    assert_eq!(answer.text(), format!("{parts}\r\n--{boundary}--\r\n"));
}

#[test]
fn boundaries_differ() {
    let mut client = site().client();
    let mut ask = || client.get_with("/large", &[("Range", "bytes=0-1,-1")]).header("Content-Type").map(str::to_owned);
    assert_ne!(ask(), ask());
}

#[test]
fn what_is_beyond_the_end_cannot_be_sent() {
    let mut client = site().client();
    for range in ["bytes=26-", "bytes=-0", "bytes=100-200,300-"] {
        let answer = client.get_with("/a.txt", &[("Range", range)]);
        assert_eq!((answer.status, answer.header("Content-Range")), (416, Some("bytes */26")), "{range}");
    }
}

#[test]
fn a_range_that_is_none_or_too_many_get_the_whole() {
    let mut client = site().client();
    let many = format!("bytes={}", (0..17).map(|at| format!("{0}-{0}", at * 200)).collect::<Vec<_>>().join(","));
    for range in ["bytes=2-1", "bytes=a", "lines=1-2", &many] {
        assert_eq!(client.get_with("/a.txt", &[("Range", range)]).text(), ALPHABET, "{range}");
    }
    assert_eq!(client.get_with("/a.txt", &[("Range", "bytes=0-0"), ("Range", "bytes=1-1")]).text(), ALPHABET);
    assert_eq!(client.ask("HEAD", "/a.txt", &[("Range", "bytes=0-0")]).status, 200);
}

#[test]
fn parts_are_sent_to_who_has_the_others_of_this_very_version() {
    let site = site();
    let mut client = Client::of(site.files());
    let tag = format!("\"{TAG}-1a\"");
    for (condition, status) in [
        (&*tag, 206),
        (MODIFIED, 206),
        ("\"other\"", 200),
        (&format!("W/{tag}"), 200),
        ("Sun, 06 Nov 1994 08:49:38 GMT", 200),
        ("nonsense", 200),
    ] {
        let answer = client.get_with("/a.txt", &[("Range", "bytes=0-2"), ("If-Range", condition)]);
        assert_eq!(answer.status, status, "{condition}");
    }
    // A condition that fails counts before the range.
    let both = [("Range", "bytes=0-2"), ("If-None-Match", &*tag)];
    assert_eq!(client.get_with("/a.txt", &both).status, 304);
    // The date may name another version too, when it is this new.
    let mut client = Client::of(site.files().with_clock(modified));
    assert_eq!(client.get_with("/a.txt", &[("Range", "bytes=0-2"), ("If-Range", MODIFIED)]).status, 200);
}
