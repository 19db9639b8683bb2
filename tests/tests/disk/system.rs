//! The system's disk.

use std::io::ErrorKind;

use lariat::Reactor;
use lariat::disk::{DiskError, OpenMode};
use lariat_tests::harness::Scratch;

use crate::Runner;

#[test]
fn what_is_appended_and_synced_is_in_the_file() {
    let (scratch, mut reactor) = (Scratch::new(), Reactor::new().unwrap());
    let disk = reactor.disk();
    let file = reactor.wait(disk.open(scratch.path("a"), OpenMode::Write)).unwrap();
    assert_eq!(reactor.wait(file.append("hello ")).unwrap(), 0);
    assert_eq!(reactor.wait(file.append("world")).unwrap(), 6);
    reactor.wait(file.write_at(0, "H")).unwrap();
    reactor.wait(file.sync()).unwrap();
    reactor.wait(disk.sync_directory(scratch.path(""))).unwrap();
    assert_eq!(std::fs::read(scratch.path("a")).unwrap(), b"Hello world");
    assert_eq!(reactor.wait(file.read_at(6, 100)).unwrap(), b"world");
}

#[test]
fn appends_that_are_under_way_together_do_not_overlap() {
    const LENGTH: usize = 20_000;
    let (scratch, mut reactor) = (Scratch::new(), Reactor::new().unwrap());
    let file = reactor.disk().open(scratch.path("a"), OpenMode::Write);
    let file = reactor.wait(file).unwrap();
    let appends: Vec<_> = (0..=255_u8).map(|byte| file.append(vec![byte; LENGTH])).collect();
    for append in appends {
        assert!(reactor.wait(append).unwrap().is_multiple_of(LENGTH as u64));
    }
    let content = std::fs::read(scratch.path("a")).unwrap();
    let mut bytes: Vec<u8> = content.chunks(LENGTH).map(|piece| piece[0]).collect();
    assert!(content.chunks(LENGTH).all(|piece| piece.iter().all(|byte| *byte == piece[0])));
    bytes.sort_unstable();
    assert_eq!(bytes, (0..=255).collect::<Vec<_>>());
}

#[test]
fn an_error_names_the_operation_the_path_and_the_cause() {
    let (scratch, mut reactor) = (Scratch::new(), Reactor::new().unwrap());
    let path = scratch.path("missing");
    let failure = reactor.disk().open(&path, OpenMode::Read);
    let failure = reactor.wait(failure).unwrap_err();
    let error = failure.downcast_ref::<DiskError>().unwrap();
    assert_eq!((error.kind(), error.path()), (ErrorKind::NotFound, &*path));
    assert!(error.to_string().starts_with(&format!("could not open {}: No such file", path.display())), "{error}");
    let file = reactor.disk().open(scratch.path("a"), OpenMode::Write);
    let file = reactor.wait(file).unwrap();
    let other = reactor.disk().open(scratch.path("a"), OpenMode::Read);
    let other = reactor.wait(other).unwrap();
    reactor.wait(file.lock()).unwrap();
    let failure = reactor.wait(other.lock()).unwrap_err();
    let error = failure.downcast_ref::<DiskError>().unwrap();
    assert_eq!((error.kind(), error.path()), (ErrorKind::WouldBlock, &*scratch.path("a")));
    assert!(error.to_string().starts_with("could not lock "), "{error}");
}
