//! What a server took for requests.

use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpStream},
    time::Duration,
};

/// How long a server may take to answer and to close. It has all of the input, and its end.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server made of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was a request, and not the sentinel.
    Taken(u16),
    /// It was the sentinel.
    Sentinel,
    /// It was none that the server takes.
    Refused(u16),
}

/// What a server answered until it closed the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict(pub Vec<Answer>);

impl Verdict {
    /// Sends `input` to the server on `port` of 127.0.0.1, and no more, and waits until the server closes the connection.
    ///
    /// # Errors
    ///
    /// When the server does not, or its answers are no responses.
    pub fn of(port: u16, input: &[u8]) -> io::Result<Self> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // It may have closed by then: what it has said can be read all the same.
        let _ = stream.write_all(input).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut output = Vec::new();
        match stream.read_to_end(&mut output) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error),
            _ => Self::read(&output).ok_or_else(|| {
                io::Error::new(ErrorKind::InvalidData, format!("no responses: {}", output.escape_ascii()))
            }),
        }
    }

    /// Takes responses apart; `None` if that is not what they are.
    fn read(mut output: &[u8]) -> Option<Self> {
        let mut answers = Vec::new();
        while !output.is_empty() {
            if !output.starts_with(b"HTTP/1.") {
                // The answer to a request of HTTP/0.9 has no head, and ends with the connection.
                answers.push(match output {
                    b"sentinel" => Answer::Sentinel,
                    b"request" => Answer::Taken(200),
                    _ if output.starts_with(b"<html>") => Answer::Refused(400),
                    _ => return None,
                });
                break;
            }
            let end = output.windows(4).position(|window| window == b"\r\n\r\n")?;
            let head = std::str::from_utf8(&output[..end]).ok()?;
            output = &output[end + 4..];
            let status: u16 = head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
            if status < 200 {
                continue;
            }
            // After a HEAD there is no body, whatever the head says; and no body here begins like a head.
            let length = if output.starts_with(b"HTTP/1.") { 0 } else { content_length(head) };
            let (body, rest) = output.split_at(length.min(output.len()));
            output = rest;
            answers.push(match status {
                200..300 if body == b"sentinel" => Answer::Sentinel,
                // What was asked for is not to be had, but it was asked for.
                200..400 | 403..=405 => Answer::Taken(status),
                _ => Answer::Refused(status),
            });
        }
        Some(Self(answers))
    }

    /// How many requests there were, with or without the sentinel, before one was refused or the connection ended.
    #[must_use]
    pub fn taken(&self) -> &[Answer] {
        let taken = self.0.iter().take_while(|answer| !matches!(answer, Answer::Refused(_))).count();
        &self.0[..taken]
    }

    /// The status with which the last of it was refused.
    #[must_use]
    pub fn refused(&self) -> Option<u16> {
        match self.0.last() {
            Some(Answer::Refused(status)) => Some(*status),
            _ => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("nothing");
        }
        for (place, answer) in self.0.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            match answer {
                Answer::Taken(status) | Answer::Refused(status) => write!(out, "{space}{status}")?,
                Answer::Sentinel => write!(out, "{space}sentinel")?,
            }
        }
        Ok(())
    }
}

fn content_length(head: &str) -> usize {
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") { value.trim().parse().ok() } else { None }
    });
    length.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_told_apart() {
        let output = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nrequest\
            HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nsentinelHTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        let verdict = Verdict::read(output).unwrap();
        assert_eq!(verdict.0, [Answer::Taken(200), Answer::Sentinel, Answer::Refused(400)]);
        assert_eq!(verdict.taken().len(), 2);
        assert_eq!(verdict.refused(), Some(400));
        assert_eq!(verdict.to_string(), "200 sentinel 400");
    }

    #[test]
    fn an_answer_without_a_head_is_of_an_older_time() {
        assert_eq!(Verdict::read(b"request").unwrap().0, [Answer::Taken(200)]);
        assert_eq!(Verdict::read(b"<html>400").unwrap().0, [Answer::Refused(400)]);
    }

    #[test]
    fn a_body_that_was_not_sent_is_not_waited_for() {
        let output =
            b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsentinel";
        assert_eq!(Verdict::read(output).unwrap().0, [Answer::Taken(200), Answer::Sentinel]);
        assert_eq!(Verdict::read(b"HTTP/1.1 200 OK\r\n"), None);
        assert_eq!(Verdict::read(b"anything"), None);
    }
}
