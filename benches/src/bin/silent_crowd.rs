//! Holds a visitor of a server whose port is crowded by silent connections to its wait on the quiet server.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin silent_crowd -- [--web PROGRAM]
//! ```
//!
//! The web example serves a small file, in clear and over TLS. From 127.0.0.1 come 16,700 connections that send nothing; each that the
//! server ends is opened again, at most 3,400 in a second. A visitor from 127.0.0.2 connects, asks for the file and closes, again and
//! again, on the quiet server and beside the crowd in turn: the machine's other work falls on both alike. A figure is the median of the
//! waits beside the crowd, from the connection to the end of the response, as a multiple of the median on the quiet server.
//!
//! By default, the limit per address does not count loopback connections, so the whole crowd is connected at the same time. With
//! `countLoopback=yes` the crowd gets the share of one address, like a crowd from another network. `--web` measures another build.
//!
//! The exit status is 1 if a bound was missed, 2 if something did not run. Both processes need 17,000 descriptors.

use lariat_benches::{
    Result, Trouble,
    certificates::Certificates,
    program,
    ratio::{median, percentile},
    report::{Bound, Report},
    server::{Contestant, Server},
    tls_crowd::client_settings,
    tool::{cargo_build, release},
};
use mio::{Events, Interest, Poll, Token, net::TcpStream as Connection};
use rustix::{
    net::{AddressFamily, SocketFlags, SocketType, bind, connect, ipproto, socket_with},
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use rustls::{ClientConfig, ClientConnection, StreamOwned, client::Resumption, pki_types::ServerName};
use std::{
    collections::VecDeque,
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The silent connections.
const CROWD: usize = 16_700;

/// The most of them that are opened in a step, and the length of a step.
const OPENED: usize = 34;
const STEP: Duration = Duration::from_millis(10);

/// The number of pairs of a quiet and a crowded slice.
const PAIRS: usize = 3;

/// The visits in a slice, and the pause between two.
const VISITS: usize = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// The longest time until each connection of the crowd was open once.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bound of the crowded median, as a multiple of the quiet one.
const BOUND: f64 = 5.0;

fn main() -> ExitCode {
    program::run("silent_crowd", run)
}

fn run() -> Result<usize> {
    let web = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => {
            cargo_build(&["-p", "lariat-examples", "--example", "web"])?;
            release()?.join("examples").join("web").display().to_string()
        }
        [option, program] if option == "--web" => program.clone(),
        other => return Err(Trouble::new(format!("unknown arguments {other:?}; the source's head lists them"))),
    };
    raise_descriptor_limit()?;
    let folder = Folder::new()?;
    let certificates = Certificates::make()?;
    let settings = settings(Path::new(&certificates.path("server.pem")))?;
    let tls = format!("ssl:{{}}:interface=127.0.0.1:{}", certificates.endpoint_options());
    let mut report = Report::new();
    for (name, endpoint, settings) in
        [("plain HTTP", "tcp:{}:interface=127.0.0.1", None), ("HTTP over TLS", &tls, Some(&settings))]
    {
        for (share, keyword) in [("no limit for its address", ""), ("the share of one address", ":countLoopback=yes")] {
            let endpoint = format!("{endpoint}{keyword}");
            let site = folder.0.display().to_string();
            let command = ["env", "RUST_LOG=error", &web, &site, &endpoint];
            let server = Contestant::new("web", "the example, release build", &command).start()?;
            compare(&server, settings, &format!("{name}, a crowd with {share}"), &mut report)?;
        }
    }
    Ok(report.missed())
}

/// Measures a visitor's waits on the quiet server and beside the crowd.
fn compare(server: &Server, tls: Option<&Arc<ClientConfig>>, what: &str, report: &mut Report) -> Result<()> {
    let (mut quiet, mut crowded) = (Vec::new(), Vec::new());
    let (mut opened, mut there) = (0, 0);
    for _ in 0..PAIRS {
        server.rest()?;
        quiet.extend(waits(server.port(), tls)?);
        let crowd = Crowd::gather(server.port())?;
        crowded.extend(waits(server.port(), tls)?);
        there += crowd.open.load(Ordering::Relaxed) / PAIRS;
        opened += crowd.disperse()?;
    }
    let (quiet_median, crowded_median) = (middle(&quiet)?, middle(&crowded)?);
    let worst = percentile(&crowded, 0.99).unwrap_or_default();
    report.note(format_args!(
        "{what}: median {quiet_median:.3} ms quiet, {crowded_median:.3} ms crowded, 99 % within {worst:.3} ms; {there} \
         connections of the crowd were open, {opened} were opened in all"
    ));
    let ratio = crowded_median / quiet_median;
    report.hold(format!("{what}: a visitor's wait, median"), ratio, "the quiet server", Bound::AtMost(BOUND));
    Ok(())
}

fn middle(values: &[f64]) -> Result<f64> {
    median(values).ok_or_else(|| Trouble::new("no visit came to its end"))
}

/// A visitor's settings, for whole handshakes.
fn settings(certificate: &Path) -> Result<Arc<ClientConfig>> {
    let mut settings = client_settings(certificate)?;
    settings.resumption = Resumption::disabled();
    Ok(Arc::new(settings))
}

/// The waits of visits, in milliseconds.
fn waits(port: u16, tls: Option<&Arc<ClientConfig>>) -> Result<Vec<f64>> {
    let mut waits = Vec::with_capacity(VISITS);
    for _ in 0..VISITS {
        let begun = Instant::now();
        let stream = visitor(port)?;
        match tls {
            None => visit(stream)?,
            Some(settings) => {
                let name = ServerName::try_from("localhost").map_err(|error| Trouble::new(error.to_string()))?;
                let session = ClientConnection::new(settings.clone(), name);
                let session = session.map_err(|error| Trouble::new(error.to_string()))?;
                visit(StreamOwned::new(session, stream))?;
            }
        }
        waits.push(begun.elapsed().as_secs_f64() * 1000.0);
        thread::sleep(PAUSE);
    }
    Ok(waits)
}

/// A connection from 127.0.0.2.
fn visitor(port: u16) -> Result<TcpStream> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, Some(ipproto::TCP));
    let socket = socket.map_err(std::io::Error::from)?;
    bind(&socket, &SocketAddr::from(([127, 0, 0, 2], 0))).map_err(std::io::Error::from)?;
    connect(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(std::io::Error::from)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Asks for the file and takes all of the response.
fn visit(mut stream: impl Read + Write) -> Result<()> {
    stream.write_all(b"GET /small.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    if response.starts_with(b"HTTP/1.1 200 ") && response.ends_with(CONTENT) {
        return Ok(());
    }
    Err(Trouble::new(format!("the response is not the file: {}", response.escape_ascii())))
}

/// Silent connections, opened by a thread.
struct Crowd {
    is_over: Arc<AtomicBool>,
    /// Connections that are open now, as the thread knows.
    open: Arc<AtomicUsize>,
    thread: JoinHandle<Result<usize>>,
}

impl Crowd {
    /// Opens them, and waits until each was open once.
    fn gather(port: u16) -> Result<Self> {
        let (is_over, open, came) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default(), Arc::default());
        let thread = thread::spawn({
            let (is_over, open, came) = (is_over.clone(), open.clone(), Arc::<AtomicBool>::clone(&came));
            move || keep_open(port, &is_over, &open, &came)
        });
        let crowd = Self { is_over, open, thread };
        let deadline = Instant::now() + PATIENCE;
        while !came.load(Ordering::Relaxed) {
            if crowd.thread.is_finished() || Instant::now() > deadline {
                let opened = crowd.disperse()?;
                return Err(Trouble::new(format!("the crowd did not gather: {opened} connections were opened")));
            }
            thread::sleep(STEP);
        }
        Ok(crowd)
    }

    /// Closes them. Returns how many were opened.
    fn disperse(self) -> Result<usize> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| Trouble::new("the crowd's thread has panicked"))?
    }
}

/// Opens connections, and reopens those that the server ends, until `is_over`. Returns the number opened.
fn keep_open(port: u16, is_over: &AtomicBool, open: &AtomicUsize, came: &AtomicBool) -> Result<usize> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    let mut connections: Vec<Option<Connection>> = (0..CROWD).map(|_| None).collect();
    let mut absent: VecDeque<usize> = (0..CROWD).collect();
    let mut opened = 0;
    let mut next = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        if Instant::now() >= next {
            // A step that comes late is not made up for: the rate is an upper bound.
            next = Instant::now() + STEP;
            for place in absent.drain(..OPENED.min(absent.len())) {
                let mut connection = Connection::connect(address)?;
                poll.registry().register(&mut connection, Token(place), Interest::READABLE)?;
                connections[place] = Some(connection);
                opened += 1;
            }
            came.fetch_or(opened >= CROWD, Ordering::Relaxed);
            open.store(CROWD - absent.len(), Ordering::Relaxed);
        }
        poll.poll(&mut events, Some(next.saturating_duration_since(Instant::now())))?;
        for event in &events {
            // The server sends nothing but an alert, a refusal or the end.
            if connections[event.token().0].take().is_some() {
                absent.push_back(event.token().0);
            }
        }
    }
    Ok(opened)
}

fn raise_descriptor_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < CROWD as u64 + 300) {
        return Err(Trouble::new(format!("a process may have {limit:?} descriptors, too few for {CROWD} connections")));
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).map_err(|error| Trouble::new(error.to_string()))
}

const CONTENT: &[u8] = b"a small file\n";

/// The folder that is served; removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let folder = Self(std::env::temp_dir().join(format!("lariat-silent-crowd-{}", std::process::id())));
        fs::create_dir_all(&folder.0)?;
        fs::write(folder.0.join("small.txt"), CONTENT)?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
