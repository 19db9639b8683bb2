//! The end of the loop is the end of everything in it.

use std::time::Duration;

use lariat::{ErrorKind, ListenOptions, Once, Peer, StreamOptions, Transport, WriteStatus};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, everywhere, really, refusal};

/// Writes its name down when it is dropped.
struct Named(Log, &'static str);

impl Drop for Named {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

#[test]
fn everybody_hears_of_the_end_once() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        drop(world);
        for log in [&server, &client] {
            assert_eq!(log.story(), ["made", "lost: Aborted", "dropped"]);
            assert!(!log.transport().is_open());
        }
    });
}

#[test]
fn a_loop_that_crashes_ends_as_one_that_is_dropped() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        world.reactor.call_later(Duration::from_millis(1), lariat::Reactor::crash);
        world.reactor.run().expect("it ends as it was told to");
        for log in [&server, &client] {
            assert_eq!(log.story(), ["made", "lost: Aborted", "dropped"]);
        }
    });
}

#[test]
fn timers_calls_and_factories_are_dropped_unrun() {
    everywhere(|mut world| {
        let (server, client, log) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let timer = Named(log.clone(), "timer");
        let delayed = world.reactor.call_later(Duration::from_secs(1), move |_| drop(timer));
        let call = Named(log.clone(), "call");
        client.handle().call(move |_, _| drop(call));
        let factory = Named(log.clone(), "factory");
        let port = world.listen(move |_: &Peer| {
            let _ = &factory;
            Log::new().probe()
        });
        let waiting = Named(log.clone(), "waiting factory");
        let description = port.address().to_string();
        let factory = move |_: &Peer| {
            let _ = &waiting;
            Log::new().probe()
        };
        world.reactor.connect(&description, factory).detach();
        drop(world);
        let mut dropped = log.story();
        dropped.sort();
        assert_eq!(dropped, ["call", "factory", "timer", "waiting factory"]);
        assert!(!delayed.is_active() && !delayed.cancel() && !delayed.reset(Duration::ZERO));
        assert_eq!(delayed.deadline(), None);
        assert!(!port.is_open());
    });
}

#[test]
fn an_attempt_to_connect_ends_with_the_loop() {
    everywhere(|mut world| {
        let log = Log::new();
        let port = world.listen(|_: &Peer| Log::new().probe());
        port.pause();
        let factory = Named(log.clone(), "factory");
        let refuse = move |_: &Peer| {
            let _ = &factory;
            Log::new().probe()
        };
        world.reactor.connect(&port.address().to_string(), refuse).detach();
        world.turn(Some(Duration::ZERO));
        drop(world);
        assert_eq!(log.story(), ["factory"]);
    });
}

#[test]
fn nothing_new_begins_after_the_end() {
    everywhere(|world| {
        let reactor = world.reactor.clone();
        let (address, log) = (world.address(), Log::new());
        let ground = world.ground;
        assert!(!reactor.has_ended());
        drop(world);
        assert!(reactor.has_ended());
        let held = |name| Named(log.clone(), name);
        let factory = held("factory");
        let error = reactor
            .listen_at(&address, ListenOptions::default(), move |_: &Peer| {
                let _ = &factory;
                Log::new().probe()
            })
            .expect_err("it has ended");
        assert_eq!(error.kind(), ErrorKind::ReactorEnded);
        let protocol = log.probe();
        let error = refusal(reactor.connect("tcp:127.0.0.1:1", Once::new(protocol)));
        assert_eq!(error.kind(), ErrorKind::ReactorEnded);
        let timer = held("timer");
        let call = reactor.call_later(Duration::ZERO, move |_| drop(timer));
        assert!(!call.is_active());
        if !ground.is_simulated() {
            let (ours, _theirs) = std::os::unix::net::UnixStream::pair().expect("there are descriptors");
            let adopted = reactor.adopt_stream(ours.into(), StreamOptions::default(), log.probe());
            assert_eq!(adopted.expect_err("it has ended").kind(), ErrorKind::ReactorEnded);
        }
        reactor.stop();
        let _ = reactor.now();
        assert_eq!(log.count("factory") + log.count("timer"), 2);
        assert_eq!(log.count("dropped"), if ground.is_simulated() { 1 } else { 2 });
    });
}

#[test]
fn everything_asked_for_at_the_end_is_a_harmless_error() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let address = world.address();
        let reactor = world.reactor.clone();
        let other = client.clone();
        let own = server.clone();
        let ask = move |_: &lariat::CloseReason| {
            let transport = other.transport();
            // The other one may not have heard of the end yet, and yet nothing it is asked for may go wrong.
            transport.write(b"bye");
            transport.close();
            transport.abort();
            transport.switch_to(Log::new().probe(), b"");
            other.handle().call(|_, _| unreachable!("the loop has ended"));
            reactor.call_later(Duration::ZERO, |_| unreachable!("the loop has ended"));
            assert!(reactor.listen_at(&address, ListenOptions::default(), |_: &Peer| Log::new().probe()).is_err());
            let error = refusal(reactor.connect("tcp:127.0.0.1:1", Once::new(Log::new().probe())));
            assert_eq!(error.kind(), ErrorKind::ReactorEnded);
            own.note("survived");
        };
        world.pair(server.probe().lost(ask), client.probe());
        drop(world);
        assert_eq!(server.story(), ["made", "lost: Aborted", "survived", "dropped"]);
        assert_eq!(client.story(), ["made", "lost: Aborted", "dropped"]);
    });
}

#[test]
fn a_panic_at_the_end_keeps_nobody_else_from_hearing() {
    everywhere(|mut world| {
        let logs: Vec<_> = (0..4).map(|_| Log::new()).collect();
        for log in &logs {
            let server = Log::new();
            world.pair(server.probe().lost(|_| panic!("at the end")), log.probe());
        }
        world.reactor.call_later(Duration::from_secs(1), |_| {});
        drop(world);
        for log in &logs {
            assert_eq!(log.story(), ["made", "lost: Aborted", "dropped"]);
        }
    });
}

#[test]
fn a_peer_of_a_loop_that_ends_with_nothing_queued_reads_a_clean_end() {
    really(|mut world| {
        use std::io::{Read, Write};
        let server = Log::new();
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().expect("there are descriptors");
        let greet = |transport: &Transport| {
            transport.write(b"hello");
        };
        world
            .reactor
            .adopt_stream(ours.into(), StreamOptions::default(), server.probe().made(greet))
            .expect("it is a stream");
        theirs.write_all(b"x").expect("there is room");
        world.until("it has been served", || server.has("data"));
        drop(world);
        let mut text = String::new();
        theirs.read_to_string(&mut text).expect("the end is clean");
        assert_eq!(text, "hello");
    });
}

#[test]
fn loops_are_independent_of_each_other() {
    everywhere(|mut world| {
        let mut other = lariat_tests::harness::World::new(world.ground);
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        let (second, third) = (Log::new(), Log::new());
        other.pair(second.probe().echo(), third.probe());
        drop(world);
        third.transport().write(b"still here");
        other.until("the echo is back", || third.received() == b"still here");
        assert_eq!(client.transport().write(b"x"), WriteStatus::Closed);
    });
}

#[test]
fn no_cycle_outlives_the_loop() {
    everywhere(|mut world| {
        let (server, client, log) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        // Each holds what holds it.
        let held: Shared<Vec<Box<dyn std::any::Any>>> = Shared::default();
        let (own, named, transport) = (held.clone(), Named(log.clone(), "a call that holds all"), server.transport());
        let call = world.reactor.call_later(Duration::from_secs(1), move |_| drop((own, named, transport)));
        held.with(|held| held.push(Box::new(call)));
        held.with(|held| held.push(Box::new((server.transport(), server.handle()))));
        let reactor = world.reactor.clone();
        let port = world.listen({
            let named = Named(log.clone(), "a factory that holds its loop");
            move |_: &Peer| {
                let _ = (&reactor, &named);
                Log::new().probe()
            }
        });
        held.with(|held| held.push(Box::new(port)));
        drop(world);
        let mut dropped = log.story();
        dropped.sort();
        assert_eq!(dropped, ["a call that holds all", "a factory that holds its loop"]);
    });
}
