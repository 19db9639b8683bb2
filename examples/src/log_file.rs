//! Log files that can be reopened.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use lariat::LogThrottle;
use log::Level;

/// Every request causes one while the file cannot be written to.
const LOST_LINES: LogThrottle = LogThrottle::new("lariat_examples::log_file");

/// The permissions of a log file that is made: addresses of visitors are not for every user of the machine.
const MODE: u32 = 0o640;

/// A file that lines are appended to; clones share it. After the file was renamed, [`reopen`](Self::reopen) makes a new one under its name.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// `None` for standard output.
    path: Option<PathBuf>,
    file: Arc<Mutex<File>>,
}

impl LogFile {
    /// Opens a file, which is made with mode 0640 if it is not there, or standard output for `-`.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened or made.
    pub fn open(path: &str) -> io::Result<Self> {
        let path = (path != "-").then(|| PathBuf::from(path));
        let file = open(path.as_ref())?;
        Ok(Self { path, file: Arc::new(Mutex::new(file)) })
    }

    /// Appends a line, by one system call, so that lines of several threads do not mix.
    pub fn write_line(&self, line: &str) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
            LOST_LINES.log(Level::Warn, format_args!("a line of the log {self} is lost: {error}"));
        }
    }

    /// Opens the file again under its name. Does nothing for standard output.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened or made; lines go on to the former one.
    pub fn reopen(&self) -> io::Result<()> {
        let file = open(self.path.as_ref())?;
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
        Ok(())
    }
}

impl fmt::Display for LogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => path.display().fmt(f),
            None => f.write_str("on standard output"),
        }
    }
}

fn open(path: Option<&PathBuf>) -> io::Result<File> {
    match path {
        Some(path) => File::options().append(true).create(true).mode(MODE).open(path),
        None => Ok(io::stdout().as_fd().try_clone_to_owned()?.into()),
    }
}
