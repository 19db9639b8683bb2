//! What can be read in a certificate.

use std::fmt;

use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use super::provider::sha256;

/// Who a peer has proven to be: its certificate, with the chain that it came with.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    chain: Vec<Vec<u8>>,
}

impl PeerCertificate {
    pub(super) fn new(chain: &[CertificateDer<'_>]) -> Option<Self> {
        if chain.is_empty() {
            return None;
        }
        Some(Self { chain: chain.iter().map(|certificate| certificate.as_ref().to_vec()).collect() })
    }

    /// The certificate itself, in DER.
    pub fn der(&self) -> &[u8] {
        self.chain.first().map_or(&[], Vec::as_slice)
    }

    /// The certificate and those that the peer sent after it, in DER.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.iter().map(Vec::as_slice)
    }

    /// The DNS names that it is for: its subject alternative names of that kind (RFC 5280, section 4.2.1.6).
    pub fn dns_names(&self) -> Vec<String> {
        self.with_parsed(|parsed| parsed.valid_dns_names().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// The URIs that it is for, such as a SPIFFE identity.
    pub fn uri_names(&self) -> Vec<String> {
        self.with_parsed(|parsed| parsed.valid_uri_names().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// The common name of its subject, if it has one: for people to read. What it says is whatever the authority has let pass.
    pub fn common_name(&self) -> Option<String> {
        self.with_parsed(|parsed| common_name(parsed.subject())).flatten()
    }

    /// The SHA-256 hash of its public key, which [`ClientOptions::pin`](super::ClientOptions::pin) takes.
    pub fn key_hash(&self) -> [u8; 32] {
        self.with_parsed(|parsed| sha256(&parsed.subject_public_key_info())).unwrap_or_default()
    }

    fn with_parsed<R>(&self, visit: impl FnOnce(&EndEntityCert<'_>) -> R) -> Option<R> {
        let der = CertificateDer::from(self.der());
        EndEntityCert::try_from(&der).ok().map(|parsed| visit(&parsed))
    }
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificate")
            .field("common_name", &self.common_name())
            .field("dns_names", &self.dns_names())
            .finish_non_exhaustive()
    }
}

/// The last common name in a DER-encoded name, or else the organization.
pub(super) fn common_name(name: &[u8]) -> Option<String> {
    // The object identifiers 2.5.4.3 and 2.5.4.10, with their tags and lengths.
    const KINDS: [[u8; 5]; 2] = [[6, 3, 0x55, 4, 3], [6, 3, 0x55, 4, 10]];
    KINDS.iter().find_map(|kind| {
        let at = name.windows(kind.len()).rposition(|found| found == kind)?;
        // A string's tag and its length, which takes one byte as far as names go (X.520 has them end at 64 characters).
        let [_, length @ ..=127, rest @ ..] = &name[at + kind.len()..] else { return None };
        rest.get(..usize::from(*length)).map(|text| String::from_utf8_lossy(text).into_owned())
    })
}
