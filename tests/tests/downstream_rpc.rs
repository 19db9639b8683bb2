//! Requests are answered in any order, in time or not at all, and every one hears which.

use std::time::Duration;

use lariat::testing::Notes;
use lariat::{Deferred, Failure, Protocol, Reactor, Transport};
use lariat_tests::downstream::Shared;
use lariat_tests::downstream::rpc::{Client, MAX_PAYLOAD, Reply, Responder, Server, TooLong};
use lariat_tests::downstream::support::{LOOPBACK, run};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(5);

fn text(reply: Result<Reply, Failure>) -> String {
    match reply {
        Ok(payload) => String::from_utf8_lossy(&payload).into_owned(),
        Err(failure) => failure.to_string(),
    }
}

/// Sends the requests at once when connected, notes the replies, and stops when all have come.
fn ask_all(reactor: &Reactor, description: &str, requests: &'static [(&'static str, Duration)]) -> Notes {
    let journal = Notes::new();
    let (replies, handle) = (journal.clone(), reactor.clone());
    let asked = Client::connect(reactor, description).and_then(move |client| {
        let ask = |(request, timeout): &(&'static str, Duration)| {
            let (request, replies) = (*request, replies.clone());
            let reply = client.ask(request.as_bytes()).timeout(*timeout);
            reply.map_result(move |reply| {
                replies.note(format!("{request}: {}", text(reply)));
                Ok(())
            })
        };
        Deferred::gather(&handle, requests.iter().map(ask))
    });
    let stop = reactor.clone();
    asked.finish(move |asked| {
        asked.expect("the description is right");
        stop.stop();
    });
    journal
}

#[test]
fn answers_find_their_requests_in_whatever_order_they_come() {
    let reactor = Reactor::new().unwrap();
    let held: Shared<Vec<(Vec<u8>, Responder)>> = Shared::default();
    // Answers each batch of three backwards.
    let server = Server::new(move |request, responder| {
        held.with(|held| held.push((request.to_vec(), responder)));
        if held.with(|held| held.len()) == 3 {
            for (request, responder) in held.take().into_iter().rev() {
                responder.answer(&[&request[..], b"!"].concat());
            }
        }
    });
    let port = reactor.listen(LOOPBACK, server).unwrap();
    let journal = ask_all(&reactor, &port.address().to_string(), &[("one", LONG), ("two", LONG), ("three", LONG)]);
    run(reactor);
    assert_eq!(journal.take(), ["three: three!", "two: two!", "one: one!"]);
}

#[test]
fn a_request_without_an_answer_times_out_and_the_others_do_not() {
    let reactor = Reactor::new().unwrap();
    let server = Server::new(|request, responder| {
        if request != b"silence" {
            responder.answer(b"yes");
        }
    });
    let port = reactor.listen(LOOPBACK, server).unwrap();
    let description = port.address().to_string();
    let journal = ask_all(&reactor, &description, &[("silence", SHORT), ("one", LONG)]);
    run(reactor);
    let mut notes = journal.take();
    notes.sort();
    assert_eq!(notes, ["one: yes", "silence: no result within 5ms"]);
}

#[test]
fn requests_in_flight_hear_that_the_connection_is_lost() {
    let reactor = Reactor::new().unwrap();
    let server = Server::new(|request, responder| {
        if request == b"last" {
            responder.transport().abort();
        }
    });
    let port = reactor.listen(LOOPBACK, server).unwrap();
    let journal = ask_all(&reactor, &port.address().to_string(), &[("first", LONG), ("last", LONG)]);
    run(reactor);
    let notes = journal.take();
    assert!(notes[0].starts_with("first: the connection was lost: "), "{notes:?}");
    assert!(notes[1].starts_with("last: the connection was lost: "), "{notes:?}");
}

#[test]
fn a_request_after_the_end_hears_that_it_was_not_sent() {
    let (reactor, journal) = (Reactor::new().unwrap(), Notes::new());
    let port = reactor.listen(LOOPBACK, Server::new(|_, responder| responder.transport().abort())).unwrap();
    let (notes, stop) = (journal.clone(), Reactor::clone(&reactor));
    let asked = Client::connect(&reactor, &port.address().to_string())
        .and_then(|client| client.ask(b"first").then(move |_| client.ask(b"second")));
    asked.finish(move |reply| {
        notes.note(text(reply));
        stop.stop();
    });
    run(reactor);
    assert_eq!(journal.take(), ["the connection has ended"]);
}

#[test]
fn a_request_that_timed_out_is_forgotten() {
    let (reactor, journal) = (Reactor::new().unwrap(), Notes::new());
    let port = reactor.listen(LOOPBACK, Server::new(|_, _| {})).unwrap();
    let (notes, stop) = (journal.clone(), Reactor::clone(&reactor));
    let asked = Client::connect(&reactor, &port.address().to_string())
        .and_then(|client| client.ask(b"silence").timeout(SHORT).then(move |_| client.pending()));
    asked.finish(move |pending| {
        notes.note(format!("{pending:?}"));
        stop.stop();
    });
    run(reactor);
    assert_eq!(journal.take(), ["Ok(0)"]);
}

#[test]
fn a_request_that_is_too_long_is_not_sent() {
    let (reactor, journal) = (Reactor::new().unwrap(), Notes::new());
    let port = reactor.listen(LOOPBACK, Server::new(|_, responder| responder.answer(b"yes"))).unwrap();
    let (notes, stop) = (journal.clone(), Reactor::clone(&reactor));
    let asked = Client::connect(&reactor, &port.address().to_string()).and_then(|client| {
        client.ask(&vec![0; MAX_PAYLOAD + 1]).or_else(move |failure| {
            assert!(failure.is::<TooLong>());
            client.ask(b"short")
        })
    });
    asked.finish(move |reply| {
        notes.note(text(reply));
        stop.stop();
    });
    run(reactor);
    assert_eq!(journal.take(), ["yes"]);
}

/// Says something that is no frame.
struct Nonsense;

impl Protocol for Nonsense {
    fn data_received(&mut self, transport: &Transport, _: &[u8]) {
        transport.write(&[0xff; 8]);
    }
}

#[test]
fn an_answer_that_cannot_be_understood_ends_the_connection_with_the_reason() {
    let reactor = Reactor::new().unwrap();
    let port = reactor.listen(LOOPBACK, |_: &lariat::Peer| Nonsense).unwrap();
    let journal = ask_all(&reactor, &port.address().to_string(), &[("hello", LONG)]);
    run(reactor);
    let notes = journal.take().concat();
    assert_eq!(
        notes,
        "hello: the connection was failed: a payload of 4294967295 bytes was announced, and 65536 are allowed"
    );
}
