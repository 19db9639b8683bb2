//! Look-ups of names in a recording.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use lariat::names::Family;
use lariat::testing::Simulation;
use lariat::{ErrorKind, OnTermination, Once, Reactor, Transport};

use crate::journal::Journal;
use crate::{place, recorded};

struct Guest;

impl lariat::Protocol for Guest {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

/// Looks up names by threads, which say something or nothing, and connects to one; notes each answer, and stops after the last.
fn set_up(reactor: &Reactor, journal: &Journal, names: [&'static str; 3]) {
    let left = Rc::new(Cell::new(names.len() * 2 + 1));
    let note = {
        let (reactor, journal) = (reactor.clone(), journal.clone());
        move |what: &str, answer: String| {
            journal.note(&reactor, format_args!("{what}: {answer}"));
            left.set(left.get() - 1);
            if left.get() == 0 {
                reactor.stop();
            }
        }
    };
    for name in names {
        for family in [Family::V6, Family::V4] {
            let note = note.clone();
            reactor.look_up(name, family).finish(move |result| {
                note(
                    name,
                    result.map_or_else(|failure| failure.to_string(), |answer| format!("{:?}", answer.addresses)),
                );
            });
        }
    }
    reactor.connect("tcp:elsewhere.invalid:1", Once::new(Guest)).finish(move |result| {
        note("connect", result.map_or_else(|failure| failure.to_string(), |_| "made".to_owned()));
    });
}

fn record(path: &Path) -> Vec<String> {
    let reactor = recorded(path);
    reactor.set_termination(OnTermination::Leave);
    let journal = Journal::new(&reactor);
    set_up(&reactor, &journal, ["nonexistent.invalid", "localhost", "another.invalid"]);
    reactor.run().unwrap();
    journal.notes()
}

#[test]
fn what_threads_were_told_of_names_is_replayed_without_asking_anybody() {
    let (_scratch, path) = place();
    let noted = record(&path);
    assert_eq!(noted.len(), 7, "{noted:#?}");
    for _ in 0..2 {
        let mut again = None;
        let replayed = Simulation::replay(&path, |replay| {
            replay.reactor().set_termination(OnTermination::Leave);
            let journal = Journal::new(replay.reactor());
            set_up(replay.reactor(), &journal, ["nonexistent.invalid", "localhost", "another.invalid"]);
            again = Some(journal);
            Ok(())
        });
        assert!(replayed.unwrap_or_else(|error| panic!("{error}")).is_complete);
        assert_eq!(again.unwrap().notes(), noted);
    }
}

#[test]
fn a_program_that_asks_for_another_name_departs_there() {
    let (_scratch, path) = place();
    record(&path);
    let error = Simulation::replay(&path, |replay| {
        replay.reactor().set_termination(OnTermination::Leave);
        let journal = Journal::new(replay.reactor());
        set_up(replay.reactor(), &journal, ["nonexistent.invalid", "localhost", "other.invalid"]);
        Ok(())
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Violated, "{error}");
    assert!(error.to_string().contains("other.invalid for IPv6"), "{error}");
    assert!(error.to_string().contains("another.invalid for IPv6"), "{error}");
}
