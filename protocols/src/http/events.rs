//! Server-sent events: a response that goes on as long as there is something to tell.

use std::fmt;

use lariat::{Failure, WriteStatus};

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
    /// A stream of events: `start` gets what they are to be sent with, once the head has been sent, and may keep it anywhere on the loop's thread:
    /// in a list of those that are told of something, say.
    ///
    /// ```
    /// use lariat_protocols::http::{Event, EventWriter, Request, Response, Router};
    /// use std::cell::RefCell;
    /// use std::rc::Rc;
    ///
    /// let listeners: Rc<RefCell<Vec<EventWriter>>> = Rc::default();
    ///
    /// let mut router = Router::new();
    /// let (joining, telling) = (listeners.clone(), listeners);
    /// router.get("/news", move |_: &mut Request<'_>| {
    ///     let joining = joining.clone();
    ///     Response::events(move |events| joining.borrow_mut().push(events))
    /// });
    /// router.post("/news", move |request: &mut Request<'_>| {
    ///     let telling = telling.clone();
    ///     request.body().collect().map(move |news| {
    ///         let event = Event::new(String::from_utf8_lossy(&news));
    ///         telling.borrow_mut().retain_mut(|listener| {
    ///             listener.send(&event);
    ///             listener.is_open()
    ///         });
    ///     })
    /// });
    /// ```
    pub fn events(start: impl FnOnce(EventWriter) + 'static) -> Self {
        const EVENTS: Fields = Fields::fixed("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n");
        let body = Body::writer(move |body| start(EventWriter { body }));
        Self { status: Status::OK, fields: EVENTS, body, upgrade: None }
    }

    /// A stream of events that an async function sends, which runs as a task on the reactor. When it is done, or fails, which is logged, the
    /// response has ended, in good order: the client will come back. If the client goes, it is dropped where it waits.
    ///
    /// ```
    /// use lariat::Failure;
    /// use lariat_protocols::http::{Event, Request, Response, Router};
    /// use std::time::Duration;
    ///
    /// let mut router = Router::new();
    /// router.get("/ticks", |request: &mut Request<'_>| {
    ///     let reactor = request.reactor().clone();
    ///     Response::events_by(async move |events| {
    ///         while events.ready().await {
    ///             events.send(&Event::new("tick"));
    ///             reactor.sleep(Duration::from_secs(1)).await?;
    ///         }
    ///         Ok::<_, Failure>(())
    ///     })
    /// });
    /// ```
    pub fn events_by<E>(send: impl AsyncFnOnce(&mut EventWriter) -> Result<(), E> + 'static) -> Self
    where
        E: Into<Failure> + 'static,
    {
        Self::events(move |mut events| {
            events.body.outgoing().run(async move {
                if let Err(error) = send(&mut events).await {
                    let failure = error.into();
                    super::logging::log_failure(format_args!("events end: {failure}"));
                }
            });
        })
    }
}
