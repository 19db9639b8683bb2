//! The same seed takes the same course, in whatever process.

use std::process::{Command, Output};

use lariat_tests::command::command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_simulated_seeds");

fn run(command: &mut Command) -> Output {
    command.output().expect("the program runs")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_seed_takes_the_same_course_in_every_process_wherever_its_memory_is() {
    let first = printed(&run(command(PROGRAM).arg("fingerprints")));
    assert_eq!(first.lines().count(), 20);
    let distinct: std::collections::BTreeSet<_> = first.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(distinct.len(), 20, "seeds that take the same course: {first}");
    // Each process has its memory elsewhere.
    for _ in 0..3 {
        assert_eq!(printed(&run(command(PROGRAM).arg("fingerprints"))), first);
    }
    // And here it is where it always is; a machine without the tool has seen the others.
    if let Ok(output) = command("setarch").args(["-R", PROGRAM, "fingerprints"]).output()
        && output.status.success()
    {
        assert_eq!(printed(&output), first);
    }
}

#[test]
fn a_failing_seed_is_run_alone_when_the_environment_names_it() {
    let output = run(command(PROGRAM).arg("fails").env_remove("LARIAT_SEED"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("seed 3 failed: the test panicked: the seed is too large"),
        "{said}"
    );
    assert!(said.contains("to run it again: LARIAT_SEED=3 cargo test NAME_OF_THE_TEST"), "{said}");
    assert!(said.contains("it takes no fault: it fails without latency(1..=80), "), "{said}");
    assert!(printed(&output).starts_with("seed 1\nseed 1\nseed 2\nseed 3\n"), "{}", printed(&output));

    let replayed = run(command(PROGRAM).arg("fails").env("LARIAT_SEED", "7"));
    assert!(!replayed.status.success());
    let seeds: std::collections::BTreeSet<_> = printed(&replayed).lines().map(str::to_owned).collect();
    assert_eq!(seeds.into_iter().collect::<Vec<_>>(), ["seed 7"]);

    let passes = run(command(PROGRAM).arg("fails").env("LARIAT_SEED", "2"));
    assert!(passes.status.success());
    assert_eq!(printed(&passes), "seed 2\nseed 2\n");

    let wrong = run(command(PROGRAM).arg("fails").env("LARIAT_SEED", "two"));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("LARIAT_SEED is \"two\", which is no seed"));
}
