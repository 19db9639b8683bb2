//! A hundred thousand connections come and go, and leave nothing behind: no descriptor, no slot, no timer, no memory.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use lariat::{Address, CloseReason, Idle, Once, Peer, Port, Protocol, Transport, UnixAddress};
use lariat_tests::faults::{open_descriptors, resident_memory};
use lariat_tests::harness::{Ground, World};
use socket2::{SockAddr, Socket, Type};

/// How many come at a time.
const BATCH: u64 = 100;

/// Uses what a connection may own: a timeout, a delayed call, a call through a handle, a queue, and what `switch_to` and `fail` need.
struct Guest {
    lost: Rc<Cell<u64>>,
}

impl Protocol for Guest {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_idle_timeout(Idle::All, Some(Duration::from_secs(600)));
        let handle = transport.handle(self);
        handle.call(|_, transport| transport.set_queue_limit(1 << 20));
        transport.reactor().call_later(Duration::from_millis(1), move |_| drop(handle));
        transport.write_chunk(vec![b'.'; 1000]);
    }

    fn data_received(&mut self, transport: &Transport, _: &[u8]) {
        transport.fail("that was not expected");
    }

    fn connection_lost(&mut self, _: &Transport, _: CloseReason) {
        self.lost.set(self.lost.get() + 1);
    }
}

/// What must be the same afterwards.
#[derive(Debug, PartialEq, Eq)]
struct Holdings {
    descriptors: usize,
    connections: usize,
    timers: usize,
    /// The reactor's own count of its sources and timers.
    reactor: String,
}

struct Revolving {
    world: World,
    lost: Rc<Cell<u64>>,
}

impl Revolving {
    fn listen(&self, address: &Address) -> Port {
        let lost = self.lost.clone();
        let factory = move |_: &Peer| Guest { lost: lost.clone() };
        self.world.reactor.listen_at(address, lariat::ListenOptions::default(), factory).expect("the address is free")
    }

    fn holdings(&mut self) -> Holdings {
        // The last delayed call that was made for a connection is a millisecond away.
        self.world.pass(Duration::from_millis(5));
        let (world, stats) = (&self.world, self.world.reactor.stats());
        Holdings {
            descriptors: open_descriptors(),
            connections: stats.connections,
            timers: stats.timers,
            reactor: format!("{:?}", *world.reactor),
        }
    }

    /// Has `count` connections come to `to` and go, in batches, the way that `leave` has it.
    fn turn_over(&mut self, count: u64, to: &SockAddr, leave: impl Fn(&Socket)) {
        for _ in 0..count / BATCH {
            let gone = self.lost.get() + BATCH;
            let came = self.world.reactor.stats().opened + BATCH;
            let guests: Vec<_> = (0..BATCH)
                .map(|_| {
                    let guest = Socket::new(to.domain(), Type::STREAM, None).expect("there are descriptors");
                    guest.connect(to).expect("the port listens");
                    guest
                })
                .collect();
            let reactor = self.world.reactor.clone();
            self.world.until("all have come", || reactor.stats().opened == came);
            guests.iter().for_each(&leave);
            drop(guests);
            let lost = self.lost.clone();
            self.world.until("all have gone", || lost.get() == gone);
        }
    }

    /// The same with clients that are the reactor's own, two connections each.
    fn turn_over_own(&mut self, count: u64, port: &Port) {
        let address = port.address().to_string();
        for _ in 0..count / BATCH {
            let gone = self.lost.get() + BATCH;
            for _ in 0..BATCH / 2 {
                let guest = Guest { lost: self.lost.clone() };
                self.world.reactor.connect(&address, Once::new(guest)).detach();
            }
            let lost = self.lost.clone();
            self.world.until("all have gone", || lost.get() == gone);
        }
    }
}

/// Goes with a reset, which leaves no connection in `TIME_WAIT`.
fn reset(guest: &Socket) {
    guest.set_linger(Some(Duration::ZERO)).expect("it is TCP");
}

#[test]
fn a_hundred_thousand_connections_leave_nothing_behind() {
    let world = World::new(Ground::RealUnix);
    let mut revolving = Revolving { lost: Rc::default(), world };
    let unix = revolving.listen(&revolving.world.address());
    let tcp = revolving.listen(&Address::Tcp("0.0.0.0:0".parse().expect("it is an address")));
    let Address::Unix(UnixAddress::Pathname(path)) = unix.address() else { panic!("it is a Unix socket") };
    let to_unix = SockAddr::unix(path).expect("the path is short");
    let port = tcp.address().port().expect("it is TCP");
    // An orderly end leaves the client's port in use for a minute, so they are spread over some addresses.
    let to_tcp: Vec<SockAddr> = (1..=10).map(|host| SocketAddr::from(([127, 0, 0, host], port)).into()).collect();

    let mut everything = |share: u64| {
        revolving.turn_over(50 * share, &to_unix, |_| ());
        revolving.turn_over(25 * share, &to_tcp[0], reset);
        to_tcp.iter().for_each(|to| revolving.turn_over(share, to, |_| ()));
        revolving.turn_over_own(15 * share, &unix);
        (revolving.holdings(), resident_memory().0)
    };
    // The first tenth fills what is kept for further use.
    let (holdings, memory) = everything(100);
    let (holdings_afterwards, memory_afterwards) = everything(900);
    assert_eq!(holdings_afterwards, holdings);
    let grown = memory_afterwards.saturating_sub(memory);
    assert!(grown < 1 << 20, "{grown} bytes of memory more");
    assert_eq!(revolving.lost.get(), 100_000);
}
