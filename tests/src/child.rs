//! A program of these tests that is sent signals.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child as StdChild, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::command::command;

/// Far longer than anything takes that a test waits for.
const DEADLINE: Duration = Duration::from_secs(60);

/// A running program. It is killed when this is dropped, unless it has ended by then.
#[derive(Debug)]
pub struct Child {
    process: StdChild,
    input: ChildStdin,
    output: Receiver<String>,
    log: Option<JoinHandle<String>>,
}

/// The end of a program.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// The printed lines that the test has not asked for yet.
    pub output: Vec<String>,
    /// The content of its standard error.
    pub log: String,
}

impl Child {
    /// Starts `program`.
    ///
    /// # Panics
    ///
    /// When the operating system does not let it.
    #[must_use]
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let mut process = command(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let input = process.stdin.take().expect("it was asked for");
        let printed = BufReader::new(process.stdout.take().expect("it was asked for"));
        let mut logged = process.stderr.take().expect("it was asked for");
        let (sender, output) = channel();
        thread::spawn(move || {
            for line in printed.lines().map_while(Result::ok) {
                // The receiver is gone: the test has ended.
                let _ = sender.send(line);
            }
        });
        let log = thread::spawn(move || {
            let mut log = Vec::new();
            // What was read before an error is what there is to show.
            let _ = logged.read_to_end(&mut log);
            String::from_utf8_lossy(&log).into_owned()
        });
        Self { process, input, output, log: Some(log) }
    }

    /// Its process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next line that it prints.
    ///
    /// # Panics
    ///
    /// When it ends, or prints nothing for a minute.
    #[track_caller]
    pub fn line(&mut self) -> String {
        self.output.recv_timeout(DEADLINE).expect("the program prints a line")
    }

    /// Waits for a certain line.
    ///
    /// # Panics
    ///
    /// When another comes, or none for a minute.
    #[track_caller]
    pub fn expect(&mut self, line: &str) {
        assert_eq!(self.line(), line);
    }

    /// The address that it prints next.
    ///
    /// # Panics
    ///
    /// When that is no address.
    #[track_caller]
    pub fn address(&mut self) -> SocketAddr {
        self.line().parse().expect("it prints its address")
    }

    /// Gives it a line to read.
    ///
    /// # Panics
    ///
    /// When it has closed its standard input; then with what it wrote to its standard error.
    #[track_caller]
    pub fn tell(&mut self, line: &str) {
        // In one piece: one that ends at the first word, as `s_client` does, is not there any more for the end of the line.
        if let Err(error) = self.input.write_all(format!("{line}\n").as_bytes()) {
            // It has ended, as a rule.
            let _ = self.process.kill();
            let log = self.log.take().and_then(|log| log.join().ok()).unwrap_or_default();
            panic!("the program does not read: {error}; it wrote {log}");
        }
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// When it was waited for already.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("the program has not been waited for");
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// When it neither ends nor prints anything for a minute.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        let mut output = Vec::new();
        loop {
            match self.output.recv_timeout(DEADLINE) {
                Ok(line) => output.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the program does not end; it printed {output:?}"),
            }
        }
        let status = self.process.wait().expect("it is a child of ours");
        let log = self.log.take().and_then(|log| log.join().ok()).unwrap_or_default();
        Ended { status, output, log }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed, and that is all that can go wrong.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection to `address` that gives up after a minute without an answer.
///
/// # Panics
///
/// When it is refused.
#[must_use]
pub fn client(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).expect("the server listens");
    client.set_read_timeout(Some(DEADLINE)).expect("the time is not zero");
    client.set_write_timeout(Some(DEADLINE)).expect("the time is not zero");
    client
}
