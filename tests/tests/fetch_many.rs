//! The client that sends many requests at a time: against the echo example over loopback, and on a network that fails.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::{Simulation, secs};
use lariat::{Peer, Protocol, Reactor, Transport};
use lariat_examples::fetch::{Plan, Summary, fetch_all};
use lariat_tests::child::Child;
use lariat_tests::command::command;
use lariat_tests::downstream::Shared;
use lariat_tests::examples::example;
use rustix::process::Signal;

struct Echo(Rc<Cell<usize>>);

impl Protocol for Echo {
    fn connection_made(&mut self, _: &Transport) {
        self.0.set(self.0.get() + 1);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

/// Has `client` ask a hundred times, at most ten at a time, and gives what becomes of that.
fn fetch(client: &Reactor, plan: Plan) -> (Rc<Cell<usize>>, Shared<Option<Summary>>) {
    let (done, outcome) = (Rc::new(Cell::new(0)), Shared::new(None));
    let (counted, slot) = (done.clone(), outcome.clone());
    let lines = (0..100).map(|number| format!("line {number}"));
    let fetching = fetch_all(client, plan, lines, move || counted.set(counted.get() + 1));
    fetching.finish(move |summary| slot.with(|slot| *slot = summary.ok()));
    (done, outcome)
}

fn plan() -> Plan {
    Plan { endpoint: "tcp:server:7000".parse().expect("it is one"), at_once: 10, attempts: 5, timeout: secs(5) }
}

#[test]
fn every_request_is_answered_so_many_at_a_time() {
    Simulation::check(1..=10, |sim: &Simulation| {
        sim.faults().latency(50..=50).short_reads();
        let accepted = Rc::new(Cell::new(0));
        let counted = accepted.clone();
        let server = sim.host("server").reactor();
        server.listen("tcp:7000", move |_: &Peer| Echo(counted.clone()))?;
        let (done, outcome) = fetch(&sim.host("client").reactor(), plan());
        let most = Rc::new(Cell::new(0));
        for tenth in 0..100 {
            let (server, most) = (server.clone(), most.clone());
            sim.at(Duration::from_millis(tenth * 100 + 1), move |_| {
                most.set(most.get().max(server.stats().connections));
            });
        }
        sim.run_until(secs(60))?;
        let summary = outcome.take().expect("it comes to its end");
        assert_eq!((summary.ok(), summary.retries(), done.get(), accepted.get()), (100, 0, 100, 100));
        // Those that close may still be there when the next ones come.
        assert!((5..=20).contains(&most.get()), "{} at a time", most.get());
        // A round trip to connect, one to ask.
        assert!(summary.latency(50).is_some_and(|latency| latency >= Duration::from_millis(150)), "{summary}");
        Ok(())
    });
}

#[test]
fn what_fails_is_tried_again_and_then_told_by_kind() {
    Simulation::check(1..=10, |sim: &Simulation| {
        sim.faults().latency(1..=30).resets(0.05).refused_connects(0.2);
        let server = sim.host("server").reactor();
        server.listen("tcp:7000", |_: &Peer| Echo(Rc::default()))?;
        let (done, outcome) = fetch(&sim.host("client").reactor(), plan());
        sim.run_until(secs(600))?;
        let summary = outcome.take().expect("it comes to its end");
        assert!(summary.retries() > 5 && summary.ok() > 80, "{summary}");
        assert_eq!((summary.ok() + summary.failures().values().sum::<usize>(), done.get()), (100, 100));
        Ok(())
    });
}

#[test]
fn nobody_there_is_told_for_every_request() {
    Simulation::check(1..=3, |sim: &Simulation| {
        sim.host("server");
        let (_, outcome) = fetch(&sim.host("client").reactor(), plan());
        sim.run_until(secs(600))?;
        let summary = outcome.take().expect("it comes to its end");
        assert_eq!((summary.ok(), summary.retries()), (0, 400));
        let reasons: Vec<_> = summary.failures().iter().collect();
        let [(reason, 100)] = reasons[..] else { panic!("{summary}") };
        assert!(reason.ends_with(": Connection refused (os error 111)"), "{summary}");
        assert_eq!(summary.latency(50), None);
        Ok(())
    });
}

#[test]
fn the_program_asks_the_echo_example() {
    let echo = example("echo");
    let fetch_many = example("fetch_many");
    let mut server = Child::start(echo.to_str().expect("a path of ours"), &["tcp:0:interface=127.0.0.1"]);
    let line = server.line();
    let endpoint = line.strip_prefix("listening on ").expect("it tells where");
    let output = command(fetch_many).args(["--requests", "700", "--at-once", "300", endpoint]).output();
    let output = output.expect("the program starts");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.starts_with("ok: 700\ntried again: 0\nlatency: half within "), "{printed}");
    assert_eq!(output.stderr, b"", "no bar where there is no terminal");
    server.signal(Signal::TERM);
    assert!(server.end().status.success());
}
