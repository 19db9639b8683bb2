//! The table of everything that the reactor serves.

use std::mem;
use std::num::NonZeroU32;

use slab::Slab;

use crate::token::Token;

/// A slab whose keys carry a generation. A source is taken out of its slot while it is served, and a slot whose source
/// did not come back stays occupied until [`SourceTable::free_released`], so no token is reused within a batch of events.
#[derive(Debug)]
pub(crate) struct SourceTable<T> {
    slots: Slab<Slot<T>>,
    released: Vec<Token>,
    generation: NonZeroU32,
}

#[derive(Debug)]
struct Slot<T> {
    /// Never zero, which also lets the slab tell a vacant entry without a tag.
    generation: NonZeroU32,
    released: bool,
    source: Option<T>,
}

impl<T> SourceTable<T> {
    pub(crate) fn new() -> Self {
        Self { slots: Slab::new(), released: Vec::new(), generation: NonZeroU32::MIN }
    }

    /// Sources in the table, those being served included.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.released.len()
    }

    /// Makes a slot that is still empty, or nothing if the table is full.
    pub(crate) fn reserve(&mut self) -> Option<Token> {
        let key = u32::try_from(self.slots.vacant_key()).ok()?;
        let generation = self.generation;
        self.generation = generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.slots.insert(Slot { generation, released: false, source: None });
        Some(Token::new(key, generation))
    }

    /// Takes the source out for its turn; nothing if the token is stale or the source is out already.
    #[inline]
    pub(crate) fn take(&mut self, token: Token) -> Option<T> {
        let slot = self.slots.get_mut(token.key())?;
        if slot.generation != token.generation() {
            return None;
        }
        slot.source.take()
    }

    /// Puts a source back where it was taken from, or, with a stale token, gives it back.
    #[inline]
    pub(crate) fn put(&mut self, token: Token, source: T) -> Result<(), T> {
        match self.slots.get_mut(token.key()) {
            Some(slot) if slot.generation == token.generation() => {
                debug_assert!(slot.source.is_none(), "a source was put where another one is");
                // It is out, so there is nothing to drop.
                mem::forget(slot.source.replace(source));
                Ok(())
            }
            _ => Err(source),
        }
    }

    /// The source has ended: its token is stale from now on, its slot is free after the batch.
    pub(crate) fn release(&mut self, token: Token) {
        if let Some(slot) = self.slots.get_mut(token.key())
            && slot.generation == token.generation()
        {
            // No token has the generation that is given out next, nor any before it has been.
            slot.generation = self.generation;
            slot.released = true;
            self.released.push(token);
        }
    }

    /// Frees the slots released since the last call.
    #[inline]
    pub(crate) fn free_released(&mut self) {
        if !self.released.is_empty() {
            self.free();
        }
    }

    #[inline(never)]
    fn free(&mut self) {
        for token in self.released.drain(..) {
            self.slots.remove(token.key());
        }
        if self.slots.is_empty() && self.slots.capacity() > 1024 {
            self.slots = Slab::new();
        }
    }

    /// All sources that are not being served, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Token, &T)> {
        self.slots.iter().filter_map(|(key, slot)| {
            Some((Token::new(u32::try_from(key).ok()?, slot.generation), slot.source.as_ref()?))
        })
    }

    /// The tokens of all sources, in the order of their slots.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        let live = self.slots.iter().filter(|(_, slot)| !slot.released);
        live.filter_map(|(key, slot)| Some(Token::new(u32::try_from(key).ok()?, slot.generation))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_slot_is_not_reused_within_the_batch() {
        let mut table = SourceTable::new();
        let first = table.reserve().unwrap();
        assert_eq!(table.put(first, 'a'), Ok(()));
        assert_eq!(table.take(first), Some('a'));
        table.release(first);
        assert_eq!(table.len(), 0);
        let second = table.reserve().unwrap();
        assert_ne!(second.key(), first.key());
        table.free_released();
        assert_eq!(table.reserve().unwrap().key(), first.key());
    }

    #[test]
    fn a_stale_token_reaches_nobody() {
        let mut table = SourceTable::new();
        let old = table.reserve().unwrap();
        table.release(old);
        table.free_released();
        let new = table.reserve().unwrap();
        assert_eq!(table.put(new, 'b'), Ok(()));
        assert_eq!(old.key(), new.key());
        assert_eq!(table.take(old), None);
        assert_eq!(table.put(old, 'c'), Err('c'));
        table.release(old);
        assert_eq!(table.take(new), Some('b'));
    }

    #[test]
    fn a_token_is_stale_as_soon_as_it_is_released() {
        let mut table = SourceTable::new();
        let token = table.reserve().unwrap();
        table.release(token);
        assert_eq!(table.put(token, 'a'), Err('a'));
        table.release(token);
        assert_eq!(table.len(), 0);
        table.free_released();
        assert!(table.tokens().is_empty());
    }
}
