//! TLS on a connection that began in clear.

use std::io::{self, IoSlice};

use crate::buffer::Sink;
use crate::close_reason::CloseReason;
use crate::contain::contain_drop;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::{Flags, Transport};

use super::problem::{TlsError, TlsErrorKind};
use super::tls_layer::TlsLayer;

/// The most that may wait to be sent in clear: whoever asks for TLS has been talked to line by line.
const MOST_UNSENT: usize = 256 * 1024;

impl Transport {
    /// Speaks TLS from now on, on a connection that both ends have agreed to do so on by words in clear, such as SMTP's `STARTTLS`. The
    /// protocol hears [`handshake_completed`](crate::Protocol::handshake_completed) when the handshake is done; a handshake that fails
    /// ends the connection with [`CloseReason::Lost`], and one that takes too long with
    /// [`Phase::Handshake`](crate::Phase::Handshake).
    ///
    /// What was written before goes first, in clear; what is written from now on is encrypted, and waits for the handshake. Nothing is
    /// received until then. Either end may be the client: that is told by `layer`.
    ///
    /// `leftover` is what the protocol has been given and not used, what followed the words that asked for TLS: it has to be empty. If it is
    /// not, those bytes came in clear, from the peer or from somebody between, and would be taken for what came encrypted (command
    /// injection, CVE-2011-0411); so the connection is ended.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotConnected`] if the connection has ended or its writing side is closed. [`ErrorKind::Tls`] if there is a leftover, and
    /// [`ErrorKind::ResourcesExhausted`] if more than 256 KiB wait to be sent in clear; both end the connection besides, with the same error
    /// in [`CloseReason::Failed`].
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
        if !leftover.is_empty() || unused {
            let message = "bytes came in clear after the words that asked for TLS: they may be somebody else's, so the connection ends";
            return Err(self.refuse(TlsError::new(TlsErrorKind::ClearInput, message)));
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

    fn refuse(&self, error: TlsError) -> Error {
        let told = Error::tls_failure("TLS was not begun", error.clone().into());
        self.shared.end(CloseReason::Failed(Box::new(error)));
        told
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
