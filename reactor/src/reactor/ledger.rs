//! The table of chains: which Deferreds wait for results, and where each result will come from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Time;

use super::task_id::TaskId;

/// A chain of callbacks that waits for a result, as long as it does.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ChainId(u32);

impl ChainId {
    /// A chain that was made after the end of the reactor: the table has no entry for it.
    pub(crate) const NONE: Self = Self(u32::MAX);

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// The source of a result. A resolver keeps it for longer than the entry exists, so ids are not used again for others.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceId {
    index: u32,
    serial: u32,
}

impl SourceId {
    /// A source that was made after the end of the reactor.
    pub(crate) const NONE: Self = Self { index: u32::MAX, serial: 0 };

    /// The chain that begins at this source.
    pub(crate) fn chain(self) -> ChainId {
        ChainId(self.index)
    }
}

/// Cancels a source, and knows the chains whose results the source is made of.
pub(crate) trait Awaits {
    fn visit_awaited(&self, visit: &mut dyn FnMut(ChainId));
}

/// The action that cancels a source.
#[derive(Default)]
pub(crate) enum Origin<K> {
    #[default]
    None,
    /// Ends the task whose output is the result.
    Task(TaskId),
    Canceller(K),
}

/// Every source that has no result yet, and every chain that is not over.
///
/// An entry is both at first: a source, and the chain that begins there. The two part when a callback returns a Deferred. Then the
/// chain of the callback, whose own source is used up, is served by the source of the returned chain:
///
/// ```text
/// Own ── adopts a chain ──▶ Served by another entry ── that one settles ──▶ Own
/// Own ── is adopted ──▶ Serves another entry ── settles ──▶ removed
/// ```
///
/// Links are one step long in both directions, so a recursion of any depth takes constant time for each level.
pub(crate) struct Ledger<J: ?Sized, K> {
    /// An entry stays where it is and is used again: a `Slab` would move each one in and out.
    entries: Vec<Entry<J, K>>,
    /// The first entry that is free; its `link` leads to the next one.
    free: u32,
    /// Entries that are not free.
    used: usize,
    /// Entries that serve others; they are no chains any more.
    serving: usize,
    /// The serial number of the last source.
    serial: u32,
    /// The reactor has ended: what is left are results for handles, and counts no more.
    is_closed: bool,
    /// The names of those that have some, the outermost first.
    names: BTreeMap<ChainId, Vec<Cow<'static, str>>>,
    /// The places in the program that made results for which other chains wait.
    places: Vec<&'static Location<'static>>,
}

/// 56 bytes.
struct Entry<J: ?Sized, K> {
    /// The first callback, which takes the result. Once settled, the holder of a result that no callback takes yet.
    next: Option<Rc<J>>,
    origin: Origin<K>,
    made: &'static Location<'static>,
    serial: u32,
    /// In units of 2^26 ns, some 67 ms: they last for nine years.
    since: u32,
    /// The entry that this one serves, or is served by; `role` says which. Of a free entry, the next one that is free.
    link: u32,
    /// One more than the index of the place where that was made which it waits for now, or 0 while that is its own.
    inner: u16,
    role: Role,
    stage: Stage,
    /// The chain was cancelled when there was nothing to be cancelled: so the next thing that it waits for is.
    cancelled: bool,
    /// No callback and no handle is left: the result is discarded.
    discards: bool,
}

#[derive(Copy, Clone, PartialEq, Eq)]
enum Role {
    /// A source with its own chain, or a chain whose result is on its way.
    Own,
    Serves,
    ServedBy,
}

/// The end of the list of free entries.
const END: u32 = u32::MAX;

/// The progress of a source.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Stage {
    /// The entry is neither a source nor a chain.
    Free,
    Waiting,
    /// The canceller is about to run.
    Cancelling,
    Settled,
}

/// A source that has just been settled.
pub(crate) struct Settled<J: ?Sized, K> {
    /// The chain to which the result belongs.
    pub(crate) chain: ChainId,
    pub(crate) next: Option<Rc<J>>,
    /// The caller drops it while nothing is borrowed.
    pub(crate) origin: Origin<K>,
    pub(crate) discards: bool,
}

/// The description of a chain.
pub(crate) struct ChainInfo {
    pub(crate) id: ChainId,
    pub(crate) name: ChainName,
    pub(crate) inner: Option<&'static Location<'static>>,
    pub(crate) since: Duration,
    /// The result is on its way through the callbacks.
    pub(crate) is_settled: bool,
    /// The chains whose results this result is made of.
    pub(crate) awaited: Vec<ChainId>,
}

impl<J: ?Sized, K: Awaits> Ledger<J, K> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: END,
            used: 0,
            serving: 0,
            serial: 0,
            is_closed: false,
            names: BTreeMap::new(),
            places: Vec::new(),
        }
    }

    /// Chains that are not over.
    pub(crate) fn len(&self) -> usize {
        if self.is_closed { 0 } else { self.used - self.serving }
    }

    /// Enters a source that waits, without an origin, and the chain that begins there.
    #[inline(always)]
    pub(crate) fn enter(&mut self, made: &'static Location<'static>, now: Time) -> SourceId {
        if self.free == END {
            self.add_entry(made);
        }
        let index = self.free;
        self.serial = self.serial.wrapping_add(1);
        let serial = self.serial;
        if let Some(entry) = self.entries.get_mut(index as usize) {
            self.free = entry.link;
            self.used += 1;
            entry.serial = serial;
            entry.made = made;
            entry.since = units(now);
            (entry.inner, entry.role, entry.stage) = (0, Role::Own, Stage::Waiting);
            (entry.cancelled, entry.discards) = (false, false);
        }
        SourceId { index, serial }
    }

    /// Enters a source that waits for `origin`.
    #[inline]
    pub(crate) fn enter_from(&mut self, origin: Origin<K>, made: &'static Location<'static>, now: Time) -> SourceId {
        let source = self.enter(made, now);
        if let Some(entry) = self.entries.get_mut(source.index as usize) {
            entry.origin = origin;
        }
        source
    }

    /// Enters a chain whose result is there: `held` has it.
    pub(crate) fn enter_settled(&mut self, held: Rc<J>, made: &'static Location<'static>, now: Time) -> ChainId {
        let chain = self.enter(made, now).chain();
        if let Some(entry) = self.get_mut(chain) {
            entry.stage = Stage::Settled;
            entry.next = Some(held);
        }
        chain
    }

    #[cold]
    fn add_entry(&mut self, made: &'static Location<'static>) {
        // Memory ends long before there are four thousand million chains.
        self.free = u32::try_from(self.entries.len()).unwrap_or(END);
        self.entries.push(Entry {
            next: None,
            origin: Origin::None,
            made,
            serial: 0,
            since: 0,
            link: END,
            inner: 0,
            role: Role::Own,
            stage: Stage::Free,
            cancelled: false,
            discards: false,
        });
    }

    /// Frees an entry that holds no callback and no canceller any more.
    #[inline(always)]
    fn free(&mut self, id: ChainId) {
        let free = self.free;
        if let Some(entry) = self.get_mut(id) {
            debug_assert!(entry.next.is_none() && matches!(entry.origin, Origin::None), "it would be dropped here");
            entry.stage = Stage::Free;
            entry.link = free;
            self.free = id.0;
            self.used -= 1;
        }
    }

    #[inline]
    fn get(&self, id: ChainId) -> Option<&Entry<J, K>> {
        self.entries.get(id.index()).filter(|entry| entry.stage != Stage::Free)
    }

    #[inline]
    fn get_mut(&mut self, id: ChainId) -> Option<&mut Entry<J, K>> {
        self.entries.get_mut(id.index()).filter(|entry| entry.stage != Stage::Free)
    }

    #[inline]
    fn source_mut(&mut self, source: SourceId) -> Option<&mut Entry<J, K>> {
        let entry = self.entries.get_mut(source.index as usize)?;
        let waits = entry.serial == source.serial && matches!(entry.stage, Stage::Waiting | Stage::Cancelling);
        waits.then_some(entry)
    }

    /// Returns whether a result is still awaited from `source`, and nothing has cancelled it.
    pub(crate) fn is_waiting(&mut self, source: SourceId) -> bool {
        self.source_mut(source).is_some_and(|entry| entry.stage == Stage::Waiting)
    }

    /// The common case of [`settle`](Self::settle): the source has a callback and no canceller, and serves its own chain. Returns the
    /// callback, or nothing if that is not so.
    #[inline]
    pub(crate) fn settle_plain(&mut self, source: SourceId) -> Option<Rc<J>> {
        let entry = self.entries.get_mut(source.index as usize)?;
        let is_plain = entry.serial == source.serial
            && entry.stage == Stage::Waiting
            && entry.role == Role::Own
            && matches!(entry.origin, Origin::None);
        if !is_plain {
            return None;
        }
        let next = entry.next.take()?;
        entry.stage = Stage::Settled;
        Some(next)
    }

    /// Marks the source as settled. Returns nothing if it was settled before.
    pub(crate) fn settle(&mut self, source: SourceId) -> Option<Settled<J, K>> {
        let entry = self.source_mut(source)?;
        let (next, origin, discards) = (entry.next.take(), mem::take(&mut entry.origin), entry.discards);
        entry.stage = Stage::Settled;
        let chain = if entry.role == Role::Own { source.chain() } else { self.stop_serving(source.chain()) };
        Some(Settled { chain, next, origin, discards })
    }

    /// Removes an entry that serves another, which is a chain with its result on its way from now on.
    #[inline(never)]
    fn stop_serving(&mut self, server: ChainId) -> ChainId {
        let Some(entry) = self.get_mut(server) else { return server };
        let chain = ChainId(entry.link);
        self.free(server);
        self.serving -= 1;
        if let Some(served) = self.get_mut(chain) {
            served.role = Role::Own;
            served.stage = Stage::Settled;
        }
        chain
    }

    /// The chain to which a result belongs that was on its way in `chain`: another one has adopted that meanwhile.
    #[inline]
    pub(crate) fn resolve(&mut self, chain: ChainId) -> ChainId {
        match self.get(chain) {
            Some(entry) if entry.role == Role::Serves => self.stop_serving(chain),
            _ => chain,
        }
    }

    /// Keeps a result that no callback takes yet.
    pub(crate) fn hold(&mut self, chain: ChainId, held: Rc<J>) {
        if let Some(entry) = self.get_mut(chain) {
            entry.next = Some(held);
        }
    }

    /// Has `next` take the result of a chain without callbacks. If the result is there, returns `next`.
    #[inline]
    pub(crate) fn attach(&mut self, chain: ChainId, next: Rc<J>) -> Option<Rc<J>> {
        match self.get_mut(chain) {
            Some(entry) if entry.stage != Stage::Settled => {
                entry.next = Some(next);
                None
            }
            _ => Some(next),
        }
    }

    /// Returns whether the result of a chain without callbacks is there.
    pub(crate) fn is_settled(&self, chain: ChainId) -> bool {
        self.get(chain).is_none_or(|entry| entry.stage == Stage::Settled)
    }

    /// The holder of the result of a chain without callbacks.
    pub(crate) fn take_held(&mut self, chain: ChainId) -> Option<Rc<J>> {
        self.get_mut(chain)?.next.take()
    }

    /// Has the result of a chain that waits, and has no callbacks, be discarded. Returns whether it waits.
    #[inline]
    pub(crate) fn let_go(&mut self, chain: ChainId) -> bool {
        match self.get_mut(chain) {
            Some(entry) if entry.stage != Stage::Settled => {
                entry.discards = true;
                true
            }
            _ => false,
        }
    }

    /// Removes a chain that has ended. Its entry holds no callback any more.
    #[inline(always)]
    pub(crate) fn remove(&mut self, id: ChainId) {
        self.free(id);
        if !self.names.is_empty() {
            self.remove_names(id);
        }
    }

    #[cold]
    fn remove_names(&mut self, id: ChainId) {
        self.names.remove(&id);
    }

    /// Ends `inner`, and has `outer` wait for the source of `inner`. Returns whether a cancellation of either is still to be done.
    pub(crate) fn adopt(&mut self, outer: ChainId, inner: ChainId) -> bool {
        let Some(found) = self.get_mut(inner) else { return false };
        let (made, place, cancelled) = (found.made, found.inner, mem::take(&mut found.cancelled));
        let server = if found.role == Role::ServedBy {
            let server = ChainId(found.link);
            self.free(inner);
            server
        } else {
            found.role = Role::Serves;
            self.serving += 1;
            inner
        };
        if let Some(server) = self.get_mut(server) {
            server.link = outer.0;
        }
        let place = if place == 0 { self.place(made) } else { place };
        let names = self.names.remove(&inner);
        let Some(entry) = self.get_mut(outer) else { return true };
        entry.role = Role::ServedBy;
        entry.link = server.0;
        entry.inner = place;
        let cancelled = mem::take(&mut entry.cancelled) || cancelled;
        if let Some(names) = names {
            self.names.entry(outer).or_default().extend(names);
        }
        cancelled
    }

    /// Begins to cancel what `chain` waits for: returns its source and the action that cancels it. If the result is on its way, what
    /// the chain waits for next is to be cancelled instead.
    pub(crate) fn cancel(&mut self, chain: ChainId) -> Option<(SourceId, Origin<K>)> {
        let source = self.source_of(chain)?;
        let entry = self.get_mut(source)?;
        match entry.stage {
            Stage::Waiting => {
                entry.stage = Stage::Cancelling;
                Some((SourceId { index: source.0, serial: entry.serial }, mem::take(&mut entry.origin)))
            }
            Stage::Cancelling | Stage::Free => None,
            Stage::Settled => {
                self.get_mut(chain)?.cancelled = true;
                None
            }
        }
    }

    /// The entry from which the result of `chain` comes.
    fn source_of(&self, chain: ChainId) -> Option<ChainId> {
        let entry = self.get(chain)?;
        Some(if entry.role == Role::ServedBy { ChainId(entry.link) } else { chain })
    }

    /// The chain's name in messages.
    pub(crate) fn describe_one(&self, id: ChainId) -> ChainName {
        let made = self.get(id).map(|entry| entry.made);
        ChainName { names: self.names(id).to_vec(), made }
    }

    pub(crate) fn names(&self, id: ChainId) -> &[Cow<'static, str>] {
        self.names.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Names what the chain is so far.
    pub(crate) fn push_name(&mut self, id: ChainId, name: Cow<'static, str>) {
        if self.get(id).is_some() {
            self.names.entry(id).or_default().insert(0, name);
        }
    }

    /// Removes the innermost name, whose result is there.
    pub(crate) fn pop_name(&mut self, id: ChainId) -> Option<Cow<'static, str>> {
        let names = self.names.get_mut(&id)?;
        let name = names.pop();
        if names.is_empty() {
            self.names.remove(&id);
        }
        name
    }

    /// Every source that has no result yet, in the order in which they were made.
    pub(crate) fn sources(&self) -> Vec<SourceId> {
        let waits = |entry: &Entry<J, K>| matches!(entry.stage, Stage::Waiting | Stage::Cancelling);
        let waiting = (0..).zip(&self.entries).filter(|(_, entry)| waits(entry));
        let mut sources: Vec<_> = waiting.map(|(index, entry)| SourceId { index, serial: entry.serial }).collect();
        // Serial numbers wrap around; the oldest is the one that comes next.
        sources.sort_unstable_by_key(|source| source.serial.wrapping_sub(self.serial.wrapping_add(1)));
        sources
    }

    /// Removes everything except results that are there and have a handle. The caller drops the callbacks and cancellers while nothing
    /// is borrowed.
    pub(crate) fn close(&mut self) -> Vec<(Option<Rc<J>>, Origin<K>)> {
        let mut content = Vec::new();
        for chain in self.chains() {
            if let Some(entry) = self.get_mut(chain)
                && !(entry.stage == Stage::Settled && entry.next.is_some())
            {
                content.push((entry.next.take(), mem::take(&mut entry.origin)));
                self.free(chain);
            }
        }
        self.is_closed = true;
        self.names.clear();
        content
    }

    fn chains(&self) -> impl Iterator<Item = ChainId> + use<J, K> {
        (0..u32::try_from(self.entries.len()).unwrap_or(END)).map(ChainId)
    }

    pub(crate) fn describe(&self, now: Time) -> Vec<ChainInfo> {
        let describe = |id| {
            let entry = self.get(id).filter(|entry| entry.role != Role::Serves && !self.is_closed)?;
            let source = self.source_of(id).and_then(|source| self.get(source));
            let mut awaited = Vec::new();
            if let Some(Entry { origin: Origin::Canceller(canceller), .. }) = source {
                canceller.visit_awaited(&mut |chain| awaited.push(chain));
            }
            Some(ChainInfo {
                id,
                name: self.describe_one(id),
                inner: usize::from(entry.inner).checked_sub(1).and_then(|place| self.places.get(place).copied()),
                since: Duration::from_nanos(u64::from(units(now).wrapping_sub(entry.since)) << 26),
                is_settled: source.is_none_or(|source| source.stage == Stage::Settled),
                awaited,
            })
        };
        self.chains().filter_map(describe).collect()
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

/// The names of a chain, and the place that made it.
#[derive(Clone, Debug)]
pub(crate) struct ChainName {
    pub(crate) names: Vec<Cow<'static, str>>,
    /// `None` once the chain has ended.
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

#[expect(clippy::cast_possible_truncation, reason = "only differences count, so it may wrap around")]
fn units(time: Time) -> u32 {
    (time.nanos_since(Time::default()) >> 26) as u32
}
