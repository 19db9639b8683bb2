//! One connection of a server.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use lariat::{CloseReason, DelayedCall, Failure, Handle, Idle, Protocol, Transport, VisitBudget, contain};

use super::access_log::{LogEntry, RefusedLine};
use super::body::BodyEncoder;
use super::body_writer::BodyWriter;
use super::core::Core;
use super::error::HttpError;
use super::exchange::{Exchange, Pace};
use super::fields::Headers;
use super::handler::{Answer, When};
use super::head::RequestHead;
use super::outgoing::Outgoing;
use super::request::{Rare, Request};
use super::response::Response;
use super::response_body::Content;
use super::server_connection::{RequestEvent, ServerConnection};
use super::server_stats::add_one;
use super::status::Status;
use super::steering::Steering;

/// The [`Protocol`] of a [`Server`](super::Server)'s connection. A server makes them; nobody else has to.
#[doc(alias = "HTTPChannel")]
pub struct Channel {
    core: Rc<Core>,
    connection: ServerConnection,
    me: Option<Handle<Self>>,
    /// Present while a request is in hand that was not done with when its head was.
    exchange: Option<Box<Exchange>>,
    /// Input that could not be taken yet: it is of later requests, or of a body that is read slowly.
    held: Vec<u8>,
    /// What is to be logged of the request in hand.
    entry: Option<Box<LogEntry>>,
    /// Ends a head that does not come to its end.
    head_timer: Option<DelayedCall>,
    flags: Flags,
}

#[derive(Default)]
struct Flags {
    /// A whole head has come once.
    greeted: bool,
    /// The idle timeout is that of a body.
    watches_body: bool,
    /// Reading is paused by this.
    paused: bool,
    /// The peer will send nothing more.
    input_ended: bool,
    /// The server is stopping.
    draining: bool,
}

/// A large body is handed to the transport as it is; a small one is copied behind its head.
const SMALL_BODY: usize = 4 * 1024;

/// Pipelined requests that are answered in one visit: twice as many as clients of benchmarks send together, and few enough that
/// their responses leave in one small write.
const REQUESTS_IN_A_VISIT: u32 = 32;

impl Channel {
    pub(super) fn new(core: Rc<Core>) -> Self {
        Self {
            connection: ServerConnection::new(core.limits.clone()),
            core,
            me: None,
            exchange: None,
            held: Vec::new(),
            entry: None,
            head_timer: None,
            flags: Flags::default(),
        }
    }

    /// Takes requests from `input` as far as they can be taken now.
    #[inline]
    fn serve(&mut self, transport: &Transport, input: &mut &[u8]) {
        let mut budget = VisitBudget::new(REQUESTS_IN_A_VISIT);
        // With nothing more in it, only a body may have come to its end.
        while (!input.is_empty() || self.connection.is_receiving()) && transport.is_reading() && !self.is_full() {
            let Self { core, connection, exchange, me: Some(me), .. } = self else { return };
            match connection.next(input) {
                Ok(None) => break,
                Ok(Some(RequestEvent::Head(head))) => {
                    add_one(&core.counters.requests);
                    if !input.is_empty() {
                        budget.start(transport);
                    }
                    let entry = if core.log.is_some() { Some(entry(transport, Some(&head))) } else { None };
                    let mut answer = None;
                    let rare = ask(core, me, transport, &head, &mut answer);
                    if let Some(mut entry) = entry {
                        if let Some(user) = rare.as_ref().and_then(|rare| rare.user()) {
                            entry.set_user(user);
                        }
                        self.entry = Some(entry);
                    }
                    self.head_has_come(transport);
                    if rare.is_some() || self.connection.is_receiving() {
                        self.begin(*rare.unwrap_or_default());
                    }
                    match answer {
                        Some(Answer(When::Now(ref mut response))) => self.respond(transport, response, input),
                        Some(Answer(When::Later(response))) => self.wait_for(transport, response),
                        None => self.respond_to_panic(transport, input),
                    }
                    if !input.is_empty() {
                        self.yield_between_requests(transport, &mut budget);
                    } else if self.connection.is_receiving() {
                        self.let_client_go_on(transport);
                    }
                }
                Ok(Some(RequestEvent::Data(data))) => {
                    let Some(exchange) = exchange.as_deref_mut() else { break };
                    exchange.count(data.len());
                    match &exchange.pipe {
                        Some(pipe) => pipe.push(data),
                        None => {
                            exchange.dropped += data.len() as u64;
                            if exchange.dropped > core.limits.unread_body {
                                return transport.close();
                            }
                        }
                    }
                }
                Ok(Some(RequestEvent::End(trailers))) => {
                    let Some(exchange) = exchange.as_deref_mut() else { break };
                    exchange.stop_pace();
                    if let Some(pipe) = exchange.pipe.take() {
                        pipe.end(Ok(trailers.to_fields()));
                    }
                    if exchange.is_answered {
                        self.go_on(transport);
                    }
                    if !input.is_empty() {
                        self.yield_between_requests(transport, &mut budget);
                    }
                }
                Err(error) => return self.refuse(transport, error, input),
            }
        }
    }

    /// More input follows a request that may be done: the next one may have to wait for the next turn.
    #[inline(never)]
    fn yield_between_requests(&self, transport: &Transport, budget: &mut VisitBudget) {
        if self.connection.is_idle() {
            budget.spend(transport);
        }
    }

    /// Is more of a body here than its reader has taken?
    #[inline]
    fn is_full(&self) -> bool {
        let pipe = self.exchange.as_ref().and_then(|exchange| exchange.pipe.as_ref());
        pipe.is_some_and(|pipe| pipe.is_full())
    }

    fn head_has_come(&mut self, transport: &Transport) {
        if !self.flags.greeted {
            self.flags.greeted = true;
            transport.set_idle_timeout(Idle::Read, Some(self.core.limits.keep_alive));
        }
        if let Some(timer) = self.head_timer.take() {
            timer.cancel();
        }
    }

    /// A request has a body, or is unusual otherwise.
    #[inline(never)]
    fn begin(&mut self, taken: Rare) {
        if self.connection.is_receiving() {
            if let Some(limit) = taken.limit {
                self.connection.set_body_limit(limit);
            }
            self.exchange.get_or_insert_default().pipe = taken.pipe;
        }
    }

    /// The handler gave no answer.
    #[cold]
    fn respond_to_panic(&mut self, transport: &Transport, input: &mut &[u8]) {
        self.connection.close_after();
        self.respond(transport, &mut Response::error(Status::INTERNAL_SERVER_ERROR), input);
    }

    #[inline(never)]
    fn wait_for(&mut self, transport: &Transport, response: impl Future<Output = Response> + 'static) {
        let Some(me) = self.me.clone() else { return };
        let made = transport.reactor().spawn(async move { Ok::<_, Failure>(response.await) });
        let pending = made.map_result(move |response| {
            me.call(move |channel: &mut Self, transport| channel.answer(transport, response));
            Ok(())
        });
        self.exchange.get_or_insert_default().pending = Some(pending);
        // A full port takes a connection that waits for its handler for an idle one otherwise.
        transport.set_busy(true);
    }

    /// The response that was waited for is there.
    fn answer(&mut self, transport: &Transport, response: Result<Response, Failure>) {
        let Some(exchange) = self.exchange.as_deref_mut() else { return };
        let Some(pending) = exchange.pending.take() else { return };
        exchange.stop_end_timer();
        drop(pending);
        let mut response = response.unwrap_or_else(|failure| {
            super::logging::log_failure(format_args!("a handler failed: {failure}"));
            self.connection.close_after();
            Response::error(Status::INTERNAL_SERVER_ERROR)
        });
        let held = std::mem::take(&mut self.held);
        let mut input = &held[..];
        self.respond(transport, &mut response, &mut input);
        if self.connection.is_idle() {
            // The pause between two requests begins now.
            transport.set_idle_timeout(Idle::Read, Some(self.core.limits.keep_alive));
        }
        self.held = if input.len() == held.len() { held } else { input.to_vec() };
        self.serve_held(transport);
    }

    /// Sends a response. `input` is what has come after the request.
    #[inline(never)]
    fn respond(&mut self, transport: &Transport, response: &mut Response, input: &mut &[u8]) {
        if matches!(response.body.0, Content::Page) {
            *response = self.core.fill_page(response);
        }
        let is_receiving = self.connection.is_receiving();
        if self.flags.draining || (is_receiving && self.has_too_much_to_drop()) {
            self.connection.close_after();
        }
        if response.upgrade.is_some() && is_receiving {
            // Nobody could tell the body from what follows it.
            *response = self.core.fill_page(&Response::error(Status::BAD_REQUEST));
        }
        if response.upgrade.is_none() && self.connection.is_begun_by(response.status) {
            *response = self.refuse_status(response.status);
        }
        let (status, fields, body) = (response.status, response.fields.headers(), std::mem::take(&mut response.body));
        self.core.counters.count_response(status);
        let body_length = body.length().unwrap_or(0);
        let mut out = self.core.scratch();
        let (core, connection, length) = (&*self.core, &mut self.connection, body.response_length());
        let encoder =
            core.with_date(transport.reactor(), |date| connection.respond(status, &[date, fields], length, &mut out));
        let body = if encoder.is_dropped() { Content::Empty } else { body.0 };
        if let Some(entry) = &mut self.entry {
            entry.set_status(status);
            if !matches!(body, Content::Empty) {
                entry.set_bytes(body_length);
            }
        }
        let small: &[u8] = match &body {
            Content::Static(bytes) => bytes,
            Content::Owned(bytes) => bytes,
            Content::Shared(bytes) => bytes,
            _ => &[],
        };
        let is_small = small.len() <= SMALL_BODY;
        if is_small {
            out.extend_from_slice(small);
        }
        transport.write(&out);
        core.keep_scratch(out);
        match body {
            Content::Static(bytes) if !is_small => drop(transport.write_chunk(bytes)),
            Content::Owned(bytes) if !is_small => drop(transport.write_chunk(bytes)),
            Content::Shared(bytes) if !is_small => drop(transport.write_chunk(bytes)),
            Content::File(file, range) => drop(transport.write_file(file, range)),
            Content::Streamed { start, .. } => return self.send_as_it_comes(transport, encoder, start),
            _ => {}
        }
        if let Some(upgrade) = response.upgrade.take() {
            self.log(transport);
            self.exchange = None;
            transport.set_busy(false);
            upgrade(transport, std::mem::take(input));
            return;
        }
        self.response_ended(transport);
    }

    /// The response in the place of one that would leave the client waiting for what never comes.
    #[cold]
    fn refuse_status(&self, status: Status) -> Response {
        if status.is_success() {
            // The handler did not look whether it is a tunnel that was asked for.
            return self.core.fill_page(&Response::error(Status::NOT_IMPLEMENTED));
        }
        super::logging::log_failure(format_args!(
            "a handler's response has the status {status}, after which another one would have to follow"
        ));
        self.core.fill_page(&Response::error(Status::INTERNAL_SERVER_ERROR))
    }

    #[inline(never)]
    fn send_as_it_comes(&mut self, transport: &Transport, encoder: BodyEncoder, start: Box<dyn FnOnce(BodyWriter)>) {
        let Some(me) = &self.me else { return };
        let outgoing = Outgoing::new(transport.clone(), Rc::new(Steer(me.clone())), encoder);
        let writer = BodyWriter::new(outgoing.clone());
        self.exchange.get_or_insert_default().outgoing = Some(outgoing);
        transport.set_busy(true);
        start(writer);
    }

    /// The whole response has been written.
    #[inline]
    fn response_ended(&mut self, transport: &Transport) {
        if self.entry.is_some() {
            self.log(transport);
        }
        if self.connection.is_receiving() && self.connection.keeps_alive() {
            let exchange = self.exchange.get_or_insert_default();
            exchange.is_answered = true;
            exchange.outgoing = None;
            let unwanted = exchange.pipe.as_ref().is_none_or(|pipe| !pipe.is_wanted());
            if unwanted {
                exchange.pipe = None;
                exchange.stop_pace();
            }
            return;
        }
        self.go_on(transport);
    }

    /// The entry of the request in hand, with the bytes of its response that were written.
    fn take_entry(&mut self) -> Option<Box<LogEntry>> {
        let mut entry = self.entry.take()?;
        if let Some(outgoing) = self.exchange.as_ref().and_then(|exchange| exchange.outgoing.as_ref()) {
            entry.set_bytes(outgoing.sent());
        }
        Some(entry)
    }

    /// Logs the request in hand when the kernel has the last byte of its response, or will never get it.
    #[cold]
    fn log(&mut self, transport: &Transport) {
        let Some(entry) = self.take_entry() else { return };
        let (core, reactor) = (self.core.clone(), transport.reactor().clone());
        transport.when_sent(move |unsent| core.log(&reactor, *entry, unsent));
    }

    /// The request in hand is done with, and its response sent.
    #[inline]
    fn go_on(&mut self, transport: &Transport) {
        if self.exchange.is_some() {
            self.exchange = None;
            transport.set_busy(false);
        }
        if self.connection.keeps_alive() && !self.flags.draining {
            self.connection.finish();
        } else {
            transport.close();
        }
    }

    /// Is more of a body to come than would be read for nothing?
    #[cold]
    fn has_too_much_to_drop(&self) -> bool {
        let unwanted = self.exchange.as_ref().is_none_or(|exchange| exchange.pipe.is_none());
        unwanted && self.connection.body_left().is_some_and(|left| left > self.core.limits.unread_body)
    }

    /// Answers a request that is refused, unless an answer was begun, and ends the connection. `input` is what the connection left of it.
    #[cold]
    fn refuse(&mut self, transport: &Transport, error: HttpError, input: &[u8]) {
        let line = RefusedLine::new(self.connection.refused_line(input));
        log::debug!("{}: refused \"{line}\": {error}", transport.id());
        add_one(&self.core.counters.refused);
        self.connection.give_up();
        if let Some(mut exchange) = self.exchange.take() {
            exchange.stop(error);
        }
        if !self.connection.is_answered() {
            if self.core.log.is_some() && self.entry.is_none() {
                let mut entry = entry(transport, None);
                entry.set_refused_line(&line);
                self.entry = Some(entry);
            }
            self.respond(transport, &mut Response::error(error.status()), &mut &[][..]);
        }
        transport.close();
    }

    /// Tells a client that waits to be told to send the body, if somebody wants it.
    fn let_client_go_on(&mut self, transport: &Transport) {
        let pipe = self.exchange.as_ref().and_then(|exchange| exchange.pipe.as_ref());
        if self.connection.waits_for_continue() && pipe.is_some_and(|pipe| pipe.is_wanted()) {
            let mut out = Vec::new();
            self.connection.inform(Status::CONTINUE, Headers::default(), &mut out);
            transport.write(&out);
        }
    }

    /// Somebody has begun to read the body, or goes on.
    fn body_wanted(&mut self, transport: &Transport) {
        self.let_client_go_on(transport);
        self.serve_held(transport);
    }

    /// The writer of the response's body has ended it, or gone.
    fn body_written(&mut self, transport: &Transport, whole: bool) {
        if self.exchange.as_ref().is_none_or(|exchange| exchange.outgoing.is_none()) {
            return;
        }
        if !whole {
            // Anything gentler would be the end of a body to whoever reads it up to the connection's end.
            return transport.abort();
        }
        self.response_ended(transport);
        if self.connection.is_idle() {
            transport.set_idle_timeout(Idle::Read, Some(self.core.limits.keep_alive));
        }
        self.serve_held(transport);
    }

    /// Goes on with the input that is held.
    fn serve_held(&mut self, transport: &Transport) {
        if std::mem::take(&mut self.flags.paused) {
            transport.resume_reading();
        }
        let held = std::mem::take(&mut self.held);
        let mut input = &held[..];
        self.serve(transport, &mut input);
        if transport.is_open() {
            self.held = if input.len() == held.len() { held } else { input.to_vec() };
        }
        self.rest(transport);
    }

    /// Sees to what a request that is still in hand, or has only begun, needs.
    #[inline]
    fn rest(&mut self, transport: &Transport) {
        let is_between_requests =
            self.held.is_empty() && self.connection.is_idle() && !self.connection.has_begun_head();
        let is_watched = self.flags.watches_body || self.flags.input_ended || self.head_timer.is_some();
        if !is_between_requests || is_watched {
            self.watch(transport);
        }
    }

    #[inline(never)]
    fn watch(&mut self, transport: &Transport) {
        if self.flags.input_ended
            && self.held.is_empty()
            && (self.connection.is_idle() || self.connection.is_receiving())
        {
            return match self.connection.end_of_input() {
                Ok(()) => transport.close(),
                Err(error) => self.refuse(transport, error, &[]),
            };
        }
        if self.flags.input_ended {
            self.limit_handler();
        }
        if (!self.held.is_empty() || self.is_full()) && transport.is_reading() {
            // It waits for the request in hand or its body's reader, and not for the queue.
            self.flags.paused = true;
            transport.pause_reading();
        }
        let limits = &self.core.limits;
        match (self.connection.has_begun_head(), &self.head_timer) {
            (true, None) => {
                let call = |channel: &mut Self, transport: &Transport| {
                    channel.head_timer = None;
                    channel.refuse(transport, HttpError::TimedOut, &[]);
                };
                self.head_timer = self.me.as_ref().map(|me| me.call_later(limits.head_time, call));
            }
            (false, Some(timer)) => {
                timer.cancel();
                self.head_timer = None;
            }
            _ => {}
        }
        let is_receiving = self.connection.is_receiving();
        if is_receiving != self.flags.watches_body {
            self.flags.watches_body = is_receiving;
            let limit = if is_receiving { limits.body_idle } else { limits.keep_alive };
            transport.set_idle_timeout(Idle::Read, Some(limit));
        }
        if is_receiving {
            self.watch_pace(transport);
        }
    }

    /// The client has closed its writing side: a handler that has not answered yet has little time left.
    #[cold]
    fn limit_handler(&mut self) {
        let (Some(me), Some(exchange)) = (&self.me, self.exchange.as_deref_mut()) else { return };
        let time = self.core.limits.half_close;
        if exchange.pending.is_none() || exchange.end_timer.is_some() || time == Duration::MAX {
            return;
        }
        exchange.end_timer = Some(me.call_later(time, |_, transport| transport.close()));
    }

    /// Sees to it that a body comes at the least rate.
    fn watch_pace(&mut self, transport: &Transport) {
        let (Some(me), limits) = (&self.me, &self.core.limits) else { return };
        let exchange = self.exchange.get_or_insert_default();
        if exchange.pace.is_some() {
            return;
        }
        let time = exchange.time(limits);
        if time < Duration::MAX {
            let timer = me.call_later(time, Self::check_pace);
            exchange.pace = Some(Pace { began: transport.reactor().now(), received: 0, timer });
        }
    }

    /// The time of a body may be over.
    #[cold]
    fn check_pace(&mut self, transport: &Transport) {
        let (Some(me), Some(exchange)) = (&self.me, self.exchange.as_deref_mut()) else { return };
        if !self.connection.is_receiving() || exchange.pace.is_none() {
            return;
        }
        let (now, time) = (transport.reactor().now(), exchange.time(&self.core.limits));
        let Some(pace) = &mut exchange.pace else { return };
        if !transport.is_reading() {
            // The reader of the body lets the client wait, and not the other way round.
            (pace.began, pace.received) = (now, 0);
        }
        let passed = now.saturating_duration_since(pace.began);
        match time.checked_sub(passed).filter(|left| !left.is_zero()) {
            Some(left) => pace.timer = me.call_later(left, Self::check_pace),
            None => self.refuse(transport, HttpError::TimedOut, &[]),
        }
    }
}

/// Has the handler answer a request. It gives none if it panics.
#[inline]
fn ask(
    core: &Core,
    me: &Handle<Channel>,
    transport: &Transport,
    head: &RequestHead<'_>,
    answer: &mut Option<Answer>,
) -> Option<Box<Rare>> {
    let steering = || -> Rc<dyn Steering> { Rc::new(Steer(me.clone())) };
    let mut request = Request::new(head, transport, &steering);
    // That it panicked is seen by the answer, and told already.
    let _ = contain(|| "a handler", || *answer = Some((core.handler)(&mut request)));
    request.rare
}

/// Reaches a channel from the ends of the bodies that users hold.
struct Steer(Handle<Channel>);

impl Steering for Steer {
    fn response_ended(&self, whole: bool) {
        self.0.call(move |channel, transport| channel.body_written(transport, whole));
    }

    fn body_wanted(&self) {
        self.0.call(Channel::body_wanted);
    }
}

impl Protocol for Channel {
    fn connection_made(&mut self, transport: &Transport) {
        self.me = Some(transport.handle(self));
        transport.set_idle_timeout(Idle::Read, Some(self.core.limits.head_time));
    }

    #[inline]
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        if !self.held.is_empty() {
            self.held.extend_from_slice(data);
            return self.serve_held(transport);
        }
        let mut input = data;
        self.serve(transport, &mut input);
        if !input.is_empty() && transport.is_open() {
            self.held.extend_from_slice(input);
        }
        self.rest(transport);
    }

    fn read_closed(&mut self, transport: &Transport) {
        self.flags.input_ended = true;
        self.rest(transport);
    }

    fn read_resumed(&mut self, transport: &Transport) {
        self.serve_held(transport);
    }

    fn write_paused(&mut self, transport: &Transport) {
        transport.set_idle_timeout(Idle::Write, Some(self.core.limits.write_idle));
    }

    fn write_resumed(&mut self, transport: &Transport) {
        transport.set_idle_timeout(Idle::Write, None);
        if let Some(outgoing) = self.exchange.as_ref().and_then(|exchange| exchange.outgoing.as_ref()) {
            outgoing.resume();
        }
    }

    fn timed_out(&mut self, transport: &Transport, idle: Idle) {
        if idle == Idle::Write {
            match transport.queued() {
                0 => transport.set_idle_timeout(idle, None),
                _ => transport.time_out(idle),
            }
        } else if self.connection.is_receiving() {
            // One that is not read cannot be blamed for sending nothing.
            if transport.is_reading() {
                self.refuse(transport, HttpError::TimedOut, &[]);
            }
        } else if self.exchange.is_some() || !self.held.is_empty() {
            // It is the handler that takes its time.
        } else if self.head_timer.is_some() {
            // A head has begun, and its own timer ends it with a 408.
        } else if transport.queued() > 0 {
            // It may still be reading, slowly.
            transport.set_idle_timeout(Idle::Write, Some(self.core.limits.write_idle));
        } else {
            transport.close();
        }
    }

    fn drain(&mut self, transport: &Transport) {
        self.flags.draining = true;
        if self.exchange.is_none() && self.connection.is_idle() && !self.connection.has_begun_head() {
            transport.close();
        }
    }

    fn holds_input(&mut self) -> bool {
        !self.held.is_empty() || self.connection.has_begun_head() || self.connection.is_receiving()
    }

    fn connection_lost(&mut self, transport: &Transport, _: CloseReason) {
        if let Some(timer) = self.head_timer.take() {
            timer.cancel();
        }
        if let Some(mut entry) = self.take_entry() {
            entry.set_aborted();
            self.core.log(transport.reactor(), *entry, transport.unsent());
        }
        self.exchange = None;
    }
}

/// What is logged of a request from this peer.
#[cold]
fn entry(transport: &Transport, head: Option<&RequestHead<'_>>) -> Box<LogEntry> {
    let address = transport.peer().address();
    let peer = address.tcp().map_or_else(|| "-".to_owned(), |address| address.ip().to_string());
    Box::new(LogEntry::new(peer, head))
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("connection", &self.connection)
            .field("in_hand", &self.exchange.is_some())
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}
