//! A server on a port, for clients that others have written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use lariat::{Peer, Reactor, Remote};
use lariat_protocols::http::Server;
use lariat_tests::command::command;

/// A server on a port, in a thread.
pub(crate) struct Served {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
    remote: Remote,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub(crate) fn start(server: fn() -> Server) -> Self {
        let (sender, receiver) = channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        let thread = thread::spawn(move || {
            let reactor = Reactor::new().expect("there are descriptors");
            let server = server();
            let factory = move |_: &Peer| {
                counter.fetch_add(1, Ordering::Relaxed);
                server.channel()
            };
            let port = reactor.listen("tcp:0:interface=127.0.0.1", factory).expect("it can listen");
            let number = port.address().tcp().expect("it is TCP").port();
            sender.send((number, reactor.remote().expect("it runs"))).expect("the test waits");
            reactor.run().expect("the loop runs");
        });
        let (port, remote) = receiver.recv().expect("the server starts");
        Self { port, connections, remote, thread: Some(thread) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// How many connections it has taken.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.remote.call(Reactor::stop).expect("it runs");
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it ends in good order");
        }
    }
}

/// What a command prints, which has to end well.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = command(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} has to be installed: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} failed: {printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}

/// The same of `curl`.
pub(crate) fn curl(arguments: &[&str]) -> String {
    run("curl", &[&["-sS", "--max-time", "20"], arguments].concat())
}
