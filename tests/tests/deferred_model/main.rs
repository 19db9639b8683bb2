//! Random programs of Deferreds, each run on Lariat and by a plain model that says what has to happen: who is called with what, in which
//! order, what is logged, and what is left.

mod journal;
mod model;
mod program;
mod real;

use journal::{Journal, Story};
use model::Model;
use program::Step;
use real::Real;

/// What a program does on Lariat; and what remains of it.
fn run_real(program: &[Step]) -> (Vec<Story>, [u64; 2]) {
    let journal = Journal::default();
    journal.listen();
    let mut real = Real::new(journal.clone());
    for step in program {
        real.step(step);
    }
    real.let_go();
    real.step(&Step::Settle);
    real.step(&Step::End);
    real.let_go();
    (journal.take(), [real.population() as u64, real.timers()])
}

fn run_model(program: &[Step]) -> Vec<Story> {
    let journal = Journal::default();
    let mut model = Model::new(journal.clone());
    for step in program {
        model.step(step);
    }
    model.let_go();
    model.step(&Step::Settle);
    model.step(&Step::End);
    model.let_go();
    journal.take()
}

/// What is wrong with how Lariat runs `program`.
fn find_fault(program: &[Step]) -> Option<String> {
    let (real, left) = run_real(program);
    let model = run_model(program);
    if let Some(at) = (0..real.len().max(model.len())).find(|at| real.get(*at) != model.get(*at)) {
        let before = &model[at.saturating_sub(5)..at];
        let (real, model) = (real.get(at), model.get(at));
        return Some(format!("after {before:?}\nLariat did {real:?}\nthe model says {model:?}"));
    }
    (left != [0, 0]).then(|| format!("values and closures, timers that were left: {left:?}"))
}

/// The same fault, or another, in a shorter program.
fn shorten(mut program: Vec<Step>) -> Vec<Step> {
    while let Some(shorter) = program::shorter(&program).into_iter().find(|program| find_fault(program).is_some()) {
        program = shorter;
    }
    program
}

fn check(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let program = program::draw(seed);
        if find_fault(&program).is_some() {
            let program = shorten(program);
            let fault = find_fault(&program).unwrap_or_default();
            panic!("seed {seed}: {fault}\nin the program {program:?}");
        }
    }
}

#[test]
fn random_programs_do_what_the_model_says() {
    check(0..20_000);
}
