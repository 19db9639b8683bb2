//! Many requests at once: a line is sent, a line comes back.
//!
//! [`fetch_all`] makes the requests, each on a connection of its own, so many at a time. What fails is tried again after a pause, for as often
//! as the [`Plan`] says. The [`Summary`] tells what became of all.

mod summary;

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use lariat::endpoint::ClientEndpoint;
use lariat::{Backoff, Deferred, Failure, Reactor, Semaphore};

pub use self::summary::Summary;

/// The longest answer that is taken.
const LONGEST_LINE: usize = 64 * 1024;

/// Pauses before something is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How to make requests.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where.
    pub endpoint: ClientEndpoint,
    /// Connections at a time, at the most.
    pub at_once: usize,
    /// How often each request is tried, at the most.
    pub attempts: u32,
    /// How long an attempt may take.
    pub timeout: Duration,
}

/// What the requests share.
struct Fetch {
    reactor: Reactor,
    plan: Plan,
    gate: Semaphore,
    summary: Cell<Summary>,
    told: Box<dyn Fn()>,
}

/// Sends each of `requests`, and gives a summary when the last has its answer, or none. Calls `told` after each.
///
/// Cancelling it gives up all that wait and closes their connections.
pub fn fetch_all(
    reactor: &Reactor,
    plan: Plan,
    requests: impl IntoIterator<Item = String>,
    told: impl Fn() + 'static,
) -> Deferred<Summary> {
    let gate = Semaphore::new(reactor, plan.at_once);
    let (summary, told) = (Cell::default(), Box::new(told));
    let fetch = Rc::new(Fetch { reactor: reactor.clone(), plan, gate, summary, told });
    let begun: Vec<_> = requests.into_iter().map(|request| reactor.spawn(fetch.clone().insist(request))).collect();
    Deferred::settle(reactor, begun).map(move |_| fetch.summary.take())
}

impl Fetch {
    /// Makes one request, again and again if it has to be.
    async fn insist(self: Rc<Self>, request: String) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        for attempt in 1.. {
            let failure = match self.attempt(&request).await {
                Ok(latency) => {
                    self.note(|summary| summary.answered(latency));
                    break;
                }
                Err(failure) => failure,
            };
            if attempt >= self.plan.attempts || self.reactor.sleep(backoff.next_delay()).await.is_err() {
                self.note(|summary| summary.failed(failure.to_string()));
                break;
            }
            self.note(Summary::tried_again);
        }
        (self.told)();
    }

    /// Tries once, when there is room, and tells how long that took.
    async fn attempt(&self, request: &str) -> Result<Duration, Failure> {
        let _permit = self.gate.acquire().await?;
        let begun = self.reactor.now();
        let asking = ask(&self.reactor, &self.plan.endpoint, request);
        self.reactor.timeout(self.plan.timeout, asking).await??;
        Ok(self.reactor.now() - begun)
    }

    fn note(&self, note: impl FnOnce(&mut Summary)) {
        let mut summary = self.summary.take();
        note(&mut summary);
        self.summary.set(summary);
    }
}

/// Sends a line, and gives the line that comes back.
async fn ask(reactor: &Reactor, endpoint: &ClientEndpoint, request: &str) -> Result<Vec<u8>, Failure> {
    let mut stream = endpoint.connect_stream(reactor).await?;
    stream.write_all(format!("{request}\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        let bytes = stream.fill_buf().await?;
        if bytes.is_empty() {
            let message = "the server closed the connection before its answer ended";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message).into());
        }
        if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            answer.extend_from_slice(&bytes[..end]);
            return Ok(answer);
        }
        answer.extend_from_slice(bytes);
        let count = bytes.len();
        stream.consume(count);
        if answer.len() > LONGEST_LINE {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long").into());
        }
    }
}
