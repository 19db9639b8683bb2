//! Reading PEM texts (RFC 7468), and naming what is wrong with one.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

/// The certificates in a PEM text: at least one.
pub(super) fn certificates_in(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    check(text)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    not_empty(found, text, "certificate", "CERTIFICATE")
}

/// The revocation lists in a PEM text: at least one.
pub(super) fn lists_in(text: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    check(text)?;
    let found: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(text).collect();
    not_empty(found, text, "revocation list", "X509 CRL")
}

/// The first private key in a PEM text.
pub(super) fn key_in(text: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    check(text)?;
    let mut lines = text.split(|byte| *byte == b'\n');
    if lines.any(|line| line.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY") || is_encrypted_header(line)) {
        return Err("the private key is encrypted with a passphrase, which is not supported: decrypt it with `openssl pkey -in \
                    FILE -out DECRYPTED`, and let only the server's user read the result"
            .to_owned());
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => missing(text, "private key", "PRIVATE KEY"),
        error => invalid(&error),
    })
}

/// The header of OpenSSL's older formats for encrypted keys, PKCS #1 and SEC1 (RFC 1421, section 4.6.1.1).
fn is_encrypted_header(line: &[u8]) -> bool {
    line.starts_with(b"Proc-Type:") && line.windows(9).any(|word| word == b"ENCRYPTED")
}

fn not_empty<T>(found: Result<Vec<T>, pem::Error>, text: &[u8], what: &str, label: &str) -> Result<Vec<T>, String> {
    match found {
        Ok(found) if found.is_empty() => Err(missing(text, what, label)),
        Ok(found) => Ok(found),
        Err(error) => Err(invalid(&error)),
    }
}

fn invalid(error: &pem::Error) -> String {
    format!("it is no valid PEM text: {error}")
}

fn missing(text: &[u8], what: &str, label: &str) -> String {
    if text.first() == Some(&0x30) {
        return format!(
            "it holds no PEM text, and begins as DER does: convert it with `openssl … -inform der`, so that it has a line \
             `-----BEGIN {label}-----`"
        );
    }
    let others: Vec<String> = text.split(|byte| *byte == b'\n').filter_map(label_of).collect();
    let found = if others.is_empty() { String::new() } else { format!("; found: {}", others.join(", ")) };
    format!("there is no {what} in it (PEM has a line `-----BEGIN {label}-----`){found}")
}

fn label_of(line: &[u8]) -> Option<String> {
    let label = line.strip_prefix(BEGIN)?.trim_ascii_end().strip_suffix(b"-----")?;
    Some(label[..label.len().min(40)].escape_ascii().to_string())
}

/// Names what keeps items of a text from being seen: a parser that skips everything outside `BEGIN` and `END` lines would leave
/// them out without a word.
fn check(text: &[u8]) -> Result<(), String> {
    if text.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Err("it begins with a byte order mark (BOM), which hides its first line: save it as UTF-8 without BOM"
            .to_owned());
    }
    if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
        return Err("it is encoded in UTF-16: save it as ASCII or as UTF-8 without BOM".to_owned());
    }
    let mut open: Option<(usize, String)> = None;
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let number = at + 1;
        let bare = line.trim_ascii_start();
        let is_boundary = bare.starts_with(BEGIN) || bare.starts_with(END);
        if bare.len() < line.len() && !bare.is_empty() && (is_boundary || open.is_some()) {
            return Err(format!(
                "line {number} is indented, which PEM does not allow: remove the white space before it"
            ));
        }
        if line.starts_with(BEGIN) {
            if let Some((begun, label)) = open {
                return Err(cut_short(begun, &label));
            }
            open = Some((number, label_of(line).unwrap_or_else(|| "?".to_owned())));
        } else if line.starts_with(END) {
            open = None;
        }
    }
    open.map_or(Ok(()), |(begun, label)| Err(cut_short(begun, &label)))
}

fn cut_short(begun: usize, label: &str) -> String {
    format!("the {label} that begins in line {begun} has no END line: the text is cut short, copy it again")
}
