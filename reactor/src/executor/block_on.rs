//! Running the loop for the sake of one future.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

use crate::error::{Error, Result};
use crate::reactor::{MainLoop, TaskId};

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
        // Waking it has the loop take another turn.
        let alarm = self.wakers()?.alarm(TaskId::NONE);
        let mut future = pin!(future);
        loop {
            if alarm.has_rung()
                && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(alarm.arm()))
            {
                return Ok(output);
            }
            if self.core().stopping.get() {
                return Err(Error::ended());
            }
            #[cfg(feature = "testing")]
            self.core().alarm_clones.set(alarm.clones());
            let turned = self.turn(None);
            #[cfg(feature = "testing")]
            self.core().alarm_clones.set(0);
            turned?;
        }
    }
}
