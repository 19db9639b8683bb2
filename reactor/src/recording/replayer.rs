//! The driver of a loop that is replayed.

use std::io;
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::address::Address;
use crate::byte_stream::Socket;
use crate::clock::Time;
use crate::driver::{Acceptor, Driver, Events, Network, Reserve, Sent};
use crate::lookup::{Family, Told};
use crate::options::{ConnectOptions, ListenOptions};
use crate::readiness::Readiness;
use crate::token::Token;

use super::format::Op;
use super::reader::Reader;
use super::replayed::{ReplayedPort, ReplayedStream};
use super::script::{Script, stopped};

/// A driver that says what was recorded. Once the replay has stopped, each wait fails; until then nothing more happens.
#[derive(Debug)]
pub(crate) struct Replayer {
    script: Rc<Script>,
    events: Vec<(Token, Readiness)>,
}

#[derive(Debug)]
struct ReplayedNetwork(Rc<Script>);

impl Replayer {
    pub(crate) fn new(script: Rc<Script>) -> Self {
        Self { script, events: Vec::new() }
    }
}

impl Driver for Replayer {
    fn wait(&mut self, since: Time, _: Option<Duration>) -> io::Result<Option<Time>> {
        self.events.clear();
        let found = self.script.answer(Op::Wait, 0, |reader| {
            reader.answer(|reader| {
                let complete = reader.integer()?.checked_sub(1).map(|nanos| since.after(Duration::from_nanos(nanos)));
                let count = reader.integer()?;
                let mut found = Vec::new();
                for _ in 0..count {
                    found.push((reader.integer()?, Readiness::from_bits(reader.readiness()?)));
                }
                Ok((complete, found))
            })
        });
        let (complete, found) = found.ok_or_else(stopped)??;
        for (number, readiness) in found {
            let Some(token) = self.script.token(number) else {
                self.script.damaged("an event is for what does not exist");
                return Err(stopped());
            };
            self.events.push((token, readiness));
        }
        Ok(complete)
    }

    fn events(&self) -> Events<'_> {
        Events::Listed(&self.events)
    }

    fn network(&self) -> Rc<dyn Network> {
        Rc::new(ReplayedNetwork(self.script.clone()))
    }
}

impl ReplayedNetwork {
    /// What was recorded of something being done with an address.
    fn address(&self, op: Op, address: &Address) -> io::Result<()> {
        let show = |address: &Address| address.to_string();
        let answer = self.0.answer_to(op, 0, address, show, Reader::address, |reader| reader.answer(|_| Ok(())));
        answer.ok_or_else(stopped)?
    }

    fn stream(&self) -> Socket {
        Socket::Boxed(Box::new(ReplayedStream::new(&self.0)))
    }

    fn port(&self) -> Acceptor {
        Acceptor::Boxed(Box::new(ReplayedPort { number: self.0.number(), script: self.0.clone() }))
    }
}

impl Network for ReplayedNetwork {
    fn now(&self) -> Time {
        self.0.now()
    }

    fn instant(&self, time: Time) -> Instant {
        self.0.instant(time)
    }

    fn wall_clock(&self) -> SystemTime {
        self.0.answer(Op::WallClock, 0, Reader::wall_clock).unwrap_or(UNIX_EPOCH)
    }

    fn random_seed(&self) -> u64 {
        self.0.answer(Op::RandomSeed, 0, Reader::integer).unwrap_or(0)
    }

    fn listen(&self, address: &Address, _: &ListenOptions) -> io::Result<Acceptor> {
        self.address(Op::Listen, address)?;
        Ok(self.port())
    }

    fn connect(&self, address: &Address, _: &ConnectOptions) -> io::Result<Socket> {
        self.address(Op::Connect, address)?;
        Ok(self.stream())
    }

    fn adopt_stream(&self, _: Socket, peer: Address) -> (Socket, Address) {
        let recorded = self.0.answer(Op::AdoptStream, 0, Reader::address);
        (self.stream(), recorded.unwrap_or(peer))
    }

    fn adopt_port(&self, _: Acceptor) -> Acceptor {
        self.0.answer(Op::AdoptPort, 0, |_| Ok(()));
        self.port()
    }

    fn look_up(&self, name: &str, family: Family) -> Option<Told> {
        let show = |(name, family): &(Vec<u8>, bool)| {
            format!("{} for {}", name.escape_ascii(), if *family { "IPv6" } else { "IPv4" })
        };
        let asked = (name.as_bytes().to_vec(), family == Family::V6);
        let recorded = |reader: &mut Reader| Ok((reader.text()?, reader.flag()?));
        self.0.answer_to(Op::LookUp, 0, &asked, show, recorded, |reader| {
            if !reader.flag()? {
                return Ok(None);
            }
            let after = Duration::from_nanos(reader.integer()?);
            Ok(Some(Told { after, addresses: reader.addresses()? }))
        })?
    }

    fn reserve(&self) -> Option<Reserve> {
        let had = self.0.answer(Op::Reserve, 0, Reader::flag).unwrap_or(false);
        had.then(Reserve::pretended)
    }

    fn waker(&self) -> io::Result<Waker> {
        self.0.answer(Op::Waker, 0, |reader| reader.answer(|_| Ok(()))).ok_or_else(stopped)??;
        Ok(Waker::noop().clone())
    }

    fn registry(&self) -> Option<&mio::Registry> {
        None
    }

    fn source_added(&self, token: Token) {
        self.0.answer(Op::AddSource, 0, |_| Ok(()));
        self.0.place(self.0.number(), token);
    }

    fn has_signal(&self, _: bool) -> bool {
        self.0.answer(Op::Signal, 0, Reader::flag).unwrap_or(false)
    }

    fn ends(&self) {
        self.0.answer(Op::Finish, 0, |_| Ok(()));
    }

    fn replays(&self) -> bool {
        true
    }

    fn replayed_calls(&self) -> usize {
        self.0.remote_calls()
    }

    fn replayed(&self) -> Option<(u64, Sent)> {
        self.0.sent()
    }
}
