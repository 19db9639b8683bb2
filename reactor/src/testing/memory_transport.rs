//! A connection with a test at its other end.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use crate::address::Address;
use crate::close_reason::CloseReason;
use crate::factory::{Factory, Once};
use crate::handle::reach;
use crate::options::{ConnectOptions, ListenOptions, StreamOptions};
use crate::protocol::Protocol;
use crate::simulated::LooseEnd;
use crate::token::Token;
use crate::transport::{Flags, Transport};

use super::far_end::{FarEnd, Sees};
use super::far_ends::FarEnds;
use super::virtual_clock::VirtualClock;
use super::witness::{Record, WitnessFactory};

/// A protocol on a connection in memory, and the test is the peer: it says what arrives, and looks at what was written.
///
/// The connection is served as in production, by the same code, over a simulated socket; each method below returns when
/// nothing is left to be done at the present time. So a test has no loop to run, no peer to write and nothing to wait for.
///
/// - **The peer acts**: [`feed`](Self::feed), [`end_of_input`](Self::end_of_input), [`reset`](Self::reset),
///   [`peer_takes`](Self::peer_takes), [`peer_takes_all`](Self::peer_takes_all).
/// - **What it has been sent**: [`written`](Self::written), [`take_written`](Self::take_written),
///   [`is_write_closed`](Self::is_write_closed), [`was_reset`](Self::was_reset).
/// - **The connection**: [`is_open`](Self::is_open), [`is_closed`](Self::is_closed), [`close_reason`](Self::close_reason),
///   [`is_reading_paused`](Self::is_reading_paused), [`is_write_paused`](Self::is_write_paused), [`queued`](Self::queued),
///   [`transport`](Self::transport).
/// - **The protocol**: [`with_protocol`](Self::with_protocol), [`drain`](Self::drain).
/// - **Time**: [`advance`](Self::advance), [`clock`](Self::clock).
///
/// A panic in a callback, which in production ends its connection alone, comes out of the method during which it happened: a
/// protocol made for a test may `assert!`.
///
/// ```
/// use lariat::testing::MemoryTransport;
/// use lariat::{Idle, Protocol, Transport};
/// use std::time::Duration;
///
/// struct Echo;
///
/// impl Protocol for Echo {
///     fn connection_made(&mut self, transport: &Transport) {
///         transport.set_idle_timeout(Idle::Read, Some(Duration::from_secs(60)));
///     }
///
///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
///         transport.write(data);
///     }
/// }
///
/// let mut wire = MemoryTransport::new(Echo);
/// wire.feed(b"hello");
/// assert_eq!(wire.take_written(), b"hello");
/// wire.advance(Duration::from_secs(60));
/// assert!(wire.is_closed());
/// ```
#[doc(alias = "StringTransport")]
#[doc(alias = "StringTransportWithDisconnection")]
pub struct MemoryTransport<P> {
    // The peer goes first, so that a clock which others hold finds it gone.
    peer: Rc<FarEnd>,
    token: Token,
    record: Rc<Record>,
    transport: Transport,
    clock: VirtualClock,
    protocol: PhantomData<fn(&mut P)>,
}

impl<P: Protocol> MemoryTransport<P> {
    /// Serves a connection with `protocol`, on a clock of its own. The protocol has heard
    /// [`connection_made`](Protocol::connection_made) when this returns.
    ///
    /// # Panics
    ///
    /// With whatever the protocol panics with. So does every method that lets it run.
    #[doc(alias = "makeConnection")]
    #[track_caller]
    #[must_use]
    pub fn new(protocol: P) -> Self {
        Self::with_options(protocol, StreamOptions::default())
    }

    /// The same, with options of the connection's: water marks, limits, timeouts.
    #[track_caller]
    #[must_use]
    pub fn with_options(protocol: P, options: StreamOptions) -> Self {
        Self::serve(&VirtualClock::new(), Once::new(protocol), options)
    }

    /// Serves a connection with a protocol of `factory`'s, on a clock that may be shared: for protocols that know of each other.
    ///
    /// ```
    /// use lariat::testing::{MemoryTransport, VirtualClock};
    /// use lariat::{Peer, Protocol, StreamOptions, Transport};
    /// use std::{cell::OnceCell, rc::Rc};
    ///
    /// /// Tells the host what each guest says.
    /// struct Guest(Rc<OnceCell<Transport>>);
    ///
    /// impl Protocol for Guest {
    ///     fn connection_made(&mut self, transport: &Transport) {
    ///         self.0.get_or_init(|| transport.clone());
    ///     }
    ///
    ///     fn data_received(&mut self, _: &Transport, data: &[u8]) {
    ///         if let Some(host) = self.0.get() {
    ///             host.write(data);
    ///         }
    ///     }
    /// }
    ///
    /// let (clock, host) = (VirtualClock::new(), Rc::new(OnceCell::new()));
    /// let join = move |_: &Peer| Guest(host.clone());
    /// let mut first = MemoryTransport::serve(&clock, join.clone(), StreamOptions::default());
    /// let mut second = MemoryTransport::serve(&clock, join.clone(), StreamOptions::default());
    /// second.feed(b"hello");
    /// assert_eq!(first.take_written(), b"hello");
    /// ```
    ///
    /// # Panics
    ///
    /// With whatever the protocol panics with, and if the factory refuses the connection.
    #[track_caller]
    #[must_use]
    pub fn serve(clock: &VirtualClock, factory: impl Factory<Protocol = P>, options: StreamOptions) -> Self {
        let record = Rc::new(Record::default());
        let factory = WitnessFactory { inner: factory, record: record.clone() };
        let anywhere = Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let options = ListenOptions { stream: options, ..ListenOptions::default() };
        let Some(token) = clock.with_peers(FarEnds::reserve) else { panic!("the clock takes no more connections") };
        let opened = clock.listen_at(&anywhere, options, factory).map(|port| {
            let end = LooseEnd::connect(clock.world(), port.address(), &ConnectOptions::default(), token);
            (port, end)
        });
        let Ok((port, Ok(end))) = opened else { panic!("the clock's reactor takes no connection: {opened:?}") };
        let peer = Rc::new(FarEnd::new(end, record.clone()));
        peer.set_room(None);
        clock.with_peers(|peers| peers.add(token, &peer));
        clock.settle();
        port.close();
        clock.settle();
        let Some(transport) = record.transport.get().cloned() else { panic!("the factory refused the connection") };
        Self { peer, token, record, transport, clock: clock.clone(), protocol: PhantomData }
    }

    /// The peer sends `data`. The protocol gets up to 64 KiB of it in one piece. What it does not want for now, because it has paused
    /// reading, follows when it does.
    #[doc(alias = "dataReceived")]
    #[track_caller]
    pub fn feed(&mut self, data: &[u8]) {
        self.peer.send(data);
        self.peer.act();
        self.clock.settle();
    }

    /// The peer will send nothing more, but goes on reading: [`read_closed`](Protocol::read_closed) follows on the last of the input.
    #[doc(alias = "readConnectionLost")]
    #[track_caller]
    pub fn end_of_input(&mut self) {
        self.peer.end();
        self.peer.act();
        self.clock.settle();
    }

    /// The peer resets the connection, as when its process was killed.
    #[doc(alias = "reportDisconnect")]
    #[track_caller]
    pub fn reset(&mut self) {
        self.peer.reset();
        self.clock.settle();
    }

    /// From now on the peer takes `bytes` more, and then nothing: what is written beyond that is queued on the protocol's side. Unless
    /// it is told so, the peer takes all at once.
    #[track_caller]
    pub fn peer_takes(&mut self, bytes: usize) {
        self.peer.set_room(Some(bytes));
        self.clock.settle();
    }

    /// From now on the peer takes everything.
    #[track_caller]
    pub fn peer_takes_all(&mut self) {
        self.peer.set_room(None);
        self.clock.settle();
    }

    /// What the peer has been sent, but for what was [taken](Self::take_written) already.
    #[doc(alias = "value")]
    pub fn written(&self) -> Vec<u8> {
        self.peer.taken()
    }

    /// Takes what the peer has been sent.
    #[doc(alias = "value")]
    #[doc(alias = "clear")]
    pub fn take_written(&mut self) -> Vec<u8> {
        self.peer.take()
    }

    /// Has the peer been told that nothing more will be written?
    pub fn is_write_closed(&self) -> bool {
        self.peer.sees() == Sees::End
    }

    /// Has the peer been sent a reset, as an abort does?
    pub fn was_reset(&self) -> bool {
        self.peer.sees() == Sees::Reset
    }

    /// Can the protocol still get input or send output? See [`Transport::is_open`].
    pub fn is_open(&self) -> bool {
        self.transport.is_open()
    }

    /// Has the connection ended, and the protocol heard [`connection_lost`](Protocol::connection_lost)? The peer answers
    /// [`close`](Transport::close) with its own end, so this follows at once unless something is queued that the peer does not take.
    #[doc(alias = "disconnected")]
    pub fn is_closed(&self) -> bool {
        self.record.reason.get().is_some()
    }

    /// Why the connection has ended, if it has: what the protocol was told. The error in [`CloseReason::Failed`] is a copy that says
    /// the same, for the protocol owns the original.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.record.reason.get()
    }

    /// Does input wait, because the protocol has paused reading or because of back-pressure?
    #[doc(alias = "producerState")]
    pub fn is_reading_paused(&self) -> bool {
        self.transport.shared.flags.has(Flags::PAUSED_BY_USER | Flags::PAUSED_BY_QUEUE)
    }

    /// Was [`write_paused`](Protocol::write_paused) called, and [`write_resumed`](Protocol::write_resumed) not since?
    pub fn is_write_paused(&self) -> bool {
        self.transport.shared.flags.has(Flags::TOLD_PAUSED)
    }

    /// Bytes written that the peer has not taken: see [`Transport::queued`].
    pub fn queued(&self) -> u64 {
        self.transport.queued()
    }

    /// The protocol's side of the connection.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Visits the protocol. What it writes is sent when the visit is over.
    ///
    /// # Panics
    ///
    /// If it is gone, because the connection has ended or another has taken its place; and with whatever `visit` panics with.
    #[track_caller]
    pub fn with_protocol<R>(&mut self, visit: impl FnOnce(&mut P, &Transport) -> R) -> R {
        let result = self.clock.with_loop(|_| reach(&self.transport, visit));
        self.clock.settle();
        let Some(result) = result else { panic!("no {} serves this connection any more", type_name::<P>()) };
        result
    }

    /// Tells the protocol that the server is stopping: see [`Protocol::drain`].
    #[track_caller]
    pub fn drain(&mut self) {
        if self.transport.is_open() {
            self.transport.shared.flags.set(Flags::DRAINING);
            self.transport.shared.touch();
        }
        self.clock.settle();
    }

    /// Lets time pass and does what is due meanwhile: see [`VirtualClock::advance`].
    #[track_caller]
    pub fn advance(&mut self, time: Duration) {
        self.clock.advance(time);
    }

    /// The clock that the connection's timers follow, and the reactor that serves it.
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }
}

impl<P> Drop for MemoryTransport<P> {
    fn drop(&mut self) {
        self.clock.with_peers(|peers| peers.remove(self.token));
    }
}

impl<P> fmt::Debug for MemoryTransport<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTransport")
            .field("transport", &self.transport)
            .field("close_reason", &self.record.reason.get())
            .finish_non_exhaustive()
    }
}
