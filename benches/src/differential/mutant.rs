//! Requests in which something was changed.

use fastrand::Rng;

use super::SENTINEL;

/// Proper requests, all that a server can be expected to take.
const REQUESTS: &[&str] = &[
    "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /a?b=c HTTP/1.1\r\nHost: localhost:80\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/plain;q=0.9, */*\r\nX-Empty:\r\n\r\n",
    "HEAD /a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET http://localhost/a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "DELETE /a HTTP/1.1\r\nHost: [::1]:80\r\nConnection: keep-alive\r\n\r\n",
    "PUT /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
    "POST /a HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 11\r\nHost: localhost\r\n\r\nGET / HTTP/",
    "POST /a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    "POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Sum: 15\r\n\r\n",
    "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: localhost\r\n\r\n2;a=b\r\nhi\r\n0\r\n\r\n",
];

/// Bytes that parsers care about.
const BYTES: &[u8] = b"\r\n\0 \t:;,=\"'/\\?#%*+-._0123456789abcdefxABCDEFX\x0b\x0c\x7f\x80\x85\xa0\xff";

/// Header lines that say where a body ends, or do not quite.
const LINES: &[&str] = &[
    "Content-Length: 0\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 6\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: -5\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: 5,6\r\n",
    "Content-Length: 0x5\r\n",
    "Content-Length: 5 5\r\n",
    "Content-Length: 05\r\n",
    "Content-Length: 5.0\r\n",
    "Content-Length:\r\n",
    "Content-Length: \t5 \r\n",
    "Content-Length: 18446744073709551621\r\n",
    "Content-Length : 5\r\n",
    "Content_Length: 5\r\n",
    "content-length: 5\r\n",
    " Content-Length: 5\r\n",
    "Content-Length\r\n",
    "Content-Length: 5\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: Chunked\r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: chunked;q=1\r\n",
    "Transfer-Encoding: \"chunked\"\r\n",
    "Transfer-Encoding:\r\n",
    "Transfer-Encoding:\x0bchunked\r\n",
    "Transfer-Encoding: chunked\x00\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer_Encoding: chunked\r\n",
    "Transfer-Encoding\r\n : chunked\r\n",
    "Transfer-Encoding:\r\n chunked\r\n",
    "X: y\rTransfer-Encoding: chunked\r\n",
    "X: y\nTransfer-Encoding: chunked\n",
    "Host: other\r\n",
    "Host:\r\n",
    "Host: a b\r\n",
    "Host: user@localhost\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Connection: content-length\r\n",
    "Connection: upgrade\r\nUpgrade: websocket\r\n",
    "Expect: 100-continue\r\n",
    "Expect: 200-ok\r\n",
    "TE: trailers\r\n",
    "X: y\r\n z\r\n",
    ": y\r\n",
    "X Y: z\r\n",
    "X: \x01\r\n",
    "X: \u{e9}\r\n",
    "\r\n",
];

/// What may stand where a chunk's length does.
const CHUNK_LENGTHS: &[&str] = &[
    "5",
    "05",
    "00000000000000000005",
    "5;",
    "5;a",
    "5;a=b",
    "5; a=\"b\"",
    "5 ;a",
    "5 ",
    " 5",
    "5\t",
    "+5",
    "-5",
    "0x5",
    "5h",
    "5\r",
    "5\n",
    "",
    "0",
    "00",
    "4",
    "6",
    "fffffffffffffffff",
    "10000000000000000",
    "5,5",
    "5;\n",
    "5;\r",
];

/// Line ends, and what is none.
const LINE_ENDS: &[&str] =
    &["\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "", "\r\n ", "\r\n\t", " \r\n", "\0\r\n", "\n\n"];

/// What may stand at either end of a first line, or all of it.
const METHODS: &[&str] = &[
    "GET", "get", "G\tT", "", "POST", "HEAD", "PUT", "TRACE", "OPTIONS", "CONNECT", "QUERY", "GE T", "GET/", "M-SEARCH",
];
const TARGETS: &[&str] = &[
    "/",
    "*",
    "",
    "a",
    "//",
    "/\u{e9}",
    "/%00",
    "/%",
    "/a#b",
    "/a b",
    "/../../a",
    "/a\\b",
    "http://",
    "http://localhost",
    "http://localhost:80/a",
    "https://localhost/a",
    "http://other/a",
    "ftp://localhost/a",
    "localhost:80",
    "http:/a",
    "http://user@localhost/a",
    "?a",
    "/\"<>",
    "/a\0",
];
const VERSIONS: &[&str] = &[
    "HTTP/1.1",
    "HTTP/1.0",
    "HTTP/1.2",
    "HTTP/2.0",
    "HTTP/0.9",
    "HTTP/1.10",
    "HTTP/1.",
    "HTTP/01.1",
    "http/1.1",
    "HTTP/1.1 ",
    "HTTP/11",
    "",
    "HTTP /1.1",
    "HTTPS/1.1",
    "HTTP/1.1\t",
];

/// The mutant of this number: the same every time.
#[must_use]
pub fn mutant(number: u64) -> Vec<u8> {
    let mut random = Rng::with_seed(number);
    let mut request = pick(&mut random, REQUESTS).as_bytes().to_vec();
    for _ in 0..random.usize(1..=3) {
        mutate(&mut random, &mut request);
    }
    request
}

/// The proper request that follows a mutant.
#[must_use]
pub fn sentinel() -> Vec<u8> {
    format!("GET {SENTINEL} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

fn pick<'a>(random: &mut Rng, from: &[&'a str]) -> &'a str {
    from[random.usize(..from.len())]
}

fn mutate(random: &mut Rng, request: &mut Vec<u8>) {
    match random.u8(..16) {
        0 => {
            let place = random.usize(..=request.len());
            request.insert(place, BYTES[random.usize(..BYTES.len())]);
        }
        1 if !request.is_empty() => {
            let place = random.usize(..request.len());
            request[place] = BYTES[random.usize(..BYTES.len())];
        }
        2 if !request.is_empty() => {
            request.remove(random.usize(..request.len()));
        }
        3 if !request.is_empty() => {
            let start = random.usize(..request.len());
            let end = (start + random.usize(1..=8)).min(request.len());
            let again = request[start..end].to_vec();
            request.splice(start..start, again);
        }
        4..=6 => {
            let place = start_of_header(random, request);
            let line = pick(random, LINES);
            request.splice(place..place, line.bytes());
        }
        7 => {
            // A line a second time, there or elsewhere.
            let line = line(random, request);
            let place = start_of_header(random, request);
            let again = request[line].to_vec();
            request.splice(place..place, again);
        }
        8 => {
            let line = line(random, request);
            request.drain(line);
        }
        9 | 10 => {
            let line = line(random, request);
            let end = request[line.clone()].iter().rev().take_while(|byte| b"\r\n".contains(byte)).count();
            request.splice(line.end - end..line.end, pick(random, LINE_ENDS).bytes());
        }
        11 | 12 => {
            let lines = lines(request);
            let body = lines.iter().position(|line| &request[line.clone()] == b"\r\n").map_or(0, |empty| empty + 1);
            if let Some(line) = lines.get(body + random.usize(..4)) {
                let end = if request[line.clone()].ends_with(b"\r\n") { line.end - 2 } else { line.end };
                request.splice(line.start..end, pick(random, CHUNK_LENGTHS).bytes());
            }
        }
        13..=15 => {
            // The first line anew, with two of its three words as they were.
            let first = lines(request).first().cloned().unwrap_or(0..0);
            let line = String::from_utf8_lossy(&request[first.clone()]).into_owned();
            let mut words: Vec<&str> = line.trim_end_matches(['\r', '\n']).splitn(3, ' ').collect();
            let word = random.usize(..3);
            if let Some(place) = words.get_mut(word) {
                *place = pick(random, [METHODS, TARGETS, VERSIONS][word]);
            }
            let space = if random.u8(..8) == 0 { pick(random, &["  ", "\t", "\r", "\x0b"]) } else { " " };
            let anew = format!("{}\r\n", words.join(space));
            request.splice(first, anew.bytes());
        }
        _ => {}
    }
}

/// Where lines are, with their ends.
fn lines(request: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut start = 0;
    let lines = request.split_inclusive(|byte| *byte == b'\n').map(|line| {
        start += line.len();
        start - line.len()..start
    });
    lines.collect()
}

fn line(random: &mut Rng, request: &[u8]) -> std::ops::Range<usize> {
    let lines = lines(request);
    if lines.is_empty() { 0..0 } else { lines[random.usize(..lines.len())].clone() }
}

/// The beginning of a line after the first.
fn start_of_header(random: &mut Rng, request: &[u8]) -> usize {
    let lines = lines(request);
    let headers = lines.iter().position(|line| &request[line.clone()] == b"\r\n").unwrap_or(lines.len());
    let line = random.usize(1..=headers.max(1));
    lines.get(line).map_or(request.len(), |line| line.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_always_stands_for_the_same_mutant() {
        assert!((0..1000).all(|number| mutant(number) == mutant(number)));
        assert!((0..1000).filter(|number| mutant(*number) != mutant(number + 1)).count() > 990);
    }

    #[test]
    fn proper_requests_end_their_heads() {
        assert!(REQUESTS.iter().all(|request| request.contains("\r\n\r\n")));
    }
}
