//! One protocol takes another's place.

use std::time::Duration;

use lariat::{CloseReason, Factory, Peer, Protocol, Successor, Transport, Wrapper};
use lariat_tests::harness::{Log, World, ending, everywhere};

/// Listens, connects a silent client, and waits until the connection is made.
fn served_by(world: &mut World, factory: impl Factory) -> Log {
    let client = Log::new();
    let port = world.listen(factory);
    world.connect(&port, client.probe());
    world.until("the connection is made", || client.is_made());
    world.settle();
    client
}

/// A policy that writes down what passes it.
struct Layer<P> {
    name: &'static str,
    log: Log,
    inner: P,
}

impl<P: Protocol> Layer<P> {
    fn new(name: &'static str, log: &Log, inner: P) -> Self {
        Self { name, log: log.clone(), inner }
    }

    fn note(&self, what: &str) {
        self.log.note(format!("{} {what}", self.name));
    }
}

impl<P: Protocol> Wrapper for Layer<P> {
    type Inner = P;

    fn inner(&mut self) -> &mut P {
        &mut self.inner
    }

    fn rewrap(self, successor: Successor) -> Successor {
        self.note("rewraps");
        let inner = Box::new(self.inner).replace(successor).into_protocol();
        Successor::new(Layer { name: self.name, log: self.log, inner })
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.note("sees data");
        self.inner.data_received(transport, data);
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        self.note(&ending(&reason));
        self.inner.connection_lost(transport, reason);
    }
}

#[test]
fn the_successor_gets_the_leftover_and_then_what_follows() {
    everywhere(|mut world| {
        let (first, second) = (Log::new(), Log::new());
        let client = served_by(&mut world, {
            let (first, second) = (first.clone(), second.clone());
            move |_: &Peer| {
                let second = second.clone();
                first.probe().data(move |transport, data| {
                    let end = data.iter().position(|byte| *byte == b'\n').map_or(data.len(), |at| at + 1);
                    assert!(transport.switch_to(second.probe(), &data[end..]));
                    // The old one is in charge until it returns.
                    transport.write(b"switching\n");
                })
            }
        });
        client.transport().write(b"upgrade\nthe rest, ");
        world.until("the leftover is delivered", || second.received() == b"the rest, ");
        client.transport().write(b"and more");
        world.until("what follows is delivered", || second.received() == b"the rest, and more");
        client.transport().close();
        world.until_lost(&[&second, &client]);
        assert_eq!(first.story(), ["made", "data", "dropped"], "it hears no more, not even of the end");
        assert_eq!(second.story(), ["made", "data", "read closed", "lost: Done", "dropped"]);
        assert_eq!(client.received(), b"switching\n");
    });
}

#[test]
fn a_stream_is_cut_nowhere_by_a_switch() {
    everywhere(|mut world| {
        let (first, second) = (Log::new(), Log::new());
        let client = served_by(&mut world, {
            let (first, second) = (first.clone(), second.clone());
            move |_: &Peer| {
                let second = second.clone();
                first.probe().data(move |transport, data| {
                    transport.switch_to(second.probe(), data);
                })
            }
        });
        let sent: Vec<u8> = (0..250_000_u32).flat_map(u32::to_le_bytes).collect();
        client.transport().write(&sent);
        world.until("all of it has arrived", || second.received_len() == sent.len());
        assert!(second.received() == sent);
    });
}

#[test]
fn a_protocol_may_switch_as_soon_as_it_is_made_or_be_switched_from_outside() {
    everywhere(|mut world| {
        let (first, second, third) = (Log::new(), Log::new(), Log::new());
        let client = served_by(&mut world, {
            let (first, second) = (first.clone(), second.clone());
            move |_: &Peer| {
                let second = second.clone();
                first.probe().made(move |transport| {
                    transport.switch_to(second.probe(), b"from the first, ");
                })
            }
        });
        world.until("the second is in charge", || second.has("data"));
        assert_eq!(first.story(), ["made", "dropped"]);
        second.transport().switch_to(third.probe(), b"from outside");
        assert_eq!(second.story(), ["made", "data"], "nothing happens within the call");
        world.until("the third is in charge", || third.received() == b"from outside");
        assert_eq!(second.story(), ["made", "data", "dropped"]);
        client.transport().write(b"!");
        world.until("it gets what is sent", || third.received() == b"from outside!");
    });
}

#[test]
fn what_an_unused_leftover_says_goes_on_to_the_next() {
    everywhere(|mut world| {
        let (first, second, third) = (Log::new(), Log::new(), Log::new());
        let client = served_by(&mut world, {
            let logs = (first.clone(), second.clone(), third.clone());
            move |_: &Peer| {
                let (second, third) = (logs.1.clone(), logs.2.clone());
                logs.0.probe().data(move |transport, data| {
                    let third = third.clone();
                    // It gives way before it gets anything.
                    let second = second.probe().made(move |transport| {
                        transport.switch_to(third.probe(), b"");
                    });
                    transport.switch_to(second, data);
                })
            }
        });
        client.transport().write(b"hello");
        world.until("it has come to the third", || third.received() == b"hello");
        assert_eq!(second.story(), ["made", "dropped"]);
    });
}

#[test]
fn of_two_switches_in_one_callback_the_second_wins() {
    everywhere(|mut world| {
        let (first, second, third) = (Log::new(), Log::new(), Log::new());
        let client = served_by(&mut world, {
            let logs = (first.clone(), second.clone(), third.clone());
            move |_: &Peer| {
                let (second, third) = (logs.1.clone(), logs.2.clone());
                logs.0.probe().data(move |transport, data| {
                    transport.switch_to(second.probe(), data);
                    transport.switch_to(third.probe(), data);
                })
            }
        });
        client.transport().write(b"hello");
        world.until("the third has it", || third.has("data"));
        world.settle();
        assert_eq!(second.story(), ["dropped"], "it was never in charge");
        assert_eq!(third.received(), b"hello");
    });
}

#[test]
fn the_successor_hears_of_an_end_that_was_told_already() {
    everywhere(|mut world| {
        let (first, second) = (Log::new(), Log::new());
        let client = served_by(&mut world, {
            let (first, second) = (first.clone(), second.clone());
            move |_: &Peer| {
                let second = second.clone();
                first.probe().read_closed(move |transport| {
                    transport.switch_to(second.probe(), b"left");
                })
            }
        });
        client.transport().close_write();
        world.until_lost(&[&second, &client]);
        assert_eq!(first.story(), ["made", "read closed", "dropped"]);
        assert_eq!(second.story(), ["made", "data", "read closed", "lost: Done", "dropped"]);
    });
}

#[test]
fn a_switch_on_a_connection_that_is_closing_drops_the_successor() {
    everywhere(|mut world| {
        let (first, second) = (Log::new(), Log::new());
        let client = served_by(&mut world, {
            let (first, second) = (first.clone(), second.clone());
            move |_: &Peer| {
                let second = second.clone();
                first.probe().data(move |transport, data| {
                    transport.close();
                    assert!(!transport.switch_to(second.probe(), data));
                })
            }
        });
        client.transport().write(b"x");
        world.until_lost(&[&first, &client]);
        assert_eq!(first.story(), ["made", "data", "lost: Done", "dropped"]);
        assert_eq!(second.story(), ["dropped"]);
    });
}

#[test]
fn of_a_switch_and_an_end_in_one_callback_exactly_one_protocol_hears_the_end() {
    for abort in [false, true] {
        everywhere(|mut world| {
            let (first, second) = (Log::new(), Log::new());
            let client = served_by(&mut world, {
                let (first, second) = (first.clone(), second.clone());
                move |_: &Peer| {
                    let second = second.clone();
                    first.probe().data(move |transport, data| {
                        transport.switch_to(second.probe(), data);
                        if abort { transport.abort() } else { transport.close() }
                    })
                }
            });
            client.transport().write(b"x");
            world.until_lost(&[&first, &second, &client]);
            let lost = [&first, &second].iter().filter(|log| log.lost().is_some()).count();
            assert_eq!(lost, 1, "{:?} {:?}", first.story(), second.story());
            if second.lost().is_some() {
                assert!(second.has("made"), "the end comes after the beginning: {:?}", second.story());
            }
        });
    }
}

#[test]
fn a_wrapper_outlives_the_protocol_inside_it() {
    everywhere(|mut world| {
        let (layers, first, second) = (Log::new(), Log::new(), Log::new());
        let client = served_by(&mut world, {
            let (layers, first, second) = (layers.clone(), first.clone(), second.clone());
            move |_: &Peer| {
                let second = second.clone();
                let inner = first.probe().data(move |transport, data| {
                    transport.switch_to(second.probe(), data);
                });
                Layer::new("outer", &layers, Layer::new("inner", &layers, inner))
            }
        });
        client.transport().write(b"hello");
        world.until("the second has it", || second.received() == b"hello");
        client.transport().close();
        world.until_lost(&[&second, &client]);
        assert_eq!(
            layers.story(),
            [
                "outer sees data",
                "inner sees data",
                "outer rewraps",
                "inner rewraps",
                "outer sees data",
                "inner sees data",
                "outer Done",
                "inner Done",
            ]
        );
        assert_eq!(first.story(), ["made", "data", "dropped"]);
        assert_eq!(second.story(), ["made", "data", "read closed", "lost: Done", "dropped"]);
    });
}

#[test]
fn a_handle_reaches_the_protocol_through_wrappers_and_boxes_until_it_is_replaced() {
    everywhere(|mut world| {
        let (layers, first, second) = (Log::new(), Log::new(), Log::new());
        let client = served_by(&mut world, {
            let (layers, first) = (layers.clone(), first.clone());
            move |_: &Peer| -> Box<dyn Protocol> {
                let boxed: Box<dyn Protocol> = Box::new(first.probe());
                Box::new(Layer::new("outer", &layers, boxed))
            }
        });
        let handle = first.handle();
        assert!(handle.call(|probe, _| probe.log().note("reached")));
        world.turn(Some(Duration::ZERO));
        assert_eq!(first.story(), ["made", "reached"]);

        struct Other;
        impl Protocol for Other {
            fn data_received(&mut self, _: &Transport, _: &[u8]) {}
        }
        first.transport().switch_to(Other, b"");
        world.settle();
        assert!(first.has("dropped"));
        handle.call(|_, _| unreachable!("another protocol has taken over"));
        world.settle();
        // A handle is to a type: once such a protocol serves again, it reaches that one.
        first.transport().switch_to(second.probe(), b"");
        world.settle();
        handle.call(|probe, _| probe.log().note("reached"));
        world.settle();
        assert_eq!(second.story(), ["made", "reached"]);
        client.transport().close();
        world.until_lost(&[&second, &client]);
    });
}

#[test]
fn protocols_that_hand_over_for_ever_leave_the_others_their_turn() {
    everywhere(|mut world| {
        struct Restless;
        impl Protocol for Restless {
            fn connection_made(&mut self, transport: &Transport) {
                transport.switch_to(Restless, b"");
            }
            fn data_received(&mut self, _: &Transport, _: &[u8]) {}
        }
        let restless = world.listen(|_: &Peer| Restless);
        world.connect(&restless, Log::new().probe());
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        client.transport().write(b"hello");
        world.until("the echo is back", || client.received() == b"hello");
    });
}

#[test]
fn a_paused_connection_stays_paused_through_a_switch() {
    everywhere(|mut world| {
        let (first, second) = (Log::new(), Log::new());
        let client = served_by(&mut world, {
            let (first, second) = (first.clone(), second.clone());
            move |_: &Peer| {
                let second = second.clone();
                first.probe().data(move |transport, data| {
                    transport.pause_reading();
                    transport.switch_to(second.probe(), data);
                })
            }
        });
        client.transport().write(b"hello");
        world.until("the second is in charge", || second.has("made"));
        world.settle();
        assert_eq!(second.story(), ["made"]);
        second.transport().resume_reading();
        world.until("it gets what was left", || second.received() == b"hello");
        assert_eq!(second.story(), ["made", "read resumed", "data"]);
    });
}
