//! A server in a process of its own, killed when dropped.

use crate::{Result, Trouble};
use std::{
    fs, io,
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

impl Server {
    /// The time that all of its threads have run, as the scheduler counts it (`proc_pid_schedstat(5)`). What a thread on a core has used is
    /// only written down now and then; of one that sleeps, it is exact: see [`rest`](Server::rest).
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        let mut total = Duration::ZERO;
        for task in fs::read_dir(format!("/proc/{}/task", self.id()))? {
            // A thread may end while this looks.
            let Ok(statistics) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            let nanoseconds = statistics.split(' ').next().and_then(|number| number.parse().ok());
            total += Duration::from_nanos(nanoseconds.ok_or_else(|| Trouble::new("schedstat is in another form"))?);
        }
        Ok(total)
    }

    /// Waits until its main thread sleeps.
    ///
    /// # Errors
    ///
    /// When it ends or does not come to rest within half a minute.
    pub fn rest(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let state = fs::read_to_string(format!("/proc/{}/stat", self.id()))?;
            if state.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('S')) {
                return Ok(());
            }
        }
        Err(Trouble::new("the server does not come to rest"))
    }

    /// Does some work with it, and tells what that cost it: nothing but that if it is at rest before, and it is waited for until it is
    /// again.
    ///
    /// # Errors
    ///
    /// What the work gives; or when the server ends or does not come to rest.
    pub fn spend<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
        self.rest()?;
        let before = self.cpu_time()?;
        let done = work()?;
        self.rest()?;
        Ok((done, self.cpu_time()? - before))
    }

    /// Bytes of memory that are resident.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: Option<u64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        Ok(kibibytes.ok_or_else(|| Trouble::new("the kernel does not tell what is resident"))? * 1024)
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
