//! A TLS session: rustls, without buffers of its own.

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus, WriteTraffic,
};
use rustls::{CommonState, Error};

use super::alerts;

/// The most alerts and the like that a session which has failed is asked for.
const LAST_WORDS: usize = 8;

/// One end of a TLS connection. It is given ciphertext and asked for ciphertext, and moves no bytes itself.
pub(super) enum Session {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// Where what a session yields goes.
pub(super) struct Yield<'a> {
    /// Takes plaintext: `filled <= buffer.len()`.
    pub(super) buffer: &'a mut [u8],
    pub(super) filled: usize,
    /// Takes what the buffer has no room for.
    pub(super) surplus: &'a mut Vec<u8>,
    /// Takes what is to be sent to the peer: handshake messages and alerts.
    pub(super) output: &'a mut Vec<u8>,
    /// The peer has said good-bye.
    pub(super) closed: bool,
}

/// What to encrypt.
pub(super) enum Outgoing<'a> {
    Data(&'a [u8]),
    /// The word that there will be no more.
    CloseNotify,
}

/// How a step went.
enum Next<'c, Data> {
    /// There may be more to be done; so much of the input is used up besides.
    Again(usize),
    /// All of the input was looked at. Data may be encrypted, once the handshake has come so far.
    Rest(Option<WriteTraffic<'c, Data>>),
}

impl Yield<'_> {
    fn plaintext(&mut self, data: &[u8]) {
        let room = self.buffer.len() - self.filled;
        let (fitting, surplus) = data.split_at(data.len().min(room));
        self.buffer[self.filled..self.filled + fitting.len()].copy_from_slice(fitting);
        self.filled += fitting.len();
        self.surplus.extend_from_slice(surplus);
    }

    fn handle<'c, Data>(&mut self, state: ConnectionState<'c, '_, Data>) -> Result<Next<'c, Data>, Error> {
        let mut discard = 0;
        match state {
            ConnectionState::ReadTraffic(mut traffic) => {
                while let Some(record) = traffic.next_record() {
                    let record = record?;
                    discard += record.discard;
                    self.plaintext(record.payload);
                }
            }
            ConnectionState::EncodeTlsData(mut message) => {
                // Asked with no room at all, it says how much it needs.
                if let Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) =
                    message.encode(&mut [])
                {
                    let end = self.output.len();
                    self.output.resize(end + required_size, 0);
                    message.encode(&mut self.output[end..]).map_err(|error| Error::General(error.to_string()))?;
                }
            }
            ConnectionState::TransmitTlsData(message) => message.done(),
            ConnectionState::PeerClosed => self.closed = true,
            ConnectionState::WriteTraffic(traffic) => return Ok(Next::Rest(Some(traffic))),
            // Early data are not asked for, so there are none.
            _ => return Ok(Next::Rest(None)),
        }
        Ok(Next::Again(discard))
    }
}

impl Session {
    pub(super) fn common(&self) -> &CommonState {
        match self {
            Self::Client(client) => client,
            Self::Server(server) => server,
        }
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.common().is_handshaking()
    }

    /// Works through `incoming`, as far as it goes. Returns how much of its front is used up; the rest, part of a record or of a message,
    /// is to be given again with what follows it.
    pub(super) fn process(&mut self, incoming: &mut [u8], yields: &mut Yield<'_>) -> (usize, Result<(), Error>) {
        let (used, result) = match self {
            Self::Client(client) => drive(client, incoming, yields, |_| Ok(())),
            Self::Server(server) => drive(server, incoming, yields, |_| Ok(())),
        };
        if let Err(error) = &result {
            let before = yields.output.len();
            self.take_last_words(yields);
            if yields.output.len() == before && self.is_handshaking() {
                // rustls has no alert for some errors, such as a message of the handshake that is too long.
                yields.output.extend(alerts::for_error(error).into_iter().flatten());
            }
        }
        (used, result)
    }

    /// Encrypts into `outgoing`, and returns how much of it that takes. `incoming` is what `process` has left.
    pub(super) fn encrypt(
        &mut self,
        incoming: &mut [u8],
        yields: &mut Yield<'_>,
        data: &Outgoing<'_>,
        outgoing: &mut [u8],
    ) -> (usize, Result<usize, Error>) {
        let mut written = None;
        let (used, result) = match self {
            Self::Client(client) => drive(client, incoming, yields, |traffic| {
                written = Some(encrypt(traffic, data, outgoing)?);
                Ok(())
            }),
            Self::Server(server) => drive(server, incoming, yields, |traffic| {
                written = Some(encrypt(traffic, data, outgoing)?);
                Ok(())
            }),
        };
        (used, result.and_then(|()| written.ok_or(Error::HandshakeNotComplete)))
    }

    /// A session that has failed tells the peer why.
    fn take_last_words(&mut self, yields: &mut Yield<'_>) {
        for _ in 0..LAST_WORDS {
            if !self.common().wants_write() {
                return;
            }
            let said = match self {
                Self::Client(client) => client.step(&mut []).state.and_then(|state| yields.handle(state).map(drop)),
                Self::Server(server) => server.step(&mut []).state.and_then(|state| yields.handle(state).map(drop)),
            };
            if said.is_err() {
                return;
            }
        }
    }
}

/// Goes on with a session until there is nothing left to be done; `traffic` is called if data may be encrypted then.
fn drive<C: Step>(
    connection: &mut C,
    incoming: &mut [u8],
    yields: &mut Yield<'_>,
    traffic: impl FnOnce(WriteTraffic<'_, C::Data>) -> Result<(), Error>,
) -> (usize, Result<(), Error>) {
    let mut used = 0;
    loop {
        let UnbufferedStatus { discard, state, .. } = connection.step(&mut incoming[used..]);
        match state.and_then(|state| yields.handle(state)) {
            Ok(Next::Again(more)) => used += discard + more,
            Ok(Next::Rest(open)) => return (used + discard, open.map_or(Ok(()), traffic)),
            Err(error) => return (used + discard, Err(error)),
        }
    }
}

fn encrypt<Data>(
    mut traffic: WriteTraffic<'_, Data>,
    data: &Outgoing<'_>,
    outgoing: &mut [u8],
) -> Result<usize, Error> {
    let written = match data {
        Outgoing::Data(data) => traffic.encrypt(data, outgoing),
        Outgoing::CloseNotify => traffic.queue_close_notify(outgoing),
    };
    written.map_err(|error| match error {
        EncryptError::InsufficientSize(_) => Error::General("there is no room to encrypt into".to_owned()),
        EncryptError::EncryptExhausted => Error::EncryptError,
    })
}

/// The one method that both kinds of connection have by the same name, but by no trait.
trait Step {
    type Data;
    fn step<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
}

impl Step for UnbufferedClientConnection {
    type Data = rustls::client::ClientConnectionData;

    fn step<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}

impl Step for UnbufferedServerConnection {
    type Data = rustls::server::ServerConnectionData;

    fn step<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}
