//! Connections that no protocol hears of yet, because their handshake is under way.

use std::any::type_name;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use crate::byte_stream::{Prepared, Socket};
use crate::clock::Time;
#[cfg(feature = "testing")]
use crate::contain::contain_drop;
use crate::layer::Layer;
use crate::reactor::{Description, Dispatch, Turn};
use crate::readiness::Readiness;
use crate::stats::count;
use crate::timer::TimerKey;
use crate::transport::{Flags, Shared};

/// How long the peer of a handshake that failed is waited for, so that it gets to read why: to close with its last words unread would
/// reset the connection and destroy ours.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is to become of a connection.
pub(super) trait Welcome: 'static {
    /// Whoever is asked for the protocol, for people.
    type Name: ?Sized;

    /// Does nobody want it any more?
    fn is_cancelled(&self) -> bool {
        false
    }

    /// How much of the time for the handshake the peer has until its first byte, as a divisor.
    fn first_byte_divisor(&self) -> u32 {
        1
    }

    /// The connection is ready: it is served in this source's place from now on.
    fn admit(self, shared: Rc<Shared>, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>>;

    /// It never will be.
    fn turn_away(self, shared: &Shared, why: Turned);
}

/// Why a connection came to nothing.
#[derive(Debug)]
pub(super) enum Turned {
    Failed(io::Error),
    TimedOut(Duration),
    /// The reactor ended.
    Ended,
}

/// A connection whose stream is being [prepared](Socket::prepare).
struct Preparing<W> {
    shared: Rc<Shared>,
    /// Gone once it has failed: what is left then is to see the peer off.
    welcome: Option<W>,
    timer: Option<TimerKey>,
    /// By when all of the handshake has to be done.
    by: Time,
    limit: Duration,
    /// The peer has sent something.
    has_begun: bool,
    /// What events have told so far: those to come will not tell it again.
    seen: Readiness,
}

/// Serves a connection that has just been opened: at once, or when what its options put around it is ready.
pub(super) fn welcome<W: Welcome>(
    shared: Rc<Shared>,
    welcome: W,
    turn: &mut Turn<'_>,
    readiness: Readiness,
) -> Option<Box<dyn Dispatch>> {
    let layer = shared.state.with(|state| state.options.layer().cloned());
    match layer {
        None => welcome.admit(shared, turn, readiness),
        Some(layer) => Preparing::begin(shared, welcome, &*layer)?.ready(turn, readiness),
    }
}

impl<W: Welcome> Preparing<W> {
    fn begin(shared: Rc<Shared>, welcome: W, layer: &dyn Layer) -> Option<Box<Self>> {
        let wrapped = shared.state.with(|state| {
            let plain = std::mem::replace(&mut state.socket, Socket::Closed);
            layer.wrap(plain, Vec::new()).map(|socket| state.socket = socket)
        });
        if let Err(error) = wrapped {
            welcome.turn_away(&shared, Turned::Failed(error));
            return None;
        }
        shared.flags.set(Flags::PREPARING);
        let all = layer.timeout();
        let by = shared.reactor.deadline(all);
        let limit = all / welcome.first_byte_divisor();
        let timer = Some(shared.reactor.arm(shared.reactor.deadline(limit), shared.token));
        let handshaking = &shared.reactor.core().counters.handshaking;
        handshaking.set(handshaking.get() + 1);
        Some(Box::new(Self {
            shared,
            welcome: Some(welcome),
            timer,
            by,
            limit,
            has_begun: false,
            seen: Readiness::default(),
        }))
    }

    fn go_on(mut self: Box<Self>, turn: &mut Turn<'_>) -> Option<Box<dyn Dispatch>> {
        let prepared = self.shared.state.with(|state| state.socket.prepare());
        match prepared {
            Ok(Prepared::Ready) => self.admit(turn),
            Ok(waits) => {
                if waits == Prepared::Blocked {
                    self.shared.blocked();
                    if self.shared.flags.has(Flags::ENDING) {
                        let error = io::Error::other("its socket could not be watched");
                        return self.leave(Turned::Failed(error));
                    }
                }
                Some(self)
            }
            Err(_) if self.welcome.is_none() => self.leave(Turned::Ended),
            Err(error) => {
                // A peer that ended or reset the connection is gone, and so is one of which only the system has words.
                let is_gone = matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset);
                let is_there = error.get_ref().is_some() && !is_gone;
                self.turn_away(Turned::Failed(error));
                if !is_there {
                    return self.leave(Turned::Ended);
                }
                let _ = self.shared.state.with(|state| state.socket.close_write());
                self.disarm();
                let until = self.shared.reactor.deadline(LAST_WORDS);
                self.timer = Some(self.shared.reactor.arm(until, self.shared.token));
                // What is there already is read now: no event will tell of it.
                let gone = self.shared.state.with(|state| state.socket.prepare()).is_err();
                if gone { self.leave(Turned::Ended) } else { Some(self) }
            }
        }
    }

    fn admit(mut self, turn: &mut Turn<'_>) -> Option<Box<dyn Dispatch>> {
        self.disarm();
        let Self { shared, welcome, seen, .. } = self;
        let counters = &shared.reactor.core().counters;
        counters.handshaking.set(counters.handshaking.get() - 1);
        count(&counters.handshakes, 1);
        shared.flags.clear(Flags::PREPARING | Flags::BLOCKED);
        // With the end of the handshake, the beginning of what follows may have been read.
        welcome?.admit(shared, turn, seen | Readiness::READABLE)
    }

    /// Tells whoever waits, once.
    fn turn_away(&mut self, why: Turned) {
        if let Some(welcome) = self.welcome.take() {
            let counters = &self.shared.reactor.core().counters;
            counters.handshaking.set(counters.handshaking.get() - 1);
            if !matches!(why, Turned::Ended) {
                count(&counters.failed_handshakes, 1);
            }
            welcome.turn_away(&self.shared, why);
        }
    }

    /// Ends it.
    fn leave(mut self, why: Turned) -> Option<Box<dyn Dispatch>> {
        self.turn_away(why);
        self.disarm();
        self.shared.flags.set(Flags::ENDED);
        self.shared.state.with(|state| state.socket = Socket::Closed);
        self.shared.reactor.descriptor_freed();
        None
    }

    /// The peer has sent something.
    fn heard(&mut self) {
        let shared = &self.shared;
        shared.last_read.set(shared.reactor.core().now.get());
        if !std::mem::replace(&mut self.has_begun, true)
            && let (Some(timer), Some(welcome)) = (self.timer, &self.welcome)
        {
            self.limit *= welcome.first_byte_divisor();
            shared.reactor.rearm(timer, self.by);
        }
    }

    fn disarm(&mut self) {
        if let Some(timer) = self.timer.take() {
            self.shared.reactor.disarm(timer);
        }
    }
}

impl<W: Welcome> Dispatch for Preparing<W> {
    fn ready(mut self: Box<Self>, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>> {
        if readiness.has(Readiness::END) || self.welcome.as_ref().is_some_and(Welcome::is_cancelled) {
            return self.leave(Turned::Ended);
        }
        if readiness.has(Readiness::TIMER) {
            self.timer = None;
            let limit = self.limit;
            return self.leave(Turned::TimedOut(limit));
        }
        if readiness.has(Readiness::AGAIN) {
            self.shared.flags.clear(Flags::AGAIN);
        }
        if readiness.has(Readiness::FLUSH) {
            self.shared.flags.clear(Flags::TOUCHED);
        }
        if self.shared.flags.has(Flags::ENDING) {
            let error = io::Error::other("the port is full, and this handshake was the most idle");
            return self.leave(Turned::Failed(error));
        }
        if readiness.has(Readiness::READABLE) {
            self.heard();
        }
        let of_the_kernel = Readiness::MADE
            | Readiness::AGAIN
            | Readiness::TIMER
            | Readiness::FLUSH
            | Readiness::END
            | Readiness::DRAIN
            | Readiness::OVERFLOW;
        self.seen = self.seen | readiness.without(of_the_kernel);
        self.go_on(turn)
    }

    fn describe(&self) -> Description {
        Description { name: type_name::<W::Name>(), connection: Some(self.shared.clone()) }
    }

    #[cfg(feature = "testing")]
    fn vanish(&mut self) {
        self.shared.flags.set(Flags::ENDED);
        if let Some(welcome) = self.welcome.take() {
            let counters = &self.shared.reactor.core().counters;
            counters.handshaking.set(counters.handshaking.get() - 1);
            contain_drop(welcome);
        }
        self.shared.state.with(|state| state.socket = Socket::Closed);
    }
}
