//! The server, as it is set up.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use lariat::{Factory, Peer};

use super::channel::Channel;
use super::core::Core;
use super::handler::{Handler, erase};
use super::limits::Limits;
use super::response::Response;
use super::server_stats::ServerStats;
use super::status::Status;

/// An HTTP/1.1 server: a [`Factory`] of connections that all have their requests answered by one handler, which is a
/// [`Router`](super::Router), as a rule. Cloning it gives another handle to the same server, for another port.
///
/// ```
/// use lariat_protocols::http::{Limits, Request, Router, Server};
///
/// let mut router = Router::new();
/// router.get("/", |_: &mut Request<'_>| "hello\n");
/// let server = Server::new(router).with_limits(Limits { body: 64 * 1024, ..Limits::default() });
///
/// let reactor = lariat::Reactor::new()?;
/// reactor.listen("tcp:0:interface=127.0.0.1", server.clone())?;
/// assert_eq!(server.stats().requests, 0);
/// # Ok::<(), lariat::Error>(())
/// ```
#[doc(alias = "Site")]
#[doc(alias = "HTTPFactory")]
#[derive(Clone)]
pub struct Server {
    core: Rc<Core>,
}

impl Server {
    /// A server whose requests `handler` answers.
    pub fn new<Kind>(handler: impl Handler<Kind>) -> Self {
        Self { core: Rc::new(Core::new(Rc::from(erase(handler)))) }
    }

    /// Sets the limits. To be called before it listens, as the other settings.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        Rc::make_mut(&mut self.core).limits = Arc::new(limits);
        self
    }

    /// Sets the pages for errors that no handler has a page of its own for: what the server and the [`Router`](super::Router) find
    /// wrong, and [`Response::error`]. The status, and headers that were set before, stay what they are. Default: the status, in plain text.
    #[must_use]
    pub fn with_error_page(mut self, page: impl Fn(Status) -> Response + 'static) -> Self {
        Rc::make_mut(&mut self.core).page = Rc::new(page);
        self
    }

    /// Sets the clock that Date is read from, once a second while there are requests. Default: the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> SystemTime + 'static) -> Self {
        Rc::make_mut(&mut self.core).clock = Rc::new(clock);
        self
    }

    /// Has `log` get a line for each request, in the Combined Log Format and without its end, when the response is over. It is ASCII without
    /// control characters, whatever the client has sent. The time is that of the [clock](Self::with_clock), in UTC.
    #[doc(alias = "combinedLogFormatter")]
    #[must_use]
    pub fn with_access_log(mut self, log: impl Fn(&str) + 'static) -> Self {
        Rc::make_mut(&mut self.core).log = Some(Rc::new(log));
        self
    }

    /// A protocol for a connection that did not come by a port of this server: one that a policy wraps, or a test's.
    pub fn channel(&self) -> Channel {
        Channel::new(self.core.clone())
    }

    /// What it has counted so far.
    pub fn stats(&self) -> ServerStats {
        self.core.counters.stats()
    }
}

impl Factory for Server {
    type Protocol = Channel;

    #[inline]
    fn build_protocol(&mut self, _: &Peer) -> Option<Channel> {
        Some(self.channel())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("limits", &self.core.limits).field("stats", &self.stats()).finish()
    }
}
