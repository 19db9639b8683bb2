//! Whole sessions with real clients, which a replay repeats to the byte and the nanosecond.

use std::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::Simulation;
use lariat::{Idle, OnTermination, Once, Peer, Port, Protocol, Reactor, Result, StreamOptions, Transport};
use lariat_examples::chat::Chat;

use crate::journal::{Journal, STOP};
use crate::{ANYWHERE, Client, Echo, PATIENCE, place, record, recorded, replay};

/// Records what `clients` do to the server of `set_up`, and holds the replay beside it. Returns the notes.
fn check(
    set_up: impl Fn(&Reactor, &Journal) -> Result<Port>,
    clients: impl FnOnce(std::net::SocketAddr) + Send + 'static,
) -> Vec<String> {
    let (_scratch, path) = place();
    let noted = record(recorded(&path), &set_up, clients);
    for _ in 0..2 {
        let (replayed, again) = replay(&path, &set_up);
        let replayed = replayed.unwrap_or_else(|error| panic!("{error}"));
        assert!(replayed.is_complete && !replayed.sizes_only && replayed.panics.is_empty(), "{replayed:?}");
        assert_eq!(again, noted);
    }
    noted
}

#[test]
fn an_echo_is_replayed_to_the_byte() {
    let noted = check(
        |reactor, journal| reactor.listen(ANYWHERE, journal.of(|_: &Peer| Echo)),
        |address| {
            let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(address)).collect();
            for round in 0..20 {
                for client in &mut clients {
                    client.say(format!("round {round}\n"));
                    client.hear("round");
                }
            }
            clients.into_iter().for_each(|client| assert_eq!(client.leave(), b""));
        },
    );
    assert!(noted.len() > 3 * 22, "{noted:#?}");
    assert!(noted.iter().any(|note| note.contains("round 19")));
}

/// Answers with much.
struct Generous;

const MUCH: usize = 4_000_000;

impl Protocol for Generous {
    fn data_received(&mut self, transport: &Transport, _: &[u8]) {
        transport.write(&vec![b'x'; MUCH]);
        let file = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
        transport.write_file(file, 0..9);
        transport.write_chunk(&b"\nand that is all of it\n"[..]);
    }
}

#[test]
fn more_than_the_kernel_takes_at_once_is_replayed_with_its_pauses() {
    let noted = check(
        |reactor, journal| reactor.listen(ANYWHERE, journal.of(|_: &Peer| Generous)),
        |address| {
            let mut client = Client::connect(address);
            client.say("please\n");
            assert!(client.take(MUCH).iter().all(|byte| *byte == b'x'));
            client.hear("all of it");
            client.leave();
        },
    );
    assert!(noted.iter().any(|note| note.ends_with("write paused")), "nothing had to wait");
    assert!(noted.iter().any(|note| note.ends_with("write resumed")));
}

#[test]
fn a_chat_is_replayed_to_the_byte() {
    let noted = check(
        |reactor, journal| reactor.listen(ANYWHERE, journal.of(Chat::new())),
        |address| {
            let [mut ann, mut bob] = [0; 2].map(|_| Client::connect(address));
            ann.say("ann\n");
            ann.hear("lobby");
            bob.say("bob\n");
            ann.hear("bob");
            bob.hear("lobby");
            ann.say("good morning\n");
            bob.hear("good morning");
            bob.say("/join garden\n");
            ann.hear("bob");
            bob.hear("garden");
            ann.say("/quit\n");
            ann.leave();
            // A reset, rather than an end.
            socket2::SockRef::from(&bob.stream).set_linger(Some(Duration::ZERO)).unwrap();
        },
    );
    assert!(noted.iter().any(|note| note.contains("good morning")));
}

/// Speaks after a while, and again, and gives up on who is silent.
struct Patient(Journal);

impl Protocol for Patient {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_idle_timeout(Idle::Read, Some(Duration::from_millis(40)));
        let (journal, speaker) = (self.0.clone(), transport.clone());
        transport.reactor().call_later(Duration::from_millis(15), move |reactor| {
            journal.note(reactor, "speaks");
            speaker.write(b"are you there?\n");
        });
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

#[test]
fn timers_and_timeouts_come_at_the_same_times() {
    let noted = check(
        |reactor, journal| {
            let patient = journal.clone();
            reactor.listen(ANYWHERE, journal.of(move |_: &Peer| Patient(patient.clone())))
        },
        |address| {
            let mut client = Client::connect(address);
            client.hear("there");
            client.leave();
            let silent = Client::connect(address);
            silent.stream.set_read_timeout(Some(PATIENCE)).unwrap();
            assert_eq!(silent.leave_after_end(), b"are you there?\n");
        },
    );
    assert!(noted.iter().any(|note| note.contains("timed out: Read")), "{noted:#?}");
}

impl Client {
    /// Waits for the other end, then leaves.
    fn leave_after_end(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut self.input, &mut rest).unwrap();
        rest
    }
}

/// Says hello, and stops the loop when that is answered.
struct Guest;

impl Protocol for Guest {
    fn connection_made(&mut self, transport: &Transport) {
        transport.write(b"hello");
    }

    fn data_received(&mut self, transport: &Transport, _: &[u8]) {
        transport.reactor().stop();
    }
}

#[test]
fn connecting_is_replayed_where_it_succeeds_and_where_it_fails() {
    fn set_up(reactor: &Reactor, nobody: u16) -> (Journal, Result<()>) {
        let journal = Journal::new(reactor);
        let set_up = (|| {
            let port = reactor.listen(ANYWHERE, journal.of(|_: &Peer| Echo))?;
            let (noting, here) = (journal.clone(), Reactor::clone(reactor));
            reactor.connect(&format!("tcp:127.0.0.1:{nobody}"), Once::new(Guest)).finish(move |result| {
                noting.note(&here, result.map_or_else(|failure| failure.to_string(), |_| "connected".to_owned()));
            });
            reactor.connect(&port.address().to_string(), journal.of(Once::new(Guest))).detach();
            Ok(())
        })();
        (journal, set_up)
    }
    let (_scratch, path) = place();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = taken.local_addr().unwrap().port();
    drop(taken);
    let reactor = recorded(&path);
    let (journal, done) = set_up(&reactor, nobody);
    done.unwrap();
    reactor.run().unwrap();
    assert!(journal.notes().iter().any(|note| note.contains("refused")), "{:#?}", journal.notes());
    let mut again = Vec::new();
    Simulation::replay(&path, |replay| {
        let (journal, done) = set_up(replay.reactor(), nobody);
        again.push(journal);
        done
    })
    .unwrap();
    assert_eq!(again[0].notes(), journal.notes());
}

#[test]
fn a_signal_that_stopped_the_loop_stops_it_again() {
    // None that anybody else uses.
    const SIGNAL: i32 = 12;
    let set_up = |reactor: &Reactor| reactor.on_signal(SIGNAL, Reactor::stop).map(drop);
    let (_scratch, path) = place();
    let reactor = recorded(&path);
    set_up(&reactor).unwrap();
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::USR2).unwrap();
    reactor.run().unwrap();
    let replayed = Simulation::replay(&path, |replay| set_up(replay.reactor())).unwrap();
    assert!(replayed.is_complete);
    let without = Simulation::replay(&path, |_| Ok(())).unwrap_err();
    assert!(without.to_string().contains("registers a descriptor"), "{without}");
}

#[test]
fn adopted_sockets_are_replayed_though_others_are_handed_in() {
    fn set_up(reactor: &Reactor) -> (Journal, UnixStream) {
        let journal = Journal::new(reactor);
        let (ours, theirs) = UnixStream::pair().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        reactor.adopt_port(port.into(), StreamOptions::default(), journal.of(|_: &Peer| Echo)).unwrap();
        reactor.adopt_stream(ours.into(), StreamOptions::default(), Listener(journal.clone())).unwrap();
        (journal, theirs)
    }
    struct Listener(Journal);
    impl Protocol for Listener {
        fn data_received(&mut self, transport: &Transport, data: &[u8]) {
            self.0.note(&transport.reactor().clone(), data.escape_ascii());
            transport.write(b"heard");
            if data.ends_with(STOP) {
                transport.reactor().stop();
            }
        }
    }
    let (_scratch, path) = place();
    let reactor = recorded(&path);
    reactor.set_termination(OnTermination::Leave);
    let (journal, mut theirs) = set_up(&reactor);
    theirs.write_all(STOP).unwrap();
    reactor.run().unwrap();
    assert_eq!(journal.notes().len(), 1);
    let mut again = Vec::new();
    Simulation::replay(&path, |replay| {
        replay.reactor().set_termination(OnTermination::Leave);
        // Nobody says anything to this one.
        again.push(set_up(replay.reactor()));
        Ok(())
    })
    .unwrap();
    assert_eq!(again[0].0.notes(), journal.notes());
}

#[test]
fn the_file_of_a_recorded_unix_port_is_removed_with_it() {
    let (scratch, path) = place();
    let file = scratch.path("socket");
    let reactor = recorded(&path);
    let endpoint = format!("unix:{}", lariat::endpoint::quote(&file.to_string_lossy()));
    let port = reactor.listen(&endpoint, |_: &Peer| Echo).unwrap();
    assert!(file.exists());
    assert!(UnixStream::connect(&file).is_ok());
    port.close();
    assert!(!file.exists());
    drop(reactor);
    // A replay makes no file, and takes none away.
    std::fs::write(&file, "somebody's").unwrap();
    let replayed = Simulation::replay(&path, |replay| {
        replay.reactor().listen(&endpoint, |_: &Peer| Echo).map(|port| assert!(port.close()))
    });
    assert!(replayed.unwrap().is_complete);
    assert!(file.exists());
}

#[test]
fn a_loop_that_is_turned_by_hand_is_replayed() {
    let (_scratch, path) = place();
    let set_up = |reactor: &Reactor, calls: &Rc<Cell<u32>>| {
        for delay in [0, 3, 7] {
            let calls = calls.clone();
            reactor.call_later(Duration::from_millis(delay), move |_| calls.set(calls.get() + 1));
        }
    };
    let calls = Rc::new(Cell::new(0));
    let mut main_loop = recorded(&path);
    set_up(&main_loop, &calls);
    while calls.get() < 2 {
        main_loop.turn(None).unwrap();
    }
    drop(main_loop);
    let again = Rc::new(Cell::new(0));
    let replayed = Simulation::replay(&path, |replay| {
        set_up(replay.reactor(), &again);
        Ok(())
    })
    .unwrap();
    assert_eq!(again.get(), 2);
    assert!(replayed.elapsed >= Duration::from_millis(3), "{replayed:?}");
}

/// Panics at the word.
struct Fragile;

impl Protocol for Fragile {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        assert!(!data.starts_with(b"boo"), "it was startled");
        transport.write(data);
    }
}

#[test]
fn a_panic_that_was_recorded_happens_again_and_is_told() {
    let (_scratch, path) = place();
    let set_up = |reactor: &Reactor, journal: &Journal| reactor.listen(ANYWHERE, journal.of(|_: &Peer| Fragile));
    let noted = record(recorded(&path), set_up, |address| {
        let mut client = Client::connect(address);
        client.say("boo\n");
        let mut rest = Vec::new();
        // It ends with a reset, if the thread is quick, or with an end.
        let _ = std::io::Read::read_to_end(&mut client.input, &mut rest);
    });
    let (replayed, again) = replay(&path, set_up);
    let panics = replayed.unwrap().panics;
    assert_eq!(again, noted);
    assert!(matches!(&panics[..], [only] if only.contains("it was startled")), "{panics:?}");
}

#[test]
fn nobody_is_connected_to_while_a_recording_is_replayed() {
    let (_scratch, path) = place();
    let set_up = |reactor: &Reactor, journal: &Journal| reactor.listen(ANYWHERE, journal.of(|_: &Peer| Echo));
    record(recorded(&path), set_up, |address| {
        Client::connect(address).leave();
    });
    let mut refused = None;
    let (replayed, _) = replay(&path, |reactor, journal| {
        let port = set_up(reactor, journal)?;
        refused = Some(TcpStream::connect(port.address().tcp().unwrap()).is_err());
        Ok(port)
    });
    replayed.unwrap();
    assert_eq!(refused, Some(true));
}
