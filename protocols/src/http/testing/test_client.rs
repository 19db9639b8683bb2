//! A client for tests.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use lariat::StreamOptions;
use lariat::testing::{MemoryTransport, VirtualClock};

use super::test_request::TestRequest;
use super::test_response::TestResponse;
use crate::http::channel::Channel;
use crate::http::client_connection::{ClientConnection, ResponseEvent};
use crate::http::handler::Handler;
use crate::http::limits::Limits;
use crate::http::server::Server;

/// A client of a server that is in the same test, on a connection in memory. The requests go through all of the server, to the byte: its limits,
/// its router, its deadlines. There is no socket, nothing to wait for and no loop to run; time stands still until the test moves it.
///
/// - **Asking**: [`send`](Self::send), [`get`](Self::get); [`start`](Self::start) for what is answered later.
/// - **Receiving**: [`response`](Self::response), [`received`](Self::received).
/// - **Time**: [`advance`](Self::advance), [`clock`](Self::clock).
/// - **The connection**: [`wire`](Self::wire).
///
/// A request goes over the connection of the one before, if that goes on, and else over a new one.
///
/// ```
/// use lariat_protocols::http::testing::{TestClient, TestRequest};
/// use lariat_protocols::http::{Request, Router, Status};
///
/// let mut router = Router::new();
/// router.get("/hello/{name}", |request: &mut Request<'_>| format!("hello {}", request.path_parameter("name").unwrap_or("you")));
/// router.post("/shout", |request: &mut Request<'_>| request.body().collect().map(|text| text.to_ascii_uppercase()));
///
/// let mut client = TestClient::new(router);
/// assert_eq!(client.get("/hello/Ada").text(), "hello Ada");
/// assert_eq!(client.get("/nothing").status(), Status::NOT_FOUND);
/// let shouted = client.send(TestRequest::post("/shout").with_body("text/plain", "quiet"));
/// assert_eq!(shouted.text(), "QUIET");
/// ```
#[doc(alias = "RequestTraversalAgent")]
#[doc(alias = "DummyRequest")]
pub struct TestClient {
    server: Server,
    clock: VirtualClock,
    connected: Option<Connected>,
}

struct Connected {
    wire: MemoryTransport<Channel>,
    connection: ClientConnection,
    /// What has come of the response that is on its way.
    coming: Option<TestResponse>,
    is_waiting: bool,
}

impl TestClient {
    /// A client of a server with this handler, whose Date is the beginning of 1970 at all times.
    pub fn new<Kind>(handler: impl Handler<Kind>) -> Self {
        Self::of(&Server::new(handler).with_clock(|| UNIX_EPOCH))
    }

    /// A client of that server.
    pub fn of(server: &Server) -> Self {
        Self { server: server.clone(), clock: VirtualClock::new(), connected: None }
    }

    /// Sends a request, and gives the response.
    ///
    /// # Panics
    ///
    /// If the whole response is not there before time is moved (see [`start`](Self::start)), or what comes is none.
    #[track_caller]
    pub fn send(&mut self, request: TestRequest) -> TestResponse {
        self.start(request);
        match self.response() {
            Some(response) => response,
            None => panic!("the response takes time, or has no end: start the request, and move the time"),
        }
    }

    /// Sends a GET, and gives the response.
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send).
    #[track_caller]
    pub fn get(&mut self, target: &str) -> TestResponse {
        self.send(TestRequest::get(target))
    }

    /// Sends a request whose response comes later: see [`response`](Self::response).
    ///
    /// # Panics
    ///
    /// If another request is on its way, or this one cannot be sent.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "a request is made for one use")]
    pub fn start(&mut self, request: TestRequest) {
        self.receive();
        let is_usable = |connected: &Connected| {
            connected.is_waiting || (connected.connection.is_idle() && connected.wire.is_open())
        };
        if !self.connected.as_ref().is_some_and(is_usable) {
            self.connected = None;
        }
        let connected = self.connected.get_or_insert_with(|| Connected {
            wire: MemoryTransport::serve(&self.clock, self.server.clone(), StreamOptions::default()),
            connection: ClientConnection::new(unlimited().into()),
            coming: None,
            is_waiting: false,
        });
        let bytes = request.bytes(&mut connected.connection);
        connected.is_waiting = true;
        connected.wire.feed(&bytes);
    }

    /// The response to the request that was [started](Self::start), once all of it is there.
    ///
    /// # Panics
    ///
    /// If what comes is no response, or the connection ends before it is whole.
    #[track_caller]
    pub fn response(&mut self) -> Option<TestResponse> {
        self.receive();
        let connected = self.connected.as_mut()?;
        if connected.is_waiting { None } else { connected.coming.take() }
    }

    /// What has come so far of a response that has not ended, of events that go on, say: at least its head.
    ///
    /// # Panics
    ///
    /// As [`response`](Self::response).
    #[track_caller]
    pub fn received(&mut self) -> Option<&TestResponse> {
        self.receive();
        self.connected.as_ref()?.coming.as_ref()
    }

    /// Lets so much time pass. Whatever is due in it happens, each at its own time.
    pub fn advance(&mut self, time: Duration) {
        self.clock.advance(time);
    }

    /// The clock, which is the [`Reactor`](lariat::Reactor) that the server is served by.
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// The connection, if there has been one: to hang up, to read slowly, to go on in another protocol, to see how it has ended. What is taken from
    /// it does not reach the client.
    pub fn wire(&mut self) -> Option<&mut MemoryTransport<Channel>> {
        self.connected.as_mut().map(|connected| &mut connected.wire)
    }

    #[track_caller]
    fn receive(&mut self) {
        self.clock.settle();
        let Some(connected) = &mut self.connected else { return };
        let written = connected.wire.take_written();
        if let Err(error) = connected.take(&written) {
            panic!("{error}: {}", written.escape_ascii());
        }
    }
}

impl Connected {
    fn take(&mut self, mut input: &[u8]) -> Result<(), String> {
        loop {
            match self.connection.next(&mut input) {
                Ok(Some(ResponseEvent::Head(head))) => self.coming = Some(TestResponse::new(&head)),
                Ok(Some(ResponseEvent::Switched(head))) => {
                    self.coming = Some(TestResponse::new(&head));
                    self.is_waiting = false;
                }
                Ok(Some(ResponseEvent::Data(data))) => {
                    if let Some(coming) = &mut self.coming {
                        coming.push(data);
                    }
                }
                Ok(Some(ResponseEvent::End(trailers))) => {
                    if let Some(coming) = &mut self.coming {
                        coming.end(trailers);
                    }
                    self.is_waiting = false;
                }
                Ok(Some(ResponseEvent::Informational(_))) => {}
                Ok(None) => break,
                Err(error) => return Err(format!("what comes is no response: {error}")),
            }
        }
        if self.is_waiting && (self.wire.is_closed() || self.wire.is_write_closed()) {
            self.is_waiting = false;
            let reason = || self.wire.close_reason().map_or_else(String::new, |reason| format!(": {reason}"));
            return match self.connection.end_of_input() {
                Ok(_) if !self.wire.was_reset() => Ok(()),
                _ => Err(format!("the connection has ended before the response was whole{}", reason())),
            };
        }
        Ok(())
    }
}

/// It is the server that is tested.
fn unlimited() -> Limits {
    Limits { head: usize::MAX, headers: usize::MAX, body: u64::MAX, trailers: usize::MAX, ..Limits::default() }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wire = self.connected.as_ref().map(|connected| &connected.wire);
        f.debug_struct("TestClient").field("server", &self.server).field("wire", &wire).finish_non_exhaustive()
    }
}
