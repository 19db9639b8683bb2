//! Operations on a disk, and their performance by the system.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(feature = "testing")]
use std::time::Duration;

use bytes::Bytes;
use rustix::fs::OFlags;

/// The access with which a file is opened.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenMode {
    /// For reading. The file has to exist.
    Read,
    /// For reading and writing. A file that does not exist is created.
    Write,
    /// For reading and writing a new file. It must not exist (`O_EXCL`, `open(2)`).
    New,
}

/// Facts about a file or a directory (`stat(2)`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileMetadata {
    /// The length of a file in bytes. Of a directory it has no meaning.
    pub length: u64,
    /// True of a directory.
    pub is_directory: bool,
}

/// An open file, by what performs operations on it.
#[derive(Clone, Debug)]
pub(crate) enum FileRef {
    System(Arc<SystemFile>),
    /// The number of a file that is open on a simulated disk.
    #[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "only simulated disks have numbers"))]
    Simulated(u64),
}

/// A file of the system's.
#[derive(Debug)]
pub(crate) struct SystemFile {
    file: File,
    /// Held while the end is determined and written to: appends run in several threads.
    end: Mutex<()>,
}

/// An operation, which blocks.
#[derive(Clone, Debug)]
pub(crate) enum DiskOperation {
    Open(PathBuf, OpenMode),
    ReadFile(PathBuf),
    ReadAt(FileRef, u64, usize),
    Append(FileRef, Bytes),
    WriteAt(FileRef, u64, Bytes),
    SetLength(FileRef, u64),
    Sync(FileRef),
    Lock(FileRef),
    FileMetadata(FileRef),
    Metadata(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    CreateDirectory(PathBuf),
    SyncDirectory(PathBuf),
    List(PathBuf),
}

/// The result of an operation.
#[derive(Debug)]
pub(crate) enum DiskAnswer {
    Done,
    File(FileRef),
    Bytes(Vec<u8>),
    Position(u64),
    Names(Vec<OsString>),
    Metadata(FileMetadata),
}

/// A disk that is no system's.
#[cfg(feature = "testing")]
pub(crate) trait Storage {
    /// Begins an operation. Returns its number, and when it is to be ended.
    fn begin(&self, operation: DiskOperation) -> (u64, Duration);

    /// Ends the operation of this number: it takes effect here, if not at a crash before.
    fn end(&self, number: u64) -> io::Result<DiskAnswer>;

    /// Closes the file of this number.
    fn close(&self, file: u64);
}

impl DiskOperation {
    /// The verb of an error message.
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Open(..) => "open",
            Self::ReadFile(_) | Self::ReadAt(..) => "read",
            Self::Append(..) => "append to",
            Self::WriteAt(..) => "write",
            Self::SetLength(..) => "set the length of",
            Self::Sync(_) | Self::SyncDirectory(_) => "sync",
            Self::Lock(_) => "lock",
            Self::FileMetadata(_) | Self::Metadata(_) => "stat",
            Self::Rename(..) => "rename",
            Self::Remove(_) => "remove",
            Self::CreateDirectory(_) => "create the directory",
            Self::List(_) => "list",
        }
    }

    /// The path that is named; that of an open file is known to the owner.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Open(path, _)
            | Self::ReadFile(path)
            | Self::Metadata(path)
            | Self::Rename(path, _)
            | Self::Remove(path)
            | Self::CreateDirectory(path)
            | Self::SyncDirectory(path)
            | Self::List(path) => Some(path),
            Self::ReadAt(..)
            | Self::Append(..)
            | Self::WriteAt(..)
            | Self::SetLength(..)
            | Self::Sync(_)
            | Self::Lock(_)
            | Self::FileMetadata(_) => None,
        }
    }

    /// Performs the operation by the system. It blocks.
    pub(crate) fn perform(self) -> io::Result<DiskAnswer> {
        let done = |()| DiskAnswer::Done;
        match self {
            Self::Open(path, mode) => {
                let mut options = OpenOptions::new();
                options.read(true).write(mode != OpenMode::Read);
                options.create(mode == OpenMode::Write).create_new(mode == OpenMode::New);
                let file = options.open(path)?;
                if file.metadata()?.is_dir() {
                    // Linux opens directories for reading, and then refuses to read.
                    return Err(rustix::io::Errno::ISDIR.into());
                }
                let file = SystemFile { file, end: Mutex::new(()) };
                Ok(DiskAnswer::File(FileRef::System(Arc::new(file))))
            }
            Self::ReadFile(path) => fs::read(path).map(DiskAnswer::Bytes),
            Self::ReadAt(file, offset, count) => file.system()?.read_at(offset, count).map(DiskAnswer::Bytes),
            Self::Append(file, data) => file.system()?.append(&data).map(DiskAnswer::Position),
            Self::WriteAt(file, offset, data) => file.system()?.file.write_all_at(&data, offset).map(done),
            Self::SetLength(file, length) => file.system()?.file.set_len(length).map(done),
            Self::Sync(file) => file.system()?.file.sync_all().map(done),
            Self::Lock(file) => file.system()?.file.try_lock().map(done).map_err(Into::into),
            Self::FileMetadata(file) => file.system()?.file.metadata().map(|found| metadata(&found)),
            Self::Metadata(path) => fs::metadata(path).map(|found| metadata(&found)),
            Self::Rename(from, to) => fs::rename(from, to).map(done),
            Self::Remove(path) => fs::remove_file(path).map(done),
            Self::CreateDirectory(path) => fs::create_dir(path).map(done),
            Self::SyncDirectory(path) => {
                let flags = OFlags::DIRECTORY.bits().cast_signed();
                OpenOptions::new().read(true).custom_flags(flags).open(path)?.sync_all().map(done)
            }
            Self::List(path) => {
                let mut names = fs::read_dir(path)?
                    .map(|entry| entry.map(|entry| entry.file_name()))
                    .collect::<io::Result<Vec<_>>>()?;
                names.sort();
                Ok(DiskAnswer::Names(names))
            }
        }
    }
}

fn metadata(found: &fs::Metadata) -> DiskAnswer {
    DiskAnswer::Metadata(FileMetadata { length: found.len(), is_directory: found.is_dir() })
}

impl FileRef {
    fn system(&self) -> io::Result<&SystemFile> {
        match self {
            Self::System(file) => Ok(file),
            Self::Simulated(_) => Err(rustix::io::Errno::BADF.into()),
        }
    }
}

impl SystemFile {
    /// Reads up to `count` bytes, fewer at the end of the file.
    fn read_at(&self, offset: u64, count: usize) -> io::Result<Vec<u8>> {
        // A file shorter than the request costs no more memory than it has bytes.
        let left = self.file.metadata()?.len().saturating_sub(offset);
        let mut bytes = vec![0; count.min(usize::try_from(left).unwrap_or(usize::MAX))];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Appends, and returns where. `O_APPEND` would not say where the bytes went.
    fn append(&self, data: &[u8]) -> io::Result<u64> {
        let _end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let length = self.file.metadata()?.len();
        self.file.write_all_at(data, length)?;
        Ok(length)
    }
}
