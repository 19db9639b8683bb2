//! Which certificate a server shows to whom.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::identity::Identity;
use super::notes;
use super::problem::{TlsError, TlsErrorKind};

/// Identities by the names that their certificates are for. An exact name comes before one with a wildcard, and of two identities with the
/// same name the first.
pub(super) struct Names {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// By what follows the `*.`; that stands for one label (RFC 6125, section 6.4.3).
    wildcards: HashMap<String, Arc<CertifiedKey>>,
    /// For who asks for no name, or for one that is not known.
    default: Option<Arc<CertifiedKey>>,
}

impl Names {
    pub(super) fn new(identities: &[Identity], only_known_names: bool) -> Self {
        let mut names = Self { exact: HashMap::new(), wildcards: HashMap::new(), default: None };
        for identity in identities {
            for name in identity.names() {
                let (names, name) = match name.strip_prefix("*.") {
                    Some(rest) => (&mut names.wildcards, rest.to_owned()),
                    None => (&mut names.exact, name),
                };
                names.entry(name).or_insert_with(|| identity.key.clone());
            }
        }
        if !only_known_names {
            names.default = identities.first().map(|identity| identity.key.clone());
        }
        names
    }

    fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        let wildcard = || self.wildcards.get(name.split_once('.')?.1);
        self.exact.get(&name).or_else(wildcard).cloned()
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name();
        notes::leave(|notes| notes.server_name = asked.map(Rc::from));
        let found = asked.and_then(|name| self.find(name)).or_else(|| self.default.clone());
        if found.is_none() {
            let asked = asked.map_or_else(|| "no name".to_owned(), |name| format!("\"{}\"", name.escape_debug()));
            let message = format!("the client asked for {asked}, for which there is no certificate here");
            notes::leave(|notes| notes.verdict = Some(TlsError::new(TlsErrorKind::UnknownName, message)));
        }
        found
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.exact.keys()).entries(self.wildcards.keys()).finish()
    }
}
