//! Files, without blocking the loop: on the system's disk, or on a simulated one that loses what
//! was not synced.
//!
//! [`Reactor::disk`](crate::Reactor::disk) gives a [`Disk`]. Each operation is done in one of the
//! reactor's [threads](crate::Reactor::defer_to_thread) and gives a Deferred, which fails with a
//! [`DiskError`]. On a simulated host, and with a `VirtualClock`, the disk is in memory: it takes
//! virtual time, runs full, and fails as a test wants it to.
//!
//! ```
//! use lariat::Reactor;
//! use lariat::disk::OpenMode;
//!
//! let mut reactor = Reactor::new()?;
//! # let path = std::env::temp_dir().join(format!("lariat-disk-{}", std::process::id()));
//! let disk = reactor.disk();
//! let written = disk.open(&path, OpenMode::Write).and_then(|file| {
//!     let synced = file.clone();
//!     file.append("hello\n").and_then(move |_| synced.sync())
//! });
//! reactor.block_on(written)??;
//! assert_eq!(reactor.block_on(disk.read(&path))??, b"hello\n");
//! # std::fs::remove_file(path).ok();
//! # Ok::<(), lariat::Failure>(())
//! ```
//!
//! # Durability
//!
//! What was written survives a killed process. It survives a power failure once it is synced, and
//! not before (`fsync(2)`):
//!
//! | to keep | do |
//! | --- | --- |
//! | the content of a file | [`DiskFile::sync`] |
//! | the name of a new file, a new name, or a removal | [`Disk::sync_directory`] of the directory of the name |
//!
//! A message is stored as Maildir does: write it to a new file in `tmp`, sync the file, rename it
//! into `new`, sync `new`, and acknowledge it only then. A log appends a record with its checksum,
//! syncs, and acknowledges. When it starts it [reads](Disk::read) the file up to the first record
//! that is incomplete or wrong, [cuts](DiskFile::set_length) the rest off, and goes on from there.
//!
//! After a sync that has failed, the system may have dropped what was to be written, and the next
//! sync succeeds without it (Rebello and others, "Can Applications Recover from fsync Failures?",
//! USENIX ATC 2020). So write the data again to a new file, or end the process.
//!
//! # Order
//!
//! Operations that are under way at the same time take effect in any order. A program that needs an
//! order waits for one Deferred before it begins the next operation. An operation whose Deferred is
//! cancelled or dropped may still take effect.
//!
//! # Simulated disks
//!
//! Each host of a `Simulation` has a disk, which is kept over crashes and restarts. At a power
//! failure (`Host::crash`, `Faults::crash_at_call`) the seed decides what remains of the writes
//! that were not synced, in sectors of 512 bytes: nothing, everything, the first sectors, or any of
//! them. Of names that were not synced, the first changes remain, in their order, as a journal
//! keeps them. Operations under way may have taken effect. A killed process (`Host::kill`) loses no
//! more than those. `Faults::slow_disk`, `disk_errors` and `full_disk` do the rest. Every operation
//! counts as a call for `Faults::failing_call` and `crash_at_call`.
//!
//! A simulated disk has no links, no permissions and no times, and it renames files, not
//! directories. A recording has no contents of files.

mod error;
mod file;
mod submission;

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use crate::deferred::Deferred;
use crate::disk_operation::{DiskAnswer, DiskOperation};
use crate::reactor::Reactor;

pub use crate::disk_operation::{FileMetadata, OpenMode};
pub use error::DiskError;
pub use file::DiskFile;

use submission::submit;

impl Reactor {
    /// Returns the disk that this reactor's files are on: the system's, or a simulated one. See
    /// [`disk`](crate::disk).
    pub fn disk(&self) -> Disk {
        Disk { reactor: self.clone() }
    }
}

/// Files and directories by their paths: see the [module](self). Cheap to clone.
///
/// Relative paths are relative to the process's directory, and on a simulated disk to `/`.
#[derive(Clone)]
pub struct Disk {
    reactor: Reactor,
}

impl Disk {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`] of kind [`NotFound`](std::io::ErrorKind::NotFound)
    /// when the file, or its directory, does not exist, of kind
    /// [`AlreadyExists`](std::io::ErrorKind::AlreadyExists) when a [new](OpenMode::New) one does,
    /// or another of the errors of `open(2)`.
    #[track_caller]
    pub fn open(&self, path: impl AsRef<Path>, mode: OpenMode) -> Deferred<DiskFile> {
        let (reactor, path) = (self.reactor.clone(), path.as_ref().to_owned());
        self.submit(DiskOperation::Open(path.clone(), mode)).map(move |answer| DiskFile::new(reactor, path, answer))
    }

    /// Reads a whole file. Its length bounds the memory that this takes.
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`], of kind [`NotFound`](std::io::ErrorKind::NotFound)
    /// when the file does not exist.
    #[track_caller]
    pub fn read(&self, path: impl AsRef<Path>) -> Deferred<Vec<u8>> {
        self.submit(DiskOperation::ReadFile(path.as_ref().to_owned())).map(DiskAnswer::into_bytes)
    }

    /// Gives a file another name, in the same directory or another one of the same file system. A
    /// file that had that name is replaced, and at no time does neither exist (`rename(2)`). The
    /// change is durable after [`sync_directory`](Self::sync_directory) of the directory of the new
    /// name.
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`].
    #[doc(alias = "moveTo")]
    #[track_caller]
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Deferred<()> {
        self.submit(DiskOperation::Rename(from.as_ref().to_owned(), to.as_ref().to_owned())).map(drop)
    }

    /// Removes a file. The removal is durable after [`sync_directory`](Self::sync_directory).
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`], of kind [`NotFound`](std::io::ErrorKind::NotFound)
    /// when the file does not exist.
    #[track_caller]
    pub fn remove(&self, path: impl AsRef<Path>) -> Deferred<()> {
        self.submit(DiskOperation::Remove(path.as_ref().to_owned())).map(drop)
    }

    /// Creates a directory, in one that exists. It is durable after
    /// [`sync_directory`](Self::sync_directory) of the latter.
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`], of kind
    /// [`AlreadyExists`](std::io::ErrorKind::AlreadyExists) when the name is taken.
    #[track_caller]
    pub fn create_directory(&self, path: impl AsRef<Path>) -> Deferred<()> {
        self.submit(DiskOperation::CreateDirectory(path.as_ref().to_owned())).map(drop)
    }

    /// Makes the names in a directory durable: those of new files, new names and removals
    /// (`fsync(2)`).
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`].
    #[track_caller]
    pub fn sync_directory(&self, path: impl AsRef<Path>) -> Deferred<()> {
        self.submit(DiskOperation::SyncDirectory(path.as_ref().to_owned())).map(drop)
    }

    /// Lists the names in a directory, sorted by their bytes.
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`].
    #[doc(alias = "listdir")]
    #[doc(alias = "children")]
    #[track_caller]
    pub fn list(&self, path: impl AsRef<Path>) -> Deferred<Vec<OsString>> {
        self.submit(DiskOperation::List(path.as_ref().to_owned())).map(|answer| match answer {
            DiskAnswer::Names(names) => names,
            _ => Vec::new(),
        })
    }

    /// Returns what is known of a file or a directory. Symbolic links are followed.
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`], of kind [`NotFound`](std::io::ErrorKind::NotFound)
    /// when it does not exist.
    #[track_caller]
    pub fn metadata(&self, path: impl AsRef<Path>) -> Deferred<FileMetadata> {
        self.submit(DiskOperation::Metadata(path.as_ref().to_owned())).map(DiskAnswer::into_metadata)
    }

    #[track_caller]
    fn submit(&self, operation: DiskOperation) -> Deferred<DiskAnswer> {
        submit(&self.reactor, operation, None)
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}
