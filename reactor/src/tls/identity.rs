//! Who one is: a certificate with its chain, and its private key.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::error::{Error, ErrorKind, Result};

use super::provider::provider;

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
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => invalid(
                "the private key is not that of the certificate: each certificate goes with the key it was made for",
            ),
            error => invalid(format!("the certificate and its private key cannot be used: {error}")),
        })?;
        Ok(Self { key: Arc::new(key), files: None })
    }

    fn read(files: Files) -> Result<Self> {
        let mut chain = Vec::new();
        for path in &files.chain {
            let found = certificates_in(&read(path)?).map_err(|error| in_file(path, &error))?;
            chain.extend(found);
        }
        let key = key_in(&read(&files.key)?).map_err(|error| in_file(&files.key, &error))?;
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

/// The certificates in a PEM text.
pub(super) fn certificates_in(pem: &[u8]) -> std::result::Result<Vec<CertificateDer<'static>>, String> {
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err("there is no certificate in it (PEM has a line `-----BEGIN CERTIFICATE-----`)".to_owned())
        }
        Ok(found) => Ok(found),
        Err(error) => Err(format!("it is no valid PEM text: {error}")),
    }
}

fn key_in(pem: &[u8]) -> std::result::Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => {
            "there is no private key in it, or an encrypted one (PEM has a line `-----BEGIN PRIVATE KEY-----`)"
                .to_owned()
        }
        error => format!("it is no valid PEM text: {error}"),
    })
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is nobody's business.
        f.debug_tuple("Identity").field(&self.names()).finish()
    }
}
