//! What is heard of a program as it runs.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Once;

use log::{LevelFilter, Log, Metadata, Record};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Story {
    /// A closure was called, with this result; and was it inside a call that the program made?
    Called {
        id: u32,
        got: Option<String>,
        inside: bool,
    },
    Woken(u32),
    Polled(Option<String>),
    /// A resolver was used, and its result was taken.
    Resolved(bool),
    Asked {
        is_settled: Option<bool>,
        is_cancelled: Option<bool>,
    },
    /// Who waits: names, and whether the result is there.
    Dump(Vec<(String, bool)>),
    /// A failure that nobody handled was logged.
    Unhandled(String),
    /// A panic was logged.
    Panicked,
    /// What is counted after a step at the top.
    Counts {
        deferreds: usize,
        calls: usize,
    },
}

/// All that was heard, in order. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Journal(Rc<Cell<Vec<Story>>>);

impl Journal {
    pub(crate) fn tell(&self, story: Story) {
        let mut all = self.0.take();
        all.push(story);
        self.0.set(all);
    }

    pub(crate) fn take(&self) -> Vec<Story> {
        self.0.take()
    }

    /// Takes down from now on what this thread logs.
    pub(crate) fn listen(&self) {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            log::set_logger(&Ear).expect("there is no other");
            log::set_max_level(LevelFilter::Error);
        });
        LISTENS.set(Some(self.clone()));
    }
}

/// A failure in a word or two: what makes it another than others.
pub(crate) fn words(failure: &str) -> String {
    let kinds = [
        "cancelled",
        "no result within",
        "panicked",
        "nobody can give a result",
        "the reactor has ended",
        "would wait for itself",
        "awaited already",
    ];
    if let Some(kind) = kinds.iter().find(|kind| failure.contains(**kind)) {
        return (*kind).to_owned();
    }
    // "fail" and a number, and maybe more.
    let begin = failure.find("fail ").unwrap_or(0);
    failure[begin..].split(" (").next().unwrap_or_default().to_owned()
}

thread_local! {
    static LISTENS: Cell<Option<Journal>> = const { Cell::new(None) };
}

struct Ear;

impl Log for Ear {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let Some(journal) = LISTENS.take() else { return };
        let message = record.args().to_string();
        journal.tell(match message.strip_prefix("unhandled failure in ") {
            Some(message) => Story::Unhandled(words(message)),
            None => Story::Panicked,
        });
        LISTENS.set(Some(journal));
    }

    fn flush(&self) {}
}
