//! The server in a simulation with faults: what a client understood of a response is whole and right.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::Simulation;
use lariat::{Once, Protocol, Transport};
use lariat_protocols::http::{BodyLength, ClientConnection, Fields, Limits, ResponseEvent, Status};

use crate::site::server;

/// Posts bodies one after the other to be echoed, and compares.
struct Client {
    connection: ClientConnection,
    body: Vec<u8>,
    asked: usize,
    answered: Rc<Cell<usize>>,
    lengths: Vec<usize>,
    may_be_late: bool,
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|place| b'a' + u8::try_from(place % 26).unwrap_or_default()).collect()
}

impl Client {
    fn ask(&mut self, transport: &Transport) {
        let Some(length) = self.lengths.get(self.asked).copied() else { return transport.close() };
        self.asked += 1;
        let mut out = Vec::new();
        let sent = self.connection.request("POST", "/echo", "a", &Fields::new(), BodyLength::Chunked, &mut out);
        let mut encoder = sent.expect("the connection is idle");
        for piece in content(length).chunks(1000) {
            out.extend_from_slice(encoder.before(piece.len()).expect("it is chunked").as_ref());
            out.extend_from_slice(piece);
            out.extend_from_slice(encoder.after());
        }
        encoder.end(&Fields::new(), &mut out).expect("it is chunked");
        transport.write(&out);
    }
}

impl Protocol for Client {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_backpressure(false);
        self.ask(transport);
    }

    fn data_received(&mut self, transport: &Transport, mut data: &[u8]) {
        loop {
            match self.connection.next(&mut data).expect("the server speaks HTTP") {
                // The network was away for longer than a server waits.
                Some(ResponseEvent::Head(head)) if self.may_be_late && head.status() == Status::REQUEST_TIMEOUT => {
                    return transport.close();
                }
                Some(ResponseEvent::Head(head)) => assert_eq!(head.status(), Status::OK),
                Some(ResponseEvent::Data(data)) => self.body.extend_from_slice(data),
                Some(ResponseEvent::End(_)) => {
                    assert_eq!(std::mem::take(&mut self.body), content(self.lengths[self.asked - 1]));
                    self.answered.set(self.answered.get() + 1);
                    return self.ask(transport);
                }
                Some(other) => panic!("nobody asked for {other:?}"),
                None => return,
            }
        }
    }
}

fn session(simulation: &Simulation, may_be_late: bool) -> lariat::Result<(Rc<Cell<usize>>, usize)> {
    simulation.host("server").reactor().listen("tcp:80", server())?;
    let answered = Rc::new(Cell::new(0));
    let lengths = vec![0, 1, 100, 5_000, 60_000, 200_000, 3];
    let expected = 4 * lengths.len();
    for _ in 0..4 {
        let client = Client {
            connection: ClientConnection::new(Limits::default().into()),
            body: Vec::new(),
            asked: 0,
            answered: answered.clone(),
            lengths: lengths.clone(),
            may_be_late,
        };
        simulation.host("client").reactor().connect("tcp:server:80", Once::new(client)).finish(drop);
    }
    Ok((answered, expected))
}

#[test]
fn every_body_is_echoed_whole_over_a_network_that_cuts_and_delays() {
    Simulation::check(0..30, |simulation| {
        let (answered, expected) = session(simulation, false)?;
        simulation.faults().latency(1..=50).short_reads().short_writes().reordered_readiness().small_buffers(4096);
        simulation.run_until(Duration::from_secs(600))?;
        assert_eq!(answered.get(), expected);
        Ok(())
    });
}

#[test]
fn no_wrong_body_is_ever_understood_over_a_network_that_breaks() {
    let total = Cell::new(0);
    Simulation::check(0..30, |simulation| {
        let (answered, _) = session(simulation, true)?;
        simulation.faults().latency(1..=50).short_reads().short_writes().small_buffers(4096).resets(0.01);
        simulation.faults().partition("client", "server", Duration::from_secs(1)..Duration::from_secs(20));
        simulation.run_until(Duration::from_secs(600))?;
        total.set(total.get() + answered.get());
        Ok(())
    });
    assert!(total.get() > 0, "some were answered");
}
