//! A panic in user code ends what it was in, and nothing else.

use std::time::Duration;

use lariat::{Bytes, Factory, Idle, Peer, Protocol, PullProducer, Transport};
use lariat_tests::harness::{Log, Probe, World, everywhere, in_clear};

/// Panics when it is dropped.
struct Trap;

impl AsRef<[u8]> for Trap {
    fn as_ref(&self) -> &[u8] {
        &[7; 1000]
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        panic!("a drop panics");
    }
}

/// Somebody else, whom no panic may harm.
struct Bystander {
    client: Log,
}

impl Bystander {
    fn new(world: &mut World) -> Self {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        Self { client }
    }

    /// Checks that it is as well as before, and timers too.
    #[track_caller]
    fn is_well(&self, world: &mut World) {
        let before = self.client.received_len();
        self.client.transport().write(b"well?");
        world.until("the bystander has its echo", || self.client.received_len() == before + 5);
        world.pass(Duration::from_millis(1));
    }
}

/// Makes a connection whose server panics where `arm` lets it, has `provoke` bring it there, and looks what comes of it.
#[track_caller]
fn panicking(
    world: &mut World,
    arm: impl FnOnce(Probe) -> Probe,
    provoke: impl FnOnce(&mut World, &Log, &Log),
    end: &str,
) {
    let bystander = Bystander::new(world);
    let (server, client) = (Log::new(), Log::new());
    let port = world.listen(lariat::Once::new(arm(server.probe())));
    world.connect(&port, client.probe());
    // A server that panics at once may have reset the connection before the client knows of it.
    world.until("the client is connected", || client.is_made() || client.has("dropped"));
    provoke(world, &server, &client);
    world.until_lost(&[&server, &client]);
    assert_eq!(server.count("dropped"), 1);
    assert_eq!(server.lost().as_deref(), Some(end), "{:?}", server.story());
    bystander.is_well(world);
}

#[test]
fn a_panic_in_connection_made_ends_the_connection() {
    everywhere(|mut world| {
        panicking(&mut world, |probe| probe.made(|_| panic!("made")), |_, _, _| {}, "Panicked");
    });
}

#[test]
fn a_panic_in_data_received_ends_the_connection_and_what_it_wrote_is_void() {
    everywhere(|mut world| {
        let clients = Log::new();
        let seen = clients.clone();
        let arm = |probe: Probe| {
            probe.data(|transport, _| {
                transport.write(b"half an ans");
                panic!("data");
            })
        };
        let provoke = move |_: &mut World, _: &Log, client: &Log| {
            client.transport().write(b"x");
            seen.note(format!("{:?}", client.received()));
        };
        panicking(&mut world, arm, provoke, "Panicked");
        assert_eq!(clients.story(), ["[]"]);
    });
}

#[test]
fn a_panic_in_read_closed_ends_the_connection() {
    everywhere(|mut world| {
        let arm = |probe: Probe| probe.read_closed(|_| panic!("read closed"));
        panicking(&mut world, arm, |_, _, client| client.transport().close_write(), "Panicked");
    });
}

#[test]
fn a_panic_in_read_resumed_ends_the_connection() {
    everywhere(|mut world| {
        let arm = |probe: Probe| probe.made(Transport::pause_reading).read_resumed(|_| panic!("read resumed"));
        let provoke = |world: &mut World, server: &Log, _: &Log| {
            world.until("the server is connected", || server.is_made());
            server.transport().resume_reading();
        };
        panicking(&mut world, arm, provoke, "Panicked");
    });
}

#[test]
fn a_panic_at_a_mark_ends_the_connection() {
    let fill = |world: &mut World, server: &Log, client: &Log| {
        client.transport().pause_reading();
        world.until("the server is connected", || server.is_made());
        while server.transport().is_open() && server.transport().queued() < 1 << 20 {
            server.transport().write(&[b'x'; 50_000]);
            world.turn(Some(Duration::ZERO));
        }
        client.transport().resume_reading();
    };
    everywhere(|mut world| {
        panicking(&mut world, |probe| probe.write_paused(|_| panic!("paused")), fill, "Panicked");
    });
    everywhere(|mut world| {
        panicking(&mut world, |probe| probe.write_resumed(|_| panic!("resumed")), fill, "Panicked");
    });
}

#[test]
fn a_panic_in_timed_out_ends_the_connection() {
    everywhere(|mut world| {
        let arm = |probe: Probe| {
            probe
                .made(|transport| transport.set_idle_timeout(Idle::Read, Some(Duration::from_millis(1))))
                .timed_out(|_, _| panic!("timed out"))
        };
        panicking(&mut world, arm, |_, _, _| {}, "Panicked");
    });
}

#[test]
fn a_panic_in_connection_lost_harms_nobody() {
    everywhere(|mut world| {
        let arm = |probe: Probe| probe.lost(|_| panic!("lost"));
        panicking(&mut world, arm, |_, _, client| client.transport().close(), "Done");
    });
}

#[test]
fn a_second_panic_while_the_first_is_told_harms_nobody() {
    everywhere(|mut world| {
        let arm = |probe: Probe| probe.data(|_, _| panic!("data")).lost(|_| panic!("lost"));
        panicking(
            &mut world,
            arm,
            |_, _, client| {
                client.transport().write(b"x");
            },
            "Panicked",
        );
    });
}

#[test]
fn a_panic_in_the_drop_of_a_protocol_harms_nobody() {
    everywhere(|mut world| {
        let trap = Trap;
        let arm = move |probe: Probe| {
            probe.lost(move |_| {
                let _ = &trap;
            })
        };
        panicking(&mut world, arm, |_, _, client| client.transport().close(), "Done");
    });
}

#[test]
fn a_panic_in_a_call_through_a_handle_ends_the_connection() {
    everywhere(|mut world| {
        let provoke = |world: &mut World, server: &Log, _: &Log| {
            world.until("the server is connected", || server.is_made());
            server.handle().call(|_, transport| {
                transport.write(b"half a thought");
                panic!("a call");
            });
        };
        panicking(&mut world, |probe| probe, provoke, "Panicked");
    });
}

#[test]
fn a_panic_in_a_producer_ends_the_connection() {
    everywhere(|mut world| {
        struct Broken;
        impl PullProducer for Broken {
            fn produce(&mut self, _: &Transport) {
                panic!("produce");
            }
            fn stop(&mut self) {
                panic!("stop");
            }
        }
        let arm = |probe: Probe| probe.made(|transport| assert!(transport.register_pull_producer(Broken)));
        panicking(&mut world, arm, |_, _, _| {}, "Panicked");
    });
}

#[test]
fn a_panic_when_a_producer_is_stopped_harms_nobody() {
    everywhere(|mut world| {
        struct Broken(Trap);
        impl PullProducer for Broken {
            fn produce(&mut self, _: &Transport) {
                let _ = &self.0;
            }

            fn stop(&mut self) {
                panic!("stop");
            }
        }
        let bystander = Bystander::new(&mut world);
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.transport().register_pull_producer(Broken(Trap));
        world.turn(Some(Duration::ZERO));
        client.transport().close();
        world.until_lost(&[&server, &client]);
        assert_eq!(server.count("lost: Done") + server.count("lost: Panicked"), 1, "{:?}", server.story());
        bystander.is_well(&mut world);
    });
}

#[test]
fn a_panic_in_a_factory_refuses_one_connection_and_the_port_goes_on() {
    in_clear(|mut world| {
        struct Moody {
            asked: u32,
            server: Log,
        }
        impl Factory for Moody {
            type Protocol = Probe;
            fn build_protocol(&mut self, _: &Peer) -> Option<Probe> {
                self.asked += 1;
                assert_ne!(self.asked, 1, "the factory panics");
                Some(self.server.probe().echo())
            }
        }
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen(Moody { asked: 0, server: server.clone() });
        world.connect(&port, client.probe());
        world.until_lost(&[&client]);
        assert_eq!(client.lost().as_deref(), Some("Done"));
        world.connect(
            &port,
            client.probe().made(|transport| {
                transport.write(b"hello");
            }),
        );
        world.until("the second has its echo", || client.received() == b"hello");
    });
}

#[test]
fn a_panic_in_the_factory_of_a_client_closes_the_connection() {
    in_clear(|mut world| {
        let bystander = Bystander::new(&mut world);
        let server = Log::new();
        let port = world.listen(lariat::Once::new(server.probe()));
        let factory = |_: &Peer| -> Probe { panic!("the factory panics") };
        world.reactor.connect(&port.address().to_string(), factory).detach();
        world.until_lost(&[&server]);
        bystander.is_well(&mut world);
    });
}

#[test]
fn a_panic_in_the_drop_of_a_factory_harms_nobody() {
    everywhere(|mut world| {
        let bystander = Bystander::new(&mut world);
        let trap = Trap;
        let port = world.listen(move |_: &Peer| {
            let _ = &trap;
            Log::new().probe()
        });
        port.close();
        world.turn(Some(Duration::ZERO));
        bystander.is_well(&mut world);
    });
}

#[test]
fn a_panic_in_a_delayed_call_harms_nobody() {
    everywhere(|mut world| {
        let bystander = Bystander::new(&mut world);
        let log = Log::new();
        for name in ["before", "panics", "after"] {
            let log = log.clone();
            world.reactor.call_later(Duration::ZERO, move |_| {
                assert_ne!(name, "panics", "a call panics");
                log.note(name);
            });
        }
        world.turn(None);
        assert_eq!(log.story(), ["before", "after"]);
        bystander.is_well(&mut world);
    });
}

#[test]
fn a_panic_in_the_drop_of_a_cancelled_call_harms_nobody() {
    everywhere(|mut world| {
        let bystander = Bystander::new(&mut world);
        let trap = Trap;
        let call = world.reactor.call_later(Duration::from_secs(1), move |_| drop(trap));
        assert!(call.cancel());
        assert!(!call.is_active());
        bystander.is_well(&mut world);
    });
}

#[test]
fn panics_in_the_drops_of_chunks_harm_nobody() {
    in_clear(|mut world| {
        let bystander = Bystander::new(&mut world);
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let chunk = || Bytes::from_owner(Trap);
        // One that is sent.
        server.transport().write_chunk(chunk());
        world.until("it has arrived", || client.received_len() == 1000);
        // Two that are not.
        client.transport().pause_reading();
        while server.transport().queued() == 0 {
            server.transport().write(&[b'x'; 50_000]);
            world.turn(Some(Duration::ZERO));
        }
        for _ in 0..2 {
            server.transport().write_chunk(chunk());
        }
        server.transport().abort();
        world.until_lost(&[&server]);
        assert_eq!(server.lost().as_deref(), Some("Aborted"));
        bystander.is_well(&mut world);
    });
}

#[test]
fn a_panic_with_a_value_that_panics_in_its_drop_harms_nobody() {
    everywhere(|mut world| {
        let arm = |probe: Probe| probe.data(|_, _| std::panic::panic_any(Trap));
        panicking(
            &mut world,
            arm,
            |_, _, client| {
                client.transport().write(b"x");
            },
            "Panicked",
        );
    });
}

#[test]
fn a_panic_after_a_switch_ends_the_connection_for_the_protocol_that_panicked() {
    everywhere(|mut world| {
        let successor = Log::new();
        let next = successor.clone();
        let arm = move |probe: Probe| {
            probe.data(move |transport, data| {
                transport.switch_to(next.probe(), data);
                panic!("after all");
            })
        };
        panicking(
            &mut world,
            arm,
            |_, _, client| {
                client.transport().write(b"x");
            },
            "Panicked",
        );
        assert_eq!(successor.story(), ["dropped"]);
    });
}

#[test]
fn a_panic_in_the_drop_of_a_protocol_that_was_switched_away_from_ends_the_connection() {
    everywhere(|mut world| {
        struct Old(Log, Trap);
        impl Protocol for Old {
            fn data_received(&mut self, transport: &Transport, data: &[u8]) {
                let _ = &self.1;
                transport.switch_to(self.0.probe(), data);
            }
        }
        let bystander = Bystander::new(&mut world);
        let (new, client) = (Log::new(), Log::new());
        let port = world.listen(lariat::Once::new(Old(new.clone(), Trap)));
        world.connect(&port, client.probe());
        world.until("the client is connected", || client.is_made());
        client.transport().write(b"hello");
        world.until("it is over either way", || new.received() == b"hello" || client.has("dropped"));
        bystander.is_well(&mut world);
    });
}

#[test]
fn a_loop_outlives_a_panic_in_every_connection() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen({
            let server = server.clone();
            move |_: &Peer| server.probe().data(|_, _| panic!("each of them"))
        });
        for _ in 0..20 {
            world.connect(
                &port,
                client.probe().made(|transport| {
                    transport.write(b"x");
                }),
            );
        }
        world.until("all have ended", || client.count("dropped") == 20 && server.count("dropped") == 20);
        assert_eq!(server.count("lost: Panicked"), 20);
    });
}

#[test]
fn two_panics_in_the_drops_of_triggers_harm_nobody() {
    everywhere(|world| {
        for _ in 0..2 {
            let trap = Trap;
            world.reactor.add_trigger(lariat::TriggerPhase::Before, lariat::SystemEvent::Shutdown, move |_| drop(trap));
        }
        drop(world);
    });
}
