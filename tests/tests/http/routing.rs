//! Which handler answers which request.

use lariat_protocols::http::{Request, Router, Server};

use crate::site::{answer_of, body};

fn router() -> Router {
    let mut router = Router::new();
    router.get("/", |_: &mut Request<'_>| "root");
    router.get("/a", |_: &mut Request<'_>| "a");
    router.get("/a/", |_: &mut Request<'_>| "a/");
    router.get("/a/b", |_: &mut Request<'_>| "a b");
    router.put("/a/b", |_: &mut Request<'_>| "put a b");
    router.get("/a/{x}", |request: &mut Request<'_>| format!("x={}", request.path_parameter("x").unwrap_or_default()));
    router.get("/a/{x}/c", |request: &mut Request<'_>| {
        format!("x={} c", request.path_parameter("x").unwrap_or_default())
    });
    router.get("/f/{path..}", |request: &mut Request<'_>| {
        format!("path={}", request.path_parameter("path").unwrap_or_default())
    });
    router.any("/any", |request: &mut Request<'_>| request.method().to_owned());
    let mut inner = Router::new();
    inner.get("/", |request: &mut Request<'_>| format!("inner root {}", request.rest()));
    inner.get("/x/{y}", |request: &mut Request<'_>| {
        format!(
            "inner y={} tenant={}",
            request.path_parameter("y").unwrap_or_default(),
            request.path_parameter("t").unwrap_or_default()
        )
    });
    router.nest("/t/{t}", inner);
    router
}

fn ask(method: &str, path: &str) -> String {
    answer_of(&Server::new(router()), format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
}

#[test]
fn a_path_leads_to_its_handler() {
    for (path, expected) in [
        ("/", "root"),
        ("/a", "a"),
        ("/a/", "a/"),
        ("/a/b", "a b"),
        ("/%61/b?c", "a b"),
        ("/a/bc", "x=bc"),
        ("/a/b%2fc", "x=b/c"),
        ("/a/%C3%A9", "x=\u{e9}"),
        ("/a/b/c", "x=b c"),
        ("/f/", "path="),
        ("/f/x/y", "path=x/y"),
        ("/f//", "path=/"),
        ("/t/u", "inner root "),
        ("/t/u/", "inner root /"),
        ("/t/u/x/z", "inner y=z tenant=u"),
    ] {
        assert_eq!(body(&ask("GET", path)), expected, "{path}");
    }
}

#[test]
fn a_path_that_there_is_not_is_not_found() {
    for path in ["/b", "/a/b/", "/a/b/d", "/a//c", "/f", "//", "/t", "/t/u/y"] {
        assert!(ask("GET", path).starts_with("HTTP/1.1 404 "), "{path}");
    }
}

#[test]
fn percent_signs_that_stand_for_nothing_are_a_bad_request() {
    for path in ["/a/%", "/a/%4", "/a/%4g", "/a/%+4", "/a/%ff", "/a/%00", "/f/%"] {
        assert!(ask("GET", path).starts_with("HTTP/1.1 400 "), "{path}");
    }
}

#[test]
fn a_method_that_a_path_has_not_is_not_allowed_and_the_others_are_named() {
    let refused = ask("DELETE", "/a/b");
    assert!(
        refused.starts_with("HTTP/1.1 405 ") && refused.contains("\r\nAllow: GET, PUT, HEAD, OPTIONS\r\n"),
        "{refused}"
    );
    assert!(ask("get", "/a").starts_with("HTTP/1.1 405 "), "a method has a case");
    let options = ask("OPTIONS", "/a/b");
    assert!(
        options.starts_with("HTTP/1.1 204 ") && options.contains("\r\nAllow: GET, PUT, HEAD, OPTIONS\r\n"),
        "{options}"
    );
    assert!(ask("OPTIONS", "*").starts_with("HTTP/1.1 204 "));
    assert_eq!(body(&ask("BREW", "/any")), "BREW");
    assert!(ask("HEAD", "/a").starts_with("HTTP/1.1 200 "));
}
