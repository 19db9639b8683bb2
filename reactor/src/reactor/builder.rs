//! A loop that is made otherwise than by default.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::poller::Poller;
use crate::recording::{Recorder, Tape};

use super::core::{Call, Reactor};
use super::main_loop::MainLoop;

/// The most bytes that a recording has unless it is set otherwise: some two million short messages and their answers.
const RECORDING_LIMIT: u64 = 256 * 1024 * 1024;

/// How a loop is to be made: what [`Reactor::builder`] gives.
#[derive(Default)]
#[must_use = "a builder makes nothing before `build` is called"]
pub struct Builder {
    recording: Option<PathBuf>,
    sizes_only: bool,
    limit: Option<u64>,
    /// What is done to the loop once it is made.
    set_ups: Vec<Call>,
}

impl Reactor {
    /// A way to have a loop recorded, or to give it another [resolver](crate::names), on the operating system's own sockets and clock.
    /// [`Reactor::new`](crate::Reactor::new) makes one as it is by default.
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::time::Duration;
    ///
    /// # let path = std::env::temp_dir().join(format!("lariat-builder-{}", std::process::id()));
    /// let reactor = Reactor::builder().record(&path).build()?;
    /// reactor.call_later(Duration::from_millis(1), |reactor| reactor.stop());
    /// reactor.run()?;
    /// # std::fs::remove_file(path).ok();
    /// # Ok::<(), lariat::Error>(())
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Builder {
    /// Records all that the loop sees into a new file at `path`: which connections have something to read, what bytes that is, what
    /// each write, accept and connect gave, every reading of the clocks, the seed of the [random numbers](Reactor::random), the addresses
    /// of names, and when calls from other threads came. `Simulation::replay`, with feature `testing`, repeats it all; the guide's
    /// chapter on testing shows it.
    ///
    /// The file has whatever peers have sent, secrets too, and their addresses. So only its owner may read it (mode 0600), and one
    /// that exists is never written over. [`record_sizes_only`](Self::record_sizes_only) leaves the bytes out.
    ///
    /// It is written as the loop goes on, and is complete 10 ms after that has come to rest; of a process that is killed while it is
    /// busy, the last 64 KiB may be missing. At its [limit](Self::record_limit) the recording ends with a mark, which a replay tells, and
    /// if it cannot be written (the disk is full, say), it ends without one. In both cases a warning is logged and the loop goes on.
    ///
    /// A recording does not have what a program does between turns that it
    /// [takes](crate::MainLoop::turn) itself, what it reads from descriptors that it has
    /// [registered](crate::Reactor::register), or what is in files that it sends or has on its
    /// [disk](crate::disk). Of TLS it has what went over the wire. Keys are new each time, so such
    /// connections cannot be replayed: record a program that speaks in clear.
    pub fn record(mut self, path: impl Into<PathBuf>) -> Self {
        self.recording = Some(path.into());
        self.sizes_only = false;
        self
    }

    /// Records as [`record`](Self::record) does, but of bytes no more than how many there were. A replay fills in others, so it shows
    /// when things happened and how much came, but no protocol that goes by what it reads will take the same course. Addresses and times
    /// are still there.
    pub fn record_sizes_only(mut self, path: impl Into<PathBuf>) -> Self {
        self.recording = Some(path.into());
        self.sizes_only = true;
        self
    }

    /// Sets how many bytes the recording may have. Default: 256 MiB, which is some two million short messages and their answers.
    pub fn record_limit(mut self, bytes: u64) -> Self {
        self.limit = Some(bytes);
        self
    }

    /// Makes the loop.
    ///
    /// # Errors
    ///
    /// When the operating system has no descriptor left, or the recording cannot be made: there is a file of that name, say.
    pub fn build(self) -> Result<MainLoop> {
        let Self { recording, sizes_only, limit, set_ups } = self;
        let main_loop = match recording {
            Some(path) => recorded(&path, limit.unwrap_or(RECORDING_LIMIT), sizes_only)?,
            None => Reactor::new()?,
        };
        set_ups.into_iter().for_each(|set_up| set_up(&main_loop));
        Ok(main_loop)
    }

    /// Has something be done to the loop once it is made: for parts on higher floors.
    pub(crate) fn set_up(mut self, set_up: impl FnOnce(&Reactor) + 'static) -> Self {
        self.set_ups.push(Box::new(set_up));
        self
    }
}

fn recorded(path: &Path, limit: u64, sizes_only: bool) -> Result<MainLoop> {
    let poller = Poller::new().map_err(|error| Error::io("could not make an epoll instance", error))?;
    let tape = Tape::create(path, limit, sizes_only)
        .map_err(|error| Error::io(format!("could not make the recording {}", path.display()), error))?;
    Ok(MainLoop::from_driver(Box::new(Recorder::new(poller, tape))))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recording, sizes_only, limit, set_ups: _ } = self;
        let mut shown = f.debug_struct("Builder");
        shown
            .field("recording", recording)
            .field("sizes_only", sizes_only)
            .field("limit", limit)
            .finish_non_exhaustive()
    }
}
