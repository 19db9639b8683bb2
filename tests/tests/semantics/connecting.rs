//! Making connections, and why that may fail.

use std::time::Duration;

use lariat::{ErrorKind, Factory, ListenOptions, Once, Peer, Transport};
use lariat_tests::harness::{Log, Probe, everywhere, in_clear, outcome, over_tcp, refusal, simulated};

/// Writes down whether it is asked, and that it is dropped: all that can be seen of an attempt that fails.
struct Attempt {
    log: Log,
    accepts: bool,
}

impl Attempt {
    fn new(log: &Log) -> Self {
        Self { log: log.clone(), accepts: true }
    }
}

impl Factory for Attempt {
    type Protocol = Probe;

    fn build_protocol(&mut self, _: &Peer) -> Option<Probe> {
        self.log.note("asked");
        self.accepts.then(|| self.log.probe())
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.log.note("factory dropped");
    }
}

#[test]
fn the_factory_is_asked_once_and_dropped_when_the_connection_is_made() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen(Once::new(server.probe()));
        world.reactor.connect(&port.address().to_string(), Attempt::new(&client)).detach();
        assert!(client.story().is_empty(), "nothing happens within the call");
        world.until("the connection is made", || client.is_made());
        assert_eq!(client.story(), ["asked", "factory dropped", "made"]);
    });
}

#[test]
fn a_refused_attempt_drops_the_factory_unasked() {
    everywhere(|mut world| {
        let client = Log::new();
        let address = if world.ground.is_tcp() {
            // Bound a moment ago and closed again: nobody is there.
            let port = world.listen(|_: &Peer| Log::new().probe());
            port.close();
            port.address().clone()
        } else {
            world.address()
        };
        let outcome = outcome(world.reactor.connect(&address.to_string(), Attempt::new(&client)));
        world.until("the attempt has failed", || client.has("factory dropped"));
        world.settle();
        assert_eq!(client.story(), ["factory dropped"]);
        let error = outcome.take().expect("it is told").expect_err("nobody is there");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{error}");
    });
}

#[test]
fn who_refuses_the_connection_that_it_asked_for_closes_it() {
    in_clear(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen(Once::new(server.probe()));
        let factory = Attempt { log: client.clone(), accepts: false };
        let outcome = outcome(world.reactor.connect(&port.address().to_string(), factory));
        world.until_lost(&[&server]);
        assert_eq!(client.story(), ["asked", "factory dropped"]);
        world.settle();
        let error = outcome.take().expect("it is told").expect_err("it was refused");
        assert_eq!(error.to_string(), "the factory refused the connection");
        assert_eq!(server.lost().as_deref(), Some("Done"));
    });
}

#[test]
fn a_port_that_opens_later_in_the_same_turn_is_early_enough() {
    over_tcp(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen(|_: &Peer| Log::new().probe());
        let address = port.address().clone();
        port.close();
        world.turn(Some(Duration::ZERO));
        world.reactor.connect(&address.to_string(), Attempt::new(&client)).detach();
        world.reactor.listen_at(&address, ListenOptions::default(), Once::new(server.probe())).expect("it is free");
        world.until("the connection is made", || server.is_made() && client.is_made());
    });
}

#[test]
fn localhost_is_both_families_one_after_the_other() {
    over_tcp(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let Ok(port) = world.reactor.listen(r"tcp:0:interface=\:\:1", Once::new(server.probe())) else {
            assert!(!world.ground.is_simulated(), "only a real system may be without IPv6");
            return;
        };
        let number = port.address().port().expect("it is TCP");
        let description = format!("tcp:localhost:{number}");
        world.reactor.connect(&description, Attempt::new(&client)).detach();
        world.until("the connection is made", || server.is_made() && client.is_made());
        assert_eq!(client.transport().peer().address(), *port.address());
        assert_eq!(client.count("asked"), 1);
    });
}

#[test]
fn a_port_of_both_families_shows_ipv4_clients_as_such() {
    over_tcp(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.reactor.listen("tcp:0", Once::new(server.probe())).expect("a port is free");
        let number = port.address().port().expect("it is TCP");
        let description = format!("tcp:127.0.0.1:{number}");
        world.reactor.connect(&description, Attempt::new(&client)).detach();
        world.until("the connection is made", || server.is_made() && client.is_made());
        assert_eq!(server.transport().peer().address(), client.transport().local_address().expect("it is open"));
    });
}

#[test]
fn a_client_may_say_where_it_connects_from() {
    over_tcp(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen(Once::new(server.probe()));
        let number = port.address().port().expect("it is TCP");
        let description = format!("tcp:127.0.0.1:{number}:bindAddress=127.0.0.9");
        world.reactor.connect(&description, Attempt::new(&client)).detach();
        world.until("the connection is made", || server.is_made());
        let peer = server.transport().peer().address().tcp().expect("it is TCP");
        assert_eq!(peer.ip().to_string(), "127.0.0.9");
    });
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_longer_than_the_timeout() {
    simulated(|mut world| {
        if !world.ground.is_tcp() {
            return;
        }
        let (client, late) = (Log::new(), Log::new());
        let mut options = ListenOptions::default();
        options.backlog = 1;
        let port = world.listen_with(options, |_: &Peer| Log::new().probe());
        port.pause();
        for _ in 0..2 {
            world.connect(&port, client.probe());
        }
        world.until("the backlog is full", || client.count("made") == 2);
        let begun = world.now();
        let description = format!("{}:timeout=5", port.address());
        let outcome = outcome(world.reactor.connect(&description, Attempt::new(&late)));
        world.until("the attempt has failed", || late.has("factory dropped"));
        assert_eq!(late.story(), ["factory dropped"]);
        assert_eq!(world.now() - begun, Duration::from_secs(5));
        world.settle();
        let error = outcome.take().expect("it is told").expect_err("nobody answered");
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        // It has left the line as well.
        port.resume();
        world.settle();
        assert_eq!(client.count("made"), 2);
        assert!(!late.has("asked"));
    });
}

#[test]
fn a_wrong_description_is_refused_at_once() {
    everywhere(|world| {
        for description in ["tcp:127.0.0.1", "tcp:127.0.0.1:0", "tcp:127.0.0.1:70000", "udp:127.0.0.1:1", "unix:", ""] {
            let log = Log::new();
            let error = refusal(world.reactor.connect(description, Attempt::new(&log)));
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert_eq!(log.story(), ["factory dropped"]);
        }
        let error = refusal(world.reactor.connect("tcp:not\\:a\\:name:1", Attempt::new(&Log::new())));
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    });
}

#[test]
fn a_path_that_is_too_long_is_an_error_that_says_so() {
    everywhere(|world| {
        let long = format!("unix:/tmp/{}", "x".repeat(200));
        let log = Log::new();
        let error = world.reactor.listen(&long, Attempt::new(&log)).expect_err("it is too long");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let error = refusal(world.reactor.connect(&long, Attempt::new(&log)));
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let path = std::path::PathBuf::from(format!("/tmp/{}", "x".repeat(200)));
        let address = unix(path);
        let error = world
            .reactor
            .listen_at(&address, ListenOptions::default(), Attempt::new(&log))
            .expect_err("it is too long");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert_eq!(log.count("factory dropped"), 3);
    });
}

fn unix(path: std::path::PathBuf) -> lariat::Address {
    lariat::Address::Unix(lariat::UnixAddress::Pathname(path))
}

#[test]
fn abstract_names_work_like_files_that_leave_nothing_behind() {
    everywhere(|mut world| {
        if world.ground.is_tcp() {
            return;
        }
        let (server, client) = (Log::new(), Log::new());
        let name = format!("unix:@lariat-{}-{:?}", std::process::id(), world.ground);
        let port = world.reactor.listen(&name, Once::new(server.probe())).expect("the name is free");
        world.reactor.connect(&name, Attempt::new(&client)).detach();
        world.until("the connection is made", || server.is_made());
        assert!(world.reactor.listen(&name, Once::new(server.probe())).is_err());
        port.close();
        world.reactor.listen(&name, Once::new(server.probe())).expect("the name is free again");
    });
}

#[test]
fn a_server_that_resets_at_once_is_seen_by_the_client() {
    over_tcp(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen(Once::new(server.probe().made(Transport::abort)));
        world.reactor.connect(&port.address().to_string(), Attempt::new(&client)).detach();
        world.until("the client knows", || {
            client.has("factory dropped") && (!client.is_made() || client.has("dropped"))
        });
        // Whether it was made or not depends on who was first; either way it has ended.
        assert!(client.lost().is_none_or(|lost| lost == "ConnectionReset"), "{:?}", client.story());
    });
}

#[test]
fn whoever_connects_gets_a_handle_to_the_protocol_that_was_made() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen(Once::new(server.probe()));
        let connected = world.reactor.connect(&port.address().to_string(), Attempt::new(&client));
        let seen = client.clone();
        connected.map(move |handle| seen.note(format!("connected {}", handle.transport().is_open()))).detach();
        world.until("it is told", || client.has("connected true"));
        assert_eq!(client.story(), ["asked", "factory dropped", "made", "connected true"]);
    });
}

#[test]
fn an_attempt_that_is_cancelled_closes_its_socket() {
    over_tcp(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen(|_: &Peer| Log::new().probe());
        port.pause();
        let before = world.reactor.stats();
        let connected = world.reactor.connect(&port.address().to_string(), Attempt::new(&client));
        drop(connected);
        world.settle();
        assert_eq!(client.story(), ["factory dropped"]);
        let connected = world.reactor.connect(&port.address().to_string(), Attempt::new(&client));
        // The attempt is under way, and on a real system perhaps successful already.
        world.turn(Some(Duration::ZERO));
        connected.cancel();
        let outcome = outcome_of(connected);
        world.settle();
        assert_eq!(client.count("factory dropped"), 2);
        if let Some(Err(failure)) = outcome.take() {
            assert!(failure.is_cancelled(), "{failure}");
            assert!(!client.is_made());
            assert_eq!(world.reactor.stats().timers, before.timers);
        } else {
            assert!(client.is_made());
        }
        drop(server);
    });
}

fn outcome_of<T>(attempt: lariat::Deferred<T>) -> std::rc::Rc<std::cell::Cell<Option<Result<(), lariat::Failure>>>> {
    let told = std::rc::Rc::new(std::cell::Cell::new(None));
    let tell = told.clone();
    attempt.finish(move |result| tell.set(Some(result.map(drop))));
    told
}
