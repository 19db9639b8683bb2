//! The few fields of a certificate that webpki does not give: version, validity, the size of an RSA key (RFC 5280, section 4.1).

/// One DER element: its tag, its content, and the bytes after it.
type Element<'a> = (u8, &'a [u8], &'a [u8]);

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// The explicit tag 0, which the version has.
const VERSION: u8 = 0xa0;

/// The object identifier 1.2.840.113549.1.1.1, `rsaEncryption`, with tag and length.
const RSA: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// The fields of a certificate, unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    /// 1 to 3.
    pub(super) version: u8,
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    /// In seconds since 1970; none if it cannot be read, or is earlier.
    pub(super) not_before: Option<u64>,
    pub(super) not_after: Option<u64>,
    /// The subject's public key information, as DER with tag and length.
    pub(super) key: &'a [u8],
    /// The size of the key, if it is one of RSA.
    pub(super) rsa_bits: Option<usize>,
}

/// Reads a certificate; none if it is malformed.
pub(super) fn fields(certificate: &[u8]) -> Option<Fields<'_>> {
    let (certificate, _) = expect(SEQUENCE, certificate)?;
    let (signed, _) = expect(SEQUENCE, certificate)?;
    let (version, rest) = match element(signed)? {
        (VERSION, version, rest) => (expect(INTEGER, version)?.0.last()?.saturating_add(1), rest),
        // Left out, it is version 1.
        _ => (1, signed),
    };
    let (_serial, rest) = expect(INTEGER, rest)?;
    let (_algorithm, rest) = expect(SEQUENCE, rest)?;
    let (issuer, rest) = expect(SEQUENCE, rest)?;
    let (validity, rest) = expect(SEQUENCE, rest)?;
    let (subject, rest) = expect(SEQUENCE, rest)?;
    let (key, after) = expect(SEQUENCE, rest)?;
    let (not_before, validity) = time(validity)?;
    let (not_after, _) = time(validity)?;
    let whole_key = &rest[..rest.len() - after.len()];
    Some(Fields { version, issuer, subject, not_before, not_after, key: whole_key, rsa_bits: rsa_bits(key) })
}

fn element(input: &[u8]) -> Option<Element<'_>> {
    let [tag, length, rest @ ..] = input else { return None };
    let (length, rest) = match *length {
        short @ ..=0x7f => (usize::from(short), rest),
        long => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            if !(1..=4).contains(&bytes.len()) {
                return None;
            }
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// The content of the first element, which must have this tag, and the bytes after it.
fn expect(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    element(input).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// The size of an RSA key in the content of a `SubjectPublicKeyInfo` (RFC 8017, appendix A.1.1).
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let (algorithm, rest) = expect(SEQUENCE, key)?;
    if !algorithm.starts_with(&RSA) {
        return None;
    }
    let (bits, _) = expect(BIT_STRING, rest)?;
    // The first byte of a bit string counts the unused bits of its last.
    let (rsa, _) = expect(SEQUENCE, bits.get(1..)?)?;
    let (modulus, _) = expect(INTEGER, rsa)?;
    let significant = modulus.iter().position(|byte| *byte != 0).map(|at| &modulus[at..])?;
    Some(significant.len() * 8 - significant.first()?.leading_zeros() as usize)
}

/// A time in seconds since 1970, and the bytes after it.
fn time(input: &[u8]) -> Option<(Option<u64>, &[u8])> {
    let (tag, text, rest) = element(input)?;
    let digits = text.strip_suffix(b"Z")?;
    let (year, rest_of_time) = match (tag, digits.len()) {
        // Two digits stand for the years from 1950 to 2049 (RFC 5280, section 4.1.2.5.1).
        (UTC_TIME, 12) => {
            let year = number(&digits[..2])?;
            (if year < 50 { 2000 + year } else { 1900 + year }, &digits[2..])
        }
        (GENERALIZED_TIME, 14) => (number(&digits[..4])?, &digits[4..]),
        _ => return None,
    };
    let mut parts = rest_of_time.chunks(2).map(number);
    let mut next = || parts.next().flatten();
    let (month, day, hour, minute, second) = (next()?, next()?, next()?, next()?, next()?);
    let days = days_before(year, month, day);
    Some((days.map(|days| days * 86_400 + hour * 3600 + minute * 60 + second), rest))
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(number * 10 + digit)
    })
}

/// The days from the first of January 1970 to a day of the Gregorian calendar.
fn days_before(year: u64, month: u64, day: u64) -> Option<u64> {
    // Years begin in March here, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day.checked_sub(1)?;
    days.checked_sub(719_468)
}

/// The smallest RSA keys that are accepted (NIST SP 800-131A, and what ring takes).
const LEAST_RSA_BITS: usize = 2048;

/// Returns why a certificate with these fields is refused, regardless of its issuer.
pub(super) fn unusable(fields: &Fields<'_>) -> Option<String> {
    if fields.version < 3 {
        let version = fields.version;
        return Some(format!(
            "is of X.509 version {version}, which has no names for TLS: make one of version 3, with a subject alternative name"
        ));
    }
    fields.rsa_bits.filter(|bits| *bits < LEAST_RSA_BITS).map(|bits| {
        format!("has an RSA key of {bits} bits, and {LEAST_RSA_BITS} are required: make a new key and certificate")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_seconds_since_1970() {
        let utc = |text: &str| [&[UTC_TIME, 13], text.as_bytes()].concat();
        let general = |text: &str| [&[GENERALIZED_TIME, 15], text.as_bytes()].concat();
        for (der, seconds) in [
            (utc("700101000000Z"), Some(0)),
            (utc("240229120000Z"), Some(1_709_208_000)),
            (general("20991231235959Z"), Some(4_102_444_799)),
            (general("19491231235959Z"), None),
        ] {
            assert_eq!(time(&der), Some((seconds, &[][..])));
        }
        assert_eq!(time(&utc("7001010000x0Z")), None);
    }

    #[test]
    fn the_fields_of_a_certificate_are_read() {
        let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        let der = made.cert.der();
        let fields = fields(der).unwrap();
        assert_eq!((fields.version, fields.rsa_bits), (3, None));
        assert_eq!(fields.issuer, fields.subject);
        assert_eq!(fields.not_before, Some(157_766_400), "rcgen's default is the year 1975");
        let parsed = webpki::EndEntityCert::try_from(der).unwrap();
        assert_eq!(parsed.subject_public_key_info().as_ref(), fields.key);
    }

    #[test]
    fn a_certificate_that_is_cut_anywhere_has_no_fields() {
        let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        let der = made.cert.der();
        for length in 0..der.len() {
            assert_eq!(fields(&der[..length]), None, "{length} bytes");
        }
    }
}
