//! What happened in a world, one event after the other.

use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Time;
use crate::random::mix;

use super::poll::{HostId, Id};

/// Events that are kept to be shown, unless all are.
const KEPT: usize = 200;

/// Events that are kept when all are asked for: some hundred megabytes. The hash is of all that ever happened.
const MOST_KEPT: usize = 1_000_000;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) time: Time,
    /// Where; none if it was everywhere.
    pub(super) host: Option<HostId>,
    pub(super) socket: Option<Id>,
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A loop takes a turn without any event, for its timers or calls.
    Turn,
    /// A loop is told that a socket is ready for what the bits say.
    Ready(u8),
    Listens,
    Connects,
    Accepts,
    Established,
    Refused,
    /// So many bytes, and what they were in short.
    Reads(usize, u64),
    Writes(usize, u64),
    ReadsEnd,
    ClosesWriting,
    Closes,
    Resets,
    /// A call failed with this error.
    Fails(i32),
    /// Its protocol heard of it.
    Made,
    /// Its protocol heard of its end.
    Lost(Rc<str>),
    /// A thread does its work.
    Work,
    /// The network gave up sending it anything.
    TimesOut,
    /// A name, and whether it is for its IPv6 addresses.
    LooksUp(Rc<str>, bool),
    /// Somebody says so.
    Note(Rc<str>),
}

/// The events so far.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    events: VecDeque<Event>,
    keeps_all: bool,
    count: u64,
    hash: u64,
    names: Vec<Rc<str>>,
}

impl Trace {
    /// From now on keeps (nearly) all events, and not only the last ones.
    pub(crate) fn keep_all(&mut self) {
        self.keeps_all = true;
    }

    /// A host is added; they are numbered from 1.
    pub(super) fn name_host(&mut self, name: &str) {
        self.names.push(name.into());
    }

    pub(super) fn push(&mut self, time: Time, host: Option<HostId>, socket: Option<Id>, what: What) {
        let event = Event { time, host, socket, what };
        self.count += 1;
        self.hash = event.hash(self.hash);
        if self.events.len() == KEPT && !self.keeps_all {
            self.events.pop_front();
        }
        if self.events.len() < MOST_KEPT {
            self.events.push_back(event);
        }
    }

    /// All that ever happened, in short.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The last events, one a line.
    pub(crate) fn tail(&self, count: usize) -> String {
        let shown = self.events.iter().skip(self.events.len().saturating_sub(count));
        shown.map(|event| format!("  {}\n", self.line(event))).collect()
    }

    /// Where this trace and another begin to differ: the place of the first event that does, counted from 1, and what it is in
    /// either; both must have kept all.
    pub(crate) fn difference(&self, other: &Self) -> Option<(usize, String, String)> {
        if self.hash == other.hash && self.count == other.count {
            return None;
        }
        let same = self.events.iter().zip(&other.events).take_while(|(ours, theirs)| ours == theirs).count();
        let show = |trace: &Self| trace.events.get(same).map_or("nothing more".into(), |event| trace.line(event));
        Some((same + 1, show(self), show(other)))
    }

    fn line(&self, event: &Event) -> String {
        let host = event.host.and_then(|host| self.names.get(host.index())).map_or("", |name| &**name);
        let socket = event.socket.map(|socket| socket.to_string()).unwrap_or_default();
        format!("{:>14}  {host:<12} {socket:<5} {}", Seconds(event.time), event.what)
    }
}

/// A time as seconds with six decimals, or nine where that takes them.
struct Seconds(Time);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since: Duration = self.0.since(Time::default());
        let digits = if since.subsec_nanos().is_multiple_of(1_000) { 6 } else { 9 };
        let text = format!("{}.{:09}", since.as_secs(), since.subsec_nanos());
        f.pad(&format!("{} s", &text[..text.len() - (9 - digits)]))
    }
}

impl Event {
    /// `before`, and this event after it.
    fn hash(&self, before: u64) -> u64 {
        let host = self.host.map_or(0, |host| host.index() as u64 + 1);
        let socket = self.socket.map_or(0, Id::bits);
        let (kind, more) = self.what.bits();
        let words = [self.time.nanos_since(Time::default()), host << 8 | kind, socket];
        words.into_iter().chain(more).fold(before, |hash, word| mix(hash ^ word).wrapping_add(word))
    }
}

impl What {
    /// A number for the kind, and what else there is to it.
    fn bits(&self) -> (u64, [u64; 2]) {
        match self {
            Self::Turn => (0, [0, 0]),
            Self::Ready(bits) => (1, [u64::from(*bits), 0]),
            Self::Listens => (2, [0, 0]),
            Self::Connects => (3, [0, 0]),
            Self::Accepts => (4, [0, 0]),
            Self::Established => (5, [0, 0]),
            Self::Refused => (6, [0, 0]),
            Self::Reads(count, digest) => (7, [*count as u64, *digest]),
            Self::Writes(count, digest) => (8, [*count as u64, *digest]),
            Self::ReadsEnd => (9, [0, 0]),
            Self::ClosesWriting => (10, [0, 0]),
            Self::Closes => (11, [0, 0]),
            Self::Resets => (12, [0, 0]),
            Self::Fails(code) => (13, [u64::from(code.unsigned_abs()), 0]),
            Self::Made => (14, [0, 0]),
            Self::Lost(reason) => (15, [digest(reason.as_bytes()), 0]),
            Self::Note(text) => (16, [digest(text.as_bytes()), 0]),
            Self::Work => (17, [0, 0]),
            Self::TimesOut => (18, [0, 0]),
            Self::LooksUp(name, v6) => (19, [digest(name.as_bytes()), u64::from(*v6)]),
        }
    }
}

/// Bytes in short.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(bytes.len() as u64, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash ^ u64::from_le_bytes(word))
    })
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn => f.write_str("wakes for what is due"),
            Self::Ready(bits) => {
                let names = ["readable", "writable", "peer closed", "hung up", "error"];
                let set = names.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
                let set: Vec<&str> = set.map(|(_, name)| *name).collect();
                write!(f, "is told: {}", set.join(", "))
            }
            Self::Listens => f.write_str("listens"),
            Self::Connects => f.write_str("connects"),
            Self::Accepts => f.write_str("accepts"),
            Self::Established => f.write_str("is connected"),
            Self::Refused => f.write_str("is refused"),
            Self::Reads(count, digest) => write!(f, "reads {count} bytes [{:04x}]", digest & 0xffff),
            Self::Writes(count, digest) => write!(f, "writes {count} bytes [{:04x}]", digest & 0xffff),
            Self::ReadsEnd => f.write_str("reads the end"),
            Self::ClosesWriting => f.write_str("ends its side"),
            Self::Closes => f.write_str("closes"),
            Self::Resets => f.write_str("is reset"),
            Self::Fails(code) => write!(f, "fails: {}", std::io::Error::from_raw_os_error(*code)),
            Self::Made => f.write_str("connection_made"),
            Self::Lost(reason) => write!(f, "connection_lost, {reason}"),
            Self::Work => f.write_str("a thread is done"),
            Self::TimesOut => f.write_str("is given up: nothing was acknowledged"),
            Self::LooksUp(name, v6) => write!(f, "looks up {name:?} for {}", if *v6 { "IPv6" } else { "IPv4" }),
            Self::Note(text) => write!(f, "{text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(events: &[What]) -> Trace {
        let mut trace = Trace::default();
        trace.keep_all();
        trace.name_host("server");
        for what in events {
            trace.push(Time::from_tick(1_500), Some(HostId(1)), Some(Id::default().next()), what.clone());
        }
        trace
    }

    #[test]
    fn an_event_is_shown_with_its_time_its_host_and_its_connection() {
        let shown = trace(&[What::Reads(5, digest(b"hello"))]).tail(10);
        let words: Vec<_> = shown.split_whitespace().collect();
        assert_eq!(words[..6], ["1.500000", "s", "server", "#1", "reads", "5"], "{shown}");
    }

    #[test]
    fn the_first_difference_is_named() {
        let ours = trace(&[What::Connects, What::Accepts]);
        let theirs = trace(&[What::Connects, What::Refused, What::Accepts]);
        let (place, our, their) = ours.difference(&theirs).unwrap();
        assert_eq!(place, 2);
        assert!(our.ends_with("accepts") && their.ends_with("is refused"), "{our} {their}");
        let (place, our, _) = trace(&[What::Connects]).difference(&ours).unwrap();
        assert_eq!((place, &*our), (2, "nothing more"));
        assert!(ours.difference(&trace(&[What::Connects, What::Accepts])).is_none());
    }

    #[test]
    fn bytes_that_differ_or_are_split_otherwise_make_another_hash() {
        let one = trace(&[What::Reads(2, digest(b"ab"))]);
        let other = trace(&[What::Reads(2, digest(b"ac"))]);
        assert_ne!(one.hash(), other.hash());
        assert_ne!(digest(b"a"), digest(b"a\0"));
    }

    #[test]
    fn only_the_last_events_are_kept_but_all_are_hashed() {
        let (mut short, mut long) = (Trace::default(), Trace::default());
        for turn in 0..300 {
            short.push(Time::from_tick(turn), None, None, What::Turn);
            long.push(Time::from_tick(turn.max(1)), None, None, What::Turn);
        }
        assert_eq!(short.tail(usize::MAX).lines().count(), KEPT);
        assert_eq!(short.count, 300);
        assert_ne!(short.hash(), long.hash());
    }
}
