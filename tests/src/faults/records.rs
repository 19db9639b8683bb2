//! What a thread logs.

use std::cell::Cell;
use std::sync::Once;

use log::{LevelFilter, Log, Metadata, Record};

thread_local! {
    static LINES: Cell<Vec<String>> = const { Cell::new(Vec::new()) };
}

static INSTALLED: Once = Once::new();

/// The log records of this thread, which is a test's own: `LEVEL message`, in order.
#[derive(Debug)]
pub struct Records(());

impl Records {
    /// Begins to keep them, with none so far.
    #[must_use]
    pub fn begin() -> Self {
        INSTALLED.call_once(|| {
            // Should there be another logger already, no record will be found, and tests that look for one fail.
            if log::set_logger(&Keeper).is_ok() {
                log::set_max_level(LevelFilter::Debug);
            }
        });
        LINES.take();
        Self(())
    }

    /// All of them.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let lines = LINES.take();
        LINES.set(lines.clone());
        lines
    }

    /// Those that contain `text`.
    #[must_use]
    pub fn with(&self, text: &str) -> Vec<String> {
        self.lines().into_iter().filter(|line| line.contains(text)).collect()
    }

    /// The panics that were reported.
    #[must_use]
    pub fn panics(&self) -> Vec<String> {
        self.with(" panicked: ")
    }
}

struct Keeper;

impl Log for Keeper {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut lines = LINES.take();
        lines.push(format!("{} {}", record.level(), record.args()));
        LINES.set(lines);
    }

    fn flush(&self) {}
}

/// Prints what this process logs, a line each, to its standard error.
pub fn log_to_stderr() {
    // A program that logs elsewhere already is left alone.
    if log::set_logger(&Printer).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

struct Printer;

impl Log for Printer {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        eprintln!("{} {}", record.level(), record.args());
    }

    fn flush(&self) {}
}
