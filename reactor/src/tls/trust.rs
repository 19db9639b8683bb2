//! Whom to trust.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use crate::error::Result;

use super::identity::{in_file, invalid, read};
use super::pem::certificates_in;

/// The authorities that are trusted to say who is who.
#[derive(Clone)]
pub struct TrustRoots(pub(super) Vec<Source>);

#[derive(Clone)]
pub(super) enum Source {
    Platform,
    #[cfg(feature = "webpki-roots")]
    Mozilla,
    File(PathBuf),
    Certificates(Vec<CertificateDer<'static>>),
}

impl TrustRoots {
    /// Those that this machine trusts: the files that its system keeps, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    #[must_use]
    #[doc(alias = "platformTrust")]
    pub fn platform() -> Self {
        Self(vec![Source::Platform])
    }

    /// Those that Mozilla's browser trusts, as they were when the crate `webpki-roots` was released.
    ///
    /// ```
    /// use lariat::tls::{ClientOptions, TrustRoots};
    ///
    /// let connector = ClientOptions::new().trust(TrustRoots::mozilla()).build()?;
    /// # drop(connector);
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[cfg(feature = "webpki-roots")]
    #[must_use]
    pub fn mozilla() -> Self {
        Self(vec![Source::Mozilla])
    }

    /// Those in a PEM file, of which there may be many; of a folder, all in its files that end in `.pem`.
    #[must_use]
    #[doc(alias = "trustRootFromCertificates")]
    pub fn from_pem_file(path: impl Into<PathBuf>) -> Self {
        Self(vec![Source::File(path.into())])
    }

    /// Those in a PEM text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is none in it.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        Ok(Self(vec![Source::Certificates(certificates_in(pem).map_err(invalid)?)]))
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Reads what they are now.
    pub(super) fn load(&self) -> Result<Arc<RootCertStore>> {
        let mut store = RootCertStore::empty();
        for source in &self.0 {
            match source {
                Source::Platform => {
                    let found = rustls_native_certs::load_native_certs();
                    store.add_parsable_certificates(found.certs);
                    if store.is_empty() {
                        let why = found.errors.first().map_or(String::new(), |error| format!(": {error}"));
                        return Err(invalid(format!(
                            "this machine has no certificates of authorities that it trusts{why}"
                        )));
                    }
                }
                #[cfg(feature = "webpki-roots")]
                Source::Mozilla => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
                Source::File(path) => load_file(&mut store, path)?,
                Source::Certificates(certificates) => add(&mut store, certificates.clone()).map_err(invalid)?,
            }
        }
        if store.is_empty() { Err(invalid("no authority is trusted")) } else { Ok(Arc::new(store)) }
    }
}

fn load_file(store: &mut RootCertStore, path: &Path) -> Result<()> {
    if !path.is_dir() {
        let certificates = certificates_in(&read(path)?).map_err(|error| in_file(path, &error))?;
        return add(store, certificates).map_err(|error| in_file(path, &error));
    }
    let entries = path.read_dir().map_err(|error| in_file(path, &error.to_string()))?;
    let mut paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect::<Vec<_>>();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "pem"));
    paths.sort();
    if paths.is_empty() {
        return Err(in_file(path, "there is no file in it that ends in .pem"));
    }
    paths.iter().filter(|path| !path.is_dir()).try_for_each(|path| load_file(store, path))
}

fn add(store: &mut RootCertStore, certificates: Vec<CertificateDer<'static>>) -> std::result::Result<(), String> {
    certificates.into_iter().try_for_each(|certificate| {
        store.add(certificate).map_err(|error| format!("a certificate in it cannot be trusted: {error}"))
    })
}

impl Default for TrustRoots {
    fn default() -> Self {
        Self::platform()
    }
}

impl fmt::Debug for TrustRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(Source::name)).finish()
    }
}

impl Source {
    fn name(&self) -> String {
        match self {
            Self::Platform => "platform".to_owned(),
            #[cfg(feature = "webpki-roots")]
            Self::Mozilla => "mozilla".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Certificates(certificates) => format!("{} certificates", certificates.len()),
        }
    }
}
