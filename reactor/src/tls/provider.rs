//! Where the cryptography comes from.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::log_throttle::running_wall_clock;

/// The provider that the crate's features name; never one that another part of the process has made its default.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(make())).clone()
}

#[cfg(not(feature = "tls-aws-lc-rs"))]
fn make() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

#[cfg(feature = "tls-aws-lc-rs")]
fn make() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

/// What keeps the keys of a server's tickets.
pub(super) fn ticketer() -> Result<Arc<dyn rustls::server::ProducesTickets>, rustls::Error> {
    #[cfg(not(feature = "tls-aws-lc-rs"))]
    return rustls::crypto::ring::Ticketer::new();
    #[cfg(feature = "tls-aws-lc-rs")]
    return rustls::crypto::aws_lc_rs::Ticketer::new();
}

/// The SHA-256 hash of `data`.
pub(super) fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    for suite in &provider().cipher_suites {
        if let Some(suite) = suite.tls13()
            && suite.common.hash_provider.output_len() == hash.len()
        {
            hash.copy_from_slice(suite.common.hash_provider.hash(data).as_ref());
            break;
        }
    }
    hash
}

type Now = dyn Fn() -> SystemTime + Send + Sync;

/// The time by which certificates and tickets are valid.
#[derive(Clone)]
pub(super) struct WallClock(Arc<Now>);

impl WallClock {
    pub(super) fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::new(running_wall_clock)
    }
}

impl TimeProvider for WallClock {
    fn current_time(&self) -> Option<UnixTime> {
        let since = (self.0)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Some(UnixTime::since_unix_epoch(since))
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallClock")
    }
}
