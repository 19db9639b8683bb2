//! What goes wrong with TLS, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

use crate::close_reason::CloseReason;
use crate::escape::Escaped;

/// Why a handshake failed or a TLS connection broke. The message says what was wrong and what to do about it; [`kind`](Self::kind) is for
/// programs.
///
/// It is inside the error that [`Reactor::connect`](crate::Reactor::connect) fails with, where [`Error::tls`](crate::Error::tls) finds it,
/// and in a [`CloseReason::Lost`], where [`CloseReason::tls`] does.
#[derive(Clone, Debug)]
pub struct TlsError {
    kind: TlsErrorKind,
    message: String,
}

/// The kinds of [`TlsError`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// The peer's certificate, or one that it rests on, is past its time.
    CertificateExpired,
    /// The peer's certificate, or one that it rests on, is for a later time.
    CertificateNotYetValid,
    /// The server's certificate is for other names.
    WrongName,
    /// The peer vouches for itself, and it is not trusted.
    SelfSigned,
    /// The peer's certificate leads to an authority that is not trusted.
    UnknownAuthority,
    /// The peer has sent its own certificate alone, and who issued it is not trusted: either it should have sent more, or its authority is
    /// unknown.
    IncompleteChain,
    /// The peer's certificate was revoked.
    Revoked,
    /// No revocation list tells of the peer's certificate, or only one that is out of date.
    UnknownRevocation,
    /// The peer's certificate is not for this use, such as a server's that a client shows.
    WrongUsage,
    /// The peer's certificate is broken, or signed in a way that is not accepted.
    BadCertificate,
    /// The peer's signature in the handshake is not by the key of its certificate.
    BadSignature,
    /// The peer's key is none of those that are pinned.
    UnpinnedKey,
    /// The client has shown no certificate, and one is required.
    CertificateRequired,
    /// The server has no certificate for the name that the client asked for.
    UnknownName,
    /// The peer wants a version that is not spoken here: TLS 1.1, or something older.
    OldVersion,
    /// Both sides have no cipher suite, key exchange or signature in common.
    NothingInCommon,
    /// The application protocols of both sides have none in common (ALPN).
    NoCommonProtocol,
    /// The peer has ended the connection with an alert: it says what it thinks is wrong here.
    PeerAlert,
    /// The peer speaks HTTP in clear.
    PlainHttp,
    /// The peer does not speak TLS.
    NotTls,
    /// A record or a message is longer than allowed.
    RecordOverflow,
    /// What arrived was changed on its way, or the two sides do not have the same keys.
    Tampered,
    /// The connection ended without a good-bye: what was received may be only a part of what was sent.
    Truncated,
    /// The peer reset the connection during the handshake.
    Reset,
    /// The peer does what the protocol does not allow.
    PeerMisbehaved,
    /// Bytes that arrived in clear were left when TLS was to start: an attacker may have sent them.
    ClearTextPending,
    /// Something else.
    Other,
}

impl TlsError {
    pub(super) fn new(kind: TlsErrorKind, message: impl Into<String>) -> Self {
        // It may name what a certificate or a handshake has in it.
        let message = Escaped::display(&message.into()).to_string();
        Self { kind, message }
    }

    /// What went wrong.
    pub fn kind(&self) -> TlsErrorKind {
        self.kind
    }

    /// What a session has failed with. `input` is what it could not make sense of.
    pub(super) fn of_session(error: &Error, input: &[u8], is_server: bool, handshaking: bool) -> Self {
        use TlsErrorKind as Kind;
        let (kind, message) = match error {
            Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge) if looks_like_tls(input) => {
                (Kind::RecordOverflow, "the peer sent a message of the handshake that is too long".to_owned())
            }
            Error::InvalidMessage(InvalidMessage::MessageTooLarge) | Error::PeerSentOversizedRecord
                if !handshaking || looks_like_tls(input) =>
            {
                (Kind::RecordOverflow, "the peer sent a record that is longer than TLS allows".to_owned())
            }
            Error::InvalidMessage(_) if handshaking && !looks_like_tls(input) => return Self::of_clear(input, is_server),
            Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion)
            | Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::SupportedVersionsExtensionRequired
                // Those before TLS 1.2 have no such extension, and rustls minds that first.
                | PeerIncompatible::SignatureAlgorithmsExtensionRequired
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled,
            ) => (
                Kind::OldVersion,
                "the peer offers no version of TLS that is accepted here (TLS 1.2 or 1.3): it has to be brought up to date"
                    .to_owned(),
            ),
            Error::InvalidMessage(_) => {
                (Kind::PeerMisbehaved, format!("the peer sent what is no valid TLS message ({error})"))
            }
            Error::PeerIncompatible(_) => {
                (Kind::NothingInCommon, format!("the peer and this side have nothing in common to agree on ({error})"))
            }
            Error::NoApplicationProtocol => (
                Kind::NoCommonProtocol,
                "none of the application protocols that the peer speaks is spoken here (ALPN)".to_owned(),
            ),
            Error::NoCertificatesPresented => {
                (Kind::CertificateRequired, "the client showed no certificate, and one is required".to_owned())
            }
            Error::DecryptError => (
                Kind::Tampered,
                "what the peer sent could not be decrypted: it was changed on its way, or it is no TLS".to_owned(),
            ),
            Error::AlertReceived(alert) => (Kind::PeerAlert, of_alert(*alert, is_server)),
            Error::PeerMisbehaved(_)
            | Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. } => {
                (Kind::PeerMisbehaved, format!("the peer broke the rules of TLS ({error})"))
            }
            Error::InvalidCertificate(_) => (Kind::BadCertificate, format!("the peer's certificate is wrong ({error})")),
            _ => (Kind::Other, error.to_string()),
        };
        Self::new(kind, message)
    }

    /// The peer does not speak TLS at all.
    fn of_clear(input: &[u8], is_server: bool) -> Self {
        let shown = || input[..input.len().min(16)].escape_ascii();
        let speaks_http = http(is_server).iter().any(|word| input.starts_with(word));
        if is_server && speaks_http {
            let message = "the client speaks plain HTTP to a port where TLS is spoken: its URL has to begin with https";
            return Self::new(TlsErrorKind::PlainHttp, message);
        }
        if speaks_http {
            let message = "the server answered in plain HTTP: it speaks no TLS on this port";
            return Self::new(TlsErrorKind::PlainHttp, message);
        }
        // A ClientHello of version 2 has a length of two bytes with the first bit set, then the type 1 (RFC 5246, appendix E.2).
        if is_server && matches!(input, [128..=255, _, 1, ..]) {
            let message = "the client speaks SSL 2, which is not accepted: it has to be brought up to date";
            return Self::new(TlsErrorKind::OldVersion, message);
        }
        let message = if is_server {
            format!("the client does not speak TLS: it began with \"{}\"", shown())
        } else {
            format!(
                "the server does not speak TLS on this port, or only after a word in clear (STARTTLS): it began with \"{}\"",
                shown()
            )
        };
        Self::new(TlsErrorKind::NotTls, message)
    }
}

/// What HTTP begins with: a server's client, with its method; a server, with its version.
fn http(is_server: bool) -> &'static [&'static [u8]] {
    const METHODS: [&[u8]; 10] = [
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"PUT ",
        b"OPTIONS ",
        b"DELETE ",
        b"PATCH ",
        b"CONNECT ",
        b"TRACE ",
        b"PRI * HTTP",
    ];
    if is_server { &METHODS } else { &[b"HTTP/"] }
}

/// Is it too little to tell what the peer speaks, though it is no TLS? It may go on as HTTP or SSL 2 would.
pub(super) fn is_too_little(input: &[u8], is_server: bool) -> bool {
    let may_be_http = http(is_server).iter().any(|word| word.len() > input.len() && word.starts_with(input));
    let may_be_ssl_2 = is_server && matches!(input, [128..=255] | [128..=255, _]);
    !input.is_empty() && (may_be_http || may_be_ssl_2)
}

/// Does it begin as a record does (RFC 8446, section 5.1)?
fn looks_like_tls(input: &[u8]) -> bool {
    matches!(input, [] | [20..=24] | [20..=24, 3, ..])
}

/// What a peer's alert means for this side (RFC 8446, section 6.2).
fn of_alert(alert: AlertDescription, is_server: bool) -> String {
    let peer = if is_server { "client" } else { "server" };
    let hint = match alert {
        AlertDescription::UnknownCA => "it does not trust the authority that issued the certificate shown here",
        AlertDescription::CertificateRequired => "it requires a certificate, and none was shown here",
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown if is_server => {
            "it does not accept the certificate shown here"
        }
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            "it does not accept the certificate shown here, or requires one"
        }
        AlertDescription::CertificateExpired => "the certificate shown here is out of date",
        AlertDescription::CertificateRevoked => "the certificate shown here was revoked",
        AlertDescription::UnsupportedCertificate => "the certificate shown here is not for this use",
        AlertDescription::UnrecognisedName | AlertDescription::AccessDenied => {
            "it has no certificate for the name that was asked for"
        }
        AlertDescription::NoApplicationProtocol => "it speaks none of the application protocols offered (ALPN)",
        AlertDescription::ProtocolVersion => "it speaks neither TLS 1.2 nor TLS 1.3 as they are set here",
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "both sides have no way to encrypt in common, or it requires a certificate"
        }
        AlertDescription::RecordOverflow => "it found a record too long",
        _ => "see its log",
    };
    format!("the {peer} ended the connection with the alert {alert:?}: {hint}")
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS: {}", self.message)
    }
}

impl StdError for TlsError {}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        let kind = match error.kind {
            TlsErrorKind::Truncated => io::ErrorKind::UnexpectedEof,
            TlsErrorKind::Reset => io::ErrorKind::ConnectionReset,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

impl CloseReason {
    /// What was wrong with TLS, if that is why the connection ended.
    pub fn tls(&self) -> Option<&TlsError> {
        match self {
            Self::Lost(error) => error.get_ref()?.downcast_ref(),
            Self::Failed(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

impl crate::error::Error {
    /// What was wrong with TLS, if this is of the kind [`ErrorKind::Tls`](crate::ErrorKind::Tls).
    pub fn tls(&self) -> Option<&TlsError> {
        let cause = self.cause()?;
        let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inside.map_or_else(|| cause.downcast_ref(), <dyn StdError + Send + Sync>::downcast_ref)
    }
}
