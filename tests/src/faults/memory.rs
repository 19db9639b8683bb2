//! How much memory this process has.

use std::fs;

/// Bytes of memory that are this process's now, and the most that ever were (`VmRSS` and `VmHWM`, `proc_pid_status(5)`).
///
/// # Panics
///
/// When the kernel does not tell.
#[must_use]
pub fn resident_memory() -> (usize, usize) {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is there");
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel tells");
        let kibibytes: usize = line.trim_end_matches("kB").trim().parse().expect("it is a number");
        kibibytes * 1024
    };
    (bytes("VmRSS:"), bytes("VmHWM:"))
}

/// How many descriptors this process has open.
///
/// # Panics
///
/// When the kernel does not tell.
#[must_use]
pub fn open_descriptors() -> usize {
    // One of them is for counting.
    fs::read_dir("/proc/self/fd").expect("/proc is there").count() - 1
}
