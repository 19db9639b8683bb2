//! How a server speaks TLS.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerConfig, ServerSessionMemoryCache, WebPkiClientVerifier};

use crate::error::Result;

use super::common::{Common, common_options};
use super::identity::{Identity, invalid};
use super::info::TlsVersion;
use super::names::Names;
use super::provider::{WallClock, provider, ticketer};
use super::resumption::Verified;
use super::revocation::RevocationList;
use super::trust::TrustRoots;
use super::verifier::JudgeOfClients;

/// Sessions that are kept for clients that resume them without a ticket, as some of TLS 1.2 do.
const SESSIONS: usize = 1024;

/// How a server speaks TLS: with which certificates, and with whom. [`build`](Self::build) makes an [`Acceptor`](super::Acceptor) of it.
///
/// Spoken are TLS 1.2 and 1.3. Renegotiation and early data (which may be replayed) are refused.
///
/// ```no_run
/// use lariat::tls::{Identity, ServerOptions, TrustRoots};
///
/// let identity = Identity::from_pem_files("chain.pem", "key.pem")?;
/// let other = Identity::from_pem_files("other.pem", "other-key.pem")?;
/// let acceptor = ServerOptions::new(identity)
///     .identity(other)
///     .alpn(["h2", "http/1.1"])
///     .require_client_certificate(TrustRoots::from_pem_file("clients.pem"))
///     .build()?;
/// # Ok::<(), lariat::Error>(())
/// ```
#[doc(alias = "CertificateOptions")]
#[derive(Clone)]
#[must_use]
pub struct ServerOptions {
    identities: Vec<Identity>,
    only_known_names: bool,
    clients: Option<Clients>,
    revocation: Vec<RevocationList>,
    resumption: bool,
    common: Common,
}

/// Whose certificates are asked for.
#[derive(Clone, Debug)]
struct Clients {
    roots: TrustRoots,
    required: bool,
}

/// What outlives a reload, so that clients may go on with their sessions.
#[derive(Clone)]
pub(super) struct Resumption {
    ticketer: Arc<dyn rustls::server::ProducesTickets>,
    sessions: Arc<dyn rustls::server::StoresServerSessions>,
}

impl Resumption {
    pub(super) fn new() -> Result<Self> {
        let ticketer = ticketer().map_err(|error| invalid(format!("no keys for tickets could be made: {error}")))?;
        Ok(Self { ticketer, sessions: ServerSessionMemoryCache::new(SESSIONS) })
    }
}

impl ServerOptions {
    /// A server that shows this certificate.
    pub fn new(identity: Identity) -> Self {
        Self {
            identities: vec![identity],
            only_known_names: false,
            clients: None,
            revocation: Vec::new(),
            resumption: true,
            common: Common::default(),
        }
    }

    /// One more certificate, for clients that ask for a name that is in it (SNI). An exact name comes before a wildcard, which stands for
    /// one label. The first certificate is for those that ask for no name, or for one that none has.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identities.push(identity);
        self
    }

    /// Turns away clients that ask for no name, or for one that no certificate has (with the alert `unrecognized_name`), rather than to
    /// show them the first certificate.
    pub fn only_known_names(mut self) -> Self {
        self.only_known_names = true;
        self
    }

    /// Asks clients for a certificate, and turns away those that have none of these authorities.
    #[doc(alias = "requireCertificate")]
    #[doc(alias = "caCerts")]
    pub fn require_client_certificate(mut self, roots: TrustRoots) -> Self {
        self.clients = Some(Clients { roots, required: true });
        self
    }

    /// Asks clients for a certificate; who has none is served all the same, and who has a bad one is not. What came of it is in
    /// [`TlsInfo::peer_certificate`](super::TlsInfo::peer_certificate).
    pub fn request_client_certificate(mut self, roots: TrustRoots) -> Self {
        self.clients = Some(Clients { roots, required: false });
        self
    }

    /// Refuses clients whose certificates are on this list. Once there is any list, every authority in a client's chain needs one.
    /// It requires [`require_client_certificate`](Self::require_client_certificate) or
    /// [`request_client_certificate`](Self::request_client_certificate): without either, [`build`](Self::build) fails.
    pub fn revocation_list(mut self, list: RevocationList) -> Self {
        self.revocation.push(list);
        self
    }

    /// The application protocols that are spoken, the favourite first (ALPN, RFC 7301). Clients that name some, but none of these, are
    /// turned away. Default: none, and clients may name what they like.
    #[doc(alias = "acceptableProtocols")]
    pub fn alpn(mut self, protocols: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        self.common.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Serves no client by an earlier session of its. Default: clients may resume, by tickets or by an id.
    pub fn without_resumption(mut self) -> Self {
        self.resumption = false;
        self
    }

    common_options!();

    pub(super) fn timeout(&self) -> Duration {
        self.common.handshake_timeout
    }

    /// May a session that was begun under other options be resumed? Not if these say who may: a ticket is not judged again.
    pub(super) fn judges_clients(&self) -> bool {
        self.clients.is_some()
    }

    /// The same options, of what the files have in them now.
    pub(super) fn reread(&self) -> Result<Self> {
        let identities = self.identities.iter().map(Identity::reread).collect::<Result<_>>()?;
        Ok(Self { identities, ..self.clone() })
    }

    pub(super) fn config(&self, kept: &Resumption) -> Result<ServerConfig> {
        if self.clients.is_none() && !self.revocation.is_empty() {
            return Err(invalid(
                "a revocation list is given, but no client is asked for a certificate, so it would have no effect: ask for one with \
                 require_client_certificate or request_client_certificate, or leave the list out",
            ));
        }
        self.identities.iter().for_each(|identity| identity.warn_if_invalid(&self.common.clock));
        let mut clients: Option<Arc<dyn ClientCertVerifier>> = None;
        let builder = ServerConfig::builder_with_details(provider(), Arc::new(self.common.clock.clone()))
            .with_protocol_versions(self.common.versions())
            .map_err(|error| invalid(error.to_string()))?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(Clients { roots, required }) => {
                let mut verifier = WebPkiClientVerifier::builder_with_provider(roots.load()?, provider());
                if !required {
                    verifier = verifier.allow_unauthenticated();
                }
                if !self.revocation.is_empty() {
                    verifier = verifier.with_crls(RevocationList::load_all(&self.revocation)?);
                    verifier = verifier.enforce_revocation_expiration();
                }
                let inner = verifier.build().map_err(|error| invalid(format!("the client authorities: {error}")))?;
                clients = Some(inner.clone());
                builder.with_client_cert_verifier(Arc::new(JudgeOfClients { inner }))
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(Names::new(&self.identities, self.only_known_names)));
        config.alpn_protocols = self.common.alpn()?;
        config.max_early_data_size = 0;
        config.key_log = self.common.key_log();
        if self.resumption {
            config.ticketer = kept.ticketer.clone();
            config.session_storage = kept.sessions.clone();
            if let Some(verifier) = clients {
                let clock = self.common.clock.clone();
                config.ticketer =
                    Arc::new(Verified { verifier: verifier.clone(), clock: clock.clone(), inner: config.ticketer });
                config.session_storage = Arc::new(Verified { verifier, clock, inner: config.session_storage });
            }
        } else {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("identities", &self.identities)
            .field("clients", &self.clients)
            .field("common", &self.common)
            .finish_non_exhaustive()
    }
}
