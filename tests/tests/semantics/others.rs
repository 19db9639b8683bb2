//! What a callback does to connections that are not its own.

use std::time::Duration;

use lariat::{Peer, Transport};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, World, everywhere, in_clear};

/// Makes so many connections to echoing servers. Returns the clients, and the log that all servers share.
fn crowd(world: &mut World, count: usize) -> (Log, Vec<Log>) {
    let servers = Log::new();
    let port = world.listen({
        let servers = servers.clone();
        move |_: &Peer| servers.probe().echo()
    });
    let clients: Vec<_> = (0..count).map(|_| Log::new()).collect();
    for client in &clients {
        world.connect(&port, client.probe());
    }
    world.until("all are connected", || clients.iter().all(Log::is_made) && servers.count("made") == count);
    (servers, clients)
}

/// Two connections. In the same turn both servers have data; what the first of them to be served does to the other is `act`.
fn first_acts_on_the_other(world: &mut World, act: impl Fn(&Transport) + 'static) -> [Log; 4] {
    let logs = [Log::new(), Log::new(), Log::new(), Log::new()];
    let [one, other, client, other_client] = &logs;
    let act = Shared::new(Some(act));
    for (own, theirs, client) in [(one, other, client), (other, one, other_client)] {
        let (theirs, act) = (theirs.clone(), act.clone());
        let on_data = move |_: &Transport, _: &[u8]| {
            if let Some(act) = act.take() {
                act(&theirs.transport());
            }
        };
        world.pair(own.probe().data(on_data), client.probe());
    }
    world.settle();
    client.transport().write(b"x");
    other_client.transport().write(b"x");
    world.settle();
    logs
}

#[test]
fn a_connection_that_is_aborted_in_another_ones_callback_gets_nothing_more() {
    everywhere(|mut world| {
        let [one, other, client, other_client] = first_acts_on_the_other(&mut world, Transport::abort);
        let (alive, dead) = if one.has("data") { (&one, &other) } else { (&other, &one) };
        // Its event was in the same batch.
        assert_eq!(alive.story(), ["made", "data"]);
        assert_eq!(dead.story(), ["made", "lost: Aborted", "dropped"]);
        assert_eq!([&client, &other_client].iter().filter(|client| client.has("dropped")).count(), 1);
    });
}

#[test]
fn a_connection_that_is_closed_in_another_ones_callback_gets_no_more_input() {
    everywhere(|mut world| {
        let [one, other, ..] = first_acts_on_the_other(&mut world, Transport::close);
        let (alive, dead) = if one.has("data") { (&one, &other) } else { (&other, &one) };
        assert_eq!(alive.story(), ["made", "data"]);
        world.until_lost(&[dead]);
        assert_eq!(dead.story(), ["made", "lost: Done", "dropped"]);
    });
}

#[test]
fn a_connection_that_is_paused_in_another_ones_callback_gets_its_data_later() {
    everywhere(|mut world| {
        let [one, other, ..] = first_acts_on_the_other(&mut world, Transport::pause_reading);
        let (alive, paused) = if one.has("data") { (&one, &other) } else { (&other, &one) };
        assert_eq!(alive.story(), ["made", "data"]);
        assert_eq!(paused.story(), ["made"]);
        paused.transport().resume_reading();
        world.until("it has its data", || paused.has("data"));
    });
}

#[test]
fn a_connection_that_is_switched_in_another_ones_callback_gives_its_data_to_the_successor() {
    everywhere(|mut world| {
        let successor = Log::new();
        let next = successor.clone();
        let [one, other, ..] = first_acts_on_the_other(&mut world, move |transport| {
            transport.switch_to(next.probe(), b"left and ");
        });
        let switched = if one.has("data") { &other } else { &one };
        world.until("the successor has it", || successor.received() == b"left and x");
        assert_eq!(switched.story(), ["made", "dropped"]);
    });
}

#[test]
fn a_callback_may_end_every_connection_there_is() {
    everywhere(|mut world| {
        let (servers, clients) = crowd(&mut world, 10);
        let (killer, victims) = (Log::new(), clients.clone());
        let kill = move |_: &Transport, _: &[u8]| {
            for (number, victim) in victims.iter().enumerate() {
                if number % 2 == 0 { victim.transport().abort() } else { victim.transport().close() }
            }
        };
        let trigger = Log::new();
        world.pair(killer.probe().data(kill), trigger.probe());
        for client in &clients {
            client.transport().write(b"something to do");
        }
        trigger.transport().write(b"now");
        let all: Vec<_> = clients.iter().collect();
        world.until_lost(&all);
        world.until("the servers know", || servers.count("dropped") == 10);
        for client in &clients {
            assert_eq!(client.count("lost: Aborted") + client.count("lost: Done"), 1, "{:?}", client.story());
        }
        assert_eq!(killer.story(), ["made", "data"]);
    });
}

#[test]
fn a_connection_may_abort_itself_and_be_aborted_by_others_in_one_turn() {
    everywhere(|mut world| {
        let (servers, clients) = crowd(&mut world, 2);
        let [one, other] = &clients[..] else { unreachable!("there are two") };
        let (first, second) = (one.transport(), other.transport());
        one.handle().call(move |_, transport| {
            transport.abort();
            second.abort();
        });
        other.handle().call(move |_, transport| {
            transport.abort();
            first.abort();
        });
        world.until_lost(&[one, other]);
        world.until("the servers know", || servers.count("dropped") == 2);
        assert_eq!(one.count("lost: Aborted"), 1);
        assert_eq!(other.count("lost: Aborted"), 1);
    });
}

#[test]
fn the_end_of_one_connection_may_be_the_beginning_of_another() {
    in_clear(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen({
            let server = server.clone();
            move |_: &Peer| server.probe().echo()
        });
        let (reactor, address, again) = (world.reactor.clone(), port.address().to_string(), client.clone());
        let reconnect = move |_: &lariat::CloseReason| {
            let protocol = again.probe().made(|transport| {
                transport.write(b"again");
            });
            reactor.connect(&address, lariat::Once::new(protocol)).detach();
        };
        world.connect(&port, client.probe().lost(reconnect));
        world.until("the connection is made", || client.is_made());
        client.transport().abort();
        world.until("the second has its echo", || client.received() == b"again");
    });
}

#[test]
fn a_new_connection_is_not_served_an_event_of_an_old_one() {
    everywhere(|mut world| {
        let (_, clients) = crowd(&mut world, 20);
        // Old connections end while new ones are made in the same turns, so that places in every table change hands.
        let (servers, newcomers) = (Log::new(), Log::new());
        let port = world.listen({
            let servers = servers.clone();
            move |_: &Peer| servers.probe()
        });
        for client in &clients {
            client.transport().write(&[b'x'; 10_000]);
            world.connect(&port, newcomers.probe());
            client.transport().abort();
            world.turn(Some(Duration::ZERO));
        }
        world.until("all newcomers are connected", || newcomers.count("made") == 20 && servers.count("made") == 20);
        world.settle();
        assert_eq!((servers.received_len(), newcomers.received_len()), (0, 0));
        assert!(servers.lost().is_none() && newcomers.lost().is_none());
    });
}

#[test]
fn a_value_whose_drop_calls_the_api_may_be_dropped_anywhere() {
    everywhere(|mut world| {
        /// Does everything that a drop could think of.
        struct Busy {
            log: Log,
            transport: Transport,
        }
        impl Drop for Busy {
            fn drop(&mut self) {
                let Self { log, transport } = self;
                transport.write(b"bye");
                transport.write_chunk(b"bye".to_vec());
                transport.pause_reading();
                transport.resume_reading();
                transport.unregister_producer();
                let reactor = transport.reactor();
                reactor.call_later(Duration::from_secs(3600), |_| {}).cancel();
                let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Log::new().probe());
                if let Ok(port) = port {
                    port.close();
                }
                transport.switch_to(Log::new().probe(), b"");
                log.note("dropped its last");
            }
        }
        let log = Log::new();
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let busy = |transport: &Transport| Busy { log: log.clone(), transport: transport.clone() };
        // In a cancelled call, in a call that runs, in a call through a handle that never runs.
        let held = busy(&client.transport());
        world.reactor.call_later(Duration::from_secs(1), move |_| drop(held)).cancel();
        let held = busy(&client.transport());
        world.reactor.call_later(Duration::ZERO, move |_| drop(held));
        // In a protocol, in one that is switched away from, in a factory.
        let (second, other) = (Log::new(), Log::new());
        let own = second.clone();
        let notes = log.clone();
        world.pair(
            second.probe().data(move |transport, data| {
                let _held = Busy { log: notes.clone(), transport: transport.clone() };
                if data.ends_with(b"switch") {
                    transport.switch_to(own.probe(), b"");
                }
            }),
            other.probe(),
        );
        other.transport().write(b"switch");
        let held = busy(&client.transport());
        let port = world.listen(move |_: &Peer| {
            let _ = &held;
            Log::new().probe()
        });
        port.close();
        world.until("all but the last are dropped", || log.count("dropped its last") >= 4);
        // At the end of the loop.
        let held = busy(&client.transport());
        world.reactor.call_later(Duration::from_secs(1), move |_| drop(held));
        let held = busy(&client.transport());
        client.handle().call(move |_, _| drop(held));
        let before = log.count("dropped its last");
        drop(world);
        assert_eq!(log.count("dropped its last"), before + 2);
    });
}
