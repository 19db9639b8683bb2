//! Cancelling a combination, what it looks like while it waits, and how it ends with the reactor.

use lariat::testing::simulated;
use lariat::{Deferred, MainLoop, Reactor};
use lariat_tests::faults::Records;
use lariat_tests::story::{Alive, Population, Story, settle};

type Combine = fn(&Reactor, Vec<Deferred<Alive>>) -> Deferred<()>;

/// Each of them, by name.
const ALL: [(&str, Combine); 3] = [
    ("gather", |reactor, parts| Deferred::gather(reactor, parts).map(drop)),
    ("settle", |reactor, parts| Deferred::settle(reactor, parts).map(drop)),
    ("race", |reactor, parts| Deferred::race(reactor, parts).map(drop)),
];

fn each(test: impl Fn(&mut MainLoop, Combine, &'static str)) {
    for (name, combine) in ALL {
        test(&mut simulated(), combine, name);
    }
}

#[test]
fn cancelling_a_combination_cancels_all_that_are_pending() {
    each(|reactor, combine, name| {
        let (story, records) = (Story::default(), Records::begin());
        let combined = combine(reactor, vec![story.never(reactor, "one"), story.never(reactor, "two")]);
        combined.cancel();
        combined.cancel();
        story.hear(name, combined);
        settle(reactor);
        assert_eq!(story.take(), ["one cancelled", "two cancelled", &format!("{name}: Cancelled, cancelled")]);
        assert_eq!(reactor.stats().deferreds, 0);
        assert!(records.lines().is_empty(), "{name}: {:?}", records.lines());
    });
}

#[test]
fn dropping_a_combination_keeps_nothing() {
    each(|reactor, combine, name| {
        let (story, population) = (Story::default(), Population::default());
        let alive = population.born();
        let (resolver, late) = Deferred::new(reactor);
        let kept = story.never(reactor, "one").map(move |(): ()| alive);
        let combined = combine(reactor, vec![kept, late]);
        settle(reactor);
        // On its way when the combination is dropped.
        resolver.resolve(population.born()).unwrap();
        drop(combined);
        settle(reactor);
        assert_eq!((population.count(), reactor.stats().deferreds), (0, 0), "{name}");
    });
}

#[test]
fn a_combination_that_is_cancelled_with_all_results_on_their_way_keeps_nothing() {
    each(|reactor, combine, name| {
        let population = Population::default();
        let parts = (0..3).map(|_| Deferred::succeed(reactor, population.born())).collect();
        let combined = combine(reactor, parts);
        combined.cancel();
        settle(reactor);
        drop(combined);
        settle(reactor);
        assert_eq!((population.count(), reactor.stats().deferreds), (0, 0), "{name}");
    });
}

#[test]
fn a_dump_shows_the_parts_below_the_combination() {
    each(|reactor, combine, name| {
        let story = Story::default();
        let parts = vec![story.never(reactor, "a").named("part a"), story.never(reactor, "b").named("part b")];
        let combined = combine(reactor, parts).named(name);
        let dump = reactor.dump_deferreds().to_string();
        let lines: Vec<_> = dump.lines().collect();
        assert!(lines.len() == 3 && lines[0].contains(name), "{dump}");
        assert!(lines[1..].iter().all(|line| line.starts_with("  ") && line.contains("part")), "{dump}");
        drop(combined);
    });
}

#[test]
fn whoever_waits_for_a_combination_is_told_of_the_end() {
    for (name, combine) in ALL {
        let (reactor, story, population) = (simulated(), Story::default(), Population::default());
        let alive = population.born();
        let parts = vec![story.never(&reactor, "one").map(move |(): ()| alive), story.never(&reactor, "two")];
        combine(&reactor, parts).finish({
            let story = story.clone();
            move |_| story.tell("told")
        });
        drop(reactor);
        assert_eq!((story.take(), population.count()), (vec!["told".into()], 0), "{name}");
    }
}

#[test]
fn a_combination_that_is_made_after_the_end_keeps_nothing() {
    each(|reactor, combine, name| {
        let population = Population::default();
        let handle = Reactor::clone(reactor);
        drop(std::mem::replace(reactor, simulated()));
        let combined = combine(&handle, vec![Deferred::succeed(&handle, population.born())]);
        drop(combined);
        assert_eq!(population.count(), 0, "{name}");
    });
}

#[test]
fn combinations_of_combinations_are_cancelled_to_the_innermost() {
    let (mut reactor, story) = (simulated(), Story::default());
    let inner = Deferred::gather(&reactor, [story.never::<()>(&reactor, "one"), story.never(&reactor, "two")]);
    let outer = Deferred::race(&reactor, [inner.map(drop), story.never(&reactor, "three")]);
    drop(outer);
    settle(&mut reactor);
    let mut told = story.take();
    told.sort();
    assert_eq!(told, ["one cancelled", "three cancelled", "two cancelled"]);
    assert_eq!(reactor.stats().deferreds, 0);
}
