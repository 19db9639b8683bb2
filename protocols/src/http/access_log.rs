//! A line for each request, in the Combined Log Format that everything reads.

use std::fmt::{self, Write};
use std::time::SystemTime;

use super::date::date_text;
use super::head::RequestHead;
use super::status::Status;

/// What is logged of a request: taken from its head, written when its response is over.
#[derive(Debug)]
pub(super) struct LogEntry {
    peer: String,
    user: String,
    request: String,
    referrer: String,
    agent: String,
    status: Option<Status>,
    bytes: u64,
    /// The client did not get all of the response.
    is_aborted: bool,
}

/// Marks the line of a response that the client did not get in full. Programs that read the Combined Log Format ignore what follows
/// its last field.
const ABORTED: &str = " aborted";

impl LogEntry {
    pub(super) fn new(peer: String, head: Option<&RequestHead<'_>>) -> Self {
        let header = |name: &str| head.and_then(|head| head.headers().get(name)).map_or_else(dash, escaped);
        let request = head.map_or_else(dash, |head| {
            format!("{} {} {}", escaped(head.method().as_bytes()), escaped(head.target().as_bytes()), head.version())
        });
        Self {
            peer,
            user: dash(),
            request,
            referrer: header("Referer"),
            agent: header("User-Agent"),
            status: None,
            bytes: 0,
            is_aborted: false,
        }
    }

    /// Sets the request line of a request that was refused before its head was understood.
    pub(super) fn set_refused_line(&mut self, line: &RefusedLine) {
        if !line.0.is_empty() {
            self.request = line.to_string();
        }
    }

    pub(super) fn set_user(&mut self, user: &str) {
        // It stands without quotes around it.
        self.user = escaped(user.as_bytes()).replace(' ', "\\x20");
    }

    pub(super) fn set_status(&mut self, status: Status) {
        self.status = Some(status);
    }

    /// Bytes of the body that were written.
    pub(super) fn set_bytes(&mut self, bytes: u64) {
        self.bytes = bytes;
    }

    /// The connection ended before the response did.
    pub(super) fn set_aborted(&mut self) {
        self.is_aborted = true;
    }

    /// Bytes that were written and that the kernel never got. They are those at the end of the body.
    pub(super) fn set_unsent(&mut self, unsent: u64) {
        self.bytes = self.bytes.saturating_sub(unsent);
        self.is_aborted |= unsent > 0;
    }

    /// The line, without its end: ASCII without control characters, whatever the client has sent.
    pub(super) fn line(&self, now: SystemTime) -> String {
        let mut line = format!("{} - {} [{}] \"{}\" ", self.peer, self.user, moment(now), self.request);
        // A string takes all that is written to it.
        let _ = match self.status {
            Some(status) => write!(line, "{}", status.code()),
            None => write!(line, "-"),
        };
        let _ = match self.bytes {
            0 => write!(line, " -"),
            bytes => write!(line, " {bytes}"),
        };
        let _ = write!(line, " \"{}\" \"{}\"", self.referrer, self.agent);
        if self.is_aborted {
            line.push_str(ABORTED);
        }
        line
    }
}

/// The first line of a request that was refused, escaped and cut for the log.
#[derive(Debug)]
pub(super) struct RefusedLine(String);

impl RefusedLine {
    /// The most bytes that are kept.
    const LONGEST: usize = 256;

    pub(super) fn new(line: &[u8]) -> Self {
        Self(match line.get(..Self::LONGEST) {
            Some(start) if line.len() > Self::LONGEST => format!("{}...", escaped(start)),
            _ => escaped(line),
        })
    }
}

impl fmt::Display for RefusedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn dash() -> String {
    "-".to_owned()
}

/// What can stand between quotes in a line of text: anything else than printable ASCII becomes `\x` and two digits.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text
}

/// Such as `06/Nov/1994:08:49:37 +0000`.
fn moment(time: SystemTime) -> String {
    // `Sun, 06 Nov 1994 08:49:37 GMT`
    let date = date_text(time);
    match date.split(' ').collect::<Vec<_>>()[..] {
        [_, day, month, year, clock, _] => format!("{day}/{month}/{year}:{clock} +0000"),
        _ => dash(),
    }
}
