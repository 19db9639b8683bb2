//! What is known of a connection's TLS.

use std::fmt;

use rustls::{CommonState, HandshakeKind, ProtocolVersion};

use crate::transport::Peer;

use super::certificate::PeerCertificate;

/// What the two ends of a TLS connection have agreed on, and who the other one is: what [`Peer::tls`] gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsInfo {
    /// Which version of the protocol is spoken.
    pub version: TlsVersion,
    /// How it is encrypted, as the IANA names it: `TLS13_AES_256_GCM_SHA384`, for example.
    pub cipher_suite: String,
    /// The application protocol that was agreed on (ALPN, RFC 7301), such as `h2`.
    #[doc(alias = "negotiatedProtocol")]
    pub alpn: Option<Vec<u8>>,
    /// The name by which the client asked for the server (SNI, RFC 6066), if it did. On the client's side, the name that it asked for.
    pub server_name: Option<String>,
    /// Who the other end has proven to be: on a client the server, on a server the client, if that was asked for a certificate and has one.
    #[doc(alias = "getPeerCertificate")]
    pub peer_certificate: Option<PeerCertificate>,
    /// Whether an earlier session was resumed, which spares the costly part of the handshake.
    pub resumed: bool,
}

/// A version of TLS. Older ones are not spoken.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsInfo {
    pub(super) fn of(session: &CommonState, server_name: Option<&str>) -> Self {
        Self {
            version: match session.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
                _ => TlsVersion::Tls13,
            },
            cipher_suite: session
                .negotiated_cipher_suite()
                .map_or_else(String::new, |suite| format!("{:?}", suite.suite())),
            alpn: session.alpn_protocol().map(<[u8]>::to_vec),
            server_name: server_name.map(str::to_owned),
            peer_certificate: session.peer_certificates().and_then(PeerCertificate::new),
            resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

impl Peer {
    /// What is known of the connection's TLS, if it is encrypted and has not ended. It is put together anew each time.
    pub fn tls(&self) -> Option<TlsInfo> {
        self.facts()?.downcast().ok().map(|info| *info)
    }
}
