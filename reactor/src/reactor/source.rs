//! Descriptors of a user's own on the loop.

use std::fmt;

use mio::Interest;
use mio::event;

use crate::contain::contain;
use crate::error::{Error, ErrorKind, Result};
use crate::readiness::Readiness;
use crate::token::Token;

use super::core::{Dispatch, Reactor, Turn};
use super::description::Description;

/// Serves a descriptor that Lariat knows nothing about: a device, an `inotify` instance, a library's socket.
///
/// Events are edge-triggered, as `epoll(7)` has them: read or write until it would block. To stop before that (so that others
/// have their turn), call [`Registration::serve_again`]. Readiness may be spurious. A panic ends the registration.
#[doc(alias = "IReadDescriptor")]
#[doc(alias = "IWriteDescriptor")]
pub trait Source: 'static {
    /// The descriptor may be ready for what `readiness` says.
    fn ready(&mut self, registration: &Registration, readiness: Readiness);
}

impl<F: FnMut(&Registration, Readiness) + 'static> Source for F {
    fn ready(&mut self, registration: &Registration, readiness: Readiness) {
        self(registration, readiness);
    }
}

/// A [`Source`]'s place in the reactor. Dropping it changes nothing.
#[derive(Clone)]
pub struct Registration {
    reactor: Reactor,
    token: Token,
}

impl Reactor {
    /// Serves `descriptor` with `source` until [`Registration::deregister`] is called. The descriptor stays the caller's, must be
    /// in non-blocking mode and must stay open until then; any [`mio::event::Source`] will do, such as
    /// [`mio::unix::SourceFd`] for a bare descriptor.
    ///
    /// # Errors
    ///
    /// When the reactor has ended, when the kernel cannot watch such a descriptor (a plain file, say), or when the reactor is a
    /// simulated one ([`ErrorKind::Unsupported`]).
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::mio::{Interest, unix::SourceFd};
    /// use lariat::{Reactor, Registration};
    /// use std::io::{Read, Write};
    /// use std::os::fd::AsRawFd;
    /// use std::os::unix::net::UnixStream;
    ///
    /// let (mut ours, mut theirs) = UnixStream::pair()?;
    /// ours.set_nonblocking(true)?;
    /// let reactor = Reactor::new()?;
    /// let fd = ours.as_raw_fd();
    /// reactor.register(&mut SourceFd(&fd), Interest::READABLE, move |registration: &Registration, _| {
    ///     let mut bytes = [0; 16];
    ///     while let Ok(count @ 1..) = ours.read(&mut bytes) {
    ///         assert_eq!(&bytes[..count], b"hello");
    ///         registration.reactor().stop();
    ///     }
    /// })?;
    /// theirs.write_all(b"hello")?;
    /// reactor.run()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "addReader")]
    #[doc(alias = "addWriter")]
    pub fn register(
        &self,
        descriptor: &mut impl event::Source,
        interest: Interest,
        source: impl Source,
    ) -> Result<Registration> {
        let registry = self.registry()?;
        let token = self.reserve()?;
        if let Some(registry) = registry
            && let Err(error) = descriptor.register(registry, token.into(), interest)
        {
            self.remove(token);
            return Err(Error::io("could not register the descriptor", error));
        }
        self.core().network.source_added(token);
        let registration = Registration { reactor: self.clone(), token };
        self.install(token, Box::new(Registered { source, registration: registration.clone() }));
        Ok(registration)
    }

    /// The kernel's registry; none where sources are called as it was recorded, whatever their descriptors do.
    fn registry(&self) -> Result<Option<&mio::Registry>> {
        let network = &self.core().network;
        #[cfg(feature = "testing")]
        if network.replays() {
            return Ok(None);
        }
        let simulated = || Error::new(ErrorKind::Unsupported, "a simulated reactor has no descriptors to register");
        network.registry().map(Some).ok_or_else(simulated)
    }
}

impl Registration {
    /// The reactor that serves the source.
    pub fn reactor(&self) -> &Reactor {
        &self.reactor
    }

    /// Serves the source in the next turn even if no new event comes; its readiness then says
    /// [`is_again`](Readiness::is_again).
    pub fn serve_again(&self) {
        self.reactor.serve_again(self.token);
    }

    /// Watches for something else.
    ///
    /// # Errors
    ///
    /// When the descriptor is not registered here, or is closed.
    pub fn reregister(&self, descriptor: &mut impl event::Source, interest: Interest) -> Result<()> {
        let Some(registry) = self.reactor.registry()? else { return Ok(()) };
        descriptor
            .reregister(registry, self.token.into(), interest)
            .map_err(|error| Error::io("could not change what the descriptor is watched for", error))
    }

    /// Ends the registration. The source is dropped: at once, or, from within its own callback, when that returns.
    ///
    /// # Errors
    ///
    /// When the descriptor is not registered here, or is closed; the source is dropped all the same.
    #[doc(alias = "removeReader")]
    #[doc(alias = "removeWriter")]
    pub fn deregister(&self, descriptor: &mut impl event::Source) -> Result<()> {
        let result = self.reactor.registry()?.map_or(Ok(()), |registry| descriptor.deregister(registry));
        self.reactor.remove(self.token);
        result.map_err(|error| Error::io("could not deregister the descriptor", error))
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registration").field(&self.token).finish()
    }
}

struct Registered<S> {
    source: S,
    registration: Registration,
}

impl<S: Source> Dispatch for Registered<S> {
    fn ready(mut self: Box<Self>, _: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>> {
        if readiness.has(Readiness::END) {
            crate::contain::contain_drop(self);
            return None;
        }
        if readiness.has(Readiness::DRAIN | Readiness::OVERFLOW) {
            // It serves no connection; who stops the reactor knows what is to become of it.
            return Some(self);
        }
        let Self { source, registration } = &mut *self;
        match contain(std::any::type_name::<S>, || source.ready(registration, readiness)) {
            Ok(()) => Some(self),
            Err(_) => {
                crate::contain::contain_drop(self);
                None
            }
        }
    }

    fn describe(&self) -> Description {
        Description::of::<S>()
    }
}
