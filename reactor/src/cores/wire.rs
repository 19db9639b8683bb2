//! How a core is told something by another thread.

use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::Interest;
use mio::unix::SourceFd;

use crate::error::{Error, Result};
use crate::reactor::{Reactor, Registration};
use crate::readiness::Readiness;

type Call = Box<dyn FnOnce(&Reactor) + Send>;

/// The way to a core.
#[derive(Clone)]
pub(super) struct Wire(Arc<Shared>);

struct Shared {
    /// What the core is to do next; `None` once it has ended.
    calls: Mutex<Option<Vec<Call>>>,
    /// A byte in it wakes the core.
    bell: UnixStream,
}

impl Wire {
    /// A wire to `reactor`.
    pub(super) fn to(reactor: &Reactor) -> Result<Self> {
        let (receiver, bell) = pair().map_err(|error| Error::io("could not make a way to call a core", error))?;
        let wire = Self(Arc::new(Shared { calls: Mutex::new(Some(Vec::new())), bell }));
        let (fd, own) = (receiver.as_raw_fd(), wire.clone());
        let source = move |registration: &Registration, _: Readiness| {
            // Before the calls are taken: one that is made after this rings again.
            let _ = io::copy(&mut &receiver, &mut io::sink());
            let calls = own.calls().as_mut().map(std::mem::take);
            calls.into_iter().flatten().for_each(|call| call(registration.reactor()));
        };
        reactor.register(&mut SourceFd(&fd), Interest::READABLE, source)?;
        Ok(wire)
    }

    fn calls(&self) -> MutexGuard<'_, Option<Vec<Call>>> {
        // Nothing that panics is done with it.
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the core run `call` in its loop. Returns whether it is there to do so.
    pub(super) fn call(&self, call: impl FnOnce(&Reactor) + Send + 'static) -> bool {
        let mut calls = self.calls();
        let Some(waiting) = &mut *calls else { return false };
        waiting.push(Box::new(call));
        // It cannot fail for want of room: only the first call rings.
        waiting.len() > 1 || (&self.0.bell).write(&[0]).is_ok()
    }

    /// The core has ended.
    pub(super) fn cut(&self) {
        let calls = self.calls().take();
        drop(calls);
    }
}

fn pair() -> io::Result<(UnixStream, UnixStream)> {
    let (receiver, bell) = UnixStream::pair()?;
    receiver.set_nonblocking(true)?;
    bell.set_nonblocking(true)?;
    Ok((receiver, bell))
}
