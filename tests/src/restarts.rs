//! Servers that come and go on one port, under clients that never stop.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use lariat::{Cores, Peer, Protocol, Stats, Transport};
use socket2::{Domain, Socket, Type};

/// Far longer than anything takes that is waited for.
const DEADLINE: Duration = Duration::from_secs(60);

const CLIENTS: usize = 4;
const CORES: usize = 2;

/// Connections that each server has to serve before it is stopped.
const SERVED: u64 = 8;

const QUESTION: &[u8; 5] = b"hello";

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Restarts {
    /// Servers that were started and have ended.
    pub servers: u64,
    /// Connections that got their answer.
    pub answered: u64,
    /// Connections that nobody listened for.
    pub refused: u64,
    /// Connections that the server ended before the answer, in good order.
    pub ended: u64,
    /// Connections that were reset: the kernel does that to those that came between the last one accepted and the end of the port.
    pub reset: u64,
    /// Everything that must not happen, in words.
    pub faults: Vec<String>,
    /// What the servers have counted.
    pub stats: Stats,
}

impl fmt::Display for Restarts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { servers, answered, refused, ended, reset, faults, .. } = self;
        write!(
            f,
            "{servers} servers: {answered} connections answered, {refused} refused, {ended} ended, {reset} reset"
        )?;
        faults.iter().try_for_each(|fault| write!(f, "\n{fault}"))
    }
}

/// What the clients and who restarts the servers have in common.
#[derive(Default)]
struct Load {
    restarts: Mutex<Restarts>,
    served: Condvar,
    over: AtomicBool,
}

impl Load {
    fn restarts(&self) -> MutexGuard<'_, Restarts> {
        // Counting does not panic.
        self.restarts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects, asks, disconnects, for as long as there is something to test.
    fn run_client(&self, address: SocketAddr) {
        while !self.over.load(Ordering::Relaxed) {
            let outcome = ask(address);
            let mut restarts = self.restarts();
            match outcome {
                Ok(true) => {
                    restarts.answered += 1;
                    self.served.notify_one();
                }
                Ok(false) => restarts.ended += 1,
                Err(error) => match error.kind() {
                    ErrorKind::ConnectionRefused => restarts.refused += 1,
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => restarts.reset += 1,
                    _ => restarts.faults.push(format!("a client met {error}")),
                },
            }
        }
    }

    /// Waits until a few more connections have been answered.
    fn wait(&self) {
        let restarts = self.restarts();
        let enough = restarts.answered + SERVED;
        let waited = self.served.wait_timeout_while(restarts, DEADLINE, |restarts| restarts.answered < enough);
        if let Ok((mut restarts, result)) = waited
            && result.timed_out()
        {
            restarts.faults.push("nobody is served any more".into());
        }
    }

    fn end(&self, server: Cores) {
        server.stop();
        let ended = server.join();
        let mut restarts = self.restarts();
        restarts.servers += 1;
        match ended {
            Ok(stats) => {
                let closed = stats.closed;
                // A client that was reset may show here too, and nothing else.
                if closed.total() != stats.opened || closed.done + closed.lost != stats.opened {
                    restarts.faults.push(format!("a server ended with {stats:?}"));
                }
                restarts.stats = restarts.stats + stats;
            }
            Err(error) => restarts.faults.push(format!("a server failed: {error}")),
        }
    }
}

/// Was there an answer? If not, the connection was ended.
fn ask(address: SocketAddr) -> io::Result<bool> {
    let mut client = TcpStream::connect(address)?;
    client.set_read_timeout(Some(DEADLINE))?;
    client.write_all(QUESTION)?;
    let mut answer = [0; QUESTION.len()];
    let mut received = 0;
    while received < answer.len() {
        match client.read(&mut answer[received..])? {
            0 => return Ok(false),
            count => received += count,
        }
    }
    if answer == *QUESTION { Ok(true) } else { Err(io::Error::other("a wrong answer")) }
}

fn start(address: SocketAddr) -> lariat::Result<Cores> {
    let endpoint = format!("tcp:{}:interface=127.0.0.1:reuseport=yes", address.port());
    Cores::start(CORES, move |_, reactor| reactor.listen(&endpoint, |_: &Peer| Echo).map(drop))
}

/// Starts and stops `count` servers on one port under load. Every other one takes over from the one before it without a gap.
///
/// # Errors
///
/// When a server does not start, or there is no port.
pub fn restart(count: u64) -> Result<Restarts, Box<dyn std::error::Error>> {
    // It keeps the port for us while nobody listens.
    let keeper = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    keeper.set_reuse_port(true)?;
    keeper.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let address = keeper.local_addr()?.as_socket().ok_or("it is no IP address")?;
    let load = Load::default();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| load.run_client(address));
        }
        let outcome = restart_under(&load, address, count);
        load.over.store(true, Ordering::Relaxed);
        outcome
    })?;
    Ok(load.restarts.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn restart_under(load: &Load, address: SocketAddr, count: u64) -> lariat::Result<()> {
    let mut server = start(address)?;
    for number in 1..count {
        load.wait();
        if number % 2 == 0 {
            let next = start(address)?;
            load.end(server);
            server = next;
        } else {
            load.end(server);
            server = start(address)?;
        }
        if !load.restarts().faults.is_empty() {
            break;
        }
    }
    load.wait();
    load.end(server);
    Ok(())
}
