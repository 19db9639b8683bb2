//! An echo server with a limit on open descriptors: `few_descriptors LIMIT [KEYWORDS]`. The keywords are added to its endpoint.
//!
//! It prints its address. Its first connection is for questions: each byte that comes there is answered with a line that has the
//! numbers of turns, of connections opened so far, and of milliseconds since the beginning; an `f`, with the number of files that
//! it can open at the same time, as far as eight. When it closes, the server stops.

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use lariat::{Peer, Protocol, Reactor, Transport};
use lariat_tests::faults::log_to_stderr;
use rustix::process::{Resource, Rlimit, setrlimit};

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

struct Answers {
    began: Instant,
}

impl Protocol for Answers {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        for byte in data {
            if *byte == b'f' {
                let files: Vec<_> = (0..8).map_while(|_| File::open("/dev/null").ok()).collect();
                transport.write(format!("{}\n", files.len()).as_bytes());
                continue;
            }
            let reactor = transport.reactor();
            let (stats, passed) = (reactor.stats(), reactor.now() - self.began);
            transport.write(format!("{} {} {}\n", stats.turns, stats.opened, passed.as_millis()).as_bytes());
        }
    }

    fn read_closed(&mut self, transport: &Transport) {
        transport.reactor().stop();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let limit = std::env::args().nth(1).ok_or("how many descriptors?")?.parse()?;
    setrlimit(Resource::Nofile, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    log_to_stderr();
    let reactor = Reactor::new()?;
    let mut answers = Some(Answers { began: reactor.now() });
    let factory = move |_: &Peer| match answers.take() {
        Some(answers) => Box::new(answers) as Box<dyn Protocol>,
        None => Box::new(Echo),
    };
    let keywords = std::env::args().nth(2).unwrap_or_default();
    let port = reactor.listen(&format!("tcp:0:interface=127.0.0.1{keywords}"), factory)?;
    println!("{}", port.address().tcp().ok_or("it is TCP")?);
    Ok(reactor.run()?)
}
