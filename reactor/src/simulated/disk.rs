//! The disk of a simulated host.
//!
//! ```text
//!   names  ------------->  file  ------------->  content          what programs see
//!     | changes              | writes                              what a power failure may take
//!   durable names          durable content                         what remains for certain
//! ```
//!
//! A sync of a file applies its writes to the durable content. A sync of a directory applies the
//! changes of its names to the durable names. What is neither is up to the [power
//! failure](Disk::power_off).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use rustix::io::Errno;

use crate::disk_operation::{DiskAnswer, DiskOperation, FileMetadata, FileRef, OpenMode};
use crate::random::Random;

use super::disk_file::{File, Write};

/// The target of a name.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Entry {
    Directory,
    /// The file of this number.
    File(u64),
}

/// A change of names that is not durable yet.
#[derive(Debug)]
struct Change {
    removed: Option<PathBuf>,
    added: Option<(PathBuf, Entry)>,
}

#[derive(Copy, Clone, Debug)]
struct OpenFile {
    file: u64,
    writable: bool,
}

/// An operation under way.
#[derive(Debug)]
struct UnderWay {
    operation: DiskOperation,
    /// The error that the operation is going to fail with.
    fault: Option<Errno>,
}

#[derive(Debug)]
pub(super) struct Disk {
    files: BTreeMap<u64, File>,
    names: BTreeMap<PathBuf, Entry>,
    durable_names: BTreeMap<PathBuf, Entry>,
    changes: Vec<Change>,
    open: BTreeMap<u64, OpenFile>,
    under_way: BTreeMap<u64, UnderWay>,
    /// The number that was given out last.
    last: u64,
    /// The draws of what a power failure leaves.
    random: Random,
}

impl Disk {
    pub(super) fn new(random: Random) -> Self {
        let root = BTreeMap::from([(PathBuf::from("/"), Entry::Directory)]);
        Self {
            files: BTreeMap::new(),
            names: root.clone(),
            durable_names: root,
            changes: Vec::new(),
            open: BTreeMap::new(),
            under_way: BTreeMap::new(),
            last: 0,
            random,
        }
    }

    pub(super) fn begin(&mut self, operation: DiskOperation, fault: Option<Errno>) -> u64 {
        let number = self.number();
        self.under_way.insert(number, UnderWay { operation, fault });
        number
    }

    /// Ends an operation, on a disk that has room for `space` bytes.
    pub(super) fn end(&mut self, number: u64, space: Option<u64>) -> io::Result<DiskAnswer> {
        // A crash has ended it already.
        let UnderWay { operation, fault } = self.under_way.remove(&number).ok_or(Errno::IO)?;
        if let Some(fault) = fault {
            if let DiskOperation::Sync(file) = &operation
                && let Ok(file) = self.file(file)
            {
                file.fail_to_sync();
            }
            return Err(fault.into());
        }
        self.perform(operation, space).map_err(Into::into)
    }

    pub(super) fn close(&mut self, open: u64) {
        if let Some(file) = self.open.remove(&open).and_then(|opened| self.files.get_mut(&opened.file)) {
            file.lock = file.lock.filter(|owner| *owner != open);
        }
    }

    /// The process that used the disk is gone: what was under way may have taken effect or not.
    pub(super) fn process_gone(&mut self) {
        for (_, UnderWay { operation, fault }) in std::mem::take(&mut self.under_way) {
            if fault.is_none() && self.random.chance(0.5) {
                // No process is left that could receive the result.
                let _ = self.perform(operation, None);
            }
        }
        self.open.clear();
        self.files.values_mut().for_each(|file| file.lock = None);
    }

    /// The power goes off: what was not synced remains in part.
    pub(super) fn power_off(&mut self) {
        self.process_gone();
        let kept = self.random.index(self.changes.len() + 1);
        for change in std::mem::take(&mut self.changes).into_iter().take(kept) {
            apply_change(&mut self.durable_names, change);
        }
        let durable = self.durable_names.clone();
        let has_parent = |path: &Path| path.parent().is_none_or(|parent| durable.contains_key(parent));
        self.durable_names.retain(|path, _| path.ancestors().all(has_parent));
        self.names = self.durable_names.clone();
        let used: Vec<u64> = self.names.values().filter_map(|entry| entry.file().ok()).collect();
        self.files.retain(|number, _| used.contains(number));
        let random = &self.random;
        self.files.values_mut().for_each(|file| file.power_off(random));
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn perform(&mut self, operation: DiskOperation, space: Option<u64>) -> Result<DiskAnswer, Errno> {
        let done = |()| DiskAnswer::Done;
        match operation {
            DiskOperation::Open(path, mode) => self.open(&absolute(&path), mode),
            DiskOperation::ReadFile(path) => {
                let file = self.entry(&absolute(&path))?.file()?;
                Ok(DiskAnswer::Bytes(self.files.get(&file).map(|file| file.content.clone()).unwrap_or_default()))
            }
            DiskOperation::ReadAt(file, offset, count) => {
                let content = &self.file(&file)?.content;
                let start = size(offset)?.min(content.len());
                let end = start.saturating_add(count).min(content.len());
                Ok(DiskAnswer::Bytes(content.get(start..end).unwrap_or_default().to_vec()))
            }
            DiskOperation::Append(file, data) => {
                let end = self.file(&file)?.content.len();
                self.write(&file, end, &data, space)?;
                Ok(DiskAnswer::Position(end as u64))
            }
            DiskOperation::WriteAt(file, offset, data) => self.write(&file, size(offset)?, &data, space).map(done),
            DiskOperation::SetLength(file, length) => self.set_length(&file, size(length)?, space).map(done),
            DiskOperation::Sync(file) => {
                self.file(&file)?.sync();
                Ok(DiskAnswer::Done)
            }
            DiskOperation::Lock(file) => self.lock(&file).map(done),
            DiskOperation::FileMetadata(file) => {
                let length = self.file(&file)?.content.len() as u64;
                Ok(DiskAnswer::Metadata(FileMetadata { length, is_directory: false }))
            }
            DiskOperation::Metadata(path) => {
                let entry = self.entry(&absolute(&path))?;
                let file = entry.file().ok().and_then(|file| self.files.get(&file));
                let length = file.map_or(0, |file| file.content.len() as u64);
                Ok(DiskAnswer::Metadata(FileMetadata { length, is_directory: entry == Entry::Directory }))
            }
            DiskOperation::Rename(from, to) => self.rename(absolute(&from), absolute(&to)).map(done),
            DiskOperation::Remove(path) => {
                let path = absolute(&path);
                self.entry(&path)?.file()?;
                self.change(Change { removed: Some(path), added: None });
                Ok(DiskAnswer::Done)
            }
            DiskOperation::CreateDirectory(path) => {
                let path = absolute(&path);
                if self.names.contains_key(&path) {
                    return Err(Errno::EXIST);
                }
                self.check_parent(&path)?;
                self.change(Change { removed: None, added: Some((path, Entry::Directory)) });
                Ok(DiskAnswer::Done)
            }
            DiskOperation::SyncDirectory(path) => self.sync_directory(&absolute(&path)).map(done),
            DiskOperation::List(path) => self.list(&absolute(&path)).map(DiskAnswer::Names),
        }
    }

    fn entry(&self, path: &Path) -> Result<Entry, Errno> {
        let is_file = |path: &Path| matches!(self.names.get(path), Some(Entry::File(_)));
        let missing = || if path.ancestors().skip(1).any(is_file) { Errno::NOTDIR } else { Errno::NOENT };
        self.names.get(path).copied().ok_or_else(missing)
    }

    fn check_directory(&self, path: &Path) -> Result<(), Errno> {
        if self.entry(path)? == Entry::Directory { Ok(()) } else { Err(Errno::NOTDIR) }
    }

    fn check_parent(&self, path: &Path) -> Result<(), Errno> {
        path.parent().map_or(Err(Errno::EXIST), |parent| self.check_directory(parent))
    }

    fn file(&mut self, open: &FileRef) -> Result<&mut File, Errno> {
        let FileRef::Simulated(open) = open else { return Err(Errno::BADF) };
        let file = self.open.get(open).and_then(|opened| self.files.get_mut(&opened.file));
        file.ok_or(Errno::BADF)
    }

    fn check_writable(&self, open: &FileRef, otherwise: Errno) -> Result<(), Errno> {
        let FileRef::Simulated(open) = open else { return Err(Errno::BADF) };
        match self.open.get(open) {
            Some(OpenFile { writable: true, .. }) => Ok(()),
            Some(_) => Err(otherwise),
            None => Err(Errno::BADF),
        }
    }

    fn change(&mut self, change: Change) {
        apply_change(&mut self.names, Change { removed: change.removed.clone(), added: change.added.clone() });
        self.changes.push(change);
    }

    fn open(&mut self, path: &Path, mode: OpenMode) -> Result<DiskAnswer, Errno> {
        let file = match self.entry(path) {
            Ok(_) if mode == OpenMode::New => return Err(Errno::EXIST),
            Ok(entry) => entry.file()?,
            Err(error) if mode == OpenMode::Read => return Err(error),
            Err(_) => {
                self.check_parent(path)?;
                let file = self.number();
                self.files.insert(file, File::default());
                self.change(Change { removed: None, added: Some((path.to_owned(), Entry::File(file))) });
                file
            }
        };
        let open = self.number();
        self.open.insert(open, OpenFile { file, writable: mode != OpenMode::Read });
        Ok(DiskAnswer::File(FileRef::Simulated(open)))
    }

    /// The number of bytes that still fit on a disk of `space` bytes.
    fn room(&self, space: Option<u64>) -> usize {
        let used: usize = self.files.values().map(|file| file.content.len()).sum();
        let space = space.map_or(usize::MAX, |space| usize::try_from(space).unwrap_or(usize::MAX));
        space.saturating_sub(used)
    }

    fn write(&mut self, open: &FileRef, offset: usize, data: &Bytes, space: Option<u64>) -> Result<(), Errno> {
        if data.is_empty() {
            return Ok(());
        }
        self.check_writable(open, Errno::BADF)?;
        let room = self.room(space);
        let file = self.file(open)?;
        let end = offset.checked_add(data.len()).ok_or(Errno::FBIG)?;
        let most = file.content.len().saturating_add(room);
        let fits = data.len().saturating_sub(end.saturating_sub(most));
        if fits > 0 {
            file.write(Write::Data(offset, data.slice(..fits)));
        }
        if fits < data.len() { Err(Errno::NOSPC) } else { Ok(()) }
    }

    fn set_length(&mut self, open: &FileRef, length: usize, space: Option<u64>) -> Result<(), Errno> {
        self.check_writable(open, Errno::INVAL)?;
        let room = self.room(space);
        let file = self.file(open)?;
        if length > file.content.len().saturating_add(room) {
            return Err(Errno::NOSPC);
        }
        file.write(Write::Length(length));
        Ok(())
    }

    fn lock(&mut self, open: &FileRef) -> Result<(), Errno> {
        let FileRef::Simulated(number) = *open else { return Err(Errno::BADF) };
        let file = self.file(open)?;
        match file.lock {
            Some(owner) if owner != number => Err(Errno::AGAIN),
            _ => {
                file.lock = Some(number);
                Ok(())
            }
        }
    }

    fn rename(&mut self, from: PathBuf, to: PathBuf) -> Result<(), Errno> {
        self.check_parent(&from)?;
        self.check_parent(&to)?;
        let entry = self.entry(&from)?;
        if entry == Entry::Directory {
            return Err(Errno::OPNOTSUPP);
        }
        if self.names.get(&to) == Some(&Entry::Directory) {
            return Err(Errno::ISDIR);
        }
        if from != to {
            self.change(Change { removed: Some(from), added: Some((to, entry)) });
        }
        Ok(())
    }

    fn sync_directory(&mut self, path: &Path) -> Result<(), Errno> {
        self.check_directory(path)?;
        let (durable, left) =
            std::mem::take(&mut self.changes).into_iter().partition::<Vec<_>, _>(|change| change.place() == Some(path));
        self.changes = left;
        durable.into_iter().for_each(|change| apply_change(&mut self.durable_names, change));
        Ok(())
    }

    fn list(&self, path: &Path) -> Result<Vec<OsString>, Errno> {
        self.check_directory(path)?;
        let inside = self.names.keys().filter(|name| name.parent() == Some(path));
        Ok(inside.filter_map(|name| name.file_name().map(ToOwned::to_owned)).collect())
    }
}

fn apply_change(names: &mut BTreeMap<PathBuf, Entry>, Change { removed, added }: Change) {
    if let Some(removed) = removed {
        names.remove(&removed);
    }
    names.extend(added);
}

impl Entry {
    fn file(self) -> Result<u64, Errno> {
        match self {
            Self::File(file) => Ok(file),
            Self::Directory => Err(Errno::ISDIR),
        }
    }
}

impl Change {
    /// The directory whose sync makes the change durable: that of the new name, if there is one.
    fn place(&self) -> Option<&Path> {
        let added = self.added.as_ref().map(|(path, _)| path);
        added.or(self.removed.as_ref())?.parent()
    }
}

/// A path from the root, without `.` and `..`.
fn absolute(path: &Path) -> PathBuf {
    let mut absolute = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => absolute.push(name),
            Component::ParentDir => {
                absolute.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    absolute
}

fn size(value: u64) -> Result<usize, Errno> {
    usize::try_from(value).map_err(|_| Errno::FBIG)
}

#[cfg(test)]
mod tests;
