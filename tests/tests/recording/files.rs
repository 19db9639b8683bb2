//! The recording's file: its permissions, its size, and the error for a file that is no recording.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lariat::testing::{Random, Replayed};
use lariat::{Builder, Error, ErrorKind, Peer, Reactor};

use crate::{ANYWHERE, Client, Echo, place, record, recorded, replay};

fn record_echo(builder: Builder, words: &'static str, rounds: usize) -> Vec<String> {
    record(
        builder.build().unwrap(),
        |reactor, journal| reactor.listen(ANYWHERE, journal.of(|_: &Peer| Echo)),
        move |address| {
            let mut client = Client::connect(address);
            for _ in 0..rounds {
                client.say(words);
                assert_eq!(client.take(words.len()), words.as_bytes());
            }
            client.leave();
        },
    )
}

fn replay_echo(path: &Path) -> (lariat::Result<Replayed>, Vec<String>) {
    replay(path, |reactor, journal| reactor.listen(ANYWHERE, journal.of(|_: &Peer| Echo)))
}

fn refusal(path: &Path) -> Error {
    replay_echo(path).0.unwrap_err()
}

#[test]
fn only_its_owner_may_read_it() {
    let (_scratch, path) = place();
    drop(recorded(&path));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_exists_is_not_written_over() {
    let (_scratch, path) = place();
    fs::write(&path, "precious").unwrap();
    let error = Reactor::builder().record(&path).build().unwrap_err();
    assert!(error.to_string().contains("could not make the recording"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

#[test]
fn it_is_about_as_long_as_what_was_received() {
    const WORDS: &str = "sixty-three bytes of text, such as an echo is often measured with\n";
    let (_scratch, path) = place();
    record_echo(Reactor::builder().record(&path), WORDS, 100);
    let length = fs::metadata(&path).unwrap().len();
    let received = 100 * WORDS.len() as u64;
    assert!((received..3 * received).contains(&length), "{length} bytes for {received}");
}

#[test]
fn at_its_limit_it_ends_with_a_mark_and_the_loop_goes_on() {
    let (_scratch, path) = place();
    let noted = record_echo(Reactor::builder().record(&path).record_limit(3000), "a word or two\n", 100);
    assert!(noted.len() > 100, "the loop went on");
    let length = fs::metadata(&path).unwrap().len();
    assert!((2900..=3000).contains(&length), "{length}");
    let (replayed, again) = replay_echo(&path);
    let replayed = replayed.unwrap();
    assert!(!replayed.is_complete);
    assert!(again.len() > 10);
    check_beginning(&noted, &again);
}

#[test]
fn a_limit_of_nothing_leaves_a_file_that_says_so() {
    let (_scratch, path) = place();
    record_echo(Reactor::builder().record(&path).record_limit(0), "a word\n", 3);
    assert!(fs::metadata(&path).unwrap().len() <= 32);
    assert!(!replay_echo(&path).0.unwrap().is_complete);
}

#[test]
fn cut_off_at_any_byte_it_is_replayed_up_to_there_and_told_to_be_cut_off() {
    let (_scratch, path) = place();
    let noted = record_echo(Reactor::builder().record(&path), "a word\n", 4);
    let whole = fs::read(&path).unwrap();
    let mut most = 0;
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let (replayed, again) = replay_echo(&path);
        let error = replayed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(&format!("cut off after {length} bytes")), "{error}");
        check_beginning(&noted, &again);
        most = most.max(again.len());
    }
    assert_eq!(most, noted.len());
}

/// Returns whether a replay's notes are the beginning of the recorded run's. In the last turn the clock may stand still, since the
/// recording has no later time.
fn check_beginning(noted: &[String], again: &[String]) {
    let Some(last) = again.last().map(|last| parts(last).0) else { return };
    assert!(again.len() <= noted.len());
    for (noted, again) in noted.iter().map(|note| parts(note)).zip(again.iter().map(|note| parts(note))) {
        assert_eq!(again.1, noted.1);
        assert!(again.0 == noted.0 || again.0 == last, "{} rather than {}", again.0, noted.0);
    }
}

/// The time of a note, and its words.
fn parts(note: &str) -> (&str, &str) {
    note.split_once(' ').unwrap_or_default()
}

#[test]
fn another_file_is_told_from_a_recording() {
    let (_scratch, path) = place();
    fs::write(&path, "#!/bin/sh\n").unwrap();
    let error = refusal(&path);
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("is no recording of Lariat's"), "{error}");
}

#[test]
fn another_version_is_told() {
    let (_scratch, path) = place();
    drop(recorded(&path));
    let mut bytes = fs::read(&path).unwrap();
    bytes[12] = 9;
    fs::write(&path, bytes).unwrap();
    let error = refusal(&path);
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("of version 9, and this is a reader of version 4: replay it with"), "{error}");
}

#[test]
fn what_follows_the_end_is_told() {
    let (_scratch, path) = place();
    record_echo(Reactor::builder().record(&path), "a word\n", 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes.push(0);
    fs::write(&path, bytes).unwrap();
    assert!(refusal(&path).to_string().contains("goes on after its end"));
}

#[test]
fn a_file_that_is_missing_is_told() {
    let (_scratch, path) = place();
    assert!(refusal(&path).to_string().contains("cannot be read"));
}

#[test]
fn a_file_with_any_bytes_changed_is_replayed_or_refused_and_nothing_panics() {
    let (_scratch, path) = place();
    record_echo(Reactor::builder().record(&path), "a word\n", 3);
    let whole = fs::read(&path).unwrap();
    let random = Random::new(7);
    let mut refused = 0;
    for _ in 0..1_000 {
        let mut bytes = whole.clone();
        for _ in 0..random.between(1..=3) {
            let place = random.index(bytes.len());
            bytes[place] = random.bytes(1)[0];
        }
        fs::write(&path, bytes).unwrap();
        match replay_echo(&path).0 {
            // A moment, or a byte that was sent back, may well have been another one.
            Ok(replayed) => assert_eq!(replayed.panics, [] as [String; 0]),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(refused > 300, "{refused}");
}

#[test]
fn sizes_alone_are_replayed_with_other_bytes_and_said_to_be() {
    let (_scratch, path) = place();
    let noted = record_echo(Reactor::builder().record_sizes_only(&path), "a secret\n", 3);
    let bytes = fs::read(&path).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"secret"));
    let (replayed, again) = replay_echo(&path);
    assert!(again.iter().any(|note| note.ends_with(".........")), "{again:#?}");
    // The last client's word is not recognised either, so the loop does not stop where it did.
    let error = replayed.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Violated);
    assert!(error.to_string().contains("It has sizes only"), "{error}");
    assert!(noted.len() >= again.len());
}

#[test]
fn sizes_alone_are_replayed_to_the_end_by_who_does_not_go_by_bytes() {
    let (_scratch, path) = place();
    let set_up = |reactor: &Reactor| {
        reactor.set_termination(lariat::OnTermination::Leave);
        reactor.call_later(std::time::Duration::from_millis(300), Reactor::stop);
        reactor.listen(ANYWHERE, |_: &Peer| Echo)
    };
    let reactor = Reactor::builder().record_sizes_only(&path).build().unwrap();
    let address = crate::address(&set_up(&reactor).unwrap());
    let client = std::thread::spawn(move || {
        let mut client = Client::connect(address);
        client.say("a secret\n");
        client.take(9);
        client.leave();
    });
    reactor.run().unwrap();
    client.join().unwrap();
    let replayed = lariat::testing::Simulation::replay(&path, |replay| {
        assert!(replay.is_sizes_only());
        set_up(replay.reactor()).map(drop)
    })
    .unwrap();
    assert!(replayed.sizes_only && replayed.is_complete);
}
