//! A disk by itself.

use super::super::disk_file::SECTOR;
use super::*;

fn disk(seed: u64) -> Disk {
    Disk::new(Random::new(seed))
}

fn perform(disk: &mut Disk, operation: DiskOperation) -> DiskAnswer {
    disk.perform(operation, None).unwrap()
}

fn opened(disk: &mut Disk, path: &str) -> FileRef {
    match perform(disk, DiskOperation::Open(path.into(), OpenMode::Write)) {
        DiskAnswer::File(file) => file,
        other => panic!("{other:?}"),
    }
}

fn content(disk: &mut Disk, path: &str) -> Option<Vec<u8>> {
    match disk.perform(DiskOperation::ReadFile(path.into()), None) {
        Ok(DiskAnswer::Bytes(bytes)) => Some(bytes),
        _ => None,
    }
}

/// The contents that 200 power failures leave of two writes of three sectors each to a file whose name is durable.
fn left(synced: bool) -> Vec<Vec<u8>> {
    let cases = (0..200).map(|seed| {
        let mut disk = disk(seed);
        let file = opened(&mut disk, "/a");
        perform(&mut disk, DiskOperation::SyncDirectory("/".into()));
        for byte in [b'x', b'y'] {
            perform(&mut disk, DiskOperation::Append(file.clone(), vec![byte; 3 * SECTOR].into()));
        }
        if synced {
            perform(&mut disk, DiskOperation::Sync(file));
        }
        disk.power_off();
        content(&mut disk, "/a").unwrap()
    });
    cases.collect()
}

#[test]
fn what_was_synced_remains() {
    assert!(left(true).iter().all(|content| content.len() == 6 * SECTOR && content.ends_with(b"y")));
}

#[test]
fn of_what_was_not_synced_there_remain_nothing_all_a_beginning_or_any_sectors() {
    let left = left(false);
    let whole = [vec![b'x'; 3 * SECTOR], vec![b'y'; 3 * SECTOR]].concat();
    assert!(left.iter().any(Vec::is_empty));
    assert!(left.contains(&whole));
    assert!(left.iter().any(|content| content.len() == SECTOR && whole.starts_with(content)));
    assert!(left.iter().any(|content| content.len() == 6 * SECTOR && content.starts_with(&[0])));
    assert!(left.iter().all(|content| content.len().is_multiple_of(SECTOR)));
}

#[test]
fn a_name_that_was_not_synced_may_be_lost_and_the_content_be_empty() {
    let outcomes = (0..200).map(|seed| {
        let mut disk = disk(seed);
        let file = opened(&mut disk, "/a");
        perform(&mut disk, DiskOperation::Append(file, b"abc"[..].into()));
        disk.power_off();
        content(&mut disk, "/a")
    });
    let outcomes: std::collections::BTreeSet<_> = outcomes.collect();
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [None, Some(vec![]), Some(b"abc".to_vec())]);
}

#[test]
fn a_rename_is_undone_unless_the_directory_of_the_new_name_was_synced() {
    for synced in ["/tmp", "/new"] {
        let outcomes = (0..100).map(|seed| {
            let mut disk = disk(seed);
            for path in ["/tmp", "/new"] {
                perform(&mut disk, DiskOperation::CreateDirectory(path.into()));
            }
            perform(&mut disk, DiskOperation::SyncDirectory("/".into()));
            drop(opened(&mut disk, "/tmp/a"));
            perform(&mut disk, DiskOperation::SyncDirectory("/tmp".into()));
            perform(&mut disk, DiskOperation::Rename("/tmp/a".into(), "/new/a".into()));
            perform(&mut disk, DiskOperation::SyncDirectory(synced.into()));
            disk.power_off();
            [content(&mut disk, "/tmp/a").is_some(), content(&mut disk, "/new/a").is_some()]
        });
        let outcomes: std::collections::BTreeSet<_> = outcomes.collect();
        let expected = if synced == "/new" { vec![[false, true]] } else { vec![[false, true], [true, false]] };
        assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_killed_process_loses_locks_and_no_content() {
    let mut disk = disk(1);
    let file = opened(&mut disk, "/a");
    perform(&mut disk, DiskOperation::Append(file.clone(), b"abc"[..].into()));
    perform(&mut disk, DiskOperation::Lock(file));
    let other = opened(&mut disk, "/a");
    assert_eq!(disk.perform(DiskOperation::Lock(other), None).unwrap_err(), Errno::AGAIN);
    disk.process_gone();
    assert_eq!(content(&mut disk, "/a"), Some(b"abc".to_vec()));
    let file = opened(&mut disk, "/a");
    perform(&mut disk, DiskOperation::Lock(file));
}

#[test]
fn after_a_sync_that_failed_the_next_one_succeeds_and_the_data_is_lost() {
    let mut disk = disk(1);
    let file = opened(&mut disk, "/a");
    perform(&mut disk, DiskOperation::SyncDirectory("/".into()));
    perform(&mut disk, DiskOperation::Append(file.clone(), b"abc"[..].into()));
    let failing = disk.begin(DiskOperation::Sync(file.clone()), Some(Errno::IO));
    assert!(disk.end(failing, None).is_err());
    perform(&mut disk, DiskOperation::Sync(file));
    assert_eq!(content(&mut disk, "/a"), Some(b"abc".to_vec()));
    disk.power_off();
    assert_eq!(content(&mut disk, "/a"), Some(vec![]));
}

#[test]
fn a_full_disk_takes_what_fits() {
    let mut disk = disk(1);
    let file = opened(&mut disk, "/a");
    let long = DiskOperation::Append(file.clone(), b"abcdef"[..].into());
    assert_eq!(disk.perform(long, Some(4)).unwrap_err(), Errno::NOSPC);
    assert_eq!(content(&mut disk, "/a"), Some(b"abcd".to_vec()));
    let over = DiskOperation::WriteAt(file, 0, b"ABCD"[..].into());
    assert!(disk.perform(over, Some(4)).is_ok(), "what is there already takes no room");
}
