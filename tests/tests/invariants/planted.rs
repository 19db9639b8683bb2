//! A server that breaks every invariant: each check has to fail with it.

use std::fs;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use lariat::testing::invariants::{
    Claim, Datagram, Destination, Encoder, LayerChange, Planted, Probe, State, Stranger, Subject, Visit,
    check_deadlines, check_destinations, check_folder, check_full_port, check_layers, check_leftovers, check_logs,
    check_meaning, check_memory, check_shares, check_strangers, check_visits,
};
use lariat::{Once, Peer, Port, Protocol, Reactor, Transport};
use lariat_tests::harness::Scratch;

use crate::allocated;

struct Silent;

impl Protocol for Silent {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

/// Answers each `x`, keeps each byte in an allocation of its own, connects to any destination, and logs all its input.
struct Careless {
    kept: Vec<[u8; 64]>,
    folder: PathBuf,
}

impl Protocol for Careless {
    fn connection_made(&mut self, transport: &Transport) {
        log::warn!("{} is here", transport.peer().address());
        self.kept.extend((0..1_000).map(|_| [0; 64]));
        // It is neither cancelled nor bound to the connection.
        transport.reactor().call_later(Duration::from_secs(3_600), |_| {});
        let _ = fs::write(self.folder.join("visitor"), "was here");
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.kept.extend(data.iter().map(|byte| [*byte; 64]));
        log::info!("received {}", String::from_utf8_lossy(data));
        match data.strip_prefix(b"connect ") {
            Some(address) => {
                let address = String::from_utf8_lossy(address).into_owned();
                transport.reactor().connect(&address, Once::new(Silent)).map(drop).recover(|_| ()).detach();
            }
            None => {
                // What it answers depends on how the input is cut.
                let count = data.iter().filter(|byte| **byte == b'x').count();
                writeln!(transport, "{} in {count}", "x".repeat(count));
            }
        }
    }
}

struct CarelessPage(Scratch);

impl Subject for CarelessPage {
    fn listen(&self, reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
        let folder = self.0.path("");
        reactor.listen("tcp:80", |_: &Peer| Silent)?;
        reactor.listen(endpoint, move |_: &Peer| Careless { kept: Vec::new(), folder: folder.clone() })
    }

    fn states(&self) -> Vec<State> {
        vec![State::new("open", "xx", Claim::Holds(Duration::from_secs(60))).with_more("x")]
    }

    fn probe(&self) -> Probe {
        Probe::new("y", "in 0")
    }

    fn visit(&self) -> Claim<Visit> {
        Claim::Holds(Visit { enter: Vec::new(), unit: b"x".to_vec(), answer: b"x".to_vec(), most: 64 })
    }

    fn stranger(&self) -> Claim<Stranger> {
        Claim::Holds(Stranger { input: b"x".to_vec(), memory: 16 * 1024, log_lines: 4 })
    }

    fn share(&self) -> Claim<usize> {
        Claim::Holds(16)
    }

    fn places(&self) -> Claim<usize> {
        Claim::Holds(32)
    }

    fn destination(&self) -> Claim<Destination> {
        // A colon in an endpoint's address is escaped.
        let input = |address: IpAddr| {
            let address = address.to_string().replace(':', "\\:");
            format!("connect tcp:{address}:80").into_bytes()
        };
        Claim::Holds(Destination { input: Box::new(input), refusal: b"no".to_vec() })
    }

    fn datagram(&self) -> Claim<Datagram> {
        Claim::Holds(Box::new(|request| vec![request.to_vec(), request.to_vec()]))
    }

    fn layer_change(&self) -> Claim<LayerChange> {
        Claim::Holds(LayerChange { input: b"y\nx".to_vec(), forbidden: b"x in".to_vec() })
    }

    fn encoders(&self) -> Claim<Vec<Encoder>> {
        Claim::Holds(vec![Encoder { name: "format", encode: Box::new(|value| Some(format!("X: {value}\r\n").into())) }])
    }

    fn planted(&self) -> Claim<Planted> {
        let secrets = vec![(b"PASS s3cret".to_vec(), "s3cret".to_owned())];
        Claim::Holds(Planted { hostile: vec![Planted::TEXT.into(), vec![b'z'; 5_000]], secrets })
    }

    fn files(&self) -> Claim<PathBuf> {
        Claim::Holds(self.0.path(""))
    }
}

/// The words with which a check fails.
fn complaint(check: impl FnOnce(&CarelessPage)) -> String {
    let page = CarelessPage(Scratch::new());
    let thrown = catch_unwind(AssertUnwindSafe(|| check(&page))).expect_err("the check fails");
    thrown.downcast::<String>().map_or_else(|_| "no message".to_owned(), |message| *message)
}

#[track_caller]
fn complains(check: impl FnOnce(&CarelessPage), expected: &[&str]) {
    let complaint = complaint(check);
    for expected in expected {
        assert!(complaint.contains(expected), "{expected:?} is not in: {complaint}");
    }
}

#[test]
fn a_long_visit_is_found() {
    complains(|page| check_visits(page), &["units were served in one turn, where at most 64 are claimed"]);
}

#[test]
fn memory_beside_the_payload_is_found() {
    complains(|page| check_memory(page, allocated), &["in state `open` a connection had ", "where 4096 are claimed"]);
}

#[test]
fn a_state_without_an_end_is_found() {
    let expected =
        ["a silent peer stays in state `open`", "a peer that sends a byte each second stays in state `open`"];
    complains(|page| check_deadlines(page), &expected);
}

#[test]
fn strangers_that_cost_much_are_found() {
    let expected = ["a stranger has ", "strangers cost 1 files or descriptors", "lines logged, where 4 are claimed"];
    complains(|page| check_strangers(page, allocated), &expected);
}

#[test]
fn an_address_without_a_share_is_found() {
    complains(|page| check_shares(page), &["one address has 24 connections, where at most 16 are claimed"]);
}

#[test]
fn a_full_port_that_ends_nobody_is_found() {
    complains(
        |page| check_full_port(page),
        &["of 32 connections, of which number 1 is the most idle, those numbered [] made room"],
    );
}

#[test]
fn a_private_destination_and_a_reply_that_grows_are_found() {
    let expected =
        ["asks for 127.0.0.1 is not refused", "the server connected to 127.0.0.1", "1 bytes of 0x0 are answered by 2"];
    complains(|page| check_destinations(page), &expected);
}

#[test]
fn a_command_in_clear_before_a_layer_is_found() {
    complains(|page| check_layers(page), &["a command sent in clear was carried out", "the connection goes on"]);
}

#[test]
fn input_and_output_with_two_meanings_are_found() {
    let expected = ["is answered otherwise if it is cut as \"x | x", "format encodes \"a\\r\\nX-Injected: 1\""];
    complains(|page| check_meaning(page), &expected);
}

#[test]
fn bare_escapes_long_lines_and_secrets_in_the_log_are_found() {
    let expected = ["is not escaped", "has 5009 bytes", "has a secret in it"];
    complains(|page| check_logs(page), &expected);
}

#[test]
fn what_is_left_after_chaos_is_found() {
    complains(|page| check_leftovers(page), &["seed 1: ", "timers are left", "files were []"]);
}

#[test]
fn a_file_that_is_written_through_a_link_is_found() {
    complains(|page| check_folder(page), &["outside of the folder is ", "by LinkToFile", "folder/new"]);
}

#[test]
fn a_claim_that_is_missing_or_without_a_reason_fails() {
    struct Empty(&'static str);

    impl Subject for Empty {
        fn listen(&self, reactor: &Reactor, endpoint: &str) -> lariat::Result<Port> {
            reactor.listen(endpoint, |_: &Peer| Silent)
        }

        fn states(&self) -> Vec<State> {
            Vec::new()
        }

        fn probe(&self) -> Probe {
            Probe::new("", "")
        }

        fn share(&self) -> Claim<usize> {
            Claim::Exempt(self.0)
        }
    }

    let words = |check: &dyn Fn()| {
        let thrown = catch_unwind(AssertUnwindSafe(check)).expect_err("the check fails");
        let words = thrown.downcast_ref::<&str>().map(ToString::to_string);
        words.or_else(|| thrown.downcast_ref().cloned()).unwrap_or_default()
    };
    assert!(words(&|| check_logs(&Empty("a reason"))).starts_with("no claim"));
    assert!(words(&|| check_shares(&Empty(" "))).starts_with("an exemption needs a reason"));
    check_shares(&Empty("a reason"));
}
