//! Graceful shutdown, with peers that work against it.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::Duration;

use lariat::{Deferred, Drained, Linger, Peer, PullProducer, Reactor, Resolver, SystemEvent, Transport, TriggerPhase};
use lariat_tests::child::client;
use lariat_tests::downstream::Shared;
use lariat_tests::faults::{End, Outsider};
use lariat_tests::harness::{Ground, Log, World, everywhere, over_tcp, really, simulated};

/// More than the kernel holds for a connection.
const MUCH: usize = 12 << 20;

/// So long that a test which waits for it fails by itself.
const NEVER: Duration = Duration::from_secs(3600);

fn stay(_: &Transport) {}

/// Stops the loop. Returns how its connections ended.
fn stop(world: World) -> Drained {
    world.reactor.call_later(Duration::ZERO, Reactor::stop);
    run(world)
}

/// Runs the loop to its end. Returns how its connections ended.
fn run(world: World) -> Drained {
    let World { reactor, scratch: _scratch, .. } = world;
    let handle = reactor.clone();
    reactor.run().expect("it ends in good order");
    handle.drained().expect("it has drained")
}

/// Sends without end.
struct Flood;

impl PullProducer for Flood {
    fn produce(&mut self, transport: &Transport) {
        transport.write(&[b'x'; 50_000]);
    }
}

#[test]
fn a_peer_that_never_reads_is_cut_off_at_the_deadline() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(Transport::pause_reading).drain(stay));
        server.transport().set_queue_limit(2 * MUCH);
        server.transport().write(&vec![b'x'; MUCH]);
        world.reactor.set_drain_timeout(Duration::from_millis(300));
        let drained = stop(world);
        assert_eq!((drained.cut_off, drained.closed.aborted, drained.closed.total()), (2, 2, 2));
        assert_eq!(server.story(), ["made", "write paused", "drain", "lost: Aborted", "dropped"]);
        assert!(drained.elapsed >= Duration::from_millis(300), "{drained:?}");
    });
}

#[test]
fn a_peer_that_never_reads_holds_up_nobody_whose_queue_is_empty() {
    really(|mut world| {
        let server = Log::new();
        let port = world.listen({
            let server = server.clone();
            move |_: &Peer| server.probe()
        });
        let _silent = Outsider::connect(&world.reactor, port.address());
        world.until("it is connected", || server.is_made());
        world.reactor.set_drain_timeout(NEVER);
        let drained = stop(world);
        assert_eq!((drained.closed.done, drained.closed.total()), (1, 1));
    });
}

#[test]
fn a_peer_that_sends_without_end_does_not_hold_up_the_shutdown() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let flood = |transport: &Transport| {
            transport.register_pull_producer(Flood);
        };
        // Its input is discarded for 30 s by default. No time passes in a simulation while there is input, so bytes are the limit.
        let limit = |transport: &Transport| {
            let mut linger = Linger::default();
            linger.bytes = Some(256 * 1024);
            transport.set_linger(linger);
        };
        world.pair(server.probe().made(limit), client.probe().made(flood).drain(stay).read_closed(stay));
        world.until("it floods", || server.received_len() > 100_000);
        world.reactor.set_drain_timeout(NEVER);
        let drained = stop(world);
        assert_eq!(server.lost().as_deref(), Some("Done"));
        assert_eq!((drained.cut_off, drained.closed.done, drained.closed.lost), (0, 1, 1));
    });
}

#[test]
fn two_that_close_with_much_queued_for_each_other_do_not_wait_for_each_other() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        for log in [&server, &client] {
            log.transport().set_queue_limit(2 * MUCH);
            log.transport().write(&vec![b'x'; MUCH]);
        }
        world.reactor.set_drain_timeout(NEVER);
        let drained = stop(world);
        // The side that is done first discards a limited amount, and the rest is not wanted.
        assert_eq!((drained.cut_off, drained.closed.done + drained.closed.lost, drained.closed.total()), (0, 2, 2));
    });
}

#[test]
fn who_is_cut_off_at_the_deadline_gets_a_reset_unless_it_was_told_an_end_before() {
    let mut world = World::new(Ground::RealTcp);
    let (stays, closes) = (Log::new(), Log::new());
    let stay = world.listen(lariat::Once::new(stays.probe().drain(stay)));
    let close = world.listen(lariat::Once::new(closes.probe()));
    let mut clients = [&stay, &close].map(|port| Outsider::connect(&world.reactor, port.address()));
    world.until("they are connected", || stays.is_made() && closes.is_made());
    stays.transport().write(b"the beginning");
    world.until("it has come", || clients[0].receive() == b"the beginning");
    world.reactor.set_drain_timeout(Duration::from_millis(300));
    let drained = stop(world);
    assert_eq!((drained.cut_off, drained.closed.total()), (2, 2), "the clients have not ended their sides");
    assert_eq!(clients.each_mut().map(Outsider::end), [Some(End::Reset), Some(End::Orderly)]);
}

#[test]
fn a_peer_that_resets_while_the_loop_drains_is_counted_as_lost() {
    over_tcp(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        // The server waits for a request that never comes.
        world.pair(server.probe().drain(stay), client.probe().drain(Transport::abort));
        world.reactor.set_drain_timeout(NEVER);
        let drained = stop(world);
        assert_eq!(server.lost().as_deref(), Some("ConnectionReset"));
        assert_eq!((drained.closed.lost, drained.closed.aborted, drained.cut_off), (1, 1, 0));
    });
}

#[test]
fn a_client_that_nobody_has_accepted_yet_reads_an_end_and_no_reset() {
    let mut world = World::new(Ground::RealTcp);
    let server = Log::new();
    let port = world.listen({
        let server = server.clone();
        move |_: &Peer| server.probe()
    });
    let address = port.address().tcp().expect("it is TCP");
    let clients = Shared::<Vec<TcpStream>>::default();
    let connected = clients.clone();
    // They connect while the loop is busy with something else, so that they wait in the backlog when the port is closed.
    world.reactor.add_trigger(TriggerPhase::Before, SystemEvent::Shutdown, move |_| {
        for _ in 0..100 {
            let mut client = client(address);
            client.write_all(b"a request").expect("the kernel takes it");
            connected.with(|connected| connected.push(client));
        }
    });
    world.turn(Some(Duration::ZERO));
    world.reactor.set_drain_timeout(NEVER);
    // They go when they have read the end, as clients do; the server waits for that for a while.
    let readers = Shared::default();
    let (clients, started) = (clients, readers.clone());
    world.reactor.add_trigger(TriggerPhase::During, SystemEvent::Shutdown, move |_| {
        let reader = std::thread::spawn({
            let clients = clients.take();
            move || {
                let outcome = |mut client: TcpStream| client.read_to_end(&mut Vec::new()).map_err(|error| error.kind());
                clients.into_iter().map(outcome).collect::<Vec<_>>()
            }
        });
        started.with(|started: &mut Vec<_>| started.push(reader));
    });
    let drained = stop(world);
    for reader in readers.take() {
        assert_eq!(reader.join().expect("no panic"), vec![Ok::<_, ErrorKind>(0); 100]);
    }
    assert_eq!((drained.closed.done, drained.closed.total()), (100, 100));
    assert_eq!((server.count("made"), server.count("drain")), (100, 100));
}

#[test]
fn a_second_stop_does_nothing() {
    everywhere(|mut world| {
        let (server, client, log) = (Log::new(), Log::new(), Log::new());
        let again = |transport: &Transport| {
            transport.reactor().stop();
            let own = transport.clone();
            transport.reactor().call_later(Duration::from_millis(5), move |reactor| {
                reactor.stop();
                own.write(b"the rest");
                own.close();
            });
        };
        world.pair(server.probe().drain(again), client.probe().drain(stay));
        let heard = log.clone();
        world.reactor.add_trigger(TriggerPhase::During, SystemEvent::Shutdown, move |reactor| {
            heard.note("trigger");
            assert_eq!(reactor.drained(), None);
            reactor.stop();
        });
        world.reactor.stop();
        let drained = stop(world);
        assert_eq!(client.received(), b"the rest");
        assert_eq!((server.count("drain"), client.count("drain"), log.count("trigger")), (1, 1, 1));
        assert_eq!(drained.closed.done, 2);
    });
}

#[test]
fn a_loop_that_was_stopped_before_it_ran_drains_what_it_has() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        world.reactor.stop();
        let drained = run(world);
        assert_eq!(drained.closed.done, 2);
    });
}

#[test]
fn no_time_to_drain_cuts_off_at_once_and_all_the_time_there_is_may_be_given() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().drain(stay), client.probe().drain(stay));
        world.reactor.set_drain_timeout(Duration::ZERO);
        let drained = stop(world);
        assert_eq!((drained.cut_off, drained.closed.total()), (2, 2));
    });
    everywhere(|mut world| {
        world.pair(Log::new().probe(), Log::new().probe());
        world.reactor.set_drain_timeout(Duration::MAX);
        assert_eq!(stop(world).closed.done, 2);
    });
}

#[test]
fn a_crash_calls_no_trigger_and_drains_nobody() {
    everywhere(|mut world| {
        let (server, client, log) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        for phase in [TriggerPhase::Before, TriggerPhase::During, TriggerPhase::After] {
            let log = log.clone();
            world.reactor.add_trigger(phase, SystemEvent::Shutdown, move |_| log.note("trigger"));
        }
        world.reactor.call_later(Duration::ZERO, Reactor::crash);
        let World { reactor, scratch: _scratch, .. } = world;
        let handle = reactor.clone();
        reactor.run().expect("it ends as it was told to");
        assert_eq!((handle.drained(), log.story().len()), (None, 0));
        assert_eq!(server.story(), ["made", "lost: Aborted", "dropped"]);
    });
}

#[test]
fn a_trigger_may_add_another_of_its_own_phase_and_take_one_back() {
    simulated(|world| {
        let log = Log::new();
        let note = |what: &'static str| {
            let log = log.clone();
            move |_: &Reactor| log.note(what)
        };
        let (second, later) = (note("second"), note("later"));
        let taken_back = world.reactor.add_trigger(TriggerPhase::After, SystemEvent::Shutdown, note("taken back"));
        world.reactor.add_trigger(TriggerPhase::Before, SystemEvent::Shutdown, move |reactor| {
            reactor.add_trigger(TriggerPhase::Before, SystemEvent::Shutdown, second);
            reactor.add_trigger(TriggerPhase::After, SystemEvent::Shutdown, later);
            assert!(taken_back.remove());
            // Too late for this one: it will never be called.
            reactor
                .add_trigger(TriggerPhase::Before, SystemEvent::Startup, |_| -> () { unreachable!("it runs already") });
        });
        stop(world);
        assert_eq!(log.story(), ["second", "later"]);
    });
}

#[test]
fn everything_a_trigger_asks_for_after_the_shutdown_is_harmless() {
    everywhere(|mut world| {
        let (server, client, late) = (Log::new(), Log::new(), Log::new());
        let port = world.pair(server.probe(), client.probe());
        let (address, transport, probe) = (port.address().to_string(), server.transport(), late.probe());
        world.reactor.add_trigger(TriggerPhase::After, SystemEvent::Shutdown, move |reactor| {
            assert!(!transport.is_open());
            transport.write(b"too late");
            transport.close();
            port.close();
            reactor.stop();
            reactor.call_later(Duration::ZERO, |_| unreachable!("the loop takes no more turns"));
            // Whether it takes it or not, the protocol is dropped with the loop.
            reactor.connect(&address, lariat::Once::new(probe)).detach();
        });
        stop(world);
        assert_eq!(late.story(), ["dropped"]);
    });
}

#[test]
fn the_report_tells_how_many_connections_ended_and_how() {
    over_tcp(|mut world| {
        world.reactor.set_drain_timeout(Duration::from_millis(300));
        let stays = Log::new();
        world.pair(Log::new().probe(), Log::new().probe());
        world.pair(stays.probe().drain(stay), Log::new().probe().drain(stay));
        world.pair(Log::new().probe().drain(|_| panic!("while draining")), Log::new().probe().drain(stay));
        let report = stop(world).to_string();
        assert_eq!(report, "2 connections ended in good order, 2 cut off at the deadline, 1 lost, 1 panicked");
    });
    simulated(|world| assert_eq!(stop(world).to_string(), "0 connections ended in good order"));
}

/// Resolves `after` so long.
fn later(reactor: &Reactor, after: Duration) -> Deferred<()> {
    let (resolver, deferred) = Deferred::new(reactor);
    reactor.call_later(after, move |_| {
        // Who does not wait any more has no need to know.
        let _ = resolver.resolve(());
    });
    deferred
}

#[test]
fn each_phase_waits_for_what_the_triggers_of_the_one_before_have_begun() {
    simulated(|mut world| {
        let (server, client, log) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let begun = world.now();
        for (event, phase) in [SystemEvent::Startup, SystemEvent::Shutdown].into_iter().flat_map(|event| {
            [TriggerPhase::Before, TriggerPhase::During, TriggerPhase::After].map(|phase| (event, phase))
        }) {
            let log = log.clone();
            world.reactor.add_trigger(phase, event, move |reactor| {
                log.note(format!("{event:?} {phase:?} at {:?}", reactor.now() - begun));
                later(reactor, Duration::from_secs(2))
            });
        }
        world.reactor.call_later(Duration::from_secs(10), Reactor::stop);
        run(world);
        let times: Vec<_> = log.story();
        let told = [
            "Startup Before at 0ns",
            "Startup During at 2s",
            "Startup After at 4s",
            "Shutdown Before at 10s",
            "Shutdown During at 12s",
            "Shutdown After at 14s",
        ];
        assert_eq!(times, told);
        assert_eq!(server.lost().as_deref(), Some("Done"));
    });
}

#[test]
fn what_a_trigger_has_begun_is_cancelled_when_its_phase_takes_too_long() {
    simulated(|world| {
        let log = Log::new();
        world.reactor.set_drain_timeout(Duration::from_secs(3));
        let begun = Rc::new(Cell::new(None));
        let slot = begun.clone();
        world.reactor.add_trigger(TriggerPhase::Before, SystemEvent::Shutdown, move |reactor| {
            let (resolver, deferred) = Deferred::<()>::new(reactor);
            slot.set(Some(resolver));
            deferred
        });
        let (noting, begin) = (log.clone(), world.now());
        world.reactor.add_trigger(TriggerPhase::After, SystemEvent::Shutdown, move |reactor| {
            let cancelled = begun.take().is_some_and(|resolver: Resolver<()>| resolver.is_cancelled());
            noting.note(format!("after {:?}, cancelled: {cancelled}", reactor.now() - begin));
        });
        stop(world);
        assert_eq!(log.story(), ["after 3s, cancelled: true"]);
    });
}

#[test]
fn a_loop_that_is_stopped_while_it_starts_does_not_wait_for_its_start() {
    simulated(|world| {
        let log = Log::new();
        world.reactor.add_trigger(TriggerPhase::Before, SystemEvent::Startup, |reactor| {
            later(reactor, Duration::from_secs(3600))
        });
        let begun = world.now();
        let noting = log.clone();
        world.reactor.add_trigger(TriggerPhase::Before, SystemEvent::Shutdown, move |reactor| {
            noting.note(format!("{:?}", reactor.now() - begun));
        });
        world.reactor.call_later(Duration::from_secs(1), Reactor::stop);
        run(world);
        assert_eq!(log.story(), ["1s"]);
    });
}

#[test]
fn a_port_tells_when_it_is_closed_whoever_closes_it() {
    everywhere(|mut world| {
        let log = Log::new();
        let [closed, drained] = [(); 2].map(|()| world.listen(|_: &Peer| Log::new().probe()));
        let noting = log.clone();
        closed.closed().finish(move |result| noting.note(format!("closed {}", result.is_ok())));
        let noting = log.clone();
        drained.closed().finish(move |result| noting.note(format!("drained {}", result.is_ok())));
        assert!(closed.close());
        world.settle();
        assert_eq!(log.story(), ["closed true"]);
        let noting = log.clone();
        closed.closed().finish(move |result| noting.note(format!("was closed {}", result.is_ok())));
        stop(world);
        assert_eq!(log.story()[1..], ["was closed true", "drained true"]);
    });
}
