//! Folders, and the responses for missing files.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::time::Duration;

use lariat_protocols::http::Router;

use crate::site::{Client, Site};

#[test]
fn a_folder_has_its_index_for_a_page() {
    let site = Site::new().with("index.html", "first").with("sub/index.html", "second").with("sub/other.html", "third");
    let mut client = Client::of(site.files());
    assert_eq!(client.get("/").text(), "first");
    let answer = client.get("/sub/");
    assert_eq!((answer.text(), answer.header("Content-Type")), ("second", Some("text/html; charset=utf-8")));
    let mut client = Client::of(site.files().with_index("other.html"));
    assert_eq!(client.get("/sub/").text(), "third");
    assert_eq!(client.get("/").status, 404);
}

#[test]
fn a_folder_without_its_slash_is_redirected_to() {
    let mut client = Site::new().with("a/b c/x", "x").client();
    for (path, location) in [("/a", "./a/"), ("/a/b%20c", "./b%20c/"), ("/a?x=1&y", "./a/?x=1&y"), ("/a?", "./a/?")] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.header("Location")), (308, Some(location)), "{path}");
    }
}

#[test]
fn no_redirect_leads_to_another_host() {
    let mut client = Site::new().with("evil.example/x", "x").client();
    for path in ["//evil.example", "///evil.example", "/%2fevil.example", "//evil.example/%2e%2e"] {
        let answer = client.get(path);
        assert_eq!(answer.header("Location"), None, "{path}");
        assert!(answer.status >= 400);
    }
    assert_eq!(client.get("/evil.example").header("Location"), Some("./evil.example/"));
}

#[test]
fn a_name_with_a_line_break_in_it_breaks_no_header() {
    let site = Site::new().with("a\r\nSet-Cookie: b/x\n.txt", "x");
    let mut client = Client::of(site.files().with_listing(true));
    let folder = "/a%0d%0aSet-Cookie:%20b";
    let answer = client.get(folder);
    assert_eq!(answer.header("Location"), Some("./a%0d%0aSet-Cookie:%20b/"));
    assert_eq!(answer.header("Set-Cookie"), None);
    for path in [format!("{folder}/"), format!("{folder}/x%0a.txt"), "/".to_owned()] {
        assert_eq!(client.get(&path).header("Set-Cookie"), None, "{path}");
    }
}

#[test]
fn a_folder_is_listed_only_if_that_is_wanted() {
    let site = Site::new().with("sub/<b>&.txt", "12345").with("sub/deep/x", "").with("sub/.hidden", "");
    symlink("../../secret", site.path("sub/out")).expect("it is new");
    assert_eq!(Client::of(site.files()).get("/sub/").status, 404);
    let mut client = Client::of(site.files().with_listing(true));
    let answer = client.get("/sub/");
    assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("text/html; charset=utf-8")));
    let page = answer.text();
    assert!(page.contains(
        "<a href=\"./%3Cb%3E%26.txt\"><bdi>&lt;b&gt;&amp;.txt</bdi></a></td><td>5 B</td><td>06 Nov 1994 08:49</td>"
    ));
    assert!(page.contains("<a href=\"./deep/\"><bdi>deep/</bdi></a>"));
    assert!(!page.contains("hidden\"") && !page.contains("./out"), "{page}");
    assert!(answer.header("Content-Security-Policy").is_some_and(|policy| policy.starts_with("default-src 'none'")));
    // What is listed can be asked for.
    assert_eq!(client.get("/sub/%3Cb%3E%26.txt").text(), "12345");
    let at = |page: &str, name: &str| page.find(name).unwrap_or_else(|| panic!("{name} is not there"));
    let reversed = client.get("/?sort=-name");
    assert!(at(reversed.text(), "./sub/") > at(reversed.text(), "<tbody>"));
}

#[test]
fn an_application_gets_its_page_for_whatever_there_is_not() {
    let site = Site::new().with("index.html", "application").with("app.js", "script").with("folder/x", "");
    let mut client = Client::of(site.files().with_fallback("/index.html"));
    for path in ["/", "/users", "/users/7", "/users/7/", "/folder/"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.text()), (200, "application"), "{path}");
        assert_eq!(answer.header("Content-Type"), Some("text/html; charset=utf-8"));
    }
    assert_eq!(client.get("/app.js").text(), "script");
    assert_eq!(client.get("/gone.js").status, 404);
    let html = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    assert_eq!(client.get_with("/users/jane.doe", &html).text(), "application");
    assert_eq!(client.get("/.env").status, 404);
    assert_eq!(client.get("/../secret").status, 404);
}

#[test]
fn a_client_that_asks_for_data_gets_no_page() {
    let site = Site::new().with("index.html", "application");
    let mut client = Client::of(site.files().with_fallback("/index.html"));
    for (accept, status) in [
        ("application/json", 404),
        ("application/json, text/plain, */*", 404),
        ("image/avif,image/webp,*/*;q=0.8", 404),
        ("text/html;q=0, */*;q=0.5", 200),
        ("text/html;q=0", 404),
        ("*/*", 200),
        ("application/json, text/html;q=0.1", 200),
        ("application/xhtml+xml", 200),
    ] {
        let answer = client.get_with("/users", &[("Accept", accept)]);
        assert_eq!((answer.status, answer.header("Vary")), (status, Some("Accept")), "{accept}");
    }
}

#[test]
fn a_listed_name_that_is_not_utf8_can_be_asked_for() {
    let site = Site::new().with("sub/x", "");
    fs::write(site.path("sub").join(OsStr::from_bytes(b"caf\xe9 \xff")), "latin").expect("the file can be written");
    let mut router = Router::new();
    router.nest("/files", site.files().with_listing(true));
    let mut client = Client::of(router);
    let page = client.get("/files/sub/");
    let link = "./caf%E9%20%FF";
    assert!(page.text().contains(&format!("<a href=\"{link}\">")), "{}", page.text());
    assert_eq!(client.get("/files/sub/caf%E9%20%FF").text(), "latin");
}

#[test]
fn a_listing_is_not_made_for_head() {
    let site = Site::new().with("sub/x", "");
    let mut client = Client::of(site.files().with_listing(true));
    let head = client.ask("HEAD", "/sub/", &[]);
    assert_eq!((head.status, head.header("Content-Type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!((head.header("Content-Length"), head.body.len()), (None, 0));
    assert_eq!(head.header("X-Content-Type-Options"), Some("nosniff"));
}

#[test]
fn a_listing_is_kept_for_a_second() {
    let site = Site::new().with("sub/x", "12345");
    let mut client = Client::of(site.files().with_listing(true));
    assert!(client.get("/sub/").text().contains("5 B"));
    fs::write(site.path("sub/x"), "123456789").expect("the file can be written");
    assert!(client.get("/sub/").text().contains("5 B"), "no name has changed");
    assert!(client.get("/sub/?sort=size").text().contains("9 B"), "another order is another page");
    client.advance(Duration::from_secs(1));
    assert!(client.get("/sub/").text().contains("9 B"));
}

#[test]
fn a_new_name_is_listed_at_once() {
    let site = Site::new().with("sub/x", "");
    let mut client = Client::of(site.files().with_listing(true));
    // The folder's time of change has the kernel's tick, so another inode shows the same without waiting for it.
    assert!(client.get("/sub/").text().contains("./x"));
    fs::rename(site.path("sub"), site.path("old")).expect("it is ours");
    let _site = site.with("sub/y", "");
    assert!(client.get("/sub/").text().contains("./y"));
}

#[test]
fn a_large_folder_is_listed_by_a_thread() {
    let site = Site::new();
    let names: Vec<_> = (0..300).map(|number| format!("sub/file-{number}")).collect();
    let site = names.iter().fold(site, |site, name| site.with(name, ""));
    let mut client = Client::of(site.files().with_listing(true));
    let threads = client.thread_jobs();
    let page = client.get("/sub/");
    assert!(page.text().contains("<p>0 folders, 300 files, 0 B</p>"), "{}", page.text());
    assert_eq!(client.thread_jobs(), threads + 1);
    // The second one is the page that was kept.
    assert_eq!(client.get("/sub/"), page);
    assert_eq!(client.thread_jobs(), threads + 1);
}
