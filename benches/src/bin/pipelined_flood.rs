//! Measures the time that a visitor waits for a response while another client of the same server keeps 100 requests
//! pipelined, beside the time that the visitor waits when it is alone. Both are measured in one run, in turns, so that the machine's speed cancels out.
//!
//! `pipelined_flood [MICROSECONDS]`: the work of each of the flood's requests. Default: 20. Exits with 1 if the visitor waits more than
//! five times as long as when it is alone, and one of the flood's requests more: a handler that runs is not interrupted, and a visit ends
//! after a slow one.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use lariat::Reactor;
use lariat_protocols::http::{Request, Server};

/// Rounds of each kind, and requests of the visitor in each.
const ROUNDS: usize = 10;
const REQUESTS: usize = 200;

const PIPELINED: usize = 100;

/// The longest that a second visitor may wait, in quiet medians, beside one request of the flood.
const MOST: u32 = 5;

type Failed = Box<dyn Error + Send + Sync>;

fn main() -> Result<ExitCode, Failed> {
    let work = Duration::from_micros(std::env::args().nth(1).map_or(Ok(20), |argument| argument.parse())?);
    let (sender, receiver) = channel();
    thread::spawn(move || -> Result<(), lariat::Error> {
        let reactor = Reactor::new()?;
        let server = Server::new(move |request: &mut Request<'_>| {
            let began = Instant::now();
            while request.path() == "/flood" && began.elapsed() < work {
                std::hint::spin_loop();
            }
            "hello"
        });
        let port = reactor.listen("tcp:0:interface=127.0.0.1", server)?;
        // The main thread waits for it.
        let _ = sender.send(port.address().tcp().map(|address| address.port()));
        reactor.run()
    });
    let port = receiver.recv()?.ok_or("the server listens on TCP")?;
    let mut visitor = connect(port)?;
    let (mut quiet, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let length = visit(&mut visitor, &mut quiet)?;
        let over = Arc::new(AtomicBool::new(false));
        let (begun, flows) = channel();
        let flood = thread::spawn({
            let over = over.clone();
            move || flood(port, length, &begun, &over)
        });
        // An error here follows from one of the flood, which is reported below.
        let _ = flows.recv();
        visit(&mut visitor, &mut beside)?;
        over.store(true, Ordering::Relaxed);
        flood.join().map_err(|_| "the flood has panicked")??;
    }
    let (quiet, beside) = (median(&mut quiet), median(&mut beside));
    let ratio = beside.as_secs_f64() / quiet.as_secs_f64();
    let is_short = beside <= quiet * MOST + work;
    let verdict = if is_short { "PASS" } else { "FAIL" };
    println!(
        "{verdict} a visitor waits {quiet:?} alone, {beside:?} beside {PIPELINED} pipelined requests of {work:?}: {ratio:.2} times \
         (bound {MOST}, and one of these requests more)"
    );
    Ok(if is_short { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn connect(port: u16) -> Result<TcpStream, Failed> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends one request after the other, and notes how long each response takes. Returns the length of a response.
fn visit(stream: &mut TcpStream, times: &mut Vec<Duration>) -> Result<usize, Failed> {
    let mut response = [0; 1024];
    let mut length = 0;
    for _ in 0..REQUESTS {
        let began = Instant::now();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
        length = 0;
        while !response[..length].ends_with(b"hello") {
            length += stream.read(&mut response[length..])?;
        }
        times.push(began.elapsed());
    }
    Ok(length)
}

/// Keeps requests pipelined: the next ones are sent when half of the responses have arrived.
/// Signals `begun` at the first responses.
fn flood(port: u16, length: usize, begun: &Sender<()>, over: &AtomicBool) -> Result<(), Failed> {
    let mut stream = connect(port)?;
    let batch = "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n".repeat(PIPELINED / 2);
    let mut buffer = vec![0; 64 * 1024];
    stream.write_all(batch.as_bytes())?;
    let (mut received, mut expected) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        stream.write_all(batch.as_bytes())?;
        expected += length * (PIPELINED / 2);
        while received < expected {
            let count = stream.read(&mut buffer)?;
            if count == 0 {
                return Err("the server has closed the connection".into());
            }
            received += count;
        }
        // Nobody may be waiting any more.
        let _ = begun.send(());
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
