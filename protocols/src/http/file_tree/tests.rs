use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// A folder to serve, `site`, and a file beside it that must not be.
struct Site {
    _around: TempDir,
    folder: PathBuf,
}

impl Site {
    fn new() -> Self {
        let around = TempDir::new().unwrap();
        let folder = around.path().join("site");
        fs::create_dir_all(folder.join("sub/deep")).unwrap();
        fs::write(around.path().join("secret"), "secret").unwrap();
        fs::write(folder.join("a.txt"), "hello").unwrap();
        fs::write(folder.join("sub/b.txt"), "below").unwrap();
        fs::write(folder.join(".hidden"), "hidden").unwrap();
        Self { _around: around, folder }
    }

    fn tree(&self) -> FileTree {
        FileTree::open(&self.folder).unwrap()
    }
}

fn content(found: io::Result<Found>) -> String {
    let Ok(Found::File(mut found)) = found else { panic!("{found:?}") };
    let mut content = String::new();
    found.file.read_to_string(&mut content).unwrap();
    assert_eq!(content.len() as u64, found.length);
    content
}

fn kind(found: io::Result<Found>) -> ErrorKind {
    match found {
        Err(error) => error.kind(),
        Ok(found) => panic!("{found:?}"),
    }
}

#[test]
fn files_and_folders_are_found() {
    let site = Site::new();
    let tree = site.tree();
    assert_eq!(content(tree.find(b"a.txt")), "hello");
    assert_eq!(content(tree.find(b"sub/b.txt")), "below");
    assert!(matches!(tree.find(b""), Ok(Found::Folder(_))));
    let Ok(Found::Folder(sub)) = tree.find(b"sub") else { panic!("no folder") };
    assert_eq!(content(sub.find(b"b.txt")), "below");
}

#[test]
fn nothing_outside_is_found() {
    let site = Site::new();
    let tree = site.tree();
    for path in ["../secret", "sub/../../secret", "sub/deep/../../../secret", "/etc/passwd", ".."] {
        assert_eq!(kind(tree.find(path.as_bytes())), ErrorKind::NotFound, "{path}");
    }
}

#[test]
fn a_link_that_leads_outside_is_not_followed() {
    let site = Site::new();
    symlink("../secret", site.folder.join("out")).unwrap();
    symlink("..", site.folder.join("up")).unwrap();
    symlink("/etc", site.folder.join("etc")).unwrap();
    symlink(site.folder.join("a.txt"), site.folder.join("absolute")).unwrap();
    symlink("circle", site.folder.join("circle")).unwrap();
    symlink("/proc/self/root/etc", site.folder.join("magic")).unwrap();
    let tree = site.tree();
    for path in ["out", "up/secret", "up", "etc/passwd", "absolute", "circle", "magic/passwd"] {
        assert_eq!(kind(tree.find(path.as_bytes())), ErrorKind::NotFound, "{path}");
    }
}

#[test]
fn a_link_that_stays_inside_is_followed() {
    let site = Site::new();
    symlink("sub/b.txt", site.folder.join("inside")).unwrap();
    symlink("../a.txt", site.folder.join("sub/back")).unwrap();
    let tree = site.tree();
    assert_eq!(content(tree.find(b"inside")), "below");
    assert_eq!(content(tree.find(b"sub/back")), "hello");
}

#[test]
fn only_plain_files_are_opened_and_nothing_is_waited_for() {
    let site = Site::new();
    rustix::fs::mknodat(CWD, site.folder.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _listener = UnixListener::bind(site.folder.join("socket")).unwrap();
    let tree = site.tree();
    for path in ["pipe", "socket", "missing", "a.txt/x", "a\0b"] {
        assert_eq!(kind(tree.find(path.as_bytes())), ErrorKind::NotFound, "{path:?}");
    }
    assert_eq!(kind(tree.find(&[b'x'; 300])), ErrorKind::NotFound);
    assert_eq!(kind(tree.find(&b"x/".repeat(4_000))), ErrorKind::NotFound);
}

#[test]
fn a_file_is_looked_up_anew_each_time() {
    let site = Site::new();
    let tree = site.tree();
    fs::write(site.folder.join("a.txt"), "changed").unwrap();
    assert_eq!(content(tree.find(b"a.txt")), "changed");
    fs::remove_file(site.folder.join("a.txt")).unwrap();
    assert_eq!(kind(tree.find(b"a.txt")), ErrorKind::NotFound);
}

#[test]
fn what_may_not_be_read_is_said_to_be_denied() {
    let site = Site::new();
    let file = site.folder.join("a.txt");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&file).is_err() {
        assert_eq!(kind(site.tree().find(b"a.txt")), ErrorKind::PermissionDenied);
    } else {
        // Whoever runs this may read everything.
        assert_eq!(content(site.tree().find(b"a.txt")), "hello");
    }
}

#[test]
fn a_listing_has_what_a_request_would_find() {
    let site = Site::new();
    symlink("../secret", site.folder.join("out")).unwrap();
    symlink("sub/b.txt", site.folder.join("inside")).unwrap();
    symlink("nowhere", site.folder.join("broken")).unwrap();
    rustix::fs::mknodat(CWD, site.folder.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let FolderContents { mut entries, is_cut } = site.tree().list(100).unwrap();
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let seen: Vec<_> = entries.iter().map(|entry| (&*entry.name, entry.is_folder)).collect();
    assert_eq!(seen, [(&b"a.txt"[..], false), (b"inside", false), (b"sub", true)]);
    assert_eq!((entries[0].length, is_cut), (5, false));
}

#[test]
fn a_listing_counts_the_entries_that_it_reads() {
    let site = Site::new();
    let folder = site.folder.join("sub/deep");
    for number in 0..20 {
        symlink("nowhere", folder.join(format!("broken-{number}"))).unwrap();
    }
    let Ok(Found::Folder(deep)) = site.tree().find(b"sub/deep") else { panic!("no folder") };
    let read = |limit| deep.list(limit).unwrap();
    assert_eq!((read(19).entries.len(), read(19).is_cut), (0, true));
    assert_eq!((read(20).entries.len(), read(20).is_cut), (0, false));
    assert!(deep.has_more_than(19).unwrap() && !deep.has_more_than(20).unwrap());
}

#[test]
fn other_mounts_are_refused_unless_allowed() {
    // The root of this process's file systems has `/proc` on it, which is one of its own.
    let root = FileTree::open("/").unwrap();
    assert_eq!(kind(root.find(b"proc/version")), ErrorKind::NotFound);
    assert!(root.list(10_000).unwrap().entries.iter().all(|entry| entry.name != b"proc"));
    let root = root.with_other_mounts(true);
    assert!(matches!(root.find(b"proc/version"), Ok(Found::File(_))));
    assert!(root.list(10_000).unwrap().entries.iter().any(|entry| entry.name == b"proc"));
}

#[test]
fn a_date_that_no_header_can_tell_is_replaced_by_the_nearest() {
    let site = Site::new();
    let file = File::options().write(true).open(site.folder.join("a.txt")).unwrap();
    let dated = |seconds: i64| {
        let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: 0 };
        rustix::fs::futimens(&file, &rustix::fs::Timestamps { last_access: time, last_modification: time }).unwrap();
        let Ok(Found::File(found)) = site.tree().find(b"a.txt") else { panic!("no file") };
        httpdate::fmt_http_date(found.modified)
    };
    assert_eq!(dated(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(dated(-5), "Thu, 01 Jan 1970 00:00:00 GMT");
    // A file system may not be able to keep it either.
    let last = dated(i64::MAX);
    assert!(last.ends_with(" GMT"), "{last}");
}
