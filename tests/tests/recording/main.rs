//! Loops that are recorded, and replayed.
#![expect(clippy::unwrap_used, reason = "what a test sets up works, or the test fails")]

mod departures;
mod files;
mod journal;
mod names;
mod remote_calls;
mod sessions;
mod wall_clock;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lariat::testing::{Replayed, Simulation};
use lariat::{MainLoop, Port, Protocol, Reactor, Transport};
use lariat_tests::harness::Scratch;

use crate::journal::Journal;

/// How long a client waits for what it is to be sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server listens in these tests.
const ANYWHERE: &str = "tcp:0:interface=127.0.0.1";

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

/// A client of the system's, which does as it is told on a thread of its own.
struct Client {
    stream: TcpStream,
    input: BufReader<TcpStream>,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let input = BufReader::new(stream.try_clone().unwrap());
        Self { stream, input }
    }

    fn say(&mut self, words: impl AsRef<[u8]>) {
        self.stream.write_all(words.as_ref()).unwrap();
    }

    /// Waits for a line that has `words` in it.
    fn hear(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert_ne!(self.input.read_line(&mut line).unwrap(), 0, "the end came before {words:?}");
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.input.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Says that nothing more comes, and waits for the other end.
    fn leave(mut self) -> Vec<u8> {
        self.stream.shutdown(Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        self.input.read_to_end(&mut rest).unwrap();
        rest
    }
}

fn address(port: &Port) -> SocketAddr {
    port.address().tcp().unwrap()
}

/// A place for a recording, and the folder that it is in.
fn place() -> (Scratch, PathBuf) {
    let scratch = Scratch::new();
    let path = scratch.path("recording");
    (scratch, path)
}

fn recorded(path: &Path) -> MainLoop {
    Reactor::builder().record(path).build().unwrap()
}

/// Runs what `set_up` makes while `clients` visit it, then stops it. Returns what was noted.
fn record(
    reactor: MainLoop,
    set_up: impl FnOnce(&Reactor, &Journal) -> lariat::Result<Port>,
    clients: impl FnOnce(SocketAddr) + Send + 'static,
) -> Vec<String> {
    reactor.set_termination(lariat::OnTermination::Leave);
    let journal = Journal::new(&reactor);
    let port = set_up(&reactor, &journal).unwrap();
    let visit = stop_after(&port, clients);
    reactor.run().unwrap();
    visit.join().unwrap();
    journal.notes()
}

/// Has `clients` visit the port from another thread; the last of them ends the loop by the word that only `Journal` hears.
fn stop_after(port: &Port, clients: impl FnOnce(SocketAddr) + Send + 'static) -> JoinHandle<()> {
    let address = address(port);
    thread::spawn(move || {
        clients(address);
        Client::connect(address).say(journal::STOP);
    })
}

/// Replays what `record` recorded.
fn replay(
    path: &Path,
    set_up: impl FnOnce(&Reactor, &Journal) -> lariat::Result<Port>,
) -> (lariat::Result<Replayed>, Vec<String>) {
    let mut notes = None;
    let replayed = Simulation::replay(path, |replay| {
        replay.reactor().set_termination(lariat::OnTermination::Leave);
        let journal = Journal::new(replay.reactor());
        notes = Some(journal.clone());
        set_up(replay.reactor(), &journal).map(drop)
    });
    (replayed, notes.map(|journal| journal.notes()).unwrap_or_default())
}
