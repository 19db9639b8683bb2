//! A folder whose files are served, and nothing outside it.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::date::LAST_SECOND;

/// A folder whose files are opened with `openat2(2)` and `RESOLVE_BENEATH`: the kernel refuses `..`, absolute paths and symbolic links
/// that lead outside, even if the tree changes during the call.
///
/// A relative symbolic link that stays below the folder is followed. Pipes, sockets and devices are refused without waiting. Other
/// file systems that are mounted below the folder are refused too (`RESOLVE_NO_XDEV`), unless
/// [`with_other_mounts`](Self::with_other_mounts) allows them: `/proc` or a backup disk below the folder is rarely meant for visitors.
///
/// The folder is held open: renamed, it stays the same. Every call looks the file up anew, so nothing is served that is no longer there.
///
/// # Example
///
/// ```
/// use std::fs;
///
/// use lariat_protocols::http::{FileTree, Found};
///
/// # let folder = std::env::temp_dir().join(format!("lariat-file-tree-{}", std::process::id()));
/// # fs::create_dir_all(&folder)?;
/// fs::write(folder.join("hello.txt"), "hello")?;
/// let tree = FileTree::open(&folder)?;
/// let Found::File(found) = tree.find(b"hello.txt")? else { panic!("it is a folder") };
/// assert_eq!(found.length, 5);
/// assert!(tree.find(b"../etc/passwd").is_err());
/// # fs::remove_dir_all(&folder)?;
/// # std::io::Result::Ok(())
/// ```
pub struct FileTree {
    folder: OwnedFd,
    crosses_mounts: bool,
}

/// What there is under a path.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "everything else is refused")]
pub enum Found {
    /// A plain file.
    File(FoundFile),
    /// A folder.
    Folder(FileTree),
}

/// A plain file that is open for reading.
#[derive(Debug)]
#[non_exhaustive]
pub struct FoundFile {
    /// The file.
    pub file: File,
    /// Its length, in bytes.
    pub length: u64,
    /// When its content was changed last.
    pub modified: SystemTime,
}

/// How often a lookup is begun again that a change to the tree has crossed: the kernel refuses it then, for it cannot tell whether it has left
/// the folder.
const CROSSED: usize = 8;

impl FileTree {
    /// Opens a folder and keeps it open. `path` is the operator's choice and may contain symbolic links.
    ///
    /// # Errors
    ///
    /// A missing folder, or one that this process may not read; [`ErrorKind::Unsupported`] where `openat2(2)` does not work: before
    /// Linux 5.6, or under a seccomp filter that does not know the call.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(CWD, path.as_ref(), flags, Mode::empty())?;
        let tree = Self { folder, crosses_mounts: false };
        match tree.open_beneath(b".", OFlags::PATH | OFlags::CLOEXEC) {
            // Old container runtimes answer EPERM to system calls that their seccomp filter does not know.
            Err(errno @ (Errno::NOSYS | Errno::PERM)) => Err(openat2_is_missing(errno)),
            Err(errno) => Err(errno.into()),
            Ok(_) => Ok(tree),
        }
    }

    /// Sets whether files on other file systems that are mounted below the folder can be opened, bind mounts included. Default: no.
    #[must_use]
    pub fn with_other_mounts(mut self, crosses_mounts: bool) -> Self {
        self.crosses_mounts = crosses_mounts;
        self
    }

    /// Opens the file or folder at `path`: file names with slashes between them, as [`FilePath`](super::FilePath) gives it. An empty path
    /// is the folder itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a path without a file or folder that can be served; [`ErrorKind::PermissionDenied`] if this process may not read it; any
    /// other error is a failure of the system.
    pub fn find(&self, path: &[u8]) -> io::Result<Found> {
        // Nothing is waited for, be it a pipe without a writer, and no terminal becomes ours.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let path = if path.is_empty() { b"." } else { path };
        let descriptor = self.open_beneath(path, flags).map_err(nothing_to_serve)?;
        let status = rustix::fs::fstat(&descriptor)?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => Ok(Found::File(FoundFile {
                file: descriptor.into(),
                length: u64::try_from(status.st_size).unwrap_or(0),
                modified: modified(&status),
            })),
            FileType::Directory => Ok(Found::Folder(Self { folder: descriptor, ..*self })),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }

    /// The entries of the folder that a request would find, in no order: no hidden, dangling or special ones. At most `limit` entries are
    /// read, whether they are listed or not, because each costs one or two system calls.
    ///
    /// # Errors
    ///
    /// A folder that this process may not read.
    pub fn list(&self, limit: usize) -> io::Result<FolderContents> {
        let device = rustix::fs::fstat(&self.folder)?.st_dev;
        let mut contents = FolderContents { entries: Vec::new(), is_cut: false };
        let mut read = 0;
        for entry in rustix::fs::Dir::read_from(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if read == limit {
                contents.is_cut = true;
                break;
            }
            read += 1;
            if name.starts_with(b".") {
                continue;
            }
            let Some(status) = self.status_of(name) else { continue };
            let is_folder = match FileType::from_raw_mode(status.st_mode) {
                // Only of a folder does another device mean another mount: in overlayfs, files have the devices of their layers.
                FileType::Directory if status.st_dev != device && !self.crosses_mounts => continue,
                FileType::Directory => true,
                FileType::RegularFile => false,
                _ => continue,
            };
            contents.entries.push(FolderEntry {
                name: name.to_vec(),
                is_folder,
                length: u64::try_from(status.st_size).unwrap_or(0),
                modified: modified(&status),
            });
        }
        Ok(contents)
    }

    /// Returns whether the folder has more than `limit` entries. Reads their names only, and no more than that many.
    pub(super) fn has_more_than(&self, limit: usize) -> io::Result<bool> {
        let mut entries = rustix::fs::Dir::read_from(&self.folder)?;
        // Every folder has `.` and `..` besides.
        Ok(entries.nth(limit + 2).is_some())
    }

    /// Identifies the folder and its present set of names.
    pub(super) fn version(&self) -> io::Result<FolderVersion> {
        let status = rustix::fs::fstat(&self.folder)?;
        Ok(FolderVersion {
            device: status.st_dev,
            inode: status.st_ino,
            changed: (status.st_ctime, status.st_ctime_nsec),
        })
    }

    /// The status of an entry, if a request for it would find something: not of a link that leads outside.
    fn status_of(&self, name: &[u8]) -> Option<Stat> {
        let status = rustix::fs::statat(&self.folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).ok()?;
        if FileType::from_raw_mode(status.st_mode) != FileType::Symlink {
            return Some(status);
        }
        let target = self.open_beneath(name, OFlags::PATH | OFlags::CLOEXEC).ok()?;
        rustix::fs::fstat(target).ok()
    }

    #[cfg(target_os = "linux")]
    fn open_beneath(&self, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        if !self.crosses_mounts {
            resolve |= ResolveFlags::NO_XDEV;
        }
        let mut left = CROSSED;
        loop {
            match rustix::fs::openat2(&self.folder, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) if left > 0 => left -= 1,
                result => return result,
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn open_beneath(&self, _: &[u8], _: OFlags) -> rustix::io::Result<OwnedFd> {
        Err(Errno::NOSYS)
    }
}

/// The error of [`FileTree::open`] where files cannot be confined to the folder.
fn openat2_is_missing(errno: Errno) -> io::Error {
    let reason = io::Error::from(errno);
    let message = format!(
        "openat2(2), which confines requests to the folder, does not work here ({reason}): \
         it takes Linux 5.6 or later, and a seccomp filter that allows it"
    );
    io::Error::new(ErrorKind::Unsupported, message)
}

impl fmt::Debug for FileTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileTree").field(&self.folder).finish()
    }
}

/// What leads outside, in circles, through a file, or has no name that a file could have is simply not there.
fn nothing_to_serve(errno: Errno) -> io::Error {
    match errno {
        Errno::XDEV | Errno::LOOP | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::INVAL | Errno::NXIO | Errno::NODEV => {
            ErrorKind::NotFound.into()
        }
        errno => errno.into(),
    }
}

/// When a file was changed; if that is nothing that a header could tell, the nearest that is.
fn modified(status: &Stat) -> SystemTime {
    let seconds = u64::try_from(status.st_mtime).unwrap_or(0).min(LAST_SECOND);
    UNIX_EPOCH + Duration::new(seconds, u32::try_from(status.st_mtime_nsec).unwrap_or(0))
}

/// A file or folder in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "listings of other things are made of it too")]
pub struct FolderEntry {
    /// The name, which need not be UTF-8.
    pub name: Vec<u8>,
    /// It is a folder, not a file.
    pub is_folder: bool,
    /// The length of a file, in bytes.
    pub length: u64,
    /// The time of the last change.
    pub modified: SystemTime,
}

/// The contents of a folder, as [`FileTree::list`] gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FolderContents {
    /// The entries, in no order.
    pub entries: Vec<FolderEntry>,
    /// The folder has more entries than were read.
    pub is_cut: bool,
}

/// A folder with a certain set of names in it: see [`FileTree::version`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct FolderVersion {
    device: u64,
    inode: u64,
    /// Seconds and nanoseconds.
    changed: (i64, u64),
}

#[cfg(test)]
mod tests;
