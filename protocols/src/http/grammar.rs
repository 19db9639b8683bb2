//! The letters that a head is made of (RFC 9110, section 5.6; RFC 9112, section 3).

use wide::u8x16;

/// What may stand where, a bit for each place.
const TOKEN: u8 = 1;
const HOST: u8 = 1 << 1;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let is_letter = byte.is_ascii_alphanumeric();
        if is_letter || contains(b"!#$%&'*+-.^_`|~", byte) {
            classes[byte as usize] |= TOKEN;
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
    // Names are of letters and hyphens, with few exceptions.
    let length = unmarked(bytes, |window| {
        let lower = window | u8x16::splat(b'a' - b'A');
        let is_letter = lower.simd_ge(u8x16::splat(b'a')) & lower.simd_le(u8x16::splat(b'z'));
        !(is_letter | window.simd_eq(u8x16::splat(b'-')))
    });
    if bytes.get(length) == Some(&b':') { length } else { length_of(TOKEN, bytes, length) }
}

/// How many of the first bytes may be in a target.
#[inline(always)]
pub(super) fn target_length(bytes: &[u8]) -> usize {
    unmarked(bytes, outside_target)
}

/// The same without what a question mark begins.
#[inline(always)]
pub(super) fn path_length(bytes: &[u8]) -> usize {
    unmarked(bytes, |window| outside_target(window) | window.simd_eq(u8x16::splat(b'?')))
}

#[inline(always)]
fn outside_target(window: u8x16) -> u8x16 {
    let is_graphic = window.simd_ge(u8x16::splat(b'!')) & window.simd_le(u8x16::splat(b'~'));
    !is_graphic | window.simd_eq(u8x16::splat(b'#'))
}

/// How many of the first bytes may be in a value: whatever is no control character, and tabs.
#[inline(always)]
pub(super) fn value_length(bytes: &[u8]) -> usize {
    unmarked(bytes, |window| {
        let is_value = window.simd_ge(u8x16::splat(b' ')) | window.simd_eq(u8x16::splat(b'\t'));
        !is_value | window.simd_eq(u8x16::splat(0x7f))
    })
}

/// How many of the first bytes may be in the name of a host.
#[inline(always)]
pub(super) fn host_length(bytes: &[u8]) -> usize {
    length_of(HOST, bytes, 0)
}

/// How many of the first bytes are of the class, if those before `from` are.
#[inline(always)]
fn length_of(class: u8, bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| CLASSES[usize::from(*byte)] & class == 0).unwrap_or(rest.len())
}

/// How many of the first bytes are such that `marks` leaves their highest bit clear. It looks at sixteen at a time, and has to mark NUL.
#[inline(always)]
fn unmarked(bytes: &[u8], marks: impl Fn(u8x16) -> u8x16) -> usize {
    let (windows, rest) = bytes.as_chunks::<16>();
    let mut length = 0;
    for window in windows {
        let found = marks(u8x16::new(*window)).to_bitmask();
        if found != 0 {
            return length + found.trailing_zeros() as usize;
        }
        length += window.len();
    }
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    length + marks(u8x16::new(last)).to_bitmask().trailing_zeros() as usize
}

/// Is every byte one that a name may be made of, and is there one?
pub(super) fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && token_length(name) == name.len()
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

    /// Every byte at every place of texts from none to three windows long, against one rule for a byte.
    fn ends_where_the_rule_says(length_of: impl Fn(&[u8]) -> usize, may_stand: impl Fn(u8) -> bool) {
        for byte in 0..=255_u8 {
            for length in 0..50 {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    let expected = if may_stand(byte) { length } else { place };
                    assert_eq!(length_of(&bytes), expected, "{byte} at {place} of {length}");
                }
            }
        }
        assert_eq!(length_of(b""), 0);
    }

    #[test]
    fn names_end_at_the_first_byte_that_no_token_has() {
        ends_where_the_rule_says(token_length, |byte| {
            byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
        });
    }

    #[test]
    fn targets_end_at_the_first_byte_that_no_target_has_and_paths_at_a_question_mark_too() {
        ends_where_the_rule_says(target_length, |byte| byte.is_ascii_graphic() && byte != b'#');
        ends_where_the_rule_says(path_length, |byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'?');
    }

    #[test]
    fn values_end_at_the_first_control_character_that_is_no_tab() {
        ends_where_the_rule_says(value_length, |byte| byte == b'\t' || !byte.is_ascii_control());
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
