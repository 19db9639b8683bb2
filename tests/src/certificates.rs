//! Certificates for tests, made on the spot.

use std::sync::OnceLock;

use lariat::tls::{
    Acceptor, ClientOptions, Connector, Identity, NamedConnector, RevocationList, ServerOptions, TrustRoots,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519,
    RevocationReason, RevokedCertParams, SerialNumber, SignatureAlgorithm, date_time_ymd,
};

/// The name by which servers are known in tests.
pub const SERVER: &str = "server.test";

/// An authority that issues certificates. Keys are Ed25519 unless a wish says otherwise: their signatures have always the same length, so that a simulated course
/// does not depend on random numbers.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The certificates of those between it and the root, in PEM, its own first.
    between: String,
}

/// What a certificate is to say.
#[derive(Debug)]
pub struct Wish {
    /// For the rare ones.
    pub params: CertificateParams,
    algorithm: &'static SignatureAlgorithm,
}

/// A certificate, with those between it and the root, and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate, then the others.
    pub chain: String,
    /// The certificate alone.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

fn key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).expect("a key is made")
}

impl Wish {
    /// A server's certificate for these names.
    #[must_use]
    pub fn server(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("these are names");
        params.distinguished_name.push(DnType::CommonName, "a server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        Self { params, algorithm: &PKCS_ED25519 }
    }

    /// A client's certificate of this name.
    #[must_use]
    pub fn client(name: &str) -> Self {
        let mut wish = Self::server(&[name]);
        wish.params.distinguished_name.push(DnType::CommonName, name);
        wish.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        wish
    }

    /// Valid from the first of January of one year to that of another.
    #[must_use]
    pub fn valid(mut self, from: i32, to: i32) -> Self {
        self.params.not_before = date_time_ymd(from, 1, 1);
        self.params.not_after = date_time_ymd(to, 1, 1);
        self
    }

    /// With this number.
    #[must_use]
    pub fn numbered(mut self, number: u64) -> Self {
        self.params.serial_number = Some(SerialNumber::from(number));
        self
    }

    /// For other programs: openssl reads no Ed25519 keys as they are written here (RFC 5958, with the public key), so it is one of ECDSA;
    /// and the authority's key is named, which some ask for.
    #[must_use]
    pub fn for_others(mut self) -> Self {
        self.algorithm = &PKCS_ECDSA_P256_SHA256;
        self.params.use_authority_key_identifier_extension = true;
        self
    }

    /// Signed by itself.
    #[must_use]
    pub fn self_signed(self) -> Issued {
        let key = key(self.algorithm);
        let certificate = self.params.self_signed(&key).expect("it can be signed").pem();
        Issued { chain: certificate.clone(), certificate, key: key.serialize_pem() }
    }
}

impl Authority {
    /// A root of its own.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let issuer = CertifiedIssuer::self_signed(Self::params(name), key(&PKCS_ED25519)).expect("it can be signed");
        Self { issuer, between: String::new() }
    }

    /// An authority below this one.
    #[must_use]
    pub fn intermediate(&self, name: &str) -> Self {
        let issuer =
            CertifiedIssuer::signed_by(Self::params(name), key(&PKCS_ED25519), &self.issuer).expect("it can be signed");
        let between = format!("{}{}", issuer.pem(), self.between);
        Self { issuer, between }
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }

    /// Its certificate.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Issues a certificate.
    #[must_use]
    pub fn issue(&self, wish: &Wish) -> Issued {
        let key = key(wish.algorithm);
        let issuer: &Issuer<'static, KeyPair> = &self.issuer;
        let certificate = wish.params.signed_by(&key, issuer).expect("it can be signed").pem();
        Issued { chain: format!("{certificate}{}", self.between), certificate, key: key.serialize_pem() }
    }

    /// A list that revokes the certificates of these numbers.
    #[must_use]
    pub fn revoke(&self, numbers: &[u64]) -> RevocationList {
        let revoked = |number: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*number),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: numbers.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer: &Issuer<'static, KeyPair> = &self.issuer;
        let list = params.signed_by(issuer).expect("it can be signed");
        RevocationList::from_pem(list.pem().expect("it has a text").as_bytes()).expect("it is a list")
    }

    /// Trust in it.
    #[must_use]
    pub fn trust(&self) -> TrustRoots {
        TrustRoots::from_pem(self.pem().as_bytes()).expect("it is a certificate")
    }
}

impl Issued {
    /// With its chain.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity::from_pem(self.chain.as_bytes(), self.key.as_bytes()).expect("the key is that of the certificate")
    }

    /// Without its chain.
    #[must_use]
    pub fn alone(&self) -> Identity {
        Identity::from_pem(self.certificate.as_bytes(), self.key.as_bytes())
            .expect("the key is that of the certificate")
    }
}

/// The authority that most tests trust. It is the same for all of a process.
#[must_use]
pub fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| Authority::new("Lariat's tests"))
}

/// Who is [`SERVER`].
#[must_use]
pub fn server() -> Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| authority().issue(&Wish::server(&[SERVER])).identity()).clone()
}

/// A server and a client that trusts it.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct TlsPair {
    pub acceptor: Acceptor,
    pub connector: Connector,
}

impl TlsPair {
    /// With the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|server| server, |client| client)
    }

    /// With other options.
    #[must_use]
    pub fn with(
        server_options: impl FnOnce(ServerOptions) -> ServerOptions,
        client_options: impl FnOnce(ClientOptions) -> ClientOptions,
    ) -> Self {
        let acceptor = server_options(ServerOptions::new(server())).build();
        let connector = client_options(ClientOptions::new().trust(authority().trust())).build();
        Self { acceptor: acceptor.expect("the options fit"), connector: connector.expect("the options fit") }
    }

    /// The client's side with [`SERVER`].
    #[must_use]
    pub fn to_server(&self) -> NamedConnector {
        self.connector.to(SERVER).expect("it is a name")
    }
}

impl Default for TlsPair {
    fn default() -> Self {
        Self::new()
    }
}
