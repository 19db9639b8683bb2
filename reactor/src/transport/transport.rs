//! The handle to a connection.

use std::fmt;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;

use crate::address::Address;
use crate::buffer::WriteQueue;
use crate::close_reason::{CloseReason, Idle, Phase};
use crate::connection_info::ConnectionId;
use crate::contain::{contain_drop, contain_drops};
use crate::error::{Error, ErrorKind, Result};
use crate::options::{Keepalive, Linger};
use crate::reactor::Reactor;

use super::flags::Flags;
use super::peer::Peer;
use super::shared::{Grown, Shared};

/// A connection, as its protocol and everybody else sees it: a cheap handle that may be cloned and stored anywhere on the
/// loop's thread.
///
/// None of its methods blocks or calls back before it returns. Once the connection has ended every one of them is harmless and
/// says so by its return value; the handle itself keeps neither the connection nor the protocol alive.
///
/// - **Writing**: [`write`](Self::write), [`write_first`](Self::write_first), [`write_now`](Self::write_now),
///   [`write_chunk`](Self::write_chunk), [`write_file`](Self::write_file). What a callback writes to its own connection leaves in one system
///   call when the callback returns. What is written to another one leaves together when the turn ends; but `write_first` and a chunk
///   leave at once if they come first, and `write_now` always does. What the kernel does not take is queued.
/// - **Back-pressure**: [`pause_reading`](Self::pause_reading), [`resume_reading`](Self::resume_reading),
///   [`set_water_marks`](Self::set_water_marks), [`set_queue_limit`](Self::set_queue_limit),
///   [`set_backpressure`](Self::set_backpressure), [`queued`](Self::queued).
/// - **Ending**: [`close`](Self::close), [`close_write`](Self::close_write), [`fail`](Self::fail), [`abort`](Self::abort).
/// - **Time**: [`set_idle_timeout`](Self::set_idle_timeout), [`set_close_timeout`](Self::set_close_timeout),
///   [`set_linger`](Self::set_linger), [`set_stall_warning`](Self::set_stall_warning).
/// - **Knowing**: [`peer`](Self::peer), [`local_address`](Self::local_address), [`id`](Self::id), [`is_open`](Self::is_open).
/// - **The socket**: [`set_nodelay`](Self::set_nodelay), [`set_keepalive`](Self::set_keepalive),
///   [`with_socket`](Self::with_socket).
/// - **The protocol**: [`handle`](Self::handle) reaches it from elsewhere, [`switch_to`](Self::switch_to) replaces it.
#[doc(alias = "ITransport")]
#[doc(alias = "ITCPTransport")]
#[derive(Clone)]
pub struct Transport {
    pub(crate) shared: Rc<Shared>,
}

/// The shortest idle timeout: one tick of the timer wheel.
const SHORTEST_IDLE: Duration = Duration::from_millis(1);

/// What became of a write.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum WriteStatus {
    /// It is sent or queued.
    Accepted,
    /// It is queued, and the queue is above its high mark: better write no more until
    /// [`write_resumed`](crate::Protocol::write_resumed), which is sure to come if the connection stays open.
    Paused,
    /// Nothing was written: the connection has ended, or its writing side is closed.
    Closed,
    /// The queue has passed its limit, and the connection is being aborted with
    /// [`CloseReason::Overflow`].
    Overflow,
}

impl Transport {
    /// Sends `data`, in order after everything written before. The bytes are copied once, unless the kernel takes them at once.
    ///
    /// It never blocks and never fails loudly: the status tells what became of the bytes, and
    /// [`connection_lost`](crate::Protocol::connection_lost) tells when they could not be delivered. It may be ignored: a peer
    /// that does not read is stopped by back-pressure or at the queue's limit.
    #[inline]
    pub fn write(&self, data: &[u8]) -> WriteStatus {
        const CAN_GATHER: u32 = Flags::GATHERING | Flags::QUEUED | Flags::NO_OUTPUT;
        if self.shared.flags.get() & CAN_GATHER == Flags::GATHERING {
            let gathered = self.shared.reactor.core().gathered.with(|gathered| {
                // Its capacity is fixed: this never makes it grow.
                let fits = data.len() <= gathered.capacity().wrapping_sub(gathered.len());
                if fits {
                    gathered.extend_from_slice(data);
                }
                fits
            });
            if gathered {
                return WriteStatus::Accepted;
            }
        }
        self.write_elsewhere(data)
    }

    #[inline(never)]
    fn write_elsewhere(&self, data: &[u8]) -> WriteStatus {
        if data.is_empty() { self.status() } else { self.queue(|queue| queue.push_slice(data)) }
    }

    /// Sends `data` before it returns, as far as the kernel takes it and nothing waits before it; only the rest is copied and queued.
    ///
    /// Best for what came from one connection and goes to another, as a relay's does: it takes no way through the queue, and the status
    /// tells at once whether the other side keeps up. Every call is a system call, so what is written in pieces is better gathered by
    /// [`write`](Self::write), which this does too when the connection's own protocol calls it.
    pub fn write_now(&self, data: &[u8]) -> WriteStatus {
        if data.is_empty() {
            return self.status();
        }
        match self.shared.send_now(data) {
            Some(sent) if sent == data.len() => WriteStatus::Accepted,
            sent => self.write_after(data, sent),
        }
    }

    /// Sends `data` before it returns if nothing was written in this turn before it, as far as the kernel takes it; what follows is copied
    /// and queued, and leaves together when the turn ends.
    ///
    /// Best for who writes from outside the connection's own callbacks, mostly once in a turn and sometimes in pieces, as a task does: one
    /// piece takes no way through the queue, and many take no system call each. The connection's own protocol better calls
    /// [`write`](Self::write), which is what this does then.
    #[inline]
    pub fn write_first(&self, data: &[u8]) -> WriteStatus {
        if data.is_empty() {
            return self.status();
        }
        match self.shared.send_first(data) {
            Some(sent) if sent == data.len() => WriteStatus::Accepted,
            sent => self.write_after(data, sent),
        }
    }

    /// Writes what is left of `data` when so many bytes of it were sent.
    #[inline(never)]
    fn write_after(&self, data: &[u8], sent: Option<usize>) -> WriteStatus {
        self.write(&data[sent.unwrap_or(0)..])
    }

    /// Sends a chunk without copying it: the queue holds it, shared with whoever else does, until the kernel has it.
    ///
    /// Best for what is large or goes to many connections; small slices are cheaper through [`write`](Self::write).
    pub fn write_chunk(&self, chunk: impl Into<Bytes>) -> WriteStatus {
        let mut chunk: Bytes = chunk.into();
        if chunk.is_empty() {
            return self.status();
        }
        match self.shared.send_first(&chunk) {
            Some(sent) if sent == chunk.len() => WriteStatus::Accepted,
            sent => self.queue(|queue| {
                let unsent = chunk.split_off(sent.unwrap_or(0));
                self.reactor().core().meter.with(|meter| meter.hold(&unsent));
                queue.push_chunk(unsent);
            }),
        }
    }

    /// Sends the bytes `range` of `file`, without taking them through this process where the kernel can (`sendfile(2)`).
    ///
    /// The file is read when its turn in the queue comes. Should it end before the range does, the connection is lost with an
    /// [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) error, for the peer was promised more. A file on a slow disk blocks the
    /// loop while it is read. A range of a file counts towards the marks, but, as it takes no memory, not towards the limit.
    pub fn write_file(&self, file: impl Into<Arc<File>>, range: Range<u64>) -> WriteStatus {
        let file = file.into();
        if range.is_empty() { self.status() } else { self.queue(move |queue| queue.push_file(file, range)) }
    }

    fn queue(&self, push: impl FnOnce(&mut WriteQueue)) -> WriteStatus {
        let shared = &*self.shared;
        if shared.flags.has(Flags::NO_OUTPUT) {
            // What `push` owns is dropped with it, while nothing is borrowed.
            return self.status();
        }
        if shared.flags.has(Flags::GATHERING) {
            shared.queue_gathered();
        }
        let spent = shared.push(push);
        let grown = shared.queue_has_grown();
        if !spent.is_empty() {
            // A chunk that was copied: its owner may be a user's, so it goes last.
            contain_drops(spent.into_chunks());
        }
        match grown {
            Grown::Below => WriteStatus::Accepted,
            Grown::Above => WriteStatus::Paused,
            Grown::Overflow => WriteStatus::Overflow,
        }
    }

    /// Sends formatted text, so that `write!(transport, "{}\r\n", 42)` works. The status is the last piece's.
    ///
    /// A `Display` that fails ends the text where it failed.
    pub fn write_fmt(&self, text: fmt::Arguments<'_>) -> WriteStatus {
        let mut pieces = Pieces { transport: self, status: self.status() };
        // A failure is the value's own and it has said what it has to say; ours are in the status.
        let _ = fmt::Write::write_fmt(&mut pieces, text);
        pieces.status
    }

    /// Ends the connection in good order: the protocol gets no more input, everything queued is sent, then the peer is told
    /// (FIN). What the peer still sends is discarded until its own end arrives, after our end for 30 s or for 5 s without input at the
    /// most, which [`set_linger`](Self::set_linger) changes. (A socket that is closed with input unread is reset by the kernel, and the
    /// reset destroys the last reply on its way.)
    ///
    /// The [close timeout](Self::set_close_timeout) (30 s by default) bounds all of it: if something is still unsent then, the
    /// connection is aborted with [`CloseReason::TimedOut`]. [`connection_lost`](crate::Protocol::connection_lost) comes when it is
    /// over. Calling it again does nothing.
    #[doc(alias = "loseConnection")]
    pub fn close(&self) {
        let shared = &*self.shared;
        if shared.flags.has(Flags::CLOSING | Flags::ENDING | Flags::ENDED) {
            return;
        }
        shared.flags.set(Flags::CLOSING | Flags::WRITE_CLOSING);
        shared.touch();
    }

    /// Tells the peer that nothing more will be sent, once everything queued has been, and goes on reading.
    ///
    /// The connection ends when the peer does the same. What is queued has the [close timeout](Self::set_close_timeout) to be sent.
    #[doc(alias = "loseWriteConnection")]
    pub fn close_write(&self) {
        let shared = &*self.shared;
        if !shared.flags.has(Flags::NO_OUTPUT) {
            shared.flags.set(Flags::WRITE_CLOSING);
            shared.touch();
        }
    }

    /// Ends the connection as [`close`](Self::close) does, because the protocol cannot go on:
    /// [`connection_lost`](crate::Protocol::connection_lost) then gets `error` in [`CloseReason::Failed`].
    pub fn fail(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) {
        self.close_because(CloseReason::Failed(error.into()));
    }

    /// Ends the connection now: what is queued is dropped and the peer gets a reset.
    /// [`connection_lost`](crate::Protocol::connection_lost) comes from the loop, after the current callback.
    #[doc(alias = "abortConnection")]
    pub fn abort(&self) {
        self.shared.end(CloseReason::Aborted);
    }

    pub(crate) fn close_because(&self, reason: CloseReason) {
        let shared = &*self.shared;
        if shared.flags.has(Flags::ENDING | Flags::ENDED) {
            contain_drop(reason);
            return;
        }
        let late = shared.state.with(|state| match &mut state.rare().reason {
            Some(_) => Some(reason),
            empty => {
                *empty = Some(reason);
                None
            }
        });
        contain_drop(late);
        self.close();
    }

    /// Delivers no input until [`resume_reading`](Self::resume_reading). What the peer sends stays in the kernel, and once that is
    /// full, with the peer. A reset by the peer is noticed all the same.
    #[doc(alias = "pauseProducing")]
    pub fn pause_reading(&self) {
        self.shared.flags.set(Flags::PAUSED_BY_USER);
        self.shared.flags.clear(Flags::RESUMED);
    }

    /// Goes on with delivering input: once back-pressure does not hold it either, the protocol hears
    /// [`read_resumed`](crate::Protocol::read_resumed), then gets what is there.
    #[doc(alias = "resumeProducing")]
    pub fn resume_reading(&self) {
        let shared = &*self.shared;
        if shared.flags.take(Flags::PAUSED_BY_USER) {
            shared.flags.set(Flags::RESUMED);
            shared.serve_again();
        }
    }

    /// Would input be delivered now? Not while reading is paused, by the user or by back-pressure, nor once the connection is closed or
    /// its protocol is to be switched. A protocol that finds several messages in one piece of data looks here before each, keeps the rest
    /// if the answer is no, and goes on with it in [`read_resumed`](crate::Protocol::read_resumed).
    pub fn is_reading(&self) -> bool {
        !self.shared.flags.has(Flags::NO_INPUT & !Flags::READ_CLOSED)
    }

    /// Sets the marks, in bytes queued: above `high` the protocol hears [`write_paused`](crate::Protocol::write_paused), at or below
    /// `low` [`write_resumed`](crate::Protocol::write_resumed). Defaults: 16 KiB and 64 KiB. A `low` above `high` is taken as `high`.
    #[doc(alias = "bufferSize")]
    pub fn set_water_marks(&self, low: usize, high: usize) {
        self.shared.state.with(|state| {
            let options = Rc::make_mut(&mut state.options);
            options.low_water_mark = low;
            options.high_water_mark = high;
        });
        if self.shared.flags.has(Flags::QUEUED) {
            if self.shared.queue_has_shrunk() {
                self.shared.serve_again();
            }
            self.shared.queue_has_grown();
        }
    }

    /// Sets how much memory, in bytes, the queue may keep alive before the connection is aborted with
    /// [`CloseReason::Overflow`]. Default: 16 MiB.
    pub fn set_queue_limit(&self, bytes: usize) {
        self.shared.state.with(|state| Rc::make_mut(&mut state.options).queue_limit = bytes);
        if self.shared.flags.has(Flags::QUEUED) {
            self.shared.queue_has_grown();
        }
    }

    /// Sets whether reading stops while the queue is above its high mark. Default: true, which bounds a server that answers what
    /// it reads without a line of code. Two peers that both send much before they read want it off, lest each wait for the other;
    /// so does a relay, whose output is another connection's input.
    pub fn set_backpressure(&self, on: bool) {
        let shared = &*self.shared;
        shared.state.with(|state| Rc::make_mut(&mut state.options).backpressure = on);
        if on && shared.flags.has(Flags::ABOVE_MARK) {
            shared.flags.set(Flags::PAUSED_BY_QUEUE);
        } else if !on && shared.release_reading() {
            shared.serve_again();
        }
    }

    /// Watches for idleness of one kind: after `limit` without it (1 ms at the least) the protocol hears
    /// [`timed_out`](crate::Protocol::timed_out), which ends the connection unless it is overridden. `None` stops watching, which is
    /// the default. Time counts from now.
    ///
    /// Pushing the timeout back, on every byte, costs a store.
    #[doc(alias = "setTimeout")]
    #[doc(alias = "resetTimeout")]
    pub fn set_idle_timeout(&self, idle: Idle, limit: Option<Duration>) {
        let shared = &*self.shared;
        if shared.flags.has(Flags::CLOSING | Flags::ENDING | Flags::ENDED) {
            return;
        }
        let now = shared.reactor.deadline(Duration::ZERO);
        // A limit of nothing would be over again as soon as it was told, and the loop would never get on.
        let limit = limit.map(|limit| limit.max(SHORTEST_IDLE));
        shared.state.with(|state| state.deadlines().set_idle(idle, limit, now));
        shared.arm_timer();
    }

    /// Sets whether the protocol works for its peer although no bytes move, such as on a request whose response is not
    /// complete. A port that is full (see [`ConnectionLimits`](crate::ConnectionLimits)) ends a busy connection only
    /// after all that are not. Default: false.
    pub fn set_busy(&self, busy: bool) {
        let flags = &self.shared.flags;
        if busy { flags.set(Flags::BUSY) } else { flags.clear(Flags::BUSY) }
    }

    /// Sets how long the connection may take to end, once it has to: how long [`close`](Self::close) may take in all, and
    /// [`close_write`](Self::close_write) for what is queued. After that the connection is aborted with [`CloseReason::TimedOut`]. Of one
    /// that is ending already the time counts anew, from now. Default: 30 s, or what
    /// [`StreamOptions::close_timeout`](crate::StreamOptions::close_timeout) says.
    ///
    /// A peer that reads slowly, and is owed much, needs more than the default; one that nothing is owed can be given less.
    pub fn set_close_timeout(&self, timeout: Duration) {
        let shared = &*self.shared;
        if shared.flags.has(Flags::ENDING | Flags::ENDED) {
            return;
        }
        let close_by = shared.reactor.deadline(timeout);
        let is_ending = shared.state.with(|state| {
            Rc::make_mut(&mut state.options).close_timeout = timeout;
            let former = state.rare.as_mut().and_then(|rare| rare.close_by.as_mut());
            former.map(|former| *former = close_by).is_some()
        });
        if is_ending {
            shared.arm_timer();
        }
    }

    /// Sets how long the connection discards input after [`close`](Self::close) while it waits for the peer's end. Of one that waits
    /// already the limits count from when it began. Default: 30 s in all, 5 s without input, or what
    /// [`StreamOptions::linger`](crate::StreamOptions::linger) says.
    #[doc(alias = "lingering_close")]
    pub fn set_linger(&self, linger: Linger) {
        let shared = &*self.shared;
        let is_lingering = shared.state.with(|state| {
            Rc::make_mut(&mut state.options).linger = linger;
            state.rare.as_deref().is_some_and(|rare| rare.lingers_since.is_some())
        });
        if is_lingering && !shared.flags.has(Flags::ENDED) {
            shared.arm_timer();
        }
    }

    /// Sets after how long a stall of this connection is logged: that more than the high mark is queued and no byte moves in either
    /// direction. It is logged as a warning, once. `None`: never. Default: 30 s, or what
    /// [`StreamOptions::stall_warning`](crate::StreamOptions::stall_warning) says.
    pub fn set_stall_warning(&self, after: Option<Duration>) {
        let shared = &*self.shared;
        shared.state.with(|state| Rc::make_mut(&mut state.options).stall_warning = after);
        if shared.flags.has(Flags::ABOVE_MARK) && !shared.flags.has(Flags::ENDING | Flags::ENDED) {
            shared.watch_for_stall();
            shared.arm_timer();
        }
    }

    /// Bytes written that the kernel has not taken yet. What the running callback has written counts.
    pub fn queued(&self) -> u64 {
        let gathered = if self.shared.flags.has(Flags::GATHERING) {
            self.shared.reactor.core().gathered.with(|gathered| gathered.len() as u64)
        } else {
            0
        };
        gathered + self.shared.state.with(|state| state.queued())
    }

    /// Can the protocol still get input or send output? False once `close`, `fail` or `abort` was called, or the connection has
    /// ended.
    pub fn is_open(&self) -> bool {
        !self.shared.flags.has(Flags::CLOSING | Flags::ENDING | Flags::ENDED)
    }

    /// The connection's name in logs.
    pub fn id(&self) -> ConnectionId {
        ConnectionId::new(self.shared.token)
    }

    /// Who is on the other end.
    #[doc(alias = "getPeer")]
    pub fn peer(&self) -> Peer {
        Peer::new(self.shared.clone())
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// When the connection has ended.
    #[doc(alias = "getHost")]
    pub fn local_address(&self) -> Result<Address> {
        self.peer().local_address()
    }

    /// The reactor that serves the connection.
    pub fn reactor(&self) -> &Reactor {
        &self.shared.reactor
    }

    /// Sends small segments at once (`TCP_NODELAY`, on by default), or lets the kernel gather them. Does nothing on a Unix socket.
    ///
    /// # Errors
    ///
    /// When the connection has ended.
    #[doc(alias = "setTcpNoDelay")]
    pub fn set_nodelay(&self, nodelay: bool) -> Result<()> {
        self.shared
            .state
            .with(|state| state.socket.set_nodelay(nodelay))
            .map_err(|error| Error::io("could not set TCP_NODELAY", error))
    }

    /// Has the kernel probe the peer while it is silent, or not (the default). Does nothing on a Unix socket.
    ///
    /// # Errors
    ///
    /// When the connection has ended, or a time is out of the kernel's range.
    #[doc(alias = "setTcpKeepAlive")]
    pub fn set_keepalive(&self, keepalive: Option<Keepalive>) -> Result<()> {
        self.shared
            .state
            .with(|state| state.socket.set_keepalive(keepalive))
            .map_err(|error| Error::io("could not set keepalive", error))
    }

    /// Calls `visit` with the connection's socket, to read or set options that have no method here.
    /// Under TLS it is the socket below.
    ///
    /// The reactor owns the stream: `visit` must not read, write, shut down or change the blocking
    /// mode, and a duplicate of the socket that it keeps holds the connection open. The call costs
    /// two system calls, for `visit` gets a duplicate too: so it may use this transport in any way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotConnected`] when the connection has ended; [`ErrorKind::Unsupported`] in a
    /// simulation and in a recorded or replayed run, which have no sockets to show; or when there
    /// is no descriptor left. `visit` is not called then.
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::{Protocol, Reactor, StreamOptions, Transport};
    /// use std::os::unix::net::UnixStream;
    /// # struct Echo;
    /// # impl Protocol for Echo {
    /// #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
    /// #         transport.write(data);
    /// #     }
    /// # }
    ///
    /// let (ours, _theirs) = UnixStream::pair()?;
    /// let reactor = Reactor::new()?;
    /// let transport = reactor.adopt_stream(ours.into(), StreamOptions::default(), Echo)?;
    /// let size = transport.with_socket(|socket| socket.send_buffer_size())??;
    /// assert!(size > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "getHandle")]
    pub fn with_socket<R>(&self, visit: impl FnOnce(SockRef<'_>) -> R) -> Result<R> {
        let socket = self.shared.state.with(|state| state.socket.duplicate());
        let socket = socket.map_err(|error| match error.kind() {
            io::ErrorKind::NotConnected => Error::new(ErrorKind::NotConnected, "the connection has ended"),
            _ => Error::io("could not reach the socket", error),
        })?;
        Ok(visit(SockRef::from(&socket)))
    }

    /// Ends the connection because it was idle, with [`CloseReason::TimedOut`]: in good order if nothing is queued, at once if what is
    /// queued does not move. This is what [`timed_out`](crate::Protocol::timed_out) does by default.
    pub fn time_out(&self, idle: Idle) {
        let reason = CloseReason::TimedOut(Phase::Idle(idle));
        if self.queued() > 0 {
            self.shared.end(reason);
        } else {
            self.close_because(reason);
        }
    }

    /// What a write of nothing would say.
    fn status(&self) -> WriteStatus {
        if self.shared.flags.has(Flags::NO_OUTPUT) {
            WriteStatus::Closed
        } else if self.shared.flags.has(Flags::ABOVE_MARK) {
            WriteStatus::Paused
        } else {
            WriteStatus::Accepted
        }
    }
}

/// Writes the pieces of formatted text.
struct Pieces<'a> {
    transport: &'a Transport,
    status: WriteStatus,
}

impl fmt::Write for Pieces<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.status = self.transport.write(piece.as_bytes());
        Ok(())
    }
}

/// Handles are equal if they are of the same connection.
impl PartialEq for Transport {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for Transport {}

impl Hash for Transport {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("id", &self.id())
            .field("peer", &self.peer().address())
            .field("open", &self.is_open())
            .field("queued", &self.queued())
            .finish()
    }
}
