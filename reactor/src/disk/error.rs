//! The error of an operation on a disk.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// An operation on a [`Disk`](super::Disk) has failed. The message says which one, on what path,
/// and what the system said.
///
/// ```
/// use lariat::Reactor;
/// use lariat::disk::DiskError;
/// use std::io::ErrorKind;
///
/// let mut reactor = Reactor::new()?;
/// let read = reactor.disk().read("/no/such/file");
/// let failure = reactor.block_on(read)?.unwrap_err();
/// let error = failure.downcast_ref::<DiskError>().unwrap();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert!(error.to_string().starts_with("could not read /no/such/file: "));
/// # Ok::<(), lariat::Error>(())
/// ```
#[derive(Debug)]
pub struct DiskError {
    verb: &'static str,
    path: PathBuf,
    error: io::Error,
}

impl DiskError {
    pub(super) fn new(verb: &'static str, path: PathBuf, error: io::Error) -> Self {
        Self { verb, path, error }
    }

    /// Returns the kind of the system's error.
    pub fn kind(&self) -> io::ErrorKind {
        self.error.kind()
    }

    /// Returns the number of the system's error (`errno(3)`), such as that of `ENOSPC`.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.error.raw_os_error()
    }

    /// Returns the path of the file or directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {} {}: {}", self.verb, self.path.display(), self.error)
    }
}

impl StdError for DiskError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The error itself is in the message already.
        self.error.source()
    }
}
