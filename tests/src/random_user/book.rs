//! What all users have done and heard, and what was wrong with it.

use std::collections::BTreeMap;
use std::time::Instant;

use lariat::{Address, CloseReason, Transport};

use super::story::{HEADING, Heard, Story, byte};
use crate::downstream::Shared;
use crate::harness::ending;

/// What has come about, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Ends of connections that were made.
    pub ends: u64,
    /// Bytes that arrived.
    pub bytes: u64,
    /// Callbacks that were called.
    pub callbacks: u64,
    /// Delayed calls and results of Deferreds that came.
    pub calls: u64,
    /// Ends of connections, by their reasons.
    pub reasons: BTreeMap<String, u64>,
}

impl Totals {
    /// Adds what has come about elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.ends += other.ends;
        self.bytes += other.bytes;
        self.callbacks += other.callbacks;
        self.calls += other.calls;
        for (reason, count) in &other.reasons {
            *self.reasons.entry(reason.clone()).or_default() += count;
        }
    }
}

#[derive(Default)]
struct Pages {
    stories: Vec<Story>,
    transports: Vec<Transport>,
    /// The end that connected from this address, and the one that was accepted from it.
    by_address: BTreeMap<String, [Option<usize>; 2]>,
    violations: Vec<String>,
    totals: Totals,
    is_resting: bool,
    is_exact: bool,
    /// Hosts that may lose their power or their process.
    vanishing: Vec<&'static str>,
    stopped: Vec<String>,
}

/// What all users of a simulation have done and heard. A clone is the same book.
#[derive(Clone, Default)]
pub struct Book(Shared<Pages>);

impl Book {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nobody begins anything any more.
    pub(super) fn rest(&self) {
        self.0.with(|pages| pages.is_resting = true);
    }

    pub(super) fn is_resting(&self) -> bool {
        self.0.with(|pages| pages.is_resting)
    }

    /// No callback takes any time, so that times can be held to the tick.
    pub(super) fn be_exact(&self) {
        self.0.with(|pages| pages.is_exact = true);
    }

    pub(super) fn is_exact(&self) -> bool {
        self.0.with(|pages| pages.is_exact)
    }

    /// Something is wrong.
    pub(super) fn violate(&self, what: impl Into<String>) {
        self.0.with(|pages| pages.violations.push(what.into()));
    }

    /// Notes the hosts that may lose their power or their process.
    pub(super) fn vanish(&self, hosts: &[&'static str]) {
        self.0.with(|pages| pages.vanishing = hosts.to_vec());
    }

    pub(super) fn may_vanish(&self) -> bool {
        self.0.with(|pages| !pages.vanishing.is_empty())
    }

    /// Everybody reads again, and waits for nothing.
    pub(super) fn resume_all(&self) {
        self.0.with(|pages| {
            for story in &mut pages.stories {
                story.paused = false;
                story.idle = [None; 3];
            }
        });
    }

    pub(super) fn count_call(&self) {
        self.0.with(|pages| pages.totals.calls += 1);
    }

    /// What was wrong, the first of it first.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.0.with(|pages| pages.violations.clone())
    }

    /// What has come about.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.0.with(|pages| pages.totals.clone())
    }

    /// A connection is made, of which this end is the one that connected, or not. Gives its name.
    pub(super) fn open(&self, host: &'static str, transport: &Transport, connected: bool) -> usize {
        let own = transport.local_address().ok();
        let peer = transport.peer().address();
        let is_tcp = matches!(peer, Address::Tcp(_));
        self.0.with(|pages| {
            let name = pages.stories.len();
            let mut story = Story::new(host, is_tcp);
            story.stopping = pages.stopped.iter().any(|stopped| stopped == host);
            pages.stories.push(story);
            pages.transports.push(transport.clone());
            pages.totals.ends += 1;
            let client = if connected { own } else { Some(peer) };
            if let Some(client) = client.filter(|_| is_tcp) {
                let ends = pages.by_address.entry(client.to_string()).or_default();
                ends[usize::from(!connected)] = Some(name);
            }
            name
        })
    }

    pub(super) fn story<R>(&self, name: usize, visit: impl FnOnce(&mut Story) -> R) -> R {
        self.0.with(|pages| visit(&mut pages.stories[name]))
    }

    pub(super) fn transports(&self) -> Vec<Transport> {
        self.0.with(|pages| pages.transports.clone())
    }

    /// The host is told to stop.
    pub(super) fn stop(&self, host: &str) {
        self.0.with(|pages| {
            pages.stopped.push(host.into());
            pages.stories.iter_mut().filter(|story| story.host == host).for_each(|story| story.stopping = true);
        });
    }

    /// The protocol of this `generation` hears something.
    pub(super) fn hear(&self, name: usize, generation: u32, heard: Heard, now: Instant) {
        self.0.with(|pages| {
            pages.totals.callbacks += 1;
            let story = &mut pages.stories[name];
            if let Err(wrong) = story.hear(generation, heard, now, pages.is_exact) {
                pages.violations.push(format!("end {name}: {wrong}: {story:?}"));
            }
            if heard == Heard::ReadClosed {
                pages.compare(name);
            }
        });
    }

    /// Bytes arrive.
    pub(super) fn receive(&self, name: usize, data: &[u8]) {
        self.0.with(|pages| {
            pages.totals.bytes += data.len() as u64;
            let story = &mut pages.stories[name];
            let missing = HEADING - story.heading.len();
            let (heading, body) = data.split_at(missing.min(data.len()));
            story.heading.extend_from_slice(heading);
            story.received += heading.len();
            if missing > 0 && heading.len() == missing {
                pages.meet(name);
            }
            pages.read(name, body);
        });
    }

    /// It has ended.
    pub(super) fn lose(&self, name: usize, reason: &CloseReason) {
        self.0.with(|pages| {
            *pages.totals.reasons.entry(ending(reason)).or_default() += 1;
            let story = &mut pages.stories[name];
            let mut wrong = Vec::new();
            if !story.has_cause(reason) {
                wrong.push("there is no cause for this end".to_owned());
            }
            let text = reason.to_string();
            let by_network = matches!(reason, CloseReason::Lost(_));
            if let Some(only) = story.only_reason()
                && only != text
                && !by_network
            {
                wrong.push(format!("it should have ended: {only}"));
            }
            if story.refused && reason.is_done() {
                wrong.push("it took no output although nobody had closed it".to_owned());
            }
            if story.producing {
                wrong.push("its producer was not stopped".to_owned());
            }
            story.lost = Some(text);
            for wrong in wrong {
                pages.violations.push(format!("end {name}, {reason}: {wrong}: {story:?}"));
            }
        });
    }

    /// A protocol is dropped.
    pub(super) fn drop_protocol(&self, name: usize) {
        self.0.with(|pages| {
            let story = &mut pages.stories[name];
            story.protocols = story.protocols.saturating_sub(1);
        });
    }

    /// Looks what has become of everybody after a long rest. Where no end can vanish unheard, an end whose other end is gone must know.
    pub(super) fn look_after_rest(&self, all_is_heard: bool) {
        self.0.with(|pages| {
            for place in 0..pages.stories.len() {
                let story = &pages.stories[place];
                if story.is_gone() {
                    continue;
                }
                if story.closing || story.is_ending() {
                    pages.violations.push(format!("end {place} does not come to its end: {story:?}"));
                    continue;
                }
                let Some(peer) = story.peer.map(|peer| &pages.stories[peer]) else { continue };
                let stalled = !peer.is_gone() && story.received != peer.sent;
                if stalled {
                    let text = format!("end {place} has got {} bytes of {}", story.received, peer.sent);
                    pages.violations.push(format!("{text}, and no more come: {story:?}, {peer:?}"));
                } else if all_is_heard && peer.is_gone() && !story.heard_end {
                    pages.violations.push(format!("end {place} never heard that the other ended: {story:?}, {peer:?}"));
                }
            }
        });
    }

    /// Checks that every end has had its last callback, at the end of the run. On hosts that may lose their power or their process, protocols
    /// may be gone without one.
    pub(super) fn look_at_end(&self) {
        self.0.with(|pages| {
            for story in &pages.stories {
                let vanished = story.lost.is_none() && pages.vanishing.contains(&story.host);
                if story.lost.is_none() && !vanished {
                    pages.violations.push(format!("connection_lost never came: {story:?}"));
                }
                if story.protocols > 0 {
                    pages.violations.push(format!("a protocol was never dropped: {story:?}"));
                }
            }
            for transport in &pages.transports {
                if transport.is_open() || transport.queued() > 0 {
                    pages.violations.push(format!("a handle does not know of the end: {transport:?}"));
                }
            }
            for place in 0..pages.stories.len() {
                if pages.stories[place].heard_end {
                    pages.compare(place);
                }
            }
        });
    }
}

impl Pages {
    /// The heading is complete: it tells whose bytes these are.
    fn meet(&mut self, name: usize) {
        let heading = &self.stories[name].heading;
        let told = heading.iter().rev().fold(0, |told, byte| told << 8 | usize::from(*byte));
        let fits = self.stories.get(told).is_some_and(|peer| peer.peer.is_none_or(|back| back == name) && told != name);
        if fits {
            self.stories[name].peer = Some(told);
        } else {
            self.violations.push(format!("end {name} got a beginning that nobody sent: {:?}", self.stories[name]));
        }
    }

    fn read(&mut self, name: usize, body: &[u8]) {
        let Some(peer) = self.stories[name].peer else { return };
        let start = self.stories[name].received;
        self.stories[name].received += body.len();
        let wrong = body.iter().enumerate().position(|(place, seen)| *seen != byte(peer, start + place));
        if let Some(wrong) = wrong {
            let place = start + wrong;
            self.violations.push(format!("end {name} got another byte than end {peer} sent, at {place}"));
        }
        if start + body.len() > self.stories[peer].sent {
            self.violations.push(format!("end {name} got more than end {peer} sent: {:?}", self.stories[peer]));
        }
    }

    /// An end has read to the other's end: then it has all of it.
    fn compare(&mut self, name: usize) {
        let story = &self.stories[name];
        let by_address = || {
            let mut pairs = self.by_address.values();
            pairs.find_map(|pair| match pair {
                [Some(client), server] if *client == name => *server,
                [client, Some(server)] if *server == name => *client,
                _ => None,
            })
        };
        let Some(peer) = story.peer.or_else(by_address).map(|peer| &self.stories[peer]) else { return };
        // Over a Unix socket an abort cannot be distinguished from a close; and the system of a killed process ends its connections in good
        // order, after what it had taken by then.
        let is_killed = peer.lost.is_none() && self.vanishing.contains(&peer.host);
        let in_good_order = (story.is_tcp && !is_killed) || peer.lost.as_deref() == Some("closed cleanly");
        if in_good_order && story.received != peer.sent {
            let (received, sent) = (story.received, peer.sent);
            let text =
                format!("end {name} heard the other's end after {received} bytes of {sent}: {story:?}, {peer:?}");
            self.violations.push(text);
        }
    }
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book").field("totals", &self.totals()).field("violations", &self.violations()).finish()
    }
}
