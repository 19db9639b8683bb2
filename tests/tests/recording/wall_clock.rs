//! The time of day and random numbers in a recording.

use std::time::Duration;

use lariat::testing::Simulation;
use lariat::{ErrorKind, OnTermination, Reactor};

use crate::journal::Journal;
use crate::{place, recorded};

/// Notes the time of day and three random numbers, ten times.
fn set_up(reactor: &Reactor, journal: &Journal) {
    for round in 0..10 {
        let journal = journal.clone();
        reactor.call_later(Duration::from_millis(round), move |reactor| {
            let random = reactor.random();
            let numbers = [random.next(), random.next(), random.next()];
            journal.note(reactor, format_args!("{:?} {numbers:?}", reactor.wall_clock()));
            if round == 9 {
                reactor.stop();
            }
        });
    }
}

#[test]
fn the_time_of_day_and_random_numbers_are_replayed() {
    let (_scratch, path) = place();
    let reactor = recorded(&path);
    reactor.set_termination(OnTermination::Leave);
    let journal = Journal::new(&reactor);
    set_up(&reactor, &journal);
    reactor.run().unwrap();
    let notes = journal.notes();
    assert_eq!(notes.len(), 10);
    let mut again = None;
    let replayed = Simulation::replay(&path, |replay| {
        replay.reactor().set_termination(OnTermination::Leave);
        let journal = Journal::new(replay.reactor());
        again = Some(journal.clone());
        set_up(replay.reactor(), &journal);
        Ok(())
    });
    replayed.unwrap();
    assert_eq!(again.unwrap().notes(), notes);
}

#[test]
fn a_reading_of_the_time_of_day_that_was_not_there_is_told() {
    let (_scratch, path) = place();
    let reactor = recorded(&path);
    reactor.set_termination(OnTermination::Leave);
    reactor.call_later(Duration::ZERO, Reactor::stop);
    reactor.run().unwrap();
    let replayed = Simulation::replay(&path, |replay| {
        replay.reactor().set_termination(OnTermination::Leave);
        replay.reactor().call_later(Duration::ZERO, |reactor| {
            let _ = reactor.wall_clock();
            reactor.stop();
        });
        Ok(())
    });
    let error = replayed.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Violated);
    assert!(error.to_string().contains("reads the time of day"), "{error}");
}
