//! One task among others: paused, stopped, failed, asked for.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{CooperativeTask, Cooperator, Deferred, Failure, FailureKind, Reactor};
use lariat_tests::faults::Records;
use lariat_tests::story::{Population, Story, settle};

/// A task that counts its steps for ever.
fn counting(cooperator: &Cooperator) -> (CooperativeTask, Rc<Cell<u32>>) {
    let steps = Rc::new(Cell::new(0));
    let ours = steps.clone();
    cooperator.set_slice(1, Duration::MAX);
    (cooperator.cooperate(std::iter::repeat_with(move || ours.set(ours.get() + 1))), steps)
}

#[test]
fn a_paused_task_takes_no_step_until_it_is_resumed_as_often() {
    let mut reactor = simulated();
    let (task, steps) = counting(&Cooperator::new(&reactor));
    reactor.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!(steps.get(), 1);
    task.pause();
    task.pause();
    settle(&mut reactor);
    assert_eq!(steps.get(), 1);
    assert!(task.resume() && task.is_paused());
    settle(&mut reactor);
    assert_eq!(steps.get(), 1);
    assert!(task.resume() && !task.is_paused() && !task.resume());
    for _ in 0..3 {
        reactor.turn(Some(Duration::ZERO)).unwrap();
    }
    assert_eq!(steps.get(), 4, "one step a turn, however often it was resumed");
    // Paused and resumed while its turn was coming.
    task.pause();
    task.resume();
    for _ in 0..3 {
        reactor.turn(Some(Duration::ZERO)).unwrap();
    }
    assert_eq!(steps.get(), 7);
    task.stop();
}

#[test]
fn a_task_that_is_paused_while_it_waits_goes_on_when_both_are_over() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (resolver, deferred) = Deferred::<()>::new(&reactor);
    let task = Cooperator::new(&reactor).cooperate([deferred]);
    story.hear("done", task.when_done());
    settle(&mut reactor);
    task.pause();
    resolver.resolve(()).unwrap();
    settle(&mut reactor);
    assert!(story.take().is_empty());
    task.resume();
    settle(&mut reactor);
    assert_eq!(story.take(), ["done: ()"]);
}

#[test]
fn stopping_drops_the_work_and_cancels_what_it_waits_for() {
    let (mut reactor, story, population) = (simulated(), Story::default(), Population::default());
    let cooperator = Cooperator::new(&reactor);
    let (handle, heard, alive) = (Reactor::clone(&reactor), story.clone(), population.born());
    let task = cooperator.cooperate(std::iter::repeat_with(move || {
        let _alive = &alive;
        heard.never::<()>(&handle, "step")
    }));
    story.hear("done", task.when_done());
    settle(&mut reactor);
    assert!(task.stop() && !task.stop());
    assert_eq!(population.count(), 0, "before it returns");
    settle(&mut reactor);
    let mut told = story.take();
    told.sort();
    assert_eq!(told, ["done: Cancelled, the task was stopped", "step cancelled"]);
    assert_eq!((cooperator.tasks(), reactor.stats().deferreds), (0, 0));
}

#[test]
fn a_task_may_stop_and_pause_itself() {
    let (mut reactor, population) = (simulated(), Population::default());
    let cooperator = Cooperator::new(&reactor);
    let slot: Rc<Cell<Option<CooperativeTask>>> = Rc::default();
    let (ours, alive, mut steps) = (slot.clone(), population.born(), 0);
    let task = cooperator.cooperate(std::iter::repeat_with(move || {
        let _alive = &alive;
        let task = ours.take().unwrap();
        steps += 1;
        if steps == 1 {
            task.pause();
        } else {
            task.stop();
        }
        ours.set(Some(task));
    }));
    slot.set(Some(task.clone()));
    settle(&mut reactor);
    assert!(task.is_paused() && !task.is_done());
    task.resume();
    settle(&mut reactor);
    assert!(task.is_done());
    slot.take();
    assert_eq!((population.count(), cooperator.tasks()), (0, 0));
}

#[test]
fn a_panic_ends_its_task_alone() {
    let (mut reactor, story) = (simulated(), Story::default());
    let cooperator = Cooperator::new(&reactor);
    let bad = cooperator.cooperate(std::iter::repeat_with(|| -> () { panic!("ouch") }));
    story.hear("good", cooperator.coiterate([(), ()]));
    let panicked = bad.when_done().map_result(|result| Ok(result.unwrap_err().kind() == FailureKind::Panicked));
    story.hear("panicked", panicked);
    settle(&mut reactor);
    let mut told = story.take();
    told.sort();
    assert_eq!(told, ["good: ()", "panicked: true"]);
}

/// An iterator whose drop panics.
struct Bomb;

impl Iterator for Bomb {
    type Item = ();

    fn next(&mut self) -> Option<()> {
        None
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in its drop");
    }
}

#[test]
fn work_that_panics_in_its_drop_harms_nobody() {
    let (mut reactor, story, records) = (simulated(), Story::default(), Records::begin());
    let cooperator = Cooperator::new(&reactor);
    story.hear("bomb", cooperator.coiterate(Bomb));
    story.hear("good", cooperator.coiterate([(), ()]));
    settle(&mut reactor);
    assert_eq!(story.take(), ["bomb: ()", "good: ()"]);
    assert_eq!(records.panics().len(), 1);
}

#[test]
fn everybody_who_asks_is_told_however_late_and_the_first_gets_the_failure_itself() {
    let (mut reactor, story, records) = (simulated(), Story::default(), Records::begin());
    let task = Cooperator::new(&reactor).cooperate(["x".parse::<u8>().map(|_| ())]);
    // Who does not listen any more is passed over.
    drop(task.when_done());
    let is_number = |failure: &Failure| failure.is::<std::num::ParseIntError>();
    let ask = |task: &CooperativeTask| task.when_done().map_result(move |result| Ok(is_number(&result.unwrap_err())));
    story.hear("first", ask(&task));
    story.hear("second", ask(&task));
    settle(&mut reactor);
    story.hear("late", ask(&task));
    story.hear("later", task.when_done());
    settle(&mut reactor);
    let told = ["first: true", "second: false", "late: false", "later: Error, invalid digit found in string"];
    assert_eq!(story.take(), told);
    drop(task);
    assert!(records.with("unhandled").is_empty());
}

#[test]
fn a_failure_that_nobody_asks_for_is_logged_when_the_last_handle_goes() {
    let (mut reactor, records) = (simulated(), Records::begin());
    let cooperator = Cooperator::new(&reactor);
    let fail = || cooperator.cooperate([Err::<(), _>(Failure::new("no"))]);
    let (kept, stopped) = (fail(), fail());
    drop(fail());
    stopped.stop();
    settle(&mut reactor);
    drop(stopped);
    assert_eq!(records.with("unhandled").len(), 1);
    drop(kept);
    let lines = records.with("unhandled");
    assert!(
        lines.len() == 2 && lines[1].contains("the cooperative task made at tests/tests/task/tasks.rs"),
        "{lines:?}"
    );
}

#[test]
fn cancelling_a_coiteration_stops_its_task_and_cancelling_a_question_does_not() {
    let (mut reactor, story, population) = (simulated(), Story::default(), Population::default());
    let cooperator = Cooperator::new(&reactor);
    cooperator.set_slice(1, Duration::MAX);
    let alive = population.born();
    let endless = cooperator.coiterate(std::iter::repeat_with(move || drop(alive.clone())));
    reactor.turn(Some(Duration::ZERO)).unwrap();
    endless.cancel();
    story.hear("endless", endless);
    settle(&mut reactor);
    assert_eq!(story.take(), ["endless: Cancelled, cancelled"]);
    assert_eq!((population.count(), cooperator.tasks(), reactor.stats().deferreds), (0, 0, 0));
    let (task, steps) = counting(&cooperator);
    drop(task.when_done());
    for _ in 0..3 {
        reactor.turn(Some(Duration::ZERO)).unwrap();
    }
    assert!(steps.get() >= 2 && !task.is_done());
    task.stop();
}
