//! Signals.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use mio::Interest;
use mio::unix::SourceFd;
use signal_hook::consts::{FORBIDDEN, SIGINT, SIGTERM};
use signal_hook::low_level::{pipe, unregister};
use signal_hook::{SigId, flag};

use crate::error::{Error, ErrorKind, Result};
use crate::reactor::{Reactor, Registration};
use crate::readiness::Readiness;

/// What SIGINT and SIGTERM do to a running loop: see [`Reactor::set_termination`].
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum OnTermination {
    /// The first one stops the reactor in good order, a second one ends the process at once with status 128 plus its number.
    #[default]
    Drain,
    /// They are left alone: the program has handlers of its own, or none.
    Leave,
}

#[derive(Default)]
struct Policy(Cell<OnTermination>);

/// A signal's callback: see [`Reactor::on_signal`]. Dropping it changes nothing.
#[derive(Clone)]
pub struct SignalHandler {
    registration: Registration,
    /// The end that is read, which is where the registration is known by.
    receiver: Rc<UnixStream>,
}

/// Takes the process's signal off the pipe when it is dropped.
#[derive(Default)]
struct Hook(Rc<Cell<Option<SigId>>>);

impl Drop for Hook {
    fn drop(&mut self) {
        if let Some(id) = self.0.take() {
            unregister(id);
        }
    }
}

impl Reactor {
    /// Sets what SIGINT and SIGTERM do while [`MainLoop::run`](crate::MainLoop::run) runs; to be called before. Default:
    /// [`OnTermination::Drain`].
    #[doc(alias = "installSignalHandlers")]
    pub fn set_termination(&self, policy: OnTermination) {
        self.extension::<Policy>().0.set(policy);
    }

    /// Calls `call` from the loop whenever the process gets `signal` (a number of `signal(7)`, such as
    /// `signal_hook::consts::SIGHUP`). Signals that come quickly after each other may be told as one, as the kernel does it.
    ///
    /// The signal's default action is off from then on, even after [`SignalHandler::remove`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a signal that cannot be caught (SIGKILL, SIGSTOP) or must not be (SIGSEGV, SIGILL, SIGFPE), or that
    /// does not exist; [`ErrorKind::Unsupported`] on a simulated reactor; no descriptor left, or the reactor has ended.
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::Reactor;
    ///
    /// const SIGUSR1: i32 = 10;
    ///
    /// let reactor = Reactor::new()?;
    /// reactor.on_signal(SIGUSR1, |reactor| reactor.stop())?;
    /// # rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::USR1)?;
    /// reactor.run()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_signal(&self, signal: i32, mut call: impl FnMut(&Self) + 'static) -> Result<SignalHandler> {
        let failed = |error| Error::io(format!("could not handle signal {signal}"), error);
        if FORBIDDEN.contains(&signal) {
            return Err(Error::new(ErrorKind::InvalidInput, format!("signal {signal} cannot be handled by a program")));
        }
        let (receiver, sender) = UnixStream::pair().map_err(failed)?;
        receiver.set_nonblocking(true).map_err(failed)?;
        let receiver = Rc::new(receiver);
        let theirs = receiver.clone();
        let hook = Hook::default();
        let id = hook.0.clone();
        let fd = receiver.as_raw_fd();
        let source = move |registration: &Registration, _: Readiness| {
            // The source owns what must be undone when it is dropped, by whatever way.
            let _ = &hook;
            let reactor = registration.reactor();
            if reactor.core().network.has_signal(drain(&theirs)) {
                call(reactor);
            }
        };
        let registration = self.register(&mut SourceFd(&fd), Interest::READABLE, source)?;
        #[cfg(feature = "testing")]
        if self.core().network.replays() {
            // The process's own signals are not those that were recorded.
            return Ok(SignalHandler { registration, receiver });
        }
        match pipe::register(signal, sender) {
            Ok(registered) => {
                id.set(Some(registered));
                Ok(SignalHandler { registration, receiver })
            }
            Err(error) => {
                let _ = registration.deregister(&mut SourceFd(&fd));
                Err(failed(error))
            }
        }
    }
}

/// Empties the pipe. Returns whether anything was in it.
fn drain(mut receiver: &UnixStream) -> bool {
    let mut bytes = [0; 64];
    let mut any = false;
    loop {
        match receiver.read(&mut bytes) {
            Ok(1..) => any = true,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return any,
            // Better a call too many than a signal that is never heard of.
            Err(_) => return true,
            Ok(0) => return any,
        }
    }
}

impl SignalHandler {
    /// Calls back no more.
    pub fn remove(self) {
        // The kernel may have forgotten the descriptor already, if the reactor has ended.
        let _ = self.registration.deregister(&mut SourceFd(&self.receiver.as_raw_fd()));
    }
}

impl fmt::Debug for SignalHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignalHandler").field(&self.registration).finish()
    }
}

/// SIGINT and SIGTERM while a loop runs. Dropped, it gives them their default actions back, unless another loop runs.
pub(crate) struct Termination {
    handlers: Vec<SignalHandler>,
    /// This loop is among those that run.
    counted: bool,
}

/// What the process as a whole has installed: signal handlers belong to the process, not to a reactor.
struct Process {
    /// Loops that run. Whoever changes it holds it until the flags agree with it, for loops of several threads begin and end at the
    /// same time.
    loops: Mutex<Loops>,
    /// No loop runs: the signals' default actions apply.
    idle: Arc<AtomicBool>,
    /// One of the signals came while a loop ran: the next one ends the process.
    stopping: Arc<AtomicBool>,
}

#[derive(Default)]
struct Loops {
    running: usize,
    installed: bool,
}

static PROCESS: LazyLock<Process> = LazyLock::new(|| Process {
    loops: Mutex::default(),
    idle: Arc::new(AtomicBool::new(true)),
    stopping: Arc::new(AtomicBool::new(false)),
});

impl Process {
    fn loops(&self) -> MutexGuard<'_, Loops> {
        // Nothing that panics is done with it.
        self.loops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A loop runs from now on.
    fn enter(&self) -> io::Result<()> {
        let mut loops = self.loops();
        if !loops.installed {
            for signal in [SIGINT, SIGTERM] {
                flag::register_conditional_default(signal, self.idle.clone())?;
                // In this order: the first signal finds the flag unset and sets it, the second one finds it set.
                flag::register_conditional_shutdown(signal, 128 + signal, self.stopping.clone())?;
                flag::register(signal, self.stopping.clone())?;
            }
            loops.installed = true;
        }
        if loops.running == 0 {
            self.stopping.store(false, Ordering::SeqCst);
            self.idle.store(false, Ordering::SeqCst);
        }
        loops.running += 1;
        Ok(())
    }

    /// A loop that ran has ended.
    fn leave(&self) {
        let mut loops = self.loops();
        loops.running -= 1;
        if loops.running == 0 {
            self.idle.store(true, Ordering::SeqCst);
        }
    }
}

impl Termination {
    /// Has the signals stop `reactor`, if that is what it wants.
    pub(crate) fn begin(reactor: &Reactor) -> Result<Self> {
        let mut termination = Self { handlers: Vec::new(), counted: false };
        let leave = reactor.extension::<Policy>().0.get() == OnTermination::Leave;
        // A simulated world has no signals.
        if leave || reactor.is_simulated() {
            return Ok(termination);
        }
        for signal in [SIGINT, SIGTERM] {
            let handler = reactor.on_signal(signal, move |reactor| {
                log::info!("signal {signal}: stopping");
                reactor.stop();
            })?;
            termination.handlers.push(handler);
        }
        // Those of a replay are not the process's. The flags come after the handlers: a signal that finds the flags alone would be taken for
        // the first one, and stop nothing.
        if reactor.core().network.registry().is_some() {
            PROCESS.enter().map_err(|error| Error::io("could not handle SIGINT and SIGTERM", error))?;
            termination.counted = true;
        }
        Ok(termination)
    }
}

impl Drop for Termination {
    fn drop(&mut self) {
        self.handlers.drain(..).for_each(SignalHandler::remove);
        if self.counted {
            PROCESS.leave();
        }
    }
}
