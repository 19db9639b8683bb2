//! The connection, as a line protocol's callbacks see it.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::ptr;

use lariat::{Protocol, Transport};

use super::sender::LineSender;

/// The connection, as a [`LineProtocol`](super::LineProtocol) sees it in its callbacks: a [`LineSender`], and so a
/// [`Transport`], that can also say how to read what comes next.
///
/// - **Sending**: [`send_line`](LineSender::send_line), and everything that a [`Transport`] has.
/// - **Reading**: [`set_raw_mode`](Self::set_raw_mode), [`set_line_mode`](Self::set_line_mode).
/// - **The protocol**: [`switch_to`](Self::switch_to) replaces it.
/// - **To keep**: [`sender`](Self::sender), for there is no way to keep the `LineTransport` itself.
pub struct LineTransport {
    sender: LineSender,
    raw: Cell<bool>,
    /// Just past the raw data that the running callback was given; null while none was.
    raw_end: Cell<*const u8>,
    /// So many of the last bytes of that data are for line mode.
    given_back: Cell<usize>,
    /// The receiver keeps bytes that come after what the running callback was given.
    has_more: Cell<bool>,
    asked: Cell<bool>,
    /// Present if `asked`.
    request: Cell<Option<Box<Request>>>,
}

/// What a callback asked for that is done once it has returned.
#[derive(Default)]
pub(super) struct Request {
    /// Bytes to be read before those that are waiting.
    pub(super) leftover: Vec<u8>,
    /// Replaces the protocol.
    pub(super) switch: Option<Box<Switch>>,
}

/// Gets the input that the protocol leaves to its successor.
type Switch = dyn FnOnce(&Transport, &[u8]);

impl LineTransport {
    pub(super) fn new(sender: LineSender) -> Self {
        Self {
            sender,
            raw: Cell::new(false),
            raw_end: Cell::new(ptr::null()),
            given_back: Cell::new(0),
            has_more: Cell::new(false),
            asked: Cell::new(false),
            request: Cell::new(None),
        }
    }

    /// A handle to keep: for other connections, timers, whoever has something to say to this one.
    pub fn sender(&self) -> LineSender {
        self.sender.clone()
    }

    /// From now on everything is delivered as it comes, to
    /// [`raw_data_received`](super::LineProtocol::raw_data_received), beginning with what came after the current line.
    #[doc(alias = "setRawMode")]
    pub fn set_raw_mode(&self) {
        self.raw.set(true);
        self.given_back.set(0);
    }

    /// From now on lines are delivered again. `leftover` is what raw mode has not used: the end of the data that
    /// [`raw_data_received`](super::LineProtocol::raw_data_received) was given (which is not copied) or any other bytes
    /// (which are). It is read before whatever comes next.
    #[doc(alias = "setLineMode")]
    pub fn set_line_mode(&self, leftover: &[u8]) {
        self.raw.set(false);
        let is_end_of_data = leftover.as_ptr_range().end == self.raw_end.get();
        self.given_back.set(if is_end_of_data { leftover.len() } else { 0 });
        if !is_end_of_data && !leftover.is_empty() {
            self.ask(|request| request.leftover.extend_from_slice(leftover));
        }
    }

    /// Is everything delivered as it comes?
    pub fn is_raw_mode(&self) -> bool {
        self.raw.get()
    }

    /// Replaces the protocol once the current callback has returned, as [`Transport::switch_to`] does. The new one first gets
    /// `leftover` (of what the callback was given, the bytes that are for the successor: none, as a rule, after a line),
    /// then what came after that and was not delivered here, then what the peer sends next.
    ///
    /// Returns whether the connection is still open; if not, `protocol` is dropped.
    pub fn switch_to(&self, protocol: impl Protocol, leftover: &[u8]) -> bool {
        let open = self.is_open();
        if open {
            let switch = move |transport: &Transport, rest: &[u8]| {
                transport.switch_to(protocol, rest);
            };
            self.ask(|request| {
                request.leftover.extend_from_slice(leftover);
                request.switch.replace(Box::new(switch))
            });
        }
        open
    }

    /// Starts TLS, as [`Transport::start_tls`] does. Lines are delivered again after
    /// [`handshake_completed`](super::LineProtocol::handshake_completed).
    ///
    /// Bytes that follow the current line (or the current raw data) arrived in clear, so the connection is ended if there are
    /// any. `leftover` is for bytes that the protocol itself keeps, such as the end of raw data that it has not used: normally
    /// none.
    ///
    /// # Errors
    ///
    /// As for [`Transport::start_tls`].
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::tls::Acceptor;
    /// use lariat_protocols::{LineProtocol, LineTransport};
    ///
    /// struct Session(Acceptor);
    ///
    /// impl LineProtocol for Session {
    ///     fn line_received(&mut self, transport: &LineTransport, line: &[u8]) {
    ///         if line == b"STARTTLS" {
    ///             transport.send_line("220 ready to start TLS");
    ///             // If this fails, the connection ends, and `connection_lost` gets the reason.
    ///             let _ = transport.start_tls(&self.0, b"");
    ///         }
    ///     }
    ///
    ///     fn handshake_completed(&mut self, transport: &LineTransport) {
    ///         transport.send_line("250 the connection is encrypted");
    ///     }
    /// }
    /// ```
    #[cfg(feature = "tls")]
    #[doc(alias = "startTLS")]
    pub fn start_tls(&self, layer: impl Into<lariat::tls::TlsLayer>, leftover: &[u8]) -> lariat::Result<()> {
        if self.has_more.get() || self.given_back.get() > 0 || self.has_leftover() {
            return Err(self.refuse_start_tls());
        }
        Transport::start_tls(self, layer, leftover)
    }

    fn ask<R>(&self, what: impl FnOnce(&mut Request) -> R) -> R {
        let mut request = self.request.take().unwrap_or_default();
        let result = what(&mut request);
        self.request.set(Some(request));
        self.asked.set(true);
        result
    }

    /// Says whether the receiver keeps bytes after those that the next callback is given.
    #[inline]
    pub(super) fn set_has_more(&self, has_more: bool) {
        self.has_more.set(has_more);
    }

    /// Returns whether a callback gave back bytes that are still to be read.
    pub(super) fn has_leftover(&self) -> bool {
        let request = self.request.take();
        let has_leftover = request.as_ref().is_some_and(|request| !request.leftover.is_empty());
        self.request.set(request);
        has_leftover
    }

    /// Should the next line be delivered now?
    pub(super) fn wants_input(&self) -> bool {
        self.is_reading() && !self.asked.get()
    }

    pub(super) fn take_request(&self) -> Option<Box<Request>> {
        self.asked.take().then(|| self.request.take()).flatten()
    }

    /// Has `deliver` take raw data. Gives what is to be read next: what `deliver` gave back.
    pub(super) fn raw_data<'a>(&self, data: &'a [u8], deliver: impl FnOnce(&'a [u8])) -> &'a [u8] {
        self.raw_end.set(data.as_ptr_range().end);
        deliver(data);
        self.raw_end.set(ptr::null());
        let used = data.len().saturating_sub(self.given_back.take());
        &data[used..]
    }
}

impl Deref for LineTransport {
    type Target = LineSender;

    fn deref(&self) -> &LineSender {
        &self.sender
    }
}

impl fmt::Debug for LineTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineTransport").field("sender", &self.sender).field("raw", &self.raw.get()).finish()
    }
}
