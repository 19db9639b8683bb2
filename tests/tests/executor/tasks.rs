//! Tasks.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Deferred, Failure, FailureKind, Once, Peer, Protocol, Reactor, Transport};
use lariat_tests::story::{Population, Story};

use super::{Yield, settle};

#[test]
fn a_task_is_first_polled_from_the_loop() {
    let (mut reactor, polled) = (simulated(), Rc::new(Cell::new(false)));
    let seen = polled.clone();
    reactor.spawn(async move { seen.set(true) }).detach();
    assert!(!polled.get());
    settle(&mut reactor);
    assert!(polled.get());
    assert_eq!(reactor.stats().tasks, 0);
}

#[test]
fn a_task_awaits_deferreds_and_sleeps() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (resolver, question) = Deferred::<u32>::new(&reactor);
    let (handle, begun) = (Reactor::clone(&reactor), reactor.now());
    let task = reactor.spawn(async move {
        let answer = question.await?;
        handle.sleep(Duration::from_secs(3)).await?;
        Ok::<_, Failure>((answer, handle.now() - begun))
    });
    reactor.call_later(Duration::from_secs(2), move |_| resolver.resolve(7).expect("somebody waits"));
    story.hear("task", task);
    reactor.turn(None).expect("a turn");
    while reactor.stats().tasks > 0 {
        reactor.turn(None).expect("a turn");
    }
    settle(&mut reactor);
    assert_eq!(story.take(), ["task: (7, 5s)"]);
}

#[test]
fn a_failure_that_a_question_mark_passes_on_is_the_tasks() {
    let (mut reactor, story) = (simulated(), Story::default());
    let task = reactor.spawn(async { Ok::<_, Failure>("seven".parse::<u8>()?) });
    story.hear("task", task);
    settle(&mut reactor);
    assert_eq!(story.take(), ["task: Error, invalid digit found in string"]);
}

#[test]
fn a_panic_is_a_failure_and_drops_what_the_task_has() {
    let (mut reactor, population) = (simulated(), Population::default());
    let alive = population.born();
    let kind = Rc::new(Cell::new(None));
    let seen = kind.clone();
    let task = reactor.spawn(async move {
        let _alive = alive;
        Yield::default().await;
        panic!("ouch");
    });
    let task: Deferred<()> = task;
    task.finish(move |result| seen.set(result.err().map(|failure| failure.kind())));
    settle(&mut reactor);
    assert_eq!(kind.take(), Some(FailureKind::Panicked));
    assert_eq!((population.count(), reactor.stats().tasks), (0, 0));
}

#[test]
fn dropping_the_deferred_drops_the_future_wherever_it_waits() {
    // Dropped before its k-th poll, for every k.
    for polls in 0..6 {
        let (mut reactor, population) = (simulated(), Population::default());
        let (alive, handle) = (population.born(), Reactor::clone(&reactor));
        let inner = population.born();
        let task = reactor.spawn(async move {
            let _alive = alive;
            Yield::default().await;
            let inner = inner;
            handle.sleep(Duration::from_secs(1)).await?;
            drop(inner);
            Yield::default().await;
            pending::<()>().await;
            Ok::<_, Failure>(())
        });
        for _ in 0..polls {
            reactor.turn(Some(Duration::from_secs(1))).expect("a turn");
        }
        drop(task);
        settle(&mut reactor);
        assert_eq!(population.count(), 0, "after {polls} turns");
        let stats = reactor.stats();
        assert_eq!((stats.tasks, stats.deferreds, stats.timers), (0, 0, 0), "after {polls} turns");
    }
}

#[test]
fn a_task_may_drop_its_own_deferred() {
    let (mut reactor, population) = (simulated(), Population::default());
    let slot: Rc<Cell<Option<Deferred<()>>>> = Rc::default();
    let (own, alive) = (slot.clone(), population.born());
    let task = reactor.spawn(async move {
        let _alive = alive;
        drop(own.take());
        Yield::default().await;
        Yield::default().await;
        unreachable!("it was dropped at the first of them");
    });
    slot.set(Some(task));
    settle(&mut reactor);
    assert_eq!((population.count(), reactor.stats().tasks, reactor.stats().deferreds), (0, 0, 0));
}

#[test]
fn the_end_of_the_reactor_drops_tasks_and_tells_those_who_wait() {
    let (mut reactor, story, population) = (simulated(), Story::default(), Population::default());
    let alive = population.born();
    let task = reactor.spawn(async move {
        let _alive = alive;
        pending::<()>().await;
    });
    story.hear("task", task);
    settle(&mut reactor);
    let handle = Reactor::clone(&reactor);
    drop(reactor);
    assert_eq!(story.take(), ["task: Ended, the reactor has ended"]);
    assert_eq!(population.count(), 0);
    let alive = population.born();
    let late = handle.spawn(async move { drop(alive) });
    assert_eq!(population.count(), 0);
    drop(late);
}

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

struct Asks(Rc<Cell<u32>>);

impl Protocol for Asks {
    fn connection_made(&mut self, transport: &Transport) {
        transport.write(b"?");
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.0.set(self.0.get() + 1);
        transport.write(data);
    }
}

#[test]
fn a_task_that_wakes_itself_for_ever_leaves_connections_their_turn() {
    let (mut reactor, answers, polls) = (simulated(), Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    reactor.listen("tcp:7", |_: &Peer| Echo).expect("it is free");
    reactor.connect("tcp:127.0.0.1:7", Once::new(Asks(answers.clone()))).detach();
    let counted = polls.clone();
    let spins = reactor.spawn(async move {
        loop {
            counted.set(counted.get() + 1);
            Yield::default().await;
        }
    });
    let spins: Deferred<()> = spins;
    for _ in 0..100 {
        reactor.turn(None).expect("a turn");
    }
    assert!(answers.get() > 20, "{} answers", answers.get());
    assert_eq!(polls.get(), 100, "it is polled once in a turn");
    drop(spins);
}

#[test]
fn tasks_are_polled_in_the_order_in_which_they_were_woken() {
    let (mut reactor, story) = (simulated(), Story::default());
    for name in ["one", "two", "three"] {
        let story = story.clone();
        let task = async move {
            story.tell(format!("{name} begins"));
            Yield::default().await;
            story.tell(format!("{name} ends"));
        };
        reactor.spawn(task).detach();
    }
    settle(&mut reactor);
    let told = ["one begins", "two begins", "three begins", "one ends", "two ends", "three ends"];
    assert_eq!(story.take(), told);
}

#[test]
fn ten_thousand_tasks_in_a_turn_are_served_over_several() {
    let mut reactor = simulated();
    let done = Rc::new(Cell::new(0));
    for _ in 0..10_000 {
        let done = done.clone();
        reactor.spawn(async move { done.set(done.get() + 1) }).detach();
    }
    reactor.turn(Some(Duration::ZERO)).expect("a turn");
    assert!((1..10_000).contains(&done.get()), "{}", done.get());
    settle(&mut reactor);
    assert_eq!(done.get(), 10_000);
}
