//! Running the loop for the sake of one future.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::error::{Error, Result};
use crate::reactor::MainLoop;

/// Notes that the future is to be polled, and has the loop take a turn for it.
struct Woken {
    is_woken: AtomicBool,
    turn: Waker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.turn.wake_by_ref();
    }
}

impl MainLoop {
    /// Runs the loop until `future` is ready, and gives what it gives: for `main`, and for tests. The future may borrow what it likes. The loop
    /// can be used again afterwards; [`run`](Self::run) it, or drop it, to end what it serves.
    ///
    /// No trigger is called, and signals do what they do by default.
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::time::Duration;
    ///
    /// let mut reactor = Reactor::new()?;
    /// let slept = reactor.sleep(Duration::from_millis(1));
    /// reactor.block_on(slept)?.unwrap();
    /// # Ok::<(), lariat::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the loop is stopped first ([`ErrorKind::ReactorEnded`](crate::ErrorKind::ReactorEnded)); when waiting for events fails, which on
    /// a sound system it does not; or, on a simulated reactor, when nothing is left that could ever happen.
    #[doc(alias = "react")]
    pub fn block_on<F: Future>(&mut self, future: F) -> Result<F::Output> {
        let turn = self.tasks()?.turn_waker();
        let woken = Arc::new(Woken { is_woken: AtomicBool::new(true), turn });
        let waker = Waker::from(woken.clone());
        let mut future = pin!(future);
        loop {
            if woken.is_woken.swap(false, Ordering::AcqRel)
                && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return Ok(output);
            }
            if self.core().stopping.get() {
                return Err(Error::ended());
            }
            self.turn(None)?;
        }
    }
}
