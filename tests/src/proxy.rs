//! The proxy example as a process of its own, and what is sent through it.

use std::io::{Read, Result, Write, sink};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::mpsc::channel;
use std::thread;

use crate::child::{Child, client};
use crate::examples::example;

/// Where the program is. It is built when this is first asked for.
pub static PROXY: LazyLock<PathBuf> = LazyLock::new(|| example("proxy"));

/// How much memory, in KiB, a relay may cost while one side is slow: far less than either side sends, and the same however much it is.
pub const RELAY_MEMORY: u64 = 1024;

/// A running proxy.
#[derive(Debug)]
pub struct Server {
    /// The process.
    pub process: Child,
    /// Where clients come to.
    pub address: SocketAddr,
}

impl Server {
    /// Starts a proxy in front of one backend, without checks.
    ///
    /// # Panics
    ///
    /// When it does not say where it listens.
    #[must_use]
    pub fn start(backend: &TcpListener, options: &[&str]) -> Self {
        let target = format!("tcp:{}", backend.local_addr().expect("it runs"));
        let arguments = [options, &["--check", "0", "tcp:0:interface=127.0.0.1", &target]].concat();
        let mut process = Child::start(&PROXY.to_string_lossy(), &arguments);
        let line = process.line();
        let address = line.strip_prefix("listening on tcp:").and_then(|address| address.parse().ok());
        Self { process, address: address.unwrap_or_else(|| panic!("it printed {line}")) }
    }

    /// The most memory that it has had, in KiB.
    ///
    /// # Panics
    ///
    /// When it has ended.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it runs");
        line.trim().trim_end_matches(" kB").parse().expect("it runs")
    }
}

/// A backend that nobody has come to yet.
///
/// # Panics
///
/// When no port is free.
#[must_use]
pub fn backend() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a port is free")
}

/// The proxy's connection to a backend.
///
/// # Panics
///
/// When it cannot be accepted.
#[must_use]
pub fn accept(backend: &TcpListener) -> TcpStream {
    backend.accept().expect("the proxy comes").0
}

/// How a backend is slow.
#[derive(Copy, Clone, Debug)]
pub enum Slow {
    /// It reads nothing until all that it sends has arrived.
    Waits,
    /// It reads 256 KiB whenever as much that it sent has arrived.
    Lags,
}

/// Sends so many bytes each way through a proxy whose backend is slow to read. Returns how much memory that took, in KiB.
///
/// # Panics
///
/// When a byte is missing, changed or too many.
#[must_use]
pub fn relay_both_ways(amount: u64, slow: Slow) -> u64 {
    let backend = backend();
    let server = Server::start(&backend, &[]);
    // What it takes before anything is relayed is not the relay's.
    drop((client(server.address), accept(&backend)));
    let before = server.memory();
    let person = client(server.address);
    let far = accept(&backend);
    let pumps = [(&person, 0), (&far, 1)].map(|(stream, salt)| {
        let stream = stream.try_clone().expect("nothing breaks");
        thread::spawn(move || send(&stream, amount, salt).expect("nothing breaks"))
    });
    let (arrived, arrivals) = channel();
    let reader = thread::spawn(move || {
        if matches!(slow, Slow::Waits) {
            (0..amount / BLOCK as u64).for_each(|_| arrivals.recv().expect("nothing breaks"));
            return check(&far, amount, 0, || ());
        }
        check(&far, amount, 0, || arrivals.recv().expect("nothing breaks"))
    });
    check(&person, amount, 1, || arrived.send(()).expect("somebody reads")).expect("nothing breaks");
    reader.join().expect("all is there").expect("nothing breaks");
    for pump in pumps {
        pump.join().expect("all was sent");
    }
    server.memory() - before
}

const BLOCK: usize = 256 * 1024;

/// The block of this number, by somebody who is told by their salt.
fn block(number: u64, salt: u8) -> Vec<u8> {
    let first = u8::try_from(number % 251).unwrap_or(0) ^ salt;
    (0..BLOCK).map(|place| first.wrapping_add(u8::try_from(place % 241).unwrap_or(0))).collect()
}

fn send(mut to: &TcpStream, amount: u64, salt: u8) -> Result<()> {
    for number in 0..amount / BLOCK as u64 {
        to.write_all(&block(number, salt))?;
    }
    to.shutdown(Shutdown::Write)
}

/// Reads so much and no more, and calls `then` after each block.
fn check(mut from: &TcpStream, amount: u64, salt: u8, mut then: impl FnMut()) -> Result<()> {
    let mut received = vec![0; BLOCK];
    for number in 0..amount / BLOCK as u64 {
        from.read_exact(&mut received)?;
        assert!(received == block(number, salt), "block {number} is not what was sent");
        then();
    }
    assert_eq!(std::io::copy(&mut from, &mut sink())?, 0, "more has come than was sent");
    Ok(())
}
