//! Sessions that clients resume, and whether their certificates still hold.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ProducesTickets, StoresServerSessions};
use rustls::time_provider::TimeProvider;

use super::provider::WallClock;

/// Verifies the certificate in a session again before the session is resumed: it may have expired or been revoked since. One
/// that is not valid any more is not resumed: the client makes a full handshake, which fails with the reason.
///
/// rustls itself resumes every session that it can decrypt. TLS allows a server to look again (RFC 8446, section 4.6.1).
pub(super) struct Verified<S: ?Sized> {
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    pub(super) clock: WallClock,
    pub(super) inner: Arc<S>,
}

impl<S: ?Sized> Verified<S> {
    /// Gives the session back if it may be resumed now.
    fn filter(&self, session: Option<Vec<u8>>) -> Option<Vec<u8>> {
        session.filter(|session| match client_chain(session) {
            // A session whose format is not known is not resumed.
            None => false,
            Some(None) => !self.verifier.client_auth_mandatory(),
            Some(Some(chain)) => match chain.split_first() {
                Some((end_entity, others)) => self
                    .clock
                    .current_time()
                    .is_some_and(|now| self.verifier.verify_client_cert(end_entity, others, now).is_ok()),
                None => false,
            },
        })
    }
}

impl ProducesTickets for Verified<dyn ProducesTickets> {
    fn enabled(&self) -> bool {
        self.inner.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.inner.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.inner.encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.filter(self.inner.decrypt(cipher))
    }
}

impl StoresServerSessions for Verified<dyn StoresServerSessions> {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.inner.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.filter(self.inner.get(key))
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.filter(self.inner.take(key))
    }

    fn can_cache(&self) -> bool {
        self.inner.can_cache()
    }
}

impl<S: ?Sized> fmt::Debug for Verified<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified")
    }
}

/// The client's certificates in a session as rustls 0.23 encodes it (`ServerSessionValue` in its `msgs/persist.rs`): the outer
/// option is none if the bytes are something else, the inner one if the client showed none.
#[expect(clippy::option_option, reason = "a session without certificates is not one that cannot be read")]
fn client_chain(session: &[u8]) -> Option<Option<Vec<CertificateDer<'_>>>> {
    let mut rest = session;
    if take(&mut rest, 1)? == [1] {
        take_prefixed(&mut rest, 1)?;
    }
    // The version and the cipher suite, the secret, and whether it is an extended one.
    take(&mut rest, 4)?;
    take_prefixed(&mut rest, 1)?;
    take(&mut rest, 1)?;
    match take(&mut rest, 1)? {
        [0] => Some(None),
        [1] => {
            let mut list = take_prefixed(&mut rest, 3)?;
            let mut chain = Vec::new();
            while !list.is_empty() {
                chain.push(CertificateDer::from(take_prefixed(&mut list, 3)?));
            }
            Some(Some(chain))
        }
        _ => None,
    }
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    input.split_off(..count)
}

/// Takes a length of `width` bytes, and that many bytes after it.
fn take_prefixed<'a>(input: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let length = take(input, width)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    take(input, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_is_cut_anywhere_is_not_resumed() {
        let name = [&[1, 6][..], b"a.test", &[3, 4, 0x13, 1, 2, 9, 9, 0]].concat();
        let whole = [&name[..], &[1, 0, 0, 10, 0, 0, 3, 1, 2, 3, 0, 0, 1, 4]].concat();
        let expected = vec![CertificateDer::from(vec![1, 2, 3]), CertificateDer::from(vec![4])];
        assert_eq!(client_chain(&whole), Some(Some(expected)));
        assert_eq!(client_chain(&[&name[..], &[0]].concat()), Some(None));
        for length in 0..whole.len() {
            assert_eq!(client_chain(&whole[..length]), None, "{length} bytes");
        }
    }
}
