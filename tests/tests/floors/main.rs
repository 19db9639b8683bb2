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
