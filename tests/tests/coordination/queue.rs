//! Items that wait for somebody, or somebody who waits for items.

use lariat::testing::simulated;
use lariat::{Queue, TooManyWait};
use lariat_tests::story::{Population, Story, settle};

#[test]
fn items_come_in_the_order_in_which_they_were_put_to_those_who_wait_in_order() {
    let (mut reactor, story) = (simulated(), Story::default());
    let queue = Queue::unbounded(&reactor);
    story.hear("first", queue.get());
    story.hear("second", queue.get());
    for item in 1..=4 {
        queue.try_put(item).unwrap();
    }
    assert!(story.take().is_empty(), "nothing is called back inside");
    assert_eq!((queue.len(), queue.waiting_getters()), (2, 0));
    story.hear("third", queue.get());
    settle(&mut reactor);
    assert_eq!(story.take(), ["first: 1", "second: 2", "third: 3"]);
    assert_eq!((queue.try_get(), queue.try_get()), (Some(4), None));
}

#[test]
fn whoever_puts_into_a_full_queue_waits_and_comes_in_order() {
    let (mut reactor, story) = (simulated(), Story::default());
    let queue = Queue::new(&reactor, 2);
    for item in 1..=4 {
        story.hear(&format!("put {item}"), queue.put(item));
    }
    settle(&mut reactor);
    assert_eq!(story.take(), ["put 1: ()", "put 2: ()"]);
    assert_eq!((queue.len(), queue.capacity(), queue.waiting_putters()), (2, 2, 2));
    assert!(queue.is_full());
    assert_eq!(queue.try_put(5), Err(5));
    story.hear("get", queue.get());
    settle(&mut reactor);
    assert_eq!(story.take(), ["put 3: ()", "get: 1"]);
    assert_eq!((queue.len(), queue.waiting_putters()), (2, 1));
    let left = [queue.try_get(), queue.try_get(), queue.try_get(), queue.try_get()];
    assert_eq!(left, [Some(2), Some(3), Some(4), None]);
    settle(&mut reactor);
    assert_eq!(story.take(), ["put 4: ()"]);
}

#[test]
fn without_room_each_item_is_handed_over() {
    let (mut reactor, story) = (simulated(), Story::default());
    let queue = Queue::new(&reactor, 0);
    assert_eq!(queue.try_put(0), Err(0));
    story.hear("put 1", queue.put(1));
    settle(&mut reactor);
    assert!(story.take().is_empty());
    story.hear("get", queue.get());
    settle(&mut reactor);
    assert_eq!(story.take(), ["put 1: ()", "get: 1"]);
    story.hear("get", queue.get());
    assert!(!queue.is_full());
    queue.try_put(2).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["get: 2"]);
}

#[test]
fn more_than_may_wait_fail_at_once() {
    let (mut reactor, story) = (simulated(), Story::default());
    let population = Population::default();
    let queue = Queue::with_limits(&reactor, 1, 1, 1);
    let put = || queue.put(population.born()).map_result(|result| Ok(result.map_err(|e| e.is::<TooManyWait>())));
    let get = || queue.get().map_result(|result| Ok(result.map(drop).map_err(|e| e.is::<TooManyWait>())));
    let first = get();
    story.hear("second get", get());
    // One who is about to leave does not count.
    drop(first);
    story.hear("third get", get());
    settle(&mut reactor);
    assert_eq!(story.take(), ["second get: Err(true)"]);
    for number in 1..=4 {
        story.hear(&format!("put {number}"), put());
    }
    settle(&mut reactor);
    assert_eq!(story.take(), ["third get: Ok(())", "put 1: Ok(())", "put 2: Ok(())", "put 4: Err(true)"]);
    assert_eq!(population.count(), 2, "the one that was refused is gone, and so is the one that arrived");
    drop(queue.try_get());
    settle(&mut reactor);
    assert_eq!(story.take(), ["put 3: Ok(())"]);
}

#[test]
fn an_item_whose_put_is_cancelled_is_dropped_and_the_next_one_comes_in() {
    let (mut reactor, story) = (simulated(), Story::default());
    let population = Population::default();
    let queue = Queue::new(&reactor, 1);
    let put = |number: u8| queue.put((number, population.born()));
    put(1).detach();
    let (second, third, fourth) = (put(2), put(3), put(4));
    drop(second);
    third.cancel();
    story.hear("third", third);
    story.hear("fourth", fourth);
    assert_eq!(queue.waiting_putters(), 1);
    // Their cancellers have not been called yet.
    assert_eq!(queue.try_get().unwrap().0, 1);
    settle(&mut reactor);
    assert_eq!(story.take(), ["fourth: ()", "third: Cancelled, cancelled"]);
    assert_eq!(queue.try_get().unwrap().0, 4);
    assert_eq!(population.count(), 0);
    assert_eq!(reactor.stats().deferreds, 0);
}

#[test]
fn whoever_waits_is_told_when_the_queue_goes_and_nothing_is_kept() {
    let (mut reactor, story, population) = (simulated(), Story::default(), Population::default());
    let queue = Queue::new(&reactor, 1);
    queue.put(population.born()).detach();
    story.hear("put", queue.put(population.born()));
    let empty = Queue::<u8>::new(&reactor, 1);
    story.hear("get", empty.get());
    drop((queue, empty));
    settle(&mut reactor);
    let told = story.take();
    assert!(told.len() == 2 && told.iter().all(|told| told.contains("Abandoned")), "{told:?}");
    assert_eq!((population.count(), reactor.stats().deferreds), (0, 0));
}

#[test]
fn whoever_waits_is_told_when_the_reactor_ends_and_only_items_stay() {
    let (reactor, story, population) = (simulated(), Story::default(), Population::default());
    let queue = Queue::new(&reactor, 1);
    queue.put(population.born()).detach();
    story.hear("put", queue.put(population.born()));
    let empty = Queue::<u8>::new(&reactor, 1);
    story.hear("get", empty.get());
    drop(reactor);
    let told = story.take();
    assert!(told.len() == 2 && told.iter().all(|told| told.contains("Ended")), "{told:?}");
    assert_eq!((population.count(), queue.len(), queue.waiting_putters(), empty.waiting_getters()), (1, 1, 0, 0));
    drop(queue.put(population.born()));
    drop(queue.get());
    assert_eq!((population.count(), queue.len()), (1, 1));
    assert!(queue.try_get().is_some());
    assert_eq!(population.count(), 0);
}

/// An item whose drop uses the queue that it was to be put into.
struct Meddler(Option<Queue<Self>>);

impl Drop for Meddler {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            assert!(queue.try_put(Self(None)).is_ok(), "there is room");
            drop(queue.get());
        }
    }
}

#[test]
fn an_item_may_use_the_queue_while_it_is_dropped() {
    let mut reactor = simulated();
    let queue = Queue::new(&reactor, 1);
    queue.put(Meddler(None)).detach();
    drop(queue.put(Meddler(Some(queue.clone()))));
    queue.put(Meddler(None)).detach();
    drop(queue.try_get());
    settle(&mut reactor);
    assert_eq!(reactor.stats().deferreds, 0);
    assert!(queue.try_get().is_some());
}
