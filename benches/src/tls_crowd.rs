//! Clients of a TLS server, in a loop of their own.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, HandshakeKind, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use crate::{Result, Trouble};

/// The longest time that a server may leave every client without an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The size of a read from a connection, in bytes.
const READ: usize = 128 * 1024;

/// The size of a write to a session, in bytes.
const WRITTEN: usize = 16 * 1024;

/// The number of connections made at a time; the backlog of every contestant is longer.
const COMING: usize = 500;

/// Clients of one server on loopback. They check only that the certificate is the known one: their cost is not measured.
#[derive(Debug)]
pub struct Crowd {
    poll: Poll,
    port: u16,
    settings: ClientConfig,
    clients: Vec<Client>,
    incoming: Box<[u8]>,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    session: ClientConnection,
    /// Bytes still to send and, below, to receive.
    unsent: usize,
    unheard: usize,
    /// Sends close_notify when everything has come back, and then waits for the server's.
    leaves: bool,
    /// Has said it.
    leaving: bool,
    /// The server's close_notify has arrived.
    gone: bool,
}

/// Places where one client after the other connects and leaves.
#[derive(Clone, Debug)]
pub struct Places(Vec<Arc<ClientConfig>>);

/// The numbers of connections that were made and ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visits {
    /// With a full handshake.
    pub full: u64,
    /// With the resumption of a session.
    pub resumed: u64,
}

/// The settings of a client of the server that has the certificate in the PEM file `certificate`.
///
/// # Errors
///
/// When the file has no certificate.
pub fn client_settings(certificate: &Path) -> Result<ClientConfig> {
    let certificate = CertificateDer::from_pem_file(certificate)
        .map_err(|error| Trouble::new(format!("{}: {error}", certificate.display())))?;
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| trouble(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Acquaintance(certificate)))
        .with_no_client_auth())
}

impl Crowd {
    /// No client yet. They will come to the server on `port` of 127.0.0.1 that has the certificate in the PEM file `certificate`.
    ///
    /// # Errors
    ///
    /// When the file has no certificate, or the operating system has no descriptor left.
    pub fn new(port: u16, certificate: &Path) -> Result<Self> {
        let settings = client_settings(certificate)?;
        let incoming = vec![0; READ].into();
        Ok(Self { poll: Poll::new()?, port, settings, clients: Vec::new(), incoming })
    }

    /// Places for `width` clients at a time. With `resume`, each client resumes the session of its predecessor.
    #[must_use]
    pub fn places(&self, width: usize, resume: bool) -> Places {
        let place = |_| {
            let mut settings = self.settings.clone();
            settings.resumption = if resume { Resumption::in_memory_sessions(8) } else { Resumption::disabled() };
            Arc::new(settings)
        };
        Places((0..width).map(place).collect())
    }

    /// Until `until`, clients connect, have one byte echoed, send close_notify and wait for the server's. Then the next client
    /// takes the place.
    ///
    /// # Errors
    ///
    /// When a connection fails.
    pub fn come_and_go(&mut self, places: &Places, until: Instant) -> Result<Visits> {
        let places = &places.0;
        self.clients.clear();
        for (place, settings) in places.iter().enumerate() {
            let client = self.connect(place, settings, true)?;
            self.clients.push(client);
        }
        let mut visits = Visits::default();
        let mut present = places.len();
        while present > 0 {
            for place in self.ready()? {
                let client = &mut self.clients[place];
                if client.gone || !client.advance(&mut self.incoming)? {
                    continue;
                }
                match client.session.handshake_kind() {
                    Some(HandshakeKind::Resumed) => visits.resumed += 1,
                    _ => visits.full += 1,
                }
                if Instant::now() < until {
                    self.clients[place] = self.connect(place, &places[place], true)?;
                } else {
                    present -= 1;
                }
            }
        }
        self.clients.clear();
        Ok(visits)
    }

    /// Has `count` more clients come and stay. Each has one byte echoed.
    ///
    /// # Errors
    ///
    /// When a connection fails.
    pub fn come(&mut self, count: usize) -> Result<()> {
        let settings = Arc::new(self.settings.clone());
        let whole = self.clients.len() + count;
        while self.clients.len() < whole {
            for _ in 0..COMING.min(whole - self.clients.len()) {
                let client = self.connect(self.clients.len(), &settings, false)?;
                self.clients.push(client);
            }
            self.until_all_heard(None, 0)?;
        }
        Ok(())
    }

    /// Every client has messages of `size` bytes echoed, one after the other, until `until`. Returns the number of messages.
    ///
    /// # Errors
    ///
    /// When a connection fails.
    pub fn echo(&mut self, size: usize, until: Instant) -> Result<u64> {
        let mut messages = 0;
        for client in &mut self.clients {
            client.say(size);
            messages += client.converse(Some(until), size, &mut self.incoming)?;
        }
        Ok(messages + self.until_all_heard(Some(until), size)?)
    }

    /// Waits until everything that clients have sent has come back. Until `until`, they then send another message.
    fn until_all_heard(&mut self, until: Option<Instant>, size: usize) -> Result<u64> {
        let mut waiting = self.clients.iter().filter(|client| client.unheard > 0).count();
        let mut messages = 0;
        while waiting > 0 {
            for place in self.ready()? {
                let client = &mut self.clients[place];
                if client.unheard > 0 {
                    messages += client.converse(until, size, &mut self.incoming)?;
                    waiting -= usize::from(client.unheard == 0);
                }
            }
        }
        Ok(messages)
    }

    fn connect(&self, place: usize, settings: &Arc<ClientConfig>, leaves: bool) -> Result<Client> {
        let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)))?;
        stream.set_nodelay(true)?;
        self.poll.registry().register(&mut stream, Token(place), Interest::READABLE | Interest::WRITABLE)?;
        let name = ServerName::try_from("localhost").map_err(|error| Trouble::new(error.to_string()))?;
        let session = ClientConnection::new(settings.clone(), name).map_err(|error| trouble(&error))?;
        Ok(Client { stream, session, unsent: 1, unheard: 1, leaves, leaving: false, gone: false })
    }

    /// The places of clients for whom there is something to do.
    fn ready(&mut self) -> Result<Vec<usize>> {
        let mut events = Events::with_capacity(1024);
        self.poll.poll(&mut events, Some(PATIENCE))?;
        if events.is_empty() {
            return Err(Trouble::new("the server stopped answering"));
        }
        Ok(events.iter().map(|event| event.token().0).collect())
    }
}

impl Client {
    fn say(&mut self, size: usize) {
        (self.unsent, self.unheard) = (size, size);
    }

    /// Does everything that does not block, and sends the next message when one has come back before `until`. Returns the number that came back.
    fn converse(&mut self, until: Option<Instant>, size: usize, incoming: &mut [u8]) -> Result<u64> {
        let mut messages = 0;
        while self.advance(incoming)? {
            messages += 1;
            if until.is_none_or(|until| Instant::now() >= until) {
                break;
            }
            self.say(size);
        }
        Ok(messages)
    }

    /// Does everything that does not block. Returns whether the client is done: everything has come back and, if it leaves, it has left.
    fn advance(&mut self, incoming: &mut [u8]) -> Result<bool> {
        loop {
            let sent = self.send()?;
            let heard = self.hear(incoming)?;
            if self.gone {
                return if self.leaves { Ok(true) } else { Err(Trouble::new("the server closed a connection")) };
            }
            if self.unheard == 0 && self.unsent == 0 {
                if !self.leaves {
                    return Ok(true);
                }
                if !self.leaving {
                    self.session.send_close_notify();
                    self.leaving = true;
                    continue;
                }
            }
            if !sent && !heard {
                return Ok(false);
            }
        }
    }

    /// Returns whether anything could be sent.
    fn send(&mut self) -> Result<bool> {
        static MESSAGE: [u8; WRITTEN] = [b'x'; WRITTEN];
        let mut sent = false;
        loop {
            if self.unsent > 0 {
                self.unsent -= self.session.writer().write(&MESSAGE[..WRITTEN.min(self.unsent)])?;
            }
            if !self.session.wants_write() {
                return Ok(sent);
            }
            match self.session.write_tls(&mut self.stream) {
                Ok(_) => sent = true,
                Err(error) if is_early(&error) => return Ok(sent),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns whether anything was received.
    fn hear(&mut self, incoming: &mut [u8]) -> Result<bool> {
        let count = match self.stream.read(incoming) {
            Ok(0) => {
                self.gone = true;
                return Ok(true);
            }
            Ok(count) => count,
            Err(error) if is_early(&error) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let mut ciphertext = &incoming[..count];
        let mut plaintext = [0; WRITTEN];
        while !ciphertext.is_empty() {
            self.session.read_tls(&mut ciphertext)?;
            self.session.process_new_packets().map_err(|error| trouble(&error))?;
            loop {
                match self.session.reader().read(&mut plaintext) {
                    Ok(0) => {
                        self.gone = true;
                        return Ok(true);
                    }
                    Ok(count) => {
                        let rest = self.unheard.checked_sub(count);
                        self.unheard = rest.ok_or_else(|| Trouble::new("the server sent more than it was sent"))?;
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(true)
    }
}

/// The connection is not made yet, or has nothing to give or take.
fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}

fn trouble(error: &rustls::Error) -> Trouble {
    Trouble::new(error.to_string())
}

/// Recognises one certificate, and has nothing verified: the server's work is measured, and it shall not wait for its clients'.
#[derive(Debug)]
struct Acquaintance(CertificateDer<'static>);

impl ServerCertVerifier for Acquaintance {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if *certificate == self.0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("this is another server".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
