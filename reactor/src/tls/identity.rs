//! Who one is: a certificate with its chain, and its private key.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::time_provider::TimeProvider;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

use super::der::{self, unusable};
use super::pem::{certificates_in, key_in};
use super::provider::{WallClock, provider};
use super::verifier::Date;

/// A certificate with the chain that leads to its authority, and its private key: what a server shows, and a client that is asked for it.
///
/// Made from files it remembers them, so that [`Acceptor::reload`](super::Acceptor::reload) can read them again.
#[derive(Clone)]
pub struct Identity {
    pub(super) key: Arc<CertifiedKey>,
    files: Option<Files>,
}

#[derive(Clone)]
struct Files {
    /// Read one after the other.
    chain: Vec<PathBuf>,
    key: PathBuf,
}

impl Identity {
    /// Reads PEM files: one with the certificate, after which the intermediate certificates may follow, and one with the private key (PKCS
    /// #8, PKCS #1 or SEC1). They may be the same.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`], with the file's name, if one cannot be read or has nothing of the kind in it, or if the key is not that
    /// of the certificate.
    pub fn from_pem_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self> {
        Self::read(Files { chain: vec![chain.as_ref().to_owned()], key: key.as_ref().to_owned() })
    }

    /// The same, of a chain that is in several files: the certificate itself comes first.
    ///
    /// # Errors
    ///
    /// As for [`from_pem_files`](Self::from_pem_files).
    pub fn from_pem_files_with_chain(
        chain: impl IntoIterator<Item = impl Into<PathBuf>>,
        key: impl AsRef<Path>,
    ) -> Result<Self> {
        Self::read(Files { chain: chain.into_iter().map(Into::into).collect(), key: key.as_ref().to_owned() })
    }

    /// The same from memory.
    ///
    /// # Errors
    ///
    /// As for [`from_pem_files`](Self::from_pem_files).
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self> {
        let certificates = certificates_in(chain).map_err(|error| invalid(format!("the certificate: {error}")))?;
        Self::new(certificates, key_in(key).map_err(|error| invalid(format!("the private key: {error}")))?)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self> {
        let fields: Vec<_> = chain.iter().map(|certificate| der::fields(certificate)).collect();
        if let Some(why) = fields.first().and_then(Option::as_ref).and_then(unusable) {
            return Err(invalid(format!("the certificate {why}")));
        }
        let key = load_key(key)?;
        let keys: Vec<_> = fields.iter().flatten().map(|fields| fields.key).collect();
        if let Some(public) = key.public_key()
            && keys.first().is_some_and(|first| *first != public.as_ref())
        {
            let place = keys.iter().position(|key| *key == public.as_ref());
            return Err(invalid(match place {
                Some(at) => format!(
                    "the certificates are in the wrong order: the private key is that of number {}, which has to come first, \
                     followed by the one that issued it, and so on",
                    at + 1
                ),
                None => {
                    "the private key is not that of the certificate: each certificate goes with the key it was made for"
                        .to_owned()
                }
            }));
        }
        warn_of_order(&fields);
        let key = CertifiedKey::new(chain, key);
        key.keys_match().or_else(|error| match error {
            rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown) => Ok(()),
            error => Err(invalid(format!("the certificate and its private key cannot be used: {error}"))),
        })?;
        Ok(Self { key: Arc::new(key), files: None })
    }

    fn read(files: Files) -> Result<Self> {
        let mut chain = Vec::new();
        for path in &files.chain {
            let found = certificates_in(&read(path)?).map_err(|error| in_file(path, &error))?;
            chain.extend(found);
        }
        // Wiped when it is dropped.
        let text = Zeroizing::new(read(&files.key)?);
        let key = key_in(&text).map_err(|error| in_file(&files.key, &error))?;
        let identity = Self::new(chain, key).map_err(|error| {
            let certificate = files.chain.first().map_or(Path::new(""), PathBuf::as_path);
            invalid(format!("{} and {}: {error}", certificate.display(), files.key.display()))
        })?;
        Ok(Self { files: Some(files), ..identity })
    }

    /// The same identity as its files have it now.
    pub(super) fn reread(&self) -> Result<Self> {
        self.files.clone().map_or_else(|| Ok(self.clone()), Self::read)
    }

    /// Tells the log if the certificate is not valid now: peers will refuse it.
    pub(super) fn warn_if_invalid(&self, clock: &WallClock) {
        let Some(fields) = self.key.cert.first().and_then(|certificate| der::fields(certificate)) else { return };
        let Some(now) = clock.current_time().map(|now| now.as_secs()) else { return };
        let which = || {
            let names = self.names().join(", ");
            let file = self.files.as_ref().and_then(|files| files.chain.first());
            file.map_or_else(|| names.clone(), |file| format!("{names} in {}", file.display()))
        };
        if let Some(end) = fields.not_after.filter(|end| *end < now) {
            log::warn!(
                "the certificate of {} expired on {}, now is {}: renew it, or check this machine's clock",
                which(),
                Date(end),
                Date(now)
            );
        }
        if let Some(begin) = fields.not_before.filter(|begin| *begin > now) {
            log::warn!(
                "the certificate of {} is valid from {} on, now is {}: check this machine's clock",
                which(),
                Date(begin),
                Date(now)
            );
        }
    }

    /// The names that the certificate is for.
    pub fn names(&self) -> Vec<String> {
        let certificate = self.key.cert.first();
        let parsed = certificate.and_then(|certificate| webpki::EndEntityCert::try_from(certificate).ok());
        parsed.iter().flat_map(|parsed| parsed.valid_dns_names()).map(str::to_ascii_lowercase).collect()
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| invalid(format!("could not read {}: {error}", path.display())))
}

pub(super) fn in_file(path: &Path, error: &str) -> Error {
    invalid(format!("{}: {error}", path.display()))
}

fn load_key(key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>> {
    provider().key_provider.load_private_key(key).map_err(|error| {
        invalid(format!(
            "the private key cannot be used ({error}): keys are of RSA with 2048 to 8192 bits, ECDSA (P-256, P-384), or Ed25519"
        ))
    })
}

/// Tells the log of a chain whose certificates do not follow each other: some peers refuse it (RFC 5246, section 7.4.2).
fn warn_of_order(fields: &[Option<der::Fields<'_>>]) {
    let is_out_of_order =
        |pair: &[Option<der::Fields<'_>>]| matches!(pair, [Some(one), Some(next)] if one.issuer != next.subject);
    if let Some(at) = fields.windows(2).position(is_out_of_order) {
        log::warn!(
            "certificate {} of a chain is not that of the authority that issued certificate {}: some peers refuse such a chain, put \
             each after the one that it issued",
            at + 2,
            at + 1
        );
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is nobody's business.
        f.debug_tuple("Identity").field(&self.names()).finish()
    }
}
