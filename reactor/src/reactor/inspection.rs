//! Looking into a running loop.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::connection_info::ConnectionInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::tcp_info::SocketDiagnostics;

use super::core::Reactor;
use super::description::Description;
use super::watch::Watch;

/// The shortest limit of a watchdog: with less, its thread would do nothing but wake up.
const SHORTEST_WATCH: Duration = Duration::from_millis(1);

impl Reactor {
    /// Every connection that is open, the earliest first: what an operator's status page shows. It takes time and memory for each, so ask
    /// when somebody wants to know, and take [`stats`](Self::stats) for what is asked all the time.
    ///
    /// A protocol that asks from a callback of its own finds its connection in the list too, with one exception: the first time that any
    /// callback of this reactor's connections asks, nobody has kept in mind which one it is, and it is left out. Asked from a
    /// [delayed call](Self::call_later), the list is always complete.
    ///
    /// ```
    /// use lariat::{ConnectionState, Peer, Protocol, Reactor, StreamOptions, Transport};
    /// use std::os::unix::net::UnixStream;
    ///
    /// struct Echo;
    ///
    /// impl Protocol for Echo {
    ///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
    ///         transport.write(data);
    ///     }
    /// }
    ///
    /// let reactor = Reactor::new()?;
    /// let (ours, _theirs) = UnixStream::pair()?;
    /// let transport = reactor.adopt_stream(ours.into(), StreamOptions::default(), Echo)?;
    /// let connections = reactor.connections();
    /// assert_eq!(connections.len(), 1);
    /// assert_eq!(connections[0].id, transport.id());
    /// assert!(connections[0].protocol.ends_with("Echo"));
    /// assert_eq!(connections[0].state, ConnectionState::Open);
    /// println!("{}", connections[0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        let core = self.core();
        let mut found = core.observation.running();
        let all_at_rest = core.sources.with(|sources| {
            let before = found.len();
            found.extend(sources.iter().map(|(_, source)| source.describe()));
            found.len() - before == sources.len()
        });
        if !all_at_rest {
            core.observation.list();
        }
        let diagnostics = SocketDiagnostics::default();
        let inspect = |Description { name, connection }: Description| connection?.inspect(name, &diagnostics);
        let inspected = found.into_iter().filter_map(inspect);
        let mut connections = inspected.collect::<Vec<_>>();
        // A call to a protocol from within its connection's visit would show it twice.
        connections.sort_unstable_by_key(|connection| connection.id);
        connections.dedup_by_key(|connection| connection.id);
        connections
    }

    /// Sets how long one callback may take before a warning is logged that names it: the protocol's type, the connection and its peer, or
    /// the closure that was called later. `None` for no such warnings. Default: 100 ms.
    ///
    /// No clock is read for each callback as long as all is well. The loop knows how long its turns take; one that took longer than the
    /// limit is warned of without a culprit, and for a thousand turns from then on each visit to a connection, a listener or a queued
    /// call is timed. So a callback that is slow once is not named, and one that is slow again is. A [watchdog](Self::watchdog) names the
    /// first one too.
    ///
    /// In a program that calls [`MainLoop::turn`](crate::MainLoop::turn) itself, what it does between two turns counts with the first.
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// reactor.set_slow_callback_limit(Some(Duration::from_millis(20)));
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "slow_callback_duration")]
    pub fn set_slow_callback_limit(&self, limit: Option<Duration>) {
        self.core().observation.set_limit(limit);
    }

    /// Starts a thread that logs an error when a callback has kept the loop busy for `limit` (1 ms at the least) and has not returned
    /// yet: which one it is, once for each. It finds what never returns, which no warning afterwards can.
    ///
    /// It works until the [`Watchdog`] is dropped or the loop ends. Meanwhile every callback costs two clock reads and two locks that
    /// nobody contends for, and every slow callback is named by the warning that [`set_slow_callback_limit`](Self::set_slow_callback_limit)
    /// tells of.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] on a simulated reactor, whose time stands still while a callback runs;
    /// [`ErrorKind::InvalidInput`] if there is one already; [`ErrorKind::ReactorEnded`]; or when the system has no thread left.
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// let _watchdog = reactor.watchdog(Duration::from_secs(1))?;
    /// reactor.call_later(Duration::ZERO, |reactor| reactor.stop());
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    pub fn watchdog(&self, limit: Duration) -> Result<Watchdog> {
        let core = self.core();
        if core.ended.get() {
            return Err(Error::ended());
        }
        if self.is_simulated() {
            return Err(Error::new(ErrorKind::Unsupported, "a simulated reactor's time is not the watchdog's"));
        }
        if core.observation.is_watched() {
            return Err(Error::new(ErrorKind::InvalidInput, "the reactor has a watchdog already"));
        }
        let watch = Arc::new(Watch::new(limit.max(SHORTEST_WATCH)));
        let watching = watch.clone();
        let thread = thread::Builder::new().name("watchdog".to_owned()).spawn(move || watching.watch());
        let thread = thread.map_err(|error| Error::io("could not start the watchdog's thread", error))?;
        core.observation.begin_watch(watch.clone(), thread);
        Ok(Watchdog { reactor: self.clone(), watch })
    }

    /// Is its world one that was made up, rather than the system's or a recording of that?
    pub(crate) fn is_simulated(&self) -> bool {
        let network = &self.core().network;
        #[cfg(feature = "testing")]
        if network.replays() {
            return false;
        }
        network.registry().is_none()
    }

    /// Calls `visit`, which serves what `describe` tells of; whoever looks on sees it.
    #[inline]
    pub(crate) fn observe<R>(&self, describe: impl FnOnce() -> Description, visit: impl FnOnce() -> R) -> R {
        let core = self.core();
        if core.observation.is_on() { core.observation.observe(&*core.network, describe(), visit) } else { visit() }
    }
}

/// Tells which callback is blocking the loop, from a thread of its own: see [`Reactor::watchdog`]. Dropping it ends the thread.
#[must_use = "it watches until it is dropped"]
pub struct Watchdog {
    reactor: Reactor,
    watch: Arc<Watch>,
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.reactor.core().observation.end_watch(&self.watch);
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watchdog").field(&self.watch).finish()
    }
}
