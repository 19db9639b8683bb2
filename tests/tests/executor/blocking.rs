//! `block_on`, intervals and limits.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Deferred, ErrorKind, Failure, MainLoop, Reactor, Semaphore};

#[test]
fn block_on_gives_what_the_future_gives_and_may_borrow() {
    let mut reactor = simulated();
    let words = String::from("hello");
    let sleep = reactor.sleep(Duration::from_secs(5));
    let length = reactor.block_on(async {
        sleep.await?;
        Ok::<_, Failure>(words.len())
    });
    assert_eq!(length.expect("the loop goes on").expect("it has slept"), 5);
}

#[test]
fn block_on_ends_when_the_loop_is_stopped() {
    let mut reactor = simulated();
    reactor.call_later(Duration::from_secs(1), Reactor::stop);
    let error = reactor.block_on(pending::<()>()).expect_err("it was stopped");
    assert_eq!(error.kind(), ErrorKind::ReactorEnded);
}

#[test]
fn a_time_limit_ends_what_would_wait_for_ever() {
    let mut reactor = simulated();
    let limited = reactor.timeout(Duration::from_secs(1), pending::<()>());
    assert!(reactor.block_on(limited).expect("the loop goes on").expect_err("it is over").is_timed_out());
}

#[track_caller]
fn fails<T>(reactor: &mut MainLoop, future: impl Future<Output = T>) {
    let Err(error) = reactor.block_on(future) else { panic!("nobody could have woken it") };
    assert!(error.to_string().contains("nothing is left that could ever happen"), "{error}");
}

#[test]
fn block_on_fails_without_delay_where_it_would_wait_for_ever() {
    // Each of these would take a minute if the loop took it that another thread may still wake the task.
    let mut reactor = simulated();
    fails(&mut reactor, pending::<()>());
    let (resolver, never) = Deferred::<u32>::new(&reactor);
    fails(&mut reactor, never);
    drop(resolver);
    let gate = Semaphore::new(&reactor, 1);
    let _permit = gate.try_acquire();
    fails(&mut reactor, gate.acquire());

    let mut listener = reactor.listen_stream("tcp:7000").expect("it is free");
    fails(&mut reactor, listener.accept());
    let connecting = reactor.connect_stream("tcp:127.0.0.1:7000");
    let mut client = reactor.block_on(connecting).expect("the loop goes on").expect("it is there");
    let mut server = reactor.block_on(listener.accept()).expect("the loop goes on").expect("it is there");
    fails(&mut reactor, server.read(&mut [0; 8]));
    fails(&mut reactor, client.write_all(&vec![0; 8 << 20]));

    // So it is if it is others that it waits for.
    let waits = reactor.spawn(pending::<()>());
    let told = reactor.spawn(waits);
    fails(&mut reactor, told);
}

/// Gives its waker to a thread when it is polled first, and is ready when it is polled again.
struct Handing(Option<Sender<Waker>>);

impl Future for Handing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(thread) = self.0.take() else { return Poll::Ready(()) };
        thread.send(context.waker().clone()).expect("the thread waits");
        Poll::Pending
    }
}

#[test]
fn a_simulated_loop_waits_for_a_waker_that_another_thread_has() {
    for round in 0..200 {
        let mut reactor = simulated();
        let (sender, wakers) = channel::<Waker>();
        let thread = thread::spawn(move || {
            let waker = wakers.recv().expect("it comes");
            // The loop may be about to sleep, or sleep, by then.
            (0..round).for_each(|_| thread::yield_now());
            waker.wake();
        });
        if round % 2 == 0 {
            reactor.block_on(Handing(Some(sender))).expect("it is woken");
        } else {
            let task = reactor.spawn(Handing(Some(sender)));
            reactor.block_on(task).expect("it is woken").expect("no failure");
        }
        thread.join().expect("it does not panic");
    }
}

#[test]
fn an_interval_keeps_to_its_grid_and_counts_what_it_skips() {
    let mut reactor = simulated();
    let (handle, begun) = (Reactor::clone(&reactor), reactor.now());
    let mut interval = reactor.interval(Duration::from_secs(2));
    let seen = reactor.block_on(async move {
        let mut seen = Vec::new();
        for pause in [0, 0, 5, 1] {
            handle.sleep(Duration::from_secs(pause)).await?;
            let slots = interval.tick().await?;
            seen.push((slots, (handle.now() - begun).as_secs()));
        }
        Ok::<_, Failure>(seen)
    });
    assert_eq!(seen.expect("the loop goes on").expect("no failure"), [(1, 2), (1, 4), (2, 9), (1, 10)]);
}

#[test]
fn a_tick_that_was_given_up_is_still_to_come() {
    let mut reactor = simulated();
    let (handle, begun) = (Reactor::clone(&reactor), reactor.now());
    let mut interval = reactor.interval(Duration::from_secs(4));
    let at = reactor.block_on(async move {
        let given_up = handle.timeout(Duration::from_secs(1), interval.tick()).await;
        assert!(given_up.is_err_and(|failure| failure.is_timed_out()));
        interval.tick().await?;
        Ok::<_, Failure>(handle.now() - begun)
    });
    assert_eq!(at.expect("the loop goes on").expect("no failure"), Duration::from_secs(4));
}
