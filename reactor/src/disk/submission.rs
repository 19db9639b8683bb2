//! The way of an operation to a thread or to a simulated disk, and back.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::deferred::Deferred;
#[cfg(feature = "testing")]
use crate::disk_operation::Storage;
use crate::disk_operation::{DiskAnswer, DiskOperation, FileMetadata, FileRef};
#[cfg(feature = "testing")]
use crate::failure::Failure;
use crate::reactor::Reactor;

use super::error::DiskError;

/// The owner of an open file.
pub(super) struct Open {
    pub(super) path: PathBuf,
    /// None of an answer that was not a file.
    pub(super) file: Option<FileRef>,
    #[cfg(feature = "testing")]
    storage: Option<Rc<dyn Storage>>,
}

impl Open {
    #[cfg_attr(not(feature = "testing"), expect(unused_variables, reason = "only simulated disks close files"))]
    pub(super) fn new(reactor: &Reactor, path: PathBuf, answer: DiskAnswer) -> Self {
        let file = if let DiskAnswer::File(file) = answer { Some(file) } else { None };
        Self {
            path,
            file,
            #[cfg(feature = "testing")]
            storage: reactor.core().network.disk(),
        }
    }
}

/// Has an operation done. `open` is the file that it is done to, which stays open meanwhile.
#[cfg_attr(not(feature = "testing"), expect(clippy::needless_pass_by_value, reason = "a simulated disk keeps it"))]
#[track_caller]
pub(super) fn submit(reactor: &Reactor, operation: DiskOperation, open: Option<Rc<Open>>) -> Deferred<DiskAnswer> {
    let path = operation.path().map(Path::to_owned);
    let path = path.or_else(|| open.as_ref().map(|open| open.path.clone())).unwrap_or_default();
    let verb = operation.verb();
    #[cfg(feature = "testing")]
    if let Some(storage) = reactor.core().network.disk() {
        return simulate(reactor, storage, operation, open, verb, path);
    }
    reactor.try_defer_to_thread(move || operation.perform().map_err(|error| DiskError::new(verb, path, error)))
}

#[cfg(feature = "testing")]
#[track_caller]
fn simulate(
    reactor: &Reactor,
    storage: Rc<dyn Storage>,
    operation: DiskOperation,
    open: Option<Rc<Open>>,
    verb: &'static str,
    path: PathBuf,
) -> Deferred<DiskAnswer> {
    if reactor.has_ended() {
        return Deferred::fail(reactor, Failure::ended());
    }
    let (number, after) = storage.begin(operation);
    let (resolver, deferred) = Deferred::new(reactor);
    reactor.call_later(after, move |_| {
        let result = storage.end(number).map_err(|error| DiskError::new(verb, path, error).into());
        drop(open);
        if let Err(Ok(DiskAnswer::File(FileRef::Simulated(file)))) = resolver.settle(result) {
            // The Deferred was cancelled.
            storage.close(file);
        }
    });
    deferred
}

impl DiskAnswer {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes,
            _ => Vec::new(),
        }
    }

    pub(super) fn into_metadata(self) -> FileMetadata {
        match self {
            Self::Metadata(metadata) => metadata,
            _ => FileMetadata { length: 0, is_directory: false },
        }
    }
}

#[cfg(feature = "testing")]
impl Drop for Open {
    fn drop(&mut self) {
        if let (Some(FileRef::Simulated(file)), Some(storage)) = (&self.file, &self.storage) {
            storage.close(*file);
        }
    }
}
