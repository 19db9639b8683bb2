//! A folder whose files are served, and nothing outside it.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::date::LAST_SECOND;

/// A folder, from which files are opened that the kernel makes sure lie below it: by `openat2(2)` with `RESOLVE_BENEATH`, which takes
/// neither `..` nor an absolute path nor a symbolic link that leads outside, not even when the tree is changed in that very moment.
///
/// A symbolic link that stays below the folder is followed, unless it is an absolute one. What is neither a plain file nor a folder is
/// refused, and is not waited for: no pipe, socket or device.
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
    /// Holds on to a folder. `path` may be any, symbolic links included: it is the operator's.
    ///
    /// # Errors
    ///
    /// When there is no such folder, or it may not be entered.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { folder: rustix::fs::openat(CWD, path.as_ref(), flags, Mode::empty())? })
    }

    /// Opens what lies under `path`: file names with slashes between them, as [`FilePath`](super::FilePath) makes it. An empty path is the folder itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is nothing, or nothing that could be served; [`ErrorKind::PermissionDenied`] when this process may
    /// not read it; any other error is the system's trouble. Before Linux 5.6 there is no such system call, and every call fails.
    pub fn find(&self, path: &[u8]) -> io::Result<Found> {
        // Nothing is waited for, be it a pipe without a writer, and no terminal becomes ours.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let path = if path.is_empty() { b"." } else { path };
        let descriptor = open_beneath(&self.folder, path, flags).map_err(nothing_to_serve)?;
        let status = rustix::fs::fstat(&descriptor)?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => Ok(Found::File(FoundFile {
                file: descriptor.into(),
                length: u64::try_from(status.st_size).unwrap_or(0),
                modified: modified(&status),
            })),
            FileType::Directory => Ok(Found::Folder(Self { folder: descriptor })),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }

    /// What is in the folder, but for what is hidden, broken, or neither a plain file nor a folder: at most `limit` entries, in no order.
    ///
    /// # Errors
    ///
    /// When the folder may not be read.
    pub fn list(&self, limit: usize) -> io::Result<Vec<FolderEntry>> {
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_bytes().starts_with(b".") {
                continue;
            }
            if entries.len() == limit {
                break;
            }
            let Some(status) = self.status_of(name.to_bytes()) else { continue };
            let is_folder = match FileType::from_raw_mode(status.st_mode) {
                FileType::Directory => true,
                FileType::RegularFile => false,
                _ => continue,
            };
            entries.push(FolderEntry {
                name: String::from_utf8_lossy(name.to_bytes()).into_owned(),
                is_folder,
                length: u64::try_from(status.st_size).unwrap_or(0),
                modified: modified(&status),
            });
        }
        Ok(entries)
    }

    /// The status of an entry, if a request for it would find something: a link that leads outside is none.
    fn status_of(&self, name: &[u8]) -> Option<Stat> {
        let status = rustix::fs::statat(&self.folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).ok()?;
        if FileType::from_raw_mode(status.st_mode) != FileType::Symlink {
            return Some(status);
        }
        let target = open_beneath(&self.folder, name, OFlags::PATH | OFlags::CLOEXEC).ok()?;
        rustix::fs::fstat(target).ok()
    }
}

impl fmt::Debug for FileTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileTree").field(&self.folder).finish()
    }
}

#[cfg(target_os = "linux")]
fn open_beneath(folder: &impl AsFd, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let mut left = CROSSED;
    loop {
        match rustix::fs::openat2(folder, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) if left > 0 => left -= 1,
            result => return result,
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(_: &impl AsFd, _: &[u8], _: OFlags) -> rustix::io::Result<OwnedFd> {
    Err(Errno::NOSYS)
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

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "listings of other things are made of it too")]
pub struct FolderEntry {
    /// Its name.
    pub name: String,
    /// Is it a folder?
    pub is_folder: bool,
    /// Of a file: its length, in bytes.
    pub length: u64,
    /// When it was changed last.
    pub modified: SystemTime,
}

#[cfg(test)]
mod tests;
