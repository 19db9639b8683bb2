//! Programs that tests start, each in the same defined state.

use std::env;
use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// Variables that a program keeps: the search path and the folders of this machine.
const KEPT: [&str; 3] = ["PATH", "HOME", "TMPDIR"];

/// Closes what was inherited besides the standard descriptors, then runs the arguments with every
/// signal's action the default. Dash knows no descriptors above 9, so this is for bash.
const SCRIPT: &str = r#"
umask 022
for file in /proc/$$/fd/*; do
  number=${file##*/}
  [ "$number" -le 2 ] || eval "exec $number>&-"
done
exec env --default-signal "$@"
"#;

/// A command that starts `program` in a state that does not depend on how the tests were started:
/// signals have their default actions and none is blocked (a job that a script starts in the
/// background has SIGINT and SIGQUIT ignored, one under `nohup` SIGHUP); no descriptor is inherited
/// but the standard ones, of which the input is empty; the environment is the search path, the
/// folders for home and temporary files, and `LC_ALL=C.UTF-8`; the umask is 022. Arguments,
/// variables and descriptors are added as to any [`Command`].
///
/// The process that it starts becomes the program by `exec`, so its id and its exit status are the
/// program's. If there is no such program the status is 127: [`is_installed`] looks for it in advance.
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let mut command = Command::new("/bin/bash");
    command
        .args(["--norc", "-c", SCRIPT, "bash"])
        .arg(program)
        .stdin(Stdio::null())
        .env_clear()
        .env("LC_ALL", "C.UTF-8");
    command.envs(KEPT.iter().filter_map(|name| Some((name, env::var_os(name)?))));
    command
}

/// Returns whether the search path leads to `program`.
#[must_use]
pub fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
