//! Counts the connections that time out with their input unread when a server is stopped for longer than its idle limit.
//!
//! `stopped_server [PEERS] [PROGRAM]` connects PEERS sockets (default 10,000) to the echo example with an idle limit of 5 s, or to
//! another build of it, PROGRAM. It stops the server with SIGSTOP, sends a byte from every peer before the limit, and continues
//! the server with SIGCONT after it. Every byte has to come back. The program prints a line that begins with PASS or FAIL, and
//! ends with status 1 if a connection was lost. It needs a descriptor for each peer here, and one in the server.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use lariat::Reactor;
use lariat_tests::child::{Child, client};
use lariat_tests::examples::example;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

/// The server's idle limit, in seconds.
const LIMIT: &str = "5";
/// The time for which the server is stopped: longer than its limit.
const STOPPED: Duration = Duration::from_secs(6);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let peers = arguments.next().map_or(Ok(10_000), |count| count.parse());
    let Ok(count @ 1..) = peers else {
        eprintln!("usage: stopped_server [PEERS] [PROGRAM]");
        return Ok(ExitCode::from(2));
    };
    let program = arguments.next().unwrap_or_else(|| example("echo").display().to_string());
    raise_descriptor_limit()?;
    let mut server = Child::start(&program, &["--idle", LIMIT, "tcp:0:interface=127.0.0.1"]);
    let line = server.line();
    let address = line.strip_prefix("listening on tcp:").ok_or("the server says where it listens")?.parse()?;
    let mut peers: Vec<TcpStream> = (0..count).map(|_| client(address)).collect();
    // All are served, so every idle limit begins only now.
    if ask(&mut peers)? + answered(&mut peers) != 2 * count {
        return Err("the server is too slow to serve all peers within its limit".into());
    }
    server.signal(Signal::STOP);
    ask(&mut peers)?;
    let reactor = Reactor::new()?;
    reactor.call_later(STOPPED, Reactor::stop);
    reactor.run()?;
    server.signal(Signal::CONT);
    let lost = count - answered(&mut peers);
    let verdict = if lost == 0 { "PASS" } else { "FAIL" };
    println!("{verdict} stopped server: {lost} of {count} connections timed out with a byte unread (bound 0)");
    Ok(if lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sends a byte from every peer.
fn ask(peers: &mut [TcpStream]) -> io::Result<usize> {
    for peer in &mut *peers {
        peer.write_all(b"x")?;
    }
    Ok(peers.len())
}

/// The number of peers whose byte comes back. The others are closed or reset by the server.
fn answered(peers: &mut [TcpStream]) -> usize {
    peers.iter_mut().filter_map(|peer| peer.read_exact(&mut [0]).ok()).count()
}

/// Raises the limit of descriptors to the highest that this process, and so the server, may have.
fn raise_descriptor_limit() -> io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}
