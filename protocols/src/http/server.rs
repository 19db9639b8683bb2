//! The server, as it is set up.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use lariat::{Factory, Peer};

use super::channel::Channel;
use super::core::Core;
use super::handler::{Answer, Handler, erase};
use super::limits::Limits;
use super::request::Request;
use super::response::Response;
use super::server_stats::ServerStats;
use super::status::Status;
use super::virtual_hosts::host_name;

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

    /// Sets the clock of `Date`, which is read once a second while there are requests, and of the
    /// access log. Default: the [wall clock](lariat::Reactor::wall_clock) of the reactor.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> SystemTime + 'static) -> Self {
        Rc::make_mut(&mut self.core).clock = Some(Rc::new(clock));
        self
    }

    /// Calls `log` with a line for each request, in the Combined Log Format and without a line end. The line is ASCII without control
    /// characters, whatever the client has sent. The time is that of the [clock](Self::with_clock), in UTC.
    ///
    /// The line is written when the kernel has the last byte of the response, and its number of bytes is what the kernel got. If the connection
    /// ends before that, the line is written then, with ` aborted` at its end. For a body in chunks that is aborted, the number is too small by
    /// the framing of the chunks that were not sent.
    #[doc(alias = "combinedLogFormatter")]
    #[must_use]
    pub fn with_access_log(mut self, log: impl Fn(&str) + 'static) -> Self {
        Rc::make_mut(&mut self.core).log = Some(Rc::new(log));
        self
    }

    /// Answers requests for these hosts, in any case and whatever their port, and no others: those get 421 (RFC 9110, section 15.5.20). To be
    /// called once.
    ///
    /// For servers that only programs of the same machine, or network, are to reach. A web page can give its own name the address of such a
    /// server (DNS rebinding), and its scripts then read whatever the server answers; but their requests have the page's name in Host.
    ///
    /// ```
    /// use lariat_protocols::http::{Request, Server};
    ///
    /// let server = Server::new(|_: &mut Request<'_>| "settings").with_hosts(["localhost", "127.0.0.1", "[::1]"]);
    /// # #[cfg(feature = "testing")] {
    /// # use lariat_protocols::http::{Status, testing::{TestClient, TestRequest}};
    /// # let mut client = TestClient::of(&server);
    /// # assert_eq!(client.send(TestRequest::get("/").with_header("Host", "evil.example")).status(), Status::MISDIRECTED_REQUEST);
    /// # }
    /// ```
    #[must_use]
    pub fn with_hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        let hosts: Vec<String> = hosts.into_iter().map(Into::into).collect();
        let core = Rc::make_mut(&mut self.core);
        let handler = core.handler.clone();
        core.handler = Rc::new(move |request: &mut Request<'_>| {
            let name = host_name(request);
            if hosts.iter().any(|host| host.eq_ignore_ascii_case(name)) {
                handler(request)
            } else {
                Answer::now(Response::error(Status::MISDIRECTED_REQUEST))
            }
        });
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

    fn application_protocols(&self) -> &[&str] {
        &["http/1.1", "http/1.0"]
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("limits", &self.core.limits).field("stats", &self.stats()).finish()
    }
}
