//! What all connections of a server share.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use lariat::Reactor;

use super::access_log::LogEntry;
use super::date::DateLine;
use super::fields::Headers;
use super::handler::AnyHandler;
use super::limits::Limits;
use super::response::Response;
use super::response_body::{Body, Content};
use super::server_stats::Counters;
use super::status::Status;

/// The settings of a server, and what its connections have together.
pub(super) struct Core {
    pub(super) handler: Rc<AnyHandler>,
    pub(super) limits: Arc<Limits>,
    pub(super) page: Rc<dyn Fn(Status) -> Response>,
    /// None: that of the reactor.
    pub(super) clock: Option<Rc<dyn Fn() -> SystemTime>>,
    pub(super) counters: Rc<Counters>,
    pub(super) log: Option<Rc<Log>>,
    date: Cell<Option<Box<DateLine>>>,
    /// What a head is put together in, kept for the next one.
    scratch: Cell<Vec<u8>>,
}

const NOSNIFF: &str = "X-Content-Type-Options";

/// A scratch buffer that a large body has made larger is not kept.
const KEPT: usize = 64 * 1024;

impl Core {
    pub(super) fn new(handler: Rc<AnyHandler>) -> Self {
        Self {
            handler,
            limits: Arc::default(),
            page: Rc::new(default_page),
            clock: None,
            counters: Rc::default(),
            log: None,
            date: Cell::new(None),
            scratch: Cell::default(),
        }
    }

    /// The time of day.
    #[cold]
    fn time(&self, reactor: &Reactor) -> SystemTime {
        self.clock.as_ref().map_or_else(|| reactor.wall_clock(), |clock| clock())
    }

    /// Calls `visit` with the Date line of the time at which the turn began.
    #[inline]
    pub(super) fn with_date<R>(&self, reactor: &Reactor, visit: impl FnOnce(Headers<'_>) -> R) -> R {
        let now = reactor.turn_began();
        let mut date = self.date.take().unwrap_or_else(|| Box::new(DateLine::new(now)));
        let result = visit(date.at(now, || self.time(reactor)));
        self.date.set(Some(date));
        result
    }

    /// An empty buffer, to be given back.
    #[inline]
    pub(super) fn scratch(&self) -> Vec<u8> {
        self.scratch.take()
    }

    #[inline]
    pub(super) fn keep_scratch(&self, mut scratch: Vec<u8>) {
        if scratch.capacity() <= KEPT {
            scratch.clear();
            self.scratch.set(scratch);
        }
    }

    /// Writes the line of a request, of whose response so many bytes never reached the kernel.
    #[cold]
    pub(super) fn log(&self, reactor: &Reactor, mut entry: LogEntry, unsent: u64) {
        let Some(log) = &self.log else { return };
        entry.set_unsent(unsent);
        log(&entry.line(self.time(reactor)));
    }

    /// Gives the response that the server has for an error its page.
    #[cold]
    pub(super) fn fill_page(&self, response: &Response) -> Response {
        let status = response.status;
        let page = (self.page)(status);
        let mut filled = Response { status, fields: page.fields, body: page.body, upgrade: None };
        if matches!(filled.body.0, Content::Page) {
            filled.body = Body::empty();
        }
        for (name, _) in response.fields.headers().iter() {
            filled.fields.remove(name);
        }
        if !filled.fields.contains(NOSNIFF) && !matches!(filled.body.0, Content::Empty) {
            // A page may quote the request: no browser is to guess another type for it.
            let _ = filled.fields.append(NOSNIFF, "nosniff");
        }
        for (name, value) in response.fields.headers().iter() {
            // It was set before, and so can be set.
            let _ = filled.fields.append(name, value);
        }
        filled
    }
}

impl Clone for Core {
    fn clone(&self) -> Self {
        Self {
            handler: self.handler.clone(),
            limits: self.limits.clone(),
            page: self.page.clone(),
            clock: self.clock.clone(),
            counters: self.counters.clone(),
            log: self.log.clone(),
            date: Cell::new(None),
            scratch: Cell::default(),
        }
    }
}

fn default_page(status: Status) -> Response {
    Response::text(format!("{status}\n"))
}

/// Gets the lines of the access log.
pub(super) type Log = dyn Fn(&str);
