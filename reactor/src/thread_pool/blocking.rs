//! Waiting in a thread for what the loop says.

use crossbeam_channel::{Sender, bounded};

use crate::contain::catch;
use crate::deferred::IntoDeferred;
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;
use crate::reactor::{Reactor, Remote};

use super::job::panicked;

/// Takes the one answer.
type Asker<T> = Sender<Result<T, Failure>>;

impl Remote {
    /// Has the loop run `call`, and waits for the value. What gives a [`Deferred`](crate::Deferred) or a `Result` is one for
    /// [`blocking_defer`](Self::blocking_defer).
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::thread;
    ///
    /// let reactor = Reactor::new()?;
    /// let remote = reactor.remote()?;
    /// let thread = thread::spawn(move || {
    ///     let connections = remote.blocking_call(|reactor| reactor.stats().connections);
    ///     remote.call(Reactor::stop).ok();
    ///     connections
    /// });
    /// reactor.run()?;
    /// assert_eq!(thread.join().unwrap().unwrap(), 0);
    /// # Ok::<(), lariat::Error>(())
    /// ```
    ///
    /// The call takes its place among the thread's [others](Self::call). The thread waits as long as the loop takes to get there.
    ///
    /// # Errors
    ///
    /// - On the loop's own thread, which would wait for itself: an [`Error`] of kind [`ErrorKind::Deadlock`], at once. So in the threads of a
    ///   simulation too, which all are one.
    /// - When the reactor has ended, or ends before the call has run: [`FailureKind::Ended`](crate::FailureKind::Ended). The call is dropped.
    /// - When the call panics: [`FailureKind::Panicked`](crate::FailureKind::Panicked).
    ///
    /// What blocks the loop until this thread goes on, such as a callback that joins it, has both wait for ever; and so has a loop's thread that
    /// asks another loop which asks it.
    #[doc(alias = "blockingCallFromThread")]
    pub fn blocking_call<T, F>(&self, call: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Reactor) -> T + Send + 'static,
    {
        self.ask(move |reactor, asker| {
            let answer = catch(|| call(reactor)).map_err(|message| panicked::<F>(&message));
            // The thread is waiting.
            let _ = asker.send(answer);
        })
    }

    /// Has the loop run `call`, and waits for the result of the [`Deferred`](crate::Deferred) that it gives; or for its `Result`.
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::thread;
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// let remote = reactor.remote()?;
    /// let thread = thread::spawn(move || {
    ///     let slept = remote.blocking_defer(|reactor| reactor.sleep(Duration::from_millis(1)));
    ///     remote.call(Reactor::stop).ok();
    ///     slept
    /// });
    /// reactor.run()?;
    /// thread.join().unwrap().unwrap();
    /// # Ok::<(), lariat::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the Deferred fails with, and as of [`blocking_call`](Self::blocking_call). A reactor that ends fails its Deferreds.
    #[doc(alias = "blockingCallFromThread")]
    pub fn blocking_defer<R, F>(&self, call: F) -> Result<R::Value, Failure>
    where
        R: IntoDeferred<Value: Send>,
        F: FnOnce(&Reactor) -> R + Send + 'static,
    {
        self.ask(move |reactor, asker| {
            // The thread is waiting, whichever answer it gets.
            match catch(|| call(reactor).into_deferred(reactor)) {
                Ok(deferred) => deferred.finish(move |result| drop(asker.send(result))),
                Err(message) => drop(asker.send(Err(panicked::<F>(&message)))),
            }
        })
    }

    /// Has the loop see to it that there is an answer, and waits for it.
    fn ask<T: Send + 'static>(
        &self,
        see_to_it: impl FnOnce(&Reactor, Asker<T>) + Send + 'static,
    ) -> Result<T, Failure> {
        if self.is_loop_thread() {
            let words = "a call that waits for the loop was made on the loop's own thread, which would wait for itself";
            return Err(Error::new(ErrorKind::Deadlock, words).into());
        }
        let (asker, answer) = bounded(1);
        let ask = move |reactor: &Reactor| {
            if !reactor.has_ended() {
                see_to_it(reactor, asker);
            }
        };
        if self.call(ask).is_err() {
            return Err(Failure::ended());
        }
        // Whoever drops the asker cannot answer any more.
        answer.recv().unwrap_or_else(|_| Err(Failure::ended()))
    }
}
