//! A signal that stays on.

use lariat::Event;
use lariat::testing::simulated;
use lariat_tests::story::{Story, settle};

#[test]
fn everybody_who_waits_is_told_in_order_and_from_the_loop() {
    let (mut reactor, story) = (simulated(), Story::default());
    let event = Event::new(&reactor);
    for number in 0..3 {
        story.hear(&number.to_string(), event.wait());
    }
    settle(&mut reactor);
    assert!(story.take().is_empty() && event.waiting() == 3);
    event.set();
    assert!(story.take().is_empty() && event.is_set());
    settle(&mut reactor);
    assert_eq!(story.take(), ["0: ()", "1: ()", "2: ()"]);
    story.hear("later", event.wait());
    settle(&mut reactor);
    assert_eq!(story.take(), ["later: ()"]);
}

#[test]
fn what_is_undone_at_once_is_still_told_to_those_who_waited() {
    let (mut reactor, story) = (simulated(), Story::default());
    let event = Event::new(&reactor);
    story.hear("before", event.wait());
    event.set();
    event.clear();
    story.hear("after", event.wait());
    settle(&mut reactor);
    assert_eq!(story.take(), ["before: ()"]);
    assert!(!event.is_set());
    event.set();
    settle(&mut reactor);
    assert_eq!(story.take(), ["after: ()"]);
}

#[test]
fn whoever_is_cancelled_is_not_told_and_leaves_no_trace() {
    let (mut reactor, story) = (simulated(), Story::default());
    let event = Event::new(&reactor);
    let waits = event.wait();
    waits.cancel();
    story.hear("cancelled", waits);
    drop(event.wait());
    assert_eq!(event.waiting(), 0);
    event.set();
    settle(&mut reactor);
    assert_eq!(story.take(), ["cancelled: Cancelled, cancelled"]);
    assert_eq!(reactor.stats().deferreds, 0);
}

#[test]
fn whoever_waits_for_an_event_that_nobody_can_set_is_told_and_at_the_end_too() {
    let (mut reactor, story) = (simulated(), Story::default());
    let event = Event::new(&reactor);
    story.hear("abandoned", event.wait());
    drop(event);
    settle(&mut reactor);
    let event = Event::new(&reactor);
    story.hear("ended", event.wait());
    drop(reactor);
    let told = story.take();
    assert!(told[0].starts_with("abandoned: Abandoned") && told[1].starts_with("ended: Ended"), "{told:?}");
    event.set();
    assert_eq!(event.waiting(), 0);
}
