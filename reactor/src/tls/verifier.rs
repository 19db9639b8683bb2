//! Who believes a peer's certificate, and what is said if nobody does.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use webpki::EndEntityCert;

use super::certificate::common_name;
use super::der::{self, unusable};
use super::notes;
use super::problem::{TlsError, TlsErrorKind};
use super::provider::sha256;

/// Has rustls judge a server, and adds what it has no words or options for.
#[derive(Debug)]
pub(super) struct JudgeOfServers {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
    /// Hashes of public keys; none if any will do.
    pub(super) pins: Vec<[u8; 32]>,
}

/// The same for a server's clients.
#[derive(Debug)]
pub(super) struct JudgeOfClients {
    pub(super) inner: Arc<dyn ClientCertVerifier>,
}

/// Leaves word of why a certificate is turned down.
fn explain(peer: &'static str, error: &Error, end_entity: &CertificateDer<'_>, others: &[CertificateDer<'_>]) {
    let Error::InvalidCertificate(error) = error else { return };
    let unusable = certificate_unusable(end_entity, others).map(|why| (TlsErrorKind::BadCertificate, why));
    let is_general = matches!(
        error,
        CertificateError::Other(_)
            | CertificateError::BadEncoding
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
            | CertificateError::UnknownIssuer
            | CertificateError::BadSignature
    );
    let (kind, why) = unusable.filter(|_| is_general).unwrap_or_else(|| verdict(error, end_entity, others));
    let message = format!("the {peer}'s certificate {why}");
    notes::leave(|notes| notes.verdict = Some(TlsError::new(kind, message)));
}

/// Why a certificate of a chain would be accepted nowhere, if that can be seen in it.
fn certificate_unusable(end_entity: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Option<String> {
    let of = |certificate: &CertificateDer<'_>| der::fields(certificate).and_then(|fields| unusable(&fields));
    of(end_entity).or_else(|| others.iter().find_map(of).map(|why| format!("rests on one that {why}")))
}

/// Leaves word of a handshake whose signature is wrong: the certificate itself may be good.
fn explain_signature(peer: &'static str, error: &Error, end_entity: &CertificateDer<'_>) {
    let (kind, why) = match certificate_unusable(end_entity, &[]) {
        Some(why) => (TlsErrorKind::BadCertificate, format!("the {peer}'s certificate {why}")),
        None => (
            TlsErrorKind::BadSignature,
            format!(
                "the {peer} did not prove that it has the private key of its certificate (CertificateVerify: {error}): its \
                 certificate and key do not belong together, or somebody else shows its certificate"
            ),
        ),
    };
    notes::leave(|notes| notes.verdict = Some(TlsError::new(kind, why)));
}

fn verdict(
    error: &CertificateError,
    end_entity: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
) -> (TlsErrorKind, String) {
    use TlsErrorKind as Kind;
    match error {
        CertificateError::ExpiredContext { time, not_after } => (
            Kind::CertificateExpired,
            format!(
                "or one that it rests on expired on {}, and it is {} now: it has to be renewed, or the clock here is wrong",
                Date(not_after.as_secs()),
                Date(time.as_secs())
            ),
        ),
        CertificateError::Expired => (Kind::CertificateExpired, "has expired: it has to be renewed".to_owned()),
        CertificateError::NotValidYetContext { time, not_before } => (
            Kind::CertificateNotYetValid,
            format!(
                "or one that it rests on is valid from {} on, and it is {} now: the clock here may be wrong",
                Date(not_before.as_secs()),
                Date(time.as_secs())
            ),
        ),
        CertificateError::NotValidYet => {
            (Kind::CertificateNotYetValid, "is not valid yet: the clock here may be wrong".to_owned())
        }
        CertificateError::NotValidForNameContext { expected, presented } => (
            Kind::WrongName,
            format!(
                "is not for {}, but for {}: connect by one of these names, or have that one put into it",
                expected.to_str(),
                if presented.is_empty() {
                    "no name at all".to_owned()
                } else {
                    presented.iter().map(|name| bare(name)).collect::<Vec<_>>().join(", ")
                }
            ),
        ),
        CertificateError::NotValidForName => (Kind::WrongName, "is not for the name that was asked for".to_owned()),
        CertificateError::Revoked => (Kind::Revoked, "or one that it rests on was revoked: do not trust it".to_owned()),
        CertificateError::UnknownRevocationStatus => (
            Kind::UnknownRevocation,
            "or one that it rests on is on no revocation list given here: give that of each authority".to_owned(),
        ),
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => (
            Kind::UnknownRevocation,
            "cannot be checked: the revocation list for it is out of date and has to be fetched anew".to_owned(),
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => (
            Kind::WrongUsage,
            format!("is not for this use ({error}): a server needs one for server authentication, a client one for client \
                     authentication (its extended key usage)"),
        ),
        CertificateError::UnknownIssuer => unknown_issuer(end_entity, others),
        CertificateError::Other(other) if other.0.to_string().contains("CaUsedAsEndEntity") && is_self_signed(end_entity) => (
            Kind::SelfSigned,
            "is self-signed and marked as an authority's (CA:TRUE): make one that is not (basicConstraints CA:FALSE) and trust \
             it, or have an authority issue one"
                .to_owned(),
        ),
        CertificateError::Other(other) if other.0.to_string().contains("CaUsedAsEndEntity") => (
            Kind::WrongUsage,
            "is an authority's own: a server or client needs one that the authority has issued for it".to_owned(),
        ),
        CertificateError::BadSignature => (
            Kind::BadCertificate,
            "or one that it rests on has a signature that is not its authority's: it was changed, or issued by another authority of \
             the same name"
                .to_owned(),
        ),
        error => (Kind::BadCertificate, format!("is not accepted: {error}")),
    }
}

/// The name itself, of how rustls puts it: `DnsName("server.example")`, `IpAddress(192.0.2.1)`.
fn bare(name: &str) -> &str {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.unwrap_or(name).trim_matches('"')
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}

/// What can be told of a certificate that leads nowhere.
fn unknown_issuer(end_entity: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> (TlsErrorKind, String) {
    if is_self_signed(end_entity) {
        let what = "is self-signed, and not among those trusted here: trust it, or the authority that is to issue it";
        return (TlsErrorKind::SelfSigned, what.to_owned());
    }
    let top = others.last().unwrap_or(end_entity);
    let issuer = EndEntityCert::try_from(top).ok().and_then(|parsed| common_name(parsed.issuer()));
    let issuer = issuer.map_or_else(
        || "an authority without a name".to_owned(),
        |name| format!("\"{}\"", name.escape_debug().to_string().replace("\\'", "'")),
    );
    if others.is_empty() {
        let what = format!(
            "came alone and was issued by {issuer}, which is not trusted here: if that is an intermediate authority, its certificate \
             has to be sent too (the chain is incomplete); else the authority is unknown, and has to be trusted here"
        );
        return (TlsErrorKind::IncompleteChain, what);
    }
    let what = format!(
        "leads to {issuer}, which is not trusted here: trust that authority, or take a certificate of a known one"
    );
    (TlsErrorKind::UnknownAuthority, what)
}

/// Signatures are rustls's matter, whoever signs; the two traits have the same methods for it.
macro_rules! forward_signatures {
    ($peer:literal) => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let verified = self.inner.verify_tls12_signature(message, certificate, signature);
            verified.inspect_err(|error| explain_signature($peer, error, certificate))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let verified = self.inner.verify_tls13_signature(message, certificate, signature);
            verified.inspect_err(|error| explain_signature($peer, error, certificate))
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.inner.supported_verify_schemes()
        }
    };
}

impl ServerCertVerifier for JudgeOfServers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let verified = judged.inspect_err(|error| explain("server", error, end_entity, intermediates))?;
        if !self.pins.is_empty() {
            let hash = EndEntityCert::try_from(end_entity).map(|parsed| sha256(&parsed.subject_public_key_info()));
            if !hash.is_ok_and(|hash| self.pins.contains(&hash)) {
                let message = "the server's certificate is valid, but its public key is none of those that are pinned here: \
                               if it was changed on purpose, pin the new one";
                notes::leave(|notes| notes.verdict = Some(TlsError::new(TlsErrorKind::UnpinnedKey, message)));
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
        }
        Ok(verified)
    }

    forward_signatures!("server");
}

impl ClientCertVerifier for JudgeOfClients {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let judged = self.inner.verify_client_cert(end_entity, intermediates, now);
        judged.inspect_err(|error| explain("client", error, end_entity, intermediates))
    }

    forward_signatures!("client");
}

/// A day, given as a second in it since 1970.
pub(super) struct Date(pub(super) u64);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Eras of 400 years that begin on the first of March have 146 097 days each, and every month its place in them.
        let days = self.0 / 86_400 + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
        let year = era * 400 + year + u64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days_have_the_dates_of_the_calendar() {
        let dates = [0, 68_256_000, 951_782_400, 1_709_164_800, 4_102_444_799].map(|seconds| Date(seconds).to_string());
        assert_eq!(dates, ["1970-01-01", "1972-03-01", "2000-02-29", "2024-02-29", "2099-12-31"]);
    }
}
