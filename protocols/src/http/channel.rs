//! One connection of a server.

use std::fmt;
use std::rc::Rc;

use lariat::{CloseReason, DelayedCall, Failure, Handle, Idle, Protocol, Transport, contain};

use super::access_log::LogEntry;
use super::body::BodyEncoder;
use super::body_writer::{BodyWriter, Outgoing};
use super::core::Core;
use super::error::HttpError;
use super::exchange::Exchange;
use super::fields::Headers;
use super::handler::{Answer, When};
use super::head::RequestHead;
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
        // With nothing more in it, only a body may have come to its end.
        while (!input.is_empty() || self.connection.is_receiving()) && transport.is_reading() && !self.is_full() {
            let Self { core, connection, exchange, me: Some(me), .. } = self else { return };
            match connection.next(input) {
                Ok(None) => break,
                Ok(Some(RequestEvent::Head(head))) => {
                    add_one(&core.counters.requests);
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
                    if input.is_empty() && self.connection.is_receiving() {
                        self.let_client_go_on(transport);
                    }
                }
                Ok(Some(RequestEvent::Data(data))) => {
                    let Some(exchange) = exchange.as_deref_mut() else { break };
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
                    if let Some(pipe) = exchange.pipe.take() {
                        pipe.end(Ok(trailers.to_fields()));
                    }
                    if exchange.is_answered {
                        self.go_on(transport);
                    }
                }
                Err(error) => return self.refuse(transport, error),
            }
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
    }

    /// The response that was waited for is there.
    fn answer(&mut self, transport: &Transport, response: Result<Response, Failure>) {
        let Some(pending) = self.exchange.as_deref_mut().and_then(|exchange| exchange.pending.take()) else { return };
        drop(pending);
        let mut response = response.unwrap_or_else(|failure| {
            log::error!("a handler failed: {}", failure.to_string().escape_debug());
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
        let encoder = core.with_date(transport.reactor().turn_began(), |date| {
            connection.respond(status, &[date, fields], length, &mut out)
        });
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
            self.log();
            self.exchange = None;
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
        log::error!("a handler's response has the status {status}, after which another one would have to follow");
        self.core.fill_page(&Response::error(Status::INTERNAL_SERVER_ERROR))
    }

    #[inline(never)]
    fn send_as_it_comes(&mut self, transport: &Transport, encoder: BodyEncoder, start: Box<dyn FnOnce(BodyWriter)>) {
        let Some(me) = &self.me else { return };
        let outgoing = Outgoing::new(transport.clone(), Rc::new(Steer(me.clone())), encoder);
        let writer = outgoing.writer();
        self.exchange.get_or_insert_default().outgoing = Some(outgoing);
        start(writer);
    }

    /// The whole response has been written.
    #[inline]
    fn response_ended(&mut self, transport: &Transport) {
        if self.entry.is_some() {
            self.log();
        }
        if self.connection.is_receiving() && self.connection.keeps_alive() {
            let exchange = self.exchange.get_or_insert_default();
            exchange.is_answered = true;
            exchange.outgoing = None;
            let unwanted = exchange.pipe.as_ref().is_none_or(|pipe| !pipe.is_wanted());
            if unwanted {
                exchange.pipe = None;
            }
            return;
        }
        self.go_on(transport);
    }

    /// Writes the line of the request in hand.
    #[cold]
    fn log(&mut self) {
        let (Some(mut entry), Some(log)) = (self.entry.take(), &self.core.log) else { return };
        if let Some(outgoing) = self.exchange.as_ref().and_then(|exchange| exchange.outgoing.as_ref()) {
            entry.set_bytes(outgoing.sent());
        }
        log(&entry.line((self.core.clock)()));
    }

    /// The request in hand is done with, and its response sent.
    #[inline]
    fn go_on(&mut self, transport: &Transport) {
        if self.exchange.is_some() {
            self.exchange = None;
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

    /// What came is no request: it is answered so, if nothing was answered yet, and that is the end.
    #[cold]
    fn refuse(&mut self, transport: &Transport, error: HttpError) {
        log::debug!("{}: refused: {error}", transport.id());
        add_one(&self.core.counters.refused);
        self.connection.give_up();
        if let Some(mut exchange) = self.exchange.take() {
            exchange.stop(error);
        }
        if !self.connection.is_answered() {
            if self.core.log.is_some() && self.entry.is_none() {
                self.entry = Some(entry(transport, None));
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
                Err(error) => self.refuse(transport, error),
            };
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
                    channel.refuse(transport, HttpError::TimedOut);
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
                self.refuse(transport, HttpError::TimedOut);
            }
        } else if self.exchange.is_some() || !self.held.is_empty() {
            // It is the handler that takes its time.
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

    fn connection_lost(&mut self, _: &Transport, _: CloseReason) {
        if let Some(timer) = self.head_timer.take() {
            timer.cancel();
        }
        self.log();
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
