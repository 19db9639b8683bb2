//! A simulated disk does what the system's does.

use std::path::{Path, PathBuf};

use lariat::disk::{Disk, DiskError, DiskFile, OpenMode};
use lariat::testing::{Random, VirtualClock};
use lariat::{Failure, Reactor};
use lariat_tests::harness::Scratch;

use crate::Runner;

const FILES: [&str; 5] = ["a", "b", "dir/a", "b/x", "dir/deep/a"];
const DIRECTORIES: [&str; 3] = ["dir", "dir/deep", "a/deep"];

/// Of what was given or what went wrong, all that is alike.
fn shown<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(failure) => format!("{:?}", failure.downcast_ref::<DiskError>().unwrap().kind()),
    }
}

/// A random course of operations, of which each waits for the one before.
struct Course<'a, R> {
    runner: &'a mut R,
    disk: Disk,
    base: PathBuf,
    files: Vec<DiskFile>,
    random: Random,
}

impl<R: Runner> Course<'_, R> {
    fn name(&self, names: &[&str]) -> PathBuf {
        self.base.join(self.random.pick(names).unwrap())
    }

    fn step(&mut self) -> String {
        let disk = self.disk.clone();
        let kind = self.random.below(16);
        let file = self.random.pick(&self.files).cloned();
        let (offset, data) = (self.random.below(40), vec![b'x'; self.random.index(30)]);
        let (one, other, directory) = (self.name(&FILES), self.name(&FILES), self.name(&DIRECTORIES));
        // A simulated disk does not rename directories.
        let any = if self.random.chance(0.5) { one.clone() } else { directory.clone() };
        let told = match (kind, file) {
            (0..=2, _) => {
                let mode = *self.random.pick(&[OpenMode::Read, OpenMode::Write, OpenMode::New]).unwrap();
                let opened = self.runner.wait(disk.open(&any, mode));
                if let Ok(file) = &opened {
                    self.files.push(file.clone());
                }
                shown(opened.map(|_| mode))
            }
            (3, _) => shown(self.runner.wait(disk.read(&any))),
            (4, _) => shown(self.runner.wait(disk.rename(&one, &other))),
            (5, _) => shown(self.runner.wait(disk.remove(&any))),
            (6, _) => shown(self.runner.wait(disk.create_directory(&directory))),
            (7, _) => shown(self.runner.wait(disk.list(&any))),
            (8, _) => {
                let found = self.runner.wait(disk.metadata(&any));
                shown(found.map(|found| (found.is_directory, if found.is_directory { 0 } else { found.length })))
            }
            (9, Some(file)) => shown(self.runner.wait(file.append(data))),
            (10, Some(file)) => shown(self.runner.wait(file.write_at(offset, data))),
            (11, Some(file)) => shown(self.runner.wait(file.read_at(offset, 20))),
            (12, Some(file)) => shown(self.runner.wait(file.set_length(offset))),
            (13, Some(file)) => shown(self.runner.wait(file.lock())),
            (14, Some(file)) => {
                shown(self.runner.wait(file.metadata()).map(|found| (found.length, found.is_directory)))
            }
            (_, Some(file)) => {
                self.files.retain(|other| !std::ptr::eq(other.path(), file.path()));
                drop(file);
                shown(self.runner.wait(disk.sync_directory(self.base.join("dir"))))
            }
            (_, None) => String::new(),
        };
        let shown_path = |path: &Path| path.strip_prefix(&self.base).unwrap().display().to_string();
        format!("{kind} {} {} {}: {told}", shown_path(&one), shown_path(&other), shown_path(&any))
    }
}

fn course(runner: &mut impl Runner, base: &Path, seed: u64) -> Vec<String> {
    let disk = runner.reactor().disk();
    let mut course = Course { runner, disk, base: base.to_owned(), files: Vec::new(), random: Random::new(seed) };
    (0..150).map(|_| course.step()).collect()
}

#[test]
fn random_courses_have_the_same_results_on_both_disks() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 1..=60 {
        let scratch = Scratch::new();
        let mut reactor = Reactor::new().unwrap();
        let real = course(&mut reactor, &scratch.path(""), seed);
        let mut clock = VirtualClock::new();
        let disk = clock.disk();
        clock.wait(disk.create_directory("/base")).unwrap();
        let simulated = course(&mut clock, Path::new("/base"), seed);
        for (step, (real, simulated)) in real.iter().zip(&simulated).enumerate() {
            assert_eq!(real, simulated, "seed {seed}, step {step}");
        }
        kinds.extend(real.iter().filter_map(|line| line.rsplit(": ").next().map(str::to_owned)));
    }
    for kind in ["NotFound", "AlreadyExists", "IsADirectory", "NotADirectory", "WouldBlock", "InvalidInput"] {
        assert!(kinds.contains(kind), "no course has come to {kind}");
    }
}
