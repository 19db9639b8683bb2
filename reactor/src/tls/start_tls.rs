//! Starting TLS on a connection that began in clear.

use std::io::{self, IoSlice};

use crate::buffer::Sink;
use crate::close_reason::CloseReason;
use crate::contain::{contain, contain_drop};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::{Flags, Shared, Transport};

use super::problem::{TlsError, TlsErrorKind};
use super::tls_layer::TlsLayer;

/// The most bytes that may wait to be sent in clear. The commands and replies before TLS are short lines.
const MOST_UNSENT: usize = 256 * 1024;

const CLEAR_TEXT_PENDING: &str = "bytes arrived in clear after the command that starts TLS, and may be an attacker's: the peer must send \
                                  nothing after that command until the handshake";

impl Transport {
    /// Starts TLS on a connection that began in clear, after a command such as SMTP's `STARTTLS`. The protocol gets
    /// [`handshake_completed`](crate::Protocol::handshake_completed) when the handshake is done. A handshake that fails ends the
    /// connection with [`CloseReason::Lost`], and one that takes too long with
    /// [`Phase::Handshake`](crate::Phase::Handshake).
    ///
    /// Bytes written before this call are sent in clear, ahead of the handshake; bytes written after it are encrypted, and wait
    /// until the handshake is done. Nothing is delivered until then. `layer` decides which end is the TLS client.
    ///
    /// # Bytes that arrived in clear
    ///
    /// No byte that arrived before this call may be processed after the handshake: an attacker on the path may have sent it
    /// (command injection, CVE-2011-0411). The connection is therefore ended if any such byte is left, in any of these places:
    ///
    /// - `leftover`, the input that the caller was given and has not processed. A protocol that parses
    ///   [`data_received`](crate::Protocol::data_received) itself passes all that follows the command;
    /// - the protocol, if its [`holds_input`](crate::Protocol::holds_input) returns true, as that of a framing layer or of an
    ///   [`AsyncStream`](crate::AsyncStream) with unread bytes does. The protocol is asked at once; while one of its callbacks
    ///   runs, it is asked when that returns, and again at the end of the handshake;
    /// - the leftover of a protocol that was [switched](Self::switch_to) away from.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotConnected`] if the connection has ended, its writing side is closed, or another handshake is in progress.
    /// [`ErrorKind::Tls`], with [`TlsErrorKind::ClearTextPending`], if input is left that arrived in clear.
    /// [`ErrorKind::ResourcesExhausted`] if more than 256 KiB wait to be sent in clear. The last two also end the connection, with
    /// the same error in [`CloseReason::Failed`] or [`CloseReason::Lost`].
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::{Protocol, Transport, tls::Acceptor};
    ///
    /// struct Server(Acceptor);
    ///
    /// impl Protocol for Server {
    ///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
    ///         if let Some(leftover) = data.strip_prefix(b"STARTTLS\r\n") {
    ///             transport.write(b"220 go ahead\r\n");
    ///             // Should it fail, the connection ends, and `connection_lost` tells why.
    ///             let _ = transport.start_tls(&self.0, leftover);
    ///         }
    ///     }
    ///
    ///     fn handshake_completed(&mut self, transport: &Transport) {
    ///         println!("from now on in {}", transport.peer().tls().map_or(String::new(), |tls| tls.version.to_string()));
    ///     }
    /// }
    /// ```
    #[doc(alias = "startTLS")]
    pub fn start_tls(&self, layer: impl Into<TlsLayer>, leftover: &[u8]) -> Result<()> {
        let shared = &*self.shared;
        let TlsLayer(layer) = layer.into();
        if !self.is_open() || shared.flags.has(Flags::NO_OUTPUT | Flags::PREPARING) {
            return Err(Error::new(ErrorKind::NotConnected, "the connection cannot go over to TLS"));
        }
        let unused = shared.state.with(|state| state.rare.as_ref().is_some_and(|rare| !rare.leftover.is_empty()));
        if !leftover.is_empty() || unused || self.protocol_holds_input() {
            return Err(self.refuse_start_tls());
        }
        let Some(unsent) = self.take_unsent()? else {
            let error = io::Error::other("too much waits to be sent in clear before TLS can begin");
            shared.end(CloseReason::Lost(error));
            return Err(Error::new(ErrorKind::ResourcesExhausted, "too much waits to be sent in clear"));
        };
        if let Err(error) = shared.begin_layer(&*layer, unsent) {
            shared.end(CloseReason::Lost(io::Error::new(error.kind(), error.to_string())));
            return Err(Error::io("TLS could not begin", error));
        }
        shared.touch();
        Ok(())
    }

    /// Ends the connection because bytes that arrived in clear are left when TLS is to start, and returns the error that
    /// [`start_tls`](Self::start_tls) gives then. For framing layers whose own `start_tls` finds such bytes.
    pub fn refuse_start_tls(&self) -> Error {
        let error = TlsError::new(TlsErrorKind::ClearTextPending, CLEAR_TEXT_PENDING);
        let told = Error::tls_failure("TLS was not started", error.clone().into());
        self.shared.end(CloseReason::Failed(Box::new(error)));
        told
    }

    /// Asks the protocol whether it keeps input. One that runs at the moment cannot be asked: the machine does so when its
    /// callback has returned.
    fn protocol_holds_input(&self) -> bool {
        let Shared { reactor, token, .. } = &*self.shared;
        let Some(mut source) = reactor.core().sources.with(|sources| sources.take(*token)) else { return false };
        let name = source.describe().name;
        let asked = contain(|| name, || source.holds_input());
        reactor.install(*token, source);
        asked.unwrap_or(true)
    }

    /// Takes what was written and not sent; none if that is too much.
    fn take_unsent(&self) -> Result<Option<Vec<u8>>> {
        let shared = &*self.shared;
        if shared.flags.has(Flags::GATHERING) {
            shared.queue_gathered();
        }
        let Some(mut queue) = shared.take_queue() else { return Ok(Some(Vec::new())) };
        shared.flags.clear(Flags::ABOVE_MARK);
        shared.release_reading();
        let mut unsent = Collected(Vec::new());
        let flushed = if queue.len() > MOST_UNSENT as u64 {
            Ok(false)
        } else {
            queue.flush(&mut unsent, MOST_UNSENT).map(|_| true)
        };
        contain_drop(queue);
        match flushed {
            Ok(fits) => Ok(fits.then_some(unsent.0)),
            Err(error) => {
                shared.end(CloseReason::Lost(io::Error::new(error.kind(), error.to_string())));
                Err(Error::io("what was written could not be read", error))
            }
        }
    }
}

/// Memory that a queue is emptied into.
struct Collected(Vec<u8>);

impl Sink for Collected {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(data);
        Ok(data.len())
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        slices.iter().map(|slice| self.write(slice)).sum()
    }
}
