//! Temporary files of uploads, with a budget for all of them together.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::form_error::FormError;

/// The place for files that are uploaded, and how much of it all forms of the process may use together. A form that would need more is
/// refused with 503.
///
/// Files have no name there and are gone when they are closed. Clones share the place and its budget. Forms use the
/// [process's own](Self::shared), unless another is given to [`Request::form_in`](super::Request::form_in).
///
/// ```
/// use lariat_protocols::http::TemporaryFiles;
///
/// let files = TemporaryFiles::in_folder(std::env::temp_dir()).with_limits(100 * 1024 * 1024, 16);
/// assert_eq!(files.bytes_in_use(), 0);
/// ```
#[derive(Clone)]
pub struct TemporaryFiles {
    shared: Arc<Shared>,
}

struct Shared {
    /// None stands for the system's folder for temporary files.
    folder: Option<PathBuf>,
    most_bytes: u64,
    most_files: u64,
    bytes: AtomicU64,
    files: AtomicU64,
}

/// Bytes and files of the process's own place: little enough for any disk, and a quarter of the descriptors that a process has by default.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;
const MOST_FILES: u64 = 256;

static PROCESS: OnceLock<TemporaryFiles> = OnceLock::new();

impl TemporaryFiles {
    fn new(folder: Option<PathBuf>, most_bytes: u64, most_files: u64) -> Self {
        let (bytes, files) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { shared: Arc::new(Shared { folder, most_bytes, most_files, bytes, files }) }
    }

    /// A place in this folder, for at most 1 GiB and 256 files.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self::new(Some(folder.into()), MOST_BYTES, MOST_FILES)
    }

    /// The place that all forms of the process use: the system's folder for temporary files, for at most 1 GiB and 256 files, unless
    /// [`share`](Self::share) was called before.
    pub fn shared() -> Self {
        PROCESS.get_or_init(|| Self::new(None, MOST_BYTES, MOST_FILES)).clone()
    }

    /// Makes this the place that all forms of the process use. To be called before the first form is read; returns whether it was.
    pub fn share(self) -> bool {
        PROCESS.set(self).is_ok()
    }

    /// Sets how many bytes and files there may be at a time. A file is a descriptor.
    #[must_use]
    pub fn with_limits(self, bytes: u64, files: u64) -> Self {
        Self::new(self.shared.folder.clone(), bytes, files)
    }

    /// Bytes that are in use now.
    pub fn bytes_in_use(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Files that are in use now.
    pub fn files_in_use(&self) -> u64 {
        self.shared.files.load(Ordering::Relaxed)
    }

    pub(super) fn create(&self) -> Result<TemporaryFile, FormError> {
        reserve(&self.shared.files, 1, self.shared.most_files)?;
        let reserved = Reserved { shared: self.shared.clone(), bytes: AtomicU64::new(0) };
        let file = self.open().map_err(FormError::Storage)?;
        Ok(TemporaryFile { file, reserved })
    }

    /// A file that no budget counts: its user has it.
    pub(super) fn open(&self) -> io::Result<File> {
        self.shared.folder.as_ref().map_or_else(tempfile::tempfile, tempfile::tempfile_in)
    }
}

fn reserve(used: &AtomicU64, amount: u64, most: u64) -> Result<(), FormError> {
    let add = |used: u64| used.checked_add(amount).filter(|sum| *sum <= most);
    let reserved = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    reserved.map(drop).map_err(|_| FormError::StorageFull)
}

/// A file without a name, that counts in the budget as long as it is here.
pub(super) struct TemporaryFile {
    file: File,
    reserved: Reserved,
}

struct Reserved {
    shared: Arc<Shared>,
    bytes: AtomicU64,
}

impl TemporaryFile {
    pub(super) fn write_at(&self, data: &[u8], offset: u64) -> Result<(), FormError> {
        let Reserved { shared, bytes } = &self.reserved;
        reserve(&shared.bytes, data.len() as u64, shared.most_bytes)?;
        bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(data, offset).map_err(FormError::Storage)
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }
}

impl fmt::Debug for TemporaryFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TemporaryFile").field(&self.file).finish()
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.shared.bytes.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
        self.shared.files.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for TemporaryFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemporaryFiles")
            .field("folder", &self.shared.folder)
            .field("bytes", &self.bytes_in_use())
            .field("files", &self.files_in_use())
            .finish_non_exhaustive()
    }
}
