//! Wakers, which may go anywhere.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use lariat::testing::simulated;
use lariat::{Failure, Reactor};

use super::settle;

/// Ready once another thread has said so.
#[derive(Clone, Default)]
struct Signal(Arc<Mutex<(bool, Option<Waker>)>>);

impl Signal {
    fn give(&self) {
        let mut state = self.0.lock().expect("no holder panics");
        state.0 = true;
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }
}

impl Future for Signal {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().expect("no holder panics");
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(context.waker().clone());
        Poll::Pending
    }
}

#[test]
fn another_thread_wakes_a_loop_that_sleeps() {
    let mut reactor = Reactor::new().expect("descriptors are left");
    let signal = Signal::default();
    let given = signal.clone();
    let thread = thread::spawn(move || {
        // Whether the loop sleeps by now or not, it notices.
        given.give();
    });
    reactor.block_on(signal).expect("the loop goes on");
    thread.join().expect("it does not panic");
}

#[test]
fn a_task_that_another_thread_wakes_goes_on() {
    let mut reactor = Reactor::new().expect("descriptors are left");
    let signals: Vec<_> = (0..100).map(|_| Signal::default()).collect();
    let (all, tasks) = (signals.clone(), Rc::new(Cell::new(0)));
    for signal in signals {
        let tasks = tasks.clone();
        let task = async move {
            signal.await;
            tasks.set(tasks.get() + 1);
        };
        reactor.spawn(task).detach();
    }
    let thread = thread::spawn(move || all.iter().for_each(Signal::give));
    while tasks.get() < 100 {
        reactor.turn(None).expect("a turn");
    }
    thread.join().expect("it does not panic");
}

#[test]
fn a_waker_is_harmless_once_its_task_or_its_reactor_is_gone() {
    let mut reactor = simulated();
    let kept: Rc<Cell<Option<Waker>>> = Rc::default();
    let keep = kept.clone();
    let task = poll_fn(move |context| {
        keep.set(Some(context.waker().clone()));
        Poll::Ready(())
    });
    reactor.spawn(task).detach();
    settle(&mut reactor);
    let waker = kept.take().expect("it was kept");
    // The place of the task is taken by another one, which is not polled for it.
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    let next = poll_fn(move |_| {
        counted.set(counted.get() + 1);
        Poll::<()>::Pending
    });
    let next = reactor.spawn(next);
    settle(&mut reactor);
    waker.wake_by_ref();
    settle(&mut reactor);
    assert_eq!(polls.get(), 1);
    drop(next);
    drop(reactor);
    thread::spawn(move || waker.wake()).join().expect("it does not panic");
}

#[test]
fn a_waker_of_a_task_that_still_waited_when_the_reactor_ended_is_harmless() {
    let mut reactor = simulated();
    let kept: Rc<Cell<Option<Waker>>> = Rc::default();
    let keep = kept.clone();
    let waits = poll_fn(move |context| {
        keep.set(Some(context.waker().clone()));
        Poll::<()>::Pending
    });
    reactor.spawn(waits).detach();
    settle(&mut reactor);
    let waker = kept.take().expect("it was kept");
    let (there, other) = (waker.clone(), waker.clone());
    // Once it is queued already, once not; by this thread and by others; and the last of them is dropped unused.
    other.wake_by_ref();
    drop(reactor);
    waker.wake_by_ref();
    thread::spawn(move || {
        let again = there.clone();
        there.wake_by_ref();
        again.wake();
    })
    .join()
    .expect("it does not panic");
    waker.wake();
    drop(other);
}

#[test]
fn a_task_that_is_woken_often_is_polled_once() {
    let mut reactor = simulated();
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    let task = poll_fn(move |context| {
        counted.set(counted.get() + 1);
        if counted.get() == 1 {
            (0..10).for_each(|_| context.waker().wake_by_ref());
            return Poll::Pending;
        }
        Poll::Ready(Ok::<_, Failure>(()))
    });
    reactor.spawn(task).detach();
    settle(&mut reactor);
    assert_eq!(polls.get(), 2);
}

#[test]
fn tasks_of_two_loops_on_one_thread_wake_each_other() {
    let (mut one, mut two) = (simulated(), simulated());
    let signal = Signal::default();
    let (waits, gives) = (signal.clone(), signal);
    let (done, tell) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    let seen = done.clone();
    let waiting = async move {
        waits.await;
        seen.set(true);
    };
    one.spawn(waiting).detach();
    settle(&mut one);
    let told = tell.clone();
    let giving = async move {
        gives.give();
        told.set(true);
    };
    two.spawn(giving).detach();
    settle(&mut two);
    assert!(tell.get() && !done.get());
    one.turn(Some(std::time::Duration::ZERO)).expect("a turn");
    assert!(done.get());
}
