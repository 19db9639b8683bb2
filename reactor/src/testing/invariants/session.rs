//! A visitor's end of TLS.

use std::io::{Read, Write};

use rustls::ClientConnection;

use crate::guarded::Guarded;
use crate::tls::NamedConnector;

/// A client's TLS session. It moves no bytes itself.
pub(super) struct Session(Guarded<State>);

struct State {
    connection: ClientConnection,
    /// Plaintext that was received.
    received: Vec<u8>,
}

impl Session {
    #[track_caller]
    pub(super) fn new(connector: &NamedConnector) -> Self {
        let connection = connector.buffered();
        let mut connection = connection.unwrap_or_else(|error| panic!("the visitor has no TLS: {error}"));
        connection.set_buffer_limit(None);
        Self(Guarded::new(State { connection, received: Vec::new() }))
    }

    /// Encrypts `data`. Returns what is to be sent, which may also be of the handshake.
    pub(super) fn seal(&self, data: &[u8]) -> Vec<u8> {
        self.0.with(|state| {
            // Without a limit, the buffer takes everything.
            let _ = state.connection.writer().write_all(data);
            state.outgoing()
        })
    }

    /// Returns the `close_notify` that is to be sent.
    pub(super) fn close(&self) -> Vec<u8> {
        self.0.with(|state| {
            state.connection.send_close_notify();
            state.outgoing()
        })
    }

    /// Takes what was received. Returns what is to be sent in answer.
    #[track_caller]
    pub(super) fn open(&self, mut received: &[u8]) -> Vec<u8> {
        let opened = self.0.with(|state| {
            while !received.is_empty() && state.connection.read_tls(&mut received)? > 0 {
                state.connection.process_new_packets().map_err(std::io::Error::other)?;
                // That there is nothing now, or never again, is an error or an end.
                let _ = state.connection.reader().read_to_end(&mut state.received);
            }
            Ok::<_, std::io::Error>(state.outgoing())
        });
        opened.unwrap_or_else(|error| panic!("the visitor cannot make sense of the server's TLS: {error}"))
    }

    pub(super) fn received(&self) -> Vec<u8> {
        self.0.with(|state| state.received.clone())
    }

    pub(super) fn forget(&self) {
        self.0.with(|state| state.received = Vec::new());
    }
}

impl State {
    fn outgoing(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while self.connection.wants_write() {
            // A `Vec` takes everything.
            let _ = self.connection.write_tls(&mut out);
        }
        out
    }
}
