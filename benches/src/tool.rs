//! The load generators in C, built on demand, and what they print.

use crate::{Result, Trouble};
use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.pop();
    folder
}

/// The folder with the C sources and the scripts.
#[must_use]
pub fn measure() -> PathBuf {
    workspace().join("benches").join("measure")
}

/// The folder that cargo put this program into: the release folder of whatever target folder is in use.
///
/// # Errors
///
/// When the operating system does not tell where this program is.
pub fn release() -> Result<PathBuf> {
    let program = env::current_exe()?;
    program.parent().map(Path::to_path_buf).ok_or_else(|| Trouble::new("this program is in no folder"))
}

/// Builds something with cargo, for release and into the target folder that this program came from.
///
/// # Errors
///
/// When cargo does not start or the build fails.
pub fn cargo_build(arguments: &[&str]) -> Result<()> {
    let release = release()?;
    let target = release.parent().unwrap_or(&release);
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--target-dir"])
        .arg(target)
        .args(arguments)
        .current_dir(workspace())
        .status()?;
    if status.success() { Ok(()) } else { Err(Trouble::new(format!("cargo build {} failed", arguments.join(" ")))) }
}

/// Runs a script from `benches/measure` that holds what it counts to bounds, passes on what it prints, and tells how many bounds it
/// found missed.
///
/// # Errors
///
/// When it does not start, or does not get to its end.
pub fn count(script: &str, arguments: &[String]) -> Result<usize> {
    let mut command = Command::new(measure().join(script));
    let mut child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut missed = 0;
    if let Some(printed) = child.stdout.take() {
        for line in BufReader::new(printed).lines() {
            let line = line?;
            missed += usize::from(line.starts_with("FAIL"));
            println!("{line}");
        }
    }
    let status = child.wait()?;
    if status.success() == (missed == 0) {
        Ok(missed)
    } else {
        Err(Trouble::new(format!("{script} did not get to its end: {status}")))
    }
}

/// A C program from `benches/measure`, built.
#[derive(Clone, Debug)]
pub struct Tool {
    path: PathBuf,
}

impl Tool {
    /// Builds `benches/measure/NAME.c` with gcc, into the target folder.
    ///
    /// # Errors
    ///
    /// When gcc is not installed or does not like the source.
    pub fn build(name: &str) -> Result<Tool> {
        let folder = release()?.join("measure");
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(name);
        let status = Command::new("gcc")
            .args(["-O2", "-o"])
            .arg(&path)
            .arg(measure().join(name).with_extension("c"))
            .status()
            .map_err(|error| Trouble::new(format!("gcc did not start: {error}")))?;
        if status.success() { Ok(Tool { path }) } else { Err(Trouble::new(format!("gcc did not build {name}.c"))) }
    }

    /// Where the program is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it against the servers of `targets`, each given as `PORT:PID`, and takes the slices that it prints:
    /// `slices[server][round]` is what a server's CPU and the clock said.
    ///
    /// # Errors
    ///
    /// When it does not start, does not end well, or does not print what was expected.
    pub fn run(&self, arguments: &[&str], targets: &[String]) -> Result<Vec<Vec<Slice>>> {
        let output = Command::new(&self.path).args(arguments).args(targets).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(Trouble::new(format!("{} {}: {}", self.path.display(), arguments.join(" "), output.status)));
        }
        let mut slices = vec![Vec::new(); targets.len()];
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let wrong = || Trouble::new(format!("{} printed {line}", self.path.display()));
            let Some(slice) = line.strip_prefix("slice ") else { continue };
            let numbers: Vec<f64> = slice.split(' ').filter_map(|number| number.parse().ok()).collect();
            let [_, cpu, clock] = numbers[..] else { return Err(wrong()) };
            let server: usize = slice.split(' ').next().and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
            slices.get_mut(server).ok_or_else(wrong)?.push(Slice { cpu, clock });
        }
        Ok(slices)
    }
}

/// What one server did in one round, as its CPU time tells it and as the clock does; the tool's own head tells the units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slice {
    /// The figure by the server's CPU time.
    pub cpu: f64,
    /// The figure by the clock.
    pub clock: f64,
}
