//! Log lines that peers can cause: escaped, cut, and bounded in number.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;
#[cfg(feature = "tls")]
use std::time::SystemTime;

use log::{Level, log};

use crate::clock::Time;
#[cfg(feature = "tls")]
use crate::clock::system_wall_clock;
use crate::escape::Escaped;
use crate::guarded::Guarded;

/// The time that one line of a kind uses up.
const INTERVAL: Duration = Duration::from_secs(1);

/// Lines of a kind in a burst: enough to distinguish several causes.
const BURST: u32 = 10;

/// Log lines of one kind that peers can cause, so that no peer fills the log.
///
/// A burst of ten lines is logged, then one a second. The others are logged at level debug, and the next line has the
/// number of those that were left out; without a next line, the end of the loop logs it. Lines are counted for each loop,
/// by its own clock, so a test on a virtual clock sees the same lines each time. A thread on which no loop runs is not
/// throttled.
///
/// The kind is named by the target of its records: the module's path, with a suffix where a module has several kinds.
/// Every line is [escaped and cut](Escaped).
///
/// ```
/// use lariat::LogThrottle;
///
/// const REFUSED: LogThrottle = LogThrottle::new(concat!(module_path!(), "::refused"));
///
/// let (peer, user) = ("192.0.2.7:4000", "mallory\x1b[2J");
/// REFUSED.log(log::Level::Warn, format_args!("{peer}: there is no user {user}"));
/// ```
#[derive(Copy, Clone, Debug)]
pub struct LogThrottle {
    target: &'static str,
    burst: u32,
}

impl LogThrottle {
    /// A kind of lines, by the target of its records.
    pub const fn new(target: &'static str) -> Self {
        Self { target, burst: BURST }
    }

    /// Sets the lines of a burst; at least 1. Default: 10.
    #[must_use]
    pub const fn with_burst(mut self, lines: u32) -> Self {
        self.burst = if lines == 0 { 1 } else { lines };
        self
    }

    /// Logs `line` at `level`, or at level debug if there were too many of its kind.
    #[cold]
    pub fn log(&self, level: Level, line: fmt::Arguments<'_>) {
        self.log_as(self.admit(level), level, line);
    }

    /// Returns how many lines were left out before this one, or nothing if this is to be left out too.
    pub(crate) fn admit(&self, level: Level) -> Option<u64> {
        running().map_or(Some(0), |running| {
            let now = running.turn_time();
            running.log_lines().with(|lines| lines.admit(self, level, now))
        })
    }

    /// Logs a line as it was admitted.
    pub(crate) fn log_as(&self, admitted: Option<u64>, level: Level, line: fmt::Arguments<'_>) {
        let line = Escaped::display(&line);
        match admitted {
            Some(0) => log!(target: self.target, level, "{line}"),
            Some(others) => log!(target: self.target, level, "{line} (and {others} more like it were left out)"),
            None => log!(target: self.target, Level::Debug.max(level), "{line}"),
        }
    }
}

/// The lines of one loop.
#[derive(Default)]
pub(crate) struct LogLines(BTreeMap<&'static str, Kind>);

struct Kind {
    level: Level,
    /// When all of its lines so far are paid for, at one an interval.
    paid: Time,
    left_out: u64,
}

impl LogLines {
    fn admit(&mut self, throttle: &LogThrottle, level: Level, now: Time) -> Option<u64> {
        let kind = self.0.entry(throttle.target).or_insert(Kind { level, paid: now, left_out: 0 });
        kind.level = level;
        kind.paid = kind.paid.max(now);
        if kind.paid.since(now) > INTERVAL * (throttle.burst - 1) {
            kind.left_out += 1;
            return None;
        }
        kind.paid = kind.paid.after(INTERVAL);
        Some(std::mem::take(&mut kind.left_out))
    }
}

/// Logs the numbers of lines that were left out since the last line of their kind.
pub(crate) fn log_left_out(lines: &Guarded<LogLines>) {
    for (target, Kind { level, left_out, .. }) in lines.with(std::mem::take).0 {
        if left_out > 0 {
            log!(target: target, level, "{left_out} more lines of this kind were left out");
        }
    }
}

/// A loop, for code on floors below it.
pub(crate) trait Running {
    /// When its turn began.
    fn turn_time(&self) -> Time;

    fn log_lines(&self) -> &Guarded<LogLines>;

    /// The time of day.
    #[cfg(feature = "tls")]
    fn wall_clock(&self) -> SystemTime;
}

thread_local! {
    /// The loop that runs on this thread, the innermost if there are several.
    static RUNNING: Guarded<Option<Rc<dyn Running>>> = const { Guarded::new(None) };
}

/// The loop that runs on this thread, if any.
pub(crate) fn running() -> Option<Rc<dyn Running>> {
    RUNNING.try_with(|running| running.with(|running| running.clone())).ok().flatten()
}

/// The time of day by the loop that runs on this thread, or by the system where none runs.
#[cfg(feature = "tls")]
pub(crate) fn running_wall_clock() -> SystemTime {
    running().map_or_else(system_wall_clock, |running| running.wall_clock())
}

/// Notes that a loop runs on this thread, until it is dropped.
pub(crate) struct Entered(Option<Rc<dyn Running>>);

#[must_use]
pub(crate) fn enter(reactor: Rc<dyn Running>) -> Entered {
    Entered(replace(Some(reactor)))
}

impl Drop for Entered {
    fn drop(&mut self) {
        drop(replace(self.0.take()));
    }
}

fn replace(reactor: Option<Rc<dyn Running>>) -> Option<Rc<dyn Running>> {
    // A loop may run at the very end of a thread.
    RUNNING.try_with(|running| running.with(|running| std::mem::replace(running, reactor))).ok().flatten()
}
