//! Members of the chat room hear each other, and one that does not read harms nobody.

use std::rc::Rc;

use lariat::testing::Notes;
use lariat::{Once, Protocol, PullProducer, Reactor, Transport};
use lariat_tests::downstream::chat::Chat;
use lariat_tests::downstream::support::{LOOPBACK, LineClient, run};

/// Opens the room and says where.
fn open(reactor: &Reactor) -> Rc<str> {
    reactor.listen(LOOPBACK, Chat::default()).expect("a port is free").address().to_string().into()
}

/// Has a client come whose every line is shown to `line_received`.
fn come(reactor: &Reactor, room: &str, line_received: impl FnMut(&Transport, &str) + 'static) {
    reactor.connect(room, Once::new(LineClient::new(line_received))).detach();
}

#[test]
fn members_hear_each_other_come_speak_rename_and_go() {
    let (reactor, journal) = (Reactor::new().unwrap(), Notes::new());
    let room = open(&reactor);
    let (first, notes) = (room.clone(), journal.clone());
    // Each answers to what it hears, so everything has one order.
    come(&reactor, &room, move |transport, line| {
        notes.note(line);
        match line {
            "* welcome, guest1" => {
                come(transport.reactor(), &first, |transport, line| {
                    let answer = match line {
                        "* welcome, guest2" => "/nick bob\n",
                        "* guest2 is now bob" => "hello\n",
                        "<guest1> goodbye" => "/quit\n",
                        _ => return,
                    };
                    transport.write(answer.as_bytes());
                });
            }
            "<bob> hello" => {
                transport.write(b"goodbye\n");
            }
            "* bob has gone" => transport.reactor().stop(),
            _ => {}
        }
    });
    run(reactor);
    let expected =
        ["", "* welcome, guest1", "* guest2 has come", "* guest2 is now bob", "<bob> hello", "* bob has gone"];
    assert_eq!(journal.take(), expected);
}

/// Never reads.
struct Deaf;

impl Protocol for Deaf {
    fn connection_made(&mut self, transport: &Transport) {
        transport.pause_reading();
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

/// Talks without end.
struct Talk(Vec<u8>);

impl PullProducer for Talk {
    fn produce(&mut self, transport: &Transport) {
        transport.write(&self.0);
    }
}

#[test]
fn a_member_that_does_not_read_is_put_out_and_the_room_goes_on() {
    let (reactor, journal) = (Reactor::new().unwrap(), Notes::new());
    let room = open(&reactor);
    let (notes, others) = (journal.clone(), room.clone());
    come(&reactor, &room, move |transport, line| match line {
        "* welcome, guest1" => transport.reactor().connect(&others, Once::new(Deaf)).detach(),
        "* guest2 has come" => {
            come(transport.reactor(), &others, |transport, line| {
                if line.is_empty() {
                    let mut speech = vec![b'x'; 8 * 1024];
                    speech.push(b'\n');
                    transport.register_pull_producer(Talk(speech));
                }
            });
        }
        line if line.starts_with('*') => {
            notes.note(line);
            if line == "* guest2 has gone" {
                transport.reactor().stop();
            }
        }
        _ => {}
    });
    run(reactor);
    assert_eq!(journal.take(), ["* guest3 has come", "* guest2 has gone"]);
}
