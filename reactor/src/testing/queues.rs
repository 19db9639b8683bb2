//! The watch of a simulation for Deferreds that never fired and queues that only grew.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::coordination::QueueLengths;
use crate::guarded::Guarded;
use crate::reactor::Reactor;

use super::backlog::Backlog;

/// Bytes in the queues of a host's connections that count as one entry: the default high water
/// mark, up to which a queue is no cause for concern.
const BYTES_PER_ENTRY: usize = 64 * 1024;

/// Deferreds that a report shows.
const SHOWN: usize = 5;

pub(super) type Length = Box<dyn Fn() -> usize>;

/// The limits of the watch, and the lengths seen so far.
pub(super) struct Watch {
    /// Deferreds that wait longer than this are reported.
    pub(super) pending: Cell<Option<Duration>>,
    /// Queues that only grew to more entries than this are reported.
    pub(super) limit: Cell<Option<usize>>,
    backlogs: Guarded<BTreeMap<String, Backlog>>,
    own: Guarded<Vec<(String, Length)>>,
}

impl Watch {
    pub(super) const fn new() -> Self {
        Self {
            pending: Cell::new(None),
            limit: Cell::new(None),
            backlogs: Guarded::new(BTreeMap::new()),
            own: Guarded::new(Vec::new()),
        }
    }

    /// Looks at a queue of the program's own too.
    pub(super) fn add_own(&self, name: String, length: Length) {
        self.own.with(|own| own.push((name, length)));
    }

    /// Has a new reactor enter its queues.
    pub(super) fn prepare(&self, reactor: &Reactor) {
        if self.limit.get().is_some() {
            reactor.extension::<QueueLengths>().watch();
        }
    }

    /// Looks at every queue. Time is about to move, so nothing is left to be done now.
    pub(super) fn sample<'a>(&self, reactors: impl Iterator<Item = (&'a str, &'a Reactor)>) {
        for (name, reactor) in reactors {
            let stats = reactor.stats();
            self.add(format!("the bytes queued for the peers of host {name:?}"), stats.queued_bytes / BYTES_PER_ENTRY);
            self.add(format!("the jobs for the threads of host {name:?}"), stats.queued_jobs);
            let mut queues = BTreeMap::<_, usize>::new();
            for (length, made) in reactor.extension::<QueueLengths>().all() {
                *queues.entry(format!("the queue of host {name:?} made at {made}")).or_default() += length;
            }
            queues.into_iter().for_each(|(name, length)| self.add(name, length));
        }
        // User code returns the lengths: nothing is borrowed meanwhile.
        let mut own = self.own.with(std::mem::take);
        own.iter().for_each(|(name, length)| self.add(format!("the queue {name:?}"), length()));
        self.own.with(|added| {
            own.append(added);
            *added = own;
        });
    }

    fn add(&self, name: String, length: usize) {
        self.backlogs.with(|backlogs| backlogs.entry(name).or_insert_with(Backlog::new).add(length));
    }

    /// The report at the end of a test that has passed, if there is one.
    pub(super) fn report<'a>(&self, reactors: impl Iterator<Item = (&'a str, &'a Reactor)>) -> Option<String> {
        let mut reports = Vec::new();
        if let Some(limit) = self.limit.get() {
            self.backlogs.with(|backlogs| {
                let grown = backlogs.iter().filter_map(|(name, backlog)| Some((name, backlog.only_grew(limit)?)));
                reports.extend(grown.map(|(name, length)| format!("{name} only grew, to {length} entries")));
            });
        }
        if let Some(longest) = self.pending.get() {
            for (name, reactor) in reactors {
                let dump = reactor.dump_deferreds();
                let never = dump.iter().filter(|deferred| !deferred.is_settled() && deferred.age() >= longest);
                let never: Vec<_> = never.map(ToString::to_string).collect();
                if !never.is_empty() {
                    let (count, shown) = (never.len(), never[..never.len().min(SHOWN)].join("\n  "));
                    reports.push(format!("Deferreds of host {name:?} that never fired: {count}\n  {shown}"));
                }
            }
        }
        (!reports.is_empty()).then(|| reports.join("\n"))
    }
}
