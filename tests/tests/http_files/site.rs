//! A folder to serve, and a client that asks for what is in it.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lariat::StreamOptions;
use lariat::testing::{MemoryTransport, VirtualClock};
use lariat_protocols::http::{Channel, Files, Handler, Server};
use lariat_tests::harness::Scratch;

/// When every file of a site was changed.
pub(crate) const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// The start of the files' entity tags for that time.
pub(crate) const TAG: &str = "2ebc98a1-0";

/// A folder with a file beside it that must not be served.
pub(crate) struct Site {
    scratch: Scratch,
}

impl Site {
    pub(crate) fn new() -> Self {
        let site = Self { scratch: Scratch::new() };
        fs::create_dir(site.folder()).expect("it is new");
        fs::write(site.scratch.path("secret"), "secret").expect("it is new");
        site
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.scratch.path("site")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Adds a file, in a folder that may be new, that was changed a long time ago.
    pub(crate) fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder can be made");
        fs::write(path, content).expect("the file can be written");
        self.date(name, modified());
        self
    }

    pub(crate) fn date(&self, name: &str, time: SystemTime) {
        let file = fs::File::options().write(true).open(self.path(name)).expect("it is there");
        file.set_modified(time).expect("it is ours");
    }

    pub(crate) fn files(&self) -> Files {
        Files::new(self.folder()).expect("the folder is there")
    }

    /// A connection to a server of the site's files, as `set_up` sets them up. It keeps the site.
    pub(crate) fn client_of(self, set_up: impl FnOnce(Files) -> Files) -> Client {
        let files = set_up(self.files());
        Client { _site: Some(self), ..Client::of(files) }
    }

    /// The same with the files as they are by default.
    pub(crate) fn client(self) -> Client {
        self.client_of(|files| files)
    }
}

pub(crate) fn modified() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(784_111_777)
}

/// A connection to a server.
pub(crate) struct Client {
    _site: Option<Site>,
    clock: VirtualClock,
    wire: MemoryTransport<Channel>,
}

/// A response, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn of<Kind>(handler: impl Handler<Kind>) -> Self {
        Self::of_server(Server::new(handler))
    }

    pub(crate) fn of_server(server: Server) -> Self {
        let clock = VirtualClock::new();
        let wire = MemoryTransport::serve(&clock, server, StreamOptions::default());
        Self { _site: None, clock, wire }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    pub(crate) fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers)
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(method, path, headers, b"")
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.feed_request(method, path, headers, body);
        Answer::parse(&self.wire.take_written(), method == "HEAD")
    }

    fn feed_request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: here\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        self.wire.feed(head.as_bytes());
        self.wire.feed(b"\r\n");
        self.wire.feed(body);
    }

    /// Asks for something whose end does not come.
    pub(crate) fn begin(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        // As for HEAD, the body is not looked at.
        self.feed_request("GET", path, headers, b"");
        Answer::parse(&self.wire.take_written(), true)
    }

    /// Lets time pass.
    pub(crate) fn advance(&mut self, time: Duration) {
        self.wire.advance(time);
    }

    /// The number of jobs that threads of the server's pool have done.
    pub(crate) fn thread_jobs(&self) -> usize {
        usize::try_from(self.clock.stats().done_jobs).expect("there were not so many")
    }

    pub(crate) fn is_open(&self) -> bool {
        self.wire.is_open()
    }
}

impl Answer {
    fn parse(bytes: &[u8], is_head: bool) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let end =
            bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("no head in {text:?}"));
        let head = std::str::from_utf8(&bytes[..end]).expect("a head is text");
        let mut lines = head.split("\r\n");
        let line = lines.next().expect("there is a first line");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("there is a status");
        let headers = lines.map(|line| line.split_once(": ").expect("it is a header"));
        let mut answer = Self {
            status,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: bytes[end + 4..].to_vec(),
        };
        if answer.header("Transfer-Encoding") == Some("chunked") && !is_head {
            answer.body = unchunk(&answer.body);
        } else if let Some(length) = answer.header("Content-Length") {
            let length = if is_head { "0" } else { length };
            assert_eq!(answer.body.len().to_string(), length, "{text}");
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert_eq!(found.next(), None, "there are two of {name}");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("it is text")
    }
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n").expect("a size ends in a line's end");
        let size = std::str::from_utf8(&body[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.expect("a size is in hexadecimal digits");
        if size == 0 {
            assert_eq!(&body[end..], b"\r\n\r\n");
            return content;
        }
        content.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 2 + size + 2..];
    }
}
