//! The file of a Unix socket, in a folder to which an adversary may write.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use lariat::{Address, ErrorKind, ListenOptions, Peer, Port, UnixAddress};
use lariat_tests::faults::Records;
use lariat_tests::harness::{Ground, Log, Scratch, World};

fn real() -> World {
    World::new(Ground::RealUnix)
}

fn listen(world: &World, path: &Path, mode: Option<u32>) -> lariat::Result<Port> {
    let mut options = ListenOptions::default();
    options.mode = mode;
    let address = Address::Unix(UnixAddress::Pathname(path.to_owned()));
    world.reactor.listen_at(&address, options, |_: &Peer| Log::new().probe())
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// The umask of this process, which cannot be read otherwise without being changed.
fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:")).expect("it has one");
    u32::from_str_radix(umask.trim(), 8).expect("it is octal")
}

#[test]
fn a_mode_is_exact_and_the_default_is_what_the_umask_allows() {
    let (world, scratch, before) = (real(), Scratch::new(), umask());
    for (number, asked) in [None, Some(0), Some(0o600), Some(0o660), Some(0o666), Some(0o777)].into_iter().enumerate() {
        let path = scratch.path(number.to_string());
        let port = listen(&world, &path, asked).expect("the path is free");
        assert_eq!(mode(&path), asked.unwrap_or(0o666 & !before), "{asked:?}");
        assert!(port.close() && !path.exists());
    }
    assert_eq!(umask(), before, "it is every thread's");
}

#[test]
fn a_wide_mode_works_with_a_relative_path_and_serves_clients() {
    let (mut world, log) = (real(), Log::new());
    let name = format!("lariat-relative-{}.socket", std::process::id());
    let mut options = ListenOptions::default();
    options.mode = Some(0o777);
    let address = Address::Unix(UnixAddress::Pathname(PathBuf::from(&name)));
    let probe = log.probe();
    let port = world.reactor.listen_at(&address, options, lariat::Once::new(probe)).expect("the path is free");
    assert_eq!(*port.address(), address);
    let client = UnixStream::connect(&name).expect("it listens");
    world.until("it is served", || log.is_made());
    drop((client, port.close()));
    assert!(!Path::new(&name).exists());
}

#[test]
fn a_mode_out_of_range_or_without_a_file_is_named() {
    let (world, scratch) = (real(), Scratch::new());
    let error = listen(&world, &scratch.path("socket"), Some(0o1777)).expect_err("it is no mode");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("mode is 1777, and must be from 0 to 777, in octal"), "{error}");
    let mut options = ListenOptions::default();
    options.mode = Some(0o600);
    let address = Address::Unix(UnixAddress::Abstract(format!("lariat-mode-{}", std::process::id()).into_bytes()));
    let error = world.reactor.listen_at(&address, options, |_: &Peer| Log::new().probe()).expect_err("it is no file");
    assert!(error.to_string().contains("mode is 600, but unix:@lariat-mode-"), "{error}");
}

#[test]
fn a_symbolic_link_that_is_swapped_in_changes_no_other_file() {
    let (world, scratch) = (real(), Scratch::new());
    let (path, secret) = (scratch.path("socket"), scratch.path("secret"));
    fs::write(&secret, "of the administrator").expect("the folder is writable");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let (is_over, swapped) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            // One call to swap: the link is ready beforehand.
            let link = scratch.path("link");
            while !is_over.load(Ordering::Relaxed) {
                let _ = symlink(&secret, &link);
                while !is_over.load(Ordering::Relaxed) && !is_socket(&path) {
                    std::hint::spin_loop();
                }
                if fs::rename(&link, &path).is_ok() {
                    swapped.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        for attempt in 0.. {
            // The adversary's link must not be in the way of the next attempt.
            let _ = fs::remove_file(&path);
            if let Ok(port) = listen(&world, &path, Some(0o666)) {
                port.close();
            }
            if mode(&secret) != 0o600 || (attempt > 500 && swapped.load(Ordering::Relaxed) > 50) {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(mode(&secret), 0o600);
    assert_eq!(fs::read_to_string(&secret).expect("it is there"), "of the administrator");
}

#[test]
fn a_folder_that_is_swapped_does_not_lead_the_removal_elsewhere() {
    let (world, scratch) = (real(), Scratch::new());
    let [folder, moved, victim] = ["folder", "moved", "victim"].map(|name| scratch.path(name));
    for folder in [&folder, &victim] {
        fs::create_dir(folder).expect("the folder is writable");
    }
    let port = listen(&world, &folder.join("socket"), None).expect("the path is free");
    // The same device and inode at the same path: only the folders differ.
    fs::hard_link(folder.join("socket"), victim.join("socket")).expect("it is ours");
    fs::rename(&folder, &moved).expect("it is ours");
    symlink(&victim, &folder).expect("the name is free");
    port.close();
    assert!(victim.join("socket").exists(), "it is in a folder where nothing was made");
    assert!(!moved.join("socket").exists());
}

#[test]
fn a_link_that_is_swapped_in_is_not_followed_by_the_removal() {
    let (world, scratch) = (real(), Scratch::new());
    let (path, other) = (scratch.path("socket"), scratch.path("other"));
    let port = listen(&world, &path, None).expect("the path is free");
    fs::rename(&path, &other).expect("it is ours");
    symlink(&other, &path).expect("the name is free");
    port.close();
    assert!(fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()), "it is not the port's");
    assert!(fs::metadata(&other).is_ok_and(|found| found.ino() != 0));
}

#[test]
fn an_abstract_socket_is_warned_of_and_a_file_is_not() {
    let (world, scratch, records) = (real(), Scratch::new(), Records::begin());
    let port = listen(&world, &scratch.path("socket"), None).expect("the path is free");
    assert!(records.with("has no permissions").is_empty());
    assert!(port.close());
    let name = format!("unix:@lariat-abstract-{}", std::process::id());
    world.reactor.listen(&name, |_: &Peer| Log::new().probe()).expect("the name is free");
    let lines = records.with("has no permissions");
    assert!(lines.len() == 1 && lines[0].starts_with(&format!("WARN {name} ")), "{lines:?}");
}

#[test]
fn a_file_in_the_way_keeps_its_mode_and_its_content() {
    let (world, scratch) = (real(), Scratch::new());
    let path = scratch.path("file");
    fs::write(&path, "dear to somebody").expect("the folder is writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let error = listen(&world, &path, Some(0o666)).expect_err("it is in the way");
    assert_eq!((error.kind(), mode(&path)), (ErrorKind::AddressInUse, 0o600));
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::AddrInUse);
}
