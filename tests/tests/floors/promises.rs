//! The promises of `SECURITY.md`: each names a test, and that test exists.

use std::fs;

use crate::workspace;

/// The parts of `text` between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Returns whether `source` has a test of that name.
fn has_test(source: &str, name: &str) -> bool {
    let function = format!("fn {name}()");
    let mut lines = source.lines().map(str::trim);
    // Between the attribute and the function only another attribute may stand.
    while lines.any(|line| line == "#[test]") {
        if lines.by_ref().find(|line| !line.starts_with("#[")).is_some_and(|line| line.contains(&function)) {
            return true;
        }
    }
    false
}

#[test]
fn every_promise_of_security_names_a_test_that_exists() {
    let text = fs::read_to_string(workspace().join("SECURITY.md")).expect("there is a SECURITY.md");
    let promises = text.split("\n## ").find(|part| part.starts_with("Promises\n")).expect("it has promises");
    let promises: Vec<_> = promises.split("\n- ").skip(1).collect();
    assert!(promises.len() > 10, "only {} promises", promises.len());
    for promise in promises {
        let tests: Vec<_> = code(promise).filter_map(|code| code.split_once("::")).collect();
        assert!(!tests.is_empty(), "no test holds this promise: {promise}");
        for (file, name) in tests {
            let source = fs::read_to_string(workspace().join(file)).unwrap_or_default();
            assert!(has_test(&source, name), "{file} has no test {name}");
        }
    }
}

#[test]
fn a_name_without_a_test_is_no_test() {
    let source = "#[test]\nfn one() {}\n\nfn two() {}\n\n#[test]\n#[cfg(unix)]\nfn three() {}\n";
    assert_eq!(
        ["one", "two", "three", "on", "four"].map(|name| has_test(source, name)),
        [true, false, true, false, false]
    );
}
