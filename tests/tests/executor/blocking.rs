//! `block_on`, intervals and limits.

use std::future::pending;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{ErrorKind, Failure, Reactor};

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
fn block_on_fails_where_it_would_wait_for_ever() {
    let mut reactor = simulated();
    let limited = reactor.timeout(Duration::from_secs(1), pending::<()>());
    assert!(reactor.block_on(limited).expect("the loop goes on").expect_err("it is over").is_timed_out());
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
