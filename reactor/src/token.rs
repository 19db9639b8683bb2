//! The name of a source in the reactor's table.

use std::fmt;
use std::num::NonZeroU32;

/// A slab key and the generation of its slot, packed into one machine word.
///
/// The generation is new for every source, so an event that was meant for an earlier tenant of the slot is recognised
/// and dropped.
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Token {
    key: u32,
    generation: NonZeroU32,
}

impl Token {
    pub(crate) fn new(key: u32, generation: NonZeroU32) -> Self {
        Self { key, generation }
    }

    pub(crate) fn key(self) -> usize {
        self.key as usize
    }

    pub(crate) fn generation(self) -> NonZeroU32 {
        self.generation
    }

    /// The 64 bits that travel through the kernel.
    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.generation.get()) << 32 | u64::from(self.key)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "each half is one of the two fields")]
    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        Some(Self { key: bits as u32, generation: NonZeroU32::new((bits >> 32) as u32)? })
    }
}

#[cfg(target_pointer_width = "64")]
impl From<Token> for mio::Token {
    fn from(token: Token) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a pointer has 64 bits here")]
        Self(token.to_bits() as usize)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.key, self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_round_trip() {
        let token = Token::new(7, NonZeroU32::MAX);
        assert_eq!(Token::from_bits(token.to_bits()), Some(token));
    }

    #[test]
    fn zero_is_no_generation() {
        assert_eq!(Token::from_bits(7), None);
    }
}
