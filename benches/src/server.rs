//! A server in a process of its own, killed when dropped.

use crate::{Result, Trouble};
use std::{
    io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a server may take until it listens. Generous: a machine that is busy compiling starts a process late.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a server that does not listen yet is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// A server's program and arguments, and what is printed of it.
#[derive(Clone, Debug)]
pub struct Contestant {
    /// What it is called in the report.
    pub name: String,
    /// How it is set up, for the report's head.
    pub configuration: String,
    /// Program and arguments; `{}` in an argument stands for the port.
    pub command: Vec<String>,
}

impl Contestant {
    /// A contestant that runs `command`.
    #[must_use]
    pub fn new(name: &str, configuration: &str, command: &[&str]) -> Self {
        Contestant {
            name: name.to_owned(),
            configuration: configuration.to_owned(),
            command: command.iter().map(|&word| word.to_owned()).collect(),
        }
    }

    /// Starts it on a free loopback port and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// When the program cannot be started, ends at once, or does not listen within half a minute.
    pub fn start(&self) -> Result<Server> {
        let port = free_port()?;
        let mut words = self.command.iter().map(|word| word.replace("{}", &port.to_string()));
        let program = words.next().ok_or_else(|| Trouble::new(format!("{} has no command", self.name)))?;
        let child = Command::new(&program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| Trouble::new(format!("{program} did not start: {error}")))?;
        let mut server = Server { child, port };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(Trouble::new(format!("{} ended at once: {status}", self.name)));
            }
            if Instant::now() > deadline {
                return Err(Trouble::new(format!("{} does not listen on port {port}", self.name)));
            }
            thread::sleep(RETRY);
        }
        Ok(server)
    }
}

/// A running server. Dropping it kills the process and waits for its end.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// The loopback port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A process that has ended by itself cannot be killed, and that is all that can go wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
