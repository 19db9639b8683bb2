//! An open file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;

use crate::deferred::Deferred;
use crate::disk_operation::{DiskAnswer, DiskOperation, FileMetadata, FileRef};
use crate::reactor::Reactor;

use super::submission::{Open, submit};

/// A file that [`Disk::open`](super::Disk::open) has opened. Cheap to clone; it is closed when the
/// last clone is dropped and the last operation on it has ended. Closing syncs nothing.
#[derive(Clone)]
pub struct DiskFile {
    reactor: Reactor,
    open: Rc<Open>,
}

impl DiskFile {
    pub(super) fn new(reactor: Reactor, path: PathBuf, answer: DiskAnswer) -> Self {
        let open = Rc::new(Open::new(&reactor, path, answer));
        Self { reactor, open }
    }

    /// Returns the path that the file was opened by.
    pub fn path(&self) -> &Path {
        &self.open.path
    }

    /// Reads up to `count` bytes from `offset` on; fewer at the end of the file.
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`](super::DiskError).
    #[doc(alias = "pread")]
    #[track_caller]
    pub fn read_at(&self, offset: u64, count: usize) -> Deferred<Vec<u8>> {
        self.submit(|file| DiskOperation::ReadAt(file, offset, count)).map(DiskAnswer::into_bytes)
    }

    /// Appends to the file, all of `data`. The Deferred has the offset at which it begins. Appends
    /// of one open file that are under way together do not overlap; those of other processes may,
    /// so that a program takes a [lock](Self::lock).
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`](super::DiskError), of kind
    /// [`StorageFull`](std::io::ErrorKind::StorageFull) when the disk is full. A part of `data` may
    /// have been written then.
    #[track_caller]
    pub fn append(&self, data: impl Into<Bytes>) -> Deferred<u64> {
        let data = data.into();
        self.submit(|file| DiskOperation::Append(file, data)).map(|answer| match answer {
            DiskAnswer::Position(position) => position,
            _ => 0,
        })
    }

    /// Writes all of `data` from `offset` on. A gap behind the end of the file is filled with
    /// zeros.
    ///
    /// # Errors
    ///
    /// As for [`append`](Self::append).
    #[doc(alias = "pwrite")]
    #[track_caller]
    pub fn write_at(&self, offset: u64, data: impl Into<Bytes>) -> Deferred<()> {
        let data = data.into();
        self.submit(|file| DiskOperation::WriteAt(file, offset, data)).map(drop)
    }

    /// Cuts the file to `length` bytes, or extends it with zeros (`ftruncate(2)`).
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`](super::DiskError).
    #[doc(alias = "truncate")]
    #[track_caller]
    pub fn set_length(&self, length: u64) -> Deferred<()> {
        self.submit(|file| DiskOperation::SetLength(file, length)).map(drop)
    }

    /// Makes the content and the length of the file durable (`fsync(2)`), but not its name: that
    /// takes [`Disk::sync_directory`](super::Disk::sync_directory).
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`](super::DiskError). What was written since the last
    /// sync may be lost then, even if a later sync succeeds.
    #[doc(alias = "fsync")]
    #[track_caller]
    pub fn sync(&self) -> Deferred<()> {
        self.submit(DiskOperation::Sync).map(drop)
    }

    /// Locks the file against all others that lock it (`flock(2)`), until it is closed. It does not
    /// wait.
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`](super::DiskError) of kind
    /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) when the file is locked already.
    #[doc(alias = "flock")]
    #[track_caller]
    pub fn lock(&self) -> Deferred<()> {
        self.submit(DiskOperation::Lock).map(drop)
    }

    /// Returns what is known of the file.
    ///
    /// # Errors
    ///
    /// The Deferred fails with a [`DiskError`](super::DiskError).
    #[doc(alias = "fstat")]
    #[track_caller]
    pub fn metadata(&self) -> Deferred<FileMetadata> {
        self.submit(DiskOperation::FileMetadata).map(DiskAnswer::into_metadata)
    }

    #[track_caller]
    fn submit(&self, operation: impl FnOnce(FileRef) -> DiskOperation) -> Deferred<DiskAnswer> {
        // A simulated disk has no file of the largest number.
        let file = self.open.file.clone().unwrap_or(FileRef::Simulated(u64::MAX));
        submit(&self.reactor, operation(file), Some(self.open.clone()))
    }
}

impl fmt::Debug for DiskFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskFile").field("path", &self.open.path).finish_non_exhaustive()
    }
}
