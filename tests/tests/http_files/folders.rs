//! Folders, and what is sent where there is nothing.

use std::os::unix::fs::symlink;

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
    assert!(
        page.contains("<a href=\"./%3Cb%3E%26.txt\">&lt;b&gt;&amp;.txt</a></td><td>5 B</td><td>06 Nov 1994 08:49</td>")
    );
    assert!(page.contains("<a href=\"./deep/\">deep/</a>"));
    assert!(!page.contains("hidden\"") && !page.contains("./out"), "{page}");
    assert!(answer.header("Content-Security-Policy").is_some_and(|policy| policy.starts_with("default-src 'none'")));
    // What is listed can be asked for.
    assert_eq!(client.get("/sub/%3Cb%3E%26.txt").text(), "12345");
    let at = |page: &str, name: &str| page.find(name).unwrap_or_else(|| panic!("{name} is not there"));
    let reversed = client.get("/?sort=name&order=down");
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
