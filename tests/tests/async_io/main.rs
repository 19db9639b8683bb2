//! Connections that tasks read and write.

mod cancelling;
mod copying;
mod faults;
mod listener;
mod marks;
mod others;
mod streams;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use lariat::testing::simulated;
use lariat::{AsyncStream, Failure, MainLoop, Reactor};

/// The byte at this place of a stream that does not repeat itself within what these tests send.
fn byte(place: usize) -> u8 {
    (place.wrapping_mul(31) ^ (place >> 8) ^ (place >> 16).wrapping_mul(7)).to_le_bytes()[0]
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(byte).collect()
}

/// Is it the beginning of what is sent?
fn is_beginning(seen: &[u8]) -> bool {
    seen.iter().enumerate().all(|(place, seen)| *seen == byte(place))
}

/// A future that is polled so many times at the most; what it gives is nothing if it was not ready by then.
struct Polls<F> {
    future: Option<Pin<Box<F>>>,
    left: usize,
}

impl<F: Future> Polls<F> {
    fn at_most(left: usize, future: F) -> Self {
        Self { future: Some(Box::pin(future)), left }
    }
}

impl<F: Future> Future for Polls<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(left) = self.left.checked_sub(1) else {
            self.future = None;
            return Poll::Ready(None);
        };
        self.left = left;
        let Some(future) = &mut self.future else { return Poll::Ready(None) };
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.left == 0 => {
                self.future = None;
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Both ends of a connection.
async fn pair(reactor: &Reactor) -> Result<(AsyncStream, AsyncStream), Failure> {
    pair_at(reactor, 7000).await
}

async fn pair_at(reactor: &Reactor, port: u16) -> Result<(AsyncStream, AsyncStream), Failure> {
    let mut listener = reactor.listen_stream(&format!("tcp:{port}:interface=127.0.0.1"))?;
    let client = reactor.connect_stream(&format!("tcp:127.0.0.1:{port}")).await?;
    Ok((client, listener.accept().await?))
}

/// Runs `test` on a simulated reactor to its end, and looks whether anything is left then.
fn run<F: Future<Output = Result<(), Failure>>>(test: impl FnOnce(Reactor) -> F) {
    let mut reactor = simulated();
    let future = test(Reactor::clone(&reactor));
    reactor.block_on(future).expect("the loop goes on").expect("no failure");
    look_for_leftovers(&mut reactor);
}

/// Lets what was closed come to its end; then nothing is left.
fn look_for_leftovers(reactor: &mut MainLoop) {
    for _ in 0..1000 {
        let stats = reactor.stats();
        if (stats.connections, stats.calls, stats.tasks, stats.deferreds, stats.timers) == (0, 0, 0, 0, 0) {
            return;
        }
        reactor.turn(Some(std::time::Duration::from_secs(1))).expect("a turn");
    }
    panic!("something is left: {:?}", reactor.stats());
}
