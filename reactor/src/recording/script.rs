//! A recording that is being replayed: what comes next, and where the replay departs from it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::IoSlice;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::budget;
use crate::clock::Time;
use crate::driver::Sent;
use crate::error::{Error, ErrorKind, Result};
use crate::guarded::Guarded;
use crate::lookup::LookedUp;
use crate::token::Token;

use super::digest::digest;
use super::format::{HEAD, Op};
use super::reader::{Flaw, Head, Reader};
use super::tape::total;

/// Why a replay has come to its end before its loop did.
#[derive(Debug)]
pub(crate) enum Stop {
    Flawed(Flaw),
    /// What the replay does, and what the recording has instead.
    Departed(String, String),
    /// The call from another thread of this number, which nobody supplies.
    RemoteCall(u64),
    /// The recording had reached its limit here.
    Full,
}

/// The error of whatever is done after the replay has stopped.
pub(super) fn stopped() -> std::io::Error {
    std::io::Error::other("the replay has stopped")
}

impl From<Flaw> for Stop {
    fn from(flaw: Flaw) -> Self {
        Self::Flawed(flaw)
    }
}

/// The recording and how far the replay has come in it.
pub(crate) struct Script {
    beginning: Instant,
    sizes_only: bool,
    state: Guarded<State>,
}

struct State {
    reader: Reader,
    /// What comes next, if that was looked at already.
    next: Option<Head>,
    /// Entries that were replayed.
    entries: u64,
    now: Time,
    /// The number of what was made last.
    last: u64,
    /// Who is served for which number.
    places: BTreeMap<u64, Token>,
    /// Calls from other threads so far.
    remote_calls: u64,
    has_hook: bool,
    stop: Option<Stop>,
}

impl Script {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let reader = Reader::open(path).map_err(|flaw| {
            let error = Stop::Flawed(flaw);
            Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        let sizes_only = reader.sizes_only;
        let state = State {
            reader,
            next: None,
            entries: 0,
            now: Time::default(),
            last: 0,
            places: BTreeMap::new(),
            remote_calls: 0,
            has_hook: false,
            stop: None,
        };
        Ok(Self { beginning: Instant::now(), sizes_only, state: Guarded::new(state) })
    }

    pub(crate) fn is_sizes_only(&self) -> bool {
        self.sizes_only
    }

    /// How many entries were replayed, and how much time has passed in them.
    pub(crate) fn progress(&self) -> (u64, Duration) {
        self.state.with(|state| (state.entries, state.now.since(Time::default())))
    }

    /// Somebody supplies what calls from other threads did.
    pub(crate) fn expect_hook(&self) {
        self.state.with(|state| state.has_hook = true);
    }

    /// Takes why the replay has stopped, if it has.
    pub(crate) fn take_stop(&self) -> Option<Stop> {
        self.state.with(|state| state.stop.take())
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.state.with(|state| state.stop.is_some())
    }

    /// Does the loop begin to run here? Then it has.
    pub(crate) fn begins_to_run(&self) -> bool {
        self.state.with(|state| state.is_next(Op::Run) && state.answer(Op::Run, 0, |_| Ok(())).is_some())
    }

    /// Does the loop begin to end here?
    pub(crate) fn begins_to_end(&self) -> bool {
        self.state.with(|state| state.is_next(Op::Finish))
    }

    /// The loop has ended: so should the recording.
    pub(crate) fn end(&self) {
        self.state.with(|state| {
            state.answer(Op::End, 0, |state| Ok(state.reader.end()?));
        });
    }

    pub(super) fn instant(&self, time: Time) -> Instant {
        self.beginning.checked_add(time.since(Time::default())).unwrap_or(self.beginning)
    }

    pub(super) fn now(&self) -> Time {
        self.state.with(|state| {
            let since = state.answer(Op::Now, 0, |state| Ok(state.reader.integer()?));
            state.now = state.now.after(Duration::from_nanos(since.unwrap_or(0)));
            state.now
        })
    }

    /// The number of something new.
    pub(super) fn number(&self) -> u64 {
        self.state.with(|state| {
            state.last += 1;
            state.last
        })
    }

    pub(super) fn place(&self, number: u64, token: Token) {
        self.state.with(|state| state.places.insert(number, token));
    }

    /// What has this number is gone.
    pub(super) fn displace(&self, number: u64) {
        self.state.with(|state| state.places.remove(&number));
    }

    /// How much comes from other threads here.
    pub(super) fn remote_calls(&self) -> usize {
        self.state.with(|state| {
            if !state.is_next(Op::RemoteCalls) {
                return 0;
            }
            let count = state.answer(Op::RemoteCalls, 0, |state| match state.reader.size()? {
                count if count <= budget::REMOTE_BACKLOG => Ok(count),
                _ => Err(state.reader.damaged("more comes from other threads than a loop takes").into()),
            });
            count.unwrap_or(0)
        })
    }

    /// What of that has its turn here, and how many calls that makes so far.
    pub(super) fn sent(&self) -> Option<(u64, Sent)> {
        self.state.with(|state| {
            if state.is_next(Op::Wake) {
                return state.answer(Op::Wake, 0, |state| {
                    let (index, generation) = (state.reader.id()?, state.reader.id()?);
                    Ok((state.remote_calls, Sent::Wake { index, generation }))
                });
            }
            if state.is_next(Op::LookedUp) {
                return state.answer(Op::LookedUp, 0, |state| {
                    let (ticket, addresses) = (state.reader.integer()?, state.reader.addresses()?);
                    Ok((state.remote_calls, Sent::LookedUp(LookedUp { ticket, addresses })))
                });
            }
            if !state.is_next(Op::RemoteCall) {
                // What comes too late wakes nobody, and is not recorded.
                return None;
            }
            state.answer(Op::RemoteCall, 0, |state| {
                state.remote_calls += 1;
                if state.has_hook {
                    Ok((state.remote_calls, Sent::Call))
                } else {
                    Err(Stop::RemoteCall(state.remote_calls))
                }
            })
        })
    }

    /// The answer that was recorded to `op` being done to `subject`, as `read` finds it; none if that is not what comes next, or the
    /// replay has stopped already.
    pub(super) fn answer<R>(
        &self,
        op: Op,
        subject: u64,
        read: impl FnOnce(&mut Reader) -> Result<R, Flaw>,
    ) -> Option<R> {
        self.state.with(|state| state.answer(op, subject, |state| Ok(read(&mut state.reader)?)))
    }

    /// The same where something is asked for, which has to be the same as in the recording.
    pub(super) fn answer_to<Q: PartialEq, R>(
        &self,
        op: Op,
        subject: u64,
        asked: &Q,
        show: impl Fn(&Q) -> String,
        recorded: impl FnOnce(&mut Reader) -> Result<Q, Flaw>,
        read: impl FnOnce(&mut Reader) -> Result<R, Flaw>,
    ) -> Option<R> {
        self.state.with(|state| {
            state.answer(op, subject, |state| {
                let recorded = recorded(&mut state.reader)?;
                if recorded != *asked {
                    let verb = describe(op, subject);
                    return Err(Stop::Departed(
                        format!("{verb} {}", show(asked)),
                        format!("{verb} {}", show(&recorded)),
                    ));
                }
                Ok(read(&mut state.reader)?)
            })
        })
    }

    /// What became of a write, if it is the one that was recorded.
    pub(super) fn write(&self, subject: u64, slices: &[IoSlice<'_>]) -> Option<std::io::Result<usize>> {
        self.state.with(|state| {
            let ours = Written::of(slices);
            if !state.stopped() && !state.is_next_for(Op::Write, subject) {
                return state.depart(ours.to_string(subject));
            }
            state.answer(Op::Write, subject, |state| {
                let (theirs, answer, theirs_digest) = state.read_write()?;
                let taken = *answer.as_ref().unwrap_or(&0);
                let differs = ours.length != theirs.length || !state.reader.sizes_only && ours.head != theirs.head;
                if differs {
                    return Err(Stop::Departed(ours.to_string(subject), theirs.to_string(subject)));
                }
                if !state.reader.sizes_only && digest(slices, taken) != theirs_digest {
                    return Err(Stop::Departed(
                        ours.to_string(subject),
                        "wrote as many, of which some after those are others".to_owned(),
                    ));
                }
                if taken as u64 > ours.length {
                    return Err(state.reader.damaged("more was written than there was").into());
                }
                Ok(answer)
            })
        })
    }

    /// The replay does what cannot be in the recording.
    pub(super) fn damaged(&self, what: &'static str) {
        self.state.with(|state| {
            let flaw = state.reader.damaged(what);
            state.stop.get_or_insert(Stop::Flawed(flaw));
        });
    }

    pub(super) fn token(&self, number: u64) -> Option<Token> {
        self.state.with(|state| state.places.get(&number).copied())
    }

    /// An error that tells why and where the replay has stopped; nothing if it was recorded no further.
    pub(crate) fn explain(&self, stop: &Stop) -> Option<Error> {
        let (entries, elapsed) = self.progress();
        let place = format!("after {entries} entries of the recording, {elapsed:?} from its beginning");
        let sizes_only = if self.sizes_only {
            ". (It has sizes only: what was received is filled in, so a protocol that goes by it takes another course)"
        } else {
            ""
        };
        let message = match stop {
            Stop::Full => return None,
            Stop::Departed(ours, theirs) => {
                format!(
                    "the replay departs from the recording: {place}, it {ours}, where the recorded loop {theirs}{sizes_only}"
                )
            }
            stop => format!("{place}: {stop}"),
        };
        Some(Error::new(stop.kind(), message))
    }
}

impl State {
    fn stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// What comes next; nothing once the replay has stopped.
    fn peek(&mut self) -> Option<Head> {
        if self.stop.is_some() {
            return None;
        }
        if self.next.is_none() {
            match self.reader.head() {
                Ok(Head { op: Op::Full, .. }) => {
                    self.stop = Some(self.reader.end().map_or_else(Stop::Flawed, |()| Stop::Full));
                }
                Ok(head) => self.next = Some(head),
                Err(flaw) => self.stop = Some(Stop::Flawed(flaw)),
            }
        }
        self.next
    }

    fn is_next(&mut self, op: Op) -> bool {
        self.is_next_for(op, 0)
    }

    fn is_next_for(&mut self, op: Op, subject: u64) -> bool {
        self.peek() == Some(Head { op, subject })
    }

    fn answer<R>(&mut self, op: Op, subject: u64, read: impl FnOnce(&mut Self) -> Result<R, Stop>) -> Option<R> {
        let next = self.peek()?;
        if next != (Head { op, subject }) {
            return self.depart(describe(op, subject));
        }
        self.next = None;
        match read(self) {
            Ok(answer) => {
                self.entries += 1;
                Some(answer)
            }
            Err(stop) => {
                self.stop = Some(stop);
                None
            }
        }
    }

    /// What the replay does is not what comes next.
    fn depart<R>(&mut self, ours: String) -> Option<R> {
        let next = self.peek()?;
        let theirs = match next.op {
            Op::Write => self.read_write().map(|(written, ..)| written.to_string(next.subject)),
            Op::Listen | Op::Connect => {
                self.reader.address().map(|address| format!("{} {address}", describe(next.op, next.subject)))
            }
            _ => Ok(describe(next.op, next.subject)),
        };
        self.stop = Some(theirs.map_or_else(Stop::Flawed, |theirs| Stop::Departed(ours, theirs)));
        None
    }

    fn read_write(&mut self) -> Result<(Written, std::io::Result<usize>, u64), Flaw> {
        let length = self.reader.integer()?;
        let answer = self.reader.answer(Reader::size)?;
        if self.reader.sizes_only {
            return Ok((Written { length, head: Vec::new() }, answer, 0));
        }
        let digest = u64::from_le_bytes(self.reader.array()?);
        Ok((Written { length, head: self.reader.text()? }, answer, digest))
    }
}

/// What is known of bytes that are written.
struct Written {
    length: u64,
    head: Vec<u8>,
}

impl Written {
    fn of(slices: &[IoSlice<'_>]) -> Self {
        let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
        Self { length: total(slices), head: bytes.take(HEAD).collect() }
    }

    fn to_string(&self, subject: u64) -> String {
        let Self { length, head } = self;
        let more = if head.len() as u64 == *length || head.is_empty() { "" } else { "…" };
        let shown = if head.is_empty() { String::new() } else { format!(" \"{}{more}\"", head.escape_ascii()) };
        format!("writes {length} bytes{shown} to #{subject}")
    }
}

/// What a loop does, in words that follow it.
fn describe(op: Op, subject: u64) -> String {
    let words = match op {
        Op::End => "has ended",
        Op::Full => "was recorded no further",
        Op::Now => "reads the clock",
        Op::Wait => "waits for events",
        Op::Run => "begins to run",
        Op::Finish => "begins to end",
        Op::Listen => "listens on",
        Op::Connect => "connects to",
        Op::Accept => "accepts from port",
        Op::AdoptStream => "adopts a connection",
        Op::AdoptPort => "adopts a port",
        Op::Register | Op::Reregister => "changes what it watches for on",
        Op::Read => "reads from",
        Op::Write => "writes to",
        Op::SendFile => "sends a file to",
        Op::CloseWrite => "closes the writing side of",
        Op::Reset => "resets",
        Op::Close => "closes",
        Op::TakeError => "asks for the error of",
        Op::LocalAddress => "asks for the local address of",
        Op::IsConnected => "asks for the peer of",
        Op::Credentials => "asks for the credentials of",
        Op::SetNodelay => "sets TCP_NODELAY of",
        Op::SetKeepalive => "sets the keepalive of",
        Op::LookUp => "looks up the name",
        Op::Waker => "asks for a Remote",
        Op::RemoteCalls => "hears from other threads",
        Op::RemoteCall => "runs a call from another thread",
        Op::Wake => "polls a task that another thread has woken",
        Op::AddSource => "registers a descriptor",
        Op::Signal => "looks for a signal",
        Op::Reserve => "opens a descriptor to spare",
        Op::LookedUp => "hears of a name that it has asked for",
        Op::WallClock => "reads the time of day",
        Op::RandomSeed => "draws its first random number",
    };
    if op.has_subject() { format!("{words} #{subject}") } else { words.to_owned() }
}

impl Stop {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Flawed(Flaw::Unreadable(_)) => ErrorKind::Io,
            Self::Flawed(_) | Self::RemoteCall(_) => ErrorKind::InvalidInput,
            Self::Departed(..) => ErrorKind::Violated,
            Self::Full => ErrorKind::ResourcesExhausted,
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flawed(flaw) => flaw.fmt(f),
            Self::Departed(ours, theirs) => write!(f, "the replay {ours}, where the recorded loop {theirs}"),
            Self::RemoteCall(number) => write!(
                f,
                "call {number} from another thread came, and nothing says what it did: give that to on_remote_call"
            ),
            Self::Full => write!(f, "the recording had reached its limit"),
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entries, elapsed) = self.progress();
        f.debug_struct("Script").field("entries", &entries).field("elapsed", &elapsed).finish_non_exhaustive()
    }
}
