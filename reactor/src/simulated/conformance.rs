//! The simulated sockets beside the kernel's: the same calls get the same answers and the same events.

use std::io;
use std::num::NonZeroU32;
use std::time::Duration;

use mio::Interest;

use super::{Simulated, World};
use crate::address::{Address, UnixAddress};
use crate::buffer::Sink;
use crate::byte_stream::Socket;
use crate::clock::Time;
use crate::driver::{Acceptor, Driver, Events};
use crate::options::{ConnectOptions, ListenOptions};
use crate::poller::Poller;
use crate::random::Random;
use crate::readiness::Readiness;
use crate::token::Token;

/// What is done to one end of a connection.
#[derive(Copy, Clone, Debug)]
enum Act {
    Write(usize),
    Read(usize),
    CloseWrite,
    Drop,
    Reset,
    TakeError,
    Reregister,
}

/// A connection in one of the worlds.
struct Pair {
    driver: Box<dyn Driver>,
    ends: [Socket; 2],
    _listener: Acceptor,
}

fn token(side: usize) -> Token {
    Token::new(u32::try_from(side).unwrap(), NonZeroU32::MIN)
}

impl Pair {
    fn new(driver: Box<dyn Driver>, address: &Address) -> Self {
        let network = driver.network();
        let mut listener = network.listen(address, &ListenOptions::default()).unwrap();
        let client = network.connect(&listener.local_address().unwrap(), &ConnectOptions::default()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let mut ends = [client, server];
        for (side, end) in ends.iter_mut().enumerate() {
            end.register(network.registry(), token(side), Interest::READABLE | Interest::WRITABLE).unwrap();
        }
        let mut pair = Self { driver, ends, _listener: listener };
        pair.events();
        pair
    }

    /// What is reported by now: of each end, for no order is promised.
    fn events(&mut self) -> [Readiness; 2] {
        self.driver.wait(Time::default(), Some(Duration::ZERO)).unwrap();
        let mut seen = [Readiness::default(); 2];
        let mut see = |token: Token, readiness| seen[token.key()] = seen[token.key()] | readiness;
        match self.driver.events() {
            Events::Polled(events) => events.iter().for_each(|event| {
                see(Token::from_bits(event.token().0 as u64).unwrap(), Readiness::of(event));
            }),
            Events::Listed(events) => events.iter().for_each(|(token, readiness)| see(*token, *readiness)),
        }
        seen
    }

    /// Does it, and tells what came of it.
    fn act(&mut self, side: usize, act: Act) -> String {
        let registry = self.driver.network();
        let end = &mut self.ends[side];
        let answer = match act {
            Act::Write(count) => end.write(&vec![b'x'; count]).map(|count| count.to_string()),
            Act::Read(count) => end.read(&mut vec![0; count], false).map(|received| received.count.to_string()),
            Act::CloseWrite => end.close_write().map(|()| "closed".into()),
            Act::TakeError => end.take_error().map(|error| format!("{:?}", error.map(|error| error.kind()))),
            Act::Reregister => end
                .reregister(registry.registry(), token(side), Interest::READABLE | Interest::WRITABLE)
                .map(|()| String::new()),
            Act::Drop | Act::Reset => {
                match act {
                    Act::Reset => end.reset(),
                    _ => *end = Socket::Closed,
                }
                Ok("dropped".into())
            }
        };
        answer.unwrap_or_else(|error: io::Error| format!("{:?}", error.kind()))
    }
}

fn course(seed: u64) -> Vec<(usize, Act)> {
    let random = Random::new(seed);
    let act = || match random.below(20) {
        // Little enough that neither kernel is full: how much that takes is not the same.
        0..=6 => Act::Write(1 + random.index(400)),
        7..=13 => Act::Read(1 + random.index(600)),
        14..=15 => Act::CloseWrite,
        16 => Act::Drop,
        17 => Act::Reset,
        18 => Act::TakeError,
        _ => Act::Reregister,
    };
    (0..random.between(4..=19)).map(|_| (random.index(2), act())).collect()
}

fn compare(seeds: u64, address: impl Fn(u64) -> Address) {
    for seed in 0..seeds {
        let address = address(seed);
        let mut real = Pair::new(Box::new(Poller::new().unwrap()), &address);
        let mut simulated = Pair::new(Box::new(Simulated::new(&World::new())), &address);
        let mut trace = Vec::new();
        for (side, act) in course(seed) {
            if matches!(real.ends[side], Socket::Closed) {
                continue;
            }
            let [(answer, events), ours] = [&mut real, &mut simulated].map(|pair| (pair.act(side, act), pair.events()));
            trace.push(format!("{side} {act:?}: {answer:?} {events:?}"));
            let mut ours = ours;
            for (side, theirs) in events.iter().enumerate() {
                // An acknowledgement that came late wakes a TCP socket once more. It tells nothing new.
                if ours.1[side] == Readiness::default() && *theirs != ours.1[side] {
                    simulated.act(side, Act::Reregister);
                    ours.1[side] = simulated.events()[side];
                }
            }
            assert_eq!((answer, events), ours, "seed {seed}, in the real world:\n{}", trace.join("\n"));
        }
    }
}

#[test]
fn tcp_sockets_answer_as_the_kernels_do() {
    compare(1_000, |_| Address::Tcp(([127, 0, 0, 1], 0).into()));
}

#[test]
fn unix_sockets_answer_as_the_kernels_do() {
    let name = |seed| format!("lariat-conformance-{}-{seed}", std::process::id());
    compare(1_000, |seed| Address::Unix(UnixAddress::Abstract(name(seed).into_bytes())));
}
