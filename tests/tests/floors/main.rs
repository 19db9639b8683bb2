//! The import rules: the floors that the crates' documentation declares are those of the code.
//!
//! A module imports from floors below its own, from its own floor as long as that makes no circle, or downward inside its own
//! folder. In a folder there is no circle either; that its `mod.rs` passes on what is in it is no import. Tests may do as they like.

mod crate_graph;
mod floor_map;
mod imports;
mod made_up;
mod module_path;
mod promises;
mod rules;
mod source_tree;

use std::fs;
use std::path::PathBuf;

use source_tree::SourceTree;

fn workspace() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.pop();
    folder
}

fn sources(member: &str) -> SourceTree {
    SourceTree::read(&workspace().join(member).join("src")).expect("the sources can be read")
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_reactor_imports_neither_upward_nor_in_a_circle() {
    assert_none(&rules::faults(&sources("reactor")));
}

#[test]
fn the_protocols_import_neither_upward_nor_in_a_circle() {
    assert_none(&rules::faults(&sources("protocols")));
}

#[test]
fn only_servers_and_clients_know_the_reactor() {
    assert_none(&rules::users_of(&sources("protocols"), "lariat", 2));
}

#[test]
fn every_member_of_the_workspace_is_there() {
    let manifest = fs::read_to_string(workspace().join("Cargo.toml")).expect("the workspace has a manifest");
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = [")).expect("members are named");
    let members: Vec<_> = members.split('"').skip(1).step_by(2).collect();
    assert_eq!(members, ["reactor", "protocols", "examples", "tests", "benches"]);
    for member in members {
        let folder = workspace().join(member);
        assert!(folder.join("Cargo.toml").is_file() && folder.join("src").is_dir(), "{member} is no crate");
    }
}

/// Files of a crate whose code, that of its tests excepted, names one of these, with the word.
fn users_of_words(sources: &SourceTree, words: &[&str]) -> Vec<String> {
    let code = |text: &str| -> String {
        let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
        lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    let library = sources.paths().filter(|path| !path.ends_with("tests.rs"));
    let found = library.flat_map(|path| {
        let code = code(sources.text(path).unwrap_or_default());
        let used: Vec<_> = words.iter().filter(|word| code.contains(**word)).collect();
        used.into_iter().map(|word| format!("{}: {word}", path.display())).collect::<Vec<_>>()
    });
    found.collect()
}

/// Readings of the time of day and sources of random numbers that bypass the reactor, and with it
/// simulation and replay.
const PAST_THE_REACTOR: [&str; 7] =
    ["SystemTime::now", "CLOCK_REALTIME", "getrandom(", "RandomState", "fastrand::", "rand::rng(", "thread_rng("];

#[test]
fn time_of_day_and_chance_come_from_the_reactor_alone() {
    let reactor = users_of_words(&sources("reactor"), &PAST_THE_REACTOR);
    // The last one is in the text of a message.
    let expected = [
        "clock.rs: SystemTime::now",
        "random.rs: getrandom(",
        "random.rs: RandomState",
        "testing/check.rs: SystemTime::now",
    ];
    assert_eq!(reactor, expected);
    assert_eq!(users_of_words(&sources("protocols"), &PAST_THE_REACTOR), [""; 0]);
}

#[test]
fn a_reading_of_the_systems_time_is_found_and_one_in_a_test_is_not() {
    let code = "fn a() { SystemTime::now(); }\n";
    let tests = "// SystemTime::now\n#[cfg(test)]\nmod tests { fn a() { SystemTime::now(); } }\n";
    let sources = SourceTree::made_up(&[("a.rs", code), ("b.rs", tests)]);
    assert_eq!(users_of_words(&sources, &PAST_THE_REACTOR), ["a.rs: SystemTime::now"]);
}
