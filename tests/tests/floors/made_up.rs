//! The rules on small crates that never were: each fault is found, and what is no fault is not.

use crate::rules::{faults, users_of};
use crate::source_tree::SourceTree;

const ROOT: &str = "
    //! | floor | modules |
    //! | --- | --- |
    //! | F1 upper | `upper`, `beside` |
    //! | F0 lower | `lower` |
    mod beside;
    mod lower;
    mod upper;
    pub use upper::Upper;
";

/// The crate with this root and these texts of its modules.
fn judge(root: &str, upper: &str, beside: &str, lower: &str) -> Vec<String> {
    let files = [("lib.rs", root), ("upper.rs", upper), ("beside.rs", beside), ("lower.rs", lower)];
    faults(&SourceTree::made_up(&files))
}

#[track_caller]
fn assert_only(faults: &[String], what: &str) {
    assert!(faults.len() == 1 && faults[0].contains(what), "{faults:#?}");
}

#[test]
fn imports_from_below_and_from_beside_are_right() {
    let faults = judge(ROOT, "use crate::{lower::Lower, beside};", "fn f() { crate::lower::g() }", "pub struct Lower;");
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn an_upward_use_is_found() {
    let faults = judge(ROOT, "pub struct Upper;", "", "use crate::upper::Upper;");
    assert_only(&faults, "lower on floor 0 imports upper::Upper, which upper defines on floor 1");
}

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    let ways = [
        "use super::upper::{self as other, Upper};",
        "fn f() -> crate::upper::Upper { loop {} }",
        "fn f() { super::upper::g::<u8>() }",
        "impl crate::upper::Upper {}",
        "fn f() { format!(\"{}\", crate::upper::g()); }",
        "fn f() { let x = [(vec![crate::upper::G])]; }",
        "pub(crate) use crate::upper::Upper;",
        "mod inner { use super::super::upper::Upper; }",
        "use crate::upper::*;",
        "#[cfg(unix)] use crate::upper::Upper;",
        "#[cfg(any(test, unix))] use crate::upper::Upper;",
        // By the name that the root passes on.
        "use crate::Upper;",
        "fn f(_: crate::Upper) {}",
    ];
    for way in ways {
        let faults = judge(ROOT, "pub struct Upper;", "", way);
        assert!(
            !faults.is_empty() && faults.iter().all(|fault| fault.contains("on floor 0 imports")),
            "{way}: {faults:?}"
        );
    }
}

#[test]
fn what_only_looks_like_an_upward_import_is_none() {
    let ways = [
        "#[cfg(test)] mod tests { use crate::upper::Upper; }",
        "#[cfg(all(test, unix))] use crate::upper::Upper;",
        "struct Lower; impl Lower { #[cfg(test)] fn f() { crate::upper::g() } }",
        "/// See [`Upper`](crate::upper::Upper).\nstruct Lower;",
        "struct Lower { upper: u8 } impl Lower { fn f(&self) -> u8 { self.upper } }",
        "use ::upper::Upper;",
        "mod upper { pub struct Upper; } use self::upper::Upper;",
        "pub(in crate::lower) struct Lower;",
    ];
    for way in ways {
        let faults = judge(ROOT, "pub struct Upper;", "", way);
        assert!(faults.is_empty(), "{way}: {faults:?}");
    }
}

#[test]
fn a_circle_on_one_floor_is_found() {
    let faults = judge(ROOT, "use crate::beside::Beside;", "use crate::upper::Upper; pub struct Beside;", "");
    assert_only(&faults, "a circle: beside -> upper -> beside");
}

#[test]
fn what_the_root_defines_is_above_every_floor() {
    let root = format!("{ROOT} pub struct Root;");
    assert_only(&judge(&root, "", "", "use crate::Root;"), "lower imports Root from the crate's root");
}

#[test]
fn a_module_that_the_floors_forget_is_found() {
    let root = ROOT.replace("`upper`, `beside`", "`upper`");
    assert_only(&judge(&root, "", "struct Beside;", ""), "beside stands on no floor");
}

#[test]
fn a_module_that_the_floors_name_twice_is_found() {
    let root = ROOT.replace("`lower`", "`lower`, `beside`");
    assert_only(&judge(&root, "", "", ""), "the floors name a module twice: beside");
}

#[test]
fn a_module_that_the_floors_name_but_is_not_there_is_found() {
    let root = ROOT.replace("`lower`", "`lower`, `cellar`");
    assert_only(&judge(&root, "", "", ""), "a module that does not exist: cellar");
}

#[test]
fn a_file_that_no_module_declares_is_found() {
    let files = [("lib.rs", ""), ("lost.rs", ""), ("bin/program.rs", "fn main() {}")];
    assert_only(&faults(&SourceTree::made_up(&files)), "lost.rs: no module declares this file");
}

/// A crate that is one folder with these two files in it.
fn judge_folder(module: &str, one: &str, two: &str) -> Vec<String> {
    let root = "//! | F0 | `folder` |\nmod folder;";
    let files = [("lib.rs", root), ("folder/mod.rs", module), ("folder/one.rs", one), ("folder/two.rs", two)];
    faults(&SourceTree::made_up(&files))
}

#[test]
fn a_circle_inside_a_folder_is_found() {
    let both = "mod one; mod two;";
    assert_only(&judge_folder(both, "use super::two::Two;", "use super::one::One;"), "folder::one -> folder::two");
}

#[test]
fn a_circle_by_way_of_what_the_folder_passes_on_is_found() {
    let passes_on = "mod one; mod two; pub use one::One; pub use self::two::Two;";
    let faults = judge_folder(passes_on, "use super::Two; pub struct One;", "use crate::folder::One; pub struct Two;");
    assert_only(&faults, "folder::one -> folder::two");
}

#[test]
fn a_circle_between_a_folder_and_what_is_in_it_is_found() {
    let with_code = "mod one; mod two; use one::One; pub struct Folder(One);";
    assert_only(&judge_folder(with_code, "use super::Folder; pub struct One;", ""), "folder -> folder::one -> folder");
}

#[test]
fn what_a_folder_passes_on_is_no_circle() {
    let passes_on = "mod one; mod two; pub use one::One; pub(crate) use two::{Two, Other as Another};";
    let faults = judge_folder(passes_on, "pub struct One;", "use super::One; pub struct Two; pub struct Other;");
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn parts_of_a_folder_may_stand_on_different_floors() {
    let files = |codec| {
        SourceTree::made_up(&[
            ("lib.rs", "//! | P3 | `line::server` |\n//! | P1 | `line::codec` |\nmod line;"),
            ("line.rs", "mod codec; mod server; pub use server::Server;"),
            ("line/codec.rs", codec),
            ("line/server.rs", "use lariat::Protocol; use super::codec::Codec; pub struct Server;"),
        ])
    };
    let sound = files("pub struct Codec;");
    assert!(faults(&sound).is_empty() && users_of(&sound, "lariat", 2).is_empty());
    assert!(faults(&files("use super::Server;")).iter().any(|fault| fault.contains("on floor 1 imports")));
    assert_only(&users_of(&files("use lariat::Bytes;"), "lariat", 2), "line::codec imports from lariat");
    assert_only(&users_of(&files("fn f() { lariat::quote(\"\") }"), "lariat", 2), "line::codec imports from lariat");
}
