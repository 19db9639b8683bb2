//! Reaching a protocol from outside its callbacks.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

use crate::close_reason::CloseReason;
use crate::contain::contain;
use crate::deferred::{Deferred, IntoDeferred};
use crate::error::{Error, ErrorKind};
use crate::failure::{Failure, FailureKind};
use crate::reactor::{DelayedCall, Description};
use crate::transport::{Flags, Transport};

/// A way to a protocol of type `P` that a connection serves: for timers, other protocols, whatever has a result for it.
///
/// The reactor owns its protocols, so nobody else can hold a reference to one; a handle queues a closure that gets it. Made by
/// [`Transport::handle`]; cheap to clone, and dropping it does nothing.
pub struct Handle<P> {
    transport: Transport,
    protocol: PhantomData<fn(&mut P)>,
}

impl Transport {
    /// A handle to `protocol`, which must be the one that serves this connection, or one inside it: what a
    /// [`Wrapper`](crate::Wrapper) or a framing protocol wraps.
    ///
    /// ```
    /// use lariat::{Protocol, Transport};
    /// use std::time::Duration;
    ///
    /// #[derive(Default)]
    /// struct Clock {
    ///     seconds: u32,
    /// }
    ///
    /// impl Protocol for Clock {
    ///     fn connection_made(&mut self, transport: &Transport) {
    ///         transport.handle(self).call_later(Duration::from_secs(1), |clock, transport| {
    ///             clock.seconds += 1;
    ///             write!(transport, "{}\r\n", clock.seconds);
    ///         });
    ///     }
    ///
    ///     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
    /// }
    /// ```
    pub fn handle<P: Any>(&self, _protocol: &P) -> Handle<P> {
        Handle { transport: self.clone(), protocol: PhantomData }
    }
}

impl<P: Any> Handle<P> {
    /// Calls `call` with the protocol, from the loop, in the order in which calls were queued. It is dropped unrun if the connection
    /// has ended by then, or another protocol has taken over.
    ///
    /// Returns whether the connection is still there to be called. What must be told even if the call never runs belongs into a value
    /// with a `Drop` that the closure owns.
    pub fn call(&self, call: impl FnOnce(&mut P, &Transport) + 'static) -> bool {
        if self.transport.shared.flags.has(Flags::ENDED) {
            return false;
        }
        let transport = self.transport.clone();
        self.transport.reactor().enqueue(Box::new(move |_| visit(&transport, call)));
        true
    }

    /// Calls `call` with the protocol, `delay` from now: see [`Reactor::call_later`](crate::Reactor::call_later). If the connection has
    /// ended by then, it is dropped unrun.
    pub fn call_later(&self, delay: Duration, call: impl FnOnce(&mut P, &Transport) + 'static) -> DelayedCall {
        let transport = self.transport.clone();
        self.transport.reactor().call_later(delay, move |_| visit(&transport, call))
    }

    /// Calls `call` with the protocol, as [`call`](Self::call) does, and gives a Deferred of whatever that gives: a value now or later, or
    /// a failure. Cancelling it cancels what `call` has given; before, `call` is not called any more.
    ///
    /// # Errors
    ///
    /// The Deferred fails with an [`Error`] of kind [`ErrorKind::NotConnected`] when there is nobody to be called, or the call panics;
    /// else with what `call` fails with.
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::{Deferred, Handle, Protocol, Transport};
    ///
    /// #[derive(Default)]
    /// struct Counter {
    ///     bytes: usize,
    /// }
    ///
    /// impl Protocol for Counter {
    ///     fn data_received(&mut self, _: &Transport, data: &[u8]) {
    ///         self.bytes += data.len();
    ///     }
    /// }
    ///
    /// /// How many bytes a connection has received so far.
    /// fn bytes(counter: &Handle<Counter>) -> Deferred<usize> {
    ///     counter.ask(|counter, _| Ok::<_, lariat::Error>(counter.bytes))
    /// }
    /// ```
    #[track_caller]
    pub fn ask<R: IntoDeferred>(&self, call: impl FnOnce(&mut P, &Transport) -> R + 'static) -> Deferred<R::Value> {
        let (resolver, asked) = Deferred::new(self.transport.reactor());
        self.call(move |protocol, transport| {
            if !resolver.is_cancelled() {
                let given = call(protocol, transport).into_deferred(transport.reactor());
                // What `call` itself has cancelled is cancelled here: as it is dropped.
                drop(resolver.resolve(given));
            }
        });
        let not_called = |failure: Failure| match failure.kind() {
            FailureKind::Abandoned => Error::new(ErrorKind::NotConnected, "the connection has ended").into(),
            _ => failure,
        };
        asked.map_result(move |asked| asked.map_err(not_called)).and_then(|given| given)
    }

    /// The connection.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }
}

fn visit<P: Any>(transport: &Transport, call: impl FnOnce(&mut P, &Transport) + 'static) {
    let shared = &transport.shared;
    if shared.flags.has(Flags::MADE) {
        // The protocol has not heard of its connection yet, and that comes first.
        let transport = transport.clone();
        return shared.reactor.enqueue(Box::new(move |_| visit(&transport, call)));
    }
    // Whoever has gone is not called.
    let _ = reach(transport, call);
}

/// Calls `call` with the protocol of a connection now, unless there is none of that type to be called.
pub(crate) fn reach<P: Any, R>(transport: &Transport, call: impl FnOnce(&mut P, &Transport) -> R) -> Option<R> {
    let shared = &transport.shared;
    let mut source = shared.reactor.core().sources.with(|sources| sources.take(shared.token))?;
    let reach = || {
        // A wrapper's way to what it wraps is a user's code too.
        let protocol = source.layer(TypeId::of::<P>()).and_then(|layer| layer.downcast_mut::<P>());
        protocol.map(|protocol| call(protocol, transport))
    };
    let description = || Description { name: type_name::<P>(), connection: Some(shared.clone()) };
    let result = shared.reactor.observe(description, || contain(type_name::<P>, reach));
    if result.is_err() {
        shared.end(CloseReason::Panicked);
    }
    shared.reactor.install(shared.token, source);
    result.ok().flatten()
}

impl<P> Clone for Handle<P> {
    fn clone(&self) -> Self {
        Self { transport: Transport { shared: Rc::clone(&self.transport.shared) }, protocol: PhantomData }
    }
}

impl<P> fmt::Debug for Handle<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.transport).finish()
    }
}
