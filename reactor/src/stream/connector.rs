//! Making connections.

use std::any::type_name;
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use mio::Interest;

use crate::address::Address;
use crate::byte_stream::Socket;
use crate::contain::{contain, contain_drop};
use crate::deferred::{Deferred, Resolver};
use crate::error::{Error, ErrorKind};
use crate::factory::Factory;
use crate::handle::Handle;
use crate::options::ConnectOptions;
use crate::reactor::{Description, Dispatch, Reactor, Turn, serve};
use crate::readiness::Readiness;
use crate::timer::TimerKey;
use crate::token::Token;
use crate::transport::{Flags, Peer, Shared, Transport};

use super::connection::Connection;

/// Gives whoever connects its connection.
type Answer<F> = Resolver<Handle<<F as Factory>::Protocol>>;

/// An attempt to connect, to one address after the other.
struct Connector<F: Factory> {
    reactor: Reactor,
    factory: F,
    options: ConnectOptions,
    /// Still to be tried, the next one last.
    untried: Vec<Address>,
    address: Address,
    socket: Socket,
    token: Token,
    timer: Option<TimerKey>,
    answer: Answer<F>,
    /// Where the attempt is found by who cancels it.
    place: Place,
}

/// The source that connects at the moment.
type Place = Rc<Cell<Option<Token>>>;

impl Reactor {
    /// Connects to the first of `addresses` that answers, and has `factory` make a protocol for the connection.
    #[track_caller]
    pub(crate) fn connect_with<F: Factory>(
        &self,
        mut addresses: Vec<Address>,
        options: ConnectOptions,
        factory: F,
    ) -> Deferred<Handle<F::Protocol>> {
        addresses.reverse();
        let place = Place::default();
        let found = place.clone();
        let (answer, connected) = Deferred::with_canceller(self, move |reactor| {
            if let Some(token) = found.get() {
                reactor.touch(token);
            }
        });
        self.enqueue(Box::new(move |reactor| attempt(reactor, addresses, None, options, factory, answer, place)));
        connected
    }
}

/// Tries the next address. `last` is why the one before it failed.
fn attempt<F: Factory>(
    reactor: &Reactor,
    mut untried: Vec<Address>,
    last: Option<Error>,
    options: ConnectOptions,
    factory: F,
    answer: Answer<F>,
    place: Place,
) {
    if answer.is_cancelled() {
        return contain_drop(factory);
    }
    let Some(address) = untried.pop() else {
        contain_drop(factory);
        let error = last.unwrap_or_else(|| Error::new(ErrorKind::InvalidInput, "there is no address to connect to"));
        return refuse(answer, error);
    };
    match begin(reactor, &address, &options) {
        Ok((socket, token)) => {
            let timer = Some(reactor.arm(reactor.deadline(options.timeout), token));
            place.set(Some(token));
            let owner = reactor.clone();
            let connector =
                Connector { reactor: owner, factory, options, untried, address, socket, token, timer, answer, place };
            reactor.install(token, Box::new(connector));
        }
        Err(error) => {
            attempt(reactor, untried, Some(error), options, factory, answer, place);
        }
    }
}

fn begin(reactor: &Reactor, address: &Address, options: &ConnectOptions) -> Result<(Socket, Token), Error> {
    let token = reactor.reserve()?;
    let network = &reactor.core().network;
    let socket = network.connect(address, options).and_then(|mut socket| {
        // A Unix socket may be connected already; the edge that tells so comes when it is registered.
        socket.register(network.registry(), token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(socket)
    });
    match socket {
        Ok(socket) => Ok((socket, token)),
        Err(error) => {
            reactor.remove(token);
            Err(Error::io(format!("could not connect to {address}"), error))
        }
    }
}

impl<F: Factory> Dispatch for Connector<F> {
    fn ready(mut self: Box<Self>, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>> {
        if self.answer.is_cancelled() {
            self.disarm();
            contain_drop(self.factory);
            return None;
        }
        // A server that is stopping may need the connection for a request in hand; the attempt has a deadline of its own.
        if readiness.has(Readiness::END) {
            self.fail(Error::ended());
            return None;
        }
        if readiness.has(Readiness::TIMER) {
            self.timer = None;
            let seconds = Duration::as_secs_f64(&self.options.timeout);
            let error = io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {seconds} s"));
            self.give_up(error);
            return None;
        }
        match self.socket.is_connected() {
            Ok(true) => self.finish(turn, readiness),
            Ok(false) => Some(self),
            Err(error) => {
                self.give_up(error);
                None
            }
        }
    }

    fn describe(&self) -> Description {
        Description::of::<F>()
    }
}

impl<F: Factory> Connector<F> {
    /// The connection stands: it is served in this source's place from now on.
    fn finish(mut self, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>> {
        self.disarm();
        let Self { reactor, mut factory, options, address, socket, token, answer, .. } = self;
        let shared = Shared::new(&reactor, token, socket, address, Rc::new(options.stream));
        shared.flags.set(Flags::WATCHES_WRITABLE);
        let peer = Peer::new(shared.clone());
        let protocol = contain(type_name::<F>, || factory.build_protocol(&peer));
        contain_drop(factory);
        let transport = Transport { shared };
        match protocol {
            Ok(Some(protocol)) => {
                let handle = transport.handle(&protocol);
                let connection = Connection::open(transport, protocol);
                let connection = serve(connection, turn, readiness | Readiness::MADE);
                // Nobody may be waiting: the connection is there all the same.
                drop(answer.resolve(handle));
                connection
            }
            refused => {
                transport.shared.state.with(|state| state.socket = Socket::Closed);
                let why = if refused.is_ok() { "the factory refused the connection" } else { "the factory panicked" };
                refuse(answer, Error::new(ErrorKind::InvalidInput, why));
                None
            }
        }
    }

    /// This address did not answer: on to the next one.
    fn give_up(mut self, error: io::Error) {
        self.disarm();
        let error = Error::io(format!("could not connect to {}", self.address), error);
        let Self { reactor, factory, options, untried, socket, answer, place, .. } = self;
        drop(socket);
        attempt(&reactor, untried, Some(error), options, factory, answer, place);
    }

    fn fail(mut self, error: Error) {
        self.disarm();
        let Self { factory, answer, .. } = self;
        contain_drop(factory);
        refuse(answer, error);
    }

    fn disarm(&mut self) {
        if let Some(timer) = self.timer.take() {
            self.reactor.disarm(timer);
        }
    }
}

fn refuse<T>(answer: Resolver<T>, error: Error) {
    // If nobody waits any more, nobody needs to know.
    drop(answer.reject(error));
}
