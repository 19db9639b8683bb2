//! Who waits for whom.

use std::fmt;
use std::time::Duration;

use crate::reactor::{ChainId, ChainInfo, ChainName, Reactor};

/// Every Deferred that waited at one moment: what [`Reactor::dump_deferreds`] gives. Displayed, it has a line for each, and below it,
/// further in, those that it waits for.
#[derive(Clone, Debug)]
pub struct DeferredDump {
    pending: Vec<PendingDeferred>,
}

/// A Deferred that waited.
#[derive(Clone, Debug)]
pub struct PendingDeferred {
    id: ChainId,
    name: ChainName,
    inner: Option<&'static std::panic::Location<'static>>,
    age: Duration,
    delivering: bool,
    awaited: Vec<ChainId>,
}

impl Reactor {
    /// Every Deferred that waits for its result: its names, where it was made, since when, and what it waits for. For the question why
    /// nothing goes on; it takes time and memory for each.
    ///
    /// ```
    /// use lariat::{Deferred, Reactor};
    ///
    /// let reactor = Reactor::new()?;
    /// let (_resolver, answer) = Deferred::<u32>::new(&reactor);
    /// let answer = answer.named("the answer");
    /// let dump = reactor.dump_deferreds();
    /// assert_eq!(dump.iter().count(), 1);
    /// assert!(dump.to_string().contains("the answer"));
    /// # drop(answer);
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "setDebugging")]
    pub fn dump_deferreds(&self) -> DeferredDump {
        let core = self.core();
        let infos = core.ledger.with(|ledger| ledger.describe(core.network.now()));
        let pending = infos.into_iter().map(|ChainInfo { id, name, inner, since, is_settled, awaited }| {
            PendingDeferred { id, name, inner, age: since, delivering: is_settled, awaited }
        });
        DeferredDump { pending: pending.collect() }
    }
}

impl DeferredDump {
    /// Each of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &PendingDeferred> {
        self.pending.iter()
    }

    fn find(&self, id: ChainId) -> Option<&PendingDeferred> {
        self.pending.iter().find(|pending| pending.id == id)
    }

    fn awaited_by(&self, pending: &PendingDeferred) -> impl Iterator<Item = &PendingDeferred> {
        pending.awaited.iter().filter_map(|id| self.find(*id))
    }
}

impl PendingDeferred {
    /// Its names, the outermost first: what it was itself [named](crate::Deferred::named), then what it waits for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.name.names.iter().map(|name| &**name)
    }

    /// Where it was made.
    pub fn location(&self) -> Option<&'static std::panic::Location<'static>> {
        self.name.made
    }

    /// Where that was made which one of its callbacks gave and for which it waits now, if one did.
    pub fn waits_for(&self) -> Option<&'static std::panic::Location<'static>> {
        self.inner
    }

    /// How long it has been waiting, to about a tenth of a second.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Has its result come already, so that only its callbacks are still to be called?
    pub fn is_settled(&self) -> bool {
        self.delivering
    }
}

impl fmt::Display for PendingDeferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {:.1?}", self.name, self.age)?;
        if self.delivering {
            f.write_str(", has its result")?;
        } else if let Some(inner) = self.inner {
            write!(f, ", waits for what was made at {inner}")?;
        }
        Ok(())
    }
}

impl fmt::Display for DeferredDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = |id| self.pending.iter().any(|pending| pending.awaited.contains(&id));
        // From each that nobody waits for; what waits in a circle, from any of it.
        let mut shown = Vec::new();
        let tops = self.pending.iter().filter(|pending| !below(pending.id));
        for top in tops.chain(&self.pending) {
            let mut stack = vec![(top, 0)];
            while let Some((pending, depth)) = stack.pop() {
                if shown.contains(&pending.id) {
                    continue;
                }
                shown.push(pending.id);
                writeln!(f, "{:1$}{pending}", "", 2 * depth)?;
                stack.extend(self.awaited_by(pending).map(|awaited| (awaited, depth + 1)));
            }
        }
        Ok(())
    }
}
