//! Futures on the loop: when they are polled, what ends them, and who may wake them.

mod blocking;
mod tasks;
mod wakers;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use lariat::MainLoop;

/// Gives way once: it wakes itself, and is ready the next time.
#[derive(Default)]
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

fn settle(reactor: &mut MainLoop) {
    while reactor.stats().calls > 0 {
        reactor.turn(Some(Duration::ZERO)).expect("a turn");
    }
}
