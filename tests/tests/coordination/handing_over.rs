//! Items on their way to somebody who goes away.

use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Deferred, Queue, Reactor};
use lariat_tests::story::{Population, Story, settle};

use super::poll;

#[test]
fn an_item_on_its_way_to_a_getter_that_is_dropped_goes_to_the_next() {
    let (mut reactor, story) = (simulated(), Story::default());
    let queue = Queue::new(&reactor, 4);
    let (first, second) = (queue.get(), queue.get());
    queue.try_put(1).unwrap();
    drop(first);
    story.hear("second", second);
    settle(&mut reactor);
    assert_eq!(story.take(), ["second: 1"]);
    assert_eq!(reactor.stats().deferreds, 0);
}

#[test]
fn if_nobody_waits_it_goes_back_to_the_front() {
    let mut reactor = simulated();
    let queue = Queue::new(&reactor, 1);
    let first = queue.get();
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    drop(first);
    assert_eq!((queue.len(), queue.capacity()), (2, 1), "for a while it holds more than it should");
    assert_eq!(queue.try_put(3), Err(3));
    assert_eq!((queue.try_get(), queue.try_get()), (Some(1), Some(2)));
    settle(&mut reactor);
}

#[test]
fn a_getter_that_has_its_item_and_is_dropped_gives_it_back() {
    for waits in [false, true] {
        let mut reactor = simulated();
        let queue = Queue::new(&reactor, 1);
        let get = if waits {
            let mut get = queue.get();
            assert!(poll(&mut get).is_pending());
            assert!(poll(&mut get).is_pending());
            queue.try_put(1).unwrap();
            get
        } else {
            queue.try_put(1).unwrap();
            queue.get()
        };
        assert_eq!(queue.len(), 0);
        settle(&mut reactor);
        assert!(get.is_settled());
        drop(get);
        assert_eq!(queue.try_get(), Some(1));
        assert_eq!(reactor.stats().deferreds, 0);
    }
}

#[test]
fn a_getter_that_is_cancelled_and_kept_still_gets_what_was_on_its_way() {
    let (mut reactor, story) = (simulated(), Story::default());
    let queue = Queue::new(&reactor, 1);
    let get = queue.get();
    queue.try_put(1).unwrap();
    get.cancel();
    story.hear("get", get);
    settle(&mut reactor);
    assert_eq!(story.take(), ["get: 1"]);
}

#[test]
fn a_task_that_awaits_a_getter_has_the_item() {
    let mut reactor = simulated();
    let queue = Queue::new(&reactor, 1);
    let mut get = queue.get().named("a getter");
    assert!(poll(&mut get).is_pending());
    queue.try_put(1).unwrap();
    settle(&mut reactor);
    let std::task::Poll::Ready(Ok(1)) = poll(&mut get) else { panic!("it is there") };
    let mut get = queue.get();
    queue.try_put(2).unwrap();
    let std::task::Poll::Ready(Ok(2)) = poll(&mut get) else { panic!("it is there at once") };
    assert_eq!((queue.len(), reactor.stats().deferreds), (0, 0));
}

#[test]
fn a_task_that_waits_and_is_dropped_leaves_the_line() {
    let mut reactor = simulated();
    let queue = Queue::new(&reactor, 1);
    let mut get = queue.get();
    assert!(poll(&mut get).is_pending());
    drop(get);
    assert_eq!(queue.waiting_getters(), 0);
    queue.try_put(1).unwrap();
    settle(&mut reactor);
    assert_eq!((queue.len(), reactor.stats().deferreds), (1, 0));
}

#[test]
fn a_getter_can_be_what_a_callback_gives() {
    let (mut reactor, story) = (simulated(), Story::default());
    let queue = Queue::new(&reactor, 1);
    let (waits, has) = (queue.clone(), queue.clone());
    story.hear("waits", Deferred::succeed(&reactor, ()).and_then(move |()| waits.get()));
    settle(&mut reactor);
    queue.try_put(1).unwrap();
    settle(&mut reactor);
    queue.try_put(2).unwrap();
    story.hear("has", Deferred::succeed(&reactor, ()).and_then(move |()| has.get()).map(|item| item * 10));
    settle(&mut reactor);
    assert_eq!(story.take(), ["waits: 1", "has: 20"]);
}

#[test]
fn a_getter_with_a_timeout_loses_nothing_when_that_is_over() {
    let (mut reactor, story) = (simulated(), Story::default());
    let queue = Queue::new(&reactor, 1);
    let second = Duration::from_secs(1);
    story.hear("early", queue.get().timeout(second));
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["early: TimedOut, no result within 1s"]);
    // In the same tick: the item is on its way when the time is over.
    let putter = queue.clone();
    reactor.call_later(second, move |_| putter.try_put(7).unwrap());
    story.hear("just in time", queue.get().timeout(second));
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["just in time: 7"]);
}

#[test]
fn items_on_their_way_when_all_ends_are_dropped_with_their_queue() {
    let (reactor, population) = (simulated(), Population::default());
    let queue = Queue::new(&reactor, 1);
    let (waits, task) = (queue.get(), queue.get());
    queue.try_put(population.born()).unwrap();
    queue.try_put(population.born()).unwrap();
    drop(reactor);
    drop(queue);
    assert_eq!(population.count(), 2);
    drop((waits, task));
    assert_eq!(population.count(), 0);
}

#[test]
fn ten_thousand_getters_that_come_and_go_lose_nothing() {
    let mut reactor = simulated();
    let queue = Queue::new(&reactor, 8);
    let mut random: u32 = 1;
    let mut getters: Vec<Deferred<u32>> = Vec::new();
    let got = std::rc::Rc::new(std::cell::Cell::new(Vec::new()));
    let mut put = 0;
    for _ in 0..10_000 {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let place = random as usize / 8 % getters.len().max(1);
        match random % 8 {
            0..3 => getters.push(queue.get()),
            3..5 => put += u32::from(queue.try_put(put).is_ok()),
            5 if !getters.is_empty() => drop(getters.swap_remove(place)),
            6 if !getters.is_empty() => {
                let got = got.clone();
                getters.swap_remove(place).finish(move |item| {
                    let mut all = got.take();
                    all.extend(item.ok());
                    got.set(all);
                });
            }
            _ => reactor.turn(Some(Duration::ZERO)).unwrap(),
        }
    }
    drop(getters);
    settle(&mut reactor);
    let mut all = got.take();
    while let Some(item) = queue.try_get() {
        all.push(item);
    }
    all.sort_unstable();
    assert!(put > 1000 && all == (0..put).collect::<Vec<_>>(), "{} of {put}", all.len());
    assert_eq!(Reactor::clone(&reactor).stats().calls, 0);
}
