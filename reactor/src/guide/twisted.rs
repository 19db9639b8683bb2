//! For those who come from Twisted: every name, and what became of it.
//!
//! Lariat is Twisted's model in Rust: a reactor, protocols, factories, transports, endpoints. The names are Twisted's in Rust's spelling, unless
//! Rust has a word of its own; the search box of this documentation finds most things by their Twisted name too (`callLater`).
//!
//! # The same program twice
//!
//! ```python
//! from twisted.internet import protocol, reactor, endpoints
//!
//! class Echo(protocol.Protocol):
//!     def dataReceived(self, data):
//!         self.transport.write(data)
//!
//!     def connectionLost(self, reason):
//!         self.factory.served += 1
//!
//! class EchoFactory(protocol.Factory):
//!     protocol = Echo
//!     served = 0
//!
//! endpoints.serverFromString(reactor, "tcp:7000").listen(EchoFactory())
//! reactor.run()
//! ```
//!
//! ```no_run
//! use lariat::{CloseReason, Factory, Peer, Protocol, Reactor, Transport};
//! use std::cell::Cell;
//! use std::rc::Rc;
//!
//! struct Echo {
//!     served: Rc<Cell<u32>>,
//! }
//!
//! impl Protocol for Echo {
//!     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
//!         transport.write(data);
//!     }
//!
//!     fn connection_lost(&mut self, _: &Transport, _: CloseReason) {
//!         self.served.set(self.served.get() + 1);
//!     }
//! }
//!
//! #[derive(Default)]
//! struct EchoFactory {
//!     served: Rc<Cell<u32>>,
//! }
//!
//! impl Factory for EchoFactory {
//!     type Protocol = Echo;
//!
//!     fn build_protocol(&mut self, _: &Peer) -> Option<Echo> {
//!         Some(Echo { served: self.served.clone() })
//!     }
//! }
//!
//! fn main() -> lariat::Result<()> {
//!     let reactor = Reactor::new()?;
//!     reactor.listen("tcp:7000", EchoFactory::default())?;
//!     reactor.run()
//! }
//! ```
//!
//! Three differences are in there. The reactor is made and passed, not imported. The transport comes as an argument, not as an attribute. And a
//! protocol has no `factory`: the factory gives it what it shall share. (A closure would have done for the factory.)
//!
//! # The reactor
//!
//! | Twisted | Lariat |
//! | --- | --- |
//! | `from twisted.internet import reactor` | [`Reactor::new`](crate::Reactor::new); in a callback [`transport.reactor()`](crate::Transport::reactor) |
//! | `reactor.run()` | [`MainLoop::run`](crate::MainLoop::run) |
//! | `reactor.stop()` | [`Reactor::stop`](crate::Reactor::stop) |
//! | `reactor.iterate(delay)`, `doIteration` | [`MainLoop::turn`](crate::MainLoop::turn) |
//! | `reactor.callFromThread(f)` | [`Reactor::remote`](crate::Reactor::remote), then [`Remote::call`](crate::Remote::call) |
//! | `blockingCallFromThread(reactor, f)` | [`Remote::blocking_call`](crate::Remote::blocking_call), or [`blocking_defer`](crate::Remote::blocking_defer) if `f` gives a Deferred |
//! | `deferToThread(f)` | [`Reactor::defer_to_thread`](crate::Reactor::defer_to_thread), or [`try_defer_to_thread`](crate::Reactor::try_defer_to_thread) if `f` can fail |
//! | `reactor.callInThread(f)` | `defer_to_thread(f).detach()` |
//! | `reactor.suggestThreadPoolSize(n)` | [`Reactor::set_thread_limit`](crate::Reactor::set_thread_limit) |
//! | `reactor.callLater(seconds, f)` | [`Reactor::call_later`](crate::Reactor::call_later) |
//! | `reactor.getDelayedCalls()` | [`Reactor::delayed_calls`](crate::Reactor::delayed_calls) |
//! | `twisted.python.threadable.isInIOThread()` | [`Remote::is_loop_thread`](crate::Remote::is_loop_thread); a [`Reactor`](crate::Reactor) never leaves its thread |
//! | `reactor.callWhenRunning(f)` | `call_later(Duration::ZERO, f)` before `run` |
//! | `reactor.seconds()` | [`Reactor::now`](crate::Reactor::now) |
//! | `reactor.listenTCP(7000, factory)` | [`listen("tcp:7000", factory)`](crate::Reactor::listen), or [`listen_at`](crate::Reactor::listen_at) with an address |
//! | `reactor.connectTCP(host, "http", factory)`: a service's name as port | `connect("tcp:HOST:http", factory)`: any port in a description may be a TCP service of `/etc/services` |
//! | `connectTCP(…, bindAddress=(host, port))` | [`ConnectOptions::bind_address`](crate::ConnectOptions::bind_address) and [`bind_port`](crate::ConnectOptions::bind_port), or `bindAddress=` and `bindPort=` in a description |
//! | `reactor.listenUNIX(path, factory)` | `listen("unix:PATH", factory)` |
//! | `listenUNIX(…, mode=0o666)` | [`ListenOptions::mode`](crate::ListenOptions::mode), or `mode=666` in a description; the default is 666 less the umask, where Twisted ignores the umask |
//! | `reactor.connectTCP(host, port, factory)` | [`connect("tcp:HOST:PORT", factory)`](crate::Reactor::connect) |
//! | `reactor.listenSSL(port, factory, context)`, `connectSSL` | `listen("ssl:PORT:privateKey=…")`, `connect("tls:HOST:PORT")`, or `ListenOptions::tls` and `ConnectOptions::tls` (feature `tls`) |
//! | `transport.startTLS(context)` | `Transport::start_tls` |
//! | `CertificateOptions`, `optionsForClientTLS(name)`, `trustRootFromCertificates` | `tls::ServerOptions`, `tls::ClientOptions`, `tls::TrustRoots` |
//! | `transport.getPeerCertificate()`, `negotiatedProtocol` | `Peer::tls` |
//! | `HostnameEndpoint(reactor, host, port, attemptDelay=…)` | [`connect_host`](crate::Reactor::connect_host), or `connect` with a name |
//! | `reactor.resolve(name)`, `reactor.nameResolver` | [`look_up`](crate::Reactor::look_up) |
//! | `reactor.installNameResolver(r)`, `IHostnameResolver` | [`set_resolver`](crate::Reactor::set_resolver), [`names::Resolver`](crate::names::Resolver) |
//! | `reactor.connectUNIX(path, factory)` | `connect("unix:PATH", factory)`, or [`connect_at`](crate::Reactor::connect_at) with an address |
//! | `reactor.adoptStreamPort`, `adoptStreamConnection` | [`adopt_port`](crate::Reactor::adopt_port), [`adopt_stream`](crate::Reactor::adopt_stream) |
//! | `reactor.addReader`, `addWriter` | [`Reactor::register`](crate::Reactor::register) |
//! | `reactor.removeReader`, `removeWriter` | [`Registration::deregister`](crate::Registration::deregister) |
//! | `IDelayedCall`: `cancel`, `reset`, `delay`, `active`, `getTime` | [`DelayedCall`](crate::DelayedCall): `cancel`, `reset`, `delay`, `is_active`, `deadline` |
//! | `AlreadyCalled`, `AlreadyCancelled` | no error: these methods return false |
//! | `IListeningPort.stopListening()`, `getHost()` | [`Port::close`](crate::Port::close), [`Port::address`](crate::Port::address) |
//! | `IListeningPort.startListening()` | a port that was closed stays closed: listen anew |
//! | `ReactorNotRunning` | [`ErrorKind::ReactorEnded`](crate::ErrorKind::ReactorEnded) |
//! | `CannotListenError` | the error of `listen`: [`ErrorKind::AddressInUse`](crate::ErrorKind::AddressInUse) and others |
//! | `ConnectionRefusedError`, `TimeoutError`, `NoRouteError` | [`ErrorKind`](crate::ErrorKind): `ConnectionRefused`, `TimedOut`, `Unreachable` |
//! | `reactor.addSystemEventTrigger(phase, event, f)` | [`Reactor::add_trigger`](crate::Reactor::add_trigger) |
//! | `twisted.python.log`, `twisted.logger` | the `log` crate |
//!
//! # Protocols and factories
//!
//! | Twisted | Lariat |
//! | --- | --- |
//! | `Protocol.connectionMade()` | [`connection_made`](crate::Protocol::connection_made) |
//! | `Protocol.dataReceived(data)` | [`data_received`](crate::Protocol::data_received) |
//! | `Protocol.connectionLost(reason)` | [`connection_lost`](crate::Protocol::connection_lost) |
//! | `self.transport` | the argument `transport` |
//! | `self.factory` | whatever your factory hands to the protocol |
//! | `self.connected` | [`transport.is_open()`](crate::Transport::is_open) |
//! | `IHalfCloseableProtocol.readConnectionLost()` | [`read_closed`](crate::Protocol::read_closed); left alone, it closes the connection |
//! | `IHalfCloseableProtocol.writeConnectionLost()` | nothing is called |
//! | `Factory.buildProtocol(addr)` | [`build_protocol`](crate::Factory::build_protocol), which gets a [`Peer`](crate::Peer); `None` refuses here too |
//! | `Factory.forProtocol(Echo)` | a closure, <code>&#124;_: &Peer&#124; Echo</code> |
//! | `Factory.startFactory()`, `stopFactory()` | nothing: whoever made it knows; it is dropped with its port |
//! | `ClientFactory.clientConnectionFailed` | the Deferred that [`connect`](crate::Reactor::connect) gives fails |
//! | `IConnector.stopConnecting()` | [cancelling](crate::Deferred::cancel) that Deferred, or dropping it |
//! | `ClientFactory.clientConnectionLost` | the protocol's `connection_lost` |
//! | `ConnectionDone`, `ConnectionLost`, `ConnectionAborted` | [`CloseReason`](crate::CloseReason): `Done`, `Lost`, `Aborted` |
//! | `ProtocolWrapper`, `WrappingFactory` | [`Wrapper`](crate::Wrapper), in a factory of yours |
//!
//! # Transports
//!
//! | Twisted | Lariat |
//! | --- | --- |
//! | `transport.write(data)` | [`write`](crate::Transport::write) |
//! | `transport.writeSequence(list)` | `write` for each: one callback's writes leave together |
//! | `transport.loseConnection()` | [`close`](crate::Transport::close) |
//! | `transport.abortConnection()` | [`abort`](crate::Transport::abort) |
//! | `transport.loseWriteConnection()` | [`close_write`](crate::Transport::close_write) |
//! | `transport.getPeer()`, `getHost()` | [`peer().address()`](crate::Transport::peer), [`local_address`](crate::Transport::local_address) |
//! | `transport.setTcpNoDelay(on)` | [`set_nodelay`](crate::Transport::set_nodelay); here it is on from the start |
//! | `transport.getHandle()`, `transport.socket` | [`with_socket`](crate::Transport::with_socket) |
//! | `transport.setTcpKeepAlive(on)` | [`set_keepalive`](crate::Transport::set_keepalive) |
//! | `transport.disconnecting` | `!transport.is_open()` |
//! | `transport.bufferSize` | [`set_water_marks`](crate::Transport::set_water_marks) |
//! | `pauseProducing()`, `resumeProducing()` of a transport | [`pause_reading`](crate::Transport::pause_reading), [`resume_reading`](crate::Transport::resume_reading) |
//! | `stopProducing()` of a transport | `close` |
//! | `registerProducer(producer, True)`, `IPushProducer` | [`register_push_producer`](crate::Transport::register_push_producer), [`PushProducer`](crate::PushProducer) |
//! | `registerProducer(producer, False)`, `IPullProducer` | [`register_pull_producer`](crate::Transport::register_pull_producer), [`PullProducer`](crate::PullProducer) |
//! | `unregisterProducer()` | [`unregister_producer`](crate::Transport::unregister_producer) |
//! | a producer only to hear of a full buffer | the protocol's [`write_paused`](crate::Protocol::write_paused), [`write_resumed`](crate::Protocol::write_resumed) |
//! | `basic.FileSender` | [`write_file`](crate::Transport::write_file) |
//! | replacing `transport.protocol` | [`switch_to`](crate::Transport::switch_to) |
//! | `policies.TimeoutMixin`: `setTimeout(s)` | [`set_idle_timeout(Idle::Read, …)`](crate::Transport::set_idle_timeout) |
//! | `TimeoutMixin`: `resetTimeout()` | nothing to call: every byte does it |
//! | `TimeoutMixin`: `timeoutConnection()` | [`timed_out`](crate::Protocol::timed_out) |
//!
//! # Endpoints and protocols
//!
//! | Twisted | Lariat |
//! | --- | --- |
//! | `serverFromString(reactor, s).listen(f)` | [`reactor.listen(s, f)`](crate::Reactor::listen); the grammar is the same: see [`endpoint`](crate::endpoint) |
//! | `clientFromString(reactor, s).connect(f)` | [`reactor.connect(s, f)`](crate::Reactor::connect) |
//! | the Deferred that `connect` gives | the same, of a [`Handle`](crate::Handle) to the protocol |
//! | `connectProtocol(endpoint, protocol)` | `reactor.connect(s, Once::new(protocol))`, with [`Once`](crate::Once) |
//! | `TCP4ServerEndpoint`, `TCP6ServerEndpoint`, `UNIXServerEndpoint` | [`listen_at`](crate::Reactor::listen_at) |
//! | `AdoptedStreamServerEndpoint` | [`adopt_port`](crate::Reactor::adopt_port) |
//! | `quoteStringArgument` | [`quote`](crate::quote()) |
//! | `StringTransport`, `StringTransportWithDisconnection` | `lariat::testing::MemoryTransport`, with the feature `testing` |
//! | `MemoryReactor`, `MemoryReactorClock` | `lariat::testing::simulated()`, with the feature `testing` |
//! | `LineReceiver`, `LineOnlyReceiver` | `LineReceiver` and `LineProtocol` in the crate `lariat-protocols` |
//!
//! # Deferreds
//!
//! A chain is made by taking the Deferred and giving the next one, so `d.addCallback(f)` becomes `let d = d.map(f)`. Twisted calls back inside
//! `callback`, or inside `addCallback` if the result is there; here it is always the loop that calls. The chapters
//! [`deferreds`](super::deferreds) and [`cancellation`](super::cancellation) tell the rest.
//!
//! | `twisted.internet.defer` | Lariat |
//! | --- | --- |
//! | `Deferred()` | [`Deferred::new`](crate::Deferred::new), which gives a [`Resolver`](crate::Resolver) too |
//! | `Deferred(canceller)` | [`Deferred::with_canceller`](crate::Deferred::with_canceller) |
//! | `d.callback(value)`, `d.errback(failure)` | [`Resolver::resolve`](crate::Resolver::resolve), [`reject`](crate::Resolver::reject) |
//! | `d.addCallback(f)` | [`map`](crate::Deferred::map), [`try_map`](crate::Deferred::try_map), [`and_then`](crate::Deferred::and_then): for an `f` that gives a value, a `Result`, a Deferred |
//! | `d.addErrback(f)` | [`recover`](crate::Deferred::recover), [`try_recover`](crate::Deferred::try_recover), [`or_else`](crate::Deferred::or_else) |
//! | `d.addBoth(f)`, `d.addCallbacks(f, g)` | [`map_result`](crate::Deferred::map_result), [`then`](crate::Deferred::then), with a `match` |
//! | `d.addTimeout(s, clock)` | [`timeout`](crate::Deferred::timeout); `onTimeoutCancel` is a `try_recover` after it |
//! | `d.cancel()` | [`cancel`](crate::Deferred::cancel), or dropping it |
//! | `d.chainDeferred(other)` | [`finish`](crate::Deferred::finish) with a callback that calls the other's [`Resolver::settle`](crate::Resolver::settle) |
//! | `d.called` | [`is_settled`](crate::Deferred::is_settled); of the other end [`is_cancelled`](crate::Resolver::is_cancelled) |
//! | `d.pause()`, `d.unpause()` | a callback that gives a Deferred, such as [`Event::wait`](crate::Event::wait) |
//! | `d.asFuture(loop)`, `Deferred.fromFuture` | a Deferred is a `Future`, whose output is `Result<T, Failure>` |
//! | forgetting a Deferred | [`detach`](crate::Deferred::detach): dropping it would cancel |
//! | `succeed(value)`, `fail(failure)` | [`Deferred::succeed`](crate::Deferred::succeed), [`Deferred::fail`](crate::Deferred::fail) |
//! | `execute(f)` | `Deferred::settled(reactor, f())`, with [`settled`](crate::Deferred::settled) |
//! | `maybeDeferred(f)` | [`Deferred::maybe`](crate::Deferred::maybe), for whatever is [`IntoDeferred`](crate::IntoDeferred) |
//! | `inlineCallbacks`, `returnValue`, `ensureDeferred`, `Deferred.fromCoroutine` | an `async` block, given to [`Reactor::spawn`](crate::Reactor::spawn), which gives a Deferred; it may `.await` others |
//! | `waitForDeferred`, `deferredGenerator` | gone from Twisted, and never here |
//! | `passthru`, `logError` | [`detach`](crate::Deferred::detach) logs a failure |
//! | `setDebugging(True)`, `getDebugging()` | nothing to turn on: the place is always known; [`dump_deferreds`](crate::Reactor::dump_deferreds) |
//! | `python.failure.Failure` | [`Failure`](crate::Failure): `check`, `trap` are [`is`](crate::Failure::is), [`downcast`](crate::Failure::downcast); a traceback is [`location`](crate::Failure::location) |
//! | `CancelledError` | [`FailureKind::Cancelled`](crate::FailureKind::Cancelled) |
//! | `TimeoutError` | [`FailureKind::TimedOut`](crate::FailureKind::TimedOut) |
//! | `AlreadyCalledError` | cannot happen: a resolver is used up by being used |
//! | "Unhandled error in Deferred" | the same words, with the place where it was made; and a test fails |
//!
//! # Several Deferreds
//!
//! | `twisted.internet.defer` | Lariat |
//! | --- | --- |
//! | `gatherResults(list, consumeErrors=True)`, `FirstError` | [`Deferred::gather`](crate::Deferred::gather), which fails with the first failure itself |
//! | `DeferredList(list, consumeErrors=True)`, `SUCCESS`, `FAILURE` | [`Deferred::settle`](crate::Deferred::settle), which gives a `Result` for each |
//! | `DeferredList(list, fireOnOneErrback=True)` | [`Deferred::gather`](crate::Deferred::gather) |
//! | `DeferredList(list, fireOnOneCallback=True)` | [`Deferred::race`](crate::Deferred::race), which gives the value without its index |
//! | `race(list)`, `FailureGroup` | [`Deferred::race`](crate::Deferred::race), [`AllFailed`](crate::AllFailed) |
//! | `DeferredLock`: `acquire`, `release`, `run`, `locked` | [`Lock`](crate::Lock): `acquire` gives a [`LockGuard`](crate::LockGuard), whose drop releases it; `run`, `is_locked` |
//! | `DeferredSemaphore(n)`: `acquire`, `release`, `run`, `tokens` | [`Semaphore`](crate::Semaphore): `acquire` gives a [`Permit`](crate::Permit); `run`, `available` |
//! | `DeferredQueue(size, backlog)`: `put`, `get`, `pending` | [`Queue`](crate::Queue): [`put`](crate::Queue::put) waits for room rather than fail; [`len`](crate::Queue::len) |
//! | `QueueOverflow`, `QueueUnderflow` | [`Queue::try_put`](crate::Queue::try_put) gives the item back; [`Queue::with_limits`](crate::Queue::with_limits) bounds who waits, with [`TooManyWait`](crate::TooManyWait) |
//! | a list of Deferreds that are all fired at once | [`Event`](crate::Event) |
//! | `DeferredFilesystemLock`, `AlreadyTryingToLockError` | none |
//!
//! # Tasks
//!
//! | `twisted.internet.task` | Lariat |
//! | --- | --- |
//! | `deferLater(reactor, s, f)` | [`Reactor::defer_later`](crate::Reactor::defer_later); without an `f`, [`Reactor::sleep`](crate::Reactor::sleep) |
//! | `LoopingCall(f)`: `start`, `stop`, `reset`, `running`, `withCount` | [`LoopingCall`](crate::LoopingCall): `start` or `start_later`, `stop`, `reset`, `is_running`, `with_count` |
//! | `Cooperator`, `cooperate`, `coiterate` | [`Cooperator`](crate::Cooperator) |
//! | `CooperativeTask`: `pause`, `resume`, `stop`, `whenDone` | [`CooperativeTask`](crate::CooperativeTask): `pause`, `resume`, `stop`, `when_done` |
//! | `SchedulerError`, `SchedulerStopped`, `TaskFinished`, `TaskDone`, `TaskFailed`, `TaskStopped`, `NotPaused` | methods return whether they did anything; who was stopped has [`FailureKind::Cancelled`](crate::FailureKind::Cancelled) |
//! | `Clock` | `lariat::testing::VirtualClock`, with the feature `testing` |
//! | `react(main)` | [`MainLoop::block_on`](crate::MainLoop::block_on) |
//!
//! # What behaves differently
//!
//! - **Input ends with `close`.** After `loseConnection`, Twisted may still call `dataReceived`. Here `data_received` is not called
//!   again.
//! - **A close has a deadline**, 30 s unless set otherwise. Twisted waits as long as the peer does not read.
//! - **A close does not wait for a producer.** In Twisted, `loseConnection` with a producer registered waits until it is unregistered.
//!   Here the producer hears `stop`; let it close when it is done.
//! - **Reading stops while much is queued**, and a queue has a limit: see [`back_pressure`](super::back_pressure). In Twisted both are up to
//!   you.
//! - **`gather` cancels.** `gatherResults` fails with the first failure and lets the other
//!   Deferreds go on. [`gather`](crate::Deferred::gather) cancels those that still wait, then
//!   fails; [`settle`](crate::Deferred::settle) waits for all.
//! - **A race of nothing fails** with an [`AllFailed`](crate::AllFailed) that is empty. Twisted's
//!   `race([])` never fires.
//! - **`Semaphore(0)` is allowed**: every `acquire` waits until it is cancelled or the reactor
//!   ends. Twisted raises `ValueError`.
//! - **To stop twice is to stop once.** A second [`stop`](crate::Reactor::stop) does nothing, and
//!   one before `run` has the loop end as soon as it runs. Twisted raises `ReactorNotRunning` for
//!   both.
//! - **A closed connection takes no producer.** Registering one returns false and drops the
//!   producer without calling it, as for a second producer. Twisted calls `stopProducing` for a
//!   connection that has ended, and raises `RuntimeError` for a second producer.
//! - **An exception is a panic**, and ends the connection with [`CloseReason::Panicked`](crate::CloseReason::Panicked). Errors that you foresee are
//!   values: [`fail`](crate::Transport::fail).
//! - **Dropping replaces what Python's collector does**, and never ends a port or a connection: see [`ownership`](super::ownership).
//!
//! # What is not there
//!
//! Lariat is young. So far it does not have:
//!
//! | Twisted | until then |
//! | --- | --- |
//! | `listenUDP`, `DatagramProtocol`, `spawnProcess`, `StandardIO`, serial ports | [`Reactor::register`](crate::Reactor::register), for descriptors |
//! | `ReconnectingClientFactory`, `ClientService` | connect again in `connection_lost` |
//! | `LimitTotalConnectionsFactory`, `ThrottlingFactory`, `TrafficLoggingFactory` | a [`Wrapper`](crate::Wrapper) |
//! | `NetstringReceiver`, `Int32StringReceiver`, `twisted.web`, `words`, `mail`, `names`, `conch` | none |
//! | `twistd`, `twisted.application`, plugins | a `main` |
