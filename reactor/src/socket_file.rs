//! The file of a Unix socket: how it gets its mode, and how it is removed.
//!
//! Both happen in a folder that others may write to, as `/tmp`, so neither goes by the path once
//! the file exists: a path can lead to another file by then.

use std::ffi::OsString;
use std::fs::read_to_string;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fchmod, fstat, open, statat, unlinkat};
use socket2::{SockAddr, Socket};

/// The mode of a socket's file before the umask is applied, unless another is asked for. As in
/// Twisted.
const DEFAULT_MODE: u32 = 0o666;

/// The file that binding a socket has made. Its folder is held open: the path may lead elsewhere
/// later.
#[derive(Debug)]
pub(crate) struct SocketFile {
    folder: OwnedFd,
    name: OsString,
    device: u64,
    inode: u64,
}

/// Binds a Unix socket to a file that has `mode` from the start; without one, read and write
/// permission as far as the umask allows.
pub(crate) fn bind(socket: &Socket, address: &SockAddr, mode: Option<u32>) -> io::Result<()> {
    // `bind(2)` gives the file the mode of the socket's own inode, less the umask (`unix_bind_bsd`
    // in `net/unix/af_unix.c`).
    fchmod(socket, Mode::from_raw_mode(mode.unwrap_or(DEFAULT_MODE)))?;
    match mode {
        Some(mode) if mode & umask() != 0 => bind_past_the_umask(socket, address, mode),
        _ => socket.bind(address),
    }
}

/// Binds in a thread that has a umask of its own: this process's is every thread's, and each file
/// that another thread makes meanwhile would be open to all.
fn bind_past_the_umask(socket: &Socket, address: &SockAddr, mode: u32) -> io::Result<()> {
    let bind = || {
        unshare(CloneFlags::CLONE_FS).map_err(|error| {
            let umask = umask();
            let message = format!(
                "the umask {umask:03o} does not allow the mode {mode:03o}, and this system lets no thread have a umask of its own \
                 ({error}): start the process with the umask {:03o}, or ask for the mode {:03o}",
                umask & !mode,
                mode & !umask
            );
            io::Error::new(io::ErrorKind::PermissionDenied, message)
        })?;
        nix::sys::stat::umask(nix::sys::stat::Mode::empty());
        socket.bind(address)
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("bind".to_owned()).spawn_scoped(scope, bind)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that binds the socket panicked")))
    })
}

/// The umask of this process. It can only be read without being changed where the kernel shows it
/// (`proc_pid_status(5)`); elsewhere the strictest is assumed.
fn umask() -> u32 {
    let status = read_to_string("/proc/thread-self/status").unwrap_or_default();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    umask.and_then(|umask| u32::from_str_radix(umask.trim(), 8).ok()).unwrap_or(0o777)
}

impl SocketFile {
    /// Finds the file that `socket` has just been bound to. `None` if another one is there already:
    /// it is left alone.
    pub(crate) fn find(socket: impl AsFd, path: &Path) -> Option<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name()?.to_owned();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = open(folder, flags, Mode::empty()).ok()?;
        let found = statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let own = fstat(socket).ok()?;
        let is_ours = FileType::from_raw_mode(found.st_mode) == FileType::Socket && found.st_uid == own.st_uid;
        let (device, inode) = identity(&found);
        is_ours.then_some(Self { folder, name, device, inode })
    }

    /// Removes the file, if it is still the one that was made: another server may have put its own
    /// in that place.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let ours = (self.device, self.inode);
        match statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if identity(&found) == ours => Ok(unlinkat(&self.folder, &self.name, AtFlags::empty())?),
            _ => Ok(()),
        }
    }
}

#[expect(clippy::useless_conversion, reason = "the width of these differs between architectures")]
fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev.into(), stat.st_ino.into())
}
