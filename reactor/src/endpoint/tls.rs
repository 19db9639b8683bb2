//! What a description says about TLS.

use std::fs::File;

use super::argument::Argument;
use super::description::Bound;
use crate::error::{Error, Result};
use crate::options::StreamOptions;
use crate::tls::{ClientOptions, Identity, RevocationList, ServerOptions, TlsVersion, TrustRoots};

/// The keywords of a server, besides those of TCP.
pub(super) const SERVER: [&str; 9] = [
    "privateKey",
    "certKey",
    "extraCertChain",
    "clientCA",
    "clientAuth",
    "crl",
    "alpn",
    "minimumVersion",
    "handshakeTimeout",
];

/// The keywords of a client, besides those of TCP. Some have two names, of which Twisted has one for `ssl:` and the other for `tls:`.
pub(super) const CLIENT: [&str; 13] = [
    "trustRoots",
    "caCertsDir",
    "serverName",
    "hostname",
    "privateKey",
    "certKey",
    "certificate",
    "extraCertChain",
    "pin",
    "crl",
    "alpn",
    "minimumVersion",
    "handshakeTimeout",
];

/// Has the connections of a port speak TLS as `arguments` say.
pub(super) fn server(arguments: &mut Bound<'_>, options: &mut StreamOptions) -> Result<()> {
    let key = arguments.require("privateKey", "the file of the private key (privateKey=…)")?;
    let certificate = arguments.take("certKey");
    let identity = identity(arguments, &key, certificate.as_ref())?;
    let mut server = ServerOptions::new(identity);
    let auth = arguments.take("clientAuth");
    let required = match auth.as_ref().map(|auth| &*auth.text) {
        None | Some("required") => true,
        Some("optional") => false,
        Some(_) => return Err(expected(auth.as_ref().unwrap_or(&key), "required or optional")),
    };
    let authority = arguments.take("clientCA");
    let asks_clients = authority.is_some();
    match (authority, &auth) {
        (Some(authority), _) => {
            let roots = TrustRoots::from_pem_file(readable(&authority)?);
            server = match required {
                true => server.require_client_certificate(roots),
                false => server.request_client_certificate(roots),
            };
        }
        (None, Some(auth)) => return Err(auth.place.invalid("clientAuth does not go without clientCA=…")),
        (None, None) => {}
    }
    if let Some(list) = arguments.take("crl") {
        if !asks_clients {
            let words =
                "crl does not go without clientCA=…: no client is asked for a certificate that could be on the list";
            return Err(list.place.invalid(words));
        }
        server = server.revocation_list(RevocationList::from_pem_file(readable(&list)?));
    }
    if let Some(alpn) = arguments.take("alpn") {
        server = server.alpn(protocols(&alpn)?);
    }
    if let Some(version) = arguments.take("minimumVersion") {
        server = server.minimum_version(minimum_version(&version)?);
    }
    if let Some(limit) = arguments.take("handshakeTimeout") {
        server = server.handshake_timeout(limit.seconds()?);
    }
    let acceptor = server.build().map_err(|error| at(&key, &error))?;
    *options = options.clone().tls(acceptor);
    Ok(())
}

/// Has a connection to `host` speak TLS as `arguments` say.
pub(super) fn client(arguments: &mut Bound<'_>, host: &Argument<'_>, options: &mut StreamOptions) -> Result<()> {
    let mut client = ClientOptions::new();
    let roots = either(arguments, "trustRoots", "caCertsDir")?;
    if let Some(roots) = &roots {
        client = client.trust(TrustRoots::from_pem_file(readable(roots)?));
    }
    let certificate = either(arguments, "certKey", "certificate")?;
    match (arguments.take("privateKey"), certificate) {
        (Some(key), certificate) => client = client.identity(identity(arguments, &key, certificate.as_ref())?),
        (None, Some(certificate)) => {
            return Err(certificate.place.invalid("a certificate does not go without its key, privateKey=…"));
        }
        (None, None) => {}
    }
    if let Some(pins) = arguments.take("pin") {
        client = hashes(&pins)?.into_iter().fold(client, ClientOptions::pin);
    }
    if let Some(list) = arguments.take("crl") {
        client = client.revocation_list(RevocationList::from_pem_file(readable(&list)?));
    }
    if let Some(alpn) = arguments.take("alpn") {
        client = client.alpn(protocols(&alpn)?);
    }
    if let Some(version) = arguments.take("minimumVersion") {
        client = client.minimum_version(minimum_version(&version)?);
    }
    if let Some(limit) = arguments.take("handshakeTimeout") {
        client = client.handshake_timeout(limit.seconds()?);
    }
    let name = either(arguments, "serverName", "hostname")?;
    let name = name.as_ref().unwrap_or(host);
    let connector = client.build().map_err(|error| at(roots.as_ref().unwrap_or(host), &error))?;
    *options = options.clone().tls(connector.to(&name.text).map_err(|error| at(name, &error))?);
    Ok(())
}

/// As in Twisted, the certificate is in the key's file unless it is said where else.
fn identity(arguments: &mut Bound<'_>, key: &Argument<'_>, certificate: Option<&Argument<'_>>) -> Result<Identity> {
    let certificate = certificate.unwrap_or(key);
    let more = arguments.take("extraCertChain");
    let key_file = readable(key)?;
    let mut chain = vec![readable(certificate)?];
    if let Some(more) = &more {
        chain.push(readable(more)?);
    }
    Identity::from_pem_files_with_chain(chain, key_file).map_err(|error| at(certificate, &error))
}

/// An argument that has two names.
fn either<'a>(arguments: &mut Bound<'a>, name: &str, other: &str) -> Result<Option<Argument<'a>>> {
    match (arguments.take(name), arguments.take(other)) {
        (Some(_), Some(second)) => {
            Err(second.place.invalid(format_args!("{name} and {other} are the same: give one of them")))
        }
        (first, second) => Ok(first.or(second)),
    }
}

/// The path of a file that can be read.
fn readable(path: &Argument<'_>) -> Result<String> {
    match File::open(&*path.text) {
        Ok(_) => Ok(path.text.clone().into_owned()),
        Err(error) => Err(path.place.invalid(format_args!("could not read the file `{}` ({error})", path.shown()))),
    }
}

/// `h2,http/1.1`
fn protocols(list: &Argument<'_>) -> Result<Vec<Vec<u8>>> {
    let names: Vec<Vec<u8>> = list.text.split(',').map(|name| name.as_bytes().to_vec()).collect();
    // A name takes one byte to tell its length (RFC 7301, section 3.1).
    let fit = names.iter().all(|name| (1..=255).contains(&name.len()));
    if fit { Ok(names) } else { Err(expected(list, "names of protocols, with commas between them")) }
}

fn minimum_version(version: &Argument<'_>) -> Result<TlsVersion> {
    match &*version.text {
        "1.2" => Ok(TlsVersion::Tls12),
        "1.3" => Ok(TlsVersion::Tls13),
        _ => Err(expected(version, "1.2 or 1.3")),
    }
}

/// Hashes in hexadecimal, with commas between them.
fn hashes(list: &Argument<'_>) -> Result<Vec<[u8; 32]>> {
    let hash = |text: &str| -> Option<[u8; 32]> {
        let digits = text.bytes().map(|digit| char::from(digit).to_digit(16)).collect::<Option<Vec<_>>>()?;
        let bytes = digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok());
        bytes.collect::<Option<Vec<_>>>()?.try_into().ok().filter(|_| digits.len() == 64)
    };
    let hashes: Option<Vec<_>> = list.text.split(',').map(hash).collect();
    hashes.ok_or_else(|| expected(list, "SHA-256 hashes of 64 hexadecimal digits, with commas between them"))
}

fn expected(argument: &Argument<'_>, what: &str) -> Error {
    argument.place.invalid(format_args!("expected {what}, found `{}`", argument.shown()))
}

fn at(argument: &Argument<'_>, error: &Error) -> Error {
    argument.place.invalid(error)
}
