//! What a user of lines implements.

use std::error::Error;
use std::fmt;

use lariat::{CloseReason, Idle};

use super::transport::LineTransport;

/// Serves one connection whose peer speaks in lines. To be given to a [`LineReceiver`](super::LineReceiver), which is the
/// [`Protocol`](lariat::Protocol); the callbacks not explained here are that trait's, and what is said there of all of them holds.
///
/// ```
/// use lariat_protocols::{LineProtocol, LineReceiver, LineTransport};
///
/// struct Greeter;
///
/// impl LineProtocol for Greeter {
///     fn connection_made(&mut self, transport: &LineTransport) {
///         transport.send_line("What is your name?");
///     }
///
///     fn line_received(&mut self, transport: &LineTransport, line: &[u8]) {
///         let name = String::from_utf8_lossy(line);
///         transport.send_line(format!("Hello, {name}!"));
///         transport.close();
///     }
/// }
///
/// let reactor = lariat::Reactor::new()?;
/// reactor.listen("tcp:0:interface=localhost", |_: &lariat::Peer| LineReceiver::new(Greeter))?;
/// # Ok::<(), lariat::Error>(())
/// ```
#[doc(alias = "LineReceiver")]
#[doc(alias = "LineOnlyReceiver")]
pub trait LineProtocol: 'static {
    /// The connection is ready. Comes first, and once.
    #[doc(alias = "connectionMade")]
    fn connection_made(&mut self, _transport: &LineTransport) {}

    /// A line arrived, without its delimiter: any bytes, no longer than the maximum.
    ///
    /// If this pauses reading, further lines wait until it is resumed, even those that are here already. If it closes the
    /// connection, they are dropped.
    #[doc(alias = "lineReceived")]
    fn line_received(&mut self, transport: &LineTransport, line: &[u8]);

    /// Bytes arrived in raw mode, at least one: see [`LineTransport::set_raw_mode`]. By default they are dropped.
    #[doc(alias = "rawDataReceived")]
    fn raw_data_received(&mut self, _transport: &LineTransport, _data: &[u8]) {}

    /// A line is longer than the maximum. By default the connection closes, with [`LineTooLong`] as the error of
    /// [`CloseReason::Failed`]. If it is left open, the rest of that line is skipped and the next one delivered.
    ///
    /// `max_length` is the maximum, in bytes.
    #[doc(alias = "lineLengthExceeded")]
    fn line_length_exceeded(&mut self, transport: &LineTransport, max_length: usize) {
        transport.fail(LineTooLong { max_length });
    }

    /// The peer will send nothing more. A last line that it did not end is never delivered. By default the connection
    /// closes.
    #[doc(alias = "readConnectionLost")]
    fn read_closed(&mut self, transport: &LineTransport) {
        transport.close();
    }

    /// The handshake that `LineTransport::start_tls` began is done: what is sent and received from now on is encrypted. See
    /// [`Protocol::handshake_completed`](lariat::Protocol::handshake_completed).
    #[doc(alias = "handshakeCompleted")]
    fn handshake_completed(&mut self, _transport: &LineTransport) {}

    /// See [`Protocol::write_paused`](lariat::Protocol::write_paused).
    #[doc(alias = "pauseProducing")]
    fn write_paused(&mut self, _transport: &LineTransport) {}

    /// See [`Protocol::write_resumed`](lariat::Protocol::write_resumed).
    #[doc(alias = "resumeProducing")]
    fn write_resumed(&mut self, _transport: &LineTransport) {}

    /// See [`Protocol::timed_out`](lariat::Protocol::timed_out). By default the connection ends with [`CloseReason::TimedOut`].
    #[doc(alias = "timeoutConnection")]
    fn timed_out(&mut self, transport: &LineTransport, idle: Idle) {
        transport.time_out(idle);
    }

    /// The server is stopping: see [`Protocol::drain`](lariat::Protocol::drain). By default the connection closes.
    fn drain(&mut self, transport: &LineTransport) {
        transport.close();
    }

    /// See [`Protocol::connection_lost`](lariat::Protocol::connection_lost).
    #[doc(alias = "connectionLost")]
    fn connection_lost(&mut self, _transport: &LineTransport, _reason: CloseReason) {}
}

/// The error that ends a connection whose peer sends a line longer than the maximum.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LineTooLong {
    max_length: usize,
}

impl LineTooLong {
    /// The maximum, in bytes.
    pub fn max_length(&self) -> usize {
        self.max_length
    }
}

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer sent a line of more than {} bytes", self.max_length)
    }
}

impl Error for LineTooLong {}
