//! What the programs have in common: how they end, how two contestants take turns, and the clock of CPU time.

use std::{io, process::ExitCode};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};

use crate::Result;

/// Runs a program that tells how many bounds were missed. The exit status is 0 if none was, 1 if one was, and 2 if something did not run.
pub fn run(name: &str, program: impl FnOnce() -> Result<usize>) -> ExitCode {
    match program() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(missed) => {
            println!("{missed} bounds missed");
            ExitCode::FAILURE
        }
        Err(trouble) => {
            eprintln!("{name}: {trouble}");
            ExitCode::from(2)
        }
    }
}

/// Has ours and theirs run so many times in turn, and returns what each of them gave. Each goes first as often as the other. Both are
/// told the number of their pair, from 1 on; a pair before that, number 0, only warms up the allocator and is not returned.
///
/// # Errors
///
/// The first that either gives.
///
/// ```
/// # use lariat_benches::program::pairs;
/// let (ours, theirs) = pairs(3, |pair| Ok(pair * 10), |pair| Ok(pair * 100))?;
/// assert_eq!((ours, theirs), (vec![10, 20, 30], vec![100, 200, 300]));
/// # Ok::<(), lariat_benches::Trouble>(())
/// ```
pub fn pairs<T>(
    count: usize,
    mut run_ours: impl FnMut(u64) -> Result<T>,
    mut run_theirs: impl FnMut(u64) -> Result<T>,
) -> Result<(Vec<T>, Vec<T>)> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for pair in 0..=count as u64 {
        if pair % 2 == 0 {
            ours.push(run_ours(pair)?);
            theirs.push(run_theirs(pair)?);
        } else {
            theirs.push(run_theirs(pair)?);
            ours.push(run_ours(pair)?);
        }
    }
    Ok((ours.split_off(1), theirs.split_off(1)))
}

/// Seconds of CPU that this thread has used.
#[must_use]
pub fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Lets this process have as many descriptors as it may.
///
/// # Errors
///
/// When the operating system does not let it.
pub fn raise_descriptor_limit() -> io::Result<()> {
    let files = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum })?)
}
