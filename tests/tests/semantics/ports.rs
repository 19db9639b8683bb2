//! Listening, and the factories that make protocols.

use std::rc::Rc;
use std::time::Duration;

use lariat::{Address, ErrorKind, Factory, ListenOptions, Once, Peer, Port, Protocol, Transport};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, Probe, World, everywhere, in_clear, over_tcp, simulated};

/// Makes probes that write to one log, and writes down its own drop.
struct Probes {
    server: Log,
    own: Log,
}

impl Factory for Probes {
    type Protocol = Probe;

    fn build_protocol(&mut self, _: &Peer) -> Option<Probe> {
        self.own.note("asked");
        Some(self.server.probe())
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.own.note("factory dropped");
    }
}

/// A port whose handle its own factory has.
fn with_own_port(world: &World, server: &Log, act: impl Fn(&Port) + 'static) -> Port {
    let own: Shared<Option<Port>> = Shared::default();
    let port = world.listen({
        let (own, server) = (own.clone(), server.clone());
        move |_: &Peer| {
            if let Some(port) = own.with(|own| own.clone()) {
                act(&port);
            }
            server.probe().echo()
        }
    });
    own.with(|own| *own = Some(port.clone()));
    port
}

#[test]
fn both_ends_know_each_others_address() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let asked = Shared::new(None);
        let seen = asked.clone();
        let log = server.clone();
        let port = world.listen(move |peer: &Peer| {
            seen.with(|seen| *seen = Some((peer.address(), peer.local_address().ok())));
            log.probe()
        });
        world.connect(&port, client.probe());
        world.until("the connection is made", || server.is_made() && client.is_made());
        let (server, client) = (server.transport(), client.transport());
        let address = |transport: &Transport| transport.local_address().expect("it is open");
        assert_eq!(client.peer().address(), *port.address());
        assert_eq!(address(&server), *port.address());
        assert_eq!(server.peer().address(), address(&client));
        assert_eq!(asked.take(), Some((address(&client), Some(port.address().clone()))));
        if world.ground.is_tcp() {
            assert_ne!(port.address().port(), Some(0));
            assert_ne!(address(&client), *port.address());
        }
    });
}

#[test]
fn a_closed_port_is_free_at_once_and_its_connections_go_on() {
    everywhere(|mut world| {
        let (server, own, client) = (Log::new(), Log::new(), Log::new());
        let port = world.listen(Probes { server: server.clone(), own: own.clone() });
        world.connect(&port, client.probe());
        world.until("the connection is made", || server.is_made() && client.is_made());
        assert!(port.is_open());
        assert!(port.close());
        assert!(!port.is_open());
        assert!(!port.close());
        assert!(!own.has("factory dropped"), "user code is only called from the loop");
        let (second, other) = (Log::new(), Log::new());
        let again = world
            .reactor
            .listen_at(port.address(), ListenOptions::default(), Once::new(second.probe()))
            .expect("the address is free");
        world.turn(Some(Duration::ZERO));
        assert_eq!(own.story(), ["asked", "factory dropped"]);
        world.connect(&again, other.probe());
        world.until("the new port is served", || second.is_made());
        client.transport().write(b"still there");
        world.until("it arrives", || server.received() == b"still there");
    });
}

#[test]
fn nobody_is_behind_a_closed_port() {
    everywhere(|mut world| {
        let own = Log::new();
        let port = world.listen(|_: &Peer| Log::new().probe());
        port.close();
        let factory = Probes { server: Log::new(), own: own.clone() };
        world.reactor.connect(&port.address().to_string(), factory).detach();
        world.until("the attempt has failed", || own.has("factory dropped"));
        assert_eq!(own.story(), ["factory dropped"]);
    });
}

#[test]
fn an_address_is_taken_by_one_port_at_a_time() {
    everywhere(|world| {
        let port = world.listen(|_: &Peer| Log::new().probe());
        let own = Log::new();
        let factory = Probes { server: Log::new(), own: own.clone() };
        let error =
            world.reactor.listen_at(port.address(), ListenOptions::default(), factory).expect_err("it is taken");
        assert_eq!(error.kind(), ErrorKind::AddressInUse, "{error}");
        assert_eq!(own.story(), ["factory dropped"]);
        assert!(port.is_open());
    });
}

#[test]
fn a_wildcard_port_takes_the_port_from_every_address() {
    over_tcp(|world| {
        let reactor = &world.reactor;
        let any = reactor.listen("tcp:0:interface=0.0.0.0", |_: &Peer| Log::new().probe()).expect("a port is free");
        let number = any.address().port().expect("it is TCP");
        let error = reactor
            .listen(&format!("tcp:{number}:interface=127.0.0.1"), |_: &Peer| Log::new().probe())
            .expect_err("it is taken");
        assert_eq!(error.kind(), ErrorKind::AddressInUse);
    });
}

#[test]
fn ports_that_are_both_to_be_shared_share_their_address() {
    over_tcp(|mut world| {
        let (first, second, client) = (Log::new(), Log::new(), Log::new());
        let probes = |log: &Log| {
            let log = log.clone();
            move |_: &Peer| log.probe()
        };
        let one =
            world.reactor.listen("tcp:0:interface=127.0.0.1:reuseport=yes", probes(&first)).expect("a port is free");
        let number = one.address().port().expect("it is TCP");
        let description = format!("tcp:{number}:interface=127.0.0.1:reuseport=yes");
        world.reactor.listen(&description, probes(&second)).expect("it is shared");
        for _ in 0..100 {
            world.connect(&one, client.probe());
        }
        world.until("all are served", || first.count("made") + second.count("made") == 100);
        assert!(first.is_made() && second.is_made(), "none of the two is left out");
    });
}

#[test]
fn clients_wait_while_a_port_is_paused() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen({
            let server = server.clone();
            move |_: &Peer| server.probe().echo()
        });
        port.pause();
        for _ in 0..3 {
            world.connect(
                &port,
                client.probe().made(|transport| {
                    transport.write(b"hello");
                }),
            );
        }
        world.settle();
        assert!(!server.is_made());
        port.resume();
        assert!(!server.is_made(), "nothing is called before the loop is");
        world.until("all have their echo", || client.received_len() == 15);
        assert_eq!(server.count("made"), 3);
    });
}

#[test]
fn a_client_that_waits_at_a_port_that_closes_is_turned_away() {
    in_clear(|mut world| {
        let client = Log::new();
        let port = world.listen(|_: &Peer| Log::new().probe());
        port.pause();
        world.connect(&port, client.probe());
        world.until("it is connected, as far as it can tell", || client.is_made());
        port.close();
        world.until_lost(&[&client]);
        assert_eq!(client.lost().as_deref(), Some("ConnectionReset"));
    });
}

#[test]
fn a_factory_may_close_its_own_port() {
    in_clear(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = with_own_port(&world, &server, |port| {
            port.close();
        });
        for _ in 0..3 {
            world.connect(&port, client.probe());
        }
        world.until("one is served, the others are not", || client.count("dropped") == 2);
        assert_eq!(server.count("made"), 1);
        assert!(!port.is_open());
        server.transport().write(b"you are the last");
        world.until("the one goes on", || client.received() == b"you are the last");
    });
}

#[test]
fn a_factory_may_pause_its_own_port() {
    in_clear(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = with_own_port(&world, &server, Port::pause);
        for _ in 0..3 {
            world.connect(&port, client.probe());
        }
        for served in 1..=3 {
            world.until("one more is served", || server.count("made") == served);
            world.settle();
            assert_eq!(server.count("made"), served);
            port.resume();
        }
    });
}

#[test]
fn a_factory_may_listen_and_connect() {
    everywhere(|mut world| {
        let (inner, outer, client) = (Log::new(), Log::new(), Log::new());
        let address = world.address();
        let reactor = world.reactor.clone();
        let port = world.listen({
            let (inner, outer) = (inner.clone(), outer.clone());
            move |_: &Peer| {
                let port = reactor
                    .listen_at(&address, ListenOptions::default(), Once::new(inner.probe().echo()))
                    .expect("the address is free");
                reactor.connect(&port.address().to_string(), Once::new(outer.probe())).detach();
                outer.probe()
            }
        });
        world.connect(&port, client.probe());
        world.until("all three are made", || inner.count("made") == 1 && outer.count("made") == 2);
    });
}

#[test]
fn a_factory_that_refuses_closes_the_connection_without_a_word() {
    in_clear(|mut world| {
        let (asked, client) = (Log::new(), Log::new());
        let port = world.listen({
            let asked = asked.clone();
            move |_: &Peer| -> Option<Probe> {
                asked.note("asked");
                None
            }
        });
        world.connect(&port, client.probe());
        world.until_lost(&[&client]);
        assert_eq!(asked.story(), ["asked"]);
        assert_eq!(client.story(), ["made", "read closed", "lost: Done", "dropped"]);
    });
}

#[test]
fn a_peer_that_a_refusing_factory_keeps_does_not_keep_the_connection() {
    everywhere(|mut world| {
        let (kept, client) = (Shared::new(None), Log::new());
        let port = world.listen({
            let kept = kept.clone();
            move |peer: &Peer| -> Option<Probe> {
                kept.with(|kept| *kept = Some(peer.clone()));
                None
            }
        });
        world.connect(&port, client.probe());
        world.until_lost(&[&client]);
        let peer: Peer = kept.take().expect("it was asked");
        assert!(peer.local_address().is_err());
        assert!(matches!(peer.address(), Address::Tcp(_)) == world.ground.is_tcp());
    });
}

#[test]
fn once_serves_one_connection_and_refuses_the_others() {
    in_clear(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen(Once::new(server.probe()));
        for _ in 0..3 {
            world.connect(&port, client.probe());
        }
        world.until("two are refused", || client.count("dropped") == 2);
        world.settle();
        assert_eq!(server.story(), ["made"]);
        assert_eq!(client.count("lost: Done"), 2);
    });
}

#[test]
fn a_factory_may_decide_at_run_time_what_it_makes() {
    everywhere(|mut world| {
        struct Greeter;
        impl Protocol for Greeter {
            fn connection_made(&mut self, transport: &Transport) {
                transport.write(b"hello");
                transport.close();
            }
            fn data_received(&mut self, _: &Transport, _: &[u8]) {}
        }
        let (server, client) = (Log::new(), Log::new());
        let log = server.clone();
        let mut count = 0;
        let port = world.listen(move |_: &Peer| -> Option<Box<dyn Protocol>> {
            count += 1;
            match count {
                1 => Some(Box::new(Greeter)),
                2 => Some(Box::new(log.probe().echo())),
                _ => None,
            }
        });
        world.connect(&port, client.probe());
        world.until("the first is greeted", || client.received() == b"hello");
        world.connect(
            &port,
            client.probe().made(|transport| {
                transport.write(b", world");
            }),
        );
        world.until("the second has its echo", || client.received() == b"hello, world");
        world.connect(&port, client.probe());
        world.until("the third is refused", || client.count("made") == 3 && client.count("dropped") == 2);
    });
}

#[test]
fn a_port_listens_on_without_its_handle() {
    in_clear(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen({
            let server = server.clone();
            move |_: &Peer| server.probe()
        });
        let description = port.address().to_string();
        drop(port);
        world.reactor.connect(&description, Once::new(client.probe())).detach();
        world.until("it is served", || server.is_made());
    });
}

#[test]
fn hundreds_that_come_at_once_are_all_served() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen({
            let server = server.clone();
            move |_: &Peer| server.probe().echo()
        });
        for _ in 0..300 {
            world.connect(
                &port,
                client.probe().made(|transport| {
                    transport.write(b"x");
                }),
            );
        }
        world.until("all have their echo", || client.received_len() == 300);
        assert_eq!(server.count("made"), 300);
    });
}

#[test]
fn a_backlog_that_is_full_makes_tcp_clients_wait_and_turns_unix_clients_away() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let mut options = ListenOptions::default();
        options.backlog = 1;
        let port = world.listen_with(options, {
            let server = server.clone();
            move |_: &Peer| server.probe()
        });
        port.pause();
        for _ in 0..5 {
            world.connect(&port, client.probe());
        }
        world.settle();
        // One more than was asked for, as on Linux.
        assert_eq!(client.count("made"), 2);
        port.resume();
        world.settle();
        let served = if world.ground.is_tcp() { 5 } else { 2 };
        assert_eq!((server.count("made"), client.count("made")), (served, served));
    });
}

#[test]
fn the_last_handle_to_a_connection_may_outlive_the_loop() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.pair(server.probe(), client.probe());
        let (transport, handle) = (server.transport(), server.handle());
        drop(world);
        assert!(!port.is_open());
        assert!(!port.close());
        port.pause();
        port.resume();
        assert!(!transport.is_open());
        assert!(!handle.call(|_, _| unreachable!("the loop has ended")));
        drop(Rc::new((port, transport, handle)));
    });
}
