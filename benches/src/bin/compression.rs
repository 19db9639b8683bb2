//! Holds a small request beside large compressed responses to its wait on a quiet server.
//!
//! ```text
//! cargo run --release -p lariat-benches --bin compression -- [--web PROGRAM]
//! ```
//!
//! The web example serves a text of 97 MB with `--compress`. A visitor sends small requests, one after another, to the quiet server and
//! while one or five clients take the text, in turn: the machine's other work falls on both alike. A figure is the median of the waits
//! beside the clients as a multiple of the median on the quiet server. `--web` measures another build of the example.
//!
//! The exit status is 1 if a bound was missed, 2 if something did not run.

use lariat_benches::{
    Result, Trouble, program,
    ratio::{median, percentile},
    report::{Bound, Report},
    server::{Contestant, Server},
    tool::{cargo_build, release},
};
use std::{
    fs,
    io::{BufRead, BufReader, BufWriter, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The bytes of the text.
const TEXT: usize = 97_000_000;

/// The number of pairs of a quiet and a busy slice.
const PAIRS: usize = 5;

/// The length of a slice.
const SLICE: Duration = Duration::from_secs(1);

/// The pause between two small requests.
const PAUSE: Duration = Duration::from_millis(2);

/// The bound of the busy median, as a multiple of the quiet one.
const BOUND: f64 = 3.0;

fn main() -> ExitCode {
    program::run("compression", run)
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
    let folder = Folder::new()?;
    let site = folder.0.display().to_string();
    let command = [&web, "--compress", &site, "tcp:{}:interface=127.0.0.1"];
    let mut report = Report::new();
    for coding in ["br", "zstd", "gzip"] {
        for clients in [1, 5] {
            let server = Contestant::new("web", "the example, release build", &command).start()?;
            let (mut quiet, mut busy) = (Vec::new(), Vec::new());
            let mut received = 0;
            for _ in 0..PAIRS {
                quiet.extend(waits(&server)?);
                let load = Load::start(&server, clients, coding);
                busy.extend(waits(&server)?);
                received += load.stop();
            }
            let (quiet_median, busy_median) = (middle(&quiet)?, middle(&busy)?);
            let worst = percentile(&busy, 0.99).unwrap_or_default();
            report.note(format_args!(
                "{coding}, {clients} clients: median {quiet_median:.3} ms quiet, {busy_median:.3} ms busy, 99 % within \
                 {worst:.3} ms; the clients took {:.1} MB compressed",
                received as f64 / 1e6
            ));
            let what =
                format!("compression: a small request beside {clients} clients of a large text in {coding}, median");
            report.hold(what, busy_median / quiet_median, "the quiet server", Bound::AtMost(BOUND));
        }
    }
    Ok(report.missed())
}

fn middle(values: &[f64]) -> Result<f64> {
    median(values).ok_or_else(|| Trouble::new("no request was answered"))
}

/// The waits of small requests over a slice, in milliseconds.
fn waits(server: &Server) -> Result<Vec<f64>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port()))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(&stream);
    let (begun, mut waits) = (Instant::now(), Vec::new());
    while begun.elapsed() < SLICE {
        let asked = Instant::now();
        (&stream).write_all(b"GET /small.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Err(Trouble::new("the server closed the connection"));
            }
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        waits.push(asked.elapsed().as_secs_f64() * 1000.0);
        thread::sleep(PAUSE);
    }
    Ok(waits)
}

/// Clients that take the text again and again, as fast as it comes.
struct Load {
    is_over: Arc<AtomicBool>,
    received: Arc<AtomicU64>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn start(server: &Server, clients: usize, coding: &'static str) -> Self {
        let (is_over, received) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let port = server.port();
        let client = |_| {
            let (is_over, received) = (is_over.clone(), received.clone());
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    // A client that cannot go on takes nothing, which the report shows.
                    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
                    let request = format!(
                        "GET /large.txt HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {coding}\r\nConnection: close\r\n\r\n"
                    );
                    if stream.write_all(request.as_bytes()).is_err() {
                        return;
                    }
                    let mut piece = vec![0; 64 * 1024];
                    while let Ok(count @ 1..) = stream.read(&mut piece) {
                        received.fetch_add(count as u64, Ordering::Relaxed);
                        if is_over.load(Ordering::Relaxed) {
                            return;
                        }
                    }
                }
            })
        };
        let threads = (0..clients).map(client).collect();
        Self { is_over, received, threads }
    }

    /// Ends the clients. Returns how many bytes they took.
    fn stop(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // A client that panicked has said so.
            let _ = thread.join();
        }
        self.received.load(Ordering::Relaxed)
    }
}

/// The folder that is served; removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let folder = Self(std::env::temp_dir().join(format!("lariat-compression-{}", std::process::id())));
        fs::create_dir_all(&folder.0)?;
        fs::write(folder.0.join("small.txt"), "a small file\n")?;
        let mut large = BufWriter::new(fs::File::create(folder.0.join("large.txt"))?);
        let mut random = fastrand::Rng::with_seed(1);
        let mut written = 0;
        while written < TEXT {
            // Words that come again, and numbers that do not.
            let line = format!(
                "{:>8} a line of the log says {} of {} with status {}\n",
                written,
                ["GET", "PUT", "POST"][random.usize(..3)],
                random.u64(..),
                random.u32(200..600)
            );
            large.write_all(line.as_bytes())?;
            written += line.len();
        }
        large.flush()?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
