//! A server whose descriptors are used up waits for one without spinning, without flooding its log, and with an end.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::Address;
use lariat_tests::child::Child;
use lariat_tests::faults::Outsider;
use lariat_tests::harness::{Ground, World};

const LIMIT: usize = 64;
const CLIENTS: usize = 200;

/// A client, and whether it has been served or let down.
struct Client {
    socket: Outsider,
    served: bool,
}

impl Client {
    fn connect(world: &World, address: &Address) -> Self {
        let mut socket = Outsider::connect(&world.reactor, address);
        socket.send(b"?");
        Self { socket, served: false }
    }

    fn is_settled(&mut self) -> bool {
        self.served |= self.socket.receive() == b"?";
        self.served || self.socket.end().is_some()
    }
}

/// The numbers of the server's turns, of its connections, and of the milliseconds that it has run.
fn ask(world: &mut World, questions: &mut Outsider) -> [usize; 3] {
    let before = questions.receive().len();
    questions.send(b"?");
    world.until("the answer is here", || questions.receive()[before..].ends_with(b"\n"));
    let answer = String::from_utf8_lossy(&questions.receive()[before..]).into_owned();
    let numbers: Vec<usize> = answer.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    numbers.try_into().expect("there are three")
}

#[test]
fn a_server_without_descriptors_lets_clients_down_and_serves_again_when_one_is_freed() {
    let mut world = World::new(Ground::RealTcp);
    let mut server = Child::start(env!("CARGO_BIN_EXE_few_descriptors"), &[&LIMIT.to_string()]);
    let address = Address::Tcp(server.address());
    let mut questions = Outsider::connect(&world.reactor, &address);
    let [idle, ..] = ask(&mut world, &mut questions);

    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::connect(&world, &address)).collect();
    world.until("each is served or let down", || clients.iter_mut().all(Client::is_settled));
    let served = clients.iter().filter(|client| client.served).count();
    assert!((LIMIT / 2..LIMIT).contains(&served), "{served} were served");
    let [turns, opened, milliseconds] = ask(&mut world, &mut questions);
    assert_eq!(opened, served + 1);

    // Some turns for every client, and one for each retry, which are five milliseconds apart at the least. Who spins takes thousands
    // in the same time.
    let allowed = 4 * CLIENTS + milliseconds / 5;
    assert!(turns - idle <= allowed, "{turns} turns in {milliseconds} ms");
    // With no client left to disappoint, the server has nothing to do.
    let [then, ..] = ask(&mut world, &mut questions);
    assert!(then - turns <= 10, "{} turns for one answer", then - turns);

    // As many as go may come, and are served rather than let down.
    for _ in 0..10 {
        let left = clients.iter().position(|client| client.served).expect("some were served");
        let gone = clients.swap_remove(left);
        gone.socket.close_write();
        let mut gone = gone.socket;
        world.until("its descriptor is free", || gone.end().is_some());
        let mut next = Client::connect(&world, &address);
        world.until("the next is served", || next.is_settled());
        assert!(next.served);
        clients.push(next);
    }
    let [.., milliseconds] = ask(&mut world, &mut questions);
    drop(clients);
    questions.close_write();
    let log = server.end().log;
    let lines = log.lines().filter(|line| line.contains("cannot accept connections")).count();
    assert!((1..=milliseconds / 1000 + 1).contains(&lines), "{lines} lines in {milliseconds} ms:\n{log}");
    // The end of the loop logs the number of lines left out.
    let others = log.lines().filter(|line| line.contains("WARN") && !line.contains("lines of this kind were left out"));
    assert_eq!(others.count(), lines, "and of nothing else:\n{log}");
}

#[test]
fn clients_that_come_again_as_soon_as_they_are_let_down_do_not_keep_the_server_busy() {
    let mut world = World::new(Ground::RealTcp);
    let mut server = Child::start(env!("CARGO_BIN_EXE_few_descriptors"), &[&LIMIT.to_string()]);
    let address = Address::Tcp(server.address());
    let mut questions = Outsider::connect(&world.reactor, &address);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::connect(&world, &address)).collect();
    world.until("some are let down", || clients.iter_mut().any(|client| client.socket.end().is_some()));

    let [turns, .., begun] = ask(&mut world, &mut questions);
    let over = Rc::new(Cell::new(false));
    let set_over = over.clone();
    world.reactor.call_later(Duration::from_secs(2), move |_| set_over.set(true));
    let mut came_again = 0;
    while !over.get() {
        world.turn(None);
        for client in &mut clients {
            if client.socket.end().is_some() {
                *client = Client::connect(&world, &address);
                came_again += 1;
            }
        }
    }
    let [turns_then, .., ended] = ask(&mut world, &mut questions);
    // One is let down at each retry, and comes again.
    let allowed = (ended - begun) / 5 * 2;
    assert!(turns_then - turns <= allowed, "{} turns in {} ms", turns_then - turns, ended - begun);
    assert!(came_again > 0, "nobody was let down");
    drop(clients);
    questions.close_write();
    let _ = server.end();
}

/// The number of files that the server can open now, as far as eight.
fn ask_for_files(world: &mut World, questions: &mut Outsider) -> String {
    let before = questions.receive().len();
    questions.send(b"f");
    world.until("the answer is here", || questions.receive()[before..].ends_with(b"\n"));
    String::from_utf8_lossy(&questions.receive()[before..]).trim().to_owned()
}

#[test]
fn a_full_port_leaves_descriptors_for_files() {
    // An eighth of the descriptors is reserved; a port with limits ends idle connections for newcomers, one without refuses these.
    for keywords in ["", ":connections=none"] {
        let mut world = World::new(Ground::RealTcp);
        let mut server = Child::start(env!("CARGO_BIN_EXE_few_descriptors"), &[&LIMIT.to_string(), keywords]);
        let address = Address::Tcp(server.address());
        let mut questions = Outsider::connect(&world.reactor, &address);
        ask(&mut world, &mut questions);
        let mut silent: Vec<_> = (0..CLIENTS).map(|_| Outsider::connect(&world.reactor, &address)).collect();
        let most = LIMIT - LIMIT / 8;
        world.until("those that are too many have ended", || {
            silent.iter_mut().map(Outsider::end).filter(Option::is_none).count() < most
        });
        assert_eq!(ask_for_files(&mut world, &mut questions), "8", "{keywords:?}");
        let mut newcomer = Client::connect(&world, &address);
        world.until("the newcomer is served or let down", || newcomer.is_settled());
        let was_served = newcomer.served;
        assert_eq!(ask_for_files(&mut world, &mut questions), "8", "{keywords:?}");
        drop((silent, newcomer));
        questions.close_write();
        let log = server.end().log;
        assert_eq!(was_served, !keywords.is_empty(), "{log}");
        let lines = log.lines().filter(|line| line.contains("is full: ")).count();
        let seconds_at_most = 60;
        assert!(keywords.is_empty() || (1..seconds_at_most).contains(&lines), "{lines} lines:\n{log}");
    }
}
