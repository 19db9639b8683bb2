//! Invariant 10: another user in the folder gains nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::claims::{Violations, claimed};
use super::subject::Subject;
use super::visitor::{Stage, contains};

const INVARIANT: &str = "10, an adversary in the folder gains nothing";

/// The content of what no peer may see or change.
const SECRET: &[u8] = b"from outside of the folder";

/// The replacements of a file.
const TRAPS: [Trap; 5] = [Trap::LinkToFile, Trap::LinkToFolder, Trap::DanglingLink, Trap::Pipe, Trap::Folder];

#[derive(Copy, Clone, Debug)]
enum Trap {
    LinkToFile,
    LinkToFolder,
    DanglingLink,
    Pipe,
    Folder,
}

/// Checks that a user who can write to the folder that the page names cannot have the server read, change or make files elsewhere,
/// or wait for a pipe. While visitors are in every state, each file in the folder is swapped for a symbolic link to a file outside, to a
/// folder, and to nothing; for a pipe; and for a folder. Then more visitors come. Afterwards the files are put back, and a visitor is
/// answered.
///
/// The check writes beside the folder, and leaves nothing there.
///
/// # Panics
///
/// With what does not hold, and where the folder cannot be written to.
#[track_caller]
pub fn check_folder(subject: &impl Subject) {
    let Some(folder) = claimed(subject.files(), INVARIANT) else { return };
    let mut violations = Violations::default();
    for trap in TRAPS {
        let adversary = Adversary::new(&folder);
        let checked = adversary.and_then(|adversary| try_trap(subject, &adversary, trap, &mut violations));
        checked.unwrap_or_else(|error| panic!("the adversary cannot use {}: {error}", folder.display()));
    }
    violations.fail(INVARIANT);
}

fn try_trap(
    subject: &impl Subject,
    adversary: &Adversary<'_>,
    trap: Trap,
    violations: &mut Violations,
) -> io::Result<()> {
    let (stage, states, probe) = (Stage::new(subject), subject.states(), subject.probe());
    let mut visitors = Vec::new();
    let mut come = |input: &[u8]| {
        let visitor = stage.visitor();
        visitor.send(input);
        visitors.push(visitor);
    };
    states.iter().for_each(|state| come(&state.input));
    let swapped = adversary.swap(trap)?;
    states.iter().for_each(|state| come(&state.input));
    come(&probe.input);
    for (visitor, state) in visitors.iter().zip(states.iter().cycle()) {
        visitor.send(&state.more);
    }
    let seen = visitors.iter().any(|visitor| contains(&visitor.output(), SECRET));
    violations.require(!seen, || format!("a peer was sent what is outside of the folder, by {trap:?}"));
    let outside = adversary.outside()?;
    violations.require(outside == adversary.before, || {
        format!("outside of the folder is {outside:?}, where {:?} was, by {trap:?}", adversary.before)
    });
    visitors.iter().for_each(super::visitor::Visitor::reset);
    adversary.put_back(swapped)?;
    let visitor = stage.visitor();
    visitor.send(&probe.input);
    violations
        .require(contains(&visitor.output(), &probe.answer), || format!("a visitor is not answered after {trap:?}"));
    Ok(())
}

/// A user who writes to the folder.
struct Adversary<'a> {
    folder: &'a Path,
    /// A folder beside it.
    own: PathBuf,
    before: Vec<Seen>,
}

/// The name, the mode and the content of a file.
type Seen = (PathBuf, u32, Option<Vec<u8>>);

/// A file that was swapped: its name, where it is now, and the open pipe in its place.
struct Swapped {
    name: PathBuf,
    kept: PathBuf,
    _pipe: Option<File>,
}

impl<'a> Adversary<'a> {
    fn new(folder: &'a Path) -> io::Result<Self> {
        let mut own = folder.as_os_str().to_owned();
        // A path may end in `/`.
        own = Path::new(&own).components().as_path().as_os_str().to_owned();
        own.push(".outside");
        let mut adversary = Self { folder, own: own.into(), before: Vec::new() };
        fs::create_dir(&adversary.own)?;
        fs::create_dir(adversary.own.join("folder"))?;
        fs::create_dir(adversary.own.join("kept"))?;
        fs::write(adversary.own.join("folder/secret"), SECRET)?;
        fs::set_permissions(adversary.own.join("folder/secret"), fs::Permissions::from_mode(0o600))?;
        adversary.before = adversary.outside()?;
        Ok(adversary)
    }

    /// What is outside.
    fn outside(&self) -> io::Result<Vec<Seen>> {
        let mut seen = Vec::new();
        for folder in [self.own.clone(), self.own.join("folder")] {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                let content = if path.is_file() { Some(fs::read(&path)?) } else { None };
                seen.push((path.clone(), fs::symlink_metadata(&path)?.permissions().mode(), content));
            }
        }
        seen.sort();
        Ok(seen)
    }

    fn swap(&self, trap: Trap) -> io::Result<Vec<Swapped>> {
        let mut swapped = Vec::new();
        for name in files(self.folder)? {
            let kept = self.own.join("kept").join(swapped.len().to_string());
            fs::rename(&name, &kept)?;
            let mut pipe = None;
            match trap {
                Trap::LinkToFile => symlink(self.own.join("folder/secret"), &name)?,
                Trap::LinkToFolder => symlink(self.own.join("folder"), &name)?,
                Trap::DanglingLink => symlink(self.own.join("folder/new"), &name)?,
                Trap::Pipe => pipe = Some(make_pipe(&name)?),
                Trap::Folder => fs::create_dir(&name)?,
            }
            swapped.push(Swapped { name, kept, _pipe: pipe });
        }
        Ok(swapped)
    }

    fn put_back(&self, swapped: Vec<Swapped>) -> io::Result<()> {
        for Swapped { name, kept, .. } in swapped {
            match fs::symlink_metadata(&name) {
                Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&name)?,
                Ok(_) => fs::remove_file(&name)?,
                Err(_) => {}
            }
            fs::rename(kept, name)?;
        }
        Ok(())
    }
}

impl Drop for Adversary<'_> {
    fn drop(&mut self) {
        // A file that could not be put back is lost with it.
        let _ = fs::remove_dir_all(&self.own);
    }
}

/// A pipe with the secret in it. It is open at both ends, so that a server that opens it does not hang the test.
fn make_pipe(name: &Path) -> io::Result<File> {
    mknodat(CWD, name, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    let mut pipe = OpenOptions::new().read(true).write(true).open(name)?;
    pipe.write_all(SECRET)?;
    Ok(pipe)
}

/// The plain files in a folder, at any depth.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match entry.file_type()? {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    Ok(found)
}
