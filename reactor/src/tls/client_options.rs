//! How a client speaks TLS.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::client::{ClientConfig, Resumption, WebPkiServerVerifier};

use crate::error::Result;

use super::common::{Common, common_options};
use super::identity::{Identity, invalid};
use super::info::TlsVersion;
use super::provider::{WallClock, provider};
use super::revocation::RevocationList;
use super::trust::TrustRoots;
use super::verifier::JudgeOfServers;

/// Sessions that are kept to be resumed: as many servers as one program talks to, and some more.
const SESSIONS: usize = 256;

/// How a client speaks TLS, and whom it trusts. [`build`](Self::build) makes a [`Connector`](super::Connector) of it.
///
/// A server has to show a certificate for the name that it is asked for by, from an authority that is trusted: by default, one that this
/// machine trusts. There is no way to do without.
///
/// ```
/// use lariat::tls::{ClientOptions, TrustRoots};
/// # let file = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
///
/// let options = ClientOptions::new().trust(TrustRoots::platform()).alpn(["h2", "http/1.1"]);
/// # drop(options);
/// # Ok::<(), lariat::Error>(())
/// ```
#[doc(alias = "optionsForClientTLS")]
#[derive(Clone, Default)]
#[must_use]
pub struct ClientOptions {
    roots: TrustRoots,
    identity: Option<Identity>,
    revocation: Vec<RevocationList>,
    pins: Vec<[u8; 32]>,
    without_resumption: bool,
    common: Common,
}

impl ClientOptions {
    /// A client that trusts whom this machine trusts, and shows no certificate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts these authorities, and no others.
    #[doc(alias = "trustRoot")]
    pub fn trust(mut self, roots: TrustRoots) -> Self {
        self.roots = roots;
        self
    }

    /// Shows this certificate to servers that ask for one.
    #[doc(alias = "clientCertificate")]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Turns down servers whose certificates are on this list. Once there is any, every authority in a server's chain needs one.
    pub fn revocation_list(mut self, list: RevocationList) -> Self {
        self.revocation.push(list);
        self
    }

    /// Turns down servers whose public key is none of those pinned, on top of everything else that is looked at. `hash` is the SHA-256
    /// hash of the key as the certificate has it (its `SubjectPublicKeyInfo`, as in RFC 7469, section 2.4). Pin a spare key as well.
    pub fn pin(mut self, hash: [u8; 32]) -> Self {
        self.pins.push(hash);
        self
    }

    /// The application protocols that are offered, the favourite first (ALPN, RFC 7301). Default: none.
    #[doc(alias = "acceptableProtocols")]
    pub fn alpn(mut self, protocols: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        self.common.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Begins a new session with every connection. Default: sessions are kept and resumed, by all that use the same [`Connector`](super::Connector).
    pub fn without_resumption(mut self) -> Self {
        self.without_resumption = true;
        self
    }

    common_options!();

    pub(super) fn timeout(&self) -> Duration {
        self.common.handshake_timeout
    }

    /// The same options, with the identity as its files have it now.
    pub(super) fn reread(&self) -> Result<Self> {
        let identity = self.identity.as_ref().map(Identity::reread).transpose()?;
        Ok(Self { identity, ..self.clone() })
    }

    pub(super) fn config(&self) -> Result<ClientConfig> {
        let mut verifier = WebPkiServerVerifier::builder_with_provider(self.roots.load()?, provider());
        if !self.revocation.is_empty() {
            verifier = verifier.with_crls(RevocationList::load_all(&self.revocation)?).enforce_revocation_expiration();
        }
        let inner = verifier.build().map_err(|error| invalid(format!("the authorities to trust: {error}")))?;
        let judge = JudgeOfServers { inner, pins: self.pins.clone() };
        let builder = ClientConfig::builder_with_details(provider(), Arc::new(self.common.clock.clone()))
            .with_protocol_versions(self.common.versions())
            .map_err(|error| invalid(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(judge));
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                identity.warn_if_invalid(&self.common.clock);
                builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(identity.key.clone())))
            }
        };
        config.alpn_protocols = self.common.alpn()?;
        config.enable_early_data = false;
        config.key_log = self.common.key_log();
        config.resumption =
            if self.without_resumption { Resumption::disabled() } else { Resumption::in_memory_sessions(SESSIONS) };
        Ok(config)
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("roots", &self.roots)
            .field("identity", &self.identity)
            .field("pins", &self.pins.len())
            .field("common", &self.common)
            .finish_non_exhaustive()
    }
}
