//! How tasks share the loop.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{CooperativeStep, Cooperator, Deferred, Failure, Once, Peer, Protocol, Reactor, Transport};
use lariat_tests::story::{Population, Story, settle};

/// Steps that tell their numbers.
fn telling(story: &Story, who: &'static str, steps: u32) -> impl Iterator<Item = ()> + 'static {
    let story = story.clone();
    (1..=steps).map(move |step| story.tell(format!("{who}{step}")))
}

#[test]
fn tasks_take_their_steps_in_turn_and_never_inside_a_call() {
    let (mut reactor, story) = (simulated(), Story::default());
    let cooperator = Cooperator::new(&reactor);
    let tasks = [cooperator.cooperate(telling(&story, "a", 3)), cooperator.cooperate(telling(&story, "b", 2))];
    story.hear("a", tasks[0].when_done());
    story.hear("b", tasks[1].when_done());
    assert!(story.take().is_empty() && cooperator.tasks() == 2);
    settle(&mut reactor);
    assert_eq!(story.take(), ["a1", "b1", "a2", "b2", "a3", "b: ()", "a: ()"]);
    assert!(tasks.iter().all(lariat::CooperativeTask::is_done));
    assert_eq!((cooperator.tasks(), reactor.stats().deferreds), (0, 0));
}

#[test]
fn a_slice_has_so_many_steps_and_everybody_else_is_served_between_two() {
    let (mut reactor, story) = (simulated(), Story::default());
    let cooperator = Cooperator::new(&reactor);
    cooperator.set_slice(2, Duration::MAX);
    cooperator.cooperate(telling(&story, "a", 3));
    cooperator.cooperate(telling(&story, "b", 3));
    let mut slices = Vec::new();
    while cooperator.tasks() > 0 {
        reactor.turn(Some(Duration::ZERO)).unwrap();
        slices.push(story.take().join(" "));
    }
    assert_eq!(slices, ["a1 b1", "a2 b2", "a3 b3", ""]);
}

#[test]
fn a_slice_without_steps_or_time_is_one_step() {
    let (mut reactor, story) = (simulated(), Story::default());
    let cooperator = Cooperator::new(&reactor);
    cooperator.set_slice(0, Duration::ZERO);
    cooperator.cooperate(telling(&story, "a", 2));
    reactor.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!(story.take(), ["a1"]);
    reactor.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!(story.take(), ["a2"]);
}

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

/// Says something so many times, each when the last has come back.
struct Chatter(Rc<Cell<u32>>);

impl Protocol for Chatter {
    fn connection_made(&mut self, transport: &Transport) {
        transport.write(b"x");
    }

    fn data_received(&mut self, transport: &Transport, _: &[u8]) {
        self.0.set(self.0.get() + 1);
        transport.write(b"x");
    }
}

#[test]
fn endless_work_starves_neither_connections_nor_timers() {
    let mut reactor = simulated();
    let echoes = Rc::new(Cell::new(0));
    reactor.listen("tcp:7000", |_: &Peer| Echo).unwrap();
    reactor.connect("tcp:127.0.0.1:7000", Once::new(Chatter(echoes.clone()))).detach();
    let task = Cooperator::new(&reactor).cooperate(std::iter::repeat(()));
    let is_due = Rc::new(Cell::new(false));
    let ours = is_due.clone();
    reactor.call_later(Duration::from_millis(2), move |_| ours.set(true));
    for _ in 0..3000 {
        reactor.turn(Some(Duration::ZERO)).unwrap();
    }
    assert!(echoes.get() > 500 && is_due.get(), "{}", echoes.get());
    assert!(task.stop());
}

#[test]
fn a_task_waits_for_the_deferred_that_a_step_gives_and_the_others_go_on() {
    let (mut reactor, story) = (simulated(), Story::default());
    let cooperator = Cooperator::new(&reactor);
    let (handle, heard) = (Reactor::clone(&reactor), story.clone());
    let sleeper = cooperator.cooperate((1..=2).map(move |step| {
        heard.tell(format!("s{step}"));
        handle.sleep(Duration::from_secs(1))
    }));
    story.hear("sleeper", sleeper.when_done());
    cooperator.cooperate(telling(&story, "a", 3));
    settle(&mut reactor);
    assert_eq!(story.take(), ["s1", "a1", "a2", "a3"]);
    let begin = reactor.now();
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(
        (story.take(), reactor.now() - begin),
        (vec!["s2".into(), "sleeper: ()".into()], Duration::from_secs(2))
    );
}

#[test]
fn a_step_may_be_anything_that_says_what_to_wait_for() {
    let (mut reactor, story) = (simulated(), Story::default());
    let cooperator = Cooperator::new(&reactor);
    let handle = Reactor::clone(&reactor);
    let steps: Vec<Result<Option<Deferred<u8>>, Failure>> =
        vec![Ok(None), Ok(Some(Deferred::succeed(&handle, 1))), Err(Failure::new("no")), Ok(None)];
    story.hear("mixed", cooperator.coiterate(steps));
    story.hear("nothing", cooperator.coiterate(Vec::<()>::new()));
    story.hear("failed", cooperator.coiterate([Deferred::<()>::fail(&handle, Failure::new("neither"))]));
    assert!(().wait(&reactor).is_none());
    settle(&mut reactor);
    let mut told = story.take();
    told.sort();
    assert_eq!(told, ["failed: Error, neither", "mixed: Error, no", "nothing: ()"]);
}

#[test]
fn whoever_works_in_the_end_is_told_and_nothing_is_kept() {
    let (mut reactor, story, population) = (simulated(), Story::default(), Population::default());
    let cooperator = Cooperator::new(&reactor);
    let work = |wait: Option<Duration>| {
        let (alive, handle, circle) = (population.born(), Reactor::clone(&reactor), cooperator.clone());
        std::iter::repeat_with(move || {
            let _keep = (&alive, &circle);
            wait.map(|wait| handle.sleep(wait))
        })
    };
    let (works, paused) = (cooperator.cooperate(work(None)), cooperator.cooperate(work(None)));
    paused.pause();
    let waits = cooperator.coiterate(work(Some(Duration::from_secs(1))));
    story.hear("works", works.when_done());
    story.hear("paused", paused.when_done());
    story.hear("waits", waits);
    drop((works, cooperator));
    for _ in 0..5 {
        reactor.turn(Some(Duration::ZERO)).unwrap();
    }
    let late = Cooperator::new(&reactor);
    drop(reactor);
    let mut told = story.take();
    told.sort();
    let ended = ["paused", "waits", "works"].map(|who| format!("{who}: Ended, the reactor has ended"));
    assert_eq!((told, population.count()), (ended.to_vec(), 0));
    assert!(paused.is_done());
    let alive = population.born();
    let task = late.cooperate(std::iter::repeat_with(move || drop(alive.clone())));
    assert!(task.is_done() && population.count() == 0);
}

#[test]
fn a_hundred_thousand_tasks_are_done() {
    let mut reactor = simulated();
    let cooperator = Cooperator::new(&reactor);
    let steps = Rc::new(Cell::new(0));
    for _ in 0..100_000 {
        let steps = steps.clone();
        cooperator.cooperate((0..3).map(move |_| steps.set(steps.get() + 1)));
    }
    settle(&mut reactor);
    assert_eq!((steps.get(), cooperator.tasks()), (300_000, 0));
}
