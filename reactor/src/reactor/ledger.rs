//! Who waits for results, and where each of them is.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::rc::{Rc, Weak};
use std::time::Duration;

use slab::Slab;

use crate::clock::Time;

/// A chain of callbacks that waits for a result, as long as it does.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChainId(u32);

impl ChainId {
    /// What a chain is that nobody will ever serve: it was made after the end.
    pub(crate) const NONE: Self = Self(u32::MAX);

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every chain that waits. In the common case an entry is all that is kept of it here; it has 32 bytes.
pub(crate) struct Ledger<J: ?Sized> {
    chains: Slab<Chain<J>>,
    /// The names of those that have some, the outermost first.
    names: BTreeMap<ChainId, Vec<Cow<'static, str>>>,
    /// Where results are made that other chains wait for; so many as there are places in the program that do so.
    places: Vec<&'static Location<'static>>,
}

struct Chain<J: ?Sized> {
    /// Where its result is, or will come from.
    at: Weak<J>,
    made: &'static Location<'static>,
    /// In units of 2^26 ns, some 67 ms: they last for nine years.
    since: u32,
    /// One more than the index of the place where that was made which it waits for now, or 0 while that is its own.
    inner: u16,
    /// It was cancelled when there was nothing to be cancelled: so the next thing that it waits for is.
    cancelled: bool,
}

/// What can be told of a chain.
pub(crate) struct ChainInfo<J: ?Sized> {
    pub(crate) id: ChainId,
    pub(crate) name: ChainName,
    pub(crate) inner: Option<&'static Location<'static>>,
    pub(crate) since: Duration,
    pub(crate) at: Option<Rc<J>>,
}

impl<J: ?Sized> Ledger<J> {
    pub(crate) const fn new() -> Self {
        Self { chains: Slab::new(), names: BTreeMap::new(), places: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.chains.len()
    }

    /// The id that the next chain gets.
    #[inline]
    pub(crate) fn next_id(&self) -> ChainId {
        // Memory ends long before there are four thousand million chains.
        ChainId(u32::try_from(self.chains.vacant_key()).unwrap_or(u32::MAX))
    }

    /// Enters a chain under [`next_id`](Self::next_id).
    #[inline]
    pub(crate) fn enter(&mut self, at: Weak<J>, made: &'static Location<'static>, now: Time) {
        self.chains.insert(Chain { at, made, since: units(now), inner: 0, cancelled: false });
    }

    /// The chain is over.
    #[inline]
    pub(crate) fn remove(&mut self, id: ChainId) {
        self.chains.try_remove(id.index());
        if !self.names.is_empty() {
            self.names.remove(&id);
        }
    }

    /// The chain goes on from `at`.
    pub(crate) fn move_to(&mut self, id: ChainId, at: Weak<J>) {
        if let Some(chain) = self.chains.get_mut(id.index()) {
            chain.at = at;
        }
    }

    /// From now on `outer` waits for what `inner` waited for, and there is no `inner` any more.
    pub(crate) fn adopt(&mut self, outer: ChainId, inner: ChainId) -> Adopted<J> {
        let Some(found) = self.chains.try_remove(inner.index()) else { return Adopted { at: None, cancelled: false } };
        let at = found.at.upgrade();
        let place = if found.inner == 0 { self.place(found.made) } else { found.inner };
        let names = self.names.remove(&inner);
        let Some(chain) = self.chains.get_mut(outer.index()) else { return Adopted { at, cancelled: true } };
        chain.at = found.at;
        chain.inner = place;
        if let Some(names) = names {
            self.names.entry(outer).or_default().extend(names);
        }
        Adopted { at, cancelled: std::mem::take(&mut chain.cancelled) || found.cancelled }
    }

    /// Has the chain been cancelled while nothing could be? It counts once.
    pub(crate) fn set_cancelled(&mut self, id: ChainId, cancelled: bool) {
        if let Some(chain) = self.chains.get_mut(id.index()) {
            chain.cancelled = cancelled;
        }
    }

    /// What it is called in messages.
    pub(crate) fn describe_one(&self, id: ChainId) -> ChainName {
        let made = self.chains.get(id.index()).map(|chain| chain.made);
        ChainName { names: self.names(id).to_vec(), made }
    }

    pub(crate) fn at(&self, id: ChainId) -> Option<Rc<J>> {
        self.chains.get(id.index())?.at.upgrade()
    }

    pub(crate) fn names(&self, id: ChainId) -> &[Cow<'static, str>] {
        self.names.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Names what the chain is so far.
    pub(crate) fn push_name(&mut self, id: ChainId, name: Cow<'static, str>) {
        if self.chains.contains(id.index()) {
            self.names.entry(id).or_default().insert(0, name);
        }
    }

    /// What the innermost name stood for is there.
    pub(crate) fn pop_name(&mut self, id: ChainId) -> Option<Cow<'static, str>> {
        let names = self.names.get_mut(&id)?;
        let name = names.pop();
        if names.is_empty() {
            self.names.remove(&id);
        }
        name
    }

    /// Where every chain is that waits.
    pub(crate) fn all_at(&self) -> Vec<Rc<J>> {
        self.chains.iter().filter_map(|(_, chain)| chain.at.upgrade()).collect()
    }

    pub(crate) fn describe(&self, now: Time) -> Vec<ChainInfo<J>> {
        let describe = |(index, chain): (usize, &Chain<J>)| {
            let id = ChainId(u32::try_from(index).ok()?);
            Some(ChainInfo {
                id,
                name: self.describe_one(id),
                inner: usize::from(chain.inner).checked_sub(1).and_then(|place| self.places.get(place).copied()),
                since: Duration::from_nanos(u64::from(units(now).wrapping_sub(chain.since)) << 26),
                at: chain.at.upgrade(),
            })
        };
        self.chains.iter().filter_map(describe).collect()
    }

    fn place(&mut self, place: &'static Location<'static>) -> u16 {
        let known = self.places.iter().position(|known| std::ptr::eq(*known, place));
        let index = known.unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        });
        u16::try_from(index + 1).unwrap_or(0)
    }
}

/// A chain, for people: its names, and where it was made.
#[derive(Clone, Debug)]
pub(crate) struct ChainName {
    pub(crate) names: Vec<Cow<'static, str>>,
    /// Nothing once it is over.
    pub(crate) made: Option<&'static Location<'static>>,
}

impl fmt::Display for ChainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the Deferred ")?;
        for (index, name) in self.names.iter().enumerate() {
            write!(f, "{}{name:?}", if index == 0 { "" } else { " in " })?;
        }
        match self.made {
            Some(made) if self.names.is_empty() => write!(f, "made at {made}"),
            Some(made) => write!(f, ", made at {made},"),
            None => Ok(()),
        }
    }
}

/// What a chain takes over from another.
pub(crate) struct Adopted<J: ?Sized> {
    pub(crate) at: Option<Rc<J>>,
    /// It is to be cancelled at once.
    pub(crate) cancelled: bool,
}

#[expect(clippy::cast_possible_truncation, reason = "only differences count, so it may wrap around")]
fn units(time: Time) -> u32 {
    (time.nanos_since(Time::default()) >> 26) as u32
}
