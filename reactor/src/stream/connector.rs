//! Making connections.

use std::cell::Cell;
use std::mem;
use std::rc::{Rc, Weak};

use mio::Interest;

use crate::address::Address;
use crate::byte_stream::Socket;
use crate::clock::Time;
use crate::contain::{Panicked, contain, contain_drop};
use crate::deferred::{Deferred, Resolver};
use crate::error::{Error, ErrorKind};
use crate::factory::Factory;
use crate::failure::Failure;
use crate::guarded::Guarded;
use crate::handle::Handle;
use crate::lookup::Family;
use crate::names::{Answer, chosen};
use crate::options::ConnectOptions;
use crate::reactor::{Description, Dispatch, Reactor, Turn};
use crate::readiness::Readiness;
use crate::timer::TimerKey;
use crate::token::Token;
use crate::transport::{Flags, Shared};

use super::connected::Connected;
use super::failures::{Failures, could_not_connect};
use super::plan::{Plan, Step};
use super::preparing::welcome;
use super::target::Target;

/// A wish to connect, from its beginning until one address has answered, all have failed, time is over or nobody waits any more.
///
/// ```text
///                    Race ─────────────── the plan, who is under way, the look-ups, the clock
///                  ╱  │   ╲
///           Chair   Attempt  Attempt …    sources of the loop
/// ```
///
/// Each attempt is a source with a token of its own, so that an event of one never reaches another. A wish for a single address has one
/// attempt, which hears of the clock and of a cancellation itself; else that is a further source's, the chair's.
struct Race<F: Factory> {
    reactor: Reactor,
    options: ConnectOptions,
    /// The source that hears of the clock and of a cancellation.
    control: Cell<Option<Token>>,
    state: Guarded<State<F>>,
}

struct State<F: Factory> {
    /// Gone once it is decided what becomes of the wish.
    open: Option<Open<F>>,
    plan: Plan,
    /// Who is looked for, if that is a name.
    host: Option<Host>,
    /// Attempts that another one decides about.
    under_way: Vec<(Token, Address)>,
    failures: Failures,
    deadline: Time,
    timer: Option<(TimerKey, Time)>,
    /// Dropping one cancels it.
    look_ups: Vec<Deferred<()>>,
}

struct Open<F: Factory> {
    factory: F,
    /// Gives whoever connects its connection.
    answer: Resolver<Handle<F::Protocol>>,
}

#[derive(Clone, Debug)]
struct Host {
    name: Rc<str>,
    port: u16,
}

/// One address that is being connected to.
struct Attempt<F: Factory> {
    race: Rc<Race<F>>,
    token: Token,
    address: Address,
    socket: Socket,
}

/// What has a race of several go on.
struct Chair<F: Factory>(Rc<Race<F>>);

impl Reactor {
    /// Connects to `target`, and has `factory` make a protocol for the connection.
    #[track_caller]
    pub(crate) fn connect_with<F: Factory>(
        &self,
        target: Target,
        options: ConnectOptions,
        factory: F,
    ) -> Deferred<Handle<F::Protocol>> {
        let (delay, timeout) = (options.attempt_delay, options.timeout);
        let (plan, host) = match target {
            Target::Addresses(addresses) => (Plan::given(addresses, delay, timeout), None),
            Target::Host { name, port, family } => {
                let families = family.map_or_else(|| vec![Family::V6, Family::V4], |family| vec![family]);
                (Plan::looked_up(families, delay, timeout), Some(Host { name: name.into(), port }))
            }
        };
        let state = State {
            open: None,
            plan,
            host,
            under_way: Vec::new(),
            failures: Failures::default(),
            deadline: Time::default(),
            timer: None,
            look_ups: Vec::new(),
        };
        let state = Guarded::new(state);
        let race = Rc::new(Race { reactor: self.clone(), options, control: Cell::new(None), state });
        let found: Weak<Race<F>> = Rc::downgrade(&race);
        let (answer, connected) = Deferred::with_canceller(self, move |reactor| {
            if let Some(token) = found.upgrade().and_then(|race| race.control.get()) {
                reactor.touch(token);
            }
        });
        race.state.with(|state| state.open = Some(Open { factory, answer }));
        self.enqueue(Box::new(move |_| race.begin()));
        connected
    }
}

impl<F: Factory> Race<F> {
    fn begin(self: Rc<Self>) {
        if self.is_cancelled() {
            return self.give_up(None);
        }
        let now = self.reactor.core().network.now();
        let deadline = now.after(self.options.timeout);
        let is_single = self.state.with(|state| {
            state.deadline = deadline;
            state.plan.is_single()
        });
        if !is_single {
            match self.reactor.reserve() {
                Ok(token) => {
                    self.control.set(Some(token));
                    self.reactor.install(token, Box::new(Chair(self.clone())));
                }
                Err(error) => return self.refuse(error),
            }
            self.look_up();
        }
        self.go_on(now);
    }

    /// Does nobody wait any more, or has it been decided?
    fn is_cancelled(&self) -> bool {
        self.state.with(|state| state.open.as_ref().is_none_or(|open| open.answer.is_cancelled()))
    }

    /// Asks for the addresses of a name.
    fn look_up(self: &Rc<Self>) {
        let Some((host, families)) =
            self.state.with(|state| Some((state.host.clone()?, state.plan.awaited().to_vec())))
        else {
            return;
        };
        let resolver = chosen(&self.reactor);
        // IPv6 first (RFC 8305, section 3).
        for family in families {
            let asked = contain(|| "a resolver", || resolver.resolve(&self.reactor, &host.name, family));
            let asked = asked.unwrap_or_else(|Panicked| {
                Deferred::fail(&self.reactor, Error::new(ErrorKind::InvalidInput, "the resolver panicked"))
            });
            // While there is something to hear of, the chair keeps the race.
            let race = Rc::downgrade(self);
            let heard = asked.map_result(move |result| {
                if let Some(race) = race.upgrade() {
                    race.hear(family, result);
                }
                Ok(())
            });
            self.state.with(|state| state.look_ups.push(heard));
        }
        contain_drop(resolver);
    }

    /// A look-up is over.
    fn hear(self: &Rc<Self>, family: Family, result: Result<Answer, Failure>) {
        let now = self.reactor.core().network.now();
        let is_open = self.state.with(|state| {
            let port = state.host.as_ref().map_or(0, |host| host.port);
            let addresses = match result {
                Ok(answer) => answer.addresses,
                Err(failure) => {
                    state.failures.look_up(family, &failure);
                    Vec::new()
                }
            };
            let with_port = |mut address: std::net::SocketAddr| {
                address.set_port(port);
                address
            };
            state.plan.answered(family, addresses.into_iter().map(with_port).collect(), now);
            state.open.is_some()
        });
        if is_open {
            self.go_on(now);
        }
    }

    /// Does what is to be done now.
    fn go_on(self: &Rc<Self>, now: Time) {
        loop {
            match self.state.with(|state| state.plan.next(now)) {
                Step::Try(address) => self.attempt(address),
                Step::GiveUp(address) => self.give_up_on(&address),
                Step::WaitUntil(time) => return self.wait_until(time),
                Step::Wait => return self.wait_until(Time::NEVER),
                Step::Over => return self.lose(),
            }
        }
    }

    /// Tries an address.
    fn attempt(self: &Rc<Self>, address: Address) {
        match begin(&self.reactor, &address, &self.options) {
            Ok((socket, token)) => {
                if self.control.get().is_none() {
                    self.control.set(Some(token));
                } else {
                    self.state.with(|state| state.under_way.push((token, address.clone())));
                }
                let attempt = Attempt { race: self.clone(), token, address, socket };
                self.reactor.install(token, Box::new(attempt));
            }
            Err(error) => self.state.with(|state| {
                state.failures.attempt(error);
                state.plan.failed(&address);
            }),
        }
    }

    /// Ends an attempt that has got no answer, for the sake of other addresses.
    fn give_up_on(&self, address: &Address) {
        let given_up = self.state.with(|state| {
            let limit = state.plan.attempt_limit();
            state.failures.no_answer(address, limit);
            state.plan.failed(address);
            let place = state.under_way.iter().position(|(_, other)| other == address);
            place.map(|place| state.under_way.remove(place))
        });
        if let Some((token, _)) = given_up {
            self.reactor.remove(token);
        }
    }

    /// Has the control be served at `time`, or when all time is over.
    fn wait_until(&self, time: Time) {
        let Some(token) = self.control.get() else { return };
        self.state.with(|state| {
            let time = time.min(state.deadline);
            match state.timer {
                Some((_, armed)) if armed == time => {}
                Some((key, _)) => {
                    self.reactor.rearm(key, time);
                    state.timer = Some((key, time));
                }
                None => state.timer = Some((self.reactor.arm(time, token), time)),
            }
        });
    }

    /// The timer was due.
    fn wake(self: &Rc<Self>) {
        let now = self.reactor.core().network.now();
        let is_over = self.state.with(|state| {
            state.timer = None;
            state.deadline <= now
        });
        if is_over { self.time_out() } else { self.go_on(now) }
    }

    /// Nothing has come of it in time.
    fn time_out(&self) {
        let timeout = self.options.timeout;
        self.state.with(|state| {
            for (_, address) in &state.under_way {
                state.failures.no_answer(address, timeout);
            }
            for family in state.plan.awaited() {
                state.failures.no_name(*family, timeout);
            }
        });
        self.lose();
    }

    /// Every address has failed.
    fn lose(&self) {
        let error = self.state.with(|state| {
            let host = state.host.as_ref().map(|host| format!("{}:{}", host.name, host.port));
            state.failures.not_tried(state.plan.not_tried());
            mem::take(&mut state.failures).into_error(host.as_deref())
        });
        self.refuse(error);
    }

    /// Ends it with an error.
    fn refuse(&self, error: Error) {
        if let Some(Open { factory, answer }) = self.decide(None) {
            contain_drop(factory);
            // If nobody waits any more, nobody needs to know.
            drop(answer.reject(error));
        }
    }

    /// Ends it without a word: nobody waits.
    fn give_up(&self, but: Option<Token>) {
        if let Some(Open { factory, answer }) = self.decide(but) {
            contain_drop(factory);
            drop(answer);
        }
    }

    /// It is decided what becomes of it: attempts and look-ups end, but for `but`. Returns what only whoever decides has.
    fn decide(&self, but: Option<Token>) -> Option<Open<F>> {
        let (open, timer, under_way, look_ups) = self.state.with(|state| {
            let timer = state.timer.take();
            (state.open.take(), timer, mem::take(&mut state.under_way), mem::take(&mut state.look_ups))
        });
        if let Some((timer, _)) = timer {
            self.reactor.disarm(timer);
        }
        let control = self.control.take();
        for token in under_way.into_iter().map(|(token, _)| token).chain(control) {
            if Some(token) != but {
                self.reactor.remove(token);
            }
        }
        drop(look_ups);
        open
    }
}

fn begin(reactor: &Reactor, address: &Address, options: &ConnectOptions) -> Result<(Socket, Token), Error> {
    if !options.address_policy.permits_address(address) {
        let message = format!("could not connect to {address}: the address policy does not permit it");
        return Err(Error::new(ErrorKind::AddressDenied, message));
    }
    let token = reactor.reserve()?;
    let network = &reactor.core().network;
    let socket = options.check(address).and_then(|()| network.connect(address, options));
    let socket = socket.and_then(|mut socket| {
        // A Unix socket may be connected already; the edge that tells so comes when it is registered.
        socket.register(network.registry(), token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(socket)
    });
    match socket {
        Ok(socket) => Ok((socket, token)),
        Err(error) => {
            reactor.remove(token);
            Err(could_not_connect(address, error))
        }
    }
}

impl<F: Factory> Dispatch for Chair<F> {
    fn ready(self: Box<Self>, _: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>> {
        let race = &self.0;
        if race.is_cancelled() {
            race.give_up(None);
        } else if readiness.has(Readiness::END) {
            // A server that is stopping may need the connection for a request in hand; the attempt has a deadline of its own.
            race.refuse(Error::ended());
        } else if readiness.has(Readiness::TIMER) {
            race.wake();
        }
        // If it is decided, there is no place any more to go back to.
        Some(self)
    }

    fn describe(&self) -> Description {
        Description::of::<F>()
    }
}

impl<F: Factory> Dispatch for Attempt<F> {
    fn ready(mut self: Box<Self>, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>> {
        if self.race.is_cancelled() {
            self.race.give_up(Some(self.token));
            return None;
        }
        if readiness.has(Readiness::END) {
            self.race.refuse(Error::ended());
            return None;
        }
        if readiness.has(Readiness::TIMER) {
            self.time_out();
            return None;
        }
        match self.socket.is_connected() {
            Ok(true) if self.is_self_connected() => {
                self.fail_self_connected();
                None
            }
            Ok(true) => self.finish(turn, readiness),
            Ok(false) => Some(self),
            Err(error) => {
                let error = could_not_connect(&self.address, error);
                self.fail(error);
                None
            }
        }
    }

    fn describe(&self) -> Description {
        Description::of::<F>()
    }
}

impl<F: Factory> Attempt<F> {
    /// The connection stands: it is served in this source's place from now on.
    fn finish(self, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>> {
        let Self { race, token, address, socket } = self;
        let Open { factory, answer } = race.decide(Some(token))?;
        // Whoever cancels it finds it by this, should there be a handshake yet.
        race.control.set(Some(token));
        let shared = Shared::new(&race.reactor, token, socket, address, Rc::new(race.options.stream.clone()));
        shared.flags.set(Flags::WATCHES_WRITABLE);
        welcome(shared, Connected { factory, answer, _kept: race }, turn, readiness)
    }

    /// The only attempt there is has got no answer.
    fn time_out(self) {
        let Self { race, address, socket, .. } = self;
        drop(socket);
        race.state.with(|state| {
            state.timer = None;
            state.failures.no_answer(&address, race.options.timeout);
        });
        race.lose();
    }

    /// Returns whether the kernel has connected the socket to itself. A client whose port is the
    /// one that it connects to sends its SYN to itself, and TCP takes that for a simultaneous open
    /// (RFC 9293, section 3.5).
    fn is_self_connected(&self) -> bool {
        let Address::Tcp(peer) = self.address else { return false };
        match self.socket.local_address().map(Address::canonical) {
            // The unspecified address leads to the loopback address.
            Ok(Address::Tcp(local)) => {
                local.port() == peer.port() && (local.ip() == peer.ip().to_canonical() || peer.ip().is_unspecified())
            }
            _ => false,
        }
    }

    fn fail_self_connected(mut self) {
        // By a reset: an orderly end would leave the port in TIME_WAIT, which keeps the server from
        // it that should be there.
        self.socket.reset();
        let address = &self.address;
        let message =
            format!("could not connect to {address}: nothing listens there, and the socket connected to itself");
        self.fail(Error::new(ErrorKind::SelfConnected, message));
    }

    /// This address does not answer: on to the next one.
    fn fail(self, error: Error) {
        let Self { race, token, address, socket } = self;
        drop(socket);
        race.state.with(|state| {
            state.under_way.retain(|(other, _)| *other != token);
            state.failures.attempt(error);
            state.plan.failed(&address);
        });
        race.go_on(race.reactor.core().network.now());
    }
}
