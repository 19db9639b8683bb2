//! Server-sent events: a response that goes on as long as there is something to tell.

use std::fmt;

use lariat::WriteStatus;

use super::body_writer::BodyWriter;
use super::fields::Fields;
use super::response::Response;
use super::response_body::Body;
use super::status::Status;

/// An event, as a browser's `EventSource` gets it (WHATWG HTML, section 9.2).
///
/// ```
/// use lariat_protocols::http::Event;
///
/// let event = Event::new("two\nlines").with_name("news").with_id("7");
/// assert_eq!(event.to_string(), "event: news\nid: 7\ndata: two\ndata: lines\n\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    data: String,
    name: String,
    id: String,
}

impl Event {
    /// An event with that data, of any number of lines.
    pub fn new(data: impl Into<String>) -> Self {
        Self { data: data.into(), ..Self::default() }
    }

    /// Says what kind of event it is. Line breaks, which no name can have, are left out.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = one_line(name);
        self
    }

    /// Says which event it is: a client that comes back sends the last one's as `Last-Event-ID`. Line breaks are left out.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = one_line(id);
        self
    }
}

fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !matches!(letter, '\r' | '\n' | '\0')).collect()
}

/// As it is sent.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (field, value) in [("event", &self.name), ("id", &self.id)] {
            if !value.is_empty() {
                writeln!(f, "{field}: {value}")?;
            }
        }
        // Each of the three line ends that there are would end the line there too.
        for line in self.data.replace("\r\n", "\n").split(['\n', '\r']) {
            writeln!(f, "data: {line}")?;
        }
        writeln!(f)
    }
}

/// Sends events, from anywhere on the loop's thread. Dropping it ends the response, in good order: the client will come back.
#[derive(Debug)]
pub struct EventWriter {
    body: BodyWriter,
}

impl EventWriter {
    /// Sends an event. The status tells when to pause, and when nobody listens any more.
    pub fn send(&mut self, event: &Event) -> WriteStatus {
        self.body.write(event.to_string())
    }

    /// Sends a line that the client ignores, so that whatever is between does not take the connection for dead.
    pub fn keep_alive(&mut self) -> WriteStatus {
        self.body.write(":\n\n")
    }

    /// Does anybody still listen?
    pub fn is_open(&self) -> bool {
        self.body.is_open()
    }

    /// Waits until there is room to write. Gives whether anybody listens.
    pub async fn ready(&self) -> bool {
        self.body.ready().await
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        self.body.finish();
    }
}

impl Response {
    /// A stream of events: `start` gets what they are to be sent with, once the head has been sent.
    ///
    /// ```
    /// use lariat_protocols::http::{Event, Request, Response, Router};
    /// use std::time::Duration;
    ///
    /// let mut router = Router::new();
    /// router.get("/ticks", |request: &mut Request<'_>| {
    ///     let reactor = request.reactor().clone();
    ///     Response::events(move |mut events| {
    ///         let clock = reactor.clone();
    ///         reactor.spawn(async move {
    ///             while events.ready().await {
    ///                 events.send(&Event::new("tick"));
    ///                 clock.sleep(Duration::from_secs(1)).await?;
    ///             }
    ///             Ok::<_, lariat::Failure>(())
    ///         }).detach();
    ///     })
    /// });
    /// ```
    pub fn events(start: impl FnOnce(EventWriter) + 'static) -> Self {
        const EVENTS: Fields = Fields::fixed("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n");
        let body = Body::writer(move |body| start(EventWriter { body }));
        Self { status: Status::OK, fields: EVENTS, body, upgrade: None }
    }
}
