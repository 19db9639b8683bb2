//! The web example as a process of its own, asked by curl.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use lariat_tests::child::{Child, Ended};
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
        let mut command = Command::new("curl");
        command.args(["-sS", "--max-time", "20", "--path-as-is"]).args(options).arg(url);
        let output = command.output().expect("curl is installed");
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
    assert!(web.text("/docs/", &[]).contains("<a href=\"./a%20%26%20b.txt\">a &amp; b.txt</a>"));
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
    let log = fs::read_to_string(&path).expect("it was written");
    let lines: Vec<_> = log.lines().collect();
    let [first, second] = lines[..] else { panic!("{log}") };
    assert!(first.starts_with("127.0.0.1 - - ["), "{first}");
    assert!(first.contains("\"GET /app.js HTTP/1.1\" 200 5 \"http://here/\" \"a "), "{first}");
    assert!(!first.contains("a \"nasty"), "{first}");
    assert!(second.contains("\"GET /missing HTTP/1.1\" 404 "), "{second}");
}

#[test]
fn wrong_options_are_told_in_a_sentence() {
    for (arguments, complaint) in [
        (&["/nowhere/at/all", "tcp:0"][..], "/nowhere/at/all cannot be served"),
        (&["/"], "at least one endpoint"),
        (&["--host", "name", "/", "tcp:0"], "NAME=FOLDER"),
        (&["--host", "name=/nowhere/at/all", "/", "tcp:0"], "/nowhere/at/all cannot be served"),
        (&["--cache", "a\nb", "/", "tcp:0"], "control character"),
        (&["--frobnicate", "/", "tcp:0"], "--frobnicate"),
    ] {
        let output = Command::new(&*WEB).args(arguments).output().expect("the program starts");
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
