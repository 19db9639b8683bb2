//! The server behind nginx, which is what many a server is behind.

use std::fs;

use lariat_protocols::http::{Body, Limits, Request, Response, Server};
use lariat_tests::child::Child;
use lariat_tests::harness::Scratch;
use rustix::process::Signal;

use crate::served::{Served, curl};
use crate::site::router;

/// What it is told to do with what is asked of it: to gather bodies before it passes them on, to pass them on as they come, or to speak
/// HTTP/1.0 and make a connection for each request.
const LOCATIONS: &str = "
    location / { proxy_pass http://site; }
    location /streamed/ { proxy_pass http://site/; proxy_buffering off; proxy_request_buffering off; }
    location /once/ { proxy_pass http://site/; proxy_http_version 1.0; proxy_set_header Connection close; }";
const WAYS: [&str; 3] = ["", "/streamed", "/once"];

const MEBIBYTE: usize = 1024 * 1024;

/// nginx, with a server behind it.
struct Proxied {
    // It goes first, for it has connections to the server.
    nginx: Child,
    site: Served,
    scratch: Scratch,
}

impl Proxied {
    fn start(server: fn() -> Server) -> Self {
        let (site, scratch) = (Served::start(server), Scratch::new());
        fs::write(scratch.path("large"), large()).expect("it is new");
        let folder = scratch.path("").display().to_string();
        fs::write(scratch.path("nginx.conf"), configuration(&folder, site.port)).expect("it is new");
        let command = format!("PATH=$PATH:/usr/sbin exec nginx -e stderr -p '{folder}' -c '{folder}/nginx.conf' 2>&1");
        let mut nginx = Child::start("sh", &["-c", &command]);
        // It listens by the time that it says this. If it is not installed, the panic tells what was said instead.
        let mut said = nginx.line();
        while !said.contains(" event method") {
            assert!(said.contains("[warn]") || said.contains("[notice]"), "nginx does not start: {said}");
            said = nginx.line();
        }
        Self { nginx, site, scratch }
    }

    fn curl(&self, path: &str, options: &[&str]) -> String {
        let socket = self.scratch.path("socket").display().to_string();
        curl(&[&["--unix-socket", &socket], options, &[&format!("http://site{path}")]].concat())
    }

    fn status(&self, path: &str, options: &[&str]) -> String {
        self.curl(path, &[options, &["-o", "/dev/null", "-w", "%{http_code}"]].concat())
    }

    /// The option by which curl sends the large file.
    fn large_file(&self) -> String {
        format!("@{}", self.scratch.path("large").display())
    }

    /// Has it end. Tells what it has found wrong.
    fn complaints(self) -> Vec<String> {
        self.nginx.signal(Signal::TERM);
        let mut said = self.nginx.end().output;
        said.retain(|line| !line.contains("[notice]") && !line.contains("[warn]"));
        said
    }
}

fn configuration(folder: &str, site: u16) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("  {name}_temp_path {folder}/{name};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr notice;\nevents {{ }}\nhttp {{\n\
         \x20 access_log off;\n{temporary}  client_max_body_size 0;\n  proxy_http_version 1.1;\n  proxy_set_header Connection \"\";\n\
         \x20 upstream site {{ server 127.0.0.1:{site}; keepalive 4; }}\n\
         \x20 server {{ listen unix:{folder}/socket;{LOCATIONS} }}\n}}\n"
    )
}

fn large() -> String {
    ('a'..='z').cycle().take(MEBIBYTE).collect()
}

/// The site with what is large.
fn site() -> Server {
    let mut router = router();
    router.post("/mirror", |request: &mut Request<'_>| request.body().collect().map(Response::bytes));
    router.get("/large", |_: &mut Request<'_>| Response::bytes(large()));
    router.get("/pieces", |_: &mut Request<'_>| {
        Response::bytes(Body::writer(|mut writer| {
            for piece in large().as_bytes().chunks(10_000) {
                writer.write(piece);
            }
            writer.finish();
        }))
    });
    Server::new(router)
}

#[test]
fn nginx_keeps_its_connection_and_gives_what_it_is_given() {
    let proxied = Proxied::start(site);
    for _ in 0..20 {
        assert_eq!(proxied.curl("/hello", &[]), "hello");
    }
    assert_eq!(proxied.site.connections(), 1, "the connection is kept");
    for way in WAYS {
        let head = proxied.curl(&format!("{way}/hello"), &["--head"]);
        assert!(head.contains("200 OK") && head.contains("Content-Length: 5"), "{head}");
        assert_eq!(proxied.curl(&format!("{way}/slow"), &[]), "slow");
        assert_eq!(proxied.curl(&format!("{way}/trailers"), &[]), "text");
    }
    assert_eq!(proxied.complaints(), [""; 0]);
}

#[test]
fn large_bodies_go_through_nginx_both_ways() {
    let proxied = Proxied::start(site);
    let file = proxied.large_file();
    for way in WAYS {
        let path = |name: &str| format!("{way}/{name}");
        assert!(proxied.curl(&path("large"), &[]) == large(), "{way}");
        assert!(proxied.curl(&path("pieces"), &[]) == large(), "{way}");
        assert!(proxied.curl(&path("mirror"), &["--data-binary", &file]) == large(), "{way}");
        let chunked = ["-H", "Transfer-Encoding: chunked", "--data-binary", &file];
        assert!(proxied.curl(&path("mirror"), &chunked) == large(), "{way}");
        assert_eq!(proxied.curl(&path("length"), &chunked), MEBIBYTE.to_string(), "{way}");
    }
    assert_eq!(proxied.complaints(), [""; 0]);
}

#[test]
fn chunks_reach_the_server_as_chunks_if_nginx_does_not_gather_them() {
    let proxied = Proxied::start(|| {
        Server::new(|request: &mut Request<'_>| {
            let framing = ["Content-Length", "Transfer-Encoding"].map(|name| request.header(name).is_some());
            request.body().collect().map(move |body| format!("{} {framing:?}", body.len()))
        })
    });
    // A short one, nginx would have gathered by the time that it looks.
    let file = proxied.large_file();
    let chunked = ["-H", "Transfer-Encoding: chunked", "--data-binary", &file];
    assert_eq!(proxied.curl("/", &chunked), "1048576 [true, false]");
    assert_eq!(proxied.curl("/streamed/", &chunked), "1048576 [false, true]");
}

#[test]
fn errors_pass_through_nginx_with_their_status() {
    let proxied = Proxied::start(site);
    for way in WAYS {
        let path = |name: &str| format!("{way}/{name}");
        assert_eq!(proxied.status(&path("missing"), &[]), "404");
        assert_eq!(proxied.status(&path("hello"), &["-X", "DELETE"]), "405");
        assert_eq!(proxied.status(&path("panic"), &[]), "500");
        assert_eq!(proxied.curl(&path("hello"), &[]), "hello", "after a connection that was closed");
    }
    assert_eq!(proxied.complaints(), [""; 0]);
}

#[test]
fn nginx_hears_why_a_body_is_refused_that_it_is_still_sending() {
    let proxied = Proxied::start(|| Server::new(router()).with_limits(Limits { body: 50_000, ..Limits::default() }));
    fs::write(proxied.scratch.path("large"), vec![b'x'; 20_000_000]).expect("it is ours");
    let post = ["--data-binary", &*proxied.large_file()];
    for way in WAYS {
        // 21 in all.
        for _ in 0..7 {
            assert_eq!(proxied.status(&format!("{way}/length"), &post), "413");
        }
        assert_eq!(proxied.status(&format!("{way}/hello"), &post), "405");
        assert_eq!(proxied.curl(&format!("{way}/hello"), &[]), "hello");
    }
}

#[test]
fn nginx_sees_a_connection_close_that_has_had_its_requests() {
    let proxied = Proxied::start(|| Server::new(router()).with_limits(Limits { requests: 10, ..Limits::default() }));
    for _ in 0..35 {
        assert_eq!(proxied.curl("/hello", &[]), "hello");
    }
    assert_eq!(proxied.site.connections(), 4);
    assert_eq!(proxied.complaints(), [""; 0]);
}
