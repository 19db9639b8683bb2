//! Files that have been compressed beforehand.

use std::time::Duration;

use crate::site::{Client, Site, TAG, modified};

fn site() -> Site {
    Site::new()
        .with("a.css", "plain")
        .with("a.css.gz", "GZ")
        .with("a.css.br", "BR")
        .with("b.css", "plain")
        .with("b.css.zst", "ZST")
}

#[test]
fn the_compressed_form_is_sent_to_who_takes_it() {
    let mut client = site().client_of(|files| files.with_precompressed(true));
    for (path, accepted, content, coding) in [
        ("/a.css", "gzip, br", "BR", Some("br")),
        ("/a.css", "gzip, br;q=0.5", "GZ", Some("gzip")),
        ("/a.css", "zstd, gzip", "GZ", Some("gzip")),
        ("/a.css", "zstd", "plain", None),
        ("/a.css", "identity, br;q=0.5", "plain", None),
        ("/a.css", "*", "BR", Some("br")),
        ("/b.css", "gzip, br, zstd", "ZST", Some("zstd")),
        ("/b.css", "gzip, br", "plain", None),
    ] {
        let answer = client.get_with(path, &[("Accept-Encoding", accepted)]);
        assert_eq!((answer.text(), answer.header("Content-Encoding")), (content, coding), "{path}, {accepted}");
        assert_eq!(answer.header("Content-Type"), Some("text/css; charset=utf-8"));
        assert_eq!(answer.header("Vary"), Some("Accept-Encoding"));
    }
    let answer = client.get("/a.css");
    assert_eq!((answer.text(), answer.header("Vary")), ("plain", Some("Accept-Encoding")));
}

#[test]
fn each_form_has_a_tag_of_its_own() {
    let mut client = site().client_of(|files| files.with_precompressed(true));
    let gzip = ("Accept-Encoding", "gzip");
    let tag = format!("\"{TAG}-2-gzip\"");
    assert_eq!(client.get_with("/a.css", &[gzip]).header("ETag"), Some(&*tag));
    let again = client.get_with("/a.css", &[gzip, ("If-None-Match", &tag)]);
    assert_eq!((again.status, again.header("Vary")), (304, Some("Accept-Encoding")));
    assert_eq!(client.get_with("/a.css", &[("If-None-Match", &tag)]).status, 200);
    let part = client.get_with("/a.css", &[gzip, ("Range", "bytes=1-")]);
    assert_eq!((part.text(), part.header("Content-Encoding")), ("Z", Some("gzip")));
    assert_eq!(part.header("Content-Range"), Some("bytes 1-1/2"));
}

#[test]
fn a_compressed_form_that_is_older_than_the_file_is_not_sent() {
    let site = site();
    site.date("a.css", modified() + Duration::from_secs(1));
    let mut client = Client::of(site.files().with_precompressed(true));
    assert_eq!(client.get_with("/a.css", &[("Accept-Encoding", "gzip, br")]).text(), "plain");
}

#[test]
fn without_the_setting_the_file_itself_is_sent() {
    let answer = site().client().get_with("/a.css", &[("Accept-Encoding", "gzip, br")]);
    assert_eq!((answer.text(), answer.header("Vary")), ("plain", None));
}
