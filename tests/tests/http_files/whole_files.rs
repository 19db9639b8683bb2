//! Files, all of them.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use lariat_protocols::http::{Files, Router, Server};

use crate::site::{Client, MODIFIED, Site, TAG, modified};

#[test]
fn a_file_is_sent_with_its_type_date_and_tag() {
    let answer = Site::new().with("a page.html", "<p>hello").client().get("/a%20page.html");
    assert_eq!((answer.status, answer.text()), (200, "<p>hello"));
    assert_eq!(answer.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("Content-Length"), Some("8"));
    assert_eq!(answer.header("Last-Modified"), Some(MODIFIED));
    assert_eq!(answer.header("ETag"), Some(&*format!("\"{TAG}-8\"")));
    assert_eq!(answer.header("Accept-Ranges"), Some("bytes"));
    assert_eq!(answer.header("Cache-Control"), Some("no-cache"));
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
}

#[test]
fn files_of_any_size_arrive_whole_one_after_the_other() {
    let sizes = [0, 1, 4_095, 4_096, 4_097, 16_384, 16_385, 65_536, 1_500_000];
    let content = |size: usize| (0..=250).flat_map(|byte| [byte; 7]).cycle().take(size).collect::<Vec<u8>>();
    let site = sizes.iter().fold(Site::new(), |site, size| site.with(&size.to_string(), content(*size)));
    let mut client = Client::of(site.files());
    for size in sizes {
        let answer = client.get(&format!("/{size}"));
        assert_eq!(answer.status, 200);
        assert!(answer.body == content(size), "{size}");
    }
}

#[test]
fn head_is_answered_as_get_without_the_content() {
    let site = Site::new().with("small", "12345").with("large", [0; 100_000]);
    let mut client = Client::of(site.files());
    for path in ["/small", "/large", "/missing", "/"] {
        let (get, head) = (client.get(path), client.ask("HEAD", path, &[]));
        assert_eq!(head.status, get.status, "{path}");
        for name in ["Content-Type", "Content-Length", "Last-Modified", "ETag", "Accept-Ranges"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
        assert!(head.body.is_empty());
    }
}

#[test]
fn what_would_lead_outside_or_is_hidden_is_not_there() {
    let site = Site::new().with("a", "a").with(".env", "hidden").with("sub/.git/config", "hidden");
    symlink("../secret", site.path("out")).expect("it is new");
    symlink("/etc", site.path("etc")).expect("it is new");
    symlink("..", site.path("sub/up")).expect("it is new");
    let mut client = Client::of(site.files().with_listing(true));
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "/sub/../../secret",
        "/.env",
        "/sub/.git/config",
        "/sub/.git/",
        "/out",
        "/etc/passwd",
        "/sub/up/secret",
        "/sub/up/../../secret",
        "//a",
        "/a/",
        "/a/b",
        "/sub/up/up/secret",
    ] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
    for path in ["/%2e%2e%2fsecret", "/a%00", "/%", "/%zz"] {
        assert_eq!(client.get(path).status, 400, "{path}");
    }
    // Up, but not out.
    assert_eq!(client.get("/sub/up/a").text(), "a");
    assert!(client.is_open());
}

#[test]
fn nothing_is_served_that_is_no_longer_there() {
    let site = Site::new().with("a", "before");
    let mut client = Client::of(site.files());
    assert_eq!(client.get("/a").text(), "before");
    fs::write(site.path("a"), "after").expect("it is ours");
    assert_eq!(client.get("/a").text(), "after");
    fs::remove_file(site.path("a")).expect("it is ours");
    assert_eq!(client.get("/a").status, 404);
}

#[test]
fn only_reading_is_allowed() {
    let mut client = Site::new().with("a", "a").client();
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE"] {
        let answer = client.ask(method, "/a", &[]);
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
    }
    let answer = client.ask("OPTIONS", "/a", &[]);
    assert_eq!((answer.status, answer.header("Allow")), (204, Some("GET, HEAD, OPTIONS")));
}

#[test]
fn headers_can_be_set_for_all_files() {
    let site = Site::new().with("a", "a");
    let files = site.files().with_cache_control("max-age=60").expect("it is a header");
    let files = files.with_header("X-Frame-Options", "DENY").expect("it is a header");
    let answer = Client::of(files).get("/a");
    assert_eq!(answer.header("Cache-Control"), Some("max-age=60"));
    assert_eq!(answer.header("X-Frame-Options"), Some("DENY"));
    for value in ["a\r\nSet-Cookie: b=c", "a\nb", "a\rb", "a\0b"] {
        assert!(site.files().with_cache_control(value).is_err());
        assert!(site.files().with_header("X", value).is_err() && site.files().with_header(value, "x").is_err());
    }
}

#[test]
fn a_nested_site_sees_its_own_part_of_the_path() {
    let site = Site::new().with("index.html", "index").with("sub/a", "a");
    let mut router = Router::new();
    router.nest("/static", site.files());
    let mut client = Client::of_server(Server::new(router));
    assert_eq!(client.get("/static/sub/a").text(), "a");
    assert_eq!(client.get("/static/").text(), "index");
    assert_eq!(client.get("/static/../secret").status, 404);
    let answer = client.get("/static");
    assert_eq!((answer.status, answer.header("Location")), (308, Some("./static/")));
}

#[test]
fn a_file_that_was_changed_just_now_has_no_strong_tag() {
    let site = Site::new().with("a", "a");
    let mut client = Client::of(site.files().with_clock(modified));
    assert_eq!(client.get("/a").header("ETag"), Some(&*format!("W/\"{TAG}-1\"")));
}

#[test]
fn no_file_is_modified_later_than_its_response() {
    let later = modified() + Duration::from_secs(3600);
    let site = Site::new().with("a", "a");
    site.date("a", later);
    let server = Server::new(site.files().with_clock(modified)).with_clock(modified);
    let mut client = Client::of_server(server);
    let answer = client.get("/a");
    assert_eq!((answer.header("Date"), answer.header("Last-Modified")), (Some(MODIFIED), Some(MODIFIED)));
    assert!(answer.header("ETag").is_some_and(|tag| !tag.contains(TAG)), "the tag is that of the file");
}

#[test]
fn an_uploaded_file_is_a_download_in_a_sandbox() {
    let mut client = Site::new().with("a.html", "<script>").client_of(Files::with_uploads);
    let answer = client.get("/a.html");
    assert_eq!(answer.header("Content-Disposition"), Some("attachment"));
    assert!(answer.header("Content-Security-Policy").is_some_and(|policy| policy.starts_with("sandbox;")));
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
}

#[test]
fn no_browser_guesses_the_type_of_a_listing_or_an_error_page() {
    let mut client = Site::new().with("folder/a", "a").client_of(|files| files.with_listing(true));
    for (path, status) in [("/folder/", 200), ("/missing", 404)] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("X-Content-Type-Options")), (status, Some("nosniff")));
    }
}
