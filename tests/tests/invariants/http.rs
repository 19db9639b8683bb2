//! The HTTP server, with handlers that do as little and as much as they may.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use lariat::testing::invariants::{
    Claim, Datagram, Destination, Encoder, LayerChange, Planted, Probe, State, Stranger, Subject, Visit,
};
use lariat::{ConnectionLimits, Failure, ListenOptions, Port, Reactor};
use lariat_protocols::http::{Fields, FormError, FormLimits, Limits, Request, Router, Server, TemporaryFiles};
use lariat_tests::harness::Scratch;

/// Requests that are served to one connection before the loop goes on to the next.
pub(crate) const VISIT: usize = 128;

/// The longest time that a body takes, at the least rate that the server accepts.
const BODY: Duration = Duration::from_secs(600);

/// Bytes of a body that is collected.
const TAKEN: u64 = 64 * 1024;

/// A site that takes uploads into a folder of its own.
pub(crate) struct HttpPage(Scratch);

impl HttpPage {
    pub(crate) fn new() -> Self {
        Self(Scratch::new())
    }

    pub(crate) fn server(&self) -> Server {
        Server::new(site(self.0.path(""))).with_clock(|| SystemTime::UNIX_EPOCH)
    }
}

fn site(folder: PathBuf) -> Router {
    let mut router = Router::new();
    let files = TemporaryFiles::in_folder(folder);
    router.post("/upload", move |request: &mut Request<'_>| {
        let limits = FormLimits { in_memory: 0, ..FormLimits::uploads() };
        let form = request.form_in(limits, &files);
        async move { Ok::<_, FormError>(format!("{} files", form.await?.uploads().len())) }
    });
    router.get("/", |_: &mut Request<'_>| "hello");
    router.post("/taken", |request: &mut Request<'_>| {
        request.set_body_limit(TAKEN);
        let body = request.body().collect();
        async move { Ok::<_, Failure>(format!("{} bytes", body.await?.len())) }
    });
    // Holds the body, and reads none of it while it waits: `collect` would read all of it.
    router.post("/ahead", |request: &mut Request<'_>| {
        let (body, pause) = (request.body(), request.reactor().sleep(Duration::from_secs(20)));
        async move {
            pause.await?;
            drop(body);
            Ok::<_, Failure>("late")
        }
    });
    router.get("/fails/{text}", |request: &mut Request<'_>| {
        let text = request.path_parameter("text").map(str::to_owned).unwrap_or_default();
        async move { Err::<&str, _>(Failure::new(text)) }
    });
    router
}

/// The states of every HTTP server, for a path that is answered.
pub(crate) fn states(path: &str) -> Vec<State> {
    let limits = Limits::default();
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n");
    vec![
        State::new("before a head", "", Claim::Holds(limits.head_time)),
        State::new("in a head", head.clone(), Claim::Holds(limits.head_time))
            .with_more("X-Field: value\r\n")
            .with_memory(limits.head),
        State::new("in the first line", "GET /", Claim::Holds(limits.head_time))
            .with_more("x")
            .with_memory(limits.head),
        State::new("kept alive", head + "\r\n", Claim::Holds(limits.keep_alive)),
    ]
}

pub(crate) fn probe(path: &str) -> Probe {
    Probe::new(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"), "HTTP/1.1 200 OK\r\n")
}

pub(crate) fn visit(path: &str) -> Visit {
    let unit = format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
    Visit { enter: Vec::new(), unit, answer: b"HTTP/1.1 200 OK\r\n".to_vec(), most: VISIT }
}

pub(crate) fn stranger() -> Stranger {
    let mut input = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ".to_vec();
    input.resize(31 * 1024, b'x');
    Stranger { input, memory: 72 * 1024, log_lines: 4 }
}

pub(crate) fn planted() -> Planted {
    let text = Planted::TEXT;
    let hostile = [
        format!("GET /{text} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {text}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Text: {text}\r\n\r\n"),
        format!("{text} / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        "GET /fails/%1b%5b31m%0d%0aforged%20line%e2%80%ae HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        format!("GET /fails/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(8_000)),
    ];
    let secret = "czNjcmV0LXBocmFzZQ";
    let secrets = ["Authorization: Basic", "Cookie: session=", "Proxy-Authorization: Bearer"].map(|header| {
        let request = format!("GET /fails/word HTTP/1.1\r\nHost: localhost\r\n{header} {secret}\r\n\r\n");
        (request.into_bytes(), secret.to_owned())
    });
    Planted { hostile: hostile.map(String::into_bytes).to_vec(), secrets: secrets.to_vec() }
}

pub(crate) fn encoders() -> Vec<Encoder> {
    let value = |value: &str| {
        let mut fields = Fields::new();
        fields.append("X-Text", value).ok()?;
        Some(fields.headers().as_bytes().to_vec())
    };
    let name = |name: &str| {
        let mut fields = Fields::new();
        fields.append(name, "value").ok()?;
        Some(fields.headers().as_bytes().to_vec())
    };
    vec![
        Encoder { name: "the value of a header", encode: Box::new(value) },
        Encoder { name: "the name of a header", encode: Box::new(name) },
    ]
}

pub(crate) const NO_DESTINATION: &str = "no request names a destination that this server connects to";
pub(crate) const NO_DATAGRAM: &str = "HTTP/1.1 is a stream";
pub(crate) const NO_LAYER: &str =
    "TLS begins before the first byte, and what follows an upgrade belongs to the new protocol";

/// Connections of one address, and of all of them.
pub(crate) const SHARE: usize = 16;
pub(crate) const PLACES: usize = 64;

/// Limits that a few visitors reach.
pub(crate) fn few_places() -> ListenOptions {
    let mut limits = ConnectionLimits::total(PLACES);
    limits.per_address = SHARE;
    let mut options = ListenOptions::default();
    options.connections = Some(limits);
    options
}

impl Subject for HttpPage {
    fn listen(&self, reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
        reactor.listen_with(endpoint, few_places(), self.server())
    }

    fn states(&self) -> Vec<State> {
        let body = |path: &str, more: &str| format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n\r\n");
        let mut states = states("/");
        let upload = body("/upload", "Transfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=b");
        let part = "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"../../a\"\r\n\r\n";
        let upload = format!("{upload}{:x}\r\n{part}\r\n", part.len());
        states.extend([
            State::new("in an upload", upload, Claim::Holds(BODY)).with_more("1\r\nx\r\n").with_memory(72 * 1024),
            State::new("in a body", body("/taken", &format!("Content-Length: {TAKEN}")), Claim::Holds(BODY))
                .with_more("x")
                .with_memory(80 * 1024),
            State::new("in chunks of one byte", body("/taken", "Transfer-Encoding: chunked"), Claim::Holds(BODY))
                .with_more("1\r\nx\r\n")
                .with_memory(128 * 1024),
            State::new("ahead of a handler", body("/ahead", "Transfer-Encoding: chunked"), Claim::Holds(BODY))
                .with_more("1\r\nx\r\n")
                .with_memory(72 * 1024),
        ]);
        states
    }

    fn probe(&self) -> Probe {
        probe("/")
    }

    fn visit(&self) -> Claim<Visit> {
        Claim::Holds(visit("/"))
    }

    fn stranger(&self) -> Claim<Stranger> {
        Claim::Holds(stranger())
    }

    fn share(&self) -> Claim<usize> {
        Claim::Holds(SHARE)
    }

    fn places(&self) -> Claim<usize> {
        Claim::Holds(PLACES)
    }

    fn destination(&self) -> Claim<Destination> {
        Claim::Exempt(NO_DESTINATION)
    }

    fn datagram(&self) -> Claim<Datagram> {
        Claim::Exempt(NO_DATAGRAM)
    }

    fn layer_change(&self) -> Claim<LayerChange> {
        Claim::Exempt(NO_LAYER)
    }

    fn encoders(&self) -> Claim<Vec<Encoder>> {
        Claim::Holds(encoders())
    }

    fn planted(&self) -> Claim<Planted> {
        Claim::Holds(planted())
    }

    fn files(&self) -> Claim<PathBuf> {
        Claim::Holds(self.0.path(""))
    }
}
