//! Connecting and listening, for tasks.

use std::rc::Rc;

use crate::deferred::Deferred;
use crate::endpoint::ClientEndpoint;
use crate::error::Result;
use crate::factory::Once;
use crate::reactor::Reactor;
use crate::transport::Peer;

use super::inlet::Inlet;
use super::listener::{AsyncListener, Backlog};
use super::shared::Shared;
use super::stream::AsyncStream;

impl ClientEndpoint {
    /// Connects, for `async` code, as [`Reactor::connect_stream`] does.
    #[track_caller]
    pub fn connect_stream(&self, reactor: &Reactor) -> Deferred<AsyncStream> {
        let shared = Rc::<Shared>::default();
        let inlet = Inlet::connected(shared.clone());
        // It waits in the callback, so that it closes the connection if nobody is there any more to be given it.
        let stream = AsyncStream::new(shared);
        self.connect(reactor, Once::new(inlet)).map(move |_| stream)
    }
}

impl Reactor {
    /// Connects where an endpoint description says, for `async` code: see [`endpoint`](crate::endpoint) for the descriptions.
    ///
    /// ```
    /// use lariat::{Failure, Reactor, copy};
    ///
    /// let mut reactor = Reactor::new()?;
    /// let handle = Reactor::clone(&reactor);
    /// let talk = async move {
    ///     let mut listener = handle.listen_stream("tcp:0:interface=127.0.0.1")?;
    ///     let mut client = handle.connect_stream(&listener.local_address().to_string()).await?;
    ///     let (mut reader, mut writer) = listener.accept().await?.split();
    ///     handle.spawn(async move { copy(&mut reader, &mut writer).await }).detach();
    ///
    ///     client.write_all(b"hello").await?;
    ///     let mut reply = [0; 16];
    ///     let count = client.read(&mut reply).await?;
    ///     Ok::<_, Failure>(reply[..count].to_vec())
    /// };
    /// assert_eq!(reactor.block_on(talk)?.unwrap(), b"hello");
    /// # Ok::<(), lariat::Error>(())
    /// ```
    ///
    /// The description is read each time; a [`ClientEndpoint`] reads it once, and has the same method.
    ///
    /// # Errors
    ///
    /// The Deferred fails as that of [`connect`](Self::connect) does. Cancelling it gives up, and closes the socket.
    #[track_caller]
    #[doc(alias = "connect_tcp")]
    pub fn connect_stream(&self, description: &str) -> Deferred<AsyncStream> {
        match ClientEndpoint::parse(description) {
            Ok(endpoint) => endpoint.connect_stream(self),
            Err(error) => Deferred::fail(self, error),
        }
    }

    /// Listens where an endpoint description says, for `async` code that [accepts](AsyncListener::accept): see
    /// [`endpoint`](crate::endpoint) for the descriptions.
    ///
    /// # Errors
    ///
    /// As for [`listen`](Self::listen).
    pub fn listen_stream(&self, description: &str) -> Result<AsyncListener> {
        let backlog = Rc::<Backlog>::default();
        let accepted = backlog.clone();
        let port = self.listen(description, move |_: &Peer| Inlet::accepted(accepted.clone()))?;
        Ok(AsyncListener::new(port, backlog))
    }
}
