//! What both sides set.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::{KeyLog, KeyLogFile, NoKeyLog, SupportedProtocolVersion};

use crate::error::Result;

use super::identity::invalid;
use super::info::TlsVersion;
use super::provider::WallClock;

/// How long a handshake may take: three round trips across the world and the slowest of phones take less than three seconds.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Common {
    pub(super) alpn: Vec<Vec<u8>>,
    pub(super) minimum: TlsVersion,
    pub(super) handshake_timeout: Duration,
    pub(super) log_keys: bool,
    pub(super) clock: WallClock,
}

impl Common {
    pub(super) fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        static BOTH: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];
        match self.minimum {
            TlsVersion::Tls12 => &BOTH,
            TlsVersion::Tls13 => &BOTH[..1],
        }
    }

    /// The application protocols, if each name has a length that can be told: in one byte, and more than 0 (RFC 7301, section 3.1).
    pub(super) fn alpn(&self) -> Result<Vec<Vec<u8>>> {
        match self.alpn.iter().find(|name| !(1..=255).contains(&name.len())) {
            None => Ok(self.alpn.clone()),
            Some(name) => Err(invalid(format!(
                "the name of an application protocol (ALPN) has from 1 to 255 bytes, not {}",
                name.len()
            ))),
        }
    }

    pub(super) fn key_log(&self) -> Arc<dyn KeyLog> {
        if self.log_keys { Arc::new(KeyLogFile::new()) } else { Arc::new(NoKeyLog) }
    }
}

impl Default for Common {
    fn default() -> Self {
        Self {
            alpn: Vec::new(),
            minimum: TlsVersion::Tls12,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            log_keys: false,
            clock: WallClock::default(),
        }
    }
}

impl fmt::Debug for Common {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alpn = self.alpn.iter().map(|protocol| protocol.escape_ascii().to_string()).collect::<Vec<_>>();
        f.debug_struct("Common")
            .field("alpn", &alpn)
            .field("minimum", &self.minimum)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("log_keys", &self.log_keys)
            .finish_non_exhaustive()
    }
}

/// What both kinds of options have methods for.
macro_rules! common_options {
    () => {
        /// The oldest version that is spoken. Default: TLS 1.2.
        #[doc(alias = "raiseMinimumTo")]
        pub fn minimum_version(mut self, version: TlsVersion) -> Self {
            self.common.minimum = version;
            self
        }

        /// How long a handshake may take before the connection is given up. Default: 10 s.
        pub fn handshake_timeout(mut self, limit: Duration) -> Self {
            self.common.handshake_timeout = limit;
            self
        }

        /// Writes the secrets of every session to the file that the environment variable `SSLKEYLOGFILE` names: whoever has it can read
        /// everything. For debugging alone. Default: nothing is written, whatever the variable says.
        pub fn log_keys(mut self) -> Self {
            self.common.log_keys = true;
            self
        }

        /// Sets the clock by which certificates and tickets are valid. Default: the [wall
        /// clock](crate::Reactor::wall_clock) of the reactor that runs the handshake, so that a
        /// certificate expires in virtual time on a simulated host.
        pub fn clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
            self.common.clock = WallClock::new(now);
            self
        }
    };
}
pub(super) use common_options;
