//! The file that is written while a loop runs.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::byte_stream::Received;
use crate::clock::Time;
use crate::guarded::Guarded;

use super::digest::digest;
use super::format::{HEAD, MAGIC, Op, SIZES_ONLY, VERSION, put, put_answer};

/// Bytes that are gathered before they are written: what the system takes at once without being asked often.
const GATHERED: usize = 64 * 1024;

/// The least limit: the file's beginning and its end mark need about half of it.
const LEAST: u64 = 32;

/// A recording that is being made. Whatever goes wrong with it ends it, and the loop goes on.
pub(crate) struct Tape {
    path: PathBuf,
    sizes_only: bool,
    /// None once it has ended.
    open: Guarded<Option<Open>>,
    /// What is to be logged about its end. Entries are made where no logger may be called.
    word: Guarded<Option<String>>,
}

struct Open {
    file: File,
    gathered: Vec<u8>,
    /// Bytes in the file: `written + gathered.len() < limit`, but for the end mark.
    written: u64,
    limit: u64,
    last: Time,
}

impl Tape {
    /// Makes the file, which only its owner may read.
    ///
    /// # Errors
    ///
    /// What making a file may fail with; [`io::ErrorKind::AlreadyExists`] if there is one of that name.
    pub(crate) fn create(path: &Path, limit: u64, sizes_only: bool) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut gathered = Vec::with_capacity(2 * GATHERED);
        gathered.extend_from_slice(&MAGIC);
        put(&mut gathered, VERSION);
        put(&mut gathered, if sizes_only { SIZES_ONLY } else { 0 });
        let mut open = Open { file, gathered, written: 0, limit: limit.max(LEAST), last: Time::default() };
        // A full disk is told at once.
        open.flush()?;
        Ok(Self { path: path.to_owned(), sizes_only, open: Guarded::new(Some(open)), word: Guarded::new(None) })
    }

    /// Records that `op` was done to `subject`. `detail` writes what was asked and answered.
    #[inline]
    pub(super) fn note(&self, op: Op, subject: u64, detail: impl FnOnce(&mut Vec<u8>)) {
        self.open.with(|slot| {
            let Some(open) = slot else { return };
            let start = open.gathered.len();
            open.gathered.push(op as u8);
            if op.has_subject() {
                put(&mut open.gathered, subject);
            }
            detail(&mut open.gathered);
            if open.length() >= open.limit {
                open.gathered.truncate(start);
                open.gathered.push(Op::Full as u8);
                let word = match open.flush() {
                    Ok(()) => format!("has reached its limit of {} bytes", open.limit),
                    Err(error) => format!("cannot be written: {error}"),
                };
                self.end_with(slot, &word);
            } else if open.gathered.len() >= GATHERED {
                self.flush_open(slot);
            }
        });
    }

    pub(super) fn note_time(&self, now: Time) {
        let since = self
            .open
            .with(|slot| slot.as_mut().map_or(0, |open| now.nanos_since(std::mem::replace(&mut open.last, now))));
        self.note(Op::Now, 0, |out| put(out, since));
    }

    pub(super) fn note_read(&self, subject: u64, buffer: &[u8], received: &io::Result<Received>) {
        self.note(Op::Read, subject, |out| {
            put_answer(out, received, |out, received| {
                put(out, (received.count as u64) << 1 | u64::from(received.drained));
                if !self.sizes_only {
                    out.extend_from_slice(&buffer[..received.count]);
                }
            });
        });
    }

    pub(super) fn note_write(&self, subject: u64, slices: &[IoSlice<'_>], taken: &io::Result<usize>) {
        self.note(Op::Write, subject, |out| {
            put(out, total(slices));
            put_answer(out, taken, |out, taken| put(out, *taken as u64));
            if !self.sizes_only {
                out.extend_from_slice(&digest(slices, *taken.as_ref().unwrap_or(&0)).to_le_bytes());
                put_head(out, slices);
            }
        });
    }

    /// Writes out what is gathered.
    pub(super) fn flush(&self) {
        self.open.with(|slot| self.flush_open(slot));
    }

    pub(super) fn is_gathering(&self) -> bool {
        self.open.with(|slot| slot.as_ref().is_some_and(|open| !open.gathered.is_empty()))
    }

    /// The loop is over, and so is the recording.
    pub(super) fn finish(&self) {
        self.note(Op::End, 0, |_| {});
        self.flush();
        self.open.with(Option::take);
        self.tell();
    }

    /// Logs what has ended it, if anything has since the last time.
    pub(super) fn tell(&self) {
        if let Some(word) = self.word.with(Option::take) {
            log::warn!("the recording {} {word}; it ends here, and the loop goes on", self.path.display());
        }
    }

    fn flush_open(&self, slot: &mut Option<Open>) {
        if let Some(open) = slot
            && let Err(error) = open.flush()
        {
            self.end_with(slot, &format!("cannot be written: {error}"));
        }
    }

    fn end_with(&self, slot: &mut Option<Open>, word: &str) {
        *slot = None;
        self.word.with(|told| *told = Some(word.to_owned()));
    }
}

impl Open {
    fn length(&self) -> u64 {
        self.written + self.gathered.len() as u64
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.gathered)?;
        self.written = self.length();
        self.gathered.clear();
        Ok(())
    }
}

/// How many bytes `slices` have together.
pub(super) fn total(slices: &[IoSlice<'_>]) -> u64 {
    slices.iter().map(|slice| slice.len() as u64).sum()
}

/// Writes the beginning of what `slices` have.
fn put_head(out: &mut Vec<u8>, slices: &[IoSlice<'_>]) {
    let start = out.len();
    out.push(0);
    for slice in slices {
        let room = HEAD - (out.len() - start - 1);
        out.extend_from_slice(&slice[..slice.len().min(room)]);
    }
    // It fits: a head is short.
    out[start] = (out.len() - start - 1).to_le_bytes()[0];
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("path", &self.path).finish_non_exhaustive()
    }
}
