//! All results, whatever they are.

use lariat::testing::simulated;
use lariat::{Deferred, Failure};
use lariat_tests::faults::Records;
use lariat_tests::story::{Story, settle};

#[test]
fn every_result_comes_in_the_order_of_the_parts() {
    let (mut reactor, story, records) = (simulated(), Story::default(), Records::begin());
    let (resolver, late) = Deferred::new(&reactor);
    let parts = [late, Deferred::fail(&reactor, Failure::new("no")), Deferred::succeed(&reactor, 3)];
    let all = Deferred::settle(&reactor, parts);
    story.hear(
        "all",
        all.map(|all| all.into_iter().map(|result| result.map_err(|e| e.to_string())).collect::<Vec<_>>()),
    );
    settle(&mut reactor);
    assert!(story.take().is_empty());
    resolver.resolve(1).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["all: [Ok(1), Err(\"no\"), Ok(3)]"]);
    assert!(records.with("failed").is_empty() && records.with("unhandled").is_empty());
}

#[test]
fn nothing_settles_to_nothing() {
    let (mut reactor, story) = (simulated(), Story::default());
    story.hear("all", Deferred::settle(&reactor, Vec::<Deferred<u8>>::new()));
    settle(&mut reactor);
    assert_eq!(story.take(), ["all: []"]);
}

#[test]
fn a_panic_in_a_part_is_one_of_the_results() {
    let (mut reactor, story) = (simulated(), Story::default());
    let part = Deferred::succeed(&reactor, 1).map(|_| -> u8 { panic!("ouch") });
    story.hear("panicked", Deferred::settle(&reactor, [part]).map(|all| all[0].as_ref().unwrap_err().is_panicked()));
    settle(&mut reactor);
    assert_eq!(story.take(), ["panicked: true"]);
}

#[test]
fn what_failed_before_it_was_cancelled_is_logged_for_debugging_and_a_panic_as_an_error() {
    let (mut reactor, records) = (simulated(), Records::begin());
    let (_resolver, open) = Deferred::new(&reactor);
    let panics = Deferred::succeed(&reactor, ()).map(|()| panic!("ouch"));
    let all = Deferred::settle(&reactor, [Deferred::fail(&reactor, Failure::new("no")), panics, open]);
    settle(&mut reactor);
    drop(all);
    settle(&mut reactor);
    let lines = records.with("after its combination was finished");
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("DEBUG") && lines[0].contains("no"), "{lines:?}");
    assert!(lines[1].starts_with("ERROR") && lines[1].contains("ouch"), "{lines:?}");
}

#[test]
fn a_panic_is_logged_as_an_error_after_many_late_failures() {
    let (mut reactor, records) = (simulated(), Records::begin());
    let (_resolver, open) = Deferred::new(&reactor);
    let failures = (0..50).map(|_| Deferred::fail(&reactor, Failure::new("no")));
    let panics = Deferred::succeed(&reactor, ()).map(|()| panic!("ouch"));
    let all = Deferred::settle(&reactor, failures.chain([panics, open]).collect::<Vec<_>>());
    settle(&mut reactor);
    drop(all);
    settle(&mut reactor);
    let errors: Vec<_> = records.with("ouch").into_iter().filter(|line| line.starts_with("ERROR")).collect();
    assert_eq!(errors.len(), 1, "{:?}", records.with("ouch"));
}
