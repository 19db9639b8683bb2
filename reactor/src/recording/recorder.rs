//! The driver of a loop that is recorded.

use std::io;
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime};

use crate::address::Address;
use crate::byte_stream::Socket;
use crate::clock::Time;
use crate::driver::{Acceptor, Driver, Events, Network, Reserve, Sent};
use crate::lookup::{Family, Told};
use crate::options::{ConnectOptions, ListenOptions};
use crate::readiness::Readiness;
use crate::token::Token;

use super::format::{Op, put, put_address, put_addresses, put_answer, put_bytes, put_wall_clock};
use super::recorded::{RecordedPort, RecordedStream};
use super::studio::Studio;
use super::tape::Tape;

/// How long a loop that has come to rest waits before what was gathered is written: not so short that a busy loop would write for each
/// turn, and short enough that little is lost if the process is killed.
const REST: Duration = Duration::from_millis(10);

/// A driver around another, which records all that passes.
#[derive(Debug)]
pub(crate) struct Recorder<D: Driver> {
    inner: D,
    studio: Rc<Studio>,
    events: Vec<(Token, Readiness)>,
}

impl<D: Driver> Recorder<D> {
    pub(crate) fn new(inner: D, tape: Tape) -> Self {
        let studio = Rc::new(Studio::new(inner.network(), tape));
        Self { inner, studio, events: Vec::new() }
    }

    /// Waits, and writes out what was gathered if the loop rests for a while.
    fn wait_inside(&mut self, since: Time, timeout: Option<Duration>) -> io::Result<Option<Time>> {
        if self.studio.tape.is_gathering() && timeout.is_none_or(|timeout| timeout > REST) {
            let complete = self.inner.wait(since, Some(REST))?;
            let is_quiet = match self.inner.events() {
                Events::Polled(events) => events.is_empty(),
                Events::Listed(events) => events.is_empty(),
            };
            let Some(since) = complete.filter(|_| is_quiet) else { return Ok(complete) };
            self.studio.tape.flush();
            return self.inner.wait(since, timeout.map(|timeout| timeout - REST));
        }
        self.inner.wait(since, timeout)
    }
}

impl<D: Driver> Driver for Recorder<D> {
    fn wait(&mut self, since: Time, timeout: Option<Duration>) -> io::Result<Option<Time>> {
        self.studio.tape.tell();
        let waited = self.wait_inside(since, timeout);
        let Self { inner, studio, events: listed } = self;
        listed.clear();
        let tape = &studio.tape;
        studio.with_places(|known| {
            match inner.events() {
                Events::Polled(events) => listed.extend(events.iter().filter_map(|event| {
                    let token = Token::from_bits(event.token().0 as u64)?;
                    known(token).map(|_| (token, Readiness::of(event)))
                })),
                Events::Listed(events) => listed.extend(events.iter().filter(|(token, _)| known(*token).is_some())),
            }
            tape.note(Op::Wait, 0, |out| {
                put_answer(out, &waited, |out, complete| {
                    put(out, complete.map_or(0, |complete| 1 + complete.nanos_since(since)));
                    put(out, listed.len() as u64);
                    for (token, readiness) in &*listed {
                        put(out, known(*token).unwrap_or(0));
                        put(out, u64::from(readiness.bits()));
                    }
                });
            });
        });
        waited
    }

    fn events(&self) -> Events<'_> {
        Events::Listed(&self.events)
    }

    fn network(&self) -> Rc<dyn Network> {
        Rc::new(RecordedNetwork(self.studio.clone()))
    }
}

impl<D: Driver> Drop for Recorder<D> {
    fn drop(&mut self) {
        self.studio.tape.finish();
    }
}

/// A network around another, which records all that passes.
struct RecordedNetwork(Rc<Studio>);

impl Network for RecordedNetwork {
    fn now(&self) -> Time {
        let now = self.0.inner.now();
        self.0.tape.note_time(now);
        now
    }

    fn instant(&self, time: Time) -> Instant {
        self.0.inner.instant(time)
    }

    fn wall_clock(&self) -> SystemTime {
        let time = self.0.inner.wall_clock();
        self.0.tape.note(Op::WallClock, 0, |out| put_wall_clock(out, time));
        time
    }

    fn random_seed(&self) -> u64 {
        let seed = self.0.inner.random_seed();
        self.0.tape.note(Op::RandomSeed, 0, |out| put(out, seed));
        seed
    }

    fn listen(&self, address: &Address, options: &ListenOptions) -> io::Result<Acceptor> {
        let acceptor = self.0.inner.listen(address, options);
        self.0.tape.note(Op::Listen, 0, |out| {
            put_address(out, address);
            put_answer(out, &acceptor, |_, _| {});
        });
        Ok(RecordedPort::around(&self.0, acceptor?))
    }

    fn connect(&self, address: &Address, options: &ConnectOptions) -> io::Result<Socket> {
        let socket = self.0.inner.connect(address, options);
        self.0.tape.note(Op::Connect, 0, |out| {
            put_address(out, address);
            put_answer(out, &socket, |_, _| {});
        });
        Ok(RecordedStream::around(&self.0, socket?))
    }

    fn adopt_stream(&self, socket: Socket, peer: Address) -> (Socket, Address) {
        self.0.tape.note(Op::AdoptStream, 0, |out| put_address(out, &peer));
        (RecordedStream::around(&self.0, socket), peer)
    }

    fn adopt_port(&self, acceptor: Acceptor) -> Acceptor {
        self.0.tape.note(Op::AdoptPort, 0, |_| {});
        RecordedPort::around(&self.0, acceptor)
    }

    fn look_up(&self, name: &str, family: Family) -> Option<Told> {
        let told = self.0.inner.look_up(name, family);
        self.0.tape.note(Op::LookUp, 0, |out| {
            put_bytes(out, name.as_bytes());
            out.push(u8::from(family == Family::V6));
            out.push(u8::from(told.is_some()));
            if let Some(Told { addresses, after }) = &told {
                put(out, u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
                put_addresses(out, addresses);
            }
        });
        told
    }

    fn reserve(&self) -> Option<Reserve> {
        let reserve = self.0.inner.reserve();
        self.0.tape.note(Op::Reserve, 0, |out| out.push(u8::from(reserve.is_some())));
        reserve
    }

    fn waker(&self) -> io::Result<Waker> {
        let waker = self.0.inner.waker();
        self.0.tape.note(Op::Waker, 0, |out| put_answer(out, &waker, |_, _| {}));
        waker
    }

    fn task_waker(&self) -> io::Result<Waker> {
        let waker = self.0.inner.task_waker();
        self.0.tape.note(Op::Waker, 0, |out| put_answer(out, &waker, |_, _| {}));
        waker
    }

    fn registry(&self) -> Option<&mio::Registry> {
        self.0.inner.registry()
    }

    fn source_added(&self, token: Token) {
        let number = self.0.number();
        self.0.place(token, number);
        self.0.tape.note(Op::AddSource, 0, |_| {});
    }

    fn has_signal(&self, any: bool) -> bool {
        self.0.tape.note(Op::Signal, 0, |out| out.push(u8::from(any)));
        any
    }

    fn remote_calls(&self, count: usize) {
        self.0.tape.note(Op::RemoteCalls, 0, |out| put(out, count as u64));
    }

    fn is_recorded(&self) -> bool {
        true
    }

    fn received(&self, what: Sent) {
        match what {
            Sent::Call => self.0.tape.note(Op::RemoteCall, 0, |_| {}),
            Sent::Wake { index, generation } => self.0.tape.note(Op::Wake, 0, |out| {
                put(out, u64::from(index));
                put(out, u64::from(generation));
            }),
            Sent::LookedUp(answer) => self.0.tape.note(Op::LookedUp, 0, |out| {
                put(out, answer.ticket);
                put_addresses(out, &answer.addresses);
            }),
        }
    }

    fn runs(&self) {
        self.0.tape.note(Op::Run, 0, |_| {});
    }

    fn ends(&self) {
        self.0.tape.note(Op::Finish, 0, |_| {});
    }
}
