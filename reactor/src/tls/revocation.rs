//! Which certificates are not to be trusted any more.

use std::path::PathBuf;

use rustls::pki_types::CertificateRevocationListDer;

use crate::error::Result;

use super::identity::{in_file, invalid, read};
use super::pem::lists_in;

/// A list of certificates that were revoked (RFC 5280, section 5), which their authority signs and renews.
#[derive(Clone, Debug)]
pub struct RevocationList(Source);

#[derive(Clone, Debug)]
enum Source {
    File(PathBuf),
    Lists(Vec<CertificateRevocationListDer<'static>>),
}

impl RevocationList {
    /// The lists in a PEM file. [`Acceptor::reload`](super::Acceptor::reload) reads it again.
    #[must_use]
    pub fn from_pem_file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// The lists in a PEM text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is none in it.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        Ok(Self(Source::Lists(lists_in(pem).map_err(invalid)?)))
    }

    pub(super) fn load_all(lists: &[Self]) -> Result<Vec<CertificateRevocationListDer<'static>>> {
        let mut all = Vec::new();
        for Self(source) in lists {
            match source {
                Source::File(path) => all.extend(lists_in(&read(path)?).map_err(|error| in_file(path, &error))?),
                Source::Lists(lists) => all.extend(lists.iter().cloned()),
            }
        }
        Ok(all)
    }
}
