//! The letters that a head is made of (RFC 9110, section 5.6; RFC 9112, section 3).

/// What may stand where, a bit for each place.
const TOKEN: u8 = 1;
const TARGET: u8 = 1 << 1;
const HOST: u8 = 1 << 2;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let is_letter = byte.is_ascii_alphanumeric();
        if is_letter || contains(b"!#$%&'*+-.^_`|~", byte) {
            classes[byte as usize] |= TOKEN;
        }
        if byte.is_ascii_graphic() && byte != b'#' {
            classes[byte as usize] |= TARGET;
        }
        if is_letter || contains(b"-._~%!$&'()*+;=", byte) {
            classes[byte as usize] |= HOST;
        }
        byte += 1;
    }
    classes
}

const fn contains(set: &[u8], byte: u8) -> bool {
    let mut place = 0;
    while place < set.len() {
        if set[place] == byte {
            return true;
        }
        place += 1;
    }
    false
}

/// How many of the first bytes may be in a name or a method.
#[inline(always)]
pub(super) fn token_length(bytes: &[u8]) -> usize {
    length_of(TOKEN, bytes)
}

/// How many of the first bytes may be in a target.
#[inline(always)]
pub(super) fn target_length(bytes: &[u8]) -> usize {
    length_of(TARGET, bytes)
}

/// How many of the first bytes may be in the name of a host.
#[inline(always)]
pub(super) fn host_length(bytes: &[u8]) -> usize {
    length_of(HOST, bytes)
}

/// Eight at a time, which is a third of the work.
#[inline(always)]
fn length_of(class: u8, bytes: &[u8]) -> usize {
    let is_other = |byte: u8| CLASSES[usize::from(byte)] & class == 0;
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut place = 0;
    for eight in eights {
        for (offset, byte) in eight.iter().enumerate() {
            if is_other(*byte) {
                return place + offset;
            }
        }
        place += 8;
    }
    place + rest.iter().position(|byte| is_other(*byte)).unwrap_or(rest.len())
}

/// Is every byte one that a name may be made of, and is there one?
pub(super) fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && token_length(name) == name.len()
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);

/// How many of the first bytes may be in a value: whatever is no control character, and tabs.
#[inline(always)]
pub(super) fn value_length(bytes: &[u8]) -> usize {
    let mut place = 0;
    loop {
        place += plain_length(&bytes[place..]);
        if bytes.get(place) != Some(&b'\t') {
            return place;
        }
        place += 1;
    }
}

/// How many of the first bytes are no control characters. It looks at eight at a time.
#[inline(always)]
fn plain_length(bytes: &[u8]) -> usize {
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut place = 0;
    for eight in eights {
        let word = u64::from_le_bytes(*eight);
        // The first sum has the highest bit of each byte set that is DEL, and the difference that of each below a space, and perhaps,
        // by a borrow, of others above the first: so the lowest that is set is right.
        let found = (((word & !HIGHS) + ONES) | word.wrapping_sub(ONES * 0x20)) & !word & HIGHS;
        if found != 0 {
            return place + (found.trailing_zeros() / 8) as usize;
        }
        place += 8;
    }
    place + rest.iter().position(|byte| *byte < b' ' || *byte == 0x7f).unwrap_or(rest.len())
}

/// Is `name`, which is a token, this one? `lower` has no upper-case letters.
#[inline(always)]
pub(super) fn is_name<const LENGTH: usize>(name: &[u8], lower: &[u8; LENGTH]) -> bool {
    // Of the bytes of tokens, only those that are the same letter differ in this bit alone.
    let Some(name) = name.first_chunk::<LENGTH>().filter(|_| name.len() == LENGTH) else { return false };
    name.iter().zip(lower).fold(0, |differences, (byte, lower)| differences | ((byte | 0x20) ^ lower)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_at_the_first_control_character_wherever_it_stands() {
        for byte in 0..=255_u8 {
            for place in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[place] = byte;
                let ends = (byte < b' ' && byte != b'\t') || byte == 0x7f;
                assert_eq!(value_length(&bytes), if ends { place } else { 20 }, "{byte} at {place}");
                bytes[19] = b'\n';
                assert_eq!(value_length(&bytes), if ends { place } else { 19 }, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn a_name_is_the_same_in_any_case_and_no_other_token_is() {
        assert!(is_name(b"Content-Length", b"content-length") && is_name(b"HOST", b"host"));
        assert!(!is_name(b"Hos", b"host") && !is_name(b"Hosts", b"host") && !is_name(b"Host", b"hosu"));
        for byte in (0..128_u8).filter(|byte| is_token(&[*byte])) {
            assert_eq!(is_name(&[byte], b"-"), byte == b'-', "{byte}");
            assert_eq!(is_name(&[byte], b"k"), byte == b'k' || byte == b'K', "{byte}");
        }
    }
}
