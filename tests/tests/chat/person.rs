//! Somebody with a terminal.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use lariat_tests::child::client;

/// A client that sends bytes and reads lines: as little as `nc` is.
pub(crate) struct Person {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
}

impl Person {
    /// Connects, and is asked for a nickname.
    pub(crate) fn arrive(address: SocketAddr) -> Self {
        Self::connected(client(address))
    }

    /// Is asked for a nickname on a connection that stands.
    pub(crate) fn connected(stream: TcpStream) -> Self {
        let lines = BufReader::new(stream.try_clone().expect("there are descriptors left"));
        let mut person = Self { stream, lines };
        person.hears("* welcome; which nickname do you want?");
        person
    }

    /// Types a line.
    pub(crate) fn says(&mut self, line: &str) {
        self.sends(format!("{line}\n").as_bytes());
    }

    /// Sends bytes as they are.
    pub(crate) fn sends(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// The next line, which has to be text.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("the server goes on, in UTF-8");
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("{line:?} is no line")).to_owned()
    }

    /// Reads the next line, which has to be this one.
    #[track_caller]
    pub(crate) fn hears(&mut self, line: &str) {
        assert_eq!(self.line(), line);
    }

    /// Reads the end, which has to be one in good order.
    #[track_caller]
    pub(crate) fn hears_the_end(&mut self) {
        let mut line = String::new();
        let count = self.lines.read_line(&mut line).expect("the end is no reset");
        assert_eq!((count, &*line), (0, ""));
    }

    /// Types nothing more.
    pub(crate) fn ends(&self) {
        self.stream.shutdown(Shutdown::Write).expect("it is open");
    }
}
