//! Ten thousand peers that never read, while somebody broadcasts: each is dropped at its queue's limit, memory stays within what the
//! limits allow, and who does read misses nothing.

use lariat::{CloseReason, ListenOptions, Peer, Protocol, Transport, WriteStatus};
use lariat_tests::child::Child;
use lariat_tests::downstream::Shared;
use lariat_tests::faults::{Outsider, resident_memory};
use lariat_tests::harness::{Ground, World};
use rustix::process::{Resource, getrlimit};

const SILENT: usize = 10_000;
const LISTENERS: usize = 10;
const MESSAGE: usize = 4 * 1024;
const QUEUE_LIMIT: usize = 16 * 1024;

/// Everybody who is to get the broadcast.
#[derive(Clone, Default)]
struct Room(Shared<Members>);

#[derive(Default)]
struct Members {
    present: Vec<Transport>,
    came: usize,
    overflowed: usize,
    ended_otherwise: Vec<String>,
}

impl Room {
    fn broadcast(&self, message: &[u8]) {
        let mut present = self.0.with(|members| std::mem::take(&mut members.present));
        present.retain(|member| !matches!(member.write(message), WriteStatus::Closed | WriteStatus::Overflow));
        self.0.with(|members| members.present.append(&mut present));
    }
}

struct Member(Room);

impl Protocol for Member {
    fn connection_made(&mut self, transport: &Transport) {
        let transport = transport.clone();
        self.0.0.with(|members| {
            members.present.push(transport);
            members.came += 1;
        });
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        self.0.0.with(|members| match reason {
            CloseReason::Overflow => members.overflowed += 1,
            other => members.ended_otherwise.push(other.to_string()),
        });
    }
}

#[test]
fn peers_that_never_read_are_dropped_and_cost_no_more_than_their_limit() {
    // Each takes a descriptor here, and one in the process that the silent ones are in.
    let descriptors = getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok());
    let silent = SILENT.min(descriptors.unwrap_or(SILENT + 500) - 500);
    let mut world = World::new(Ground::RealTcp);
    let room = Room::default();
    let factory = room.clone();
    let mut options = ListenOptions::default();
    options.backlog = 4096;
    options.stream.queue_limit = QUEUE_LIMIT;
    // As little as the kernel lets us have, so that it is ours that fills.
    options.stream.send_buffer = Some(1);
    let port = world.listen_with(options, move |_: &Peer| Member(factory.clone()));

    let mut listeners: Vec<_> = (0..LISTENERS).map(|_| Outsider::connect(&world.reactor, port.address())).collect();
    let address = port.address().tcp().expect("it is TCP").to_string();
    let mut peers = Child::start(env!("CARGO_BIN_EXE_silent_peers"), &[&address, &silent.to_string()]);
    let came = || room.0.with(|members| members.came);
    world.until("everybody is there", || came() == silent + LISTENERS);
    peers.expect(&format!("{silent} are connected"));

    let (before, _) = resident_memory();
    let message = vec![b'.'; MESSAGE];
    let overflowed = || room.0.with(|members| members.overflowed);
    let (mut broadcasts, mut left, mut most) = (0, 10, before);
    // A few more when they are gone. A kernel that rounds a buffer up to some pages still holds less than a hundred messages.
    while left > 0 && broadcasts < 100 {
        room.broadcast(&message);
        broadcasts += 1;
        left -= usize::from(overflowed() == silent);
        let expected = broadcasts * MESSAGE;
        world.until("who listens has it", || listeners.iter_mut().all(|listener| listener.receive().len() == expected));
        most = most.max(resident_memory().0);
    }
    assert_eq!(overflowed(), silent);
    assert_eq!(room.0.with(|members| members.ended_otherwise.clone()), [""; 0]);
    assert_eq!(world.reactor.stats().connections, LISTENERS);
    // The write that passes the limit is counted by it afterwards, and a quarter is the allocator's.
    let allowed = silent * (QUEUE_LIMIT + MESSAGE) * 5 / 4;
    assert!(most - before <= allowed, "{} bytes for {silent} queues, {allowed} are allowed", most - before);
}
