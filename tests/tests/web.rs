//! The web example as a process of its own, asked by curl.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::sync::LazyLock;

use lariat_tests::child::{Child, Ended, client};
use lariat_tests::command::command;
use lariat_tests::examples::example;
use lariat_tests::harness::Scratch;
use rustix::process::Signal;

static WEB: LazyLock<PathBuf> = LazyLock::new(|| example("web"));

struct Web {
    process: Child,
    port: u16,
    scratch: Scratch,
}

impl Web {
    /// Serves a small site.
    fn start(options: &[&str]) -> Self {
        let scratch = Scratch::new();
        let site = scratch.path("site");
        fs::create_dir_all(site.join("docs/.git")).expect("it is new");
        fs::create_dir_all(scratch.path("other")).expect("it is new");
        for (name, content) in [
            ("site/index.html", "<h1>the first page</h1>"),
            ("site/docs/a & b.txt", "some text"),
            ("site/docs/.git/config", "hidden"),
            ("site/app.js", "plain"),
            ("site/app.js.gz", "compressed"),
            ("other/index.html", "another host"),
            ("secret", "secret"),
        ] {
            fs::write(scratch.path(name), content).expect("it is new");
        }
        fs::write(site.join("large"), large()).expect("it is new");
        symlink("../secret", site.join("out")).expect("it is new");
        let other = format!("other.example={}", scratch.path("other").display());
        let mut arguments = [options, &["--host", &other]].concat();
        let site = site.display().to_string();
        arguments.extend([&*site, "tcp:0:interface=127.0.0.1"]);
        let mut process = Child::start(&WEB.to_string_lossy(), &arguments);
        let line = process.line();
        let port = line.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Self { process, port: port.unwrap_or_else(|| panic!("it printed {line}")), scratch }
    }

    fn curl(&self, path: &str, options: &[&str]) -> Vec<u8> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let mut curl = command("curl");
        curl.args(["-sS", "--max-time", "20", "--path-as-is"]).args(options).arg(url);
        let output = curl.output().expect("curl is installed");
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn text(&self, path: &str, options: &[&str]) -> String {
        String::from_utf8_lossy(&self.curl(path, options)).into_owned()
    }

    /// Has it end, and its site with it.
    fn end(self) -> Ended {
        self.process.signal(Signal::TERM);
        self.process.end()
    }

    fn status(&self, path: &str, options: &[&str]) -> String {
        self.text(path, &[options, &["-o", "/dev/null", "-w", "%{http_code}"]].concat())
    }
}

fn large() -> Vec<u8> {
    (0..=250).flat_map(|byte| [byte; 3]).cycle().take(1_048_576).collect()
}

#[test]
fn files_parts_and_folders_are_served() {
    let web = Web::start(&["--listing"]);
    assert_eq!(web.text("/", &[]), "<h1>the first page</h1>");
    assert!(web.curl("/large", &[]) == large());
    assert!(web.curl("/large", &["-r", "1000-700000"]) == large()[1_000..=700_000]);
    assert!(web.text("/large", &["-r", "0-1,-1", "-i"]).contains("Content-Range: bytes 1048575-1048575/1048576\r\n"));
    assert!(web.text("/docs/", &[]).contains("<a href=\"./a%20%26%20b.txt\"><bdi>a &amp; b.txt</bdi></a>"));
    assert_eq!(
        web.text("/docs", &["-L", "-o", "/dev/null", "-w", "%{url_effective}"]),
        format!("http://127.0.0.1:{}/docs/", web.port)
    );
    assert!(web.text("/large", &["--head"]).contains("Content-Length: 1048576\r\n"));
    assert_eq!(web.text("/app.js", &["-H", "Accept-Encoding: gzip"]), "compressed");
    assert_eq!(web.text("/app.js", &[]), "plain");
}

#[test]
fn what_is_outside_or_hidden_is_not_served() {
    let web = Web::start(&["--listing"]);
    for path in ["/../secret", "/docs/../../secret", "/%2e%2e/secret", "/docs/.git/config", "/out", "/missing"] {
        assert_eq!(web.status(path, &[]), "404", "{path}");
    }
    assert_eq!(web.status("/..%2fsecret", &[]), "400");
    assert_eq!(web.status("/app.js", &["-X", "DELETE"]), "405");
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let web = Web::start(&[]);
    let (tags, file) = (web.scratch.path("tags"), web.scratch.path("copy"));
    let [tags, file] = [&tags, &file].map(|path| path.display().to_string());
    let options = ["--etag-save", &tags, "--etag-compare", &tags, "-o", &file, "-w", "%{http_code}"];
    // The tag is weak for as long as the file is brand-new, and does as well.
    assert_eq!(web.text("/large", &options[..2].iter().chain(&options[4..]).copied().collect::<Vec<_>>()), "200");
    let strong = fs::read_to_string(&tags).expect("curl wrote it").replace("W/", "");
    fs::write(&tags, strong).expect("it is ours");
    assert_eq!(web.text("/large", &options), "304");
    assert_eq!(web.text("/large", &["-z", &file, "-o", "/dev/null", "-w", "%{http_code}"]), "304");
}

#[test]
fn each_host_has_its_own_folder() {
    let web = Web::start(&[]);
    for host in ["other.example", "OTHER.example:8080"] {
        assert_eq!(web.text("/", &["-H", &format!("Host: {host}")]), "another host");
    }
    assert_eq!(web.text("/", &["-H", "Host: third.example"]), "<h1>the first page</h1>");
}

#[test]
fn an_application_gets_its_page_and_text_is_compressed() {
    let web = Web::start(&["--spa", "--compress", "--cache", "max-age=5"]);
    assert_eq!(web.text("/somewhere/else", &[]), "<h1>the first page</h1>");
    assert_eq!(web.status("/missing.js", &[]), "404");
    let folder = web.scratch.path("site");
    fs::write(folder.join("story.txt"), "a long story. ".repeat(1_000)).expect("it is new");
    for (coding, longest) in [("gzip", 200), ("br", 200), ("zstd", 200)] {
        let accept = format!("Accept-Encoding: {coding}");
        let size = web.text("/story.txt", &["-H", &accept, "-o", "/dev/null", "-w", "%{size_download}"]);
        assert!(size.parse::<u32>().expect("it is a number") < longest, "{coding}: {size}");
    }
    assert_eq!(web.status("/somewhere/else", &["-H", "Accept: application/json"]), "404");
    assert_eq!(web.text("/story.txt", &["--compressed"]), "a long story. ".repeat(1_000));
    assert!(web.text("/story.txt", &["-i"]).contains("Cache-Control: max-age=5\r\n"));
}

#[test]
fn every_request_has_a_line_in_the_access_log() {
    let scratch = Scratch::new();
    let path = scratch.path("log");
    let web = Web::start(&["--access-log", &path.display().to_string()]);
    web.curl("/app.js", &["-A", "a \"nasty\" agent", "-e", "http://here/"]);
    assert_eq!(web.status("/missing", &[]), "404");
    let ended = web.end();
    assert!(ended.status.success(), "{}", ended.log);
    let mode = fs::metadata(&path).expect("it is there").mode();
    assert_eq!(mode & 0o137, 0, "only the owner writes, and only its group reads: {mode:o}");
    let log = fs::read_to_string(&path).expect("it was written");
    let lines: Vec<_> = log.lines().collect();
    let [first, second] = lines[..] else { panic!("{log}") };
    assert!(first.starts_with("127.0.0.1 - - ["), "{first}");
    assert!(first.contains("\"GET /app.js HTTP/1.1\" 200 5 \"http://here/\" \"a "), "{first}");
    assert!(!first.contains("a \"nasty"), "{first}");
    assert!(second.contains("\"GET /missing HTTP/1.1\" 404 "), "{second}");
}

#[test]
fn a_refused_request_is_logged_with_its_first_line() {
    let scratch = Scratch::new();
    let path = scratch.path("log");
    let web = Web::start(&["--access-log", &path.display().to_string()]);
    let long = format!("GET /{} HTTP/9.9\r\n\r\n", "a".repeat(1_000));
    for request in
        [&b"GET /\x1b[2J\"x HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\n", long.as_bytes(), b"GET / HTTP/1.1\r\n\r\n"]
    {
        let mut client = client(([127, 0, 0, 1], web.port).into());
        client.write_all(request).expect("it listens");
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }
    assert!(web.end().status.success());
    let log = fs::read_to_string(&path).expect("it was written");
    let lines: Vec<_> = log.lines().collect();
    let [first, second, third, fourth] = lines[..] else { panic!("{log}") };
    assert!(first.contains(r#" "GET /\x1b[2J\"x HTTP/1.1" 400 "#), "{first}");
    assert!(second.contains(r#" "\x16\x03\x01" 400 "#), "{second}");
    assert!(third.contains(&format!(" \"GET /{}...\" 505 ", "a".repeat(251))), "{third}");
    assert!(fourth.contains(" \"GET / HTTP/1.1\" 400 "), "{fourth}");
}

#[test]
fn a_renamed_access_log_is_reopened_on_sighup_and_sigusr1() {
    let scratch = Scratch::new();
    let (path, first) = (scratch.path("log"), scratch.path("log.1"));
    let web = Web::start(&["--access-log", &path.display().to_string()]);
    for signal in [Signal::HUP, Signal::USR1] {
        web.curl("/app.js", &[]);
        // A line is written once the response is sent: the next request comes after that.
        web.curl("/", &[]);
        fs::rename(&path, &first).expect("it was made at the start");
        let before = fs::read_to_string(&first).expect("it is there").lines().count();
        web.process.signal(signal);
        // The signal may come after a request that was sent later.
        let mut requests = 0;
        while !path.exists() {
            web.curl("/", &[]);
            requests += 1;
            assert!(requests < 1_000, "no new log after {signal:?}");
        }
        assert_eq!(path.metadata().expect("it is there").mode() & 0o777, 0o640);
        web.curl("/app.js?new", &[]);
        web.curl("/", &[]);
        assert!(fs::read_to_string(&path).expect("it is there").contains("GET /app.js?new "), "{signal:?}");
        assert!(fs::read_to_string(&first).expect("it is there").lines().count() <= before + 1 + requests);
    }
    assert_eq!(web.status("/", &[]), "200");
    let ended = web.end();
    assert!(ended.status.success(), "{}", ended.log);
    assert_eq!(ended.log.matches("log reopened").count(), 2, "{}", ended.log);
}

#[test]
fn the_types_of_source_files_are_those_of_text() {
    let web = Web::start(&[]);
    let site = web.scratch.path("site");
    for (name, content, content_type) in [
        ("app.ts", &b"let x: number = 1;"[..], "text/typescript; charset=utf-8"),
        ("app.js.map", b"{}", "application/json"),
        ("README", b"some text\n", "text/plain; charset=utf-8"),
        ("program", b"\x7fELF\x02\x01\x01\0\0", "application/octet-stream"),
    ] {
        fs::write(site.join(name), content).expect("the site is ours");
        let found = web.text(&format!("/{name}"), &["-o", "/dev/null", "-w", "%{content_type}"]);
        assert_eq!(found, content_type, "{name}");
    }
}

#[test]
fn other_file_systems_are_served_only_if_that_is_asked_for() {
    for (option, status) in [(&[][..], "404"), (&["--other-mounts"], "200")] {
        let mut process = Child::start(&WEB.to_string_lossy(), &[option, &["/", "tcp:0:interface=127.0.0.1"]].concat());
        let line = process.line();
        let port = line.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let web = Web { process, port: port.unwrap_or_else(|| panic!("it printed {line}")), scratch: Scratch::new() };
        assert_eq!(web.status("/proc/version", &[]), status, "{option:?}");
    }
}

#[test]
fn wrong_options_are_told_in_a_sentence() {
    for (arguments, complaint) in [
        (&["/nowhere/at/all", "tcp:0"][..], "/nowhere/at/all cannot be served"),
        (&["/"], "an endpoint is missing after the folder"),
        (&["--host", "name", "/", "tcp:0"], "NAME=FOLDER"),
        (&["--host", "name=/nowhere/at/all", "/", "tcp:0"], "/nowhere/at/all cannot be served"),
        (&["--cache", "a\nb", "/", "tcp:0"], "control character"),
        (&["--frobnicate", "/", "tcp:0"], "--frobnicate"),
    ] {
        let output = command(&*WEB).args(arguments).output().expect("the program starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?} was taken");
        assert!(told.starts_with("web: ") && told.contains(complaint), "{arguments:?}: {told}");
    }
}

#[test]
fn after_sigterm_it_ends_in_good_order() {
    let web = Web::start(&[]);
    assert_eq!(web.status("/", &[]), "200");
    let ended = web.end();
    assert!(ended.status.success(), "{}", ended.log);
}
