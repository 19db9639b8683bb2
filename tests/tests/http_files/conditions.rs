//! Conditional requests for files.

use crate::site::{MODIFIED, Site, TAG};

const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

#[test]
fn who_has_the_file_does_not_get_it_again() {
    let mut client = Site::new().with("a", "hello").client();
    let tag = format!("\"{TAG}-5\"");
    for condition in [("If-None-Match", &*tag), ("If-None-Match", "*"), ("If-Modified-Since", MODIFIED)] {
        for method in ["GET", "HEAD"] {
            let answer = client.ask(method, "/a", &[condition]);
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{condition:?}");
            assert_eq!(answer.header("ETag"), Some(&*tag));
            assert_eq!(answer.header("Cache-Control"), Some("no-cache"));
            assert_eq!(answer.header("Content-Type"), None);
            assert_eq!(answer.header("Content-Length"), None);
        }
    }
    for condition in [("If-None-Match", "\"other\""), ("If-Modified-Since", BEFORE), ("If-Modified-Since", "nonsense")]
    {
        assert_eq!(client.get_with("/a", &[condition]).text(), "hello", "{condition:?}");
    }
}

#[test]
fn who_wants_another_version_is_told_that_it_is_gone() {
    let mut client = Site::new().with("a", "hello").client();
    for condition in [("If-Match", "\"other\""), ("If-Unmodified-Since", BEFORE)] {
        assert_eq!(client.get_with("/a", &[condition]).status, 412, "{condition:?}");
    }
    let tag = format!("\"{TAG}-5\"");
    for condition in [("If-Match", &*tag), ("If-Match", "*"), ("If-Unmodified-Since", MODIFIED)] {
        assert_eq!(client.get_with("/a", &[condition]).status, 200, "{condition:?}");
    }
}

#[test]
fn a_tag_takes_precedence_over_a_date() {
    let mut client = Site::new().with("a", "hello").client();
    let both = [("If-Modified-Since", MODIFIED), ("If-None-Match", "\"other\"")];
    assert_eq!(client.get_with("/a", &both).status, 200);
}

#[test]
fn what_is_not_there_is_not_there_whatever_the_condition() {
    let mut client = Site::new().client();
    assert_eq!(client.get_with("/a", &[("If-None-Match", "*")]).status, 404);
}
