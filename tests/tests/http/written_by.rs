//! Bodies and events that async functions write.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::Failure;
use lariat_protocols::http::testing::{TestClient, TestRequest};
use lariat_protocols::http::{Body, Event, Fields, Request, Response};

/// Counts how many of its kind there are.
struct Alive(Rc<Cell<usize>>);

impl Alive {
    fn new(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[test]
fn the_body_ends_when_its_function_is_done() {
    let mut client = TestClient::new(|request: &mut Request<'_>| {
        let reactor = request.reactor().clone();
        Response::text(Body::written_by(async move |body| {
            for number in 0..3 {
                body.write(format!("{number} "));
                reactor.sleep(Duration::from_secs(1)).await?;
            }
            Ok::<_, Failure>(())
        }))
    });
    client.start(TestRequest::get("/"));
    client.advance(Duration::from_millis(1500));
    assert_eq!(client.received().map(|response| response.text().to_owned()).as_deref(), Some("0 1 "));
    client.advance(Duration::from_millis(1500));
    assert_eq!(client.response().map(|response| response.text().to_owned()).as_deref(), Some("0 1 2 "));
    assert!(client.wire().is_some_and(|wire| wire.is_open()), "the connection goes on");
}

#[test]
fn what_it_ends_itself_with_trailers_is_ended_once() {
    let mut client = TestClient::new(|_: &mut Request<'_>| {
        Response::text(Body::written_by(async |body| {
            body.write("text");
            let mut trailers = Fields::new();
            trailers.append("X-Sum", "4")?;
            body.finish_with_trailers(&trailers);
            Ok::<_, Failure>(())
        }))
    });
    for _ in 0..2 {
        let response = client.get("/");
        assert_eq!((response.text(), response.trailers().get("X-Sum")), ("text", Some(&b"4"[..])));
    }
}

#[test]
fn an_error_ends_the_connection_before_the_body_has_ended() {
    let mut client = TestClient::new(|_: &mut Request<'_>| {
        Response::text(Body::written_by(async |body| {
            body.write("not all of it");
            Err(Failure::new("that was not planned"))
        }))
    });
    client.start(TestRequest::get("/"));
    let wire = client.wire().expect("it is connected");
    let written = String::from_utf8(wire.take_written()).expect("it is text");
    assert!(written.ends_with("\r\n\r\nd\r\nnot all of it\r\n"), "{written}");
    assert!(wire.was_reset());
}

#[test]
fn the_function_is_dropped_where_it_waits_when_the_client_goes() {
    let (count, woken) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (counted, waking) = (count.clone(), woken.clone());
    let mut client = TestClient::new(move |request: &mut Request<'_>| {
        let (alive, reactor, waking) = (Alive::new(&counted), request.reactor().clone(), waking.clone());
        Response::events_by(async move |events| {
            let _alive = alive;
            while events.ready().await {
                events.send(&Event::new("tick"));
                reactor.sleep(Duration::from_secs(1)).await?;
                waking.set(waking.get() + 1);
            }
            Ok::<_, Failure>(())
        })
    });
    client.start(TestRequest::get("/"));
    client.advance(Duration::from_secs(3));
    assert_eq!((count.get(), woken.get()), (1, 3));
    client.wire().expect("it is connected").reset();
    client.advance(Duration::from_secs(3));
    assert_eq!((count.get(), woken.get()), (0, 3));
}

#[test]
fn it_writes_no_faster_than_the_client_reads() {
    const PIECE: usize = 16 * 1024;
    let pieces = Rc::new(Cell::new(0));
    let written = pieces.clone();
    let mut client = TestClient::new(move |_: &mut Request<'_>| {
        let written = written.clone();
        Response::bytes(Body::written_by(async move |body| {
            while body.ready().await && written.get() < 1000 {
                body.write([0; PIECE]);
                written.set(written.get() + 1);
            }
            Ok::<_, Failure>(())
        }))
    });
    client.get("/missing-nothing").body();
    pieces.set(0);
    client.wire().expect("it is connected").peer_takes(PIECE);
    client.start(TestRequest::get("/"));
    assert!((2..10).contains(&pieces.get()), "{}", pieces.get());
    client.wire().expect("it is connected").peer_takes_all();
    assert_eq!(client.response().expect("it is whole").body().len(), 1000 * PIECE);
}

#[test]
fn events_end_in_good_order_when_their_function_is_done_or_fails() {
    for fails in [false, true] {
        let mut client = TestClient::new(move |_: &mut Request<'_>| {
            Response::events_by(async move |events| {
                events.send(&Event::new("last"));
                if fails { Err(Failure::new("that was not planned")) } else { Ok(()) }
            })
        });
        let response = client.get("/");
        assert_eq!((response.text(), response.header("Content-Type")), ("data: last\n\n", Some("text/event-stream")));
        assert!(client.wire().is_some_and(|wire| wire.is_open()));
    }
}
