//! Every single call of a session fails once, with every error that it can give.

use std::cell::Cell;

use lariat::testing::{Simulation, secs};
use lariat::{CloseReason, Deferred, Handle, Idle, Once, Peer, Protocol, Result, Transport};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::ending;

/// EINTR, EAGAIN, ENOMEM, ENFILE, EMFILE, ENOSPC, EPIPE, ECONNABORTED, ECONNRESET, ENOBUFS, ENOTCONN, ETIMEDOUT, EHOSTUNREACH.
const ERRORS: [i32; 13] = [4, 11, 12, 23, 24, 28, 32, 103, 104, 105, 107, 110, 113];

/// How much the first client sends, and what the network holds of it: writing blocks.
const LENGTH: usize = 30_000;
const BUFFER: usize = 8_000;

fn byte(place: usize) -> u8 {
    (place.wrapping_mul(31) ^ (place >> 8)).to_le_bytes()[0]
}

/// What becomes of one end.
#[derive(Clone, Debug, Default)]
struct Fate {
    received: usize,
    heard_end: bool,
    reason: Option<String>,
}

struct Echo(Shared<Vec<String>>);

impl Protocol for Echo {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_idle_timeout(Idle::All, Some(secs(20)));
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        self.0.with(|reasons| reasons.push(ending(&reason)));
    }
}

/// Sends so many bytes, and closes once they are back.
struct Client {
    length: usize,
    fate: Shared<Fate>,
}

impl Protocol for Client {
    fn connection_made(&mut self, transport: &Transport) {
        // It sends all of it before it reads any.
        transport.set_backpressure(false);
        transport.set_idle_timeout(Idle::All, Some(secs(20)));
        transport.write_chunk((0..self.length).map(byte).collect::<Vec<_>>());
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        let received = self.fate.with(|fate| {
            let wrong = data.iter().enumerate().position(|(place, seen)| *seen != byte(fate.received + place));
            assert_eq!(wrong, None, "not what was sent, after {} bytes", fate.received);
            fate.received += data.len();
            fate.received
        });
        if received == self.length {
            transport.close();
        }
    }

    fn read_closed(&mut self, transport: &Transport) {
        self.fate.with(|fate| fate.heard_end = true);
        transport.close();
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        self.fate.with(|fate| fate.reason = Some(ending(&reason)));
    }
}

/// Connects and echoes; why there was no connection is a fate too.
fn visit(sim: &Simulation, length: usize) -> Shared<Fate> {
    let fate = Shared::new(Fate::default());
    let client = Client { length, fate: fate.clone() };
    let told = fate.clone();
    let connected: Deferred<Handle<Client>> =
        sim.host("client").reactor().connect("tcp:server:7000:timeout=10", Once::new(client));
    connected.finish(move |connected| {
        if let Err(failure) = connected {
            told.with(|fate| fate.reason = Some(format!("not connected: {failure}")));
        }
    });
    fate
}

/// A client that sends much, and later two more. Gives what became of the first and last one, and of the server's ends; `calls` gets how many
/// calls are made before the last one comes.
fn session(sim: &Simulation, calls: &Cell<u64>) -> Result<Option<(Fate, Fate, Vec<String>)>> {
    sim.faults().latency(1..=3).small_buffers(BUFFER);
    let served = Shared::new(Vec::new());
    let reasons = served.clone();
    let listening = sim.host("server").reactor().listen("tcp:7000", move |_: &Peer| Echo(reasons.clone()));
    if listening.is_err() {
        return Ok(None);
    }
    let first = visit(sim, LENGTH);
    sim.run_until(secs(60))?;
    let second = visit(sim, 10);
    sim.run_until(secs(120))?;
    drop(second);
    sim.note("the last client comes");
    calls.set(sim.calls());
    let last = visit(sim, 10);
    sim.run_until(secs(180))?;
    Ok(Some((first.take(), last.take(), served.take())))
}

/// How many calls an untroubled session makes, and what its course comes to.
fn untroubled_session() -> (u64, u64) {
    let sim = Simulation::new(1);
    let calls = Cell::new(0);
    let (first, last, served) = session(&sim, &calls).expect("nothing is wrong").expect("it listens");
    assert_eq!((first.received, last.received), (LENGTH, 10));
    assert_eq!((first.reason.as_deref(), served), (Some("Done"), vec!["Done".to_owned(); 3]));
    let fingerprint = sim.fingerprint();
    sim.finish().expect("nothing is left");
    (calls.get(), fingerprint)
}

/// Has each call fail with each of the errors. Gives how many did, and what is wrong with the course that it then took, if anything.
fn fail_each(errors: &[i32], judge: impl Fn(i32, Option<(Fate, Fate, Vec<String>)>) -> Option<String>) -> usize {
    let (calls, untroubled) = untroubled_session();
    let mut failed = 0;
    let mut wrong = Vec::new();
    for errno in errors.iter().copied() {
        for call in 1..=calls {
            let sim = Simulation::new(1);
            sim.faults().failing_call(call, errno);
            let came = session(&sim, &Cell::new(0));
            failed += usize::from(sim.fingerprint() != untroubled);
            let went = came.map_err(|error| error.to_string()).and_then(|came| {
                let ended = sim.finish().map_err(|error| error.to_string());
                ended.and(judge(errno, came).map_or(Ok(()), Err))
            });
            if let Err(why) = went {
                wrong.push(format!("call {call}, error {errno}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {failed} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    failed
}

#[test]
fn whatever_call_fails_no_byte_is_lost_in_silence_and_the_next_client_is_served() {
    let failed = fail_each(&ERRORS, |_, came| {
        let (first, last, served) = came?;
        let context = format!("{first:?}, {last:?}, {served:?}");
        if last.received != 10 || last.reason.as_deref() != Some("Done") {
            return Some(format!("the last client was not served: {context}"));
        }
        let Some(reason) = &first.reason else { return Some(format!("it never ended: {context}")) };
        let said = reason != "Done" || served.iter().any(|reason| reason != "Done");
        // Who comes when there are no descriptors is let down with an end and nothing before it.
        let let_down = first.heard_end && first.received == 0 && served.len() == 2;
        (first.received != LENGTH && !said && !let_down)
            .then(|| format!("bytes were lost, and no reason says so: {context}"))
    });
    assert!(failed > 300, "only {failed} calls failed: this tests too little");
    println!("{failed} calls failed");
}

#[test]
fn a_call_that_is_interrupted_or_not_ready_after_all_changes_nothing() {
    fail_each(&[4, 11], |errno, came| {
        let Some((first, last, served)) = came else { return Some("it does not listen".into()) };
        let refused = first.reason.as_deref().is_some_and(|reason| reason.starts_with("not connected"));
        // There is no waiting for a socket that cannot even begin to connect.
        let is_fine = errno == 11 && refused || first.received == LENGTH && first.reason.as_deref() == Some("Done");
        (!is_fine || last.received != 10).then(|| format!("{first:?}, {last:?}, {served:?}"))
    });
}
