//! A port from which a task accepts.

use std::cell::{Cell, OnceCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::address::Address;
use crate::contain::contain_drops;
use crate::guarded::Guarded;
use crate::parked::Parked;
use crate::stream::Port;

use super::stream::AsyncStream;

/// Connections that wait to be accepted by a task at the most: the backlog that servers ask of the kernel where they do not think about it.
/// Further ones wait in the kernel.
const MOST_WAITING: usize = 128;

/// A port whose connections `async` code accepts: what [`Reactor::listen_stream`](crate::Reactor::listen_stream) gives.
///
/// At most 128 connections wait here to be accepted; meanwhile they receive, each as much as a stream [holds](AsyncStream). Further ones
/// wait in the kernel. Dropping the listener closes the port and the connections that wait; those that were accepted go on.
///
/// ```no_run
/// use lariat::{Failure, Reactor, copy};
///
/// let mut reactor = Reactor::new()?;
/// let mut listener = reactor.listen_stream("tcp:7000")?;
/// let handle = Reactor::clone(&reactor);
/// let serve = async move {
///     while let Ok(stream) = listener.accept().await {
///         let (mut reader, mut writer) = stream.split();
///         let echo = async move {
///             // A client that breaks off is no news.
///             let _ = copy(&mut reader, &mut writer).await;
///         };
///         handle.spawn(echo).detach();
///     }
/// };
/// reactor.spawn(serve).detach();
/// reactor.run()?;
/// # Ok::<(), lariat::Error>(())
/// ```
pub struct AsyncListener {
    port: Port,
    backlog: Rc<Backlog>,
}

/// Connections that were made, and who is to accept them.
#[derive(Default)]
pub(super) struct Backlog {
    streams: Guarded<VecDeque<AsyncStream>>,
    port: OnceCell<Port>,
    acceptor: Cell<Option<Parked>>,
    /// Nothing more will come, or nobody will accept it.
    is_closed: Cell<bool>,
}

impl AsyncListener {
    pub(super) fn new(port: Port, backlog: Rc<Backlog>) -> Self {
        // It was empty.
        drop(backlog.port.set(port.clone()));
        let closed = Rc::downgrade(&backlog);
        port.closed().finish(move |_| {
            if let Some(backlog) = closed.upgrade() {
                backlog.close();
            }
        });
        Self { port, backlog }
    }

    /// Waits for the next connection. Dropped before it is ready, it has accepted none.
    ///
    /// # Errors
    ///
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) once the port is closed, by whoever it was, and what had come before that is accepted.
    /// Nothing else: a connection that breaks before it is accepted is accepted all the same, and reading tells.
    pub async fn accept(&mut self) -> io::Result<AsyncStream> {
        poll_fn(|context| self.backlog.poll_next(context)).await
    }

    /// The address that it is bound to: with `tcp:0`, this tells the port that the system chose.
    #[doc(alias = "getHost")]
    pub fn local_address(&self) -> &Address {
        self.port.address()
    }

    /// Stops listening at once. Connections that wait can still be accepted.
    #[doc(alias = "stopListening")]
    pub fn close(&self) {
        self.port.close();
    }

    /// The port itself, to wait until it is [closed](Port::closed), say. It is paused and resumed by the listener, whenever as many
    /// wait as may.
    pub fn port(&self) -> &Port {
        &self.port
    }
}

impl Backlog {
    pub(super) fn push(&self, stream: AsyncStream) {
        if self.is_closed.get() {
            // Dropping it closes it.
            return drop(stream);
        }
        let waiting = self.streams.with(|streams| {
            streams.push_back(stream);
            streams.len()
        });
        if waiting >= MOST_WAITING
            && let Some(port) = self.port.get()
        {
            port.pause();
        }
        self.wake();
    }

    fn poll_next(&self, context: &Context<'_>) -> Poll<io::Result<AsyncStream>> {
        let (next, left) = self.streams.with(|streams| (streams.pop_front(), streams.len()));
        match next {
            Some(stream) => {
                if left + 1 == MOST_WAITING / 2
                    && let Some(port) = self.port.get()
                {
                    port.resume();
                }
                Poll::Ready(Ok(stream))
            }
            None if self.is_closed.get() => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the port is closed")))
            }
            None => {
                let waker = Parked::new(context.waker());
                drop(self.acceptor.replace(Some(waker)));
                Poll::Pending
            }
        }
    }

    fn close(&self) {
        self.is_closed.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.acceptor.take() {
            waker.wake();
        }
    }
}

impl Drop for AsyncListener {
    fn drop(&mut self) {
        self.port.close();
        self.backlog.close();
        contain_drops(self.backlog.streams.with(std::mem::take));
    }
}

impl fmt::Debug for AsyncListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncListener")
            .field("address", self.local_address())
            .field("waiting", &self.backlog.streams.with(|streams| streams.len()))
            .finish()
    }
}
