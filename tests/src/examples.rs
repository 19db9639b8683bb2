//! The example servers as programs.

use std::path::{Path, PathBuf};

use crate::command::command;

/// Builds an example with the profile of the running test or program, into the same folder, and returns its path. If `cargo test`
/// has built the whole workspace, this builds nothing.
///
/// # Panics
///
/// When it does not compile.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("a process knows its program");
    // TARGET/PROFILE/deps/TEST, or TARGET/PROFILE/PROGRAM
    let folder = program.parent().expect("cargo put it there");
    let profile = if folder.ends_with("deps") { folder.parent().expect("cargo put it there") } else { folder };
    let target = profile.parent().expect("cargo put it there");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // The toolchain keeps the variables that the tests were built with, or it would build everything again.
    let mut build = command(cargo);
    build
        .envs(std::env::vars_os())
        .args(["build", "--quiet", "--example", name, "--target-dir"])
        .arg(target)
        .current_dir(workspace());
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status().expect("cargo starts");
    assert!(status.success(), "the example does not compile");
    profile.join("examples").join(name)
}

fn workspace() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}
