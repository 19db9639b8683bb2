//! The web example over TLS, asked by curl.

use std::fs;

use lariat_tests::certificates::SERVER;
use lariat_tests::child::Child;
use lariat_tests::command::command;
use lariat_tests::examples::example;
use rustix::process::Signal;

use super::{Files, listen, port};

const OTHER: &str = "other.test";

/// The server, for which a certificate of two names was issued.
struct Web {
    process: Child,
    port: u16,
    files: Files,
}

/// Several times what is sent at a time, and no round number.
fn large() -> Vec<u8> {
    let period: Vec<u8> = (0..=250).collect();
    period.repeat(8_000)
}

fn story() -> String {
    "a long story. ".repeat(50_000)
}

impl Web {
    fn start(options: &[&str]) -> Self {
        let files = Files::new();
        files.issue("server", &[SERVER, OTHER]);
        let (site, other) = (files.path("site"), files.path("other"));
        for folder in [&format!("{site}/docs"), &other] {
            fs::create_dir_all(folder).expect("the folder is writable");
        }
        for (name, content) in [
            ("site/index.html", &b"<h1>the first page</h1>"[..]),
            ("site/docs/a & b.txt", b"some text"),
            ("site/story.txt", story().as_bytes()),
            ("site/large", &large()),
            ("other/index.html", b"another host"),
        ] {
            fs::write(files.path(name), content).expect("the folder is writable");
        }
        let host = format!("{OTHER}={other}");
        let endpoint = listen(&files);
        let arguments = [options, &["--host", &host, &site, &endpoint]].concat();
        let mut process = Child::start(&example("web").to_string_lossy(), &arguments);
        let port = port(&mut process);
        Self { process, port, files }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.port)
    }

    /// Returns the output of curl, which trusts the authority and resolves both hosts.
    fn curl(&self, options: &[&str]) -> Vec<u8> {
        let authority = self.files.path("ca.pem");
        let resolve = [SERVER, OTHER].map(|host| format!("{host}:{}:127.0.0.1", self.port));
        let output = command("curl")
            .args([
                "-sS",
                "--max-time",
                "30",
                "--cacert",
                &authority,
                "--resolve",
                &resolve[0],
                "--resolve",
                &resolve[1],
            ])
            .args(options)
            .output()
            .expect("curl has to be installed");
        assert!(output.status.success(), "{options:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn get(&self, path: &str, options: &[&str]) -> Vec<u8> {
        self.curl(&[options, &[&self.url(SERVER, path)]].concat())
    }

    fn text(&self, path: &str, options: &[&str]) -> String {
        String::from_utf8_lossy(&self.get(path, options)).into_owned()
    }

    fn end(self) {
        self.process.signal(Signal::TERM);
        let ended = self.process.end();
        assert!(ended.status.success(), "{}", ended.log);
    }
}

#[test]
fn the_web_server_serves_files_parts_and_folders_over_tls() {
    let web = Web::start(&["--listing"]);
    assert_eq!(web.text("/", &[]), "<h1>the first page</h1>");
    assert!(web.get("/large", &[]) == large(), "no sendfile(2) is behind this");
    assert!(web.get("/large", &["-r", "1000-1900000"]) == large()[1_000..=1_900_000]);
    let parts = web.text("/large", &["-r", "0-1,-1", "-i"]);
    assert!(parts.contains("Content-Range: bytes 2007999-2007999/2008000\r\n"), "{parts}");
    let head = web.text("/large", &["--head"]);
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("Content-Length: 2008000\r\n"), "{head}");
    assert!(web.text("/docs/", &[]).contains("<a href=\"./a%20%26%20b.txt\"><bdi>a &amp; b.txt</bdi></a>"));
    let effective = web.text("/docs", &["-L", "-o", "/dev/null", "-w", "%{url_effective}"]);
    assert_eq!(effective, web.url(SERVER, "/docs/"), "the redirect stays with TLS");
    web.end();
}

#[test]
fn a_connection_over_tls_is_kept_for_many_requests() {
    let web = Web::start(&[]);
    let (page, large) = (web.url(SERVER, "/"), web.url(SERVER, "/large"));
    let mut options = vec!["-w", "%{num_connects} %{http_code};"];
    for url in [&page, &large, &page, &large, &page] {
        options.extend(["-o", "/dev/null", url]);
    }
    assert_eq!(String::from_utf8_lossy(&web.curl(&options)), "1 200;0 200;0 200;0 200;0 200;");
    web.end();
}

#[test]
fn each_host_has_its_own_folder_over_tls() {
    let web = Web::start(&[]);
    assert_eq!(web.curl(&[&web.url(OTHER, "/")]), b"another host");
    assert_eq!(web.curl(&[&web.url(SERVER, "/")]), b"<h1>the first page</h1>");
    // Two hosts at one address with one certificate, but two connections: the name is in the handshake.
    let both = web.curl(&[&web.url(OTHER, "/"), &web.url(SERVER, "/"), "-w", "%{num_connects}"]);
    assert_eq!(String::from_utf8_lossy(&both), "another host1<h1>the first page</h1>1");
    web.end();
}

#[test]
fn what_ends_with_its_connection_ends_in_good_order_over_tls() {
    let web = Web::start(&["--compress"]);
    // The compressed length is unknown, and HTTP/1.0 has no chunks: curl reports an end without close_notify as an error.
    let answer = web.text("/story.txt", &["--http1.0", "-i", "--compressed"]);
    let (head, body) = answer.split_once("\r\n\r\n").expect("it has a head");
    assert!(head.contains("Content-Encoding:") && !head.contains("Content-Length:"), "{head}");
    assert!(body == story());
    assert!(web.text("/story.txt", &["--compressed"]) == story());
    assert!(web.get("/large", &["-H", "Connection: close"]) == large());
    web.end();
}
