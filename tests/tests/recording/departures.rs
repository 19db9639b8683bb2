//! Where a replay does something else than what was recorded.

use std::path::Path;
use std::time::Duration;

use lariat::{ErrorKind, Factory, Peer, Protocol, Reactor, Transport};

use crate::{ANYWHERE, Client, Echo, place, record, recorded, replay};

/// Records an echo of two words.
fn record_echo(path: &Path) {
    record(
        recorded(path),
        |reactor, journal| reactor.listen(ANYWHERE, journal.of(|_: &Peer| Echo)),
        |address| {
            let mut client = Client::connect(address);
            for word in ["hello\n", "good-bye, and come again\n"] {
                client.say(word);
                client.take(word.len());
            }
            client.leave();
        },
    );
}

/// What is said of a replay of the echo's recording with another factory.
fn said_of(factory: impl Factory) -> String {
    let (_scratch, path) = place();
    record_echo(&path);
    let (replayed, notes) = replay(&path, |reactor, journal| reactor.listen(ANYWHERE, journal.of(factory)));
    let error = replayed.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Violated, "{error}");
    assert!(!notes.iter().any(|note| note.contains("lost")), "nobody hears of an end: {notes:#?}");
    error.to_string()
}

struct With<F>(F);

impl<F: FnMut(&Transport, &[u8]) + 'static> Protocol for With<F> {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        (self.0)(transport, data);
    }
}

#[test]
fn other_bytes_are_told_with_both_versions() {
    let said = said_of(|_: &Peer| {
        With(|transport: &Transport, data: &[u8]| {
            transport.write(&data.to_ascii_uppercase());
        })
    });
    assert!(said.contains(r#"it writes 6 bytes "HELLO\n" to #2"#), "{said}");
    assert!(said.contains(r#"where the recorded loop writes 6 bytes "hello\n" to #2"#), "{said}");
    assert!(said.contains("entries of the recording"), "{said}");
}

#[test]
fn a_difference_after_what_is_shown_is_found() {
    let said = said_of(|_: &Peer| {
        With(|transport: &Transport, data: &[u8]| {
            let mut data = data.to_vec();
            if let Some(byte) = data.get_mut(20) {
                *byte = b'?';
            }
            transport.write(&data);
        })
    });
    assert!(said.contains(r#"it writes 25 bytes "good-bye, and co"#), "{said}");
    assert!(said.contains("some after those are others"), "{said}");
}

#[test]
fn another_length_is_told() {
    let said = said_of(|_: &Peer| {
        With(|transport: &Transport, data: &[u8]| {
            transport.write(&data[..data.len() - 1]);
        })
    });
    assert!(said.contains(r#"it writes 5 bytes "hello" to #2"#), "{said}");
}

#[test]
fn silence_where_something_was_written_is_told() {
    let said = said_of(|_: &Peer| With(|_: &Transport, _: &[u8]| {}));
    assert!(said.contains(r#"where the recorded loop writes 6 bytes "hello\n" to #2"#), "{said}");
}

#[test]
fn writing_where_there_was_silence_is_told() {
    struct Talkative;
    impl Protocol for Talkative {
        fn connection_made(&mut self, transport: &Transport) {
            transport.write(b"welcome");
        }
        fn data_received(&mut self, _: &Transport, _: &[u8]) {}
    }
    let said = said_of(|_: &Peer| Talkative);
    assert!(said.contains(r#"it writes 7 bytes "welcome" to #2, where the recorded loop"#), "{said}");
}

#[test]
fn closing_at_another_time_is_told() {
    let said = said_of(|_: &Peer| {
        With(|transport: &Transport, data: &[u8]| {
            transport.write(data);
            transport.close();
        })
    });
    assert!(said.contains("the replay departs from the recording"), "{said}");
}

#[test]
fn a_timer_that_was_not_there_is_told() {
    let said = said_of(|_: &Peer| {
        With(|transport: &Transport, data: &[u8]| {
            transport.write(data);
            transport.reactor().call_later(Duration::from_secs(1), |_| {});
        })
    });
    assert!(said.contains("it reads the clock, where the recorded loop"), "{said}");
}

#[test]
fn listening_elsewhere_is_told_by_what_sets_it_up() {
    let (_scratch, path) = place();
    record_echo(&path);
    let elsewhere = |reactor: &Reactor| reactor.listen("tcp:7000:interface=127.0.0.1", |_: &Peer| Echo);
    let (replayed, _) = replay(&path, |reactor, _| elsewhere(reactor));
    let said = replayed.unwrap_err().to_string();
    let expected = "it listens on tcp:127.0.0.1:7000, where the recorded loop listens on tcp:127.0.0.1:0";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_program_that_does_nothing_departs_at_once() {
    let (_scratch, path) = place();
    record_echo(&path);
    let error = lariat::testing::Simulation::replay(&path, |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Violated, "{error}");
}

#[test]
fn what_fails_in_setting_up_alone_is_given_as_it_is() {
    let (_scratch, path) = place();
    record_echo(&path);
    let (replayed, _) = replay(&path, |reactor, _| reactor.listen("nonsense", |_: &Peer| Echo));
    let error = replayed.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("nonsense"), "{error}");
}
